"""Helping out when a name was mistyped."""

from __future__ import annotations

from collections.abc import Collection


def meant(name: str, known: Collection[str], listed: str = "") -> str:
    """The name that was probably meant; where nothing is near, ``listed`` or else all names."""
    from difflib import get_close_matches

    near = get_close_matches(name.lower(), known, n=1, cutoff=0.6) if len(name) <= 100 else []
    return f"did you mean {near[0]!r}?" if near else listed or f"there are {', '.join(known)}"
