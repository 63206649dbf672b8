"""Adding lines to an ignore file: at its end, where the last match wins, and only those that are not there yet."""

from __future__ import annotations

import os
from collections.abc import Sequence

from dockerlayer.cli.replace import make_or_replace
from dockerlayer.cli.work import read_file
from dockerlayer.errors import InputError


def with_lines(old: bytes, lines: Sequence[str]) -> bytes:
    """The text with the lines at its end, in its own newline style; those that are in force there already stay."""
    texts = [line.strip() for line in old.removeprefix(b"\xef\xbb\xbf").split(b"\n")]
    # Above an exception a line need not be in force.
    last = max((at for at, text in enumerate(texts) if text.startswith(b"!")), default=-1)
    known = texts[last + 1 :]
    new = [text for line in lines if (text := line.encode("utf-8", "surrogateescape")) not in known]
    if not new:
        return old
    newline = b"\r\n" if b"\r\n" in old else b"\n"
    gap = newline if old.removeprefix(b"\xef\xbb\xbf") and not old.endswith(b"\n") else b""
    return old + gap + b"".join(text + newline for text in new)


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
