"""uv.lock: what it pins, which packages are local, and what a sync with some options takes from it.

A table of uv.lock has a ``source`` of one key: registry, git, url, path (an archive), or, for what lies in the project,
editable, directory or virtual (never installed). Read with uv.lock of version 1, revisions 1 to 5.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import NamedTuple

from dockerlayer.api import Context
from dockerlayer_rules._pyproject import parse_toml
from dockerlayer_rules._requirements import name_of

_LIMIT = 32 * 1024 * 1024
# Markers that no build on Linux meets; every other one is taken to be met.
_ELSEWHERE = (
    r"\A\(?(?:sys_platform|platform_system|os_name) == '(?:win32|cygwin|darwin|Windows|Darwin|nt|emscripten)'\)?\Z"
)
_REQUIREMENT = r"([A-Za-z0-9][\w.-]*)\s*(?:\[([^\]]*)\])?\s*\(?([^();]*)\)?\s*(;.*)?\Z"


class Locked(NamedTuple):
    """One package of the lockfile; ``place`` is the path of a local one, relative to the lockfile."""

    name: str
    kind: str
    place: str
    table: Mapping[str, object]

    @property
    def is_local(self) -> bool:
        """Whether it is built from files of the project."""
        return self.kind in {"editable", "directory", "virtual", "path"}


class Lockfile(NamedTuple):
    """A lockfile, with the names of the workspace's members (of none where it has but one package)."""

    packages: Mapping[str, tuple[Locked, ...]]
    members: frozenset[str]
    requires_python: str = ""
    manifest: Mapping[str, object] = MappingProxyType({})

    @property
    def local(self) -> tuple[Locked, ...]:
        """The packages that are built from files of the project."""
        return tuple(item for items in self.packages.values() for item in items if item.is_local)

    def at(self, place: str) -> Locked | None:
        """The package of a directory, relative to the lockfile."""
        return next((item for item in self.local if item.place == place and item.kind != "path"), None)


class Wanted(NamedTuple):
    """What a command asks for: packages to start from, their extras, and groups; None stands for all of a kind."""

    roots: frozenset[str]
    extras: frozenset[str] | None
    groups: frozenset[str] | None
    project: bool = True


def read_lock(context: Context, path: str) -> Lockfile | None:
    """The lockfile at a context path, or None for one that cannot be read as a uv.lock."""
    data = context.read(path, _LIMIT)
    table = parse_toml(data) if data is not None else None
    packages = table.get("package", []) if table is not None and table.get("version") == 1 else None
    if table is None or not isinstance(packages, list):
        return None
    found: dict[str, tuple[Locked, ...]] = {}
    for item in packages:
        source = item.get("source") if isinstance(item, dict) else None
        if not isinstance(item, dict) or not isinstance(source, dict) or not isinstance(item.get("name"), str):
            return None
        kind = next((key for key in source if isinstance(source[key], str)), "")
        place = posixpath.normpath(str(source[kind])) if kind in {"editable", "directory", "virtual", "path"} else ""
        if kind == "registry" and not re.match(r"https?://", str(source[kind])):
            kind, place = "index", str(source[kind])
        locked = Locked(str(item["name"]), kind, place, item)
        found[locked.name] = (*found.get(locked.name, ()), locked)
    manifest = table.get("manifest")
    manifest = manifest if isinstance(manifest, dict) else {}
    members = manifest.get("members")
    names = [name for name in members if isinstance(name, str)] if isinstance(members, list) else []
    return Lockfile(found, frozenset(names), str(table.get("requires-python") or ""), manifest)


