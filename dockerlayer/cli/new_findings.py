"""Which findings of one file are new: neither in its baseline nor there at the commit that it is compared with."""

from __future__ import annotations

from dockerlayer.baseline import Known, known_of, listable, split
from dockerlayer.cli.work import Source, Task
from dockerlayer.report.record import FileRecord


def new_findings(task: Task, source: Source, record: FileRecord) -> tuple[FileRecord, Known | None, Known | None]:
    """The record without what is known; what goes into a baseline; and what is in one and was not found."""
    found = record.report.findings
    left = found
    listed = gone = None
    if task.listing and source.placed:
        listed = known_of(filter(listable, found))
        left = tuple(item for item in found if not listable(item))
    elif source.known is not None:
        left, gone = split(found, source.known)
    if source.base is not None and left:
        from dockerlayer.cli.diffbase import known_at

        left = split(left, known_at(source.base, source, task.ecosystems)).new
    record = record._replace(report=record.report._replace(findings=left), known=len(found) - len(left))
    return record, listed, gone
