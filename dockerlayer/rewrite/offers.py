"""Which fixes there may be for a finding, best first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from dockerlayer.api import Refusal
from dockerlayer.checks import drift, order, split, volatile
from dockerlayer.checks.survey import Candidate, Survey
from dockerlayer.findings import Fix


def offers(
    survey: Survey, found: Sequence[Candidate], candidate: Candidate, pattern: str
) -> Iterator[Fix | tuple[Refusal, ...]]:
    """The fixes for a finding, each to be shown to the guard, or why there is none."""
    if isinstance(candidate.offer, Refusal):
        yield (candidate.offer,)
    elif candidate.offer is not None:
        from dockerlayer.rewrite.runs import laid_out

        yield laid_out(survey.analysis, candidate.step, candidate.offer)
    elif candidate.finding.rule == drift.NAME:
        from dockerlayer.rewrite.manifests import mend_list

        yield mend_list(survey, candidate)
    elif candidate.finding.rule == volatile.NAME:
        from dockerlayer.rewrite.sink import sink

        offer = sink(survey, candidate)
        yield offer if isinstance(offer, Fix) else (offer,)
    elif candidate.finding.rule == split.NAME:
        from dockerlayer.rewrite.plan import Planner

        yield Planner(survey).split_in_place(candidate)
    else:
        yield from _reorderings(survey, found, candidate, pattern)


def _reorderings(
    survey: Survey, found: Sequence[Candidate], candidate: Candidate, asked: str
) -> Iterator[Fix | tuple[Refusal, ...]]:
    from dockerlayer.rewrite.plan import HYBRID, NARROW, SPLIT, STAGE, Planner

    # The install of a split would be moved above the source again by the fix of the next download in the stage.
    crowded = any(
        other.finding.rule == order.NAME
        and other.step.stage is candidate.step.stage
        and other.step.index > candidate.step.index
        for other in found
    )
    if asked == STAGE:
        from dockerlayer.rewrite.stage import stage

        yield _of(asked, stage(survey, candidate, crowded=crowded))
    elif asked == HYBRID:
        from dockerlayer.rewrite.hybrid import hybrid

        yield _of(asked, hybrid(survey, candidate))
    if asked != NARROW:
        asked = SPLIT
    pattern = NARROW if crowded else asked
    first = Planner(survey, pattern).plan(candidate)
    yield _of(pattern, first)
    other = SPLIT if pattern != asked else NARROW
    if other != pattern and (pattern != asked or isinstance(first, Fix)):
        yield _of(other, Planner(survey, other).plan(candidate))


def _of(pattern: str, offer: Fix | tuple[Refusal, ...]) -> Fix | tuple[Refusal, ...]:
    """The offer, each refusal with the pattern that it is about."""
    return offer if isinstance(offer, Fix) else tuple(refusal._replace(pattern=pattern) for refusal in offer)
