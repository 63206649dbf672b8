"""What commands of Yarn Classic do with its cache, and which of them only look offline or pinned."""

from __future__ import annotations

import posixpath
import re

from dockerlayer.api import Call, Mend, Scene, Use, insert_after, is_within, join
from dockerlayer_rules._home import home_of
from dockerlayer_rules._nodestore import cold, emptied, off_network, path_in, told_before
from dockerlayer_rules._read_yarn import ADDS, drift
from dockerlayer_rules._yarn import (
    Project,
    enclosing_root,
    has_dependencies,
    is_berry,
    lock_of,
    project_of,
    resolutions,
    yarn_path,
)
from dockerlayer_rules._yarncall import Asked, ask, image_is_classic, is_of_project
from dockerlayer_rules._yarnrc import classic_settings

_PROGRAMS = frozenset({"yarn", "yarnpkg", "npm", "node", "sh", "bash", "make"})
_CHANGES = frozenset({"add", "remove", "upgrade", "import", "link", "set"})


def use(call: Call, scene: Scene) -> Use | None:
    """What one command does with Yarn 1's cache (classic.yarnpkg.com/en/docs/cli/cache; measured, 1.22.22)."""
    asked = ask(call)
    directory = asked.directory
    if call.program == "corepack" or is_of_project(call) or directory is None or is_berry(call, scene, directory):
        return None
    adds = asked.verb in ADDS - {"link", "remove"} or (asked.verb, asked.operands[:1]) == ("global", ("add",))
    whole = asked.verb == "install" and not asked.operands
    if asked.has("--help") or not (whole or adds):
        return None
    store = _cache(asked, scene)
    stores = (store,) if store is not None else ()
    offline, online = off_network(call, "--offline", (), "--prefer-offline")
    project = _project(asked, scene)
    places = ("", *project.members) if project is not None else ("",)
    mirror = classic_settings(scene, directory).get("yarn-offline-mirror", "false") != "false"
    return Use(
        stores,
        fills=not offline,
        takes=bool(offline) and not mirror,
        leaves=tuple(join(directory, posixpath.join(place, "node_modules")) for place in places) if whole else (),
        offline=offline,
        online=online,
        nominal=None if mirror else cold(call, scene, stores, _PROGRAMS),
        defeated=emptied(call, scene, stores, empties_cache, "Yarn's cache"),
        unpinned=unpinned(asked, project) if whole and project is not None else None,
    )


def empties_cache(call: Call) -> bool:
    """Whether a command empties all of the cache."""
    asked = ask(call) if call.program in {"yarn", "yarnpkg"} else None
    return asked is not None and asked.verb == "cache" and asked.operands == ("clean",)


def _cache(asked: Asked, scene: Scene) -> str | None:
    """The directory of the cache, which for root is not below its home directory."""
    call, home = asked.call, home_of(asked.call, scene)
    if asked.has("--use-yarnrc", "--preferred-cache-folder"):
        return None
    option = asked.value("--cache-folder")
    if option is not None:
        return path_in(call, home, option)
    if call.value("YARN_CACHE_FOLDER"):
        return path_in(call, home, call.value("YARN_CACHE_FOLDER") or "")
    setting = classic_settings(scene, asked.directory or "/").get("cache-folder")
    setting = setting or told_before(call, scene, frozenset({"yarn", "yarnpkg"}), "cache-folder")
    if setting:
        return path_in(call, home, setting, asked.directory)
    above = call.value("XDG_CACHE_HOME")
    if above:
        found = path_in(call, home, above)
        return join(found, "yarn") if found is not None else None
    if home is None:
        return None
    user = (call.step.state.user or "root").partition(":")[0]
    return "/usr/local/share/.cache/yarn" if user in {"root", "0"} else join(home, ".cache/yarn")


def _project(asked: Asked, scene: Scene) -> Project | None:
    directory = asked.directory or "/"
    origin = scene.project(directory, "package.json")
    found = project_of(asked.call, scene, directory, origin) if origin is not None else None
    return found if isinstance(found, Project) else None


def changed_before(project: Project) -> bool:
    """Whether something else than a COPY of the context makes or changes manifest or lockfile."""
    scene, call = project.scene, project.call
    here = project.directory
    if any(is_within(path, here) or is_within(here, path) for path in scene.received):
        return True
    return any(
        re.search(r"package\.json|package\*|yarn\.lock", " ".join(other.argv))
        or (other.program in {"yarn", "yarnpkg"} and ask(other).verb in _CHANGES)
        for other in scene.before(call)
    )


def unpinned(asked: Asked, project: Project) -> Mend | None:
    """What is wrong with an install without ``--frozen-lockfile``, where a lockfile is there."""
    call, scene = asked.call, project.scene
    if not call.always or asked.has(
        "--frozen-lockfile", "--pure-lockfile", "--no-lockfile", "--immutable", "--offline"
    ):
        return None
    if any(name == "--frozen-lockfile" for name, _ in asked.options) or changed_before(project):
        return None
    if any(name == "--flat" for name, _ in asked.options) or project.manifest.get("flat"):
        return None  # it writes what it chose to package.json and yarn.lock, which --frozen-lockfile forbids
    settings = classic_settings(scene, project.directory)
    if any(name.endswith("frozen-lockfile") for name in settings):
        return None
    if enclosing_root(scene, project.directory, project.origin) or yarn_path(scene, project.directory):
        return None
    lock, locked = lock_of(project)
    if lock.state != "ok" or locked is None or locked.version != 1:
        return None
    if not any(has_dependencies(inner) for _, inner in project.manifests):
        return None
    apart = drift(project, locked)
    if apart is not None:
        return Mend(
            f"{apart.message}: yarn install downloads what no lockfile pins", help="yarn install; commit yarn.lock"
        )
    what = (
        "yarn install keeps to yarn.lock only while package.json agrees with it, and otherwise downloads something "
        "else without a word; with --frozen-lockfile it stops then"
    )
    sure = image_is_classic(call, scene) and not resolutions(project.manifest)
    assumed = () if sure else ("yarn.lock agrees with package.json: yarn stops the build if it does not",)
    edit = insert_after(asked.behind, "--frozen-lockfile")
    return Mend(what, "install with --frozen-lockfile", (edit,), assumed)
