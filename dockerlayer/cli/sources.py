"""From the paths of a request to the files that are looked at, each with its settings and its build contexts."""

from __future__ import annotations

import os
from collections.abc import Callable

from dockerlayer.builds.find import is_build_file
from dockerlayer.builds.places import Place
from dockerlayer.cli.places import Places
from dockerlayer.cli.request import Request, Settler
from dockerlayer.cli.terminal import put, read_input
from dockerlayer.cli.work import Failure, Source
from dockerlayer.errors import ConfigError, UsageError

STDIN = "-"


def sources_of(
    request: Request, settler: Settler, identity: Callable[[str], str] = os.path.normpath
) -> tuple[list[Source], list[Failure]]:
    """The files that the arguments name or that are found below them, and what is wrong with arguments.

    Of files with the same ``identity`` the first counts.
    """
    if request.stdin_filename is not None and STDIN not in request.paths:
        raise UsageError("--stdin-filename names standard input, which is read for the path -")
    search = _Search(request, settler, identity)
    for path in request.paths or ["."]:
        search.look(path)
    return list(search.sources.values()), [*search.failures, *search.unsettled.values()]


class _Search:
    """What the paths looked at so far lead to."""

    def __init__(self, request: Request, settler: Settler, identity: Callable[[str], str]) -> None:
        self.sources: dict[str, Source] = {}
        self.failures: list[Failure] = []
        self.unsettled: dict[str, Failure] = {}
        self._request = request
        self._settler = settler
        self._identity = identity
        self._places = Places()
        self._seen: set[str] = set()

    def look(self, path: str) -> None:
        if path == STDIN:
            self._input(self._request.stdin_filename)
        elif self._settler.forces_out(path):
            return
        elif os.path.isdir(path):
            found = self._places.below(path)
            # Of what came in since a commit there may be nothing: the last Dockerfile may just have gone.
            if not found and self._request.diff_base is None:
                self.failures.append(Failure(path, f"no Dockerfile found in {path}"))
            self._add_found(found, path)
        elif is_build_file(os.path.basename(path)):
            found, problems = self._places.in_file(path)
            self.failures += [Failure(problem.place, problem.message) for problem in problems]
            if not found and not problems:
                self.failures.append(Failure(path, f"no build of a Dockerfile found in {path}"))
            self._add_found(found, os.path.dirname(path) or os.curdir)
        else:
            self._add(self._identity(path), path, self._places.of(path), place=path)

    def _input(self, name: str | None) -> None:
        data = read_input()
        if name is not None and self._settler.forces_out(name):
            if self._request.command == "fix" or self._request.add_ignore is not None:
                put(data)
            return
        places = self._places.of(name) if name is not None else ()
        self._add(STDIN, name or "<stdin>", places, data, name)

    def _add_found(self, found: dict[str, tuple[Place, ...]], root: str) -> None:
        for file, places in found.items():
            if not self._settler.excludes(file, root):
                self._add(self._identity(file), file, places, place=file)

    def _add(
        self, key: str, path: str, places: tuple[Place, ...], data: bytes | None = None, place: str | None = None
    ) -> None:
        """A source, if it is a new one that has its settings; one broken configuration is told once."""
        if key in self._seen:
            return
        self._seen.add(key)
        try:
            settings = self._settler.settings(place)
        except ConfigError as error:
            known = self.unsettled.get(str(error)) or Failure(error.path, str(error), files=0, placed=True)
            self.unsettled[str(error)] = known._replace(files=known.files + 1)
        else:
            self.sources[key] = Source(path, settings, data, placed=place is not None, places=places)
