"""One line for each finding, as compilers write them: for terminals, editors and ``grep``."""

from __future__ import annotations

from collections.abc import Sequence

from dockerlayer.findings import Applicability, Fix
from dockerlayer.report.formats import Run
from dockerlayer.report.record import FileRecord, Tally
from dockerlayer.report.text import closing
from dockerlayer.report.visible import shown, shown_path

STREAMS = True
_MARKS = {Applicability.SAFE: " [fix]", Applicability.UNSAFE: " [fix --unsafe]", Applicability.MANUAL: ""}


def part(record: FileRecord, run: Run) -> str:
    """``path:line:column: severity rule message``, and behind it what makes the fix, if anything does."""
    path = run.paint("path", shown_path(record.path))
    lines = []
    for finding in record.report.findings:
        line, column = record.report.dockerfile.position(finding.start)
        severity = run.paint(finding.severity.value, finding.severity.value)
        text = f"{severity} {finding.rule} {shown(finding.message)}{_mark(finding.fix)}"
        lines.append(f"{path}:{line}:{column}: {text}\n")
    return "".join(lines)


def whole(parts: Sequence[str], errors: Sequence[tuple[str, str]], tally: Tally, run: Run) -> str:
    """The line that closes the text report."""
    return closing(tally, run)


def _mark(fix: Fix | None) -> str:
    return "" if fix is None else _MARKS[fix.applicability]
