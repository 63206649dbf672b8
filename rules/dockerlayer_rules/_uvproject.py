"""Projects and workspaces of uv: where the root is, what lies beside its manifest, who the members are."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import NamedTuple

from dockerlayer.api import Context, Lock, Scene, join
from dockerlayer_rules._pyproject import Project, parse_toml, read_project
from dockerlayer_rules._uvlock import Lockfile, read_lock

MANIFEST, LOCKFILE = "pyproject.toml", "uv.lock"
# Settings that uv looks for beside the manifest (docs: concepts/configuration-files, concepts/python-versions).
SETTINGS = (".python-version", ".python-versions", "uv.toml")
BACKENDS: Mapping[str, tuple[str, ...]] = {
    "hatchling.build": ("editables~=0.3",), "setuptools.build_meta": ("wheel",), "flit_core.buildapi": (),
    "poetry.core.masonry.api": (), "pdm.backend": (), "uv_build": (),
}  # fmt: skip
"""Build backends for which build-system.requires and these are all that a build takes from the network."""


class Root(NamedTuple):
    """A project, or the workspace that it belongs to.

    ``directory`` is its image directory, ``origin`` the context directory behind it, ``member`` the directory of the
    project itself, relative to it. ``table`` is its pyproject.toml, None for one that cannot be read.
    """

    directory: str
    origin: str
    member: str
    table: Mapping[str, object] | None
    members: tuple[str, ...] = ()
    lock: Lockfile | None = None
    settings: Mapping[str, object] = MappingProxyType({})

    def path(self, *parts: str) -> str:
        """A context path below the root."""
        return posixpath.normpath(posixpath.join(self.origin, *parts))


def find_root(scene: Scene, directory: str) -> Root | None:
    """The project that uv finds in an image directory, as far as the build context has it."""
    here = directory
    origin = scene.project(here, MANIFEST)
    while origin is None and posixpath.dirname(here) not in {here, ""}:
        here = posixpath.dirname(here)
        origin = scene.project(here, MANIFEST)
    if origin is None:
        return None
    inner = here
    table = _manifest(scene.context, origin)
    if table is not None and not _workspace(table):
        above, outer = here, origin
        while outer and posixpath.dirname(above) not in {above, ""}:
            above, outer = posixpath.dirname(above), posixpath.dirname(outer)
            parent = _manifest(scene.context, outer) if scene.project(above, MANIFEST) == outer else None
            place = posixpath.relpath(origin, outer or ".") if outer else origin
            if parent is not None and _workspace(parent) and place in _members(scene.context, outer, parent):
                here, origin, table = above, outer, parent
                break
    member = posixpath.relpath(inner, here) if inner != here else "."
    members = tuple(sorted(_members(scene.context, origin, table or {})))
    lock = read_lock(scene.context, posixpath.join(origin, LOCKFILE))
    return Root(here, origin, member, table, members, lock, settings_of(table or {}))


def settings_of(table: Mapping[str, object]) -> Mapping[str, object]:
    """The table ``tool.uv`` of a pyproject.toml."""
    tool = table.get("tool")
    own = tool.get("uv") if isinstance(tool, dict) else None
    return own if isinstance(own, dict) else {}


def _manifest(context: Context, origin: str) -> dict[str, object] | None:
    data = context.read(posixpath.join(origin, MANIFEST))
    return parse_toml(data) if data is not None else None


def _workspace(table: Mapping[str, object]) -> Mapping[str, object]:
    found = settings_of(table).get("workspace")
    return found if isinstance(found, dict) else {}


def _members(context: Context, origin: str, table: Mapping[str, object]) -> set[str]:
    """The directories of a workspace's members, relative to its root and without it."""
    declared = _workspace(table)
    found = _matches(context, origin, declared.get("members")) - _matches(context, origin, declared.get("exclude"))
    return {place for place in found if context.is_file(posixpath.join(origin, place, MANIFEST))}


