"""What ``check`` and ``fix`` have in common: from the arguments to the files, over the files, to the exit code."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing

from dockerlayer.cli.choices import Colour, Format, Pattern, Profile, context_directory
from dockerlayer.cli.pool import results, watched
from dockerlayer.cli.select import selected_rules
from dockerlayer.cli.terminal import is_terminal, put, read_input, say, wants_colour
from dockerlayer.cli.work import Failure, Result, Source, Task, failed
from dockerlayer.discovery import dockerfiles
from dockerlayer.engine import Options
from dockerlayer.errors import EXIT_CLEAN, EXIT_ERROR, EXIT_FINDINGS, DockerlayerError, UsageError
from dockerlayer.registry import installed
from dockerlayer.report.record import Tally
from dockerlayer.report.visible import ansi, plain

STDIN = "-"
Writer = Callable[[str | bytes], None]


def task_of(
    command: str,
    select: Iterable[str] | None,
    ignore: Iterable[str] | None,
    context: str | None,
    pattern: Pattern,
    output: Format,
    colour: bool,
    unsafe: bool = False,
    profile: Profile | None = None,
) -> Task:
    """The task that the options of a command describe; a plugin that does not load is told about and left out."""
    ecosystems, broken = installed()
    for message in broken:
        say(f"warning: {message}")
    options = Options(selected_rules(ecosystems, select, ignore), pattern.value, unsafe, profile or "")
    as_json = output is Format.JSON
    paint = ansi if colour and not as_json else plain
    return Task(command, options, ecosystems, context_directory(context), as_json, paint)


def sources_of(
    paths: Sequence[str] | None, stdin_name: str | None, identity: Callable[[str], str] = os.path.normpath
) -> tuple[list[Source], list[Failure]]:
    """The files that the arguments name or that are found below them, and what is wrong with arguments.

    Of files with the same ``identity`` the first counts.
    """
    if stdin_name is not None and STDIN not in (paths or ()):
        raise UsageError("--stdin-filename names standard input, which is read for the path -")
    sources: dict[str, Source] = {}
    failures: list[Failure] = []
    for path in paths or ["."]:
        if path == STDIN:
            source = Source(stdin_name or "<stdin>", read_input(), placed=stdin_name is not None)
            sources.setdefault(STDIN, source)
        elif os.path.isdir(path):
            found = dockerfiles(path)
            if not found:
                failures.append(Failure(path, f"no Dockerfile found in {path}"))
            for file in found:
                sources.setdefault(identity(file), Source(file))
        else:
            sources.setdefault(identity(path), Source(path))
    return list(sources.values()), failures


def check_files(
    paths: Sequence[str] | None,
    select: Iterable[str] | None = None,
    ignore: Iterable[str] | None = None,
    context: str | None = None,
    pattern: Pattern = Pattern.SPLIT,
    output: Format = Format.TEXT,
    color: Colour = Colour.AUTO,
    stdin_filename: str | None = None,
    profile: Profile | None = None,
) -> int:
    """Check files, write the report to standard output, and give the exit code."""
    colour = wants_colour(color, sys.stdout)
    task = task_of("check", select, ignore, context, pattern, output, colour, profile=profile)
    sources, failures = sources_of(paths, stdin_filename)
    return run(task, sources, failures, put)


def run(task: Task, sources: Sequence[Source], failures: list[Failure], report: Writer) -> int:
    """Do the task for every source, write its report as it comes, and give the exit code.

    ``report`` takes the report; diffs, and the text of standard input when that is fixed, go to standard output.
    """
    for failure in failures:
        say(failure.sentence)
    tally = Tally(failed=len(failures))
    blocks: list[str] = []
    shown: dict[str, bytes] = {}
    with closing(results(task, sources)) as found:
        for result in watched(found, len(sources)):
            result = _finish(task, result, shown)
            tally = tally.plus(result.tally)
            if result.failure is not None:
                failures.append(result.failure)
                say(result.failure.sentence)
            elif task.as_json:
                blocks.append(result.block)
            else:
                report(result.block)
    report(_closing(task, blocks, failures, tally))
    if failures:
        return EXIT_ERROR
    changing = task.command == "diff" and tally.changed
    return EXIT_FINDINGS if tally.problems or changing else EXIT_CLEAN


def _finish(task: Task, result: Result, shown: dict[str, bytes]) -> Result:
    """Write or show what came of a file; ``shown`` are the ignore files as the diffs so far leave them."""
    if result.failure is not None or task.command == "check":
        return result
    if task.command == "diff":
        if not task.as_json:
            put(_diff(result.diff))
            if result.ignore:
                from dockerlayer.cli.ignorefile import diff_of_lines

                put(_diff(diff_of_lines(result.ignore_file, result.ignore, shown)))
    elif result.source.data is not None:
        put(result.new)
    elif result.new != result.old or result.ignore:
        from dockerlayer.cli.replace import replace_file

        try:
            # The ignore file first: its lines are right without the Dockerfile's change, and not the other way round.
            if result.ignore:
                from dockerlayer.cli.ignorefile import append_lines

                append_lines(result.ignore_file, result.ignore)
            if result.new != result.old:
                replace_file(result.source.path, result.old, result.new)
        except DockerlayerError as error:
            return failed(result.source, str(error))
    return result


def _diff(diff: bytes) -> str | bytes:
    if not is_terminal(sys.stdout):
        return diff
    from dockerlayer.report.diff import diff_text

    return diff_text(diff, ansi if wants_colour("auto", sys.stdout) else plain)


def _closing(task: Task, blocks: Sequence[str], failures: Sequence[Failure], tally: Tally) -> str:
    if task.as_json:
        from dockerlayer.report.json import document_json

        return document_json(blocks, [(item.path, item.message) for item in failures], tally)
    from dockerlayer.report.text import fix_summary_text, summary_text

    if task.command == "check":
        return summary_text(tally)
    return fix_summary_text(tally, written=task.command == "fix")
