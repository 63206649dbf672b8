"""A directory that a build context is read from: on disk, with nothing followed out of it."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from io import BufferedReader, BytesIO
from pathlib import Path
from typing import NamedTuple

_LINK_LIMIT = 40  # as in Linux' path resolution, see path_resolution(7)


class Entry(NamedTuple):
    """What a COPY takes; ``kind`` is a ``stat.S_IF*`` value, ``content`` a file's SHA-256 or a link's text."""

    path: str
    kind: int
    mode: int
    content: str


class Tree:
    """A directory on disk, seen through ``lstat`` and ``scandir`` with small caches."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.mode = lru_cache(maxsize=8192)(self._mode)
        self.entries = lru_cache(maxsize=64)(self._entries)

    def beside(self, directory: Path) -> Tree:
        """Another directory, as it was when this one was."""
        return Tree(directory)

    def _mode(self, path: str) -> int | None:
        """The file type of ``path`` itself, a ``stat.S_IF*`` value; None if it is missing or out of reach."""
        if not path:
            return stat.S_IFDIR
        try:
            return stat.S_IFMT(os.lstat(os.path.join(self.root, path)).st_mode)
        except (OSError, ValueError):
            return None

    def _entries(self, directory: str) -> tuple[tuple[str, int], ...]:
        """Name and file type of what ``directory`` holds, sorted by name; nothing if it cannot be listed.

        Types other than directory, regular file and symbolic link are given as 0.
        """
        found: list[tuple[str, int]] = []
        try:
            with os.scandir(os.path.join(self.root, directory)) as listing:
                for entry in listing:
                    plain = stat.S_IFREG if entry.is_file(follow_symlinks=False) else 0
                    kind = stat.S_IFDIR if entry.is_dir(follow_symlinks=False) else plain
                    found.append((entry.name, stat.S_IFLNK if entry.is_symlink() else kind))
        except (OSError, ValueError):
            return ()
        return tuple(sorted(found))

    def resolve(self, path: str, passes: Callable[[str], bool] = lambda link: True) -> str | None:
        """``path`` without symbolic links; None if it is missing, leaves the tree, or goes by a link not passed."""
        pending = path.split("/")[::-1]
        real: list[str] = []
        links = 0
        while pending:
            part = pending.pop()
            if part == "..":
                if not real:
                    return None
                real.pop()
            elif part not in ("", "."):
                here = "/".join([*real, part])
                kind = self.mode(here)
                if kind == stat.S_IFLNK:
                    links += 1
                    target = self.target(here) if links <= _LINK_LIMIT and passes(here) else None
                    if target is None or target.startswith("/"):
                        return None
                    pending += target.split("/")[::-1]
                elif kind is None or (pending and kind != stat.S_IFDIR):
                    return None
                else:
                    real.append(part)
        return "/".join(real)

    def target(self, link: str) -> str | None:
        """The text of a symbolic link; None if it is none."""
        try:
            return os.readlink(os.path.join(self.root, link))
        except OSError:
            return None

    def read(self, real: str, limit: int) -> bytes:
        """The bytes of a regular file; raises OSError, also for any other file type and for more than ``limit``."""
        with self._open(real) as file:
            data = file.read(limit + 1)
        if len(data) > limit:
            raise OSError(f"larger than {limit} bytes")
        return data

    def entry(self, real: str, shown: str) -> Entry:
        """What ``real`` is, by the name ``shown``; raises OSError."""
        found = os.lstat(os.path.join(self.root, real))
        kind, mode, content = stat.S_IFMT(found.st_mode), stat.S_IMODE(found.st_mode), ""
        if kind == stat.S_IFLNK:
            mode, content = 0o777, os.readlink(os.path.join(self.root, real))
        elif kind == stat.S_IFREG:
            with self._open(real) as file:
                content = hashlib.file_digest(file, "sha256").hexdigest()
        return Entry(shown, kind, mode, content)

    @contextmanager
    def _open(self, real: str) -> Iterator[BufferedReader | BytesIO]:
        if self.mode(real) != stat.S_IFREG:
            raise OSError("not a regular file")
        # The type is checked again on the open file, which may have been exchanged for a pipe or a link meanwhile.
        flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
        with os.fdopen(os.open(os.path.join(self.root, real), flags), "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise OSError("not a regular file")
            yield file


class NoTree(Tree):
    """No directory at all."""

    def _mode(self, path: str) -> int | None:
        return None

    def _entries(self, directory: str) -> tuple[tuple[str, int], ...]:
        return ()
