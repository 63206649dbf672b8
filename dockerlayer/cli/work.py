"""What is done to one file, wherever it runs: read, examine or repair, report. Nothing is written here."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from dockerlayer.agreement import View, examine_all, repair_all, views_of
from dockerlayer.api import Ecosystem
from dockerlayer.builds.places import Place
from dockerlayer.cli.outputs import Output
from dockerlayer.cli.places import Places
from dockerlayer.cli.request import Settings
from dockerlayer.cli.terminal import say
from dockerlayer.engine import Options, Report
from dockerlayer.errors import DockerlayerError, InputError
from dockerlayer.model.context import Context
from dockerlayer.report.formats import Run, style_of
from dockerlayer.report.place import Root
from dockerlayer.report.record import BuiltFrom, FileRecord, Tally, built_from, tally_of
from dockerlayer.source import read_file
from dockerlayer.syntax.parser import parse
from dockerlayer.syntax.tree import Dockerfile
from dockerlayer.syntax.validate import whole_file_problem

if TYPE_CHECKING:
    from dockerlayer.baseline import Known
    from dockerlayer.cli.diffbase import Base


class Task(NamedTuple):
    """What to do with every file, and which reports to make of it. ``command`` is check, fix or diff.

    With a ``reason``, which may be empty, ``check`` has comments written that leave alone what it finds.
    ``listing`` says that what is found goes into a baseline instead of the report.
    """

    command: str
    ecosystems: Sequence[Ecosystem]
    outputs: tuple[Output, ...] = (Output("text"),)
    reason: str | None = None
    listing: bool = False
    root: Root = Root()
    statistics: bool = False

    def run_for(self, output: Output, settings: Settings) -> Run:
        """What a report tells about the run."""
        unsafe = settings.options.unsafe
        return Run(self.command, self.ecosystems, unsafe, output.paint, self.root, self.statistics)


class Source(NamedTuple):
    """A file to read; or, with ``data``, a text that was read already and may have no place (``placed``).

    ``known`` is what a baseline lists for it, ``base`` what it was before the change that is looked at.
    ``places`` are the contexts that Compose and Bake files build it from.
    """

    path: str
    settings: Settings = Settings()
    data: bytes | None = None
    placed: bool = True
    known: Known | None = None
    base: Base | None = None
    places: tuple[Place, ...] = ()


class Failure(NamedTuple):
    """Why a file could not be dealt with, or ``files`` of them. ``internal`` is a bug of ours.

    ``placed`` is whether the message itself says where it belongs, line by line.
    """

    path: str
    message: str
    internal: bool = False
    files: int = 1
    placed: bool = False

    @property
    def sentence(self) -> str:
        """The message for standard error."""
        if self.internal:
            return f"internal error in {self.path}: {self.message}"
        if self.placed:
            return "\n".join(f"error: {line}" for line in self.message.split("\n"))
        return f"error: {self.path}: {self.message}"


class Result(NamedTuple):
    """What came of a file: ``parts`` are those of the reports; ``old`` and ``new`` are its text before and after.

    ``ignore`` are lines for the end of the file ``ignore_file``. ``left_alone`` findings got a comment. ``listed`` is
    what goes into a baseline, ``gone`` what is in one and was not found.
    """

    source: Source
    parts: tuple[str, ...] = ()
    tally: Tally = Tally(failed=1)
    diff: bytes = b""
    old: bytes = b""
    new: bytes = b""
    failure: Failure | None = None
    ignore_file: str = ""
    ignore: tuple[str, ...] = ()
    left_alone: int = 0
    listed: Known | None = None
    gone: Known | None = None


def failed(source: Source, message: str, *, internal: bool = False) -> Result:
    """The result for a file that could not be dealt with."""
    return Result(source, failure=Failure(source.path, message, internal))


def work(task: Task, source: Source) -> Result:
    """Do the task for one file; whatever goes wrong is part of the result."""
    try:
        return _work(task, source)
    except DockerlayerError as error:
        return failed(source, str(error))
    except Exception as error:  # a bug met in one file must not keep the others from being checked
        message = f"{type(error).__name__}: {error}; please report"
        if os.environ.get("DOCKERLAYER_DEBUG", "0") not in {"", "0"}:
            from traceback import format_exc

            message += f"\n{format_exc()}"
        return failed(source, message, internal=True)


def _work(task: Task, source: Source) -> Result:
    data = read_file(source.path) if source.data is None else source.data
    options = source.settings.options
    views = _views(source)
    ignore_file, built_from = str(views[0].context.ignore_target), _built_from(source)
    if task.command == "check":
        report = _selected(examine_all(data, views, task.ecosystems, options), options)
        record = FileRecord(source.path, report, ignore_file=ignore_file, built_from=built_from)
        new, number = data, 0
        if task.reason is not None:
            from dockerlayer.cli.ignoring import annotated

            new, number = annotated(_left_in(task, source, record)[0].report, task.reason)
            if number:
                report = _selected(examine_all(new, views, task.ecosystems, options), options)
        return _result(task, source, record._replace(report=report), data, new)._replace(left_alone=number)
    # What comes from standard input has no context of its own: such fixes are told, and not made.
    options = options._replace(ignores=source.data is None)
    outcome = repair_all(data, views, task.ecosystems, options)
    record = FileRecord(
        source.path,
        _selected(outcome.report, options),
        outcome.made,
        bool(outcome.data != data or outcome.ignore),
        ignore_file=ignore_file,
        built_from=built_from,
    )
    diff = b""
    if task.command == "diff":
        from dockerlayer.report.diff import diff_of

        diff = told = diff_of(source.path, data, outcome.data)
        if outcome.ignore:
            from dockerlayer.cli.ignorefile import diff_of_lines

            told += diff_of_lines(record.ignore_file, outcome.ignore, {})
        record = record._replace(diff=told)
    result = _result(task, source, record, data, outcome.data)
    return result._replace(diff=diff, ignore_file=record.ignore_file, ignore=outcome.ignore)


_near: Context | None = None


def _views(source: Source) -> list[View]:
    global _near
    if source.placed:
        views = views_of(source.path, source.settings.context, source.places, _near)
        _near = views[0].context
        return views
    directory = source.settings.context
    return [View(Context.open(Path(directory)) if directory is not None else Context.nothing())]


def _built_from(source: Source) -> tuple[BuiltFrom, ...]:
    """What the reports tell of the contexts; nothing where the user chose one."""
    return () if source.settings.context is not None else built_from(source.places)


def _selected(report: Report, options: Options) -> Report:
    """Without the findings that the engine makes whatever is selected."""
    return report._replace(findings=tuple(item for item in report.findings if item.rule in options.rules))


def _result(task: Task, source: Source, record: FileRecord, old: bytes, new: bytes) -> Result:
    record, listed, gone = _left_in(task, source, record)
    parts = tuple(
        style_of(output.format).part(record, task.run_for(output, source.settings)) for output in task.outputs
    )
    return Result(source, parts, tally_of(record), old=old, new=new, listed=listed, gone=gone)


def _left_in(task: Task, source: Source, record: FileRecord) -> tuple[FileRecord, Known | None, Known | None]:
    """The record without what a baseline or an earlier commit has; what goes into a baseline, and what is gone."""
    if not task.listing and source.known is None and source.base is None:
        return record, None, None
    from dockerlayer.cli.new_findings import new_findings

    return new_findings(task, source, record)


class Buildable(NamedTuple):
    """A Dockerfile that BuildKit accepts, with the contexts to judge it in and the places where these come from."""

    dockerfile: Dockerfile
    views: list[View]
    places: tuple[Place, ...]


def open_buildable(path: str, directory: str | None) -> Buildable:
    """A Dockerfile that BuildKit accepts, with its contexts; raises InputError with the path and the cause.

    ``directory`` is the context that the user wants. The first of several is told to be the one that counts.
    """
    try:
        dockerfile = parse(read_file(path))
        places = Places().of(path) if directory is None else ()
        views = views_of(path, directory, places)
    except InputError as error:
        raise InputError(f"{path}: {error}") from error
    problem = whole_file_problem(dockerfile)
    if problem is not None:
        raise InputError(f"{path}:{problem.start_line}: BuildKit refuses this file: {problem.message}")
    if len(places) > 1:
        say(f"{path} is built from several contexts; {views[0].title}: that one is taken, --context chooses another")
    return Buildable(dockerfile, views, places)
