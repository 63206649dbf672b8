"""A reader of pnpm-lock.yaml, line by line: pnpm writes it always in the same shape (lockfile versions 5.3 to 9.0).

Specifications: https://github.com/pnpm/spec/tree/master/lockfile. pnpm 11 and later may put a document about pnpm's own
version before that of the project.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

SECTIONS = frozenset({"dependencies", "devDependencies", "optionalDependencies"})
_VERSION = re.compile(r"lockfileVersion: *['\"]?(\d+)(?:\.(\d+))?")
_FILE = re.compile(r"(?:^|@)file:([^()]+)")
_DOCUMENT = re.compile(r"^---[ \t]*\r?$", re.MULTILINE)


@dataclass
class Locked:
    """What a pnpm-lock.yaml says.

    ``importers`` are the projects by their directory ('' for the root), each with its specifiers by name. ``patches``
    are paths, ``local`` the ``file:`` dependencies as paths (True for a directory). ``packages`` are the registry
    packages by name and version, ``snapshots`` what each of them depends on (version 9.0), ``roots`` what the projects
    depend on but for development.
    """

    major: int
    importers: dict[str, dict[str, str]] = field(default_factory=dict)
    patches: set[str] = field(default_factory=set)
    patched: set[str] = field(default_factory=set)
    overrides: set[str] = field(default_factory=set)
    catalogs: dict[str, str] = field(default_factory=dict)
    local: dict[str, bool] = field(default_factory=dict)
    packages: dict[str, dict[str, str]] = field(default_factory=dict)
    snapshots: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    roots: list[tuple[str, str]] = field(default_factory=list)
    injected: bool = False
    extended: bool = False

    @property
    def scripted(self) -> set[str] | None:
        """The names of the packages with install scripts."""
        if self.major >= 9:
            return None
        return {name_of(key) for key, entry in self.packages.items() if entry.get("requiresBuild") == "true"}

    @property
    def names(self) -> frozenset[str]:
        """The names of all packages."""
        return frozenset(map(name_of, self.packages))

    def count(self, *, omit_dev: bool) -> int:
        """How many archives a download on linux/x64 takes."""
        kept = self._for_production() if omit_dev and self.snapshots else None
        return len(
            {
                plain(key)
                for key, entry in self.packages.items()
                if _fits(entry.get("os"), "linux")
                and _fits(entry.get("cpu"), "x64")
                and not (omit_dev and entry.get("dev") == "true")
                and (kept is None or key in kept)
            }
        )

    def _for_production(self) -> set[str]:
        """The packages that can be reached without a dependency for development."""
        found: set[str] = set()
        pending = list(self.roots)
        while pending:
            name, version = pending.pop()
            key = f"{name}@{version}" if f"{name}@{version}" in self.snapshots else version
            if key not in found and key in self.snapshots:
                found.add(key)
                pending.extend(self.snapshots[key])
        return set(map(plain, found))


def read_lock(data: bytes) -> Locked | None:
    """What the last document of a lockfile says, or None when it is none."""
    documents = _DOCUMENT.split(data.decode("utf-8", "replace").removeprefix("\ufeff"))
    text = next((item for item in reversed(documents) if item.strip()), "")
    version = _VERSION.search(text)
    if version is None or len(version[1]) > 3:
        return None
    found = Locked(int(version[1]))
    for path, value in _lines(text):
        _take(found, path, value)
    return found


def _lines(text: str) -> Iterator[tuple[tuple[str, ...], str]]:
    """Each mapping line as the path of its keys and the rest of the line."""
    stack: list[tuple[int, str]] = []
    for line in text.splitlines():
        body = line.strip()
        if not body or body.startswith(("#", "- ")):
            continue
        indent = len(line) - len(line.lstrip(" "))
        key, value = _pair(body)
        if key is None or indent > 40:
            continue
        while stack and stack[-1][0] >= indent:
            stack.pop()
        stack.append((indent, key))
        yield tuple(name for _, name in stack), value


def _pair(body: str) -> tuple[str | None, str]:
    if body[0] in "'\"":
        end = body.find(f"{body[0]}:", 1)
        return (body[1:end], _plain(body[end + 2 :])) if end > 0 else (None, "")
    key, separator, value = body.partition(": ")
    if separator:
        return key, _plain(value)
    return (body[:-1], "") if body.endswith(":") else (None, "")


def _plain(value: str) -> str:
    value = value.strip()
    return value[1:-1] if len(value) > 1 and value[0] == value[-1] and value[0] in "'\"" else value


def _take(found: Locked, path: tuple[str, ...], value: str) -> None:
    top = path[0]
    if top == "packages" and len(path) > 1:
        _take_package(found, path, value)
    elif top == "importers" and len(path) > 1:
        importer = found.importers.setdefault("" if path[1] == "." else path[1], {})
        _take_dependency(found, importer, path[2:], value)
    elif top == "snapshots" and len(path) > 1:
        edges = found.snapshots.setdefault(path[1], [])
        if len(path) == 4 and path[2] in SECTIONS:
            edges.append((path[3], value))
    elif top == "specifiers" or top in SECTIONS or top == "dependenciesMeta":
        _take_dependency(found, found.importers.setdefault("", {}), path, value)
    elif top == "patchedDependencies" and len(path) > 1:
        found.patched.add(path[1])
        if path[-1] == "path" and value:
            found.patches.add(value)
    elif top == "overrides" and len(path) == 2:
        found.overrides.add(path[1])
    elif top == "catalogs" and len(path) == 4 and path[3] == "specifier":
        found.catalogs[f"{path[1]}:{path[2]}"] = value
    elif top in {"packageExtensionsChecksum", "pnpmfileChecksum"}:
        found.extended = True


def _take_dependency(found: Locked, importer: dict[str, str], path: tuple[str, ...], value: str) -> None:
    if len(path) < 2:
        return
    section, name, *rest = path
    if rest == ["version"] and section != "devDependencies":
        found.roots.append((name, value))
    elif section == "specifiers" or (section in SECTIONS and rest == ["specifier"]):
        importer[name] = value
    elif section == "dependenciesMeta" and rest == ["injected"] and value == "true":
        found.injected = True


def _take_package(found: Locked, path: tuple[str, ...], value: str) -> None:
    key = path[1]
    local = _FILE.search(key)
    if local is not None:
        is_directory = found.local.get(local[1], False)
        if path[2:] == ("resolution",) and "type: directory" in value:
            is_directory = True
        found.local[local[1]] = is_directory
        return
    entry = found.packages.setdefault(key, {})
    if len(path) == 3 and path[2] in {"os", "cpu", "dev", "requiresBuild"}:
        entry[path[2]] = value


def plain(key: str) -> str:
    """The key of a package without the peers that it was resolved with."""
    return key.partition("(")[0].partition("_")[0] if key.startswith("/") else key.partition("(")[0]


def name_of(key: str) -> str:
    """The name of a package, by its key: ``/@a/b/1.0.0``, ``/@a/b@1.0.0`` or ``@a/b@1.0.0``."""
    key = plain(key).lstrip("/")
    at = key.find("@", 1)
    return key[:at] if at > 0 else key.rpartition("/")[0]


def _fits(allowed: str | None, value: str) -> bool:
    if not allowed:
        return True
    words = re.findall(r"[!\w-]+", allowed)
    return f"!{value}" not in words and (value in words or all(word.startswith("!") for word in words))


def specifiers_of(manifest: Mapping[str, object]) -> dict[str, str]:
    """What package.json asks for, by name."""
    found: dict[str, str] = {}
    for section in SECTIONS:
        asked = manifest.get(section)
        if isinstance(asked, dict):
            found.update((str(name), str(value)) for name, value in asked.items())
    return found
