"""How a cargo build becomes ``cargo fetch --locked`` beside empty targets and a build with ``--frozen``, or why not.

``--frozen`` is ``--locked`` and ``--offline``; ``--locked`` alone downloads. A fetch gets all that any target, any
platform and the tests need, so no build of the same lockfile can ask for more but for one of the standard library.
"""

from __future__ import annotations

import posixpath
import re
import shlex
from collections.abc import Iterator
from dataclasses import replace

from dockerlayer.api import Call, Edit, Fetch, Hybrid, Refusal, Scene, Split, insert_after, is_within, join, relative
from dockerlayer_rules._cargocall import Asked, configs, settings_of
from dockerlayer_rules._cargolock import Locked, agreement
from dockerlayer_rules._cargotoml import MANIFEST, Workspace, table, targets_of
from dockerlayer_rules._home import runs_as_root

MOUNT = "/tmp/cargo-home"
_RUST_IMAGE = re.compile(r"(?:docker\.io/)?(?:library/)?rust(?:[:@].*)?\Z")
# What may write settings into CARGO_HOME, or move it.
_SETTLES = re.compile(r"CARGO_HOME|\.cargo\b|cargo/(?:config|credentials)")

# Commands of cargo itself, which --frozen keeps offline; what wraps cargo is left as it is.
OFFLINE = frozenset("build check test run bench doc clippy fix rustc rustdoc tree metadata install".split())
# Environment that a download must see as well, where it is set for the build command alone.
_CARRIED = re.compile(
    r"CARGO_(?:HOME|NET_.*|HTTP_.*|REGISTR(?:Y|IES)_.*|SOURCE_.*|UNSTABLE_.*|RESOLVER_.*)|RUSTUP_.*"
    r"|RUSTC(?:_WRAPPER|_WORKSPACE_WRAPPER|_BOOTSTRAP)?|CARGO_BUILD_RUSTC.*|GIT_.*|SSH_.*|SSL_.*|HOME|PATH"
    r"|(?:HTTPS?|NO|ALL)_PROXY|(?:https?|no|all)_proxy"
)
_ROOT = frozenset({None, "", "root", "0", "root:root", "0:0"})


def split_of(fetch: Fetch, asked: Asked, scene: Scene, workspace: Workspace, locked: tuple[Locked, ...]) -> Fetch:
    """The fetch with its split, or with the reason why it has none."""
    call, line = asked.call, asked.call.step.line
    targets = _targets(scene, workspace)
    refusal = next(_obstacles(fetch, asked, scene, workspace), None)
    if targets is None or refusal is not None:
        what = "a package has no target among the files of the build context"
        return replace(fetch, no_split=refusal or Refusal("target-missing", what, line))
    link = _linked(scene, workspace, targets)
    if link is not None:
        what = f"{link} is a link in the context: no COPY could put it where the download needs a file"
        return replace(fetch, no_split=Refusal("linked-directory", what, line))
    assumptions = []
    if not asked.has("--locked"):
        agrees = agreement(workspace, locked)
        if agrees.stale:
            what = f"Cargo.lock is not up to date, and --locked would fail: {agrees.stale}"
            return replace(fetch, no_split=Refusal("stale-lockfile", what, line))
        if agrees.unsure:
            assumptions.append(f"Cargo.lock is up to date, though {agrees.unsure}")
        if asked.verb == "install":
            text = "the versions of Cargo.lock are wanted; without --locked, cargo install takes the newest that fit"
            assumptions.append(text)
    run_in = asked.run_directory(workspace.directory)
    command = _fetch_command(asked, workspace, run_in)
    if command is None:
        what = "the command's own options or environment are not literal"
        return replace(fetch, no_split=Refusal("variable-environment", what, line))
    inside = relative(workspace.directory, run_in)
    base = workspace.directory if inside is None else inside
    home = call.value("CARGO_HOME") or "/usr/local/cargo"
    made = [posixpath.join(base, path) for path in targets], _places(workspace, base)
    split = Split(
        _with_targets(command, *made),
        _edits(asked),
        assumptions=tuple(assumptions),
        notes=tuple(_notes(scene, workspace)),
        directory=run_in,
        writes=(join(home, "registry"), join(home, "git")),
        hybrid=_hybrid(call, scene, command, home, locked, made),
    )
    return replace(fetch, split=split, unproven=_unproven(asked, scene, workspace, targets))


