"""unpinned-download: there is a lockfile, and the step that downloads does not keep to it."""

from __future__ import annotations

from collections.abc import Iterator

from dockerlayer.checks.mended import mended
from dockerlayer.checks.survey import Candidate, Survey

NAME = "unpinned-download"


def check(survey: Survey) -> Iterator[Candidate]:
    """The project has a lockfile, but the step that downloads need not keep to it.

    Why: some commands never read the lockfile, and some write it anew when it does not fit the manifest. The image then
    holds other versions than those that were tested, two builds of one commit differ, and nothing tells.

    Fix safety: unsafe. The image may get other versions than today, and where the lockfile does not fit the manifest
    the build stops instead of resolving anew. Safe where the plugin has proven that the lockfile fits.

    References:
    - Docker, RUN instructions and the cache: https://docs.docker.com/build/cache/invalidation/#run-instructions
    """
    return mended(survey, NAME, lambda use: None if use.offline else use.unpinned)
