"""Stages of a rewritten file beside those they were: a stage may have been cut into a chain of several."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from dockerlayer.model.stages import Build, Stage, State, Step


class Chain(NamedTuple):
    """A stage with the new ones that it is built on: ``top`` holds the FROM, ``steps`` are those of all in order."""

    top: Stage
    stage: Stage
    steps: tuple[Step, ...]

    @property
    def final(self) -> State:
        """What is in force at the end."""
        return self.stage.final


class Paired(NamedTuple):
    """Each old stage with what it became, and the new stages beside those, by number."""

    chains: tuple[tuple[Stage, Chain], ...]
    aside: Mapping[int, Stage]

    @property
    def is_cut(self) -> bool:
        """Whether there are more stages than before."""
        return bool(self.aside) or any(chain.top is not chain.stage for _, chain in self.chains)

    def beside(self, chain: Chain) -> Mapping[int, Stage]:
        """The new stages that are built on the upper part of a stage that was cut."""
        upper = {*chain.stage.lineage()} - {chain.stage, *(chain.top.parent.lineage() if chain.top.parent else ())}
        return {number: stage for number, stage in self.aside.items() if stage.parent in upper}

    def number_before(self, number: int) -> int:
        """The number that a stage of the new file, or what it was cut from, had in the old one."""
        for old, chain in self.chains:
            if chain.top.index <= number <= chain.stage.index:
                return old.index
        return number


def paired(before: Build, after: Build) -> Paired | None:
    """The stages of two files side by side; None when they do not fit together."""
    wanted = list(before.stages)
    kept: list[Stage] = []
    if len(wanted) == len(after.stages):
        return Paired(
            tuple((one, _chain(other, [*after.stages])) for one, other in zip(wanted, after.stages, strict=True)), {}
        )
    for stage in after.stages:
        if wanted and (stage.name, stage.base_image) == (wanted[0].name, wanted[0].base_image):
            kept.append(stage)
            del wanted[0]
    if wanted:
        return None
    chains = [_chain(stage, kept) for stage in kept]
    used = {stage.index for stage in kept} | {step.stage.index for chain in chains for step in chain.steps}
    used |= {chain.top.index for chain in chains}
    aside = {stage.index: stage for stage in after.stages if stage.index not in used}
    return Paired(tuple(zip(before.stages, chains, strict=True)), aside)


def _chain(stage: Stage, kept: list[Stage]) -> Chain:
    line = [stage]
    while (parent := line[-1].parent) is not None and parent not in kept:
        line.append(parent)
    return Chain(line[-1], stage, tuple(step for one in reversed(line) for step in one.steps))


def problem_of(before: Build, after: Build, pairs: Paired) -> str | None:
    """What is wrong with the new stages: they hold a download, and nothing but the cut stage may see it."""
    for stage in pairs.aside.values():
        if not any(stage in pairs.beside(chain).values() for _, chain in pairs.chains):
            return "a new stage would not start from what was there"
        if [step.name for step in stage.steps] != ["run"]:
            return "a new stage would hold more than a download"
    for old, chain in pairs.chains:
        if _seen(before, old.steps, {one.index: one.index for one in before.stages}, {}) != _seen(
            after, chain.steps, {new.stage.index: one.index for one, new in pairs.chains}, pairs.beside(chain)
        ):
            return "a step would see another stage than before"
        parent = chain.top.parent
        if old.parent is not None and (parent is None or pairs.number_before(parent.index) != old.parent.index):
            return "a stage would be built on another"
    return None


def _seen(
    build: Build, steps: tuple[Step, ...] | list[Step], numbers: Mapping[int, int], aside: Mapping[int, Stage]
) -> Counter[object]:
    """The stages and images that steps name, with the numbers of the old file."""
    found: Counter[object] = Counter()
    for step in steps:
        for name, mounted in origins(step):
            stage = build.stage_named(name, step.stage.index)
            if stage is None:
                found[name] += 1
            elif stage.index not in aside or not mounted:
                found[numbers.get(stage.index, name)] += 1
    return found


def origins(step: Step) -> Iterator[tuple[str, bool]]:
    """The stages and images that a step names, each with whether it is a bind mount that does."""
    origin = step.flag("from")
    if origin is not None:
        yield origin, False
    for mount in step.mounts if step.name == "run" else ():
        if mount.origin:
            yield mount.origin, mount.kind == "bind"


def own_flags(step: Step, aside: Mapping[int, Stage]) -> tuple[str, ...]:
    """The flags of a RUN without the mounts of new stages."""
    if not aside or step.name != "run":
        return step.instruction.flags
    names = {stage.name for stage in aside.values()}
    mounts = iter(step.mounts)
    found = []
    for flag in step.instruction.flags:
        if flag[2:].partition("=")[0].lower() == "mount":
            mount = next(mounts)
            if mount.kind == "bind" and mount.origin.lower() in names:
                continue
        found.append(flag)
    return tuple(found)
