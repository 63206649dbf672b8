"""Cache keys: for every layer a digest of what BuildKit's own key of it depends on, so that two builds can be compared.

The rules are BuildKit's (github.com/moby/buildkit: ``CacheMap`` in solver/llbsolver/ops/{exec,file}.go, the hashes in
cache/contenthash, frontend/dockerfile/dockerfile2llb/convert.go). Where BuildKit knows more than the text and the
context tell, the key is the stricter one, so a step said to be cached is, while one said to run may yet be cached:

- what another stage made counts as its whole key, and in BuildKit by the content of what is copied or mounted;
- the shell and the directory of a base image are unknown; an image counts by its name;
- ``--link``, the names of cache mounts, and the modes of directories count always.

One name is taken to mean one image in both builds. What a base image does in ONBUILD is not known.
"""

from __future__ import annotations

import hashlib
import json
import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import NamedTuple

from dockerlayer.model.context import Context
from dockerlayer.model.layers import Analysis
from dockerlayer.model.stages import Build, Stage, Step
from dockerlayer.model.variables import expand, substitute
from dockerlayer.syntax.goparse import csv_fields
from dockerlayer.syntax.heredoc import looks_like_heredoc
from dockerlayer.syntax.tree import Heredoc

_NOTHING: Mapping[str, str] = MappingProxyType({})
_IMAGE_SHELL = ("<shell of the image>",)
_REMOTE = re.compile(r"(?:https?|git|ssh)://|[\w.-]+@[\w.-]+:")
_PLAIN_VARIABLE = re.compile(r"\$(?:\w+|\{\w+(?::?[-+][^{}$]*)?\})")
_QUOTING = re.compile(r"""[\\'"]""")
# The values that a flag has when it is left out (Dockerfile reference, RUN).
_DEFAULT_FLAGS = {("network", "default"), ("security", "sandbox")}
# Build arguments that need not be declared: frontend/dockerui/config.go.
_FRONTEND_ARGS = ("BUILDKIT_CACHE_MOUNT_NS", "BUILDKIT_SANDBOX_HOSTNAME")


class Part(NamedTuple):
    """One thing that goes into a key; ``kind`` is as in ``Input``, or parent, user or directory."""

    kind: str
    what: str
    value: str


class Key(NamedTuple):
    """``unknown`` says what else the layer depends on that cannot be known: such a layer is never said to be cached."""

    digest: str
    parts: tuple[Part, ...]
    unknown: tuple[str, ...] = ()


Layer = Stage | Step
Keys = Mapping[Layer, Key]


def cache_keys(
    analysis: Analysis,
    args: Mapping[str, str] = _NOTHING,
    target: str | None = None,
    images: Mapping[str, str] = _NOTHING,
) -> dict[Layer, Key]:
    """The key of every layer that the target needs, in file order; a stage stands for its FROM.

    ``args`` are build arguments, ``images`` the digests of images, by name, as far as they are known. The file's last
    stage is the default target.
    """
    resolved = Analysis(analysis.dockerfile, analysis.context, {**analysis.args, **args}) if args else analysis
    own = dict(zip(_everything(resolved.build), _everything(analysis.build), strict=True))
    keyring = _Keyring(resolved, images)
    return {own[layer]: keyring.keys[layer] for stage in needed(resolved.build, target) for layer in keyring.add(stage)}


def cached(before: Keys | Iterable[Key], after: Keys) -> frozenset[Layer]:
    """The layers of ``after`` that are there already once ``before`` has been built."""
    known = {key.digest for key in (before.values() if isinstance(before, Mapping) else before) if not key.unknown}
    return frozenset(layer for layer, key in after.items() if not key.unknown and key.digest in known)


