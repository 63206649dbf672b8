"""What becomes of the sources of a Rust project in an image, up to each of its builds."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise

from dockerlayer.api import Call, Scene, Step, is_within, join, path_of
from dockerlayer_rules._cargocall import Asked, ask, project_directory
from dockerlayer_rules._cargotoml import MANIFEST, CannotReadError, Workspace, manifest_above, workspace_of

_COMPILES = frozenset({"build", "install", "rustc"})
_WRITES = frozenset({"echo", "printf", "cat", "tee", "true", ":"})
_FOLLOWED = frozenset({"and", "nested", "group", "subshell", "pipe"})
_NEW_VALUES = frozenset({"--vcs", "--name", "--edition", "--registry", "--color"})
_BELOW_BASE = re.compile(r"<base>/(?!\.\.)")
# Commands that change the files that they are given, and no others.
ON_FILES = frozenset({"cp", "mv", "install", "ln", "strip", "sed", "rm", "touch", "rmdir"})
# As in the official image, whose user is root; these are built on it.
OFFICIAL = re.compile(r"(?:^|/)(?:rust|cargo-chef)(?:[:@]|\Z)")


class UnknownError(Exception):
    """What happened in the image cannot be followed."""


@dataclass(slots=True)
class File:
    """A source file in the image: written by ``writer``, or brought from the context's ``origin``."""

    writer: Call | None = None
    text: str = ""
    origin: str = ""


@dataclass(slots=True)
class History:
    """What became of the sources of one project, step by step."""

    scene: Scene
    workspace: Workspace
    files: dict[str, File] = field(default_factory=dict)

    def copy(self, at: int) -> None:
        """Follow one of the scene's placements."""
        scene, placement = self.scene, self.scene.placements[at]
        for path in set(self._paths()):
            if placement.opaque or placement.blind:
                if placement.brings(path):
                    raise UnknownError
                continue
            origin = placement.origin(path)
            if origin is not None and scene.context.is_file(origin):
                self.files[path] = File(origin=origin)

    def _paths(self) -> Iterator[str]:
        yield from self.files
        directory = self.workspace.directory
        for package in self.workspace.packages:
            place = join(directory, package.place)
            yield from (join(place, name) for name in (MANIFEST, "build.rs", "src/main.rs", "src/lib.rs"))
        yield join(directory, "Cargo.lock")

    def run(self, call: Call) -> None:
        """Follow a command that may write, remove or touch sources; raises UnknownError."""
        if call.guards - _FOLLOWED and (call.program in ON_FILES or may_write(call)):
            raise UnknownError
        for redirect in call.command.redirects:
            if redirect.op in {">", ">|", ">>", "&>"} and redirect.target is not None:
                self._write(call, redirect.target.text, append=redirect.op == ">>")
        if call.program == "cargo":
            self._cargo(call)
        elif call.program == "tee":
            for word in operands(call):
                self._write(call, word, append=call.has("-a"))
        elif call.program == "touch":
            for word in operands(call):
                path = path_of(call, word)
                if path is not None and path not in self.files:
                    self.files[path] = File(writer=call)
        elif call.program in {"rm", "rmdir"}:
            for word in operands(call):
                matches = _matcher(call, word)
                for path in [path for path in self.files if matches(path)]:
                    del self.files[path]
        elif call.program in {"cp", "mv", "install", "ln", "sed"}:
            for word in operands(call):
                path = path_of(call, word)
                if path is None or any(is_within(file, path) for file in self.files):
                    raise UnknownError

    def _write(self, call: Call, word: str, *, append: bool) -> None:
        path = path_of(call, word)
        if path is None or not path.endswith(".rs"):
            if path is not None and path in self.files:
                raise UnknownError
            return
        if append and path in self.files and self.files[path].origin:
            raise UnknownError
        text = " ".join(call.arguments) if call.program in {"echo", "printf"} else ""
        unknown = call.program not in _WRITES or call.program in {"cat", "tee"}
        self.files[path] = File(writer=call, text="main" if unknown else text)

    def _cargo(self, call: Call) -> None:
        words = [word.text for word in call.words[1:] if not word.text.startswith("+")]
        if words[:1] not in (["new"], ["init"]):
            return
        place = "."
        for before, word in pairwise(words):
            if not word.startswith("-") and before not in _NEW_VALUES:
                place = word
        path = path_of(call, place)
        if path is None:
            raise UnknownError
        library = call.has("--lib")
        for name in (MANIFEST, "src/lib.rs" if library else "src/main.rs"):
            file = File(call, "" if library else "fn main() {}")
            self.files.setdefault(join(path, name), file)
            if OFFICIAL.search(call.step.stage.base_image):
                # Where the official image has not set a directory, commands run in the root.
                self.files.setdefault(join("/", _BELOW_BASE.sub("", join(path, name))), file)

    def now(self) -> dict[str, File]:
        return dict(self.files)


