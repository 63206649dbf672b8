"""Dummy sources: a program that stands in for the source while Cargo compiles the dependencies in a layer of their own.

Measured with cargo 1.85 under BuildKit: COPY keeps the times of the context's files, and cargo compiles a target again
only if one of its files is newer than what was compiled of it, if its ``.fingerprint`` or its result in ``deps`` is
gone, or if the package has got or lost a library or a build script. Neither a changed text or owner, ``rm`` of the
linked program, ``touch Cargo.toml`` nor ``cargo clean -p`` of another profile makes any difference.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator

from dockerlayer.api import (
    Applicability,
    Call,
    Edit,
    Finding,
    Fix,
    Scene,
    Severity,
    is_within,
    join,
    path_of,
    relative,
)
from dockerlayer_rules._cargocall import Asked, ask, configs, project_directory
from dockerlayer_rules._cargosources import (
    OFFICIAL,
    ON_FILES,
    Compile,
    File,
    UnknownError,
    brought,
    compiles,
    covers,
    is_compile,
    may_write,
    mounted,
    operands,
    project_of,
)
from dockerlayer_rules._cargotoml import (
    MANIFEST,
    Dependency,
    Package,
    Workspace,
    table,
)

COMPILED = "compiled-dummy-source"
LEFTOVER = "leftover-dummy-source"

# Options that change neither what is compiled nor where the result is kept.
_NEUTRAL = frozenset(
    """--locked --frozen --offline -v -vv --verbose -q --quiet -j --jobs --color --message-format --manifest-path --path
    --root --force -f --keep-going --timings --bins --no-track""".split()
)
_SELECTS = frozenset(
    """--bin --bins --lib -p --package --example --examples --workspace --all --exclude --test --tests --bench
    --benches --all-targets""".split()
)
# Commands that leave the source and what was compiled of it as they are, wherever they stand.
_HARMLESS = frozenset(
    """echo printf true : mkdir cd pwd ls set export apt apt-get apk dpkg rustup rustc cat tee chmod chown chgrp
    groupadd useradd adduser addgroup usermod uname ldd which test [ head tail grep update-ca-certificates""".split()
)
_CARGO_HARMLESS = frozenset("build fetch check test clippy fmt rustc run install tree metadata".split())
_MAIN = re.compile(r"\bmain\b")
# A build that may fail, for what the dummy lacks, need not have left anything.
_MAY_FAIL = re.compile(r"\|\||;\s*(?:true|exit)\b")
_PLAIN = re.compile(r"[\w./+-]+\Z")


def compiled(call: Call, scene: Scene) -> Iterator[Finding]:
    """The finding of compiled-dummy-source for one call."""
    asked = ask(call) if call.program == "cargo" else None
    if asked is None or not is_compile(asked) or not _certain(call):
        return
    if not any(may_write(other) for other in scene.before(call)):
        return
    workspace = project_of(asked, scene)
    if workspace is None or brought(scene, workspace):
        return
    try:
        *others, this = compiles(call, scene, workspace)
        same = [other for other in others if _alike(other, this, workspace.directory)]
        if not same:
            return
        stale = _stale(same[-1], this, scene, workspace)
    except UnknownError:
        return
    if not stale:
        return
    names = " and ".join(relative(path, workspace.directory) or path for path in stale)
    first = same[-1].call.step.line
    yield Finding(
        COMPILED,
        Severity.ERROR,
        f"cargo takes the dummy of line {first} for up to date: COPY keeps the older time of {names}",
        call.start,
        call.end,
        f"{call.step.stage.index}:cargo:{' '.join(call.argv)}",
        help="touch the copied files before this build, so that they are newer than what was compiled of the dummy",
        fix=_touch(call, scene, stale),
        ecosystem="cargo",
    )


def _certain(call: Call) -> bool:
    return call.guards <= {"and", "nested", "group"} and call.cwd is not None


def _profile(asked: Asked) -> str:
    named = asked.value("--profile")
    if named is not None:
        return named
    if asked.has("--release", "-r"):
        return "release"
    return "release" if asked.verb == "install" and not asked.has("--debug") else "dev"


def _settings(one: Compile) -> object:
    asked, call = one.asked, one.call
    others = sorted(
        (name, value)
        for name, value, _ in asked.options
        if name not in _NEUTRAL | _SELECTS | {"--release", "-r", "--profile", "--debug"}
    )
    values = {**call.step.state.values, **call.env}
    env = sorted(item for item in values.items() if item[0].startswith(("CARGO_", "RUST", "CC", "CXX", "CFLAGS")))
    env = [item for item in env if item[0] not in {"CARGO_NET_OFFLINE", "RUST_BACKTRACE", "RUST_LOG"}]
    return _profile(asked), asked.toolchain, others, env, call.user


def _alike(other: Compile, this: Compile, directory: str) -> bool:
    """Whether two builds keep their results in one place, of the same units."""
    if other.call.step is this.call.step or not _certain(other.call) or _settings(other) != _settings(this):
        return False
    if mounted(other.call.step, directory) or _names_target(other):
        return False
    if _MAY_FAIL.search(other.call.step.instruction.logical):
        return False
    chosen = [sorted(item for item in one.asked.options if item[0] in _SELECTS) for one in (other, this)]
    picked = [[(name, value) for name, value, _ in options] for options in chosen]
    fewer = {name for name, _ in picked[1]} <= {"--bin", "--lib", "-p", "--package"}
    return picked[0] == picked[1] or (not picked[0] and fewer)


def _names_target(one: Compile) -> bool:
    named = one.call.value("CARGO_TARGET_DIR") or one.call.value("CARGO_BUILD_TARGET_DIR")
    return bool(named) or one.asked.has("--target-dir", "--config", "-Z")


def _stale(other: Compile, this: Compile, scene: Scene, workspace: Workspace) -> list[str]:
    """The files that were dummies when ``other`` compiled them and are the source now; empty where cargo notices."""
    _undisturbed(other, this, scene, workspace)
    directory = workspace.directory
    for name in (MANIFEST, "Cargo.lock", "rust-toolchain", "rust-toolchain.toml"):
        before, after = other.files.get(join(directory, name)), this.files.get(join(directory, name))
        if (before and before.origin) != (after and after.origin):
            return []
    if next(configs(scene, directory), None) is not None:
        return []
    found: list[str] = []
    for package in workspace.packages:
        place = join(directory, package.place)
        manifest = join(place, MANIFEST)
        before, after = other.files.get(manifest), this.files.get(manifest)
        if before is None or after is None or not before.origin or before.origin != after.origin:
            return []
        # A build script that does not say what it depends on runs again when the newest file of the package is another.
        if join(place, "build.rs") in this.files or join(place, "build.rs") in other.files or _has_script(package):
            return []
        if (join(place, "src/lib.rs") in other.files) != (join(place, "src/lib.rs") in this.files):
            return []
        if all(_builds(one.asked, package, workspace) for one in (other, this)):
            paths = [path for path in _targets(place, this.files) if _selects(this.asked, path, package)]
            found += [path for path in paths if _is_stale(path, other, this, package, scene)]
    return found


def _builds(asked: Asked, package: Package, workspace: Workspace) -> bool:
    """Whether a build is known to be one of this package, whatever its options choose of its targets."""
    named = [value for name, value, _ in asked.options if name in {"-p", "--package"}]
    if named:
        return table(package.manifest.get("package")).get("name") in named
    if asked.has("--exclude"):
        return False
    if asked.has("--workspace", "--all"):
        return True
    place = relative(project_directory(asked) or "", workspace.directory)
    if place or "package" in workspace.root:
        roots = [item for item in workspace.packages if item.place in {place, place or "."}]
        near = {dependency.path for item in roots for dependency in item.dependencies if _is_built(dependency)}
        return package in roots or package.place in near
    return "default-members" not in table(workspace.root.get("workspace"))


def _is_built(dependency: Dependency) -> bool:
    return not dependency.optional and not dependency.for_development


def _selects(asked: Asked, path: str, package: Package) -> bool:
    """Whether the options of a build choose the target of a source file."""
    if path.endswith("/src/lib.rs") or not asked.has("--bin", "--lib", "--example", "--test", "--bench"):
        return True
    programs = {value for name, value, _ in asked.options if name == "--bin"}
    if path.endswith("/src/main.rs"):
        return table(package.manifest.get("package")).get("name") in programs and "bin" not in package.manifest
    return bool({posixpath.basename(path).removesuffix(".rs"), posixpath.basename(posixpath.dirname(path))} & programs)


def _has_script(package: Package) -> bool:
    return isinstance(table(package.manifest.get("package")).get("build"), str)


def _targets(place: str, files: dict[str, File]) -> list[str]:
    named = [join(place, name) for name in ("src/lib.rs", "src/main.rs")]
    below = join(place, "src/bin")
    return [path for path in files if path in named or is_within(path, below)]


def _is_stale(path: str, other: Compile, this: Compile, package: Package, scene: Scene) -> bool:
    before, after = other.files.get(path), this.files[path]
    if before is None or before.writer is None or not after.origin:
        return False
    name = posixpath.basename(path)
    if name != "lib.rs" and not _MAIN.search(before.text):
        return False
    settings = table(package.manifest.get("package"))
    if (
        name == "main.rs"
        and settings.get("autobins") is False
        and "src/main.rs" not in str(package.manifest.get("bin"))
    ):
        return False
    if name == "lib.rs" and table(package.manifest.get("lib")).get("path", "src/lib.rs") != "src/lib.rs":
        return False
    real = (scene.context.read(after.origin) or b"").decode("utf-8", "replace")
    return _squeezed(real) not in {"", "fnmain(){}", _squeezed(before.text)}


def _squeezed(text: str) -> str:
    return re.sub(r"\s+", "", text)


def _undisturbed(other: Compile, this: Compile, scene: Scene, workspace: Workspace) -> None:
    """Raise UnknownError if anything between the two builds may have told cargo to compile again."""
    directory = workspace.directory
    for call in scene.before(this.call):
        if call.start <= other.call.start:
            continue
        # What is written between may be settings.
        if any(item.op.startswith((">", "&>")) and item.op != ">&" for item in call.command.redirects):
            written = [path_of(call, item.target.text) for item in call.command.redirects if item.target is not None]
            if any(path is None or not path.startswith("/dev/") for path in written):
                raise UnknownError
        if call.program == "cargo":
            _harmless_cargo(call, other, directory)
        elif call.program in {"rm", "rmdir"}:
            _harmless_removal(call, directory)
        elif call.program in ON_FILES:
            for word in operands(call):
                path = path_of(call, word)
                if path is None or (covers(path, directory) and not is_within(path, join(directory, "target"))):
                    raise UnknownError
        elif call.program not in _HARMLESS:
            raise UnknownError


def _harmless_cargo(call: Call, other: Compile, directory: str) -> None:
    asked = ask(call)
    if asked is not None and asked.verb == "clean":
        # With packages named, only the results of one profile are taken away (measured, cargo 1.85 and 1.95).
        if asked.has("-p", "--package") and _profile(asked) != _profile(other.asked) and not asked.has("--doc"):
            return
        raise UnknownError
    if asked is None or asked.verb not in _CARGO_HARMLESS:
        raise UnknownError


def _harmless_removal(call: Call, directory: str) -> None:
    """``rm`` of sources, which COPY brings back, and of the linked program alone; anything else may tell cargo."""
    target = join(directory, "target")
    for word in operands(call):
        if "$" in word or "{" in word or call.cwd is None or word.startswith("~"):
            raise UnknownError
        path = join(call.cwd, word)
        if is_within(path, target):
            parts = path[len(target) + 1 :].split("/")
            if len(parts) != 2 or parts[1] in {"deps", ".fingerprint", "build"} or parts[1].startswith(("*", ".")):
                raise UnknownError
        elif is_within(target, path.partition("*")[0].rstrip("/") or "/"):
            raise UnknownError


def _touch(call: Call, scene: Scene, paths: Iterable[str]) -> Fix | None:
    words = [_relative_to(call, path) for path in paths]
    return _before(call, f"touch {' '.join(words)}", "touch the source before the build", words)


def _relative_to(call: Call, path: str) -> str:
    """A path as a command in the call's directory writes it."""
    return posixpath.relpath(path, call.cwd or "/")


def _before(call: Call, command: str, title: str, words: list[str], assumption: str = "") -> Fix | None:
    """A fix that runs a command before a call, where the shell makes no difference between the two."""
    if not call.guards <= {"and"} or call.step.instruction.json or not all(map(_PLAIN.match, words)):
        return None
    root = call.user in {"root", "0", "root:root", "0:0"}
    root = root or (call.user is None and OFFICIAL.search(call.step.stage.base_image) is not None)
    assumptions = [assumption] if assumption else []
    if not root:
        assumptions.append("the user of the build may change the copied files")
    return Fix(
        title,
        (Edit(call.start, call.start, f"{command} && ".encode()),),
        Applicability.UNSAFE if assumptions else Applicability.SAFE,
        "words",
        tuple(assumptions),
    )


def leftover(call: Call, scene: Scene) -> Iterator[Finding]:
    """The finding of leftover-dummy-source for one call."""
    asked = ask(call) if call.program == "cargo" else None
    if asked is None or not is_compile(asked) or not _certain(call):
        return
    if not any(may_write(other) for other in scene.before(call)):
        return
    workspace = project_of(asked, scene)
    if workspace is None or brought(scene, workspace) or asked.has("--lib", "--bin", "--example", "-p", "--package"):
        return
    try:
        *others, this = compiles(call, scene, workspace)
    except UnknownError:
        return
    for package in workspace.packages:
        path = _left(this, package, scene, workspace)
        if (
            path is None
            or not _builds(asked, package, workspace)
            or any(_left(other, package, scene, workspace) for other in others)
        ):
            continue
        file = this.files[path]
        assert file.writer is not None
        name = relative(path, workspace.directory) or path
        fails = not _MAIN.search(file.text)
        effect = "is a program without main, which does not compile" if fails else "becomes a program of its own"
        assumption = "" if fails else "nothing uses the program that it becomes"
        words = [_relative_to(call, path)]
        yield Finding(
            LEFTOVER,
            Severity.ERROR if fails else Severity.WARNING,
            f"the dummy {name} of line {file.writer.step.line} is still there, and {effect}",
            call.start,
            call.end,
            f"{call.step.stage.index}:cargo:{' '.join(call.argv)}",
            help="remove the dummy in the RUN that makes it",
            fix=_before(call, f"rm {words[0]}", "remove the dummy before the build", words, assumption),
            ecosystem="cargo",
        )


def _left(this: Compile, package: Package, scene: Scene, workspace: Workspace) -> str | None:
    """The dummy src/main.rs of a package whose source is there and has none, where cargo makes a target of it."""
    place = join(workspace.directory, package.place)
    file = this.files.get(path := join(place, "src/main.rs"))
    if file is None or file.writer is None:
        return None
    manifest = package.manifest
    settings = table(manifest.get("package", manifest.get("project")))
    if settings.get("autobins") is False or manifest.get("bin"):
        return None
    origin = posixpath.normpath(posixpath.join(workspace.origin, package.place, "src"))
    context = scene.context
    if context.exists(posixpath.join(origin, "main.rs")) or context.hidden(posixpath.join(origin, "main.rs")):
        return None
    library = this.files.get(join(place, "src/lib.rs"))
    sources = [name for name in context.names(posixpath.join(origin, "bin")) if name.endswith(".rs")]
    programs = any(scene.origin(join(place, f"src/bin/{name}")) is not None for name in sources)
    return path if (library is not None and library.origin) or programs else None
