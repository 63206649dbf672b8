"""What the reports are made from: one record per file, and counts over all of them."""

from __future__ import annotations

from collections.abc import Iterable
from operator import add
from typing import NamedTuple

from dockerlayer.builds.places import Place
from dockerlayer.engine import Made, Report
from dockerlayer.findings import Applicability, Severity


class NamedBuild(NamedTuple):
    """A ``service`` or ``target`` (that is its ``kind``) of a Compose or Bake file, and where it is defined."""

    kind: str
    name: str
    file: str
    line: int


class BuiltFrom(NamedTuple):
    """A build context of a Dockerfile, and the builds that use it."""

    context: str
    builds: tuple[NamedBuild, ...]

    @property
    def title(self) -> str:
        """The context and where it was said: ``.. (compose.yaml:12, service api)``."""
        return f"{self.context} ({self.said})"

    @property
    def said(self) -> str:
        """Where it was said: ``compose.yaml:12, service api``."""
        build = self.builds[0]
        return f"{build.file}:{build.line}, {build.kind} {build.name}"


def built_from(places: Iterable[Place]) -> tuple[BuiltFrom, ...]:
    """What reports tell of the contexts that Compose and Bake files give to a Dockerfile."""
    return tuple(
        BuiltFrom(place.context, tuple(NamedBuild(*build[:2], build.file, build.line) for build in place.builds))
        for place in places
    )


class FileRecord(NamedTuple):
    """One file with what was found in it; after fixing, with what was made of it and what is left.

    ``path`` is as the user gave it, undecodable bytes as surrogates. ``diff`` is set when a diff was asked for.
    ``ignore_file`` is where the lines of fixes for the ignore file go. ``known`` findings are left out of the report.
    ``built_from`` are the contexts that Compose and Bake files build it from; none where they do not name it.
    """

    path: str
    report: Report
    made: tuple[Made, ...] = ()
    changed: bool = False
    diff: bytes | None = None
    ignore_file: str = ""
    known: int = 0
    built_from: tuple[BuiltFrom, ...] = ()


class Tally(NamedTuple):
    """Counts over files. ``files`` were read to the end; ``failed`` were not, for whatever reason.

    ``problems`` of ``dirty`` files are left; ``safe`` and ``unsafe`` of them have a fix of that kind. ``made`` fixes
    changed ``changed`` files. ``known`` problems are left out, for they are in a baseline or older than the change.
    ``error``, ``warning`` and ``info`` are the problems by severity.
    """

    files: int = 0
    failed: int = 0
    dirty: int = 0
    problems: int = 0
    safe: int = 0
    unsafe: int = 0
    made: int = 0
    changed: int = 0
    known: int = 0
    error: int = 0
    warning: int = 0
    info: int = 0

    def plus(self, other: Tally) -> Tally:
        """The counts over the files of both."""
        return Tally(*map(add, self, other))


def tally_of(record: FileRecord) -> Tally:
    """The counts for one file."""
    findings = record.report.findings
    kinds = [finding.fix.applicability for finding in findings if finding.fix is not None]
    severities = [finding.severity for finding in findings]
    return Tally(
        files=1,
        dirty=int(bool(findings)),
        problems=len(findings),
        safe=kinds.count(Applicability.SAFE),
        unsafe=kinds.count(Applicability.UNSAFE),
        made=len(record.made),
        changed=int(record.changed),
        known=record.known,
        error=severities.count(Severity.ERROR),
        warning=severities.count(Severity.WARNING),
        info=severities.count(Severity.INFO),
    )
