"""Stages and steps: what is in force at every instruction, followed from the top of the file.

Scopes follow the Dockerfile reference: an ARG before the first FROM is visible in FROM only, until it is declared again
in a stage; a stage built on another stage of the file starts with that stage's ENV, WORKDIR, USER and SHELL. Measured
with BuildKit: of an ARG with a value and an ENV of one name the later one counts; a child stage sees its parent's ARGs
as well, but every ENV of the parent before them; and the ONBUILD triggers of a stage of the file run in its children.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from types import MappingProxyType
from typing import NamedTuple

from dockerlayer.model.paths import BASE, join
from dockerlayer.model.variables import expand, references
from dockerlayer.syntax.tree import Dockerfile, Instruction

PLATFORM_ARGS = frozenset(
    side + what for side in ("TARGET", "BUILD") for what in ("PLATFORM", "OS", "OSVERSION", "ARCH", "VARIANT")
)
"""ARGs that the builder gives a value to (Dockerfile reference, "Automatic platform ARGs in the global scope")."""


class Mount(NamedTuple):
    """One ``RUN --mount``: ``kind`` is bind, cache, secret, ssh or tmpfs; ``target`` is an absolute image path.

    ``lossy`` says that what the RUN writes there is gone when it ends: a tmpfs, or a bind mount with ``rw``.
    """

    kind: str
    source: str
    target: str
    origin: str
    lossy: bool = False


class State(NamedTuple):
    """What is in force: shared between steps until an instruction changes it.

    ``exported`` is what a RUN sees: every ENV and every ARG with a value, in the order in which they were last set;
    None stands for a value of the builder's own. ``soft`` are the variables whose value a ``--build-arg`` may change:
    the ARGs, and the ENVs made of them.
    """

    workdir: str = BASE
    user: str | None = None
    shell: tuple[str, ...] | None = None
    env: Mapping[str, str] = MappingProxyType({})
    args: Mapping[str, str | None] = MappingProxyType({})
    soft: frozenset[str] = frozenset()
    exported: Mapping[str, str | None] = MappingProxyType({})

    @property
    def values(self) -> dict[str, str]:
        """Every variable with a known value; an ARG without default is unknown."""
        return {name: value for name, value in self.exported.items() if value is not None}

    def inherited(self) -> State:
        """What a stage built on a stage that ends like this starts with."""
        args = {name: value for name, value in self.exported.items() if name not in self.env}
        return self._replace(exported={**args, **self.env})


class Step:
    """One instruction in its stage, with the state it runs in (before it takes effect itself)."""

    def __init__(self, instruction: Instruction, stage: Stage, index: int, state: State) -> None:
        self.instruction = instruction
        self.stage = stage
        self.index = index
        self.state = state

    @property
    def name(self) -> str:
        """The keyword in lower case."""
        return self.instruction.name

    @property
    def line(self) -> int:
        """The 1-based line the instruction starts on."""
        return self.instruction.start_line

    @cached_property
    def flags(self) -> dict[str, list[str]]:
        """The flags without their dashes; a flag without ``=`` has the value ``"true"``."""
        found: dict[str, list[str]] = {}
        for flag in self.instruction.flags:
            name, equals, value = flag[2:].partition("=")
            found.setdefault(name.lower(), []).append(value if equals else "true")
        return found

    def flag(self, name: str) -> str | None:
        """The last value of a flag, or None."""
        values = self.flags.get(name)
        return values[-1] if values else None

    def path(self, word: str) -> str:
        """A path of this instruction as an image path."""
        return join(self.state.workdir, expand(word, self.state.values))

    @cached_property
    def mounts(self) -> tuple[Mount, ...]:
        """The ``--mount`` flags of a RUN."""
        return tuple(self._mount(value) for value in self.flags.get("mount", ()))

    def _mount(self, text: str) -> Mount:
        fields: dict[str, str] = {}
        for part in text.split(","):
            key, _, value = part.partition("=")
            fields[key.strip().lower()] = value
        writable = any(fields.get(key, "false").lower() != "false" for key in ("rw", "readwrite"))
        writable = writable or any(fields.get(key, "").lower() == "false" for key in ("ro", "readonly"))
        kind = fields.get("type", "bind").lower()
        target = fields.get("target") or fields.get("dst") or fields.get("destination") or ""
        source = fields.get("source") or fields.get("src") or ""
        lossy = kind == "tmpfs" or (kind == "bind" and writable)
        return Mount(kind, expand(source, self.state.values), self.path(target or "."), fields.get("from", ""), lossy)


def defined(step: Step) -> frozenset[str]:
    """The variables that an ENV or ARG sets."""
    args = step.instruction.args
    if step.name == "env":
        return frozenset(args[::3])
    return frozenset(word.partition("=")[0] for word in args) if step.name == "arg" else frozenset()


class Stage:
    """One FROM and the steps below it; ``triggers`` are the parent's ONBUILD instructions, which run before them."""

    def __init__(self, instruction: Instruction, index: int, name: str, image: str, parent: Stage | None) -> None:
        self.instruction = instruction
        self.index = index
        self.name = name
        self.image = image
        self.parent = parent
        self.triggers: list[Step] = []
        self.steps: list[Step] = []
        self.final = State()

    @property
    def label(self) -> str:
        """Its name, or the one that builders give it."""
        return self.name or f"stage-{self.index}"

    @property
    def base_image(self) -> str:
        """The image at the root of the chain of stages, with the file's own ARG defaults filled in."""
        return self.parent.base_image if self.parent else self.image

    def lineage(self) -> Iterator[Stage]:
        """This stage and those it is built on, nearest first."""
        stage: Stage | None = self
        while stage:
            yield stage
            stage = stage.parent


