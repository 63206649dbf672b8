"""Adding lines to an ignore file on disk, and showing what that changes."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Sequence

from dockerlayer.cli.replace import replace_file
from dockerlayer.cli.work import read_file
from dockerlayer.errors import InputError
from dockerlayer.rewrite.ignore_lines import with_lines


def append_lines(path: str, lines: Sequence[str]) -> None:
    """Add lines to the file, which is made if it is not there; raises InputError, and then the file is as it was."""
    try:
        if os.path.lexists(path):
            old = read_file(path)
            new = with_lines(old, lines)
            if new != old:
                replace_file(path, old, new)
        else:
            _make(path, with_lines(b"", lines))
    except InputError as error:
        raise InputError(f"{path}: {error}") from error


def diff_of_lines(path: str, lines: Sequence[str], shown: dict[str, bytes]) -> bytes:
    """What adding the lines changes, as a diff; ``shown`` has the files as earlier diffs leave them, and gets this."""
    from dockerlayer.report.diff import diff_of

    exists = path in shown or os.path.lexists(path)
    old = shown.get(path) if path in shown else read_file(path) if exists else None
    shown[path] = with_lines(old or b"", lines)
    return diff_of(path, old, shown[path])


def _make(path: str, data: bytes) -> None:
    try:
        descriptor, temporary = tempfile.mkstemp(prefix=".dockerlayer-", dir=os.path.dirname(path) or ".")
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            mask = os.umask(0)
            os.umask(mask)
            os.chmod(temporary, 0o666 & ~mask)
            if os.path.lexists(path):
                raise InputError("not fixed: the file was made meanwhile")
            os.replace(temporary, path)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(temporary)
            raise
    except OSError as error:
        raise InputError(f"cannot be written: {error.strerror or error}") from error
