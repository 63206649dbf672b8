"""Globs of configuration files, as .gitignore and other linters have them.

``*``, ``?`` and ``[...]`` stand for parts of one name, ``**`` for any number of directories. A glob without a slash
fits a name at any depth; one with a slash is relative to the directory of its file.
"""

from __future__ import annotations

from fnmatch import fnmatchcase


def fits(glob: str, path: str, *, below: bool = False) -> bool:
    """Whether a glob fits a relative path, its slashes forward; or, with ``below``, a directory that it lies in."""
    pattern = [part for part in glob.split("/") if part not in ("", ".")]
    if pattern and "/" not in glob.rstrip("/"):
        pattern = ["**", *pattern]
    # Which beginnings of the pattern fit what was read so far. A set, not recursion: each ** would double the ways.
    open_at = _beyond(pattern, {0})
    for part in path.split("/"):
        if below and len(pattern) in open_at:
            break
        following = set()
        for at in open_at:
            if at < len(pattern) and pattern[at] == "**":
                following.add(at)
            elif at < len(pattern) and fnmatchcase(part, pattern[at]):
                following.add(at + 1)
        open_at = _beyond(pattern, following)
    return bool(pattern) and len(pattern) in open_at


def _beyond(pattern: list[str], open_at: set[int]) -> set[int]:
    """With the places that are reached when a ``**`` stands for nothing."""
    reached = set(open_at)
    for at in open_at:
        while at < len(pattern) and pattern[at] == "**":
            at += 1
            reached.add(at)
    return reached
