"""What npm commands do with npm's cache, and which of them only look offline or pinned."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping

from dockerlayer.api import Call, Edit, Mend, Scene, Use, is_within, join
from dockerlayer_rules._home import home_of
from dockerlayer_rules._node import enclosing_workspace, names_dependencies, node_image, read_json, workspace_members
from dockerlayer_rules._nodestore import cold, emptied, npmrc, off_network, path_in, told_before
from dockerlayer_rules._npmcall import AND_TEST, CI, INSTALL, is_global, parse
from dockerlayer_rules._npmlock import proof_of
from dockerlayer_rules._npmsplit import OF_INSTALL, npm_version
from dockerlayer_rules._read_npm import lock_of

_FILLS = INSTALL | CI | AND_TEST | frozenset({"update", "u", "up", "upgrade", "exec", "x", "pack", "dedupe", "ddp"})
_OFFLINE = ("npm_config_offline", "NPM_CONFIG_OFFLINE")
_NPM = re.compile(r"npm(?:@.*)?|\$.*")
_PROGRAMS = frozenset({"npm", "npx", "node", "yarn", "pnpm", "sh", "bash", "make"})
_SAVES = frozenset("--save -S --save-prod -P --save-dev -D --save-optional -O --save-exact -E --no-save".split())


def use(call: Call, scene: Scene) -> Use | None:
    """What one npm command does with npm's cache (docs.npmjs.com/cli/using-npm/config#cache; measured, npm 6 to 12)."""
    verb, operands, directory = parse(call)
    adds = verb == "cache" and operands[:1] == ["add"]
    if verb not in _FILLS and not adds:
        return None
    if call.has("--dry-run", "--package-lock-only", "--help", "-h"):
        return None
    store = _cache(call, scene, directory)
    stores = (store,) if store is not None else ()
    offline, online = off_network(call, "--offline", _OFFLINE, "--prefer-offline")
    whole = verb in INSTALL | CI | AND_TEST and not operands and not is_global(call)
    return Use(
        stores,
        fills=not offline,
        takes=bool(offline),
        leaves=_modules(scene, directory) if whole and directory is not None else (),
        offline=offline,
        online=online,
        nominal=cold(call, scene, stores, _PROGRAMS) if whole else None,
        defeated=_switched_off(call, scene) or emptied(call, scene, stores, empties_cache, "npm's cache"),
        unpinned=_unpinned(call, scene, verb, directory)
        if whole and verb in INSTALL and directory is not None
        else None,
        redundant=_twice(call, scene) if whole else None,
    )


def empties_cache(call: Call) -> bool:
    """Whether a command empties npm's cache; npm refuses to without ``--force``."""
    verb, operands, _ = parse(call)
    return call.program == "npm" and verb == "cache" and operands[:1] in (["clean"], ["clear"], ["rm"]) and (
        call.has("--force", "-f") and not operands[1:]
    )  # fmt: skip


def _cache(call: Call, scene: Scene, directory: str | None) -> str | None:
    """The directory of the cache: by option, variable, settings file, and by default below the home directory."""
    if call.has("--userconfig", "--globalconfig"):
        return None
    home = home_of(call, scene)
    words = call.arguments
    for number, word in enumerate(words):
        name, equals, value = word.partition("=")
        if name == "--cache":
            given = value if equals else words[number + 1] if number + 1 < len(words) else ""
            return path_in(call, home, given)
    for name in ("npm_config_cache", "NPM_CONFIG_CACHE"):
        chosen = call.value(name)
        if chosen:
            return path_in(call, home, chosen)
    files = [join(place, ".npmrc") for place in (directory, home) if place is not None]
    setting = npmrc(scene, *files).get("cache") or told_before(call, scene, frozenset({"npm"}), "cache")
    if setting:
        return path_in(call, home, setting)
    return join(home, ".npm") if home is not None else None


def _modules(scene: Scene, directory: str) -> tuple[str, ...]:
    origin = scene.project(directory, "package.json")
    manifest = read_json(scene.context, posixpath.join(origin, "package.json")) if origin is not None else None
    members = workspace_members(scene.context, origin or "", manifest) if manifest is not None else ()
    return tuple(join(directory, posixpath.join(place, "node_modules")) for place in ("", *members))


def _switched_off(call: Call, scene: Scene) -> Mend | None:
    """``--no-cache``: npm 6 takes it for a cache in the directory ``false``; npm 7 and later use their cache still."""
    version = npm_version(call, scene)
    if "--no-cache" not in call.arguments or version is None or version > 6:
        return None
    word = next(word for word in call.words if word.text == "--no-cache")
    previous = call.words[call.words.index(word) - 1]
    return Mend(
        f"npm {version} keeps nothing in its cache with --no-cache",
        "leave out --no-cache",
        (Edit(previous.end, word.end, b""),),
        help="what is in a cache mount is not in the image, so there is nothing to save",
    )


