"""Adding lines to the text of an ignore file: at its end, where the last match wins, and only those not there yet."""

from __future__ import annotations

from collections.abc import Sequence


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
