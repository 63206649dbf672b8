"""The hybrid pattern: a download that goes through a cache mount and is then put into the layer.

As with ``split`` the download has a layer of its own and the install is offline. The mount keeps what was downloaded
between builds, so that a changed lockfile brings only what changed; and since everything is in the layer as well, a
mount that was emptied breaks nothing.
"""

from __future__ import annotations

from dataclasses import replace

from dockerlayer.api import Hybrid, Refusal
from dockerlayer.checks.survey import Candidate, Sighting, Survey
from dockerlayer.findings import Fix
from dockerlayer.rewrite.plan import HYBRID, SPLIT, Planner
from dockerlayer.rewrite.shapes import Shape

BUILDERS = frozenset({"buildkit", "buildah"})
"""The builder profiles that have ``RUN --mount=type=cache``."""


def hybrid(survey: Survey, candidate: Candidate) -> Fix | tuple[Refusal, ...]:
    """A fix for a source-before-download finding, or every reason why there is none."""
    line = candidate.step.line
    if survey.builder not in BUILDERS:
        return (Refusal("builder", f"the builder profile {survey.builder} has no cache mounts", line),)
    found = _ways(candidate)
    if isinstance(found, Refusal):
        return (found,)
    changed = tuple(_through(seen) for seen in candidate.sightings)
    planned = HybridPlanner(survey, found).plan(candidate._replace(sightings=changed))
    if not isinstance(planned, Fix):
        return planned
    title = planned.title.replace(" in a layer of its own", " through a cache mount into a layer of its own")
    return planned._replace(title=title, pattern=HYBRID, notes=tuple(dict.fromkeys((*planned.notes, *found.notes))))


def _ways(candidate: Candidate) -> Hybrid | Refusal:
    """The one way to download for all the calls of a step, or why there is none."""
    line = candidate.step.line
    found: list[Hybrid] = []
    for seen in candidate.sightings:
        split = seen.fetch.split
        if split is None:
            return seen.fetch.no_split or Refusal("no-split", "nothing in this step can be split", line)
        if split.hybrid is None:
            what = f"how what {seen.call.program} downloads gets from a cache mount into the layer is not known here"
            return Refusal("no-hybrid", what, line)
        found.append(split.hybrid)
    if len({way.download for way in found}) != 1:
        return Refusal("several-downloads", "the step holds several different downloads", line)
    mounted = next((mount for mount in candidate.step.mounts if mount.target == found[0].target), None)
    if mounted is not None:
        return Refusal("mounted-already", f"the step has a mount at {mounted.target} already", line)
    return found[0]


def _through(seen: Sighting) -> Sighting:
    split = seen.fetch.split
    if split is None or split.hybrid is None:
        return seen
    return Sighting(seen.ecosystem, replace(seen.fetch, split=split._replace(download=split.hybrid.download)))


class HybridPlanner(Planner):
    """Plans a split whose download has a cache mount."""

    def __init__(self, survey: Survey, way: Hybrid) -> None:
        super().__init__(survey, SPLIT)
        self.way = way

    def _shape(self, candidate: Candidate) -> Shape | tuple[Refusal, ...]:
        text = self._text(candidate.step)
        shape = self.shaper.split(candidate, text, self._kept(candidate.step, candidate.broad, ()))
        if not isinstance(shape, Shape):
            return shape
        keyword = len("RUN")
        flag = f" --mount=type=cache,sharing=locked,target={self.way.target}".encode()
        rest = shape.above[keyword:]
        rest = text.line_end + rest.lstrip() if text.instruction.flags and not text.instruction.heredocs else rest
        return shape._replace(above=shape.above[:keyword] + flag + rest, joined=b"", bare=b"")
