"""What commands of Yarn 2 and later do with their cache, and which of them are not pinned."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping

from dockerlayer.api import Call, Edit, Mend, Refusal, Scene, Use, insert_after, join
from dockerlayer_rules._home import home_of
from dockerlayer_rules._nodestore import emptied, path_in
from dockerlayer_rules._read_yarn_berry import ADDS, OFF, is_immutable, release_of, unsettled_by
from dockerlayer_rules._use_yarn import changed_before
from dockerlayer_rules._yarn import Project, enclosing_root, has_dependencies, is_berry, lock_of, project_of
from dockerlayer_rules._yarncall import Asked, ask, is_of_project
from dockerlayer_rules._yarnrc import berry_settings

_ON = frozenset({"1", "true"})


def use(call: Call, scene: Scene) -> Use | None:
    """What one command does with the cache (yarnpkg.com/configuration/yarnrc#cacheFolder; measured, 3.8.7, 4.18.1)."""
    asked = ask(call)
    directory = asked.directory
    if call.program == "corepack" or is_of_project(call) or directory is None or not is_berry(call, scene, directory):
        return None
    focus = asked.verb == "workspaces" and asked.operands[:1] == ("focus",)
    whole = focus or (asked.verb == "install" and not asked.operands)
    if asked.has("--help") or asked.value("--mode") == "update-lockfile":
        return None
    if not whole and asked.verb not in ADDS - {"remove", "link", "unplug"}:
        return None
    project = _project(asked, scene)
    settings = berry_settings(scene, project.directory) if project is not None else None
    if project is None or settings is None:
        return Use(fills=True)
    store = _cache(asked, project, settings)
    stores = (store,) if store is not None else ()
    offline, online = _offline(call, settings)
    return Use(
        stores,
        fills=not offline,
        takes=bool(offline),
        leaves=_leaves(project, settings, stores) if whole else (),
        offline=offline,
        online=online,
        defeated=emptied(call, scene, stores, empties_cache, "Yarn's cache"),
        unpinned=_unpinned(asked, project, settings) if whole and not focus else None,
    )


def empties_cache(call: Call) -> bool:
    """Whether a command empties the cache of the project."""
    asked = ask(call) if call.program in {"yarn", "yarnpkg"} else None
    return asked is not None and asked.verb == "cache" and asked.operands == ("clean",) and not asked.has("--mirror")


def _project(asked: Asked, scene: Scene) -> Project | None:
    directory = asked.directory or "/"
    origin = scene.project(directory, "package.json")
    if origin is None:
        return None
    root = enclosing_root(scene, directory, origin)
    found = project_of(asked.call, scene, *(root or (directory, origin)))
    return found if isinstance(found, Project) else None


def _cache(asked: Asked, project: Project, settings: Mapping[str, object]) -> str | None:
    """The cache: since Yarn 4 the global one, below the home directory; before, that of the project."""
    call, home = asked.call, home_of(asked.call, project.scene)
    release = release_of(project)
    if release is None or any(ask(other).verb == "config" for other in _yarns(asked, project)):
        return None
    named = call.value("YARN_ENABLE_GLOBAL_CACHE")
    shared = named in _ON if named is not None else settings.get("enableGlobalCache", release[0] > 3) is True
    if not shared:
        folder = call.value("YARN_CACHE_FOLDER") or settings.get("cacheFolder") or ".yarn/cache"
        return path_in(call, home, folder, project.directory) if isinstance(folder, str) else None
    above = call.value("YARN_GLOBAL_FOLDER") or settings.get("globalFolder")
    if above:
        place = path_in(call, home, above, project.directory) if isinstance(above, str) else None
        return join(place, "cache") if place is not None else None
    data = call.value("XDG_DATA_HOME")
    if data:
        place = path_in(call, home, data)
        return join(place, "yarn/berry/cache") if place is not None else None
    return join(home, ".yarn/berry/cache") if home is not None else None


def _yarns(asked: Asked, project: Project) -> tuple[Call, ...]:
    return tuple(other for other in project.scene.before(asked.call) if other.program in {"yarn", "yarnpkg"})


def _leaves(project: Project, settings: Mapping[str, object], stores: tuple[str, ...]) -> tuple[str, ...]:
    """What programs need later; with Plug'n'Play they load packages from the cache itself."""
    linker = project.call.value("YARN_NODE_LINKER") or settings.get("nodeLinker", "pnp")
    if linker == "pnp":
        return (*(join(project.directory, name) for name in (".pnp.cjs", ".yarn/unplugged")), *stores)
    return tuple(join(project.directory, posixpath.join(place, "node_modules")) for place in ("", *project.members))


def _offline(call: Call, settings: Mapping[str, object]) -> tuple[str, tuple[Edit, ...]]:
    value = call.value("YARN_ENABLE_NETWORK")
    if value is None:
        return ("enableNetwork: false", ()) if settings.get("enableNetwork") is False else ("", ())
    if value not in OFF:
        return "", ()
    own = next((item for item in call.command.assignments if item.name == "YARN_ENABLE_NETWORK"), None)
    if own is not None:
        return f"YARN_ENABLE_NETWORK={value}", (Edit(own.value.start, own.value.end, b"1"),)
    start = call.command.start
    plain = not call.step.instruction.json
    return f"YARN_ENABLE_NETWORK={value}", (Edit(start, start, b"YARN_ENABLE_NETWORK=1 "),) if plain else ()


def _unpinned(asked: Asked, project: Project, settings: Mapping[str, object]) -> Mend | None:
    call = asked.call
    told = any(name in {"--immutable", "--frozen-lockfile", "--no-immutable"} for name, _ in asked.options)
    if not call.always or told or is_immutable(asked, settings) or changed_before(project):
        return None
    explicit = settings.get("enableImmutableInstalls") is not None or call.value("YARN_ENABLE_IMMUTABLE_INSTALLS")
    if explicit or call.value("CI") or call.value("GITHUB_ACTIONS"):
        return None  # In a CI environment it is immutable by default.
    lock, locked = lock_of(project)
    if lock.state != "ok" or locked is None or not locked.is_berry:
        return None
    if not any(has_dependencies(inner) for _, inner in project.manifests):
        return None
    apart = unsettled_by(project, locked)
    if isinstance(apart, Refusal):
        return Mend(
            f"{apart.message}: yarn install downloads what no lockfile pins", help="yarn install; commit yarn.lock"
        )
    missing = any(place != "." and place not in project.inner for place in locked.workspaces)
    if missing:
        return None  # A part of the workspace on purpose: --immutable refuses it.
    what = (
        "yarn install keeps to yarn.lock only while package.json agrees with it, and otherwise downloads something "
        "else without a word; with --immutable it stops then"
    )
    assumed = apart or "yarn leaves yarn.lock as it is (yarn install --immutable succeeds)"
    return Mend(what, "install with --immutable", (insert_after(asked.behind, "--immutable"),), (assumed,))
