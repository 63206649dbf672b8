"""A directory as it was at a commit, read from git's objects, so that nothing is checked out.

What git does not keep is taken from the disk: what it ignores (what tools have installed, settings of one machine),
the ``.git`` directory and the inside of submodules. None of that is a part of a change, and without it the directory
would look different from now although no commit made the difference.
"""

from __future__ import annotations

import hashlib
import os
import posixpath
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from io import BufferedReader, BytesIO
from pathlib import Path

from dockerlayer.git import DIRECTORY, LINK, SUBMODULE, Commit, Node
from dockerlayer.model.tree import Entry, Tree

_BLOB_LIMIT = 64 * 1024 * 1024
_KINDS = {LINK: stat.S_IFLNK, DIRECTORY: stat.S_IFDIR, SUBMODULE: stat.S_IFDIR}


class RevisionTree(Tree):
    """The directory ``root``, which need not be there any more, as it was at a commit of the repository around it.

    What of it lies outside of the repository is taken from the disk.
    """

    def __init__(self, root: Path, commit: Commit) -> None:
        super().__init__(root)
        self.commit = commit
        self._top = os.path.relpath(os.path.realpath(root), commit.root).replace(os.sep, "/")
        self._kept = lru_cache(maxsize=8192)(self._is_kept)

    def beside(self, directory: Path) -> Tree:
        return RevisionTree(directory, self.commit)

    def _mode(self, path: str) -> int | None:
        inside = self._inside(path)
        node = None if inside is None else self.commit.find(inside)
        if node is not None and node.kind in _KINDS:
            return _KINDS[node.kind]
        if node is not None:
            return stat.S_IFREG
        return super()._mode(path) if inside is None or self._kept(inside) else None

    def _entries(self, directory: str) -> tuple[tuple[str, int], ...]:
        inside = self._inside(directory)
        on_disk = super()._entries(directory)
        if inside is None or self._kept(inside):
            return on_disk
        node = self.commit.find(inside)
        if node is None:
            return ()
        found = {name: _KINDS.get(child.kind, stat.S_IFREG) for name, child in self.commit.names(node).items()}
        if self._is_plain(inside):
            for name, kind in on_disk:
                if name not in found and self._kept(posixpath.join(inside, name)):
                    found[name] = kind
        return tuple(sorted(found.items()))

    def target(self, link: str) -> str | None:
        node = self._node(link)
        if node is None:
            return super().target(link)
        try:
            return os.fsdecode(self.commit.content(node, _BLOB_LIMIT)) if node.kind == LINK else None
        except OSError:
            return None

    def entry(self, real: str, shown: str) -> Entry:
        node = self._node(real)
        if node is None or node.kind == SUBMODULE:
            return super().entry(real, shown)
        if node.kind == DIRECTORY:
            return Entry(shown, stat.S_IFDIR, 0o755, "")
        content = self.commit.content(node, _BLOB_LIMIT)
        if node.kind == LINK:
            return Entry(shown, stat.S_IFLNK, 0o777, os.fsdecode(content))
        return Entry(shown, stat.S_IFREG, stat.S_IMODE(node.mode), hashlib.sha256(content).hexdigest())

    @contextmanager
    def _open(self, real: str) -> Iterator[BufferedReader | BytesIO]:
        node = self._node(real)
        if node is None:
            with super()._open(real) as file:
                yield file
        elif self.mode(real) != stat.S_IFREG:
            raise OSError("not a regular file")
        else:
            yield BytesIO(self.commit.content(node, _BLOB_LIMIT))

    def _inside(self, path: str) -> str | None:
        """The path relative to the root of the work tree, None outside of that."""
        above = self._top.split("/")
        if above[0] != "..":
            return "" if (inside := posixpath.normpath(posixpath.join(self._top, path))) == "." else inside
        # The directory is around the repository or beside it: only what leads down into that is inside.
        down = posixpath.relpath(os.path.join(os.path.realpath(self.root), path), self.commit.root)
        return None if down == ".." or down.startswith("../") else "" if down == "." else down

    def _node(self, path: str) -> Node | None:
        inside = self._inside(path)
        return None if inside is None else self.commit.find(inside)

    def _is_kept(self, inside: str) -> bool:
        """Whether what is on disk at a path stands for what was there: git has nothing to say about it."""
        node = self.commit.find(inside)
        if node is not None:
            return node.kind == SUBMODULE
        if ".git" in inside.split("/"):
            return True
        above = posixpath.dirname(inside)
        parent = self.commit.find(above)
        if parent is None:
            return self._kept(above)
        if parent.kind != DIRECTORY:
            return parent.kind == SUBMODULE
        return self._is_plain(above) and (self.commit.ignores(inside) or self._holds_ignored_only(inside))

    def _is_plain(self, inside: str) -> bool:
        """Whether a directory on disk is reached without links."""
        path = os.path.join(self.commit.root, inside) if inside else self.commit.root
        return os.path.realpath(path) == path and os.path.isdir(path)

    def _holds_ignored_only(self, inside: str) -> bool:
        """Whether git knows nothing of a directory, since all that is in it is ignored, one by one."""
        path = os.path.join(self.commit.root, inside)
        if os.path.islink(path) or not os.path.isdir(path):
            return False
        try:
            with os.scandir(path) as listing:
                names = sorted((entry.is_dir(follow_symlinks=False), entry.name) for entry in listing)
        except OSError:
            return False
        if any(name == ".git" for _, name in names):
            return False  # a repository of its own, perhaps a submodule to be
        inner = ((posixpath.join(inside, name), is_dir) for is_dir, name in names)
        return all(self.commit.ignores(path) or (is_dir and self._holds_ignored_only(path)) for path, is_dir in inner)