def needed(build: Build, target: str | None = None) -> tuple[Stage, ...]:
    """The stages that BuildKit builds for a target, in file order."""
    stages = build.stages
    wanted = build.stage_named(target, len(stages)) if target else stages[-1] if stages else None
    found: set[Stage] = set()
    pending = [wanted] if wanted else []
    while pending:
        stage = pending.pop()
        if stage in found:
            continue
        found.add(stage)
        pending += [stage.parent] if stage.parent else []
        for step in (*stage.triggers, *stage.steps):
            named = (build.stage_named(origin, stage.index) for origin in _origins(step))
            pending += [other for other in named if other is not None]
    return tuple(sorted(found, key=lambda stage: stage.index))


def layers_of(stage: Stage) -> tuple[Layer, ...]:
    """What BuildKit counts as ``[stage 2/5]`` in its progress: the FROM of an image, then what makes a layer."""
    from_image = stage.parent is None and stage.image.lower() != "scratch"
    steps = (step for step in (*stage.triggers, *stage.steps) if _makes_layer(step))
    return (*((stage,) if from_image else ()), *steps)


def label_of(stage: Stage, build: Build) -> str:
    """What BuildKit's progress calls a stage: nothing where it is the only source of anything in the file."""
    several = len(build.stages) > 1 or any(
        "mount" in step.flags if step.name == "run" else step.flag("from") is not None for step in build.steps()
    )
    return stage.label if several else ""


def _everything(build: Build) -> Iterator[Layer]:
    for stage in build.stages:
        yield stage
        yield from (*stage.triggers, *stage.steps)


def _origins(step: Step) -> Iterator[str]:
    origin = step.flag("from") if step.name in {"copy", "add"} else None
    if origin:
        yield origin
    if step.name == "run":
        yield from (mount.origin for mount in step.mounts if mount.origin)


def _makes_layer(step: Step) -> bool:
    if step.name == "workdir":
        return step.path(step.instruction.args[0]) != "/"
    return step.name in {"run", "copy", "add"}


class _Keyring:
    """The keys found so far: a stage needs those of the stages above it."""

    def __init__(self, analysis: Analysis, images: Mapping[str, str]) -> None:
        self.analysis = analysis
        self.images = images
        # A variable whose value cannot be followed may be in any path: then every value counts for every step.
        written = (item.child or item for item in analysis.dockerfile.instructions)
        setting = (item for item in written if item.name in {"env", "arg", "user", "workdir"})
        self.murky = not all(_can_follow(word) for item in setting for word in item.args)
        self.globals = {name: value for name, value in analysis.build.globals.items() if value is not None}
        self.keys: dict[Layer, Key] = {}
        self.results: dict[Stage, Key] = {}

    def add(self, stage: Stage) -> tuple[Layer, ...]:
        """Find the keys of a stage; what has got one."""
        key = self.results[stage.parent] if stage.parent else _key(list(self._root(stage)))
        self.keys[stage] = key
        layers = tuple(layer for layer in layers_of(stage) if isinstance(layer, Step))
        for step in layers:
            maker = _Maker(self, step)
            maker.make()
            key = self.keys[step] = _key([Part("parent", "", key.digest), *maker.parts], (*key.unknown, *maker.unknown))
        self.results[stage] = key
        return (stage, *layers)

    def _root(self, stage: Stage) -> Iterator[Part]:
        yield Part("image", self.images.get(stage.image, stage.image), "")
        syntax = [item.value for item in self.analysis.dockerfile.directives if item.name == "syntax"]
        for frontend in (*syntax, self.analysis.args.get("BUILDKIT_SYNTAX")):
            if frontend:
                yield Part("text", "syntax", frontend)
        for word in (*stage.instruction.flags, stage.instruction.args[0]):
            if word.startswith("--") or not _can_follow(word):
                yield Part("text", "from", _words(word, self.globals))


