"""Adding lines to an ignore file on disk, and showing what that changes."""

from __future__ import annotations

import os
from collections.abc import Sequence

from dockerlayer.cli.replace import make_or_replace
from dockerlayer.errors import InputError
from dockerlayer.rewrite.ignore_lines import with_lines
from dockerlayer.source import read_file


def append_lines(path: str, lines: Sequence[str]) -> None:
    """Add lines to the file, which is made if it is not there; raises InputError, and then the file is as it was."""
    try:
        old = read_file(path) if os.path.lexists(path) else None
        new = with_lines(old or b"", lines)
        if new != old:
            make_or_replace(path, old, new)
    except InputError as error:
        raise InputError(f"{path}: {error}") from error


def diff_of_lines(path: str, lines: Sequence[str], shown: dict[str, bytes]) -> bytes:
    """What adding the lines changes, as a diff; ``shown`` has the files as earlier diffs leave them, and gets this."""
    from dockerlayer.report.diff import diff_of

    exists = path in shown or os.path.lexists(path)
    old = shown.get(path) if path in shown else read_file(path) if exists else None
    shown[path] = with_lines(old or b"", lines)
    return diff_of(path, old, shown[path])
