"""``uv sync`` and ``uv run``: the dependencies from pyproject.toml and uv.lock alone, the project from its source.

uv has no command that only downloads (astral-sh/uv#3163): a sync without the local packages takes its place. Measured
with uv 0.5.31, 0.8.24 and 0.13.9.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from dataclasses import replace

from dockerlayer.api import (
    NOT_IN_CONTEXT,
    Call,
    Fetch,
    Lock,
    Refusal,
    Scene,
    is_within,
    join,
    path_of,
)
from dockerlayer_rules._uvcall import Asked, ask, own_places, unknown_word
from dockerlayer_rules._uvlock import Locked, Wanted, downloads, is_fresh, taken
from dockerlayer_rules._uvproject import (
    LOCKFILE,
    MANIFEST,
    Root,
    find_root,
    has_build_system,
    is_dynamic,
    lock_of,
    manifests,
    narrow_inputs,
    project_at,
)
from dockerlayer_rules._uvsplit import ONLY_LOCAL, ONLY_PROJECT, ONLY_WORKSPACE, with_split

RESOLVING = ("--upgrade", "--upgrade-package", "--upgrade-group", "--no-lock")


def read_sync(asked: Asked, scene: Scene) -> Fetch | None:
    """What a sync takes from the registry, or the sync that ``uv run`` begins with."""
    call, line = asked.call, asked.call.step.line
    runs = asked.verb == "run"
    if asked.is_offline or asked.has("--check", "--script", "--gui-script"):
        return None
    if runs and (
        asked.on("--no-sync") or asked.on("--no-project") or asked.has("--isolated") or _is_script(asked, scene)
    ):
        return None
    kind = "build" if runs else "install"
    root = find_root(scene, asked.directory) if asked.directory is not None else None
    if root is None:
        if runs:
            return None
        where = asked.directory or "the directory of the command, which cannot be told"
        what = f"no COPY brings a pyproject.toml of the build context to {where}"
        return Fetch(call, kind, asked.directory or "/", blocked=Refusal(NOT_IN_CONTEXT, what, line))
    lock = lock_of(scene, root, any(_writes_lock(other) for other in scene.before(call)))
    venv = environment_of(asked, root)
    needs = narrow_inputs(scene, root)
    fetch = Fetch(call, kind, root.directory, root.origin, needs, (venv, *own_places(call)), lock=lock)
    if root.table is None:
        what = f"{root.path(MANIFEST)} is not valid TOML"
        return replace(fetch, blocked=Refusal("bad-manifest", what, line), lock=None)
    if lock.state == "ok" and root.lock is not None:
        names = taken(root.lock, wanted(asked, root))
        if _is_covered(asked, scene, root, names, venv):
            return None
        fetch = replace(fetch, count=downloads(root.lock, names))
        if not fetch.count and not any(item.kind == "index" for name in names for item in root.lock.packages[name]):
            return None
    elif lock.state in {"missing", "made"} and not _has_dependencies(root):
        return None
    if lock.state != "ok" and any(_syncs(other, scene, root) for other in scene.before(call)):
        return None
    refusal = next(_obstacles(asked, scene, root, lock, venv), None)
    if refusal is not None or root.lock is None:
        return replace(fetch, blocked=refusal)
    built = [item for name in sorted(names) for item in root.lock.packages[name] if _is_installed(asked, root, item)]
    if built or runs:
        return with_split(fetch, asked, scene, root, built, venv)
    return _narrow(fetch, asked, scene, root)


def wanted(asked: Asked, root: Root) -> Wanted:
    """What the options of a sync ask for."""
    lock = root.lock
    assert lock is not None
    default = root.settings.get("default-groups", ["dev"])
    groups: set[str] | None = set(map(str, default)) if isinstance(default, list) else None
    if groups is not None and asked.on("--no-default-groups"):
        groups = set()
    if groups is not None and asked.on("--no-dev"):
        groups -= {"dev"}
    only = {*asked.values("--only-group"), *(["dev"] if asked.has("--only-dev") else [])}
    if only:
        groups = only
    elif asked.has("--all-groups"):
        groups = None
    elif groups is not None:
        groups = (groups | set(asked.values("--group"))) - set(asked.values("--no-group"))
    extras = None if asked.has("--all-extras") else frozenset(asked.values("--extra"))
    own = lock.at(root.member)
    roots = {own.name} if own is not None else set(lock.members)
    if asked.has("--all-packages"):
        roots = set(lock.members) or roots
    elif asked.has("--package"):
        roots = set(asked.values("--package"))
    return Wanted(frozenset(roots), extras, None if groups is None else frozenset(groups), not only)


def _is_installed(asked: Asked, root: Root, item: Locked) -> bool:
    """Whether a package is local, and is built by this command."""
    assert root.lock is not None
    if not item.is_local or item.kind == "virtual" or item.name in asked.values("--no-install-package"):
        return False
    if asked.on(ONLY_LOCAL):
        return False
    if asked.on(ONLY_WORKSPACE) and (item.name in root.lock.members or item.place == "."):
        return False
    if asked.on(ONLY_PROJECT):
        named = asked.values("--package") or [own.name for own in [root.lock.at(root.member)] if own is not None]
        return item.name not in named
    return True


def environment_of(asked: Asked, root: Root) -> str:
    """The virtual environment that a sync fills; ``/`` when its place cannot be told."""
    call = asked.call
    active = call.value("VIRTUAL_ENV") if asked.has("--active") else None
    if active:
        return path_of(call, active) or "/"
    named = call.value("UV_PROJECT_ENVIRONMENT")
    if named:
        return "/" if "$" in named else join(root.directory, named)
    return join(root.directory, ".venv")


def _is_script(asked: Asked, scene: Scene) -> bool:
    """Whether ``uv run`` runs a script that brings a list of dependencies of its own (PEP 723)."""
    named = next((word for word in asked.operands if word.endswith(".py")), None)
    image = path_of(asked.call, named) if named is not None else None
    return image is not None and b"# /// script" in (scene.read(image) or b"")


def _writes_lock(call: Call) -> bool:
    asked = ask(call)
    return asked is not None and asked.verb in {"lock", "sync", "add", "run"} and not asked.on("--frozen")


def _syncs(call: Call, scene: Scene, root: Root) -> bool:
    asked = ask(call)
    if (
        asked is None
        or asked.verb not in {"sync", "run"}
        or asked.directory is None
        or asked.has("--dry-run", "--script")
    ):
        return False
    if asked.verb == "run" and (asked.on("--no-sync") or asked.on("--no-project")):
        return False
    return is_within(asked.directory, root.directory)


def _is_covered(asked: Asked, scene: Scene, root: Root, names: frozenset[str], venv: str) -> bool:
    """Whether all that comes from the registry is there already, from an earlier sync or another stage."""
    assert root.lock is not None
    if any(is_within(venv, path) or is_within(path, venv) for path in scene.received if path != "/"):
        return True
    missing = {name for name in names if any(not item.is_local for item in root.lock.packages.get(name, ()))}
    for other in scene.before(asked.call):
        earlier = ask(other) if _syncs(other, scene, root) else None
        if earlier is None or environment_of(earlier, root) != venv:
            continue
        member = posixpath.relpath(earlier.directory or "/", root.directory)
        there = root._replace(member=member) if root.lock.at(member) is not None else root
        missing -= taken(root.lock, wanted(earlier, there)) - set(earlier.values("--no-install-package"))
    return not missing


def _has_dependencies(root: Root) -> bool:
    table = root.table or {}
    project = table.get("project")
    listed = isinstance(project, dict) and (project.get("dependencies") or project.get("dynamic"))
    return bool(listed or table.get("dependency-groups") or root.members)


def _obstacles(asked: Asked, scene: Scene, root: Root, lock: Lock, venv: str) -> Iterator[Refusal]:
    """Why nothing can be done here."""
    line = asked.call.step.line
    if lock.state == "elsewhere":
        yield Refusal(
            "manifests-apart", f"{MANIFEST} and {LOCKFILE} come from different directories of the context", line
        )
    if lock.state != "ok":
        reason = f"no uv.lock reaches {root.directory}: which versions the layer keeps would be chance"
        yield Refusal("no-lockfile", reason, line)
    if root.lock is None:
        yield Refusal("bad-lockfile", f"{root.path(LOCKFILE)} cannot be read as a lockfile of uv", line)
        return
    word = unknown_word(asked)
    if word is not None:
        yield Refusal("unknown-words", f"{word} on line {line} is not known before the build", line)
    if asked.has(*RESOLVING):
        yield Refusal("resolves-anew", f"line {line} chooses versions anew, whatever uv.lock says", line)
    names = taken(root.lock, wanted(asked, root))
    for item in (item for name in sorted(names) for item in root.lock.packages.get(name, ())):
        if item.kind == "index":
            yield Refusal("local-index", f"{item.name} comes from {item.place}, an index in the project", line)
    if scene.has(venv) and venv != "/":
        reason = f"{scene.origin(venv)} is in the build context and would overwrite the environment: ignore it"
        yield Refusal("venv-in-context", reason, line)


def _narrow(fetch: Fetch, asked: Asked, scene: Scene, root: Root) -> Fetch:
    """A sync that installs nothing of the project itself: it moves above the source as it is."""
    line = asked.call.step.line
    assert root.lock is not None
    if asked.on("--frozen"):
        return fetch
    read = tuple(manifests(scene, root))
    places = [MANIFEST, *read]
    for place in places:
        project = project_at(scene, root, posixpath.dirname(place))
        if project is not None and is_dynamic(project) and has_build_system(project):
            what = (
                f"{root.path(place)} leaves the dependencies to the build backend, and uv checks uv.lock against them"
            )
            return replace(fetch, blocked=Refusal("dynamic-dependencies", what, line))
    members = tuple(path for path in read if posixpath.dirname(path) in root.members)
    without = "locks anew without it and exits 0"
    if asked.on("--locked"):
        without = "says that uv.lock needs to be updated, and stops"
    assumptions: tuple[str, ...] = ()
    if not asked.on("--locked") and (len(places) > 1 or not is_fresh(root.lock, root.member, root.table or {})):
        assumptions = ("uv.lock agrees with pyproject.toml: else uv rewrites it, and COPY brings the old one back",)
    needs = tuple(dict.fromkeys((*fetch.needs, *read)))
    return replace(fetch, needs=needs, members=members, without_member=without, assumptions=assumptions)