def _hybrid(
    call: Call, scene: Scene, command: str, home: str, locked: tuple[Locked, ...], made: tuple[list[str], set[str]]
) -> Hybrid | None:
    """The download into a CARGO_HOME of its own under a cache mount, whose registry is then copied.

    Settings in the real CARGO_HOME would not be read, and sources from git lie elsewhere. Measured, Cargo 1.85.
    """
    registry = [item for item in locked if item.source.startswith(("registry+", "sparse+"))]
    others = any(item.source and item not in registry for item in locked)
    settings = any(scene.has(join(home, name)) for name in ("config.toml", "config", "credentials.toml"))
    plain = re.fullmatch(r"cargo fetch --locked[\w ./-]*", command) and re.fullmatch(r"/[\w./-]+", home)
    above = (step for stage in scene.step.stage.lineage() for step in stage.steps)
    settings = settings or any(_SETTLES.search(step.instruction.logical) for step in above if step is not scene.step)
    official = _RUST_IMAGE.match(scene.step.stage.base_image) and home == "/usr/local/cargo"
    if not registry or others or settings or not plain or not official or not runs_as_root(call):
        return None
    fetch = _with_targets(f"CARGO_HOME={MOUNT} {command}", *made)
    note = "crates of other versions and projects that the cache mount holds are copied into the image as well"
    return Hybrid(MOUNT, f"{fetch} && mkdir -p {home} && cp -a {MOUNT}/registry {home}/", (note,))


def _notes(scene: Scene, workspace: Workspace) -> Iterator[str]:
    yield "cargo fetch also downloads what only tests and other platforms need"
    for package in workspace.packages:
        path = scene.origin(join(workspace.directory, posixpath.join(package.place, "build.rs")))
        if path is not None:
            yield f"if {path} downloads anything by itself, it still does: cargo's options do not reach build scripts"
            return


def _targets(scene: Scene, workspace: Workspace) -> list[str] | None:
    """The files that must stand in the project while its manifests are loaded, relative to its root."""
    found: list[str] = []
    for package in workspace.packages:
        directory = posixpath.normpath(posixpath.join(workspace.origin, package.place))
        files = targets_of(scene.context, "" if directory == "." else directory, package.manifest)
        if files is None:
            return None
        found.extend(posixpath.join(package.place, path) for path in files)
    return found


def _linked(scene: Scene, workspace: Workspace, targets: list[str]) -> str | None:
    """A link on the way to a target: the directory made for the target would stand where COPY brings the link."""
    for path in targets:
        here = posixpath.normpath(posixpath.join(workspace.origin, path))
        while here not in {"", ".", workspace.origin}:
            if scene.context.is_link(here):
                return here
            here = posixpath.dirname(here)
    return None


def _places(workspace: Workspace, base: str) -> set[str]:
    """The directories that the manifests are copied to, and those above them."""
    found: set[str] = set()
    for package in workspace.packages:
        here = posixpath.normpath(posixpath.join(base, package.place or "."))
        while here not in {"", ".", "/"}:
            found.add(here)
            here = posixpath.dirname(here)
    return found


def _with_targets(command: str, targets: list[str], places: set[str]) -> str:
    """The download between making the targets and removing them; COPY brings the directories in any case."""
    if not targets:
        return command
    made = {posixpath.dirname(path) for path in targets} - places - {""}
    deepest = sorted(place for place in made if not any(other.startswith(f"{place}/") for other in made))
    files = shlex.join(sorted(targets))
    steps = [f"mkdir -p {shlex.join(deepest)}"] if deepest else []
    return " && ".join([*steps, f"touch {files}", command, f"rm {files}"])


def _fetch_command(asked: Asked, workspace: Workspace, run_in: str) -> str | None:
    call = asked.call
    own = {item.name for item in call.command.assignments}
    if call.words != call.command.words:
        own |= call.env.keys()
    words = [
        f"{name}={shlex.quote(call.env[name])}" for name in sorted(own & call.env.keys()) if _CARRIED.fullmatch(name)
    ]
    program = call.words[0].text
    words.append("cargo" if call.program != "cargo" else program)
    words.extend([*([asked.toolchain] if asked.toolchain else []), "fetch", "--locked"])
    if run_in != workspace.directory:
        inside = relative(workspace.directory, run_in)
        place = inside if inside is not None else workspace.directory
        words.append(f"--manifest-path {shlex.quote(posixpath.join(place, MANIFEST))}")
    for name, value, _ in asked.options:
        if name in {"-Z", "--config"}:
            words.append(f"{name} {shlex.quote(value)}")
    text = " ".join(words)
    return (
        None
        if re.search(r"[$`\n]", text.replace(program, "", 1)) or not re.fullmatch(r"[\w./~${}-]+", program)
        else text
    )


