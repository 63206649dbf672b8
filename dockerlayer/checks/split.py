"""combined-download-install: the inputs are narrow, but one step both downloads and installs."""

from __future__ import annotations

from collections.abc import Iterator

from dockerlayer.checks.order import cost
from dockerlayer.checks.survey import Candidate, Survey
from dockerlayer.findings import Finding, Severity

NAME = "combined-download-install"


def check(survey: Survey) -> Iterator[Candidate]:
    """A step downloads and installs at once, though its ecosystem can do one after the other.

    Why: when the install fails, or its flags or environment change, everything is downloaded again; an install of its
    own can also run with the network off. The source does not bust this layer, so this is told on request only.

    Fix safety: as for source-before-download; the downloaded archives stay in the image.

    References:
    - Docker, how the cache is invalidated: https://docs.docker.com/build/cache/invalidation/
    - Dockerfile reference, RUN --network: https://docs.docker.com/reference/dockerfile/#run---network
    """
    for step in survey.steps():
        sightings, broad = survey.exposed(step)
        if broad:
            continue
        for seen in sightings:
            if seen.fetch.kind != "install" or seen.fetch.split is None:
                continue
            finding = Finding(
                rule=NAME,
                severity=Severity.INFO,
                message=f"one step downloads and installs {cost((seen,))}",
                start=seen.call.start,
                end=seen.call.end,
                subject=seen.subject,
                help="a download step of its own lets the install fail, change or run offline without a new download",
                ecosystem=seen.ecosystem.name,
            )
            yield Candidate(finding, step, (seen,))
