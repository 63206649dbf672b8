"""The build contexts of Dockerfiles, as the project's Compose and Bake files have them."""

from __future__ import annotations

import os
from collections.abc import Sequence

from dockerlayer.builds.definition import Problem
from dockerlayer.builds.find import (
    Place,
    around,
    by_dockerfile,
    doubts,
    file_problems,
    forget,
    in_files,
    is_build_file,
    is_foreign,
    of_dockerfile,
)
from dockerlayer.cli.terminal import say
from dockerlayer.discovery import chosen, is_dockerfile, listing


class Places:
    """Finds the places of Dockerfiles, and tells of what is wrong with the files that they come from, once."""

    def __init__(self) -> None:
        forget()
        self._told: set[Problem] = set()

    def of(self, path: str) -> tuple[Place, ...]:
        """The places of a Dockerfile that is named."""
        places, problems = of_dockerfile(path)
        self._tell(problems)
        return places

    def below(self, directory: str) -> dict[str, tuple[Place, ...]]:
        """The Dockerfiles below a directory, sorted, each with its places: those that a build names among them."""
        listed = listing(directory)
        files = chosen(directory, listed, lambda name: is_dockerfile(name) or is_build_file(name))
        dockerfiles = [file for file in files if is_dockerfile(os.path.basename(file))]
        inside = in_files(file for file in files if is_build_file(os.path.basename(file)))
        outside = around(directory)
        self._tell((*doubts(inside), *file_problems(outside)))
        found = by_dockerfile(inside)
        for dockerfile, places in by_dockerfile(outside).items():
            found[dockerfile] = _together(found.get(dockerfile, ()), places)
        if not found:
            return dict.fromkeys(dockerfiles, ())
        named = {os.path.realpath(file): file for file in dockerfiles}
        inner = set(listed)
        for dockerfile in found:
            path = os.path.relpath(dockerfile, os.path.realpath(directory))
            if dockerfile not in named and path in inner:
                named[dockerfile] = os.path.normpath(os.path.join(directory, path))
        return {file: found.get(os.path.realpath(file), ()) for file in sorted({*dockerfiles, *named.values()})}

    def in_file(self, path: str) -> tuple[dict[str, tuple[Place, ...]], list[Problem]]:
        """The Dockerfiles that a Compose or Bake file builds, each with its places; and what is wrong with it.

        Other files that build them from somewhere else count as well.
        """
        reading = in_files([path], named=True)
        wrong = list(doubts(reading))
        named = by_dockerfile(reading)
        files = {build.dockerfile: os.path.realpath(build.dockerfile) for build in reading.builds}
        return {
            file: _together(named[real], self.of(file)) for file, real in sorted(files.items()) if real in named
        }, wrong

    def _tell(self, problems: Sequence[Problem]) -> None:
        for problem in problems:
            if problem not in self._told and not is_foreign(problem.file):
                self._told.add(problem)
                say(f"warning: {problem.sentence}")


def _together(first: tuple[Place, ...], second: tuple[Place, ...]) -> tuple[Place, ...]:
    """The places of both, each context once."""
    found: dict[str, Place] = {}
    for place in (*first, *second):
        real = os.path.realpath(place.context)
        before = found.get(real)
        if before is None:
            found[real] = place
        else:
            known = {(build.file, build.line, build.name) for build in before.builds}
            more = [build for build in place.builds if (build.file, build.line, build.name) not in known]
            found[real] = before._replace(builds=(*before.builds, *more))
    return tuple(found.values())
