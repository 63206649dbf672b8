"""Readers of Cargo.toml: the packages of a workspace, what they depend on, and the files without which none loads.

Cargo reads every manifest that it can reach before it downloads anything, and refuses one that has no target. It looks
whether the file of a target exists, never into it (https://doc.rust-lang.org/cargo/reference/cargo-targets.html).
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from dockerlayer.api import Context, Refusal, Scene, join

MANIFEST = "Cargo.toml"
Table = Mapping[str, Any]
_KINDS = ("dependencies", "build-dependencies", "build_dependencies")
_FOR_DEVELOPMENT = ("dev-dependencies", "dev_dependencies")
_FOLDERS = {"bin": "src/bin", "example": "examples", "test": "tests", "bench": "benches"}
MOST_PACKAGES = 2000


class Dependency(NamedTuple):
    """One dependency of a package; ``path`` is the directory of a local one, relative to the project."""

    name: str
    requirement: str
    path: str | None
    git: str
    optional: bool
    for_development: bool


class Package(NamedTuple):
    """A package of the project; ``place`` is its directory relative to the project's root."""

    place: str
    manifest: Table
    is_member: bool
    dependencies: tuple[Dependency, ...]


class Workspace(NamedTuple):
    """The packages that cargo loads; ``roots`` are further manifests that it reads for what packages inherit.

    ``listed`` are the members that the root manifest names one by one, ``patches`` what it patches, by name.
    """

    directory: str
    origin: str
    root: Table
    packages: tuple[Package, ...]
    roots: tuple[str, ...]
    listed: frozenset[str]
    patches: Mapping[str, Table]


