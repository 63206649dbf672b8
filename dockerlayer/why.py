"""What the layer of one line depends on, and what the downloads in it would not need."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

from dockerlayer.checks.order import cost
from dockerlayer.checks.survey import Sighting, Survey, needed_paths
from dockerlayer.model.layers import Analysis, Input, inputs_of, stage_of
from dockerlayer.model.stages import Stage, Step
from dockerlayer.syntax.tree import Dockerfile, Instruction

_EXAMPLES = 3


class Needless(NamedTuple):
    """Files that an earlier line brings and a download does not need: how many, and the first few of them."""

    line: int
    text: str
    number: int
    examples: tuple[str, ...]


class Download(NamedTuple):
    """One call that fetches. ``needs`` are paths of the context; ``kept``: a cache mount keeps the download."""

    line: int
    command: str
    cost: str
    kind: str
    directory: str
    needs: tuple[str, ...]
    needless: tuple[Needless, ...]
    kept: bool


class Why(NamedTuple):
    """The answer for one line. ``stage`` is "" above the first FROM, ``instruction`` is "" where no instruction is.

    ``line`` is the line asked for, ``first`` the one that the instruction starts on.
    """

    path: str
    line: int
    first: int
    stage: str
    instruction: str
    inputs: tuple[Input, ...] = ()
    downloads: tuple[Download, ...] = ()


def why(survey: Survey, path: str, line: int) -> Why:
    """The answer for a 1-based line of a file that BuildKit accepts; ``path`` is what the answer calls it."""
    analysis = survey.analysis
    instruction = instruction_on(analysis.dockerfile, line)
    stage = stage_of(analysis, line)
    title = _title(stage) if stage is not None else ""
    if instruction is None:
        return Why(path, line, line, title, "")
    first, text = instruction.start_line, instruction.logical
    step = _step_of(stage, instruction)
    if step is None:
        return Why(path, line, first, title, text, _base(stage) if stage is not None else ())
    inputs = tuple(inputs_of(analysis, step))
    return Why(path, line, first, title, text, inputs, tuple(_downloads(survey, step)))


def instruction_on(dockerfile: Dockerfile, line: int) -> Instruction | None:
    """The instruction that a 1-based line belongs to."""
    return next((item for item in dockerfile.instructions if item.start_line <= line <= item.end_line), None)


def _step_of(stage: Stage | None, instruction: Instruction) -> Step | None:
    steps = stage.steps if stage is not None else []
    return next((step for step in steps if step.instruction is instruction), None)


def _title(stage: Stage) -> str:
    name = f" {stage.name!r}" if stage.name else ""
    return f"{stage.index}{name}, from {stage.image}"


def _base(stage: Stage) -> tuple[Input, ...]:
    kind, reason = ("stage", "that stage's result") if stage.parent else ("image", "the base image's content")
    return (Input(kind, stage.image, stage.instruction.start_line, reason),)


def _downloads(survey: Survey, step: Step) -> Iterator[Download]:
    if step.name != "run":
        return
    for seen in survey.sightings(step):
        yield Download(
            line=survey.analysis.dockerfile.position(seen.call.start)[0],
            command=" ".join(seen.call.argv),
            cost=cost((seen,)),
            kind=seen.fetch.kind,
            directory=seen.fetch.directory,
            needs=needed_paths(seen.fetch),
            needless=tuple(_needless(survey.analysis, step, seen)),
            kept=seen.ecosystem.cached_by(step),
        )


def _needless(analysis: Analysis, step: Step, seen: Sighting) -> Iterator[Needless]:
    scene = analysis.scene(step)
    needed = frozenset(needed_paths(seen.fetch))
    for placement in (*scene.placements, *scene.mounted):
        others = placement.others(needed)
        examples = tuple(item.context for item in islice(others, _EXAMPLES))
        if examples:
            number = len(examples) + sum(1 for _ in others)
            yield Needless(placement.step.line, placement.step.instruction.logical, number, examples)
