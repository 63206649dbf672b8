"""What becomes of a file once it was looked at: written, shown as a diff, or left as it is."""

from __future__ import annotations

import sys

from dockerlayer.cli.outputs import BESIDE_DIFF
from dockerlayer.cli.terminal import is_terminal, put, wants_colour
from dockerlayer.cli.work import Result, Task, failed
from dockerlayer.errors import DockerlayerError
from dockerlayer.report.visible import ansi, plain


def finish(task: Task, result: Result, shown: dict[str, bytes]) -> Result:
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