class CannotReadError(Exception):
    """Why the packages are not known, as a refusal."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.refusal = Refusal(code, message)


def table(value: object) -> Table:
    """A value as a table; an empty one where it is something else."""
    return value if isinstance(value, dict) else {}


def strings(value: object) -> list[str]:
    """The strings of a list."""
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []


def toml(context: Context, path: str) -> Table | None:
    """A context file as TOML; None when there is none or it cannot be read."""
    import tomllib

    data = context.read(path)
    try:
        return None if data is None else tomllib.loads(data.decode())
    except (ValueError, RecursionError):
        return None


def manifest_above(scene: Scene, directory: str) -> tuple[str, str] | None:
    """The nearest directory upwards with a Cargo.toml of the context: image path and context path."""
    here = directory
    while True:
        origin = scene.project(here, MANIFEST)
        if origin is not None:
            return here, origin
        above = posixpath.dirname(here)
        if above == here or not above:
            return None
        here = above


def workspace_of(scene: Scene, directory: str, origin: str) -> Workspace:
    """The workspace, or the single package, that a Cargo.toml belongs to; raises CannotReadError."""
    manifest = _read(scene, posixpath.join(origin, MANIFEST))
    pointer = table(manifest.get("package")).get("workspace")
    if "workspace" not in manifest and isinstance(pointer, str):
        directory, origin = join(directory, pointer), _inside(posixpath.join(origin, pointer))
        manifest = _read(scene, posixpath.join(origin, MANIFEST))
    elif "workspace" not in manifest:
        here, above = directory, origin
        while above:
            here, above = posixpath.dirname(here), posixpath.dirname(above)
            path = posixpath.join(above, MANIFEST)
            if scene.origin(join(here, MANIFEST)) != path:
                continue
            found = _read(scene, path)
            if "workspace" in found and not _is_excluded(found, posixpath.relpath(origin, above or ".")):
                directory, origin, manifest = here, above, found
                break
    return _Reader(scene.context, origin, manifest).workspace(directory)


def _read(scene: Scene, path: str) -> Table:
    return _manifest(scene.context, path)


def _manifest(context: Context, path: str) -> Table:
    if path.startswith(".."):
        raise CannotReadError("crate-outside-context", f"{path} lies outside the build context")
    if not context.is_file(path):
        hidden = "kept out by the ignore file" if context.hidden(path) else "not in the build context"
        raise CannotReadError("crate-missing", f"{path}, which cargo reads first, is {hidden}")
    found = toml(context, path)
    if found is None:
        raise CannotReadError("bad-manifest", f"{path} cannot be read as TOML")
    return found


def _inside(path: str) -> str:
    normal = posixpath.normpath(path)
    return "" if normal == "." else normal


def _is_excluded(root: Table, place: str) -> bool:
    workspace = table(root.get("workspace"))
    within = [posixpath.normpath(item) for item in strings(workspace.get("exclude"))]
    listed = [posixpath.normpath(item) for item in strings(workspace.get("members"))]
    return any(_below(place, item) for item in within) and not any(_below(place, item) for item in listed)


def _below(place: str, directory: str) -> bool:
    return place == directory or place.startswith(f"{directory}/")


def _inherits(value: object) -> bool:
    if isinstance(value, dict):
        return value.get("workspace") is True or any(_inherits(item) for item in value.values())
    return isinstance(value, list) and any(_inherits(item) for item in value)


class _Reader:
    """Collects the packages that are reachable from a root manifest."""

    def __init__(self, context: Context, origin: str, root: Table) -> None:
        self.context = context
        self.origin = origin
        self.root = root
        self.shared = table(root.get("workspace"))
        self.roots: dict[str, None] = {}

    def workspace(self, directory: str) -> Workspace:
        listed: list[str] = []
        matched: list[str] = []
        for pattern in strings(self.shared.get("members")):
            cleaned = posixpath.normpath(pattern)
            if re.search(r"[*?\[]", cleaned):
                matched.extend(place for place in self._matching(cleaned) if not _is_excluded(self.root, place))
            else:
                listed.append("" if cleaned == "." else cleaned)
        own = [""] if "package" in self.root or "project" in self.root else []
        waiting = [(place, True) for place in dict.fromkeys([*own, *listed, *matched])]
        patches = {
            name: spec
            for source in (*table(self.root.get("patch")).values(), table(self.root.get("replace")))
            for name, spec in table(source).items()
            if isinstance(spec, dict)
        }
        local = [spec["path"] for spec in patches.values() if isinstance(spec.get("path"), str)]
        waiting.extend((_inside(path), False) for path in local)
        packages: dict[str, Package] = {}
        while waiting:
            place, is_member = waiting.pop(0)
            if place in packages and (packages[place].is_member or not is_member):
                continue
            if len(packages) > MOST_PACKAGES:
                raise CannotReadError("too-many-crates", f"more than {MOST_PACKAGES} packages belong to the project")
            package = self._package(place, is_member)
            packages[place] = package
            for item in package.dependencies:
                if item.path is None or (item.for_development and not is_member):
                    continue
                missing = not self.context.is_file(_inside(posixpath.join(self.origin, item.path, MANIFEST)))
                if missing and item.optional and not is_member:
                    continue
                joins = bool(self.shared) and not item.path.startswith("..")
                waiting.append((item.path, joins and not _is_excluded(self.root, item.path)))
        if not packages:
            path = posixpath.join(self.origin, MANIFEST)
            raise CannotReadError("no-packages", f"{path} has neither a package nor members that the context has")
        ordered = tuple(packages[place] for place in sorted(packages))
        return Workspace(
            directory, self.origin, self.root, ordered, tuple(self.roots), frozenset(listed), patches
        )  # fmt: skip

    def _package(self, place: str, is_member: bool) -> Package:
        manifest = self.root if not place else _manifest(self.context, self._path(place))
        base, shared = "", self.shared
        if not is_member and _inherits(manifest):
            base, shared = self._other_root(place)
        return Package(place, manifest, is_member, tuple(self._dependencies(place, manifest, base, shared)))

    def _path(self, place: str) -> str:
        return _inside(posixpath.join(self.origin, place, MANIFEST))

    def _other_root(self, place: str) -> tuple[str, Table]:
        """The workspace that a package outside of this one inherits from."""
        here = place
        while here:
            path = self._path(here)
            if not path.startswith("..") and self.context.is_file(path):
                found = _manifest(self.context, path)
                if "workspace" in found:
                    self.roots[posixpath.join(here, MANIFEST)] = None
                    return here, table(found["workspace"])
            if path == MANIFEST or path.startswith(".."):
                break
            here = _inside(posixpath.join(here, ".."))
        if not here and self.shared:
            return "", self.shared
        path = self._path(place)
        raise CannotReadError("workspace-root-missing", f"no workspace is found that {path} could inherit from")

    def _dependencies(self, place: str, manifest: Table, base: str, shared: Table) -> Iterator[Dependency]:
        for tables in (manifest, *map(table, table(manifest.get("target")).values())):
            for kind in (*_KINDS, *_FOR_DEVELOPMENT):
                for key, spec in table(tables.get(kind)).items():
                    yield _dependency(key, spec, place, base, shared, kind in _FOR_DEVELOPMENT)

    def _matching(self, pattern: str) -> list[str]:
        places = {""}
        for part in pattern.split("/"):
            if part == "**":
                raise CannotReadError(
                    "member-pattern", f"the workspace names its members by {pattern}, a pattern that is not read"
                )
            if part == "..":
                places = {_inside(posixpath.join(place, "..")) for place in places}
                continue
            try:
                matcher = re.compile(_glob(part))
            except re.error:
                raise CannotReadError(
                    "member-pattern", f"the workspace names its members by {pattern}, a pattern that is not read"
                ) from None
            places = {
                posixpath.join(place, name)
                for place in places
                for name in self.context.names(_inside(posixpath.join(self.origin, place)))
                if matcher.match(name)
            }
        return sorted(place for place in places if place and self.context.is_file(self._path(place)))


def _glob(part: str) -> str:
    """A part of a pattern as a regular expression, by the rules of Rust's glob crate."""
    text = ""
    for piece in re.findall(r"\[!?\]?[^\]]*\]|.", part, re.DOTALL):
        if piece == "*":
            text += "[^/]*"
        elif piece == "?":
            text += "[^/]"
        elif len(piece) > 1:
            start, inverted = ("[^", True) if piece[1] == "!" else ("[", False)
            inner = re.escape(piece[2 if inverted else 1 : -1]).replace("\\-", "-")
            text += f"{start}{inner}]"
        else:
            text += re.escape(piece)
    return rf"{text}\Z"


