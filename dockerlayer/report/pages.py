"""The pages of rules as Markdown (CommonMark), for a site and for tools that show help."""

from __future__ import annotations

import re
from collections.abc import Iterable

from dockerlayer.checks.pages import REFERENCES, Section, references, sections
from dockerlayer.checks.rules import RuleInfo
from dockerlayer.report.rules import facts
from dockerlayer.report.visible import shown

_CODE = re.compile(r"(`[^`\n]+(?:\n[^`\n]+)*`)")
_SPECIAL = re.compile(r"([\\`*<\[\]~]|(?<![^\W_])_|_(?![^\W_])|&(?=#?\w+;))")
_LINE_START = re.compile(r"^(?=[-+](?:\s|$)|[-=][-= ]*$|#{1,6}(?:\s|$)|>)|^(\d+)(?=[.)](?:\s|$))")
_FENCE = re.compile("`+")
_EXAMPLES = {"Bad", "Good"}


def page_markdown(rule: RuleInfo) -> str:
    """The page of a rule, with one heading of the first level."""
    known = ", ".join(facts(rule)).replace(f"--select {rule.name}", f"`--select {rule.name}`")
    parts = [f"# {_escaped(rule.name)}", f"{known[:1].upper()}{known[1:]}."]
    for section in sections(rule.page):
        beside = f" ({prose(section.title)})" if section.title else ""
        parts += [f"## {section.heading}{beside}", _body(section)]
    return "\n\n".join(filter(None, parts)) + "\n"


def index_markdown(rules: Iterable[RuleInfo]) -> str:
    """The list of rules, each linked to a file of its name."""
    lines = ["# Rules", "", "| rule | severity | default | fix | what |", "| --- | --- | --- | --- | --- |"]
    for rule in rules:
        name, words = _escaped(rule.name), ("yes" if value else "no" for value in (rule.default, rule.fixable))
        summary = prose(rule.summary).replace("|", "\\|")
        lines.append(f"| [{name}]({rule.name}.md) | {rule.severity.value} | {' | '.join(words)} | {summary} |")
    return "\n".join(lines) + "\n"


def _body(section: Section) -> str:
    if section.heading in _EXAMPLES:
        return fenced(section.text, "dockerfile")
    if section.heading == REFERENCES:
        return "\n".join(
            f"- [{_escaped(shown(title))}]({url})" if url else f"- {prose(title)}"
            for title, url in references(section.text)
        )
    return prose(section.text[:1].upper() + section.text[1:])


def fenced(text: str, language: str) -> str:
    """A code block that nothing in the text can end."""
    fence = "`" * max(3, *(len(run) + 1 for run in _FENCE.findall(text) or [""]))
    return "\n".join([fence + language, *map(shown, text.splitlines()), fence])


def prose(text: str) -> str:
    """Paragraphs whose code stays code and of which nothing else is taken for markup."""
    pieces = _CODE.split("\n".join(shown(line.strip()) for line in text.splitlines()))
    escaped = "".join(piece.replace("\n", " ") if index % 2 else _escaped(piece) for index, piece in enumerate(pieces))
    return "\n".join(_LINE_START.sub(r"\1\\", line) for line in escaped.split("\n"))


def _escaped(text: str) -> str:
    return _SPECIAL.sub(r"\\\1", text)
