"""What is in force for a Dockerfile: the values of several documents, each over those of the ones before it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from dockerlayer.config.document import Document, KeyPath
from dockerlayer.config.fields import FIELDS
from dockerlayer.config.globs import fits
from dockerlayer.findings import Severity

ALL = "all"
DEFAULT = "default"
_DEFAULTS = {field.key: field.default for field in FIELDS}


class Value(NamedTuple):
    """A value with where it was said; ``document`` is None for a default."""

    value: Any
    document: Document | None = None
    place: KeyPath = ()


class Configuration:
    """The values of documents, of which later ones count more.

    Single values and lists replace what was said before, tables are merged key by key, and ``select`` puts aside what
    earlier documents selected and ignored.
    """

    def __init__(self, documents: tuple[Document, ...] = ()) -> None:
        self.documents = documents

    def found(self, key: str) -> Value:
        """The value of a key as it was said last."""
        for document in reversed(self.documents):
            if key in document.table:
                return Value(document.table[key], document, (key,))
        return Value(_DEFAULTS[key])

    def rules(self, every: frozenset[str], default: frozenset[str], always: frozenset[str]) -> frozenset[str]:
        """The rules to run, of ``every`` one; without a selection they are those of ``default``.

        A selection has those of ``always`` beside what it names, unless they are ignored.
        """
        chosen = default
        for document in self.documents:
            table = document.table
            if "select" in table:
                chosen = always | _named(table["select"], every)
            chosen |= _named(table.get("extend-select", ()), every)
            chosen -= frozenset(table.get("ignore", ()))
        return chosen

    def selections(self) -> list[Value]:
        """What was said about which rules to run, as far as a later selection does not put it aside."""
        found: list[Value] = []
        for document in self.documents:
            for key in ("select", "extend-select", "ignore"):
                if key in document.table:
                    said = Value(document.table[key], document, (key,))
                    found = [said] if key == "select" else [*found, said]
        return found

    def severities(self) -> dict[str, Value]:
        """The severities that are not the rules' own, by rule."""
        found: dict[str, Value] = {}
        for document in self.documents:
            for rule, severity in document.table.get("severity", {}).items():
                found[rule] = Value(Severity(severity), document, ("severity", rule))
        return found

    def patterns(self) -> dict[str, Value]:
        """The preferred patterns by ecosystem, with that of the others under ``default``.

        A pattern for all puts aside what was said of single ecosystems before.
        """
        found = {DEFAULT: Value(_DEFAULTS["pattern"])}
        for document in self.documents:
            said = document.table.get("pattern", {})
            if isinstance(said, str):
                found = {DEFAULT: Value(said, document, ("pattern",))}
                continue
            for ecosystem, pattern in said.items():
                found[ecosystem] = Value(pattern, document, ("pattern", ecosystem))
        return found

    def context(self, path: str | None) -> Value:
        """The directory that the Dockerfile of an absolute path is built from; None when nothing was said.

        Without a path only what holds for every Dockerfile counts. Raises ConfigError for what is no directory.
        """
        for document, glob, directory, place in self._contexts():
            if glob is None or (path is not None and fits(glob, _relative(path, document.directory), below=True)):
                found = _absolute(directory, document)
                if not os.path.isdir(found):
                    wrong = "not a directory" if os.path.lexists(found) else "no such directory"
                    raise document.error([(place, f"context {directory!r}: {wrong}")])
                return Value(found, document, place)
        return Value(None)

    def _contexts(self) -> Iterator[tuple[Document, str | None, str, KeyPath]]:
        for document in reversed(self.documents):
            said: str | Mapping[str, str] = document.table.get("context", {})
            if isinstance(said, str):
                yield document, None, said, ("context",)
                return
            for glob, directory in said.items():
                yield document, glob, directory, ("context", glob)

    def excludes(self, path: str) -> bool:
        """Whether a file or a directory, by its absolute path, is not to be looked at."""
        globs, document, _ = self.found("exclude")
        if document is None or not globs:
            return False
        relative = _relative(path, document.directory)
        return any(fits(glob, relative) for glob in globs)

    def file(self, key: str) -> str | None:
        """The path that a key names, absolute; None when nothing was said."""
        said, document, _ = self.found(key)
        return (
            None if document is None else os.path.normpath(os.path.join(document.directory, os.path.expanduser(said)))
        )


def _named(names: Any, every: frozenset[str]) -> frozenset[str]:
    return every if ALL in names else frozenset(names)


def _absolute(path: str, document: Document) -> str:
    return os.path.normpath(os.path.join(document.directory, os.path.expanduser(path)))


def _relative(path: str, directory: str) -> str:
    return os.path.relpath(path, directory).replace(os.sep, "/")
