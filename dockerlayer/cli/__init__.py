"""The command line. Every command imports what it needs when it runs, so that start-up stays short."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command that the arguments of the process name, and exit with its code."""
    try:
        from dockerlayer.cli.app import run

        run()
    except KeyboardInterrupt:
        sys.exit(130)