def taken(lock: Lockfile, wanted: Wanted) -> frozenset[str]:
    """The names of all packages that a sync on Linux installs, the local ones included.

    Markers beyond those of other systems are not evaluated: the set may be too large, never too small.
    """
    found: set[str] = set()
    visited: set[tuple[str, str]] = set()
    pending: list[tuple[str, str]] = []
    for root in wanted.roots:
        for item in lock.packages.get(root, ()):
            pending.extend(_edges(item.table.get("dependencies")) if wanted.project else ())
            found |= {root} if wanted.project else set()
            for key, names in (("optional-dependencies", wanted.extras), ("dev-dependencies", wanted.groups)):
                tables = item.table.get(key)
                for name, edges in tables.items() if isinstance(tables, dict) else ():
                    if (names is None or name in names) and (wanted.project or key == "dev-dependencies"):
                        pending.extend(_edges(edges))
    while pending:
        name, extra = step = pending.pop()
        if step in visited:
            continue
        visited.add(step)
        found.add(name)
        for item in lock.packages.get(name, ()):
            pending.extend(_edges(item.table.get("dependencies")))
            optional = item.table.get("optional-dependencies")
            if extra and isinstance(optional, dict):
                pending.extend(_edges(optional.get(extra)))
    return frozenset(found)


def _edges(value: object) -> Iterator[tuple[str, str]]:
    for edge in value if isinstance(value, list) else ():
        name = edge.get("name") if isinstance(edge, dict) else None
        if not isinstance(name, str) or re.match(_ELSEWHERE, str(edge.get("marker") or "")):
            continue
        extras = edge.get("extra")
        yield name, ""
        yield from ((name, str(extra)) for extra in (extras if isinstance(extras, list) else ()))


def downloads(lock: Lockfile, names: Iterable[str]) -> int:
    """How many packages of these names come from elsewhere."""
    return sum(not item.is_local and item.kind != "index" for name in names for item in lock.packages.get(name, ())[:1])


def is_fresh(lock: Lockfile, place: str, project: Mapping[str, object]) -> bool:
    """Whether uv would leave the lockfile as it is, as far as a comparison of the plainest kind can show it.

    ``project`` is the whole pyproject.toml of the package at ``place``. Whatever is not plain counts as changed.
    """
    locked = lock.at(place)
    table, tool = project.get("project"), project.get("tool")
    if locked is None or not isinstance(table, dict) or lock.manifest.keys() - {"members"}:
        return False
    own = tool.get("uv", {}) if isinstance(tool, dict) else {}
    if not isinstance(own, dict) or own.keys() - {"package", "default-groups", "cache-keys", "required-version"}:
        return False
    metadata = locked.table.get("metadata")
    metadata = metadata if isinstance(metadata, dict) else {}
    plain = {"name", "version", "description", "readme", "authors", "license", "requires-python", "dependencies"}
    plain |= {"classifiers", "urls", "keywords", "maintainers", "scripts", "license-files"}
    if table.keys() - plain or table.get("dynamic") or table.get("requires-python", "") != lock.requires_python:
        return False
    if locked.table.get("version") != table.get("version") or name_of(str(table.get("name"))) != locked.name:
        return False
    groups = project.get("dependency-groups", {})
    dev = metadata.get("requires-dev", {})
    if not isinstance(groups, dict) or not isinstance(dev, dict) or groups.keys() != dev.keys():
        return False
    pairs = [(table.get("dependencies", []), metadata.get("requires-dist", []))]
    pairs += [(groups[name], dev[name]) for name in groups]
    return all(_asked(one) is not None and _asked(one) == _pinned(other) for one, other in pairs)


def _asked(listed: object) -> set[tuple[str, str, str]] | None:
    found = set()
    for item in listed if isinstance(listed, list) else [None]:
        match = re.match(_REQUIREMENT, item.strip(), re.DOTALL) if isinstance(item, str) else None
        if match is None or match[4]:
            return None
        found.add((name_of(match[1]), _sorted(match[2] or ""), _sorted(match[3])))
    return found


def _pinned(listed: object) -> set[tuple[str, str, str]] | None:
    found = set()
    for item in listed if isinstance(listed, list) else [None]:
        if not isinstance(item, dict) or item.keys() - {"name", "specifier", "extras"}:
            return None
        extras = item.get("extras")
        joined = ",".join(map(str, extras)) if isinstance(extras, list) else ""
        found.add((str(item.get("name")), _sorted(joined), _sorted(str(item.get("specifier", "")))))
    return found


def _sorted(text: str) -> str:
    return ",".join(sorted("".join(part.split()) for part in text.split(",")))
