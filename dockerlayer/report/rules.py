"""Rules as a table, as JSON, and one by one as a page."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from dockerlayer.checks.pages import REFERENCES, referred
from dockerlayer.checks.rules import RuleInfo
from dockerlayer.report.visible import Paint, plain, shown


def rules_text(rules: Sequence[RuleInfo], paint: Paint = plain) -> str:
    """A table with a head: name, severity, whether it runs by default, whether it can be fixed, summary."""
    head = ("RULE", "SEVERITY", "DEFAULT", "FIX", "")
    rows = [
        (rule.name, rule.severity.value, _word(rule.default), _word(rule.fixable), shown(rule.summary))
        for rule in rules
    ]
    widths = [max(len(row[column]) for row in (head, *rows)) for column in range(4)]
    lines = ["  ".join(paint("note", cell) for cell in _cells(head, widths)).rstrip()]
    for row in rows:
        name, severity, *rest = _cells(row, widths)
        lines.append("  ".join((name, paint(row[1], severity), *rest)).rstrip())
    return "\n".join(lines) + "\n"


def rules_json(rules: Iterable[RuleInfo]) -> str:
    """``{"version", ..., "rules": [{"name", "severity", "ecosystem", "default", "fixable", "summary", ...}]}``.

    ``page`` is the text of the page, ``references`` are ``[{"title", "url"}]``.
    """
    import json

    from dockerlayer.report.json import header

    listed = [
        {
            "name": rule.name,
            "severity": rule.severity.value,
            "ecosystem": rule.ecosystem,
            "default": rule.default,
            "fixable": rule.fixable,
            "summary": rule.summary,
            "page": rule.page,
            "references": [found._asdict() for found in referred(rule.page)],
        }
        for rule in rules
    ]
    return json.dumps({**header(), "rules": listed}) + "\n"


def facts(rule: RuleInfo) -> list[str]:
    """What is known of a rule beside its page, the severity first."""
    told = [
        rule.severity.value,
        "on by default" if rule.default else f"off by default, --select {rule.name}",
        "can be fixed" if rule.fixable else "no automatic fix",
    ]
    return [*told, f"part of {rule.ecosystem}"] if rule.ecosystem else told


def page_text(rule: RuleInfo, paint: Paint = plain) -> str:
    """The page of a rule below a line with its properties."""
    lines = [_page_line(line, paint) for line in rule.page.splitlines()]
    return "\n".join([f"{paint(rule.severity.value, rule.name)} ({'; '.join(facts(rule))})", "", *lines]) + "\n"


def _page_line(line: str, paint: Paint) -> str:
    line = shown(line)
    if line.endswith("::") and not line.startswith(" "):
        return paint("note", line[:-1])
    if line == f"{REFERENCES}:":
        return paint("note", line)
    label, colon, rest = line.partition(": ")
    if colon and label in {"Why", "Fix safety"}:
        return f"{paint('note', label)}: {rest}"
    return line


def _cells(row: Sequence[str], widths: Sequence[int]) -> list[str]:
    return [cell.ljust(width) for cell, width in zip(row, (*widths, 0), strict=True)]


def _word(value: bool) -> str:
    return "yes" if value else "no"
