"""What each download costs, in a line above its step."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from lsprotocol.types import CodeLens, Command

from dockerlayer.checks.order import cost
from dockerlayer.checks.survey import Sighting, Survey, needed_paths
from dockerlayer.lsp.examined import Examined
from dockerlayer.model.files import Placement
from dockerlayer.model.stages import Step
from dockerlayer.report.visible import shown

_FEW = 4
_LONGEST = 40


class Price(NamedTuple):
    """What is said above one step."""

    step: Step
    text: str


def lenses(examined: Examined) -> list[CodeLens]:
    """A lens on the first line of each RUN that downloads; none for a file that BuildKit refuses."""
    if not examined.buildable:
        return []
    # The empty command is how a lens is only shown: editors offer nothing to click.
    return [
        CodeLens(
            examined.text.range(price.step.instruction.start, price.step.instruction.start),
            Command(title=shown(price.text), command=""),
        )
        for price in prices(examined.survey)
    ]


def prices(survey: Survey) -> Iterator[Price]:
    """What each step that downloads costs, and what makes it do so again."""
    for step in survey.steps():
        sightings = survey.sightings(step)
        if sightings:
            yield Price(step, _price(survey, step, sightings))


def _price(survey: Survey, step: Step, sightings: Sequence[Sighting]) -> str:
    exposed, broad = survey.exposed(step)
    if not exposed:
        return f"a cache mount keeps {cost(tuple(sightings))}"
    if broad:
        return f"downloads {cost(exposed)} again on each change of: {_listed(broad)}"
    scene = survey.analysis.scene(step)
    placements = (*scene.placements, *scene.mounted)
    needed = tuple(dict.fromkeys(path for seen in exposed for path in needed_paths(seen.fetch)))
    if any(placement.opaque or placement.blind for placement in placements) or any(
        seen.fetch.origin is None and seen.fetch.kind != "tool" for seen in exposed
    ):
        return f"downloads {cost(exposed)}"
    others = [placement for placement in placements if next(placement.others(frozenset(needed)), None) is not None]
    if others:
        return f"downloads {cost(exposed)} again when one of these changes: {_listed(others)}"
    if not needed:
        return f"cached: downloads {cost(exposed)}, and reads no file of the build context"
    return f"cached: reads {_few(needed)} only"


def _listed(placements: Sequence[Placement]) -> str:
    return _few([f"{_short(item.step.instruction.logical)} (line {item.step.line})" for item in placements])


def _few(texts: Sequence[str]) -> str:
    return ", ".join(texts[:_FEW]) + (f" and {len(texts) - _FEW} more" if len(texts) > _FEW else "")


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."
