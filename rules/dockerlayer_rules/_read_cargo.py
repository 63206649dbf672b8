"""How the calls of Cargo are read."""

from __future__ import annotations

import posixpath
import re
from dataclasses import replace

from dockerlayer.api import (
    NOT_IN_CONTEXT,
    NOTHING,
    SYSTEM_WRITES,
    Call,
    Effect,
    Fetch,
    Lock,
    Refusal,
    Scene,
    join,
)
from dockerlayer_rules._cargocall import (
    TOOLCHAIN_FILES,
    Asked,
    ask,
    is_offline,
    project_directory,
    settings_of,
    upwards,
)
from dockerlayer_rules._cargolock import locked_packages
from dockerlayer_rules._cargosplit import split_of
from dockerlayer_rules._cargotoml import (
    MANIFEST,
    CannotReadError,
    Workspace,
    manifest_above,
    targets_of,
    workspace_of,
)
from dockerlayer_rules.cargo import ecosystem

LOCKFILE = "Cargo.lock"
# Commands that download what is missing, whose --frozen is all that keeps them offline (cargo 1.85 and 1.95, measured).
BUILDS = frozenset("build check test run bench doc clippy fix rustc rustdoc tree metadata".split())
# Commands of other programs that build with cargo; whether they pass --frozen on is not known of all.
WRAPPERS = frozenset("auditable zigbuild xwin nextest ndk lambda component llvm-cov tarpaulin miri".split())
RESOLVES = frozenset("update generate-lockfile add upgrade".split())
HARMLESS = frozenset("version help locate-project read-manifest pkgid search --version -V --list --help -h".split())
HOMES = ("/usr/local/cargo", "/root/.cargo")
TOOLCHAINS = ("/usr/local/rustup", "/root/.rustup")


def read(call: Call, scene: Scene) -> Fetch | None:
    """What a cargo command takes from the registry, given what stands in the image when it runs."""
    asked = ask(call)
    if asked is None or asked.directory is None or is_offline(asked, scene):
        return None
    verb = asked.verb
    if verb in {"install", "binstall"} and not asked.has("--path"):
        return _tool(asked, scene)
    if verb not in {*BUILDS, *WRAPPERS, *RESOLVES, "install", "fetch", "vendor"}:
        return None
    directory = project_directory(asked)
    found = None if directory is None else manifest_above(scene, directory)
    if _downloaded_before(asked, scene, found):
        return None
    line = call.step.line
    if found is None or (asked.named_project and found[0] != directory):
        place = directory or asked.directory
        missing = Refusal(NOT_IN_CONTEXT, f"no COPY brings a Cargo.toml of the build context to {place}", line)
        return Fetch(call, "download" if verb == "fetch" else "build", place, unit="crates", blocked=missing)
    try:
        workspace = workspace_of(scene, *found)
    except CannotReadError as error:
        blocked = error.refusal._replace(line=line)
        return Fetch(call, "build", *found, unit="crates", blocked=blocked)
    fetch = _of_project(asked, scene, workspace)
    if fetch is not None and verb != "fetch" and _is_dummy(scene, workspace) and _stands_on_more(scene, fetch):
        return None
    return fetch


def _tool(asked: Asked, scene: Scene) -> Fetch | None:
    """``cargo install NAME``, which reads no file of the project but those that say which toolchain it runs with."""
    if asked.has("--list", "-V") or not (asked.operands or asked.has("--git")):
        return None
    call, directory = asked.call, asked.directory
    assert directory is not None
    home = call.value("CARGO_HOME")
    writes = tuple(f"{place}/{name}" for place in (home, *HOMES) if place for name in ("bin", "registry", "git"))
    settings = settings_of(scene, directory)
    origin = scene.origin(directory) if settings else None
    known = origin is not None and all(scene.origin(join(directory, path)) for path in settings)
    blocked = None
    if settings and not known:
        blocked = Refusal(
            "settings-in-source", f"{settings[0]}, which cargo reads, comes with the source", call.step.line
        )
    needs = tuple(settings) if known else ()
    return Fetch(call, "tool", directory, origin, needs, writes, None, "crates", blocked=blocked)


def _of_project(asked: Asked, scene: Scene, workspace: Workspace) -> Fetch | None:
    call, context, directory, origin = asked.call, scene.context, workspace.directory, workspace.origin
    line = call.step.line
    path = posixpath.join(origin, LOCKFILE)
    locked = locked_packages((context.read(path) or b"").decode("utf-8", "replace"))
    count = sum(bool(item.source) for item in locked)
    asks = any(item.path is None for package in workspace.packages for item in package.dependencies)
    if not count and not asks:
        return None
    lock = _lock(scene, workspace, asked)
    settings = settings_of(scene, asked.run_directory(workspace.directory))
    inside = [posixpath.relpath(join(asked.run_directory(directory), name), directory) for name in settings]
    members = tuple(
        posixpath.join(item.place, MANIFEST) for item in workspace.packages if item.is_member and item.place
    )
    others = [posixpath.join(item.place, MANIFEST) for item in workspace.packages if not item.is_member]
    needs = [MANIFEST, *([LOCKFILE] if lock.state == "ok" else []), *inside, *members, *others, *workspace.roots]
    home = call.value("CARGO_HOME")
    fetch = Fetch(
        call,
        "download" if asked.verb == "fetch" and not _has_targets(scene, workspace) else "build",
        directory,
        origin,
        tuple(dict.fromkeys(needs)),
        (),
        count or None,
        "crates",
        lock,
        reads=(
            *([home] if home else []),
            *HOMES,
            *TOOLCHAINS,
            *(join(directory, name) for name in (LOCKFILE, ".cargo")),
        ),
        members=members,
        without_member=_without(workspace, asked),
    )
    if asked.verb in RESOLVES:
        return replace(fetch, blocked=Refusal("resolves-anew", f"cargo {asked.verb} chooses versions anew", line))
    if asked.verb == "vendor":
        what = "cargo vendor writes what it downloads into the project itself"
        return replace(fetch, blocked=Refusal("vendors", what, line))
    if lock.state != "ok":
        what = f"no Cargo.lock reaches {directory}: which versions a download would keep would be chance"
        return replace(fetch, blocked=Refusal("no-lockfile", what, line))
    if not locked:
        return replace(fetch, blocked=Refusal("bad-lockfile", f"{path} cannot be read", line))
    return fetch if fetch.kind == "download" else split_of(fetch, asked, scene, workspace, locked)


