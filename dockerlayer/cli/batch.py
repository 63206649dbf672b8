"""What ``check`` and ``fix`` have in common: from the arguments to the files, over the files, to the exit code."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from typing import TextIO

from dockerlayer.cli.finish import finish
from dockerlayer.cli.outputs import Output, counting, exit_code, outputs_of, spare
from dockerlayer.cli.pool import results, watched
from dockerlayer.cli.request import Request, Settler, plugins
from dockerlayer.cli.sources import STDIN, sources_of
from dockerlayer.cli.terminal import put, put_aside, say
from dockerlayer.cli.work import Failure, Task
from dockerlayer.errors import DockerlayerError, UsageError
from dockerlayer.report.formats import style_of
from dockerlayer.report.place import Root, root_of
from dockerlayer.report.record import Tally

Writer = Callable[[str | bytes], None]


class Reports:
    """The reports of a run: the first goes out as it comes where its format can, the others when the run has ended."""

    def __init__(self, task: Task, write: Writer) -> None:
        self._task = task
        self._write = write
        self._styles = [style_of(output.format) for output in task.outputs]
        self._parts: list[list[str]] = [[] for _ in task.outputs]

    def add(self, parts: Sequence[str]) -> None:
        """What is told of one file, in each report."""
        for gathered, part in zip(self._parts, parts, strict=True):
            gathered.append(part)
        if self._styles[0].streams:
            self._write(self._parts[0].pop())

    def close(self, failures: Sequence[Failure], tally: Tally, settler: Settler) -> bool:
        """Write what is left; whether all of it could be written."""
        errors = [(failure.path, failure.message) for failure in failures]
        whole = True
        for output, style, parts in zip(self._task.outputs, self._styles, self._parts, strict=True):
            text = style.whole(parts, errors, tally, self._task.run_for(output, settler.plain))
            if output.path:
                whole &= _is_written(output, "".join((*parts, text)) if style.streams else text)
            else:
                self._write(text)
        return whole


def _is_written(output: Output, text: str) -> bool:
    from dockerlayer.cli.replace import write_report

    try:
        write_report(output.path, text)
    except DockerlayerError as error:
        say(f"error: {error}")
        return False
    return True


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
    with ExitStack() as stack:
        baselines = None
        if task.listing or any(source.settings.baseline is not None for source in sources):
            from dockerlayer.cli.baselines import Baselines

            baselines = Baselines(request.write_baseline)
            sources = baselines.opened(sources)
        if request.diff_base is not None:
            from dockerlayer.cli.diffbase import close, with_bases

            stack.callback(close)
            sources = with_bases(request.diff_base, sources, request.paths)
        for failure in failures:
            say(failure.sentence)
        tally = Tally(failed=sum(failure.files for failure in failures))
        reports = Reports(task, report)
        shown: dict[str, bytes] = {}
        left_alone = counted = 0
        found = stack.enter_context(closing(results(task, sources)))
        for result in watched(found, len(sources)):
            result = finish(task, result, shown)
            tally = tally.plus(result.tally)
            if result.failure is not None:
                failures.append(result.failure)
                say(result.failure.sentence)
                continue
            left_alone += result.left_alone
            counted += counting(result.tally, result.source.settings.fail_on)
            if baselines is not None and task.command != "diff":
                baselines.add(result)
            reports.add(result.parts)
    whole = reports.close(failures, tally, settler)
    if task.reason is not None:
        from dockerlayer.report.text import count

        say(f"left {count(left_alone, 'finding')} alone by comments" if left_alone else "no comment was written")
    if baselines is not None:
        baselines.close()
    return exit_code(request, counted, bool(tally.changed), bool(failures) or not whole)


def _root() -> Root:
    try:
        return root_of(os.getcwd())
    except OSError:
        return Root()
