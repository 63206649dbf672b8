"""What a Compose or Bake file says of one build, and what is wrong with such a file."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import NamedTuple

from dockerlayer import source
from dockerlayer.errors import InputError

SIZE_LIMIT = 1024 * 1024
"""Compose and Bake files are written by hand; the largest of those seen has 60 kB."""


class Build(NamedTuple):
    """One build: the service ``name`` of a Compose file, or a target of a Bake file.

    ``context`` is a directory and ``dockerfile`` a file, both as paths that begin like that of ``file``; ``line`` is
    where the build is defined. ``args`` has the build arguments whose value is known, ``contexts`` the named contexts:
    directories like ``context``, and else what they are written as.
    """

    kind: str
    name: str
    context: str
    dockerfile: str
    file: str
    line: int
    target: str = ""
    args: Mapping[str, str] = {}
    contexts: Mapping[str, str] = {}

    @property
    def place(self) -> str:
        """Where it is defined: ``compose.yaml:12``."""
        return f"{self.file}:{self.line}"


class Problem(NamedTuple):
    """What keeps a file, or with a ``name`` one build of it, from being used. ``line`` is 0 for all of a file.

    ``missing`` says that what it names is not there.
    """

    file: str
    line: int
    message: str
    name: str = ""
    missing: bool = False

    @property
    def place(self) -> str:
        """Where it is: ``compose.yaml:12``."""
        return f"{self.file}:{self.line}" if self.line else self.file

    @property
    def sentence(self) -> str:
        """The message with its place."""
        return f"{self.place}: {self.message}"


class Reading(NamedTuple):
    """What files came to. A build whose values cannot be told is a problem, and not among ``builds``.

    ``included`` are the files that were read because another one includes them.
    """

    builds: tuple[Build, ...] = ()
    problems: tuple[Problem, ...] = ()
    included: frozenset[str] = frozenset()


class Unusable(Exception):  # noqa: N818 - it is caught where it becomes a Problem, and reaches nobody
    """A file, or a value in it, that cannot be used, with the line and the cause; line 0 where there is none."""

    def __init__(self, message: str, line: int = 0, *, missing: bool = False) -> None:
        super().__init__(message)
        self.message = message
        self.line = line
        self.missing = missing


Reader = Callable[[str], bytes]
"""Gives the bytes of a file; raises Unusable."""


def read_file(path: str) -> bytes:
    """The bytes of a regular file of a reasonable size; raises Unusable with the cause."""
    try:
        return source.read_file(path, SIZE_LIMIT)
    except InputError as error:
        raise Unusable(str(error), missing=isinstance(error.__cause__, FileNotFoundError)) from error


def text_of(data: bytes) -> str:
    """The text of a file, which is UTF-8 by the YAML and HCL specifications; raises Unusable."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Unusable("not UTF-8", data.count(b"\n", 0, error.start) + 1) from error


# compose-go, paths/context.go (isRemoteContext); what has a scheme is a builder's own kind of context.
_REMOTE = ("https://", "http://", "git://", "ssh://", "github.com/", "git@")


def is_remote(context: str) -> bool:
    """Whether a context is no directory of this machine, but a repository, an archive, an image or another build."""
    return "://" in context or context.startswith((*_REMOTE, "service:", "target:"))


def placed(path: str, base: str) -> str:
    """A path that is written relative to the directory ``base``; raises Unusable where only a shell could tell it."""
    if path.startswith("~"):
        raise Unusable(f"{path} depends on who builds it")
    if "\0" in path:
        raise Unusable("a NUL byte in a path")
    return os.path.normpath(os.path.join(base, path))


def context_named(value: str, base: str) -> str:
    """A named context: a directory as a path like others, and whatever else it is as it is written."""
    return value if is_remote(value) or value.startswith("~") else placed(value, base)
