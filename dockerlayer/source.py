"""Reading files that others wrote: only regular ones, and not more than is sensible."""

from __future__ import annotations

import os
import stat

from dockerlayer.errors import InputError

SIZE_LIMIT = 64 * 1024 * 1024


def read_file(path: str, limit: int = SIZE_LIMIT) -> bytes:
    """The bytes of a regular file; raises InputError with the cause alone."""
    try:
        # A pipe would block for ever, and may take the place of a file at any time.
        flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
        with os.fdopen(os.open(path, flags), "rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            if not stat.S_ISREG(mode):
                raise InputError("is a directory" if stat.S_ISDIR(mode) else "not a regular file")
            data = file.read(limit + 1)
    except OSError as error:
        raise InputError(error.strerror or str(error)) from error
    except ValueError as error:
        raise InputError(str(error)) from error
    if len(data) > limit:
        raise InputError(f"larger than {limit // 2**20} MiB")
    return data