def _matches(context: Context, origin: str, patterns: object) -> set[str]:
    found: set[str] = set()
    for pattern in patterns if isinstance(patterns, list) else ():
        if not isinstance(pattern, str):
            continue
        cleaned = posixpath.normpath(pattern)
        if "**" in cleaned:
            parts = (re.escape(part).replace(r"\*", "[^/]*") for part in cleaned.split("**"))
            matcher = re.compile(".*".join(parts) + r"\Z")
            places = (posixpath.dirname(path) for path in context.walk(origin) if path.endswith(f"/{MANIFEST}"))
            inside = (posixpath.relpath(place, origin or ".") for place in places)
            found |= {place for place in inside if matcher.match(place) or matcher.match(f"{place}/")}
        elif not cleaned.startswith(("..", "/")):
            paths = context.glob(posixpath.join(origin, cleaned))
            found |= {posixpath.relpath(path, origin or ".") for path in paths if context.is_dir(path)}
    return found - {"."}


def narrow_inputs(scene: Scene, root: Root) -> tuple[str, ...]:
    """The files, relative to the root, that a sync reads when the lockfile is not checked."""
    names = [MANIFEST, LOCKFILE, *SETTINGS]
    if root.member != ".":
        names += [posixpath.join(root.member, name) for name in (MANIFEST, *SETTINGS[:2])]
    return tuple(name for name in names if scene.origin(join(root.directory, name)) == root.path(name))


def lock_of(scene: Scene, root: Root, made: bool) -> Lock:
    """What pins a sync; ``made`` is whether an earlier step wrote a lockfile."""
    path, image = root.path(LOCKFILE), join(root.directory, LOCKFILE)
    advice = "uv lock writes uv.lock; commit it, copy it, and install with uv sync --locked"
    placed = scene.origin(image)
    if placed is not None:
        return Lock(MANIFEST, LOCKFILE, "ok" if placed == path else "elsewhere", advice)
    if scene.context.is_file(path):
        return Lock(MANIFEST, LOCKFILE, "uncopied", "copy it beside pyproject.toml; the image then gets what it pins")
    if scene.context.hidden(path):
        return Lock(MANIFEST, LOCKFILE, "hidden", f"take {LOCKFILE} out of the ignore file")
    return Lock(MANIFEST, LOCKFILE, "made" if made else "missing", advice)


def project_at(scene: Scene, root: Root, place: str) -> Project | None:
    """The project in a directory, relative to the root."""
    return read_project(scene, join(root.directory, place))


def built_in(project: Project, version: tuple[int, ...] | None) -> bool:
    """Whether uv builds a project by itself: its backend is uv_build, of a range that holds the uv in use.

    uv does so since 0.8 (docs: concepts/build-backend); of another range it fetches uv_build as any backend.
    """
    if project.backend != "uv_build" or len(project.requires) != 1 or project.own_backend:
        return False
    match = re.fullmatch(r"uv[_-]build([<>=\d.,\s]+)", project.requires[0].strip())
    if match is None or not version or version < (0, 8):
        return False
    return all(_holds(clause.strip(), version) for clause in match[1].split(",") if clause.strip())


def _holds(clause: str, version: tuple[int, ...]) -> bool:
    match = re.fullmatch(r"(>=|<=|==|<|>)\s*(\d+(?:\.\d+)*)", clause)
    if match is None:
        return False
    bound = tuple(map(int, match[2].split(".")))
    bound += (0,) * (len(version) - len(bound))
    compared = (version > bound) - (version < bound)
    return compared in {">=": {0, 1}, "<=": {-1, 0}, "==": {0}, "<": {-1}, ">": {1}}[match[1]]


def has_build_system(project: Project) -> bool:
    """Whether pyproject.toml says how the project is built."""
    return bool(project.table.get("build-system"))


def is_dynamic(project: Project) -> bool:
    """Whether only the build backend knows what the project depends on."""
    table = project.table.get("project")
    listed = table.get("dynamic") if isinstance(table, dict) else None
    dynamic = {"dependencies", "optional-dependencies"} & set(map(str, listed if isinstance(listed, list) else ()))
    return bool(dynamic) or project.source not in {"project"}


def manifests(scene: Scene, root: Root) -> Iterator[str]:
    """The manifests that a check of the lockfile reads beside the root's: of members, and of what paths lead to."""
    places = [item.place for item in root.lock.local if item.kind != "path"] if root.lock is not None else []
    for place in sorted({*places, *root.members} - {"."}):
        if scene.context.is_file(root.path(place, MANIFEST)):
            yield posixpath.join(place, MANIFEST)
