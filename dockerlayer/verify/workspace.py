"""A temporary copy of the build context: what the builder would be sent, and nothing else; the user's is only read."""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
from collections.abc import Sequence
from pathlib import Path

from dockerlayer.errors import InputError
from dockerlayer.model.context import Context

NOWHERE = Path()
"""Stands for a path in the workspace that is not made yet."""


class Workspace:
    """The copy, as a context manager: ``context`` is its root, ``dockerfile`` the file to build from."""

    def __init__(self, dockerfile: Path, context: Context) -> None:
        self._source = context
        self._original = dockerfile
        self._lines: tuple[str, ...] = ()
        self.root = self.context = self.dockerfile = NOWHERE

    def __enter__(self) -> Workspace:
        try:
            self.root = Path(tempfile.mkdtemp(prefix="dockerlayer-verify-"))
        except OSError as error:
            raise InputError(f"there is no place for temporary files: {error.strerror}") from error
        try:
            self._fill()
        except BaseException as error:
            self.__exit__()
            if isinstance(error, OSError):
                raise InputError(f"the build context cannot be copied: {error}") from error
            raise
        return self

    def __exit__(self, *error: object) -> None:
        _remove(self.root)

    def _fill(self) -> None:
        self.context = self.root / "context"
        _copy_tree(self._source, self.context)
        root = os.path.realpath(self._source.root)
        # Where a link leads does not matter: the ignore file beside the link counts.
        original = os.path.join(os.path.realpath(self._original.parent), self._original.name)
        if os.path.commonpath((root, original)) == root:
            # Where it stands matters: COPY . . takes the Dockerfile along.
            self.dockerfile = self.context / os.path.relpath(original, root)
        else:
            self.dockerfile = self.root / "dockerfile" / self._original.name
        self.dockerfile.parent.mkdir(parents=True, exist_ok=True)
        ignored = self._source.ignore_file
        if ignored is not None:
            beside = ignored.name != ".dockerignore"
            name = f"{self.dockerfile.name}.dockerignore" if beside else ".dockerignore"
            target = (self.dockerfile.parent if beside else self.context) / name
            if not target.exists():
                target.unlink(missing_ok=True)
                shutil.copy2(ignored, target)

    def write(self, text: bytes, ignore: Sequence[str] = ()) -> None:
        """Put a text in the place of the Dockerfile, with the mode of the user's file.

        ``ignore`` are lines that the ignore file has beside the user's for this text.
        """
        self._write_ignore(ignore)
        directory = self.dockerfile.parent
        mode = stat.S_IMODE(directory.stat().st_mode)
        directory.chmod(mode | 0o700)
        self.dockerfile.unlink(missing_ok=True)
        self.dockerfile.write_bytes(text)
        self.dockerfile.chmod(stat.S_IMODE(os.stat(self._original).st_mode))
        directory.chmod(mode)

    def _write_ignore(self, lines: Sequence[str]) -> None:
        if self._lines == tuple(lines):
            return
        self._lines = tuple(lines)
        given = self._source.ignore_file
        beside = given is not None and given.name != ".dockerignore"
        path = self.dockerfile.with_name(f"{self.dockerfile.name}.dockerignore") if beside else None
        path = path or self.context / ".dockerignore"
        mode = stat.S_IMODE(path.parent.stat().st_mode)
        path.parent.chmod(mode | 0o700)
        path.unlink(missing_ok=True)
        if given is not None or lines:
            old = given.read_bytes() if given is not None else b""
            path.write_bytes(b"\n".join((old, *(os.fsencode(line) for line in lines))))
        path.parent.chmod(mode)


def _copy_tree(source: Context, target: Path) -> None:
    os.mkdir(target)
    made = {"": None}
    for path, kind in source.entries():
        found, copy = os.path.join(source.root, path), os.path.join(target, path)
        try:
            _make_directory(target, path if kind == stat.S_IFDIR else os.path.dirname(path), made)
            if kind == stat.S_IFLNK:
                os.symlink(os.readlink(found), copy)
            elif kind == stat.S_IFREG:
                shutil.copy2(found, copy)
        except OSError as error:
            raise InputError(f"{found}: cannot be copied: {error.strerror or error}") from error
    # Modes last, or what is read-only could not be filled.
    for path in filter(None, reversed(made)):
        shutil.copystat(os.path.join(source.root, path), os.path.join(target, path))


def _make_directory(target: Path, path: str, made: dict[str, None]) -> None:
    if path not in made:
        _make_directory(target, os.path.dirname(path), made)
        os.mkdir(os.path.join(target, path), 0o700)
        made[path] = None


def _remove(root: Path) -> None:
    """What a read-only directory holds can be removed only once that is opened."""
    for parent, names, _ in os.walk(root):
        for path in (os.path.join(parent, name) for name in names):
            if not os.path.islink(path):  # what a link leads to is not ours
                os.chmod(path, 0o700)
    shutil.rmtree(root, ignore_errors=True)
