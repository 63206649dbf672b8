"""One configuration file: its bytes, its table, and sentences about what is wrong with it."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Any, NamedTuple

from dockerlayer.errors import ConfigError, InputError
from dockerlayer.source import read_file

SIZE_LIMIT = 16 * 1024 * 1024
SHARED_NAME = "pyproject.toml"
"""The one file that is others' as well: ours is what stands in its table ``[tool.dockerlayer]``."""

KeyPath = tuple[str | int, ...]
"""A way through a document: the keys of tables and the indices of arrays."""

_INSIDE = ("tool", "dockerlayer")
_MOST_TOLD = 20
_PARTS = 100
_PART = r"""(?:[\w-]+|"[^"\n]*"|'[^'\n]*')"""


class Document(NamedTuple):
    """``name`` is what people call it, ``path`` is absolute, ``""`` for a text that is no file.

    ``directory`` is what the paths in it are relative to, ``inside`` where in the text its ``table`` stands.
    """

    name: str
    path: str
    directory: str
    text: str
    table: Mapping[str, Any]
    inside: tuple[str, ...] = ()

    def line_of(self, place: KeyPath) -> int | None:
        """The line that a place stands on, or the nearest one around it; None where the text is no file."""
        if not self.path:
            return None
        from dockerlayer.config.lines import places

        known = places(self.text)
        where = (*self.inside, *place)
        while where and where not in known:
            where = where[:-1]
        return known.get(where, 1)

    def spot(self, place: KeyPath) -> str:
        """``name:line`` of a place."""
        line = self.line_of(place)
        return self.name if line is None else f"{self.name}:{line}"

    def error(self, wrongs: Iterable[tuple[KeyPath, str]], remark: str = "") -> ConfigError:
        """The error for what is wrong, of which the first few are told, with a remark behind each."""
        first = list(islice(wrongs, _MOST_TOLD + 1))
        told = [f"{self.spot(place)}: {message}{remark}" for place, message in first[:_MOST_TOLD]]
        if len(first) > _MOST_TOLD:
            told.append(f"{self.name}: and more")
        return ConfigError(self.name, "\n".join(told))


def read_document(path: str) -> Document:
    """The configuration that a file holds; raises ConfigError with the path, and the line where there is one."""
    document = _read(path)
    if document is None:
        raise ConfigError(called(path), f"{called(path)}: there is no table [tool.dockerlayer]")
    return document


def read_shared(path: str) -> Document | None:
    """The configuration in a file that is others' as well, if it has any; raises ConfigError when that is unclear.

    A file that does not so much as name dockerlayer is not parsed: monorepos have hundreds of them.
    """
    return _read(path) if os.path.isfile(path) else None


def _read(path: str) -> Document | None:
    name = called(path)
    path = absolute(path)
    directory = os.path.dirname(path)
    try:
        data = read_file(path, SIZE_LIMIT)
    except InputError as error:
        raise ConfigError(name, f"{name}: {error}") from error
    shared = os.path.basename(path) == SHARED_NAME
    if shared and b"dockerlayer" not in data:
        return None
    text = _decoded(data, name)
    table: Any = parsed(text, name)
    if not shared:
        return Document(name, path, directory, text, table)
    for key in _INSIDE:
        table = table.get(key) if isinstance(table, dict) else None
    if isinstance(table, dict):
        return Document(name, path, directory, text, table, _INSIDE)
    if table is not None:
        raise Document(name, path, directory, text, {}, _INSIDE).error([((), "tool.dockerlayer must be a table")])
    return None


def parsed(text: str, name: str) -> dict[str, Any]:
    """The table of a text; raises ConfigError with line and column."""
    import tomllib

    # tomllib walks down from the top for each part of a key: one of 50,000 parts takes minutes.
    found = re.search(rf"(?m)^[ \t]*\[*[ \t]*{_PART}(?:[ \t]*\.[ \t]*{_PART}){{{_PARTS}}}", text)
    if found is not None:
        line = text.count("\n", 0, found.end()) + 1
        raise ConfigError(name, f"{name}:{line}: a key of more than {_PARTS} parts")
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(name, _syntax_error(str(error), text, name)) from error
    except RecursionError as error:
        raise ConfigError(name, f"{name}: nested too deeply") from error
    except ValueError as error:  # CPython gives up on integers of more than 4300 digits
        raise ConfigError(name, f"{name}: {error}") from error


def _decoded(data: bytes, name: str) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ConfigError(name, f"{name}:{line}: not UTF-8: byte 0x{data[error.start]:02x}") from error


def _syntax_error(message: str, text: str, name: str) -> str:
    found = re.fullmatch(r"(?s)(.*) \(at (?:line (\d+), column (\d+)|end of document)\)", message)
    if found is None:
        return f"{name}: not TOML: {message}"
    if found[2] is None:
        line = text.rstrip("\n").count("\n") + 1
        return f"{name}:{line}: not TOML: {found[1]}, at the end of the file"
    return f"{name}:{found[2]}:{found[3]}: not TOML: {found[1]}"


def called(path: str) -> str:
    """A path as people call it: relative to the current directory where it lies below that, and on one line."""
    return absolute(path).removeprefix(os.path.join(here(), "")).replace("\n", "\u240a")


def here() -> str:
    """The current directory; the root where it is gone."""
    try:
        return os.getcwd()
    except OSError:
        return os.sep


def absolute(path: str) -> str:
    """A path from the root; unlike os.path.abspath it does not fail in a directory that is gone."""
    return os.path.normpath(os.path.join(here(), path))
