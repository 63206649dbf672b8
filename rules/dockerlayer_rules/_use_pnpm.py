"""What pnpm commands do with pnpm's store, and which of them only look offline or pinned."""

from __future__ import annotations

import posixpath

from dockerlayer.api import Call, Mend, Refusal, Scene, Use, insert_after, is_within, join
from dockerlayer_rules._home import home_of
from dockerlayer_rules._nodestore import cold, emptied, npmrc, off_network, path_in, told_before
from dockerlayer_rules._pnpmcall import (
    ADD,
    ANEW,
    CLEAN,
    DEPLOY,
    FETCH,
    FILTERS,
    INSTALL,
    PRODUCTION,
    TESTS,
    TOOLS,
    Asked,
    Version,
    ask,
    version_of,
)
from dockerlayer_rules._pnpmlock import specifiers_of
from dockerlayer_rules._pnpmproject import LOCKFILE, Project, json_of, obstacles, project_of
from dockerlayer_rules._pnpmsplit import may_change_lock
from dockerlayer_rules._read_pnpm import lock_of
from dockerlayer_rules.pnpm import ecosystem

_FILLS = INSTALL | CLEAN | ADD | FETCH | TESTS | ANEW | DEPLOY | TOOLS | frozenset({"dlx"})
_OFFLINE = ("npm_config_offline", "NPM_CONFIG_OFFLINE", "pnpm_config_offline", "PNPM_CONFIG_OFFLINE")
_PROGRAMS = frozenset({"pnpm", "npm", "node", "sh", "bash", "make"})
_MODES = (*PRODUCTION, "--dev", "-D", "--store-dir")


def use(call: Call, scene: Scene) -> Use | None:
    """What one pnpm command does with the store (pnpm.io/settings#store-settings; measured, pnpm 8 to 12)."""
    asked = ask(call)
    if asked is None or asked.verb not in _FILLS or asked.has("--help", "-h", "--dry-run", "--lockfile-only"):
        return None
    if call.program != "pnpm":
        return Use(fills=True)
    manifest = json_of(scene, path) if (path := _manifest(asked, scene)) is not None else None
    version = version_of(call, scene, manifest or {})
    store = _store(asked, scene, version)
    stores = (store,) if store is not None else ()
    offline, online = off_network(call, "--offline", _OFFLINE, "--prefer-offline")
    whole = asked.verb in INSTALL | CLEAN | FETCH and not asked.operands and not asked.is_global
    project = None
    if whole and asked.directory is not None:
        found = project_of(call, scene, asked.directory, alone=asked.has("--ignore-workspace"))
        project = found if isinstance(found, Project) else None
    fetched = project is not None and asked.verb in INSTALL and _fetched(asked, scene, project)
    return Use(
        stores,
        fills=not offline,
        takes=bool(offline),
        leaves=_modules(asked, project) if whole else (),
        offline=offline,
        online=online,
        nominal=_after_fetch(asked, scene, project, version, offline)
        if fetched and project is not None
        else cold(call, scene, stores, _PROGRAMS),
        defeated=emptied(call, scene, stores, empties_store, "pnpm's store"),
        unpinned=_unpinned(asked, scene, project, version)
        if project is not None and asked.verb in INSTALL and not fetched
        else None,
    )


def empties_store(call: Call) -> bool:
    """Whether a command empties the store: behind a mount all packages are copied, so none counts as in use."""
    asked = ask(call)
    return asked is not None and asked.verb == "store" and asked.operands[:1] == ("prune",)


def _manifest(asked: Asked, scene: Scene) -> str | None:
    return scene.origin(join(asked.directory, "package.json")) if asked.directory is not None else None


def _store(asked: Asked, scene: Scene, version: Version) -> str | None:
    """Where the store is: settings, PNPM_HOME, XDG_DATA_HOME, and by default below the home directory."""
    call, home = asked.call, home_of(asked.call, scene)
    option = asked.value("--store-dir")
    if option is not None:
        return path_in(call, home, option)
    old = version.major is None or version.major < 11
    new = version.major is None or version.major > 10
    names = [f"{prefix}_STORE_DIR" for prefix in (["NPM_CONFIG"] if old else []) + (["PNPM_CONFIG"] if new else [])]
    chosen = {call.value(text) for name in names for text in (name, name.lower())} - {None, ""}
    if chosen:
        # Which of two names counts is told by the version only.
        return (
            path_in(call, home, chosen.pop() or "") if len(chosen) == 1 and (old != new) else _agreed(call, names, home)
        )
    files = [join(place, ".npmrc") for place in (asked.directory, home) if place is not None]
    for setting in ("store-dir", "store"):
        text = npmrc(scene, *files).get(setting) if old else None
        text = text or told_before(call, scene, frozenset({"pnpm", "npm"}), setting)
        if text:
            return path_in(call, home, text) if version.major is not None else None
    if _in_workspace(asked, scene):
        return None
    above = call.value("PNPM_HOME")
    if above:
        found = path_in(call, home, above)
        return join(found, "store") if found is not None else None
    above = call.value("XDG_DATA_HOME")
    if above:
        found = path_in(call, home, above)
        return join(found, "pnpm/store") if found is not None else None
    return join(home, ".local/share/pnpm/store") if home is not None else None


