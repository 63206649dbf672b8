"""What cargo commands do with what CARGO_HOME keeps, and what their words say of the network.

https://doc.rust-lang.org/cargo/guide/cargo-home.html; measured with cargo 1.85 and 1.95.
"""

from __future__ import annotations

import posixpath
import re

from dockerlayer.api import Call, Edit, Fetch, Lock, Mend, Scene, Use, insert_after, join
from dockerlayer_rules._cargocall import Asked, ask, configs, is_offline, project_directory
from dockerlayer_rules._cargolock import agreement, locked_packages
from dockerlayer_rules._cargosplit import split_of
from dockerlayer_rules._cargotoml import MANIFEST, CannotReadError, Workspace, manifest_above, table, workspace_of
from dockerlayer_rules._home import home_of
from dockerlayer_rules._read_cargo import BUILDS, LOCKFILE, RESOLVES, WRAPPERS
from dockerlayer_rules._stored import below, emptied, given, replaced, succeeded, unset, without
from dockerlayer_rules.cargo import ecosystem

# rustlang/rust and cargo-chef are built like the official image, which sets CARGO_HOME.
_OFFICIAL = re.compile(r"(?:^|/)(?:rust|cargo-chef)(?:[:@]|\Z)")
_COMPILES = (BUILDS | WRAPPERS) - {"tree", "metadata"}


def use(call: Call, scene: Scene) -> Use | None:
    """What one cargo command does with the downloaded crates; None where it is not about any."""
    asked = ask(call)
    if asked is None:
        return None
    cooks = asked.verb == "chef" and asked.operands[:1] == ("cook",)
    verb = "build" if cooks else asked.verb
    if verb not in {*BUILDS, *WRAPPERS, *RESOLVES, "install", "fetch", "vendor"}:
        return None
    home = _home(call, scene)
    stores = (join(home, "registry"), join(home, "git")) if home else ()
    offline = _offline(asked)
    silent = bool(offline) or (asked.directory is not None and is_offline(asked, scene))
    vendored = silent and not offline
    workspace = _workspace(asked, scene)
    emptying = emptied(call, scene, stores)
    defeated = None
    if emptying is not None:
        defeated = Mend(f"{' '.join(emptying.argv)} empties cargo's registry in the same RUN", by=emptying)
    return Use(
        stores,
        fills=not silent,
        takes=verb not in {"fetch", *RESOLVES} and not vendored,
        leaves=_leaves(asked, verb, scene, workspace, home),
        offline=offline,
        online=_online(asked) if offline else (),
        nominal=None if silent or cooks or workspace is None else _nominal(asked, scene, workspace, home),
        defeated=defeated,
        unpinned=None if silent or cooks else _unpinned(asked, scene, workspace),
    )


def _home(call: Call, scene: Scene) -> str | None:
    named = given(call, "CARGO_HOME")
    if named is not None:
        return named if named.startswith("/") else None
    if _OFFICIAL.search(call.step.stage.base_image):
        return "/usr/local/cargo"
    home = home_of(call, scene)
    return join(home, ".cargo") if home else None


def _offline(asked: Asked) -> str:
    found = [name for name, _, _ in asked.options if name in {"--frozen", "--offline"}]
    if found:
        return found[0]
    value = given(asked.call, "CARGO_NET_OFFLINE")
    return f"CARGO_NET_OFFLINE={value}" if (value or "").lower() in {"true", "1"} else ""


def _online(asked: Asked) -> tuple[Edit, ...]:
    """What lets the command ask again: all of its words, or none where a variable of the image is among them."""
    call = asked.call
    edits = list(without(call, "--offline"))
    edits += without(call, "--frozen") if asked.has("--locked") else replaced(call, "--frozen", "--locked")
    if given(call, "CARGO_NET_OFFLINE") is not None:
        variable = unset(call, "CARGO_NET_OFFLINE")
        if not variable:
            return ()
        edits += variable
    return tuple(edits)


def _workspace(asked: Asked, scene: Scene) -> Workspace | None:
    directory = project_directory(asked) if asked.directory is not None else None
    if directory is None or (asked.verb == "install" and not asked.has("--path")):
        return None
    found = manifest_above(scene, directory)
    try:
        return workspace_of(scene, *found) if found is not None else None
    except CannotReadError:
        return None


