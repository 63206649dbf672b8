"""Globs of configuration files, as .gitignore and other linters have them.

``*``, ``?`` and ``[...]`` stand for parts of one name, ``**`` for any number of directories. A glob without a slash
fits a name at any depth; one with a slash is relative to the directory of its file.
"""

from __future__ import annotations

from fnmatch import fnmatchcase


def fits(glob: str, path: str) -> bool:
    """Whether a glob fits a relative path, its slashes forward, or one of the directories that it lies in."""
    anchored = "/" in glob.rstrip("/")
    pattern = [part for part in glob.split("/") if part not in ("", ".")]
    if not anchored:
        pattern = ["**", *pattern]
    return bool(pattern) and _fits(pattern, path.split("/"))


def _fits(pattern: list[str], parts: list[str]) -> bool:
    # Which beginnings of the pattern fit what was read so far. A list, not recursion: of many ** each would double it.
    open_at = _beyond(pattern, {0})
    for part in parts:
        following = set()
        for at in open_at:
            if at == len(pattern):
                continue
            if pattern[at] == "**":
                following.add(at)
            elif fnmatchcase(part, pattern[at]):
                following.add(at + 1)
        open_at = _beyond(pattern, following)
        if len(pattern) in open_at:
            return True
    return False


def _beyond(pattern: list[str], open_at: set[int]) -> set[int]:
    """With the places that are reached when a ``**`` stands for nothing."""
    reached = set(open_at)
    for at in open_at:
        while at < len(pattern) and pattern[at] == "**":
            at += 1
            reached.add(at)
    return reached
