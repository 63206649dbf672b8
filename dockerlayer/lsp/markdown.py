"""Text from files as Markdown that shows just that text."""

from __future__ import annotations

import re

from dockerlayer.report.visible import shown

_LONGEST = 160
_SPAN = re.compile(r"(`+[^`]*`+)")
_MARKS = re.compile(r"([\\*_\[\]<>#|~&])")


def code(text: str) -> str:
    """The text on one line as a code span, cut where it is long."""
    text = shown(text)
    if len(text) > _LONGEST:
        text = f"{text[:_LONGEST]}..."
    fence = "`" * (_longest_run(text) + 1)
    gap = " " if text.startswith("`") or text.endswith("`") or not text.strip() else ""
    return f"{fence}{gap}{text}{gap}{fence}"


def prose(text: str) -> str:
    """A sentence whose only Markdown is its code between backticks."""
    parts = _SPAN.split(shown(text))
    return "".join(part if at % 2 else _MARKS.sub(r"\\\1", part) for at, part in enumerate(parts))


def fenced(lines: list[str], language: str) -> str:
    """Lines as a block of code."""
    fence = "`" * max(3, *(_longest_run(line) + 1 for line in lines)) if lines else "```"
    return "\n".join([f"{fence}{language}", *map(shown, lines), fence])


def _longest_run(text: str) -> int:
    return max(map(len, re.findall("`+", text)), default=0)
