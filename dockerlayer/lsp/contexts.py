"""The build contexts of the open documents, read once and kept until something in them may have changed."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from dockerlayer.agreement import View, view_of
from dockerlayer.builds.places import Place, forget, of_dockerfile
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
        self._places: dict[str, tuple[float, tuple[Place, ...]]] = {}

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

    def views(self, path: str, directory: str | None) -> list[View]:
        """The contexts to judge a Dockerfile in: ``directory``, else those of Compose and Bake files, else its own."""
        places = self._places_of(path) if path and directory is None else ()
        if not places:
            return [View(self.context(path, directory))]
        return [view_of(place, self.context(path, place.context)) for place in places]

    def _places_of(self, path: str) -> tuple[Place, ...]:
        known = self._places.get(path)
        if known is not None and (self.watched or self._clock() - known[0] < FRESH):
            return known[1]
        forget()
        places, _ = of_dockerfile(path)
        self._places[path] = (self._clock(), places)
        return places

    def forget(self) -> None:
        """Read every context afresh when it is next asked for."""
        self._known.clear()
        self._places.clear()
