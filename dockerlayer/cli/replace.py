"""Writing a file so that at every moment either the whole old text or the whole new text is there."""

from __future__ import annotations

import contextlib
import os
import stat
import tempfile
from collections.abc import Iterator

from dockerlayer.errors import InputError
from dockerlayer.report.visible import decodable
from dockerlayer.source import read_file


def replace_file(path: str, old: bytes, new: bytes) -> None:
    """Put ``new`` in the place of ``old``; a symbolic link stays and the file it leads to is replaced.

    Mode and, for the superuser, owner are kept. Raises InputError with the cause alone, and then the file is as it
    was; also when it does not hold ``old`` any more.
    """
    target = os.path.realpath(path)
    try:
        status = os.stat(target)
        if not os.access(target, os.W_OK):
            raise InputError("not written: the file is read-only")
        with _beside(target, new, status) as temporary:
            if read_file(target) != old:
                raise InputError("not written: the file was changed while it was being checked")
            os.replace(temporary, target)
    except OSError as error:
        raise InputError(f"cannot be written: {error.strerror or error}") from error


def make_or_replace(path: str, old: bytes | None, new: bytes) -> None:
    """Put ``new`` in the place of ``old``, or make the file where ``old`` is None; raises InputError."""
    if old is not None:
        replace_file(path, old, new)
        return
    try:
        with _beside(path, new, None) as temporary:
            if os.path.lexists(path):
                raise InputError("not written: the file was made meanwhile")
            os.replace(temporary, path)
    except OSError as error:
        raise InputError(f"cannot be written: {error.strerror or error}") from error


def write_report(path: str, text: str) -> None:
    """Write a report to a file, whole or not at all; what is no regular file (a pipe, a device) is written to as it is.

    Raises InputError with path and cause.
    """
    data = decodable(text).encode()
    target = os.path.realpath(path)
    try:
        # Of the name as it is: what /dev/stdout leads to has no path of its own.
        status = os.stat(path) if os.path.exists(path) else None
        if status is not None and not stat.S_ISREG(status.st_mode):
            with open(path, "wb") as file:
                file.write(data)
            return
        with _beside(target, data, status) as temporary:
            os.replace(temporary, target)
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror or error}") from error


@contextlib.contextmanager
def _beside(target: str, data: bytes, status: os.stat_result | None) -> Iterator[str]:
    """A temporary file beside ``target``, with mode and owner of ``status``; it goes when the block fails."""
    descriptor, path = tempfile.mkstemp(prefix=".dockerlayer-", dir=os.path.dirname(target) or ".")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        if status is None:
            mask = os.umask(0)
            os.umask(mask)
            os.chmod(path, 0o666 & ~mask)
        else:
            if hasattr(os, "geteuid") and os.geteuid() == 0:
                os.chown(path, status.st_uid, status.st_gid)
            # After the owner: changing that takes setuid bits away.
            os.chmod(path, stat.S_IMODE(status.st_mode))
        yield path
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(path)
        raise
