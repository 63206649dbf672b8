"""The XML of Checkstyle, which Jenkins, reviewdog and many others read.

Source: the report that Checkstyle's XMLLogger writes. ``source`` is what readers group by, so it is the rule.
"""

from __future__ import annotations

from collections.abc import Sequence

from dockerlayer.report.formats import Run
from dockerlayer.report.markup import HEAD, tag
from dockerlayer.report.place import Root, told
from dockerlayer.report.record import FileRecord, Tally

STREAMS = False


def part(record: FileRecord, run: Run) -> str:
    """The element of one file, empty for a clean one."""
    dockerfile = record.report.dockerfile
    errors = []
    for finding in record.report.findings:
        line, column = dockerfile.position(finding.start)
        source = f"dockerlayer.{finding.rule}"
        error = tag(
            "error", line=line, column=column, severity=finding.severity.value, message=told(finding), source=source
        )
        errors.append(f"{error}/>\n")
    return f"{tag('file', name=Root().path(record.path))}>\n{''.join(errors)}</file>\n"


def whole(parts: Sequence[str], errors: Sequence[tuple[str, str]], tally: Tally, run: Run) -> str:
    """The document; a file that could not be checked is an error of that file."""
    failed = []
    for path, message in errors:
        error = tag("error", line=1, severity="error", message=message, source="dockerlayer.not-checked")
        failed.append(f"{tag('file', name=Root().path(path))}>\n{error}/>\n</file>\n")
    return f'{HEAD}<checkstyle version="4.3">\n{"".join(parts)}{"".join(failed)}</checkstyle>\n'
