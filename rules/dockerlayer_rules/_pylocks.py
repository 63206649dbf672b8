"""poetry.lock and pdm.lock: machine-written TOML, read line by line, since tomllib is slow on thousands of hashes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from dockerlayer_rules._pyproject import decode

_KEY = re.compile(r"([\w-]+)\s*=\s*(.+)")
_STRING = re.compile(r'"((?:[^"\\]|\\.)*)"')
_LOCAL = {"directory", "file"}


@dataclass(slots=True)
class Locked:
    """A package of a lockfile. ``source`` is index, directory, file, git or url; ``place`` its path or address.

    ``groups`` are the dependency groups that need it; none where the lockfile does not say.
    """

    name: str = ""
    groups: tuple[str, ...] = ()
    source: str = "index"
    place: str = ""
    optional: bool = False

    @property
    def local(self) -> bool:
        """Whether the package comes out of a file or directory."""
        return self.source in _LOCAL


def read_locked(data: bytes) -> list[Locked] | None:
    """The packages of a lockfile; None when it is no lockfile that a tool wrote."""
    found: list[Locked] = []
    whole = False
    for header, key, value in _entries(decode(data)):
        if header == "conflict":
            return None
        if header == "[[package]]" and not key:
            found.append(Locked())
        whole = whole or header in {"[metadata]", "[[package]]"}
        if found and key and header == "[[package]]":
            _of_package(found[-1], key, value)
        elif found and header == "[package.source]" and key in {"type", "url"}:
            _of_source(found[-1], key, value)
    return found if whole and all(item.name for item in found) else None


def _entries(text: str) -> Iterator[tuple[str, str, str]]:
    """Every header (with an empty key) and every key that starts a line, with the header above it."""
    header = ""
    for line in text.splitlines():
        if line.startswith("["):
            header = line.strip()
            yield header, "", ""
        elif line.startswith(("<<<<<<<", ">>>>>>>", "=======")):
            yield "conflict", "", ""
        elif line[:1].isalpha() and len(line) < 4096 and (match := _KEY.match(line)):
            yield header, match[1], match[2]


def _of_package(item: Locked, key: str, value: str) -> None:
    texts = _STRING.findall(value)
    if key == "name":
        item.name = texts[0] if texts else ""
    elif key == "groups":
        item.groups = tuple(texts)
    elif key == "category" and texts:
        item.groups = (texts[0],)
    elif key == "optional":
        item.optional = value.startswith("true")
    elif key in {"path", "git", "hg", "svn", "url"} and texts:
        is_file = key == "path" and re.search(r"\.(?:whl|zip|tar\.\w+|tgz)\Z", texts[0])
        item.source = "url" if key == "url" else "git" if key != "path" else "file" if is_file else "directory"
        item.place = texts[0]


def _of_source(item: Locked, key: str, value: str) -> None:
    text = next(iter(_STRING.findall(value)), "")
    if key == "type":
        item.source = "index" if text == "legacy" else text
    else:
        item.place = text
