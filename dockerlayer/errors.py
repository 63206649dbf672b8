"""What can go wrong outside a Dockerfile's own text, and the exit code each kind ends the program with.

What is wrong *inside* a Dockerfile never raises: it is a ``Problem`` of the syntax tree and becomes a finding.
"""

from __future__ import annotations

from collections.abc import Collection

EXIT_CLEAN = 0
EXIT_FINDINGS = 1
EXIT_ERROR = 2


class DockerlayerError(Exception):
    """Base of every error that is told to the user without a traceback; ``exit_code`` ends the program."""

    exit_code = EXIT_ERROR
    several_lines = False
    """Whether the message is made of lines of its own, each of them harmless."""


class InputError(DockerlayerError):
    """A file that cannot be read or written, named with its cause."""


class UsageError(DockerlayerError):
    """A command line that asks for something that does not exist."""


class ConfigError(DockerlayerError):
    """A configuration file that cannot be used: a line for each thing that is wrong, with the file, line and cause.

    ``path`` is the file's, as it is told to people.
    """

    several_lines = True

    def __init__(self, path: str, message: str) -> None:
        super().__init__(message)
        self.path = path


class PluginError(DockerlayerError):
    """A plugin that cannot be loaded or that failed, named with the distribution it came from."""


def meant(name: str, known: Collection[str], listed: str = "") -> str:
    """For the message about a name that is not ``known``: the one that was probably meant.

    Where none is near it is ``listed``, which says how to find them, or else all names.
    """
    from difflib import get_close_matches

    near = get_close_matches(name.lower(), known, n=1, cutoff=0.6) if len(name) <= 100 else []
    return f"did you mean {near[0]!r}?" if near else listed or f"there are {', '.join(known)}"
