"""From a place in a file to what the layer there depends on."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from dockerlayer.checks.order import cost
from dockerlayer.checks.survey import Sighting, Survey, needed_paths
from dockerlayer.cli.terminal import say
from dockerlayer.cli.work import open_buildable
from dockerlayer.errors import InputError
from dockerlayer.model.layers import Analysis, Input, inputs_of, stage_of
from dockerlayer.model.stages import Stage, Step
from dockerlayer.registry import installed
from dockerlayer.report.why import Download, Needless, Why
from dockerlayer.syntax.tree import Dockerfile, Instruction

_EXAMPLES = 3


def reasons(path: str, line: int, directory: str | None) -> Why:
    """The answer for a 1-based line; raises InputError for a line that the file has not, or a file of no use."""
    dockerfile, views, _ = open_buildable(path, directory)
    lines = _line_count(dockerfile.data)
    if not 1 <= line <= lines:
        raise InputError(f"{path}: there is no line {line}, the file has {lines}")
    analysis = Analysis(dockerfile, views[0].context)
    instruction = _instruction_on(dockerfile, line)
    stage = stage_of(analysis, line)
    title = _title(stage) if stage is not None else ""
    if instruction is None:
        return Why(path, line, line, title, "")
    first, text = instruction.start_line, instruction.logical
    step = _step_of(stage, instruction)
    if step is None:
        return Why(path, line, first, title, text, _base(stage) if stage is not None else ())
    inputs = tuple(inputs_of(analysis, step))
    return Why(path, line, first, title, text, inputs, tuple(_downloads(analysis, step)))


def _line_count(data: bytes) -> int:
    return data.count(b"\n") + (not data.endswith(b"\n") and bool(data))


def _instruction_on(dockerfile: Dockerfile, line: int) -> Instruction | None:
    return next((item for item in dockerfile.instructions if item.start_line <= line <= item.end_line), None)


def _step_of(stage: Stage | None, instruction: Instruction) -> Step | None:
    steps = stage.steps if stage is not None else []
    return next((step for step in steps if step.instruction is instruction), None)


def _title(stage: Stage) -> str:
    name = f" {stage.name!r}" if stage.name else ""
    return f"{stage.index}{name}, from {stage.image}"


def _base(stage: Stage) -> tuple[Input, ...]:
    kind, why = ("stage", "that stage's result") if stage.parent else ("image", "the base image's content")
    return (Input(kind, stage.image, stage.instruction.start_line, why),)


def _downloads(analysis: Analysis, step: Step) -> Iterator[Download]:
    if step.name != "run":
        return
    ecosystems, broken = installed()
    for message in broken:
        say(f"warning: {message}")
    survey = Survey(analysis, ecosystems)
    for seen in survey.sightings(step):
        yield Download(
            line=analysis.dockerfile.position(seen.call.start)[0],
            command=" ".join(seen.call.argv),
            cost=cost((seen,)),
            kind=seen.fetch.kind,
            directory=seen.fetch.directory,
            needs=needed_paths(seen.fetch),
            needless=tuple(_needless(analysis, step, seen)),
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