def _dependency(key: str, spec: object, place: str, base: str, shared: Table, for_development: bool) -> Dependency:
    if isinstance(spec, dict) and spec.get("workspace") is True:
        inherited = table(shared.get("dependencies")).get(key)
        place, optional = base, spec.get("optional") is True
        spec = inherited
    else:
        optional = isinstance(spec, dict) and spec.get("optional") is True
    values = {"version": spec} if isinstance(spec, str) else table(spec)
    texts = {name: value for name, value in values.items() if isinstance(value, str)}
    path = texts.get("path")
    where = None if path is None else _inside(posixpath.join(place, path))
    name = texts.get("package", key)
    return Dependency(name, texts.get("version", ""), where, texts.get("git", ""), optional, for_development)


def targets_of(context: Context, directory: str, manifest: Table) -> list[str] | None:
    """The files, relative to the package, that cargo must find to load a manifest; None where the context has none."""
    package = table(manifest.get("package", manifest.get("project")))
    name = package.get("name")
    wanted: list[str | None] = []

    def first(*candidates: str) -> str | None:
        return next((path for path in candidates if context.is_file(posixpath.join(directory, path))), None)

    library = manifest.get("lib")
    if isinstance(library, dict) and "path" not in library:
        wanted.append(first("src/lib.rs", f"src/{library.get('name', name)}.rs"))
    named = set()
    for kind, folder in _FOLDERS.items():
        listed = manifest.get(kind)
        for target in map(table, listed if isinstance(listed, list) else ()):
            own = target.get("name")
            named.add((kind, own))
            if "path" not in target:
                usual = [f"{folder}/{own}.rs", f"{folder}/{own}/main.rs"]
                if kind == "bin":
                    usual = [*(["src/main.rs"] if own == name else []), *usual, f"src/{own}.rs", "src/main.rs"]
                wanted.append(first(*usual))
    main = package.get("default-run")
    if isinstance(main, str) and ("bin", main) not in named:
        wanted.append(first(*(["src/main.rs"] if main == name else []), *_bin(main)))
    if "links" in package and "build" not in package:
        wanted.append(first("build.rs"))
    if not isinstance(library, dict) and not manifest.get("bin"):
        found = [] if package.get("autolib") is False else ["src/lib.rs"]
        if package.get("autobins") is not False:
            inner = context.names(posixpath.join(directory, "src/bin"))
            found += ["src/main.rs", *(path for name in inner for path in _bin(name.removesuffix(".rs")))]
        wanted.append(first(*found))
    files = [path for path in wanted if path is not None]
    return sorted(set(files)) if len(files) == len(wanted) else None


def _bin(name: str) -> list[str]:
    return [f"src/bin/{name}.rs", f"src/bin/{name}/main.rs"]
