"""offline-in-name-only: the words say that a step stays off the network, and the tool asks it all the same."""

from __future__ import annotations

from collections.abc import Iterator

from dockerlayer.checks.mended import mended
from dockerlayer.checks.survey import Candidate, Survey

NAME = "offline-in-name-only"


def check(survey: Survey) -> Iterator[Candidate]:
    """A step is written as if it stayed off the network, but it does not.

    Why: an option that prefers what is stored, pins versions, or is meant for another tool reads like a wall and is
    none. A download that is missing then comes from the network in silence: on every edit of the source, from
    a registry that may be down, and without anybody knowing that the step before it has left something out.

    Fix safety: unsafe. With the network really off, a package that no earlier step stored stops the build. Safe where
    the plugin has proven that the earlier steps store everything that the step takes.

    References:
    - Dockerfile reference, RUN --network: https://docs.docker.com/reference/dockerfile/#run---network
    """
    for candidate in mended(survey, NAME, lambda use: use.nominal):
        # What a mount may have lost must come from the network: there the missing wall is the right thing.
        if not any(used.ecosystem.cached_by(candidate.step) for used in survey.uses(candidate.step)):
            yield candidate
