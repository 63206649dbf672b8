"""A job summary in Markdown: what is downloaded again, by registry; what was found; what can be fixed.

GitHub takes 1 MiB of summary from one step ("Workflow commands for GitHub Actions"), so long lists are cut and say so.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from dockerlayer.report.formats import Run
from dockerlayer.report.json import part as part
from dockerlayer.report.record import Tally
from dockerlayer.report.text import closing
from dockerlayer.report.totals import files_of, totals_of
from dockerlayer.report.visible import shown

STREAMS = False
ROWS = 300
_LONGEST = 300
_FIX = "`dockerlayer fix"
_SPECIAL = re.compile(r"([\\`*_\[\]|~$#])")


def whole(parts: Sequence[str], errors: Sequence[tuple[str, str]], tally: Tally, run: Run) -> str:
    """The page, without a top-level heading so that it fits into another one."""
    files = files_of(parts)
    closed = closing(tally, run).rstrip("\n")
    sections = ["## dockerlayer", closed]
    downloads = totals_of(files).downloads
    if downloads:
        costs = [(_text(it.registry), _text(it.payer), _text(it.words), str(it.findings)) for it in downloads]
        columns = ("registry", "paid for by", "downloaded again", "findings")
        sections += ["### Downloaded again without need", _table(columns, costs)]
    if run.fixing:
        made = list(_made(files, run))
        title = "Fixed" if run.command == "fix" else "Would be fixed"
        sections += [f"### {title}", _table(("file", "line", "rule", "fix"), made)] if made else []
    found = list(_found(files, run))
    if found:
        head = ("file", "line", "severity", "rule", "what", "fix")
        sections += ["### Left" if run.fixing else "### Found", _table(head, found)]
    if any(row[-1].startswith(_FIX) for row in found):
        unsafe = " --unsafe" if any(row[-1].startswith(f"{_FIX} --unsafe") for row in found) else ""
        sections.append(f"{_FIX}{unsafe} --diff` shows what the fixes change.")
    if errors:
        failed = [(_text(run.root.path(path)), _text(message)) for path, message in errors]
        sections += ["### Could not be checked", _table(("file", "why"), failed)]
    return "\n\n".join(sections) + "\n"


def _found(files: Sequence[dict[str, Any]], run: Run) -> Iterator[tuple[str, ...]]:
    for file in files:
        path = _text(run.root.path(file["path"]))
        for finding in file["findings"]:
            start = finding["place"]["start"]["line"]
            rule, severity, message = finding["rule"], finding["severity"], finding["message"]
            yield path, str(start), severity, _text(rule), _text(message), _way(finding)


def _way(finding: dict[str, Any]) -> str:
    fix = finding["fix"]
    if fix is None:
        refusals = finding["refusals"]
        return _text(f"none: {refusals[0]['message']}" if refusals else finding["help"])
    return {
        "safe": "`dockerlayer fix`",
        "unsafe": f"`dockerlayer fix --unsafe`: {_text('; '.join(fix['assumptions']))}",
        "manual": f"by hand: {_text(fix['title'])}",
    }[fix["applicability"]]


def _made(files: Sequence[dict[str, Any]], run: Run) -> Iterator[tuple[str, ...]]:
    for file in files:
        path = _text(run.root.path(file["path"]))
        for made in file["made"]:
            yield path, str(made["line"]), _text(made["rule"]), _text(f"{made['title']} ({made['applicability']})")


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows[:ROWS]]
    more = f"\n\nAnd {len(rows) - ROWS} more." if len(rows) > ROWS else ""
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + more


def _text(text: str) -> str:
    """The text as words and nothing else: no markup, no HTML, no more than fits a cell."""
    text = shown(" ".join(text.split()))
    text = text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _SPECIAL.sub(r"\\\1", text)
