"""redundant-download: what a step downloads is never used, or another stage downloads just the same."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from dockerlayer.api import Fetch
from dockerlayer.checks.mended import mended
from dockerlayer.checks.order import cost, costs
from dockerlayer.checks.survey import Candidate, Sighting, Survey
from dockerlayer.findings import Finding, Severity
from dockerlayer.model.calls import SUCCESS_ONLY
from dockerlayer.model.stages import Step

NAME = "redundant-download"
_WHOLE = frozenset({"install", "download"})


def check(survey: Survey) -> Iterator[Candidate]:
    """What a step downloads is never used, or another stage downloads just the same.

    Why: a download that nothing takes costs its time and traffic on every build that makes the layer anew. Of two
    stages that install one lockfile with the same words on the same image, the builder runs only one if all the steps
    up to there are the same in both; where one of them differs it runs both, and either is thrown away on its own.

    Fix safety: as the plugin says for a download that nothing takes: safe only if taking it out is proven to change
    nothing. The same download in two stages is reported only: a stage that holds it, which both start from or copy
    from, is for its author to cut.

    References:
    - Docker, create reusable stages: https://docs.docker.com/build/building/best-practices/#create-reusable-stages
    """
    yield from mended(survey, NAME, lambda use: use.redundant)
    yield from _twice(survey)


def _twice(survey: Survey) -> Iterator[Candidate]:
    whole = [(step, one) for step in survey.steps() for one in _whole(survey, step)]
    if len({step.stage for step, _ in whole}) < 2:
        return
    from dockerlayer.model.keys import cache_keys

    keys = cache_keys(survey.analysis)
    # Stages that the default target does not need are for another build than this one.
    seen = [(_sameness(one, step), step, one) for step, one in whole if step in keys]
    for _, group in groupby(sorted(seen, key=lambda item: (item[0], item[1].line)), key=lambda item: item[0]):
        (_, first, one), *others = group
        for _, step, other in others:
            apart = first.stage not in step.stage.lineage()
            if apart and keys[step].digest != keys[first].digest and not _same_layer(survey, step, first):
                yield _candidate(one, other, first, step)


def _whole(survey: Survey, step: Step) -> Iterator[Sighting]:
    """The downloads of a whole project, pinned by its lockfile, that nothing but the layer cache keeps."""
    for seen in survey.sightings(step):
        fetch = seen.fetch
        pinned = (
            fetch.origin is not None
            and (fetch.lock is None or fetch.lock.state == "ok")
            and bool(fetch.needs)
            and fetch.blocked is None
        )
        if (
            pinned
            and fetch.kind in _WHOLE
            and seen.call.guards <= SUCCESS_ONLY
            and not any(mount.kind == "cache" for mount in step.mounts)
        ):
            yield seen


def _sameness(seen: Sighting, step: Step) -> str:
    """All that says what a call downloads: two calls are alike only if this is."""
    fetch: Fetch = seen.fetch
    variables = {**step.state.exported, **seen.call.env}
    configured = {name: value for name, value in variables.items() if seen.ecosystem.configured_by.match(name)}
    flags = step.instruction.flags
    base = step.stage.base_image
    platform = tuple(stage.instruction.flags for stage in step.stage.lineage())
    words = (seen.call.argv, seen.call.user, step.state.user, step.state.shell)
    return repr(
        (seen.ecosystem.name, fetch.origin, fetch.needs, base, platform, words, flags, sorted(configured.items()))
    )


def _same_layer(survey: Survey, one: Step, other: Step) -> bool:
    """Whether what the steps stand on is written alike: BuildKit may then share them although the keys cannot tell."""
    return [step.instruction.logical for step in (*survey.analysis.above(one), one)] == [
        step.instruction.logical for step in (*survey.analysis.above(other), other)
    ]


def _candidate(one: Sighting, other: Sighting, first: Step, step: Step) -> Candidate:
    where = f"{first.stage.label}, line {first.line}"
    finding = Finding(
        rule=NAME,
        severity=Severity.WARNING,
        message=f"this stage downloads {cost((other,))} that stage {where}, downloads as well",
        start=other.call.start,
        end=other.call.end,
        subject=other.subject,
        help="a stage of its own for the download, which both start from or copy from, lets one do for both",
        ecosystem=one.ecosystem.name,
        cost=costs((other,)),
    )
    return Candidate(finding, step, (other,))
