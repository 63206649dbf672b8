"""missing-lockfile and ignored-lockfile: nothing pins what is downloaded, or what pins it does not reach the image."""

from __future__ import annotations

from collections.abc import Iterator

from dockerlayer.checks.survey import Candidate, Sighting, Survey
from dockerlayer.findings import Finding, Severity

MISSING = "missing-lockfile"
IGNORED = "ignored-lockfile"


def check_missing(survey: Survey) -> Iterator[Candidate]:
    """Nothing pins what a step downloads.

    Why: the layer's cache key says nothing about the versions in it; two builds of one commit differ, and a cached
    layer keeps whatever was newest on the day it was made.

    Fix safety: manual. Only the project's own tools can write its lockfile.

    References:
    - Docker, RUN instructions and the cache: https://docs.docker.com/build/cache/invalidation/#run-instructions
    """
    return _check(survey, MISSING, {"missing"})


def check_ignored(survey: Survey) -> Iterator[Candidate]:
    """The lockfile exists, but the step that downloads does not see it.

    Why: the ignore file keeps it out of the build context, or no COPY brings it in; the versions are then resolved anew
    although the project pins them.

    Fix safety: manual. With the lockfile the image gets other versions than today.

    References:
    - Docker, .dockerignore files: https://docs.docker.com/build/concepts/context/#dockerignore-files
    """
    return _check(survey, IGNORED, {"hidden", "uncopied"})


def _check(survey: Survey, rule: str, states: set[str]) -> Iterator[Candidate]:
    for step in survey.steps():
        for seen in survey.sightings(step):
            lock = seen.fetch.lock
            # A script that tries one package manager after another asks for the lockfile first.
            if lock is None or lock.state not in states or (lock.state == "missing" and "if" in seen.call.guards):
                continue
            finding = Finding(
                rule=rule,
                severity=Severity.WARNING,
                message=_message(seen, lock.state),
                start=seen.call.start,
                end=seen.call.end,
                subject=seen.subject,
                help=lock.advice,
                ecosystem=seen.ecosystem.name,
            )
            yield Candidate(finding, step, (seen,))


def _message(seen: Sighting, state: str) -> str:
    lock = seen.fetch.lock
    assert lock is not None
    if state == "missing":
        return f"nothing pins what is downloaded: {lock.manifest} has no {lock.lockfile} beside it"
    if state == "hidden":
        return f"{lock.lockfile} exists, but the ignore file keeps it out of the build context"
    return f"{lock.lockfile} exists, but no COPY brings it to {lock.manifest}"
