"""A Code Quality report for GitLab: the part of the Code Climate format that GitLab reads.

Source: "Code Quality report format" of the GitLab documentation. All its members are required; of issues with the same
fingerprint GitLab shows one; a path must be relative, without ``./`` in front. Severities are those that hadolint's
report of this format gives its own.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from hashlib import sha256
from typing import Any

from dockerlayer.report.formats import Run
from dockerlayer.report.place import fingerprints, told
from dockerlayer.report.record import FileRecord, Tally
from dockerlayer.report.visible import decodable

STREAMS = False
_SEVERITIES = {"error": "critical", "warning": "major", "info": "minor"}


def part(record: FileRecord, run: Run) -> str:
    """The issues of one file, each with a comma in front."""
    dockerfile = record.report.dockerfile
    path = run.root.path(record.path)
    return "".join(
        "," + _issue(path, told(finding), finding.rule, mark, _SEVERITIES[finding.severity], lines)
        for finding, mark in zip(record.report.findings, fingerprints(record, path), strict=True)
        for lines in [{"begin": dockerfile.position(finding.start)[0], "end": dockerfile.position(finding.end)[0]}]
    )


def whole(parts: Sequence[str], errors: Sequence[tuple[str, str]], tally: Tally, run: Run) -> str:
    """One array of all issues; a file that could not be checked is one, too."""
    failed = [
        "," + _issue(run.root.path(path), message, "not-checked", _mark(path, message), "blocker", {"begin": 1})
        for path, message in errors
    ]
    return f"[{''.join((*parts, *failed))[1:]}]\n"


def _mark(path: str, message: str) -> str:
    return sha256(f"{path}\0{message}".encode("utf-8", "surrogatepass")).hexdigest()[:32]


def _issue(path: str, text: str, name: str, mark: str, severity: str, lines: dict[str, int]) -> str:
    issue: dict[str, Any] = {
        "description": decodable(text),
        "check_name": name,
        "fingerprint": mark,
        "severity": severity,
        "location": {"path": decodable(path), "lines": lines},
    }
    return json.dumps(issue)
