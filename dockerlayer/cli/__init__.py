"""The command line. Every command imports what it needs when it runs, so that start-up stays short."""

from __future__ import annotations

import sys

_FORCED = "--force-exclude"


def main() -> None:
    """Run the command that the arguments of the process name, and exit with its code."""
    words = sys.argv[1:]
    try:
        forced = words[:2] == ["check", _FORCED]
        if words[:1] == ["check"] and not any(word.startswith("-") for word in words[1 + forced :]):
            _check(words[1 + forced :], forced)
        from dockerlayer.cli.app import run

        run()
    except KeyboardInterrupt:
        sys.exit(130)


def _check(paths: list[str], forced: bool) -> None:
    """``check`` as commit hooks call it: Typer would take as long to import as everything else."""
    from dockerlayer.cli.batch import check_files
    from dockerlayer.cli.request import Request
    from dockerlayer.cli.terminal import say_error
    from dockerlayer.errors import DockerlayerError

    try:
        sys.exit(check_files(Request("check", paths, force_exclude=forced)))
    except DockerlayerError as error:
        say_error(error)
        sys.exit(error.exit_code)