def _without(workspace: Workspace, asked: Asked) -> str:
    if workspace.listed or asked.has("--locked"):
        return "stops with an error"
    return "leaves its packages out and exits 0"


def _lock(scene: Scene, workspace: Workspace, asked: Asked) -> Lock:
    path = posixpath.join(workspace.origin, LOCKFILE)
    advice = "cargo generate-lockfile writes Cargo.lock; commit it and copy it beside Cargo.toml"
    if scene.context.is_file(path):
        copied = scene.would_be(join(workspace.directory, LOCKFILE)) == path
        return Lock(MANIFEST, LOCKFILE, "ok" if copied else "uncopied", "copy Cargo.lock with Cargo.toml")
    if scene.context.hidden(path):
        return Lock(MANIFEST, LOCKFILE, "hidden", "take Cargo.lock out of the ignore file")
    makers = [ask(other) for other in scene.before(asked.call)]
    made = asked.verb in RESOLVES or any(other is not None and other.verb in RESOLVES for other in makers)
    return Lock(MANIFEST, LOCKFILE, "made" if made else "missing", advice)


def _has_targets(scene: Scene, workspace: Workspace) -> bool:
    """Whether the copies bring the source of every package: a download that stands on them needs targets of its own."""
    places = ((_in_context(workspace, item.place), item.manifest) for item in workspace.packages)
    return any(targets_of(scene.context, *place) for place in places) and not _is_dummy(scene, workspace)


def _is_dummy(scene: Scene, workspace: Workspace) -> bool:
    """Whether a package has nothing of its own to build yet, so that the build is one of the dependencies alone."""
    for package in workspace.packages:
        for path in targets_of(scene.context, _in_context(workspace, package.place), package.manifest) or ():
            if scene.origin(join(workspace.directory, posixpath.join(package.place, path))) is None:
                return True
    return False


def _stands_on_more(scene: Scene, fetch: Fetch) -> bool:
    """Whether the copies bring more than the download needs: what a build of the dependencies alone compiles too."""
    needed = frozenset(posixpath.normpath(posixpath.join(fetch.origin or "", need)) for need in fetch.needs)
    return any(next(placement.others(needed), None) is not None for placement in scene.placements)


def _in_context(workspace: Workspace, place: str) -> str:
    path = posixpath.normpath(posixpath.join(workspace.origin, place))
    return "" if path == "." else path


def _downloaded_before(asked: Asked, scene: Scene, found: tuple[str, str] | None) -> bool:
    """Whether an earlier command has filled CARGO_HOME for this project, in a layer or a stage of this image."""
    if any(re.search(r"/cargo/?$|/\.cargo/?$|/registry\b|/target/?$", path) for path in scene.received):
        return True
    call = asked.call
    for earlier in scene.before(call):
        other = ask(earlier)
        if other is None or ecosystem.cached_by(earlier.step):
            continue
        if other.verb in {"chef", "vendor", "build-deps"}:
            return True
        if other.verb not in {*BUILDS, *WRAPPERS, "fetch"} or (other.verb != "fetch" and earlier.step is call.step):
            continue
        place = project_directory(other)
        above = None if place is None else manifest_above(scene, place)
        if place == project_directory(asked) or _same(scene, above, found):
            return True
    return False


def _same(scene: Scene, one: tuple[str, str] | None, other: tuple[str, str] | None) -> bool:
    """Whether two projects, each an image and a context directory, are of one workspace."""
    if one is None or other is None or one == other:
        return one is not None and one == other
    try:
        return workspace_of(scene, *one).directory == workspace_of(scene, *other).directory
    except CannotReadError:
        return False


def effect(call: Call, scene: Scene) -> Effect | None:
    """What the commands that fetch nothing read and write; rustup's depend on the project's toolchain file."""
    home = call.value("CARGO_HOME")
    writes = (*SYSTEM_WRITES, *([home] if home else []), *HOMES)
    if call.program == "rustup":
        if call.cwd is None or not call.arguments or call.arguments[0] in {"run", "doc", "override"}:
            return None
        own = call.value("RUSTUP_HOME")
        reads = tuple(join(place, name) for place in upwards(call.cwd) for name in TOOLCHAIN_FILES)
        return Effect(reads, (*writes, *([own] if own else []), *TOOLCHAINS))
    if call.program == "rustc":
        return NOTHING if call.has("--version", "-V", "-vV", "--print") else None
    asked = ask(call)
    if asked is None or asked.verb in HARMLESS:
        return NOTHING if len(call.arguments) < 3 else None
    return Effect(writes=writes) if asked.verb == "login" else None