def _edits(asked: Asked) -> tuple[Edit, ...]:
    if asked.verb not in OFFLINE or asked.call.program != "cargo":
        return ()
    if asked.has("--locked"):
        return (insert_after(asked.at, "--offline"),)
    # cargo install 1.85 takes --frozen alone for permission to ignore the lockfile, and then asks the registry.
    return (insert_after(asked.at, "--locked --offline" if asked.verb == "install" else "--frozen"),)


def _obstacles(fetch: Fetch, asked: Asked, scene: Scene, workspace: Workspace) -> Iterator[Refusal]:
    call, line = asked.call, asked.call.step.line
    root, directory = workspace.directory, asked.directory or ""
    if any(_removes(other) for other in scene.siblings):
        what = "the RUN removes what cargo downloaded; a download of its own would leave it in the image"
        yield Refusal("cleanup-in-same-run", what, line)
    if _is_let_fail(call, scene):
        yield Refusal("failure-hidden", "a failure of the build is let pass, one of a download would not be", line)
    if asked.has("--lockfile-path"):
        yield Refusal("lockfile-elsewhere", "--lockfile-path names another lockfile", line)
    if any(name == "--config" and "=" not in value for name, value, _ in asked.options):
        yield Refusal("settings-path", "--config names a file", line)
    if (call.value("CARGO_BUILD_TARGET") or "").endswith(".json"):
        yield Refusal("settings-path", "CARGO_BUILD_TARGET names a file", line)
    builds_std = any(name == "-Z" and value.startswith("build-std") for name, value, _ in asked.options)
    run_in = asked.run_directory(root)
    for path, content in configs(scene, run_in):
        if content is None:
            yield Refusal("bad-settings", f"{path} cannot be read as TOML", line)
            return
        builds_std = builds_std or "build-std" in table(content.get("unstable"))
        for key in ("include", "paths"):
            if key in content:
                yield Refusal("settings-path", f"{path} has {key}, which names more files", line)
        for source in table(content.get("patch")).values():
            if any("path" in table(spec) for spec in table(source).values()):
                yield Refusal("settings-path", f"{path} patches a package with a local one", line)
    if builds_std or call.value("CARGO_UNSTABLE_BUILD_STD"):
        yield Refusal(
            "build-std", "the standard library is built too, and cargo fetch alone does not download for it", line
        )
    if is_within(directory, root) and directory != root:
        above = {join(root, path) for path in settings_of(scene, root)}
        below = {join(directory, path) for path in settings_of(scene, directory)}
        if below - above:
            what = f"{min(below - above)} counts in {directory} alone, not where its workspace is"
            yield Refusal("settings-below", what, line)
    home = call.value("CARGO_HOME")
    if home and any(scene.has(join(home, name)) for name in ("registry", "git")):
        yield Refusal("home-in-context", f"the COPY brings something to {home}, where cargo keeps its downloads", line)
    if relative(root, run_in) is None and not root.startswith("/"):
        yield Refusal("directory-unknown", f"{root} cannot be written as a path", line)


def _is_let_fail(call: Call, scene: Scene) -> bool:
    """Whether ``||`` comes behind the command, or behind those that are chained to it."""
    for other in (item for item in scene.siblings if item.start > call.start):
        if "or" in other.guards:
            return True
        if "and" not in other.guards:
            return False
    return False


def _removes(call: Call) -> bool:
    if call.program == "rm":
        pattern = r"(?:^|/)\.?cargo(?:/\*|/registry.*|/git.*)?/?$|CARGO_HOME|/registry/?\*?$"
        return any(re.search(pattern, word) for word in call.arguments)
    return call.program == "cargo" and call.arguments[:1] == ("cache",)


def _unproven(asked: Asked, scene: Scene, workspace: Workspace, targets: list[str]) -> str:
    """Who does not own the directories of the project may not make files in them."""
    call = asked.call
    if call.user in _ROOT or not targets:
        return ""
    root = workspace.directory
    source = next((item for item in reversed(scene.placements) if item.origin(join(root, MANIFEST))), None)
    owned = source is not None and any(flag.startswith("--chown=") for flag in source.step.instruction.flags)
    elsewhere = asked.has("--target-dir") or bool(call.value("CARGO_TARGET_DIR")) or bool(call.step.mounts)
    inner = any(package.place for package in workspace.packages)
    if elsewhere or (inner and not owned):
        return f"{call.user} must be allowed to make files in {root}, for cargo fetch to find"
    return ""
