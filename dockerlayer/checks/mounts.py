"""Cache mounts as the rules about them see them: where they stand in the text, and what else reaches their place."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from dockerlayer.api import Call, Edit, Effect, Mount, Use, is_within, join, path_of
from dockerlayer.checks.survey import Survey
from dockerlayer.model.effects import effect_of
from dockerlayer.model.paths import BASE
from dockerlayer.model.stages import Stage, Step
from dockerlayer.model.variables import expand

_FLAG = re.compile(rb"--mount=\S+", re.IGNORECASE)
_TARGET = re.compile(rb"(?i:(?<=,)|(?<==))(?:target|dst|destination)=([^,]*)", re.IGNORECASE)
_READ_ONLY = re.compile(rb"[=,](?:ro|readonly|read-only)(?=[,=]|\Z)", re.IGNORECASE)
ROOT = frozenset({None, "root", "0", "root:root", "0:0"})
"""USERs that may write everywhere, as far as the file tells: nobody else is known to be able to make a directory."""


class CacheMount(NamedTuple):
    """A cache mount of a RUN, and the bytes ``start:end`` of its flag.

    ``seeded`` says that it starts with the content of an image, ``owned`` that it is made for a user by number.
    """

    step: Step
    mount: Mount
    start: int
    end: int
    seeded: bool
    owned: bool

    @property
    def target(self) -> str:
        """The image path that it lies over."""
        return self.mount.target

    def hides(self, path: str) -> bool:
        """Whether an image path is not in the layer because of this mount."""
        return is_within(path, self.target)


def cache_mounts(survey: Survey, step: Step) -> tuple[CacheMount, ...]:
    """The cache mounts of a RUN whose place in the image and in the text is plain."""
    data, instruction = survey.analysis.dockerfile.data, step.instruction
    comments = instruction.inner_comments
    spans = [
        found.span()
        for found in _FLAG.finditer(data, instruction.start, instruction.args_start)
        if not any(start <= found.start() < end for start, end in comments)
    ]
    written = [flag for flag in instruction.flags if flag.lower().startswith("--mount=")]
    if [data[start:end].decode("utf-8", "surrogateescape") for start, end in spans] != written:
        return ()
    return tuple(
        CacheMount(step, mount, *span, bool(mount.origin), b"uid=" in data[slice(*span)])
        for mount, span in zip(step.mounts, spans, strict=True)
        if mount.kind == "cache" and "$" not in mount.target and not is_within(BASE, mount.target)
    )


def covered(step: Step, path: str) -> bool:
    """Whether any mount of a RUN, of whatever kind, may hold what the RUN sees at an image path."""
    return any(meets(path, mount.target) or "$" in mount.target for mount in step.mounts)


def meets(one: str, other: str) -> bool:
    """Whether one of two image paths is or lies in the other."""
    return is_within(one, other) or is_within(other, one)


def without(survey: Survey, one: CacheMount) -> Edit:
    """The edit that takes a mount off its RUN."""
    data, instruction = survey.analysis.dockerfile.data, one.step.instruction
    end = instruction.args_start
    for found in re.finditer(rb"--\w", data[one.end : end]):
        if not any(start <= one.end + found.start() < stop for start, stop in instruction.inner_comments):
            end = one.end + found.start()
            break
    if any(one.end <= start < end for start, _ in instruction.inner_comments):
        end = one.end + (data[one.end : one.end + 1] == b" ")
    return Edit(one.start, end, b"")


def retargeted(survey: Survey, one: CacheMount, target: str, more: str = "") -> Edit | None:
    """The edit that lets a mount lie over another path, or None where its flag is not plain.

    A read-only mount stays where it is: a tool that could write to its cache before fails then (measured, BuildKit).
    """
    data = survey.analysis.dockerfile.data
    if _READ_ONLY.search(data[one.start : one.end]):
        return None
    found = [item for item in _TARGET.finditer(data, one.start, one.end) if item.start() > one.start]
    if len(found) != 1 or b'"' in data[one.start : one.end] or "," in target or " " in target:
        return None
    return Edit(found[0].start(1), found[0].end(1), f"{target}{more}".encode())


def effect(survey: Survey, call: Call) -> Effect:
    """What a command reads and writes, with the plugins' knowledge of their programs."""
    for ecosystem in survey.ecosystems:
        if ecosystem.effect is not None and ecosystem.answers_to.match(call.program):
            known = ecosystem.effect(call, survey.analysis.scene(call.step))
            if known is not None:
                return known
    return effect_of(call)