def _agreed(call: Call, names: list[str], home: str | None) -> str | None:
    """The store where every variable of the possible versions names the same."""
    found = {path_in(call, home, call.value(name) or call.value(name.lower()) or "") for name in names}
    return found.pop() if len(found) == 1 else None


def _in_workspace(asked: Asked, scene: Scene) -> bool:
    """Whether pnpm-workspace.yaml, where pnpm 10 and later keep their settings, moves the store."""
    text = scene.read(join(asked.directory, "pnpm-workspace.yaml")) if asked.directory is not None else b""
    return b"storeDir" in (text or b"") or b"store-dir" in (text or b"")


def _modules(asked: Asked, project: Project | None) -> tuple[str, ...]:
    if project is None:
        return (join(asked.directory, "node_modules"),) if asked.directory is not None else ()
    return tuple(join(project.directory, posixpath.join(place, "node_modules")) for place in ("", *project.members))


def _fetched(asked: Asked, scene: Scene, project: Project) -> bool:
    """Whether ``pnpm fetch`` ran for the project in a layer of this stage, and nothing took its work away."""
    found = False
    for other in scene.before(asked.call):
        earlier = ask(other)
        if other.program == "rm" and any(word.rstrip("/*").endswith("node_modules") for word in other.arguments):
            found = False
        if earlier is None or earlier.directory is None or not other.always:
            continue
        if earlier.verb in FETCH and earlier.directory == project.directory:
            found = not ecosystem.cached_by(other.step)
    return found


def _after_fetch(asked: Asked, scene: Scene, project: Project, version: Version, offline: str) -> Mend | None:
    """``pnpm install`` after ``pnpm fetch`` without a word that keeps it off the network."""
    call = asked.call
    if offline or asked.has("--prefer-offline") or ecosystem.cached_by(call.step):
        return None
    what = (
        "pnpm fetch has brought all that pnpm-lock.yaml lists, but without --offline this install may ask the registry"
    )
    earlier = next(item for other in reversed(scene.before(call)) if (item := ask(other)) and item.verb in FETCH)
    same = all(earlier.has(name) == asked.has(name) and earlier.value(name) == asked.value(name) for name in _MODES)
    lock = lock_of(asked, scene, project)
    if not same or call.step.instruction.json or lock is None or lock.state != "ok":
        return Mend(what, help="pnpm install --offline fails instead of downloading")
    frozen = asked.has("--frozen-lockfile")
    assumed = ["this install wants no package that pnpm fetch has not brought"]
    if not frozen and (reason := may_change_lock(asked, project, version)):
        assumed.append(reason)
    return Mend(what, "install with --offline", (insert_after(asked.word, "--offline"),), tuple(assumed))


def _unpinned(asked: Asked, scene: Scene, project: Project, version: Version) -> Mend | None:
    call = asked.call
    in_ci = (call.value("CI") or "").lower() not in {"", "false", "0"}
    frozen = any(name in {"--frozen-lockfile", "--no-frozen-lockfile", "--no-lockfile"} for name, _ in asked.options)
    settled = project.settings.keys() & {"frozen-lockfile", "prefer-frozen-lockfile"}
    if not call.always or in_ci or frozen or settled or project.problem is not None or asked.has(*FILTERS):
        return None
    if any(is_within(path, project.directory) or is_within(project.directory, path) for path in scene.received):
        return None
    if any(
        LOCKFILE in " ".join(other.argv) or "package.json" in " ".join(other.argv) or _changes(other)
        for other in scene.before(call)
    ):
        return None
    lock = lock_of(asked, scene, project)
    if lock is None or lock.state != "ok" or project.lock is None:
        return None
    if not any(map(specifiers_of, (project.manifest, *project.inner.values()))):
        return None
    what = (
        f"pnpm {asked.verb} keeps to {LOCKFILE} only while package.json agrees with it, and otherwise downloads "
        "something else without a word; with --frozen-lockfile it stops then"
    )
    assumed = may_change_lock(asked, project, version)
    reason = next((item for item in obstacles(project, call, version.major) if isinstance(item, Refusal)), None)
    if not assumed and (reason is not None or version.major is None):
        assumed = f"the pnpm of the image takes {LOCKFILE} as it is"
    edit = insert_after(asked.word, "--frozen-lockfile")
    return Mend(what, "install with --frozen-lockfile", (edit,), (assumed,) if assumed else ())


def _changes(call: Call) -> bool:
    """Whether a command of pnpm changes manifest or lockfile."""
    asked = ask(call)
    if asked is None or asked.is_global:
        return False
    return asked.verb in ANEW | ADD | {"remove", "rm", "import", "pkg"} or (
        asked.verb in INSTALL and bool(asked.operands)
    )