class _Maker:
    """Collects what one step adds to its parent's key."""

    def __init__(self, keyring: _Keyring, step: Step) -> None:
        self.keyring = keyring
        self.step = step
        self.parts: list[Part] = []
        self.unknown: list[str] = []

    def make(self) -> None:
        step = self.step
        if self.keyring.murky:
            self._add("text", "values", sorted(self.keyring.globals.items()), sorted(step.state.values.items()))
        if step.name == "run":
            self._run()
        elif step.name == "workdir":
            self._add("directory", "", step.path(step.instruction.args[0]))
            self._add("user", "", step.state.user)
        else:
            self._copy()

    def _add(self, kind: str, what: str, *value: object) -> None:
        text = value[0] if len(value) == 1 and isinstance(value[0], str) else json.dumps(value)
        self.parts.append(Part(kind, what, text))

    def _word(self, word: str) -> str:
        return _words(word, self.step.state.values)

    def _run(self) -> None:
        step, state = self.step, self.step.state
        self._add("text", step.name, *self._command())
        for name, value in state.exported.items():
            self._add("variable", name, "<the builder's>" if value is None else value)
        for name in _FRONTEND_ARGS:
            if name in self.keyring.analysis.args:
                self._add("argument", name, self.keyring.analysis.args[name])
        self._add("directory", "", state.workdir, self._written_directory())
        self._add("user", "", state.user)
        for name, values in sorted(step.flags.items()):
            if name != "mount" and (name, values[-1]) not in _DEFAULT_FLAGS:
                self._add("text", f"--{name}", [self._word(value) for value in values])
        # BuildKit puts mounts in the order of their targets, and secrets behind them as written (client/llb/exec.go).
        given = [mount.kind in {"secret", "ssh"} for mount in step.mounts]
        order = [(late, "" if late else step.mounts[at].target, at) for at, late in enumerate(given)]
        for _, _, number in sorted(order):
            self._mount(number)

    def _written_directory(self) -> str:
        """An absolute WORKDIR in force, as written: some versions of BuildKit run commands in just that."""
        stage: Stage | None = self.step.stage
        earlier = [*self.step.stage.triggers, *self.step.stage.steps]
        earlier = earlier[: earlier.index(self.step)]
        while stage is not None:
            for step in reversed(earlier):
                if step.name == "workdir":
                    word = _words(step.instruction.args[0], step.state.values)
                    return word if word.startswith("/") and word != self.step.state.workdir else ""
            stage = stage.parent
            earlier = [*stage.triggers, *stage.steps] if stage else []
        return ""

    def _command(self) -> tuple[str, ...]:
        """The words that are executed; a here-document that is the whole command takes the command's place."""
        instruction, shell = self.step.instruction, self.step.state.shell or _IMAGE_SHELL
        if instruction.json:
            return instruction.args
        text = instruction.args[0] if instruction.args else ""
        documents = instruction.heredocs
        if not documents:
            return (*shell, text)
        if not looks_like_heredoc(text):
            return (*shell, text + "".join(f"\n{document.content}{document.name}" for document in documents))
        content = _chomped(documents[0])
        return (documents[0].name, content) if content.startswith("#!") else (*shell, content)

    def _mount(self, number: int) -> None:
        mount, text = self.step.mounts[number], self.step.flags["mount"][number]
        fields = {}
        for field in _fields(text):
            name, _, value = field.partition("=")
            fields[name.strip().lower()] = self._word(value)
        for name in ("type", "target", "dst", "destination", "source", "src", "from"):
            fields.pop(name, None)
        self._add("mount", mount.target, mount.kind, sorted(fields.items()))
        if not _can_follow(text):
            self._add("mount", mount.target, self._word(text))
        if mount.origin:
            self._from(mount.origin, mount.source)
        elif mount.kind == "bind":
            self._files(mount.source or ".", [mount.source or "."], named=False)

    def _copy(self) -> None:
        step, instruction = self.step, self.step.instruction
        *sources, target = (self._word(word) for word in instruction.args)
        slash = target.endswith(("/", "/.")) or target == "."
        for name, values in sorted(step.flags.items()):
            if name != "from":
                self._add("text", f"--{name}", [self._word(value) for value in values])
        inline = {f"<<{document.name}" for document in instruction.heredocs}
        sources = [
            word
            for raw, word in zip(instruction.args[:-1], sources, strict=True)
            if not raw.startswith("<<") and word not in inline
        ]
        origin = step.flag("from")
        # BuildKit's key has the last part of a source's name: its directory counts only by what is in it.
        names = [source if origin or "parents" in step.flags else _base(source) for source in sources]
        self._add("text", step.name, names, step.path(instruction.args[-1]), slash)
        if not _can_follow(instruction.args[-1]):
            self._add("text", "target", target)
        for document in instruction.heredocs:
            self._document(document)
        if origin:
            self._from(origin, " ".join(sources))
            return
        for source in sources:
            if _REMOTE.match(source):
                if "checksum" not in step.flags:
                    self.unknown.append(f"what {source} answers")
            else:
                self._source(source)

    def _document(self, document: Heredoc) -> None:
        content, values = _chomped(document), self.step.state.values
        if document.expand and "$" in content:
            if _can_follow(content) and not _QUOTING.search(content):
                content = substitute(content, values)
            else:
                content = json.dumps((content, sorted(values.items())))
        self._add("text", f"<<{document.name}", content)

    def _source(self, source: str) -> None:
        if "$" in source:
            # Empty where nothing sets the variable, and an empty source is the whole context.
            self._files(source, [""], named=True)
            return
        wildcard = any(mark in source for mark in "*?[")
        found = self.keyring.analysis.context.glob(source)
        if wildcard:
            self._files(source, found, named=True)
        else:
            self._files(source, found or [source], named="parents" in self.step.flags)

    def _files(self, what: str, paths: list[str], *, named: bool) -> None:
        """What the context has at these paths; by their names too if a pattern found them."""
        digest = hashlib.sha256()
        for path in paths:
            if named:
                digest.update(repr(path).encode("utf-8", "surrogateescape"))
            try:
                if not _feed(digest, self.keyring.analysis.context, path):
                    self.unknown.append(f"{path or 'the context'}, which is not in the context")
            except OSError as error:
                self.unknown.append(f"{path}, which cannot be read: {error.strerror or error}")
        self._add("files", what, digest.hexdigest())

    def _from(self, origin: str, what: str) -> None:
        stage = self.keyring.analysis.build.stage_named(origin, self.step.stage.index)
        if stage is not None:
            result = self.keyring.results[stage]
            self._add("stage", what, result.digest)
            self.unknown += result.unknown
            return
        self._add("image", what, self.keyring.images.get(origin, origin))
        if origin not in self.keyring.images and "@" not in origin:
            self.unknown.append(f"what {origin} is today")


