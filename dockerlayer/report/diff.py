"""Unified diffs of bytes."""

from __future__ import annotations

import os

from dockerlayer.report.visible import Paint, shown


def diff_of(path: str, old: bytes | None, new: bytes) -> bytes:
    """The diff that ``patch`` and ``git apply -p0`` take, byte for byte; ``b""`` for equal texts.

    ``old`` is None for a file that is made.
    """
    if old == new:
        return b""
    from difflib import diff_bytes, unified_diff

    name = _quoted(os.fsencode(path))
    parts = []
    before = b"/dev/null" if old is None else name
    for line in diff_bytes(unified_diff, _lines(old or b""), _lines(new), before, name):
        parts.append(line)
        if not line.endswith(b"\n"):
            parts.append(b"\n\\ No newline at end of file\n")
    return b"".join(parts)


def diff_text(diff: bytes, paint: Paint) -> str:
    """The diff for a terminal: coloured, and without anything that the terminal would act on."""
    lines = diff.decode("utf-8", "replace").split("\n")
    return "\n".join(paint(role, shown(line)) if (role := _role(line)) else shown(line) for line in lines)


def _role(line: str) -> str:
    if line.startswith(("+++", "---")):
        return "note"
    return {"+": "added", "-": "removed", "@": "hunk"}.get(line[:1], "")


def _lines(data: bytes) -> list[bytes]:
    lines = [line + b"\n" for line in data.split(b"\n")]
    lines[-1] = lines[-1][:-1]
    return lines if lines[-1] else lines[:-1]


def _quoted(name: bytes) -> bytes:
    if not any(map(_is_odd, name)):
        return name
    return b'"' + b"".join(b"\\%03o" % byte if _is_odd(byte) else bytes([byte]) for byte in name) + b'"'


def _is_odd(byte: int) -> bool:
    return byte < 0x20 or byte == 0x7F or byte in b'"\\'
