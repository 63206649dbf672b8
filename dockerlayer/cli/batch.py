"""What ``check`` and ``fix`` have in common: from the arguments to the files, over the files, to the exit code."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from contextlib import closing
from typing import TextIO

from dockerlayer.builds.find import is_build_file
from dockerlayer.builds.places import Place
from dockerlayer.cli.outputs import BESIDE_DIFF, counting, exit_code, outputs_of, spare
from dockerlayer.cli.places import Places
from dockerlayer.cli.pool import results, watched
from dockerlayer.cli.request import Request, Settler, plugins
from dockerlayer.cli.terminal import is_terminal, put, put_aside, read_input, say, wants_colour
from dockerlayer.cli.work import Failure, Result, Source, Task, failed
from dockerlayer.errors import ConfigError, DockerlayerError, UsageError
from dockerlayer.report.formats import style_of
from dockerlayer.report.place import Root, root_of
from dockerlayer.report.record import Tally
from dockerlayer.report.visible import ansi, plain

STDIN = "-"
Writer = Callable[[str | bytes], None]


def sources_of(
    request: Request, settler: Settler, identity: Callable[[str], str] = os.path.normpath
) -> tuple[list[Source], list[Failure]]:
    """The files that the arguments name or that are found below them, and what is wrong with arguments.

    Of files with the same ``identity`` the first counts.
    """
    stdin_name = request.stdin_filename
    if stdin_name is not None and STDIN not in request.paths:
        raise UsageError("--stdin-filename names standard input, which is read for the path -")
    sources: dict[str, Source] = {}
    failures: list[Failure] = []
    finder = Places()
    unsettled: dict[str, Failure] = {}
    seen: set[str] = set()

    def add(
        key: str, path: str, places: tuple[Place, ...], data: bytes | None = None, place: str | None = None
    ) -> None:
        """A source, if it is a new one that has its settings; one broken configuration is told once."""
        if key in seen:
            return
        seen.add(key)
        try:
            settings = settler.settings(place)
        except ConfigError as error:
            known = unsettled.get(str(error)) or Failure(error.path, str(error), files=0, placed=True)
            unsettled[str(error)] = known._replace(files=known.files + 1)
        else:
            sources[key] = Source(path, settings, data, placed=place is not None, places=places)

    for path in request.paths or ["."]:
        if path == STDIN:
            data = read_input()
            if stdin_name is not None and settler.forces_out(stdin_name):
                if request.command == "fix" or request.add_ignore is not None:
                    put(data)
                continue
            places = finder.of(stdin_name) if stdin_name is not None else ()
            add(STDIN, stdin_name or "<stdin>", places, data, stdin_name)
        elif settler.forces_out(path):
            continue
        elif os.path.isdir(path):
            found = finder.below(path)
            # Of what came in since a commit there may be nothing: the last Dockerfile may just have gone.
            if not found and request.diff_base is None:
                failures.append(Failure(path, f"no Dockerfile found in {path}"))
            for file, places in found.items():
                if not settler.excludes(file, path):
                    add(identity(file), file, places, place=file)
        elif is_build_file(os.path.basename(path)):
            found, problems = finder.in_file(path)
            failures += [Failure(problem.place, problem.message) for problem in problems]
            if not found and not problems:
                failures.append(Failure(path, f"no build of a Dockerfile found in {path}"))
            for file, places in found.items():
                if not settler.excludes(file, os.path.dirname(path) or os.curdir):
                    add(identity(file), file, places, place=file)
        else:
            add(identity(path), path, finder.of(path), place=path)
    return list(sources.values()), [*failures, *unsettled.values()]


def check_files(request: Request) -> int:
    """Check files, write the report to standard output, and give the exit code.

    Where comments are written into standard input, the text goes to standard output and the report to standard error.
    """
    if request.add_ignore is None:
        return run(request, put, sys.stdout)
    from dockerlayer.cli.ignoring import one_line

    request = request._replace(add_ignore=one_line(request.add_ignore))
    aside = STDIN in request.paths
    if aside and len(request.paths) > 1:
        raise UsageError("--add-ignore takes - alone: the text with its comments goes to standard output")
    report, stream = (put_aside, sys.stderr) if aside else (put, sys.stdout)
    return run(request, report, stream, os.path.realpath)


def run(request: Request, report: Writer, stream: TextIO, identity: Callable[[str], str] = os.path.normpath) -> int:
    """Do what is asked for every file, write its report as it comes, and give the exit code.

    ``report`` takes the report, which ends up at ``stream``; diffs, and the text of standard input when that is
    fixed, go to standard output.
    """
    outputs = outputs_of(request, stream)
    ecosystems = plugins()
    task = Task(
        request.command,
        ecosystems,
        outputs,
        root=_root(),
        statistics=request.statistics,
        reason=request.add_ignore,
        listing=request.write_baseline is not None,
    )
    settler = Settler(request, ecosystems)
    sources, failures = sources_of(request, settler, identity)
    spare(outputs, (source.path for source in sources if source.data is None))
    ledger = None
    if task.listing or any(source.settings.baseline is not None for source in sources):
        from dockerlayer.cli.ledger import Ledger

        ledger = Ledger(request.write_baseline)
        sources = ledger.opened(sources)
    if request.diff_base is not None:
        from dockerlayer.cli.diffbase import with_bases

        sources = with_bases(request.diff_base, sources)
    for failure in failures:
        say(failure.sentence)
    tally = Tally(failed=sum(failure.files for failure in failures))
    styles = [style_of(output.format) for output in outputs]
    gathered: list[list[str]] = [[] for _ in outputs]
    shown: dict[str, bytes] = {}
    left_alone = counted = 0
    with closing(results(task, sources)) as found:
        for result in watched(found, len(sources)):
            result = _finish(task, result, shown)
            tally = tally.plus(result.tally)
            if result.failure is None:
                left_alone += result.left_alone
                counted += counting(result.tally, result.source.settings.fail_on)
            if result.failure is not None:
                failures.append(result.failure)
                say(result.failure.sentence)
                continue
            if ledger is not None and task.command != "diff":
                ledger.add(result)
            for parts, part in zip(gathered, result.parts, strict=True):
                parts.append(part)
            if styles[0].streams:
                report(gathered[0].pop())
    if request.diff_base is not None:
        from dockerlayer.cli.diffbase import close

        close()
    errors = [(failure.path, failure.message) for failure in failures]
    unwritten = 0
    for output, style, parts in zip(outputs, styles, gathered, strict=True):
        text = style.whole(parts, errors, tally, task.run_for(output, settler.plain))
        if not output.path:
            report(text)
            continue
        from dockerlayer.cli.replace import write_report

        try:
            write_report(output.path, "".join((*parts, text)) if style.streams else text)
        except DockerlayerError as error:
            unwritten += 1
            say(f"error: {error}")
    if task.reason is not None:
        from dockerlayer.report.text import count

        say(f"left {count(left_alone, 'finding')} alone by comments" if left_alone else "no comment was written")
    if ledger is not None:
        ledger.close()
    return exit_code(request, counted, bool(tally.changed), bool(failures or unwritten))


def _root() -> Root:
    try:
        return root_of(os.getcwd())
    except OSError:
        return Root()


def _finish(task: Task, result: Result, shown: dict[str, bytes]) -> Result:
    """Write or show what came of a file; ``shown`` are the ignore files as the diffs so far leave them."""
    if result.failure is not None or (task.command == "check" and task.reason is None):
        return result
    if task.command == "diff":
        if task.outputs[0].format in BESIDE_DIFF:
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
