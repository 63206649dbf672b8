"""What is looked at in a text while it is built: its layers, which of them download, which install from that."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from typing import NamedTuple

from dockerlayer.api import Ecosystem
from dockerlayer.checks.survey import Survey
from dockerlayer.findings import Edit
from dockerlayer.model.context import Context
from dockerlayer.model.keys import layers_of
from dockerlayer.model.layers import Analysis
from dockerlayer.model.stages import Build, Step
from dockerlayer.syntax.parser import parse
from dockerlayer.verify.progress import StepRun

DOWNLOAD = "download"
INSTALL = "install"
_LAYERS = frozenset({"run", "copy", "add", "workdir"})
_NETWORK = re.compile(rb"--network=\S*", re.IGNORECASE)


class Layer(NamedTuple):
    """A step that makes a layer. ``number`` of ``total`` is BuildKit's, see ``_layers``.

    ``stage`` is spelled as builders do; ``role`` is ``download``, ``install`` (offline, from a download) or empty.
    """

    step: Step
    stage: str
    number: int
    total: int
    role: str = ""

    def is_made_by(self, run: StepRun) -> bool:
        """Whether a builder's step is this one."""
        # A stage that is the only one has no name; one that copies from an image is not alone.
        if run.stage not in ("", self.stage) or run.text.partition(" ")[0].lower() != self.step.name:
            return False
        # What the ONBUILD of a base image adds in front shows in nothing but the total, and not with every BuildKit.
        unknown = 0 if self.step.stage.triggers else max(0, run.total - self.total)
        return run.number == self.number + unknown


class Subject(NamedTuple):
    """A text with its layers in file order."""

    text: bytes
    survey: Survey
    layers: tuple[Layer, ...]

    def of_role(self, role: str) -> tuple[Layer, ...]:
        """The layers with a role."""
        return tuple(layer for layer in self.layers if layer.role == role)

    def without_network(self) -> bytes:
        """The text with ``RUN --network=none`` for every install; the text itself if there is nothing to cut off."""
        from dockerlayer.findings import apply

        edits = []
        for layer in self.of_role(INSTALL):
            instruction = layer.step.instruction
            start = self.text.upper().index(b"RUN", instruction.start) + len("RUN")
            given = _NETWORK.search(self.text, start, instruction.args_start)
            if layer.step.flag("network") is None:
                edits.append(Edit(start, start, b" --network=none"))
            elif given is not None:
                edits.append(Edit(*given.span(), b"--network=none"))
        return apply(self.text, edits)


def subject_of(
    text: bytes,
    context: Context,
    ecosystems: Sequence[Ecosystem],
    before: Subject | None = None,
    replaced: Collection[str] = (),
) -> Subject:
    """Read a text. ``before`` is the text that it was made from: what downloaded there and no longer does installs.

    ``replaced`` are the names that ``--build-context`` gives another meaning.
    """
    survey = Survey(Analysis(parse(text), context), ecosystems)
    roles = {step: DOWNLOAD for step in survey.steps() if _downloads(survey, step)}
    roles |= {step: INSTALL for step in survey.steps() if step not in roles and _installs(survey, step, roles, before)}
    return Subject(text, survey, tuple(_layers(survey.analysis.build, roles, frozenset(map(_familiar, replaced)))))


def _downloads(survey: Survey, step: Step) -> bool:
    """Whether a step downloads into its layer; what a cache mount keeps is not the layer's to keep."""
    return any(seen.fetch.kind != "tool" and not seen.ecosystem.cached_by(step) for seen in survey.sightings(step))


def _installs(survey: Survey, step: Step, roles: dict[Step, str], before: Subject | None) -> bool:
    """Whether a step that fetches nothing works on what a download above it in the same stages has fetched."""
    programs = {call.program for call in survey.analysis.run(step).calls}
    sources = {
        seen.ecosystem.name
        for above in survey.analysis.above(step)
        if above in roles
        for seen in survey.sightings(above)
        if seen.fetch.kind == "download"
        or (before is not None and _text(above) not in {_text(layer.step) for layer in before.layers})
    }
    named = [eco for eco in survey.ecosystems if eco.name in sources and any(map(eco.answers_to.match, programs))]
    if not named or before is None:
        return bool(named)
    # A step of the same words fetched nothing before either, unless the download is what took that from it.
    same = [layer for layer in before.layers if _text(layer.step) == _text(step)]
    return not same or any(layer.role == DOWNLOAD for layer in same)


def _text(step: Step) -> str:
    return step.instruction.logical


def _layers(build: Build, roles: dict[Step, str], replaced: Collection[str]) -> Iterator[Layer]:
    """The layers with the numbers of BuildKit's dockerfile2llb.

    FROM counts when it names an image, but is only in the total when a named context replaces that; ONBUILD steps come
    next and are not in the total. A WORKDIR that leads to the root is in the total, but has no number.
    """
    for stage in build.stages:
        base = int(stage.parent is None and stage.image != "scratch")
        total = base + sum(step.name in _LAYERS for step in stage.steps)
        first = 0 if _familiar(stage.image) in replaced else 1
        for number, step in enumerate(layers_of(stage), first):
            if isinstance(step, Step) and step not in stage.triggers:
                yield Layer(step, stage.label, number, total, roles.get(step, ""))


def _familiar(image: str) -> str:
    """An image's name as short as it can be written."""
    return image.lower().removeprefix("docker.io/").removeprefix("library/").removesuffix(":latest")
