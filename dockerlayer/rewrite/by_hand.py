"""A fix as lines for a person to edit: what to take out and what to put in."""

from __future__ import annotations

from dockerlayer.findings import Fix, apply


def by_hand(data: bytes, fix: Fix) -> list[str]:
    """The lines from the first that changes to the last, each with its sign, as in a diff without its head."""
    from difflib import ndiff

    if not fix.edits:
        return []
    first = min(edit.start for edit in fix.edits)
    last = max(edit.end for edit in fix.edits)
    start = data.rfind(b"\n", 0, first) + 1
    end = data.find(b"\n", last - 1 if data[last - 1 : last] == b"\n" else last)
    end = len(data) if end < 0 else end + 1
    old = data[start:end].decode("utf-8", "replace").splitlines()
    new = apply(data, fix.edits, start, end).decode("utf-8", "replace").splitlines()
    return [line.rstrip() for line in ndiff(old, new) if not line.startswith("?")]
