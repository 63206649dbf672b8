"""What a cargo command line asks for, and the settings files that cargo and rustup read from where it runs.

https://doc.rust-lang.org/cargo/reference/config.html and https://rust-lang.github.io/rustup/overrides.html say where.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass

from dockerlayer.api import Call, Scene, Word, is_within, join, path_of
from dockerlayer_rules._cargotoml import Table, table, toml

ALIASES = {"b": "build", "c": "check", "t": "test", "r": "run", "d": "doc", "rm": "remove"}
# Options that take the next word as their value and may stand before an operand.
_VALUES = frozenset(
    """--manifest-path --path --git --branch --tag --rev --root --index --registry --bin --example --test --bench
    --package -p --exclude --features -F --profile --target --target-dir --artifact-dir --out-dir --jobs -j --config
    -Z -C --color --message-format --version --vers --lockfile-path --timings""".split()
) - {"--timings"}
CONFIGS = (".cargo/config.toml", ".cargo/config")
TOOLCHAIN_FILES = ("rust-toolchain.toml", "rust-toolchain")


@dataclass(slots=True, frozen=True)
class Asked:
    """A cargo command. ``at`` is the word behind which options go, ``directory`` where cargo takes itself to be."""

    call: Call
    toolchain: str
    verb: str
    at: Word
    directory: str | None
    options: tuple[tuple[str, str, Word], ...]
    operands: tuple[str, ...]

    def has(self, *names: str) -> bool:
        """Whether one of the options is there."""
        return any(name in names for name, _, _ in self.options)

    def value(self, name: str) -> str | None:
        """The value of an option, the last one where it is given several times."""
        return next((value for other, value, _ in reversed(self.options) if other == name), None)

    @property
    def named_project(self) -> bool:
        """Whether the command line says which project is meant, so that none is looked for further up."""
        return self.has("--manifest-path") or (self.verb == "install" and self.has("--path"))

    def run_directory(self, root: str) -> str:
        """Where a download for the project in ``root`` runs, so that it reads the settings that the command reads."""
        return root if self.directory is None or is_within(self.directory, root) else self.directory


def ask(call: Call) -> Asked | None:
    """The command line read; None for other programs and where there is no verb."""
    if call.program not in {"cargo", "xx-cargo"} or call.words[0].text.startswith("./"):
        return None
    toolchain, verb, at = "", "", call.words[0]
    directory = call.cwd
    options: list[tuple[str, str, Word]] = []
    operands: list[str] = []
    words = list(call.words[1:])
    ended = False
    while words:
        word = words.pop(0)
        text = word.text
        if text == "--":
            ended = True
            break
        if text.startswith("+") and not verb:
            toolchain = text
        elif text.startswith("-") and len(text) > 1:
            name, equals, value = text.partition("=")
            if re.match(r"-[ZCFjp][^-]", text):
                name, value = text[:2], text[2:].removeprefix("=")
            elif not equals and name in _VALUES and words:
                value = words.pop(0).text
            options.append((name, value, word))
            if name == "-C" and not verb:
                directory = join(directory, value) if directory is not None and "$" not in value else None
            if not verb and name in {"--list", "--version", "-V", "--help", "-h"}:
                verb, at = name, word
        elif not verb:
            verb, at = ALIASES.get(text, text), word
        else:
            operands.append(text)
    if not verb:
        return None
    # What is no option may belong to one, or to the program that is run.
    if not operands:
        at = call.words[-len(words) - 2 if ended else -1]
    if any(name in {"--help", "-h"} for name, _, _ in options):
        verb = "help"
    return Asked(call, toolchain, verb, at, directory, tuple(options), tuple(operands))


def project_directory(asked: Asked) -> str | None:
    """The image directory in which the command looks for its Cargo.toml; None when that is not known."""
    place = asked.value("--path") if asked.verb == "install" else None
    manifest = asked.value("--manifest-path")
    if place is None and manifest is None:
        return asked.directory
    path = path_of(asked.call, place if place is not None else manifest or "")
    if path is None or place is not None:
        return path
    return posixpath.dirname(path)


def upwards(directory: str) -> Iterator[str]:
    """A directory and all those above it."""
    while True:
        yield directory
        above = posixpath.dirname(directory)
        if above == directory or not above:
            return
        directory = above


def configs(scene: Scene, directory: str) -> Iterator[tuple[str, Table | None]]:
    """The settings files of the context that cargo reads in a directory, nearest first: image path and content."""
    for place in upwards(directory):
        for name in CONFIGS:
            path = join(place, name)
            origin = scene.origin(path)
            if origin is not None and scene.context.is_file(origin):
                yield path, toml(scene.context, origin)


def settings_of(scene: Scene, directory: str) -> list[str]:
    """The settings and toolchain files that count in a directory, and the files they name, relative to it."""
    found = [
        path for place in upwards(directory) for name in TOOLCHAIN_FILES if _is_file(scene, path := join(place, name))
    ]
    for path, content in configs(scene, directory):
        found.append(path)
        base = posixpath.dirname(posixpath.dirname(path))
        named = [join(base, text) for text in _texts(content)]
        found.extend(path for path in named if _is_file(scene, path) and not path.endswith(".rs"))
    return [posixpath.relpath(path, directory) for path in dict.fromkeys(found)]


def _is_file(scene: Scene, path: str) -> bool:
    origin = scene.origin(path)
    return origin is not None and scene.context.is_file(origin)


def _texts(value: object) -> Iterator[str]:
    """The strings in a settings file that may be paths."""
    if isinstance(value, str):
        if re.fullmatch(r"[\w./@+-]+", value):
            yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)


def is_offline(asked: Asked, scene: Scene) -> bool:
    """Whether the command asks no registry, by its options, the environment or the project's settings."""
    call = asked.call
    if asked.has("--frozen", "--offline") or (call.value("CARGO_NET_OFFLINE") or "").lower() in {"true", "1"}:
        return True
    if any(name == "--config" and re.match(r"source\.|net\.offline", value) for name, value, _ in asked.options):
        return True
    for other in scene.before(call):
        made = other.step.instruction.logical + "".join(doc.content for doc in other.step.instruction.heredocs)
        if "replace-with" in made and "directory" in made:
            return True
    if asked.directory is None:
        return False
    sources: dict[str, Table] = {}
    for _, content in configs(scene, asked.directory):
        if table(table(content).get("net")).get("offline") is True:
            return True
        for name, source in table(table(content).get("source")).items():
            sources.setdefault(name, table(source))
    source = sources.get("crates-io", {})
    for _ in sources:
        source = sources.get(str(source.get("replace-with")), source)
    return "directory" in source or "local-registry" in source