class Build(NamedTuple):
    """A Dockerfile as stages; derived once, read-only."""

    dockerfile: Dockerfile
    stages: tuple[Stage, ...]
    globals: Mapping[str, str | None]

    def steps(self) -> Iterator[Step]:
        """Every step of every stage, in file order."""
        for stage in self.stages:
            yield from stage.steps

    def stage_named(self, reference: str, before: int) -> Stage | None:
        """The stage that ``--from`` or FROM means: by name (the latest one above), or by number."""
        wanted = reference.lower()
        for stage in reversed(self.stages[:before]):
            if stage.name == wanted:
                return stage
        if reference.isdigit() and int(reference) < before:
            return self.stages[int(reference)]
        return None


_NO_ARGS: Mapping[str, str] = MappingProxyType({})


def build_of(dockerfile: Dockerfile, given: Mapping[str, str] = _NO_ARGS) -> Build:
    """Follow the instructions of a parsed file; instructions that BuildKit would refuse are left out.

    ``given`` are the values of ``--build-arg``.
    """
    stages: list[Stage] = []
    meta: dict[str, str | None] = {}
    state = State()
    for instruction in dockerfile.instructions:
        if instruction.error is not None:
            continue
        name = instruction.name
        if name == "from":
            stage = _open_stage(instruction, stages, meta)
            stages.append(stage)
            state = stage.parent.final.inherited() if stage.parent else State()
            for trigger in _triggers(stage):
                stage.triggers.append(Step(trigger, stage, 0, state))
                state = _after(stage.triggers[-1], state, meta, given)
            stage.final = state
        elif not stages:
            if name == "arg":
                known = {key: value for key, value in meta.items() if value is not None}
                meta.update(_declared(instruction, meta, known, given))
        else:
            stage = stages[-1]
            step = Step(instruction, stage, len(stage.steps), state)
            stage.steps.append(step)
            state = stage.final = _after(step, state, meta, given)
    return Build(dockerfile, tuple(stages), meta)


def _open_stage(instruction: Instruction, stages: list[Stage], meta: Mapping[str, str | None]) -> Stage:
    values = {key: value for key, value in meta.items() if value is not None}
    image = expand(instruction.args[0], values)
    name = instruction.args[2].lower() if len(instruction.args) == 3 else ""
    parent = next((stage for stage in reversed(stages) if stage.name and stage.name == image.lower()), None)
    return Stage(instruction, len(stages), name, image, parent)


def _triggers(stage: Stage) -> Iterator[Instruction]:
    for step in stage.parent.steps if stage.parent else ():
        if step.name == "onbuild" and step.instruction.child is not None:
            yield step.instruction.child


def _declared(
    instruction: Instruction, outer: Mapping[str, str | None], values: Mapping[str, str], given: Mapping[str, str]
) -> dict[str, str | None]:
    """The values of an ARG's names: as given, else the default, else what ``outer`` has."""
    found: dict[str, str | None] = {}
    for word in instruction.args:
        key, equals, default = word.partition("=")
        found[key] = given[key] if key in given else expand(default, values) if equals else outer.get(key)
    return found


def _after(step: Step, state: State, meta: Mapping[str, str | None], given: Mapping[str, str]) -> State:
    instruction = step.instruction
    name = instruction.name
    if name == "workdir":
        return state._replace(workdir=step.path(instruction.args[0]))
    if name == "user":
        user = expand(instruction.args[0], state.values)
        return state._replace(user=user)
    if name == "shell":
        return state._replace(shell=instruction.args)
    if name == "env":
        return _with_env(instruction, state)
    if name == "arg":
        return _with_args(state, _declared(instruction, meta, state.values, given))
    return state


def _with_env(instruction: Instruction, state: State) -> State:
    env, exported, soft = dict(state.env), dict(state.exported), state.soft
    values = state.values
    for at in range(0, len(instruction.args) - 2, 3):
        name = expand(instruction.args[at], values)
        env[name] = expand(instruction.args[at + 1], values)
        exported.pop(name, None)
        exported[name] = env[name]
        soft = soft | {name} if references(instruction.args[at + 1]) & state.soft else soft - {name}
    return state._replace(env=env, exported=exported, soft=soft)


def _with_args(state: State, declared: Mapping[str, str | None]) -> State:
    args, exported = dict(state.args), dict(state.exported)
    for name, value in declared.items():
        args[name] = args.get(name) if value is None else value
        if value is not None or name in PLATFORM_ARGS:
            exported.pop(name, None)
            exported[name] = value
    return state._replace(args=args, exported=exported, soft=state.soft | declared.keys())
