"""What bun commands do with Bun's cache, and which of them only look offline or pinned."""

from __future__ import annotations

import posixpath
import re

from dockerlayer.api import Call, Mend, Scene, Use, insert_after, is_within, join
from dockerlayer_rules._bunimage import OFFLINE, bun_of
from dockerlayer_rules._bunlock import agrees, read_lock, version_of
from dockerlayer_rules._home import home_of
from dockerlayer_rules._node import enclosing_workspace, find_lock, names_dependencies, read_json, workspace_members
from dockerlayer_rules._nodestore import cold, emptied, off_network, path_in
from dockerlayer_rules._read_bun import ADD, ADVICE, INSTALL, LOCKFILES, parse

_PROGRAMS = frozenset({"bun", "bunx", "npm", "node", "sh", "bash", "make"})


def use(call: Call, scene: Scene) -> Use | None:
    """What one bun command does with the cache (bun.com/docs/pm/global-cache; measured, 1.1.45 to 1.4.5)."""
    verb, operands, directory = parse(call)
    if call.program != "bun" or verb not in INSTALL | ADD | {"pm fetch", "update"} or directory is None:
        return None
    if call.has("--dry-run", "--lockfile-only", "--help", "-h"):
        return None
    store = _cache(call, scene, directory)
    stores = (store,) if store is not None else ()
    version = bun_of(call, scene)
    offline, online = off_network(call, "--offline", (), "--prefer-offline")
    old = bool(offline) and version.most < OFFLINE
    unsure = bool(offline) and version.least < OFFLINE
    whole = verb in INSTALL and not operands and not call.has("-g", "--global")
    nominal = cold(call, scene, stores, _PROGRAMS)
    if old:
        number = ".".join(map(str, version.least))
        nominal = Mend(f"Bun {number} takes no notice of --offline, which is there since 1.4.1", help="use a newer Bun")
    return Use(
        stores,
        fills=not offline or unsure,
        takes=bool(offline) and not unsure,
        leaves=_modules(scene, directory) if whole else (),
        offline="" if unsure else offline,
        online=() if unsure else online,
        nominal=nominal,
        defeated=emptied(call, scene, stores, empties_cache, "Bun's cache"),
        unpinned=_unpinned(call, scene, verb, directory) if whole and verb != "ci" else None,
    )


def empties_cache(call: Call) -> bool:
    """Whether a command empties the cache."""
    return call.program == "bun" and parse(call)[:2] == ("pm cache", ("rm",))


def _cache(call: Call, scene: Scene, directory: str) -> str | None:
    """The directory of the cache: by option, variables, and by default below the home directory."""
    home = home_of(call, scene)
    words = call.arguments
    for number, word in enumerate(words):
        name, equals, value = word.partition("=")
        if name == "--cache-dir":
            given = value if equals else words[number + 1] if number + 1 < len(words) else ""
            return path_in(call, home, given)
    settings = [scene.read(join(place, name)) for place in (directory, home or directory)
                for name in ("bunfig.toml", ".bunfig.toml")]  # fmt: skip
    if call.has("-c", "--config") or any(b"cache" in (text or b"") for text in settings):
        return None
    for name, below in (("BUN_INSTALL_CACHE_DIR", ""), ("BUN_INSTALL", "install/cache"),
                        ("XDG_CACHE_HOME", ".bun/install/cache")):  # fmt: skip
        if call.value(name):
            found = path_in(call, home, call.value(name) or "")
            return join(found, below) if found is not None else None
    return join(home, ".bun/install/cache") if home is not None else None


def _modules(scene: Scene, directory: str) -> tuple[str, ...]:
    origin = scene.project(directory, "package.json")
    manifest = read_json(scene.context, posixpath.join(origin, "package.json")) if origin is not None else None
    members = workspace_members(scene.context, origin or "", manifest) if manifest is not None else ()
    return tuple(join(directory, posixpath.join(place, "node_modules")) for place in ("", *members))


def _unpinned(call: Call, scene: Scene, verb: str, directory: str) -> Mend | None:
    origin = scene.project(directory, "package.json")
    manifest = read_json(scene.context, posixpath.join(origin, "package.json")) if origin is not None else None
    if origin is None or manifest is None or not call.always or call.has("--filter", "-F", "--no-save"):
        return None
    if call.has("--frozen-lockfile") or (call.value("CI") or "").lower() in {"true", "1"}:
        return None
    if enclosing_workspace(scene, directory, origin) or _touched(call, scene, directory):
        return None
    if b"frozenLockfile" in (scene.read(join(directory, "bunfig.toml")) or b""):
        return None
    members = tuple(workspace_members(scene.context, origin, manifest))
    if not names_dependencies(manifest) and not members:
        return None
    lock, lockfile = find_lock(scene, directory, origin, LOCKFILES, ADVICE, required=True)
    if lock.state != "ok" or not lockfile:
        return None
    locked = read_lock(scene.context, posixpath.join(origin, lockfile)) if lockfile == "bun.lock" else None
    places = {"": manifest, **{
        item: read_json(scene.context, posixpath.join(origin, item, "package.json")) or {} for item in members
    }}  # fmt: skip
    what = (
        f"bun {verb} keeps to {lockfile} only while package.json agrees with it, and otherwise downloads something "
        "else without a word; with --frozen-lockfile it stops then"
    )
    if lockfile == "bun.lock" and locked is None:
        return Mend(f"{lockfile} cannot be read, so bun {verb} downloads what no lockfile pins", help=ADVICE)
    if locked is not None and not agrees(locked, "", manifest):
        what = f"{lockfile} does not agree with package.json, so bun {verb} downloads what no lockfile pins"
        return Mend(what, help=f"bun install --lockfile-only brings {lockfile} up to date")
    synced = locked is not None and all(agrees(locked, place, text) for place, text in places.items())
    copied = all(scene.has(join(directory, posixpath.join(place, "package.json"))) for place in members)
    version = bun_of(call, scene)
    pinned = version.least[:2] == version.most[:2]
    reads = locked is not None and pinned and version.least >= ((1, 4) if version_of(locked) > 1 else (1, 2))
    plain = (
        synced and copied and reads and not any(manifest.get(name) for name in ("overrides", "resolutions", "catalog"))
    )
    assumed = () if plain and not members else (f"{lockfile} agrees with package.json for the image's Bun",)
    word = next(word for word in call.words[1:] if word.text == verb)
    return Mend(what, "install with --frozen-lockfile", (insert_after(word, "--frozen-lockfile"),), assumed)


def _touched(call: Call, scene: Scene, directory: str) -> bool:
    """Whether something else than a COPY of the context makes or changes manifest or lockfile."""
    if any(is_within(path, directory) or is_within(directory, path) for path in scene.received):
        return True
    return any(
        re.search(r"package\.json|package\*|bun\.lock", " ".join(other.argv))
        or (other.program == "bun" and (parse(other)[0] in ADD | {"update", "remove", "rm"}
            or (parse(other)[0] in INSTALL and parse(other)[1])) and not other.has("-g", "--global"))
        for other in scene.before(call)
    )  # fmt: skip