def _key(parts: list[Part], unknown: Iterable[str] = ()) -> Key:
    # Where files come from is for people: what of their names counts is in the text, or in the digest of the files.
    text = json.dumps([(part.kind, "" if part.kind == "files" else part.what, part.value) for part in parts])
    return Key(hashlib.sha256(text.encode()).hexdigest(), tuple(parts), tuple(dict.fromkeys(unknown)))


def _feed(digest: hashlib._Hash, context: Context, path: str) -> bool:
    """Add what the context has at ``path`` to a digest; whether there is anything."""
    found = False
    for entry in context.copied(path):
        digest.update(repr(entry).encode("utf-8", "surrogateescape"))
        found = True
    return found


def _words(text: str, values: Mapping[str, str]) -> str:
    """``text`` as BuildKit substitutes it; where that cannot be followed, with every value that may count."""
    return expand(text, values) if _can_follow(text) else json.dumps((text, sorted(values.items())))


def _can_follow(text: str) -> bool:
    return "$" not in text or "$" not in _PLAIN_VARIABLE.sub("", text)


def _base(source: str) -> str:
    return posixpath.basename(posixpath.normpath("/" + source)) or "/"


def _chomped(document: Heredoc) -> str:
    return re.sub(r"(?m)^\t+", "", document.content) if document.chomp else document.content


def _fields(text: str) -> list[str]:
    try:
        return csv_fields(text)
    except ValueError:
        return text.split(",")