def operands(call: Call) -> list[str]:
    return [word for word in call.arguments if not word.startswith("-")]


def _matcher(call: Call, word: str) -> Callable[[str], bool]:
    """Whether ``rm`` of a word takes a path away."""
    if not any(mark in word for mark in "*?[{"):
        path = path_of(call, word)
        if path is None:
            raise UnknownError
        directory = path
        return lambda file: is_within(file, directory)
    if call.cwd is None or any(mark in word for mark in "[{$`~"):
        raise UnknownError
    text = re.escape(join(call.cwd, word)).replace(r"\*", "[^/]*").replace(r"\?", "[^/]")
    pattern = re.compile(rf"{text}(?:/|\Z)")
    return lambda file: pattern.match(file) is not None


@dataclass(slots=True, frozen=True)
class Compile:
    """A build of the project: at the time ``files`` were there."""

    call: Call
    asked: Asked
    files: dict[str, File]
    after: int


def is_compile(asked: Asked | None) -> bool:
    return asked is not None and asked.verb in _COMPILES and (asked.verb != "install" or asked.has("--path"))


def compiles(call: Call, scene: Scene, workspace: Workspace) -> list[Compile]:
    """The builds of the project before ``call``, and it, with the files of their times; raises UnknownError."""
    history = History(scene, workspace)
    calls = scene.before(call)
    _all_known(call, calls, scene)
    events: list[tuple[int, Call | int]] = [
        (item.step.instruction.start, at) for at, item in enumerate(scene.placements)
    ]
    events += [(item.start, item) for item in (*calls, call)]
    found: list[Compile] = []
    for at, event in sorted(events, key=lambda item: item[0]):
        if isinstance(event, int):
            history.copy(event)
            continue
        asked = ask(event) if event.program == "cargo" else None
        if asked is not None and is_compile(asked):
            place = project_directory(asked)
            if event is call or (place is not None and is_within(place, workspace.directory)):
                found.append(Compile(event, asked, history.now(), at))
        history.run(event)
    return found


def _all_known(call: Call, calls: Iterable[Call], scene: Scene) -> None:
    read = {item.step for item in calls} | {call.step} | {item.step for item in scene.placements}
    for stage in call.step.stage.lineage():
        for step in stage.steps:
            above = step.instruction.start < call.step.instruction.start
            if above and step.name in {"run", "copy", "add"} and step not in read and step.flag("from") is None:
                raise UnknownError


def may_write(call: Call) -> bool:
    if call.program == "cargo":
        return any(word in {"new", "init"} for word in call.arguments[:3])
    if call.program in {"touch", "tee"}:
        return any(word.endswith(".rs") for word in call.arguments)
    return any(item.target is not None and item.target.text.endswith(".rs") for item in call.command.redirects)


def project_of(asked: Asked, scene: Scene) -> Workspace | None:
    """The workspace that a command is about; None where it is not of the context or cannot be read."""
    directory = project_directory(asked) if asked.directory is not None else None
    if directory is None or (asked.verb == "install" and not asked.has("--path")):
        return None
    found = manifest_above(scene, directory)
    try:
        return workspace_of(scene, *found) if found is not None else None
    except CannotReadError:
        return None


def brought(scene: Scene, workspace: Workspace) -> bool:
    """Whether files of the project may come from elsewhere than the context: other stages, or mounts of the RUN."""
    directory = workspace.directory
    ours = [join(directory, name) for name in ("src", "target", ".cargo", "build.rs", MANIFEST, "Cargo.lock")]
    ours += [join(directory, package.place) for package in workspace.packages if package.place]
    if any(is_within(directory, path) or any(covers(path, own) for own in ours) for path in scene.received):
        return True
    return mounted(scene.step, directory)


def mounted(step: Step, directory: str) -> bool:
    """Whether a mount of a RUN may hold files of the project, or what is compiled of them."""
    return any(covers(mount.target, directory) for mount in step.mounts if mount.kind in {"cache", "bind", "tmpfs"})


def covers(target: str, directory: str) -> bool:
    """Whether one of two paths lies in the other."""
    return is_within(target, directory) or is_within(directory, target)
