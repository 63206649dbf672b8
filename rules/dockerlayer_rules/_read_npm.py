"""How the calls of npm are read."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from dataclasses import replace

from dockerlayer.api import (
    NOT_IN_CONTEXT,
    SYSTEM_WRITES,
    Call,
    Effect,
    Fetch,
    Lock,
    Refusal,
    Scene,
    is_within,
    join,
)
from dockerlayer_rules._node import (
    asks_for_lock,
    count_locked,
    enclosing_workspace,
    find_lock,
    has_scripts,
    is_covered,
    lifecycle_needs,
    local_packages,
    names_dependencies,
    read_json,
    workspace_members,
)
from dockerlayer_rules._npmcall import AND_TEST, CI, INSTALL, is_global, is_offline, omits_dev, parse
from dockerlayer_rules._npmreasons import SPLIT_HELPS, obstacles
from dockerlayer_rules._npmsplit import cache_of, has_filled_cache, is_plain, npm_version, split_of
from dockerlayer_rules.npm import ecosystem

HARMLESS = frozenset("""config set get cache root prefix bin help whoami ping doctor -v --version""".split())
SETTINGS = ("/root/.npmrc", "/root/.npm", "/home/node/.npmrc")
LOCKFILES = ("npm-shrinkwrap.json", "package-lock.json")
WITHOUT_MEMBER = "installs nothing for it and exits 0"


def read(call: Call, scene: Scene) -> Fetch | None:
    """What an npm command takes from the registry, given what stands in the image when it runs."""
    verb, operands, directory = parse(call)
    if verb not in INSTALL | CI | AND_TEST or is_offline(call):
        return None
    if directory is None or has_filled_cache(call, scene, directory, ecosystem.cached_by):
        return None
    line = call.step.line
    if operands:
        if any(word.startswith((".", "/", "~", "file:", "$")) for word in operands):
            blocked = Refusal("local-path", f"npm installs from a path or variable: {' '.join(operands)}", line)
            return Fetch(call, "install", directory, blocked=blocked)
        if is_global(call):
            return Fetch(call, "tool", directory, count=None)
        blocked = Refusal("named-packages", f"npm adds {' '.join(operands)} to the project's own packages", line)
        return Fetch(call, "install", directory, blocked=blocked)
    if is_global(call):
        return None
    origin = scene.project(directory, "package.json")
    if origin is None:
        blocked = Refusal(NOT_IN_CONTEXT, f"no COPY brings a package.json of the build context to {directory}", line)
        return Fetch(call, "install", directory, blocked=blocked)
    return _of_project(call, scene, directory, origin)


def _of_project(call: Call, scene: Scene, directory: str, origin: str) -> Fetch | None:
    line = call.step.line
    manifest = read_json(scene.context, posixpath.join(origin, "package.json"))
    if manifest is None:
        blocked = Refusal("bad-manifest", f"{posixpath.join(origin, 'package.json')} is not valid JSON", line)
        return Fetch(call, "install", directory, origin, blocked=blocked)
    members = tuple(workspace_members(scene.context, origin, manifest))
    enclosing = enclosing_workspace(scene, directory, origin)
    lock, lockfile = (None, "") if enclosing else lock_of(call, scene, directory, origin, manifest)
    if lock is not None and lock.state == "missing" and asks_for_lock(call, scene, LOCKFILES):
        return None
    locked = read_json(scene.context, posixpath.join(origin, lockfile)) if lockfile else None
    settings = (scene.context.read(posixpath.join(origin, ".npmrc")) or b"").replace(b" ", b"").splitlines()
    if b"offline=true" in settings:
        return None
    count = count_locked(locked, omit_dev=omits_dev(call)) if locked is not None else None
    if count == 0 or (locked is None and not names_dependencies(manifest) and not members):
        return None
    needs = ["package.json", *([lockfile] if lockfile else [])]
    if scene.context.is_file(posixpath.join(origin, ".npmrc")):
        needs.append(".npmrc")
    needs.extend(posixpath.join(member, "package.json") for member in members)
    writes = tuple(join(directory, posixpath.join(place, "node_modules")) for place in ("", *members))
    reads = (*(join(directory, name) for name in (".npmrc", "package-lock.json")), *SETTINGS)
    fetch = Fetch(
        call,
        "install",
        directory,
        origin,
        tuple(needs),
        writes,
        count,
        lock=lock,
        reads=reads,
        members=tuple(posixpath.join(member, "package.json") for member in members),
        without_member=WITHOUT_MEMBER if members else "",
    )
    verb = parse(call)[0]
    reasons = list(obstacles(fetch, scene, manifest, locked, members))
    if verb in AND_TEST:
        reasons.append(Refusal("runs-tests", f"npm {verb} runs the project's tests as well", line))
    agrees = verb not in INSTALL or _agrees(manifest, locked)
    scripted = any(
        has_scripts(read_json(scene.context, posixpath.join(origin, place, "package.json")) or {})
        for place in ("", *members)
    )
    if reasons:
        return _rooted(fetch, scene, locked, reasons, agrees=agrees, scripted=scripted)
    extra = [*local_packages(locked or {}, members), *lifecycle_needs(scene.context, origin, manifest)]
    if call.has("--ignore-scripts"):
        extra = [*local_packages(locked or {}, members)]
    stale = f"{lockfile} does not agree with package.json: npm rewrites it, and COPY brings the old one back"
    assumptions = [] if agrees else [stale]
    cache = cache_of(call)
    elsewhere = not is_within(cache, directory) and not any(copy.brings(cache) for copy in scene.placements)
    if verb in CI and locked is not None and not scripted and elsewhere and is_plain(locked):
        fetch = replace(fetch, system=False, writes=(*writes, cache))
    needs.extend(map(str, extra))
    if verb in INSTALL and scene.origin(join(directory, "yarn.lock")) is not None:
        assumptions.append("nothing needs what npm writes into yarn.lock: COPY brings the old one back")
    return replace(fetch, needs=tuple(dict.fromkeys(needs)), assumptions=tuple(assumptions))


def _rooted(
    fetch: Fetch,
    scene: Scene,
    locked: Mapping[str, object] | None,
    reasons: list[Refusal],
    *,
    agrees: bool,
    scripted: bool,
) -> Fetch:
    """An install that needs the source: split where the lockfile lists the archives, else blocked."""
    stays = [reason for reason in reasons if reason.code not in SPLIT_HELPS]
    # Below copies of single files, such as the scripts that an install runs, the project's author has seen to it.
    if stays or locked is None or not is_covered(scene, fetch.directory):
        return replace(fetch, blocked=(stays or reasons)[0])
    scripted = scripted or any(reason.code in {"native-addon", "local-package-script"} for reason in reasons)
    split = split_of(fetch, scene, locked, runs_scripts=scripted)
    if isinstance(split, Refusal):
        return replace(fetch, no_narrow=reasons[0], no_split=split)
    assert fetch.lock is not None
    late = f"{fetch.lock.lockfile} does not agree with package.json: npm downloads what it lacks after the copy"
    image = scene.step.stage.base_image
    unproven = "" if npm_version(fetch.call, scene) else f"{image} has npm 7 or newer, which its name does not say"
    return replace(fetch, no_narrow=reasons[0], split=split, unproven=unproven, assumptions=() if agrees else (late,))


def _agrees(manifest: Mapping[str, object], locked: Mapping[str, object] | None) -> bool:
    """Whether ``npm install`` would leave the lockfile as it is."""
    packages = locked.get("packages") if locked is not None else None
    root = packages.get("") if isinstance(packages, dict) else None
    if not isinstance(root, dict):
        return False
    compared = ("name", "version", "dependencies", "devDependencies", "optionalDependencies", "peerDependencies")
    return all((manifest.get(key) or None) == (root.get(key) or None) for key in compared)


def lock_of(
    call: Call, scene: Scene, directory: str, origin: str, manifest: Mapping[str, object]
) -> tuple[Lock | None, str]:
    """What pins the install of a project, and the lockfile's name where it reaches the image."""
    if call.has("--no-package-lock", "--no-shrinkwrap") or call.value("npm_config_package_lock") == "false":
        return Lock("package.json", "package-lock.json", "off"), ""
    advice = "npm install --package-lock-only writes package-lock.json; commit it, copy it, and install with npm ci"
    lock, name = find_lock(scene, directory, origin, LOCKFILES, advice, required=names_dependencies(manifest))
    made = (
        lock.state in {"missing", "ok"}
        and not name
        and any(
            other.program == "npm" and parse(other)[0] in INSTALL and parse(other)[2] == directory
            for other in scene.before(call)
        )
    )
    return lock._replace(state="made") if made else lock, name


def effect(call: Call, scene: Scene) -> Effect | None:
    """What the npm commands that fetch nothing read and write, with the install that a split leaves below."""
    verb, operands, directory = parse(call)
    if verb in INSTALL | CI | AND_TEST and not operands and not is_global(call) and directory is not None:
        return Effect((directory, *SYSTEM_WRITES, *SETTINGS), (directory, cache_of(call), *SYSTEM_WRITES))
    if verb not in HARMLESS:
        return None
    if call.has("--location", "-L", "--prefix", "--userconfig", "--globalconfig"):
        return Effect(writes=(*SYSTEM_WRITES, *SETTINGS, join(call.cwd, ".npmrc"))) if call.cwd else None
    return Effect(writes=(*SYSTEM_WRITES, *SETTINGS))
