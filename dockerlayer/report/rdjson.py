"""The diagnostic format of reviewdog, with suggestions that it can put into a review.

Source: ``proto/rdf/reviewdog.proto`` of reviewdog: columns count bytes of UTF-8, an end is exclusive, and paths start
where reviewdog runs. It applies each suggestion for itself, so all edits of a fix are one suggestion of whole lines.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from dockerlayer.checks.pages import referred
from dockerlayer.checks.rules import RuleInfo, rules_of
from dockerlayer.findings import Applicability, Finding, Fix, apply
from dockerlayer.report.formats import Run
from dockerlayer.report.place import Root, told
from dockerlayer.report.record import FileRecord, Tally
from dockerlayer.report.visible import decodable
from dockerlayer.syntax.tree import Dockerfile

STREAMS = False
_SEVERITIES = {"error": "ERROR", "warning": "WARNING", "info": "INFO"}


def part(record: FileRecord, run: Run) -> str:
    """The diagnostics of one file, each with a comma in front."""
    if not record.report.findings:
        return ""
    path, rules = _plain(record.path), rules_of(run.ecosystems)
    titles = {ecosystem.name: ecosystem.title for ecosystem in run.ecosystems}
    diagnostics = (
        _diagnostic(record, finding, path, _code(finding, rules.get(finding.rule), titles))
        for finding in record.report.findings
    )
    return "".join(f",{json.dumps(diagnostic)}" for diagnostic in diagnostics)


def whole(parts: Sequence[str], errors: Sequence[tuple[str, str]], tally: Tally, run: Run) -> str:
    """The result; a file that could not be checked is a diagnostic without a line."""
    failed = [
        "," + json.dumps({"message": decodable(text), "location": {"path": _plain(path)}, "severity": "ERROR"})
        for path, text in errors
    ]
    return f'{{"source": {{"name": "dockerlayer"}}, "diagnostics": [{"".join((*parts, *failed))[1:]}]}}\n'


def _plain(path: str) -> str:
    return decodable(Root().path(path))


def _diagnostic(record: FileRecord, finding: Finding, path: str, code: dict[str, str]) -> dict[str, Any]:
    dockerfile = record.report.dockerfile
    diagnostic: dict[str, Any] = {
        "message": told(finding),
        "location": {"path": path, "range": _range(dockerfile, finding.start, finding.end)},
        "severity": _SEVERITIES[finding.severity],
        "code": code,
    }
    suggestion = _suggestion(dockerfile, finding.fix)
    if suggestion is not None:
        diagnostic["suggestions"] = [suggestion]
    return diagnostic


def _code(finding: Finding, rule: RuleInfo | None, titles: Mapping[str, str]) -> dict[str, str]:
    """The rule, with an address that its page refers to: one on the matter, else one on the finding's ecosystem."""
    known = referred(rule.page) if rule is not None else []
    general = [item for item in known if item.title not in titles.values()]
    special = [item for item in known if item.title == titles.get(finding.ecosystem)]
    address = next(iter(general or special), None)
    return {"value": finding.rule, **({"url": address.url} if address is not None else {})}


def _suggestion(dockerfile: Dockerfile, fix: Fix | None) -> dict[str, Any] | None:
    """The lines from the first that changes to the last as they will be.

    None for what is to be done by hand, what changes another file as well, and what is not UTF-8.
    """
    if fix is None or fix.applicability is Applicability.MANUAL or fix.ignore or not fix.edits:
        return None
    data = dockerfile.data
    first = data.rfind(b"\n", 0, min(edit.start for edit in fix.edits)) + 1
    last = max(edit.end for edit in fix.edits)
    text = apply(data, fix.edits, first, last)
    line_end = dockerfile.line_end(max(last - 1, first))
    if data[line_end:last].endswith(b"\n") and text.endswith(data[line_end:last]):
        text, last = text[: line_end - last], line_end
    else:
        line_end = dockerfile.line_end(last)
        text, last = text + data[last:line_end], line_end
    try:
        return {"range": _range(dockerfile, first, last), "text": text.decode()}
    except UnicodeDecodeError:
        return None


def _range(dockerfile: Dockerfile, start: int, end: int) -> dict[str, dict[str, int]]:
    return {"start": _position(dockerfile, start), "end": _position(dockerfile, end)}


def _position(dockerfile: Dockerfile, offset: int) -> dict[str, int]:
    line = dockerfile.position(offset)[0]
    return {"line": line, "column": offset - dockerfile.line_offset(line) + 1}