def use_of(survey: Survey, call: Call) -> Use | None:
    """What a call does with packages, if that is known."""
    return next((used.use for used in survey.uses(call.step) if used.call is call), None)


def may_bring(survey: Survey, step: Step, path: str) -> bool:
    """Whether a step may put something at, above or below an image path into its layer."""
    if step.name in {"copy", "add"}:
        placement = survey.analysis.placement(step)
        if placement is not None:
            return placement.brings(path)
        return bool(step.instruction.args) and meets(step.path(step.instruction.args[-1]), path)
    if step.name != "run":
        return step.name == "onbuild"
    if any(mount.kind == "cache" and is_within(path, mount.target) for mount in step.mounts):
        return False
    run = survey.analysis.run(step)
    return not run.script.known or any(call_brings(survey, call, path) for call in run.calls)


def call_brings(survey: Survey, call: Call, path: str) -> bool:
    """Whether a command may put something at, above or below an image path."""
    use = use_of(survey, call)
    if use is not None:
        return any(meets(path, place) for place in (*use.leaves, *(use.stores if use.fills else ())))
    known = effect(survey, call)
    return known.everything or any(meets(path, place) for place in (*known.writes, *known.makes))


def stage_steps(stage: Stage) -> Iterator[Step]:
    """All steps of a stage and of those that it is built on, oldest first."""
    for one in reversed(tuple(stage.lineage())):
        yield from one.triggers
        yield from one.steps


def below(survey: Survey, step: Step) -> Iterator[Step]:
    """The steps that stand on a step's result in its own stage, then in those that are built on it."""
    for stage in survey.analysis.build.stages[step.stage.index :]:
        if stage is step.stage:
            yield from stage.steps[step.index + 1 :]
        elif step.stage in stage.lineage():
            yield from (other for other in stage_steps(stage) if other.stage is not step.stage)


def sources(step: Step) -> Iterator[tuple[str, str]]:
    """What a step takes from other stages: the stage and the image path there."""
    origin = step.flag("from")
    if step.name == "copy" and origin is not None:
        for word in step.instruction.args[:-1]:
            yield origin, join("/", expand(word, step.state.values))
    for other in step.mounts if step.name == "run" else ():
        if other.kind == "bind" and other.origin:
            yield other.origin, join("/", other.source or "/")


def users(survey: Survey, one: CacheMount, but: Sequence[Call] = ()) -> list[Call]:
    """The calls of the mount's RUN, beside some, that may work in the mount."""
    found = []
    for call in survey.analysis.run(one.step).calls:
        if any(call is other for other in but):
            continue
        use = use_of(survey, call)
        if use is not None:
            if any(meets(place, one.target) for place in (*use.stores, *use.leaves)) or not use.stores:
                found.append(call)
            continue
        known = effect(survey, call)
        if known.everything or any(meets(place, one.target) for place in (*known.reads, *known.writes, *known.makes)):
            found.append(call)
    return found


def names(call: Call, word: str, path: str) -> bool:
    """Whether a word of a command is a path strictly below an image path."""
    if "/" not in word and not word.startswith("."):
        return False
    place = path_of(call, word)
    return place is not None and place != path and is_within(place, path)


def short(call: Call) -> str:
    """A call as a message shows it."""
    text = " ".join(call.argv)
    return text if len(text) <= 40 else f"{text[:37]}..."
