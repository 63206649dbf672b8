"""The build contexts of the open documents, read once and kept until something in them may have changed."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from dockerlayer.engine import context_for
from dockerlayer.errors import InputError
from dockerlayer.model.context import Context

FRESH = 5.0
"""Seconds that a context is good for where the editor does not tell when files change."""


class Contexts:
    """Gives the context of a Dockerfile. ``watched`` says that the editor tells when files change."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.watched = False
        self._clock = clock
        self._known: dict[tuple[str, str | None], tuple[float, Context]] = {}

    def context(self, path: str, directory: str | None) -> Context:
        """The context of the Dockerfile of a path, built from ``directory`` or from its own.

        A document without a place, or in a directory that is not there yet, sees nothing, unless ``directory`` is
        given. Raises InputError for that one.
        """
        if not path:
            return Context.nothing() if directory is None else Context.open(Path(directory))
        known = self._known.get((path, directory))
        if known is not None and (self.watched or self._clock() - known[0] < FRESH):
            return known[1]
        try:
            context = context_for(Path(path), None if directory is None else Path(directory))
        except InputError:
            if directory is not None:
                raise
            return Context.nothing()
        self._known[(path, directory)] = (self._clock(), context)
        return context

    def forget(self) -> None:
        """Read every context afresh when it is next asked for."""
        self._known.clear()
