"""Annotations for GitHub Actions: workflow commands on standard output.

Sources: "Workflow commands for GitHub Actions" of the GitHub documentation; what is escaped is what ``escapeData`` and
``escapeProperty`` of the actions toolkit escape. GitHub shows ten annotations of each level and step; the log has all,
but of each command its message alone: hence the place in front of that.
"""

from __future__ import annotations

from collections.abc import Sequence

from dockerlayer.findings import Finding
from dockerlayer.report.formats import Run
from dockerlayer.report.place import told
from dockerlayer.report.record import FileRecord, Tally
from dockerlayer.report.text import closing
from dockerlayer.report.visible import decodable, shown

STREAMS = True
SHOWN = 10
_LEVELS = {"error": "error", "warning": "warning", "info": "notice"}
_LONGEST = 4000


def part(record: FileRecord, run: Run) -> str:
    """A command for each finding of a file, on a line of its own."""
    path = run.root.path(record.path)
    return "".join(_annotation(record, finding, path) for finding in record.report.findings)


def whole(parts: Sequence[str], errors: Sequence[tuple[str, str]], tally: Tally, run: Run) -> str:
    """A command for each failure, and for the log the line that closes the text report.

    Where there is too much it says as well what GitHub will not show.
    """
    lines = [_failure(path, text, run) for path, text in errors]
    lines.append(f"dockerlayer: {closing(tally, run)}")
    if tally.problems + len(errors) > SHOWN:
        lines.append(f"dockerlayer: GitHub shows {SHOWN} annotations of each level, this log has them all\n")
    return "".join(lines)


def _failure(path: str, text: str, run: Run) -> str:
    place = run.root.path(path)
    message = text if text.startswith(f"{path}:") else f"{shown(place)}: {text}"
    return _command("error", {"file": place, "title": "dockerlayer"}, message)


def _annotation(record: FileRecord, finding: Finding, path: str) -> str:
    dockerfile = record.report.dockerfile
    (line, column), (last, behind) = dockerfile.position(finding.start), dockerfile.position(finding.end)
    place: dict[str, object] = {"file": path, "line": line, "endLine": last}
    if line == last:
        # GitHub takes columns only where both are on one line; its end column is inclusive.
        place |= {"col": column, "endColumn": max(behind - 1, column)}
    message = f"{shown(path)}:{line}:{column}: {finding.rule}: {told(finding)}"
    return _command(_LEVELS[finding.severity], {**place, "title": finding.rule}, message)


def _command(level: str, properties: dict[str, object], message: str) -> str:
    words = ",".join(f"{name}={_escaped(str(value), ':,')}" for name, value in properties.items())
    if len(message) > _LONGEST:
        message = f"{message[:_LONGEST]}..."
    message = "\n".join(map(shown, message.split("\n")))
    return f"::{level} {words}::{_escaped(message)}\n"


def _escaped(text: str, more: str = "") -> str:
    for char in ("%", "\r", "\n", *more):
        text = text.replace(char, f"%{ord(char):02X}")
    return decodable(text)
