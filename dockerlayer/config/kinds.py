"""What the value of a key may be: each kind checks a value, and describes itself as JSON Schema.

The schemas keep to what JSON Schema draft 4 and 7 share, as the TOML language servers of editors read no more.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any, NamedTuple, Protocol

from dockerlayer.config.document import KeyPath
from dockerlayer.errors import meant


class Known(NamedTuple):
    """The names that others define: of rules, of ecosystems and of the patterns of fixes."""

    rules: Collection[str]
    ecosystems: Collection[str]
    patterns: Sequence[str]


class Wrong(NamedTuple):
    """What is wrong with a document, and where in it."""

    place: KeyPath
    message: str


class Kind(Protocol):
    """``noun`` says with an article what is wanted."""

    noun: str

    def wrongs(self, value: Any, place: KeyPath, known: Known) -> Iterator[Wrong]:
        """What is wrong with a value, if anything."""

    def schema(self, known: Known) -> dict[str, Any]:
        """A JSON Schema that accepts the same values."""


Names = Callable[[Known], Collection[str]]


class Flag:
    """true or false."""

    noun = "true or false"

    def wrongs(self, value: Any, place: KeyPath, known: Known) -> Iterator[Wrong]:
        if not isinstance(value, bool):
            yield _unfit(self, value, place)

    def schema(self, known: Known) -> dict[str, Any]:
        return {"type": "boolean"}


class Text:
    """A string for a path or a glob."""

    def __init__(self, noun: str) -> None:
        self.noun = noun

    def wrongs(self, value: Any, place: KeyPath, known: Known) -> Iterator[Wrong]:
        if not isinstance(value, str):
            yield _unfit(self, value, place)
        elif not _TEXT.search(value):
            yield Wrong(place, f"{spelled(place)} must be {self.noun}, and {shown(value)} is none")

    def schema(self, known: Known) -> dict[str, Any]:
        return {"type": "string", "pattern": _TEXT.pattern}


_TEXT = re.compile("^[^\\u0000]+$")


class OneOf:
    """One of some names; ``listed`` says where they can be read."""

    def __init__(self, noun: str, names: Names, extra: tuple[str, ...] = (), listed: str = "") -> None:
        self.noun = noun
        self._names = names
        self._extra = extra
        self._listed = listed

    def names(self, known: Known) -> list[str]:
        """What may be said."""
        return [*self._extra, *self._names(known)]

    def wrongs(self, value: Any, place: KeyPath, known: Known) -> Iterator[Wrong]:
        names = self.names(known)
        if not isinstance(value, str):
            yield _unfit(self, value, place)
        elif value not in names:
            yield Wrong(place, f"there is no {bare(self.noun)} {shown(value)}; {meant(value, names, self._listed)}")

    def schema(self, known: Known) -> dict[str, Any]:
        return {"type": "string", "enum": self.names(known)}


class ListOf:
    """A list of values of one kind."""

    def __init__(self, noun: str, kind: Kind) -> None:
        self.noun = noun
        self._kind = kind

    def wrongs(self, value: Any, place: KeyPath, known: Known) -> Iterator[Wrong]:
        if not isinstance(value, list):
            yield _unfit(self, value, place)
            return
        for index, item in enumerate(value):
            yield from self._kind.wrongs(item, (*place, index), known)

    def schema(self, known: Known) -> dict[str, Any]:
        return {"type": "array", "items": self._kind.schema(known)}


class TableOf:
    """A table of values of one kind, under keys of one kind."""

    def __init__(self, noun: str, keys: OneOf | Text, kind: Kind) -> None:
        self.noun = noun
        self._keys = keys
        self._kind = kind

    def wrongs(self, value: Any, place: KeyPath, known: Known) -> Iterator[Wrong]:
        if not isinstance(value, dict):
            yield _unfit(self, value, place)
            return
        for key, item in value.items():
            wrong = list(self._keys.wrongs(key, (*place, key), known))
            yield from wrong or self._kind.wrongs(item, (*place, key), known)

    def schema(self, known: Known) -> dict[str, Any]:
        item = self._kind.schema(known)
        if isinstance(self._keys, OneOf):
            properties: dict[str, Any] = dict.fromkeys(self._keys.names(known), item)
            return {"type": "object", "properties": properties, "additionalProperties": False}
        pattern = self._keys.schema(known)["pattern"]
        return {"type": "object", "patternProperties": {pattern: item}, "additionalProperties": False}


class Either:
    """A string, or a table."""

    def __init__(self, one: OneOf | Text, table: TableOf) -> None:
        self.noun = f"{one.noun} or {table.noun}"
        self._one = one
        self._table = table

    def wrongs(self, value: Any, place: KeyPath, known: Known) -> Iterator[Wrong]:
        if isinstance(value, str):
            yield from self._one.wrongs(value, place, known)
        elif isinstance(value, dict):
            yield from self._table.wrongs(value, place, known)
        else:
            yield _unfit(self, value, place)

    def schema(self, known: Known) -> dict[str, Any]:
        return {"anyOf": [self._one.schema(known), self._table.schema(known)]}


def _unfit(kind: Kind, value: Any, place: KeyPath) -> Wrong:
    return Wrong(place, f"{spelled(place)} must be {kind.noun}, not {_TYPES.get(type(value), 'a date or a time')}")


_TYPES: dict[type, str] = {
    str: "a string",
    bool: "true or false",
    int: "a number",
    float: "a number",
    list: "a list",
    dict: "a table",
}


def bare(noun: str) -> str:
    """A noun without its article."""
    return noun.partition(" ")[2]


def shown(value: str) -> str:
    """A string as it may stand in a message: quoted, and cut where it is long."""
    return repr(value if len(value) <= 60 else f"{value[:57]}...")


def spelled(place: KeyPath) -> str:
    """A place as people write it: ``severity.some-rule``, ``select[2]``, counted from 1."""
    text = ""
    for part in place:
        if isinstance(part, int):
            text += f"[{part + 1}]"
        else:
            plain = part if re.fullmatch(r"[\w-]{1,60}", part, re.ASCII) else shown(part)
            text += f".{plain}" if text else plain
    return text