def _leaves(asked: Asked, verb: str, scene: Scene, workspace: Workspace | None, home: str | None) -> tuple[str, ...]:
    call = asked.call
    if asked.directory is None:
        return ()
    if verb == "install":
        root = asked.value("--root") or given(call, "CARGO_INSTALL_ROOT")
        place = below(call, root) if root else home
        return (join(place, "bin"),) if place else ()
    if verb == "vendor":
        place = below(call, asked.operands[0] if asked.operands else "vendor")
        return (place,) if place else ()
    if verb not in _COMPILES:
        return ()
    target = asked.value("--target-dir") or given(call, "CARGO_TARGET_DIR") or given(call, "CARGO_BUILD_TARGET_DIR")
    if target is None:
        for path, content in configs(scene, asked.directory):
            named = table(table(content).get("build")).get("target-dir")
            if named is not None:
                target = join(posixpath.dirname(posixpath.dirname(path)), str(named))
                break
    found = []
    if target is not None:
        found.append(below(call, target) if target else None)
    else:
        project = workspace.directory if workspace is not None else project_directory(asked)
        found.append(join(project, "target") if project is not None else None)
    for option in ("--out-dir", "--artifact-dir"):
        out = asked.value(option)
        found.append(below(call, out) if out else None)
    return tuple(path for path in found if path is not None)


def _nominal(asked: Asked, scene: Scene, workspace: Workspace, home: str | None) -> Mend | None:
    """--locked below a fetch: it keeps the lockfile as it is, and cargo downloads what is missing (measured, 1.95)."""
    call = asked.call
    if not asked.has("--locked") or asked.verb not in BUILDS:
        return None
    fetches = [
        other
        for other in scene.before(call)
        if (it := ask(other)) is not None and it.verb == "fetch" and _workspace(it, scene) == workspace
    ]
    if not fetches:
        return None
    message = "--locked only keeps Cargo.lock as it is: what the fetch above did not leave is still downloaded"
    plain = any(
        succeeded(other, call, scene)
        and not ecosystem.cached_by(other.step)
        and _home(other, scene) == home
        and (it := ask(other)) is not None
        and {name for name, _, _ in it.options} <= {"--locked", "--manifest-path", "-v", "-q", "--verbose", "--quiet"}
        for other in fetches
    )
    changed = any((it := ask(other)) is not None and it.verb in RESOLVES for other in scene.before(call))
    if not plain or changed or home is None or ecosystem.cached_by(call.step):
        return Mend(message)
    path = posixpath.join(workspace.origin, LOCKFILE)
    image = join(workspace.directory, LOCKFILE)
    if scene.origin(image) != path:
        return Mend(message)
    locked = locked_packages((scene.context.read(path) or b"").decode("utf-8", "replace"))
    fetch = Fetch(call, "build", workspace.directory, workspace.origin, lock=Lock(MANIFEST, LOCKFILE, "ok"))
    split = split_of(fetch, asked, scene, workspace, locked).split
    if split is None or not split.edits or split.assumptions or agreement(workspace, locked) != ("", ""):
        return Mend(message)
    return Mend(message, "build with --offline as well", split.edits)


def _unpinned(asked: Asked, scene: Scene, workspace: Workspace | None) -> Mend | None:
    """cargo install ignores the lockfile without --locked (cargo-install(1); measured, 1.95)."""
    if workspace is None or asked.has("--locked") or not scene.has(join(workspace.directory, LOCKFILE)):
        return None
    if asked.verb in RESOLVES:
        return Mend(f"cargo {asked.verb} chooses versions anew and changes Cargo.lock in the image alone")
    path = posixpath.join(workspace.origin, LOCKFILE)
    locked = locked_packages((scene.context.read(path) or b"").decode("utf-8", "replace"))
    agrees = agreement(workspace, locked)
    if asked.verb != "install":
        if asked.verb not in BUILDS or not agrees.stale:
            return None
        return Mend(f"Cargo.lock is not up to date, and cargo {asked.verb} chooses what is missing: {agrees.stale}")
    message = "cargo install ignores Cargo.lock without --locked, and takes the newest versions that fit"
    if agrees.stale or not locked:
        return Mend(message)
    assumptions = ["the versions of Cargo.lock are wanted, and the package builds with them"]
    if agrees.unsure:
        assumptions.append(f"Cargo.lock is up to date, though {agrees.unsure}")
    return Mend(message, "install with --locked", (insert_after(asked.at, "--locked"),), tuple(assumptions))
