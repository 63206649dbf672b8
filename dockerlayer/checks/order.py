"""source-before-download: a registry is asked in a layer that also depends on the source."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from dockerlayer.checks.survey import Candidate, Sighting, Survey
from dockerlayer.findings import Cost, Finding, Severity, listed
from dockerlayer.model.files import Placement
from dockerlayer.model.stages import Step

NAME = "source-before-download"


def check(survey: Survey) -> Iterator[Candidate]:
    """A step downloads dependencies in a layer whose inputs include files that the download does not need.

    Why: every edit of those files throws the layer away, and everything is downloaded again although the lockfile is
    the same as last time.

    Fix safety: safe where every file that the download needs is known from the build context and every step that
    changes places with the copy is known not to read what is copied; else unsafe with the assumption named, or refused
    with the reason.

    References:
    - Docker, order your layers: https://docs.docker.com/build/cache/optimize/#order-your-layers
    - Docker, how the cache is invalidated: https://docs.docker.com/build/cache/invalidation/
    """
    for step in survey.steps():
        sightings, broad = survey.exposed(step)
        if not broad:
            continue
        main = max(sightings, key=lambda seen: (seen.fetch.kind != "tool", seen.fetch.count or 0))
        finding = Finding(
            rule=NAME,
            severity=Severity.WARNING,
            message=_message(sightings, broad),
            start=main.call.start,
            end=main.call.end,
            subject="\n".join(seen.subject for seen in sightings),
            help=f"{main.ecosystem.registry.name} is paid for by {main.ecosystem.registry.payer}",
            ecosystem=main.ecosystem.name,
            cost=costs(sightings),
        )
        yield Candidate(finding, step, sightings, broad)


def _message(sightings: tuple[Sighting, ...], broad: tuple[Placement, ...]) -> str:
    copies = [placement.step for placement in broad if placement.step is not sightings[0].call.step]
    reason = _above(copies) if copies else "it mounts the source"
    return f"every source edit downloads {cost(sightings)} again, because {reason}"


def _above(copies: Sequence[Step]) -> str:
    lines = sorted({step.line for step in copies})
    names = sorted({step.name.upper() for step in copies})
    if len(lines) == 1:
        return f"the {listed(names)} on line {lines[0]} comes first"
    several = "s" if len(names) == 1 else ""
    return f"the {listed(names)}{several} on lines {listed([str(line) for line in lines])} come first"


def costs(sightings: tuple[Sighting, ...]) -> tuple[Cost, ...]:
    """What the calls download, by registry and unit; each project counts once."""
    totals: dict[tuple[str, str, str], dict[object, int | None]] = {}
    for index, seen in enumerate(sightings):
        registry = seen.ecosystem.registry
        projects = totals.setdefault((seen.fetch.unit, registry.name, registry.payer), {})
        project = index if seen.fetch.kind == "tool" else seen.fetch.directory
        known = projects.get(project, 0)
        projects[project] = None if known is None or seen.fetch.count is None else max(known, seen.fetch.count)
    found = []
    for (unit, registry_name, payer), projects in totals.items():
        counts = [count for count in projects.values() if count]
        found.append(Cost(sum(counts) if len(counts) == len(projects) else None, unit, registry_name, payer))
    return tuple(found)


def cost(sightings: tuple[Sighting, ...]) -> str:
    """What the calls download, in words: "412 packages from X and 3 modules from Y"."""
    return " and ".join(item.words for item in costs(sightings))
