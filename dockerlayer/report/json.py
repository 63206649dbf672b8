"""The report for programs: one JSON object, version 1.

::

    {"version": 1, "tool": "dockerlayer", "tool_version": "0.1.0",
     "files": [{"path": "Dockerfile",
                "contexts": [{"path": "..", "builds": [{"kind", "name", "file", "line"}]}],
                "findings": [{"rule", "severity", "message", "help", "ecosystem",
                              "cost": [{"count": null | int, "unit", "registry", "payer"}],
                              "place": {"start": {"offset", "line", "column"}, "end": {...}},
                              "fix": null | {"title", "applicability", "pattern", "assumptions": [...], "notes": [...],
                                             "edits": [{"start", "end", "text"}],
                                             "ignore": null | {"path", "lines": [...]}},
                              "refusals": [{"code", "message", "line": null | int}]}]}],
     "errors": [{"path", "message"}],
     "summary": {"files", "failed", "dirty", "problems", "safe", "unsafe", "made", "changed", "known",
                 "error", "warning", "info"}}

``contexts`` are those that Compose and Bake files build the file from, which it was judged in; it is left out where no
build names the file, and where the user chose a context. ``kind`` is service or target.

Offsets, ``start`` and ``end`` of edits included, count bytes of the file as it is on disk (for ``fix``: as it is after
fixing) and are half-open; lines and columns count from 1, columns in characters. ``severity`` is error, warning or
info; ``applicability`` is safe, unsafe or manual. ``ignore`` are lines for the end of the ignore file ``path`` (made
if it is not there), which are a part of the fix; ``--diff`` shows them in ``diff`` as well. ``fix`` adds to each file
``"changed": bool``, ``"made": [{"rule", "message", "line", "title", "applicability", "pattern", "assumptions", "notes",
"ignore"}]`` and, for ``--diff``, ``"diff": str``. ``--statistics`` adds ``"statistics": {"rules": [{"rule", "severity",
"findings", "safe", "unsafe"}], "downloads": [{"registry", "payer", "unit", "number", "findings", "uncounted"}]}``.

Every string is valid Unicode: what is not UTF-8 shows as U+FFFD, and then ``path_base64``, ``text_base64`` or
``diff_base64`` beside it holds the true bytes.
"""

from __future__ import annotations

import json
import os
from base64 import b64encode
from collections.abc import Sequence
from typing import Any

from dockerlayer import __version__
from dockerlayer.engine import Made
from dockerlayer.findings import Finding, Fix
from dockerlayer.report.formats import Run
from dockerlayer.report.record import BuiltFrom, FileRecord, Tally
from dockerlayer.report.visible import decodable
from dockerlayer.syntax.tree import Dockerfile

VERSION = 1
STREAMS = False


def part(record: FileRecord, run: Run) -> str:
    """One element of ``files``."""
    return file_json(record, fixing=run.fixing)


def whole(parts: Sequence[str], errors: Sequence[tuple[str, str]], tally: Tally, run: Run) -> str:
    """The whole object."""
    return document_json(parts, errors, tally, statistics=run.statistics)


def file_json(record: FileRecord, *, fixing: bool = False) -> str:
    """One element of ``files``; ``fixing`` adds what ``fix`` did."""
    found: dict[str, Any] = {
        **_named("path", os.fsencode(record.path)),
        "findings": [_finding(record, finding) for finding in record.report.findings],
    }
    if record.built_from:
        found["contexts"] = [context_json(place) for place in record.built_from]
    if fixing:
        found["changed"] = record.changed
        found["made"] = [_made(record, made) for made in record.made]
    if record.diff is not None:
        found |= _named("diff", record.diff)
    return json.dumps(found)


def context_json(place: BuiltFrom) -> dict[str, Any]:
    """``{"path", "builds": [{"kind", "name", "file", "line"}]}``."""
    builds = [
        {"kind": build.kind, "name": decodable(build.name), "file": decodable(build.file), "line": build.line}
        for build in place.builds
    ]
    return {**_named("path", os.fsencode(place.context)), "builds": builds}


def document_json(
    files: Sequence[str], errors: Sequence[tuple[str, str]], tally: Tally, *, statistics: bool = False
) -> str:
    """The whole object from the elements that ``file_json`` made, and from path and message of each error."""
    head = json.dumps(header())[:-1]
    listed = [{**_named("path", os.fsencode(path)), "message": decodable(message)} for path, message in errors]
    tail = f'"errors": {json.dumps(listed)}, "summary": {json.dumps(tally._asdict())}'
    if statistics:
        tail += f', "statistics": {json.dumps(_statistics(files))}'
    return f'{head}, "files": [{", ".join(files)}], {tail}}}\n'


def _statistics(files: Sequence[str]) -> dict[str, Any]:
    from dockerlayer.report.totals import files_of, totals_of

    totals = totals_of(files_of(files))
    return {name: [item._asdict() for item in items] for name, items in totals._asdict().items()}


def header() -> dict[str, Any]:
    """The members that every JSON answer of dockerlayer starts with."""
    return {"version": VERSION, "tool": "dockerlayer", "tool_version": __version__}


def _named(name: str, data: bytes) -> dict[str, str]:
    try:
        return {name: data.decode()}
    except UnicodeDecodeError:
        return {name: data.decode("utf-8", "replace"), f"{name}_base64": b64encode(data).decode()}


def _finding(record: FileRecord, finding: Finding) -> dict[str, Any]:
    dockerfile = record.report.dockerfile
    return {
        "rule": finding.rule,
        "severity": finding.severity.value,
        "message": decodable(finding.message),
        "help": decodable(finding.help),
        "ecosystem": finding.ecosystem,
        "cost": [
            {
                "count": cost.number,
                "unit": decodable(cost.unit),
                "registry": decodable(cost.registry),
                "payer": decodable(cost.payer),
            }
            for cost in finding.cost
        ],
        "place": {"start": _position(dockerfile, finding.start), "end": _position(dockerfile, finding.end)},
        "fix": None if finding.fix is None else _fix(record, finding.fix),
        "refusals": [
            {"code": refusal.code, "message": decodable(refusal.message), "line": refusal.line}
            for refusal in finding.refusals
        ],
    }


def _position(dockerfile: Dockerfile, offset: int) -> dict[str, int]:
    line, column = dockerfile.position(offset)
    return {"offset": offset, "line": line, "column": column}


def _description(record: FileRecord, fix: Fix) -> dict[str, Any]:
    return {
        "title": decodable(fix.title),
        "applicability": fix.applicability.value,
        "pattern": fix.pattern,
        "assumptions": list(map(decodable, fix.assumptions)),
        "notes": list(map(decodable, fix.notes)),
        "ignore": _ignore(record, fix),
    }


def _ignore(record: FileRecord, fix: Fix) -> dict[str, Any] | None:
    if not fix.ignore:
        return None
    return {**_named("path", os.fsencode(record.ignore_file)), "lines": list(map(decodable, fix.ignore))}


def _fix(record: FileRecord, fix: Fix) -> dict[str, Any]:
    edits = [{"start": edit.start, "end": edit.end, **_named("text", edit.text)} for edit in fix.edits]
    return {**_description(record, fix), "edits": edits}


def _made(record: FileRecord, made: Made) -> dict[str, Any]:
    finding = {"rule": made.finding.rule, "message": decodable(made.finding.message), "line": made.line}
    return {**finding, **_description(record, made.fix)}