def _unpinned(call: Call, scene: Scene, verb: str, directory: str) -> Mend | None:
    origin = scene.project(directory, "package.json")
    manifest = read_json(scene.context, posixpath.join(origin, "package.json")) if origin is not None else None
    if origin is None or manifest is None or not call.always or call.has("-w", "--workspace", "--no-package-lock"):
        return None
    if not names_dependencies(manifest) and not manifest.get("workspaces"):
        return None
    if enclosing_workspace(scene, directory, origin) or _touched(call, scene, directory):
        return None
    lock, lockfile = lock_of(call, scene, directory, origin, manifest)
    settings = npmrc(scene, join(directory, ".npmrc"))
    if lock is None or lock.state != "ok" or not lockfile or settings.get("package-lock") == "false":
        return None
    locked = read_json(scene.context, posixpath.join(origin, lockfile))
    age = _age(call, scene)
    if locked is None or age == "reads-none":
        return None
    members = tuple(workspace_members(scene.context, origin, manifest))
    places = {"": manifest, **{
        item: read_json(scene.context, posixpath.join(origin, item, "package.json")) or {} for item in members
    }}  # fmt: skip
    proof = proof_of(locked, places)
    if proof == "apart":
        what = f"{lockfile} does not agree with package.json, so npm {verb} downloads what neither of them pins"
        return Mend(what, help=f"npm install --package-lock-only brings {lockfile} up to date; then npm ci installs it")
    what = (
        f"npm {verb} keeps to {lockfile} only while package.json agrees with it, and otherwise downloads something "
        "else without a word; npm ci stops then"
    )
    word = next(word for word in call.words[1:] if word.text == verb)
    options = {text.partition("=")[0] for text in call.arguments if text.startswith("-")}
    version = npm_version(call, scene)
    plain = options <= OF_INSTALL | _SAVES and (version is None or version >= 6)
    if age == "has-no-ci":
        return Mend(what, help="npm ci came with npm 5.7, which Node 10 and later bring")
    if lockfile != "package-lock.json" or not plain or _mounts_modules(call):
        return Mend(what, help="npm ci installs what the lockfile says, or fails")
    return Mend(
        what,
        "install with npm ci",
        (Edit(word.start, word.end, b"ci"),),
        _assumed(call, scene, directory, lockfile, locked, proof, options),
    )


def _assumed(
    call: Call,
    scene: Scene,
    directory: str,
    lockfile: str,
    locked: Mapping[str, object],
    proof: str,
    options: set[str],
) -> tuple[str, ...]:
    """What npm ci in the place of npm install rests on."""
    found = []
    version = npm_version(call, scene)
    if version is None:
        found.append("the image's npm is 5.7 or newer, which brought npm ci")
    loose = options & {
        "--legacy-peer-deps",
        "--force",
        "-f",
        "--no-optional",
        "--strict-peer-deps",
        "--install-strategy",
    }
    if proof != "agrees" or loose or version is None or version < 7 or npmrc(scene, join(directory, ".npmrc")):
        found.append(f"{lockfile} agrees with package.json for the image's npm: npm ci stops the build if it does not")
    modules = join(directory, "node_modules")
    earlier = any(
        parse(other)[2] == directory and other.program in {"npm", "yarn", "pnpm"} for other in scene.before(call)
    )
    made = any(
        other.program != "rm" and any("node_modules" in word for word in other.argv[1:]) for other in scene.before(call)
    )
    placed = any(is_within(item.image, modules) for placement in scene.placements for item in placement.placed)
    if scene.has(modules) or earlier or made or placed or any(is_within(path, modules) for path in scene.received):
        found.append(f"nothing needs what stands in {modules} before: npm ci removes it")
    return tuple(found)


def _age(call: Call, scene: Scene) -> str:
    """Whether the npm of an official image is too old for a lockfile (npm 5.0, Node 8) or for ``npm ci`` (npm 5.7).

    Node 8 brings npm 5.0 to 6.13, Node 9 npm 5.5 and 5.6 (nodejs.org/dist/index.json).
    """
    node = node_image(call.step.stage.base_image)
    brought = (word for other in scene.before(call) if is_global(other) for word in other.arguments)
    if node is None or any(_NPM.fullmatch(word) for word in brought):
        return ""
    return "reads-none" if node < 8 else "has-no-ci" if node < 10 else ""


def _touched(call: Call, scene: Scene, directory: str) -> bool:
    """Whether something else than a COPY of the context makes or changes manifest or lockfile."""
    if any(is_within(path, directory) or is_within(directory, path) for path in scene.received):
        return True
    return any(
        re.search(r"package(?:-lock)?\.json|package\*|npm-shrinkwrap", " ".join(other.argv))
        or (
            other.program == "npm" and parse(other)[0] in {"version", "pkg", "init", "uninstall", "shrinkwrap", "audit"}
        )
        or (other.program == "npm" and parse(other)[0] in INSTALL and parse(other)[1] and not is_global(other))
        for other in scene.before(call)
    )


def _mounts_modules(call: Call) -> bool:
    return any("node_modules" in mount.target for mount in call.step.mounts)


def _twice(call: Call, scene: Scene) -> Mend | None:
    """The same command right before, in the same directory, with no copy between the two."""
    before = scene.before(call)
    if not before or not call.always:
        return None
    other = before[-1]
    same = other.argv == call.argv and other.cwd == call.cwd and other.env == call.env and other.always
    if not same or call.cwd is None or other.step.state.user != call.step.state.user or call.step.mounts:
        return None
    if other.step is not call.step:
        steps = call.step.stage.steps
        between = [step for step in steps if other.step.index < step.index < call.step.index]
        if (
            other.step.stage is not call.step.stage
            or any(step.name != "label" for step in between)
            or other.step.mounts
        ):
            return None
    return Mend(f"{' '.join(call.argv)!r} has just run, on line {other.step.line}: this one installs the same again")
