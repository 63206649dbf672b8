"""The reports that a command line asks for: one where the command's report goes, and any number of files."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import NamedTuple, TextIO

from dockerlayer.cli.choices import FailOn, ReportFormat
from dockerlayer.cli.request import Request
from dockerlayer.cli.terminal import wants_colour
from dockerlayer.errors import EXIT_CLEAN, EXIT_ERROR, EXIT_FINDINGS, UsageError, meant
from dockerlayer.report.record import Tally
from dockerlayer.report.visible import Paint, ansi, plain

STATISTICS = "statistics"
BESIDE_DIFF = frozenset({ReportFormat.TEXT.value, ReportFormat.CONCISE.value, STATISTICS})
"""Reports for people: coloured, and a diff can stand beside them; the others have standard output for themselves."""

_POINTING = frozenset({"sarif", "github", "gitlab", "junit", "checkstyle", "rdjson"})
_HERE = "-"


class Output(NamedTuple):
    """A report that is asked for: its format, how it is coloured, and its file; "" is where the report goes."""

    format: str
    paint: Paint = plain
    path: str = ""


def format_of(request: Request) -> str:
    """The format of the report, by ``--format`` or by an ``--output`` to ``-``; raises UsageError if both name one."""
    here = [name for name, path in map(_read, request.outputs) if path == _HERE]
    if len(here) > 1 or (here and request.format is not None):
        asked = [f"--format {request.format}"] if request.format is not None else []
        asked += [f"--output {name}=-" for name in here]
        raise UsageError(f"{' and '.join(asked)} all want standard output; write one of them to a file")
    return here[0] if here else request.format or ReportFormat.TEXT.value


def outputs_of(request: Request, stream: TextIO) -> tuple[Output, ...]:
    """Every report that is asked for, the one for ``stream`` first.

    Raises UsageError for what does not exist, does not fit the command or cannot be written: before anything is done.
    """
    name = format_of(request)
    if request.statistics and name not in {"text", "json"}:
        raise UsageError(f"--statistics goes with the text and the json report, not with {name}")
    coloured = name in BESIDE_DIFF and wants_colour(request.color, stream)
    found = [Output(_counted(request, name), ansi if coloured else plain)]
    for other, path in map(_read, request.outputs):
        if path != _HERE:
            _check_place(path)
            if any(_same(path, output.path) for output in found):
                raise UsageError(f"--output: {path} is named twice")
            found.append(Output(_counted(request, other), path=path))
    if request.command == "diff":
        for output in found:
            if output.format in _POINTING:
                raise UsageError(
                    f"a {output.format} report points at places in the files, and --diff leaves those as they are; "
                    f"`dockerlayer check` makes one"
                )
    return tuple(found)


def spare(outputs: Iterable[Output], paths: Iterable[str]) -> None:
    """Raise UsageError where a report would take the place of a file that it is about."""
    wanted = {os.path.realpath(output.path): output.path for output in outputs if output.path}
    for path in paths if wanted else ():
        if os.path.realpath(path) in wanted:
            raise UsageError(f"--output {wanted[os.path.realpath(path)]}: the report would replace what it is about")


def counting(tally: Tally, fail_on: FailOn) -> int:
    """How many of the findings that were counted are bad enough."""
    return {
        FailOn.ERROR: tally.error,
        FailOn.WARNING: tally.error + tally.warning,
        FailOn.INFO: tally.problems,
        FailOn.NEVER: 0,
    }[fail_on]


def exit_code(request: Request, counted: int, changed: bool, failed: bool) -> int:
    """The code that a run asks for; what failed is an error whatever findings may be.

    ``counted`` findings are bad enough, ``changed`` says whether files would change or did.
    """
    if failed:
        return EXIT_ERROR
    if request.exit_zero:
        return EXIT_CLEAN
    changing = request.command == "diff" and changed
    return EXIT_FINDINGS if counted or changing else EXIT_CLEAN


def _counted(request: Request, name: str) -> str:
    return STATISTICS if request.statistics and name == "text" else name


def _read(value: str) -> tuple[str, str]:
    name, _, path = value.partition("=")
    known = [item.value for item in ReportFormat]
    if name not in known:
        raise UsageError(f"--output {value}: there is no format {name!r}; {meant(name, known)}")
    if not path:
        raise UsageError(f"--output {value}: no file is named; write {name}=FILE, or {name}=- for standard output")
    return name, path


def _check_place(path: str) -> None:
    directory = os.path.dirname(os.path.realpath(path))
    if os.path.isdir(path):
        problem = "is a directory"
    elif not os.path.isdir(directory):
        problem = f"there is no directory {os.path.dirname(path) or directory}"
    elif os.path.lexists(path) and not os.access(path, os.W_OK):
        problem = "is read-only"
    elif not os.path.lexists(path) and not os.access(directory, os.W_OK):
        problem = f"nothing may be written to {os.path.dirname(path) or directory}"
    else:
        return
    raise UsageError(f"--output {path}: {problem}")


def _same(one: str, other: str) -> bool:
    return bool(other) and os.path.realpath(one) == os.path.realpath(other)
