"""What is done to one file, wherever it runs: read, examine or repair, report. Nothing is written here."""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from dockerlayer.api import Ecosystem
from dockerlayer.engine import Options, Report, context_for, examine, repair
from dockerlayer.errors import DockerlayerError, InputError
from dockerlayer.model.context import Context
from dockerlayer.report.record import FileRecord, Tally, tally_of
from dockerlayer.report.visible import Paint
from dockerlayer.syntax.parser import parse
from dockerlayer.syntax.tree import Dockerfile
from dockerlayer.syntax.validate import whole_file_problem

SIZE_LIMIT = 64 * 1024 * 1024


class Task(NamedTuple):
    """What to do with every file. ``command`` is check, fix or diff; ``context`` is a directory or None."""

    command: str
    options: Options
    ecosystems: Sequence[Ecosystem]
    context: str | None
    as_json: bool
    paint: Paint


class Source(NamedTuple):
    """A file to read; or, with ``data``, a text that was read already and may have no place (``placed``)."""

    path: str
    data: bytes | None = None
    placed: bool = True


class Failure(NamedTuple):
    """Why a file could not be dealt with. ``internal`` is a bug of ours."""

    path: str
    message: str
    internal: bool = False

    @property
    def sentence(self) -> str:
        """The message for standard error."""
        if self.internal:
            return f"internal error in {self.path}: {self.message}"
        return f"error: {self.path}: {self.message}"


class Result(NamedTuple):
    """What came of a file: ``block`` is its part of the report; ``old`` and ``new`` are its text before and after.

    ``ignore`` are lines for the end of the file ``ignore_file``.
    """

    source: Source
    block: str = ""
    tally: Tally = Tally(failed=1)
    diff: bytes = b""
    old: bytes = b""
    new: bytes = b""
    failure: Failure | None = None
    ignore_file: str = ""
    ignore: tuple[str, ...] = ()


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
    context = _context(task, source)
    if task.command == "check":
        report = _selected(examine(data, context, task.ecosystems, task.options), task.options)
        return _result(
            task, source, FileRecord(source.path, report, ignore_file=str(context.ignore_target)), data, data
        )
    # What comes from standard input has no context of its own: such fixes are told, and not made.
    options = task.options._replace(ignores=source.data is None)
    outcome = repair(data, context, task.ecosystems, options)
    report = _selected(outcome.report, task.options)
    record = FileRecord(source.path, report, outcome.made, bool(outcome.data != data or outcome.ignore))
    record = record._replace(ignore_file=str(context.ignore_target))
    if task.command == "diff":
        from dockerlayer.report.diff import diff_of

        diff = diff_of(source.path, data, outcome.data)
        if task.as_json and outcome.ignore:
            from dockerlayer.cli.ignorefile import diff_of_lines

            diff += diff_of_lines(record.ignore_file, outcome.ignore, {})
        record = record._replace(diff=diff)
    result = _result(task, source, record, data, outcome.data)
    return result._replace(ignore_file=str(context.ignore_target), ignore=outcome.ignore)


_near: Context | None = None


def _context(task: Task, source: Source) -> Context:
    global _near
    directory = Path(task.context) if task.context is not None else None
    if source.placed:
        _near = context_for(Path(source.path), directory, _near)
        return _near
    return Context.open(directory) if directory is not None else Context.nothing()


def _selected(report: Report, options: Options) -> Report:
    """Without the findings that the engine makes whatever is selected."""
    return report._replace(findings=tuple(item for item in report.findings if item.rule in options.rules))


def _result(task: Task, source: Source, record: FileRecord, old: bytes, new: bytes) -> Result:
    return Result(source, _block(task, record), tally_of(record), record.diff or b"", old, new)


def _block(task: Task, record: FileRecord) -> str:
    if task.as_json:
        from dockerlayer.report.json import file_json

        return file_json(record, fixing=task.command != "check")
    from dockerlayer.report.text import findings_text, fixed_text, hints_text

    if task.command == "check":
        return findings_text(record, task.paint)
    text = fixed_text(record, task.paint, written=task.command == "fix")
    return text if task.options.unsafe else text + hints_text(record)


def open_buildable(path: str, directory: str | None) -> tuple[Dockerfile, Context]:
    """A Dockerfile that BuildKit accepts, with its context; raises InputError with the path and the cause."""
    try:
        dockerfile = parse(read_file(path))
        context = context_for(Path(path), Path(directory) if directory is not None else None)
    except InputError as error:
        raise InputError(f"{path}: {error}") from error
    problem = whole_file_problem(dockerfile)
    if problem is not None:
        raise InputError(f"{path}:{problem.start_line}: BuildKit refuses this file: {problem.message}")
    return dockerfile, context


def read_file(path: str) -> bytes:
    """The bytes of a regular file; raises InputError with the cause alone."""
    try:
        # A pipe would block for ever, and may take the place of a file at any time.
        flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
        with os.fdopen(os.open(path, flags), "rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            if not stat.S_ISREG(mode):
                raise InputError("is a directory" if stat.S_ISDIR(mode) else "not a regular file")
            data = file.read(SIZE_LIMIT + 1)
    except OSError as error:
        raise InputError(error.strerror or str(error)) from error
    except ValueError as error:
        raise InputError(str(error)) from error
    if len(data) > SIZE_LIMIT:
        raise InputError(f"larger than {SIZE_LIMIT // 2**20} MiB")
    return data
