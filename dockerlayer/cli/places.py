"""The build contexts of Dockerfiles, as the project's Compose and Bake files have them."""

from __future__ import annotations

import os
from collections.abc import Sequence

from dockerlayer.builds.definition import Problem
from dockerlayer.builds.find import in_files, is_build_file, is_foreign
from dockerlayer.builds.places import (
    Place,
    around,
    doubts,
    file_problems,
    forget,
    index_of,
    of_dockerfile,
    places_in,
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
        if _is_nowhere(path):
            return ()
        places, problems = of_dockerfile(path)
        self._tell(problems)
        return places

    def below(self, directory: str) -> dict[str, tuple[Place, ...]]:
        """The Dockerfiles below a directory, sorted, each with its places: those that a build names among them."""
        listed = listing(directory)
        files = chosen(directory, listed, lambda name: is_dockerfile(name) or is_build_file(name))
        dockerfiles = [file for file in files if is_dockerfile(os.path.basename(file))]
        if _is_nowhere(directory):
            return dict.fromkeys(dockerfiles, ())
        reading = in_files(file for file in files if is_build_file(os.path.basename(file)))
        outside = around(directory)
        self._tell((*doubts(reading), *file_problems(outside)))
        indexes = [index_of(reading), *outside]
        real = {file: os.path.realpath(file) for file in dockerfiles}
        known = set(real.values())
        inner, top = set(listed), os.path.realpath(directory)
        for dockerfile in {path for index in indexes for path in index.places} - known:
            path = os.path.relpath(dockerfile, top)
            if path in inner:
                real[os.path.normpath(os.path.join(directory, path))] = dockerfile
        return {file: places_in(indexes, real[file]) for file in sorted(real)}

    def in_file(self, path: str) -> tuple[dict[str, tuple[Place, ...]], list[Problem]]:
        """The Dockerfiles that a Compose or Bake file builds, each with its places; and what is wrong with it.

        Other files that build them from somewhere else count as well.
        """
        if _is_nowhere(path):
            return {}, [Problem(path, 0, "the current directory is gone")]
        reading = in_files([path], named=True)
        index = index_of(reading)
        files = {build.dockerfile: os.path.realpath(build.dockerfile) for build in reading.builds}
        found = {
            file: places_in([index, *around(os.path.dirname(file))], real)
            for file, real in sorted(files.items())
            if real in index.places
        }
        return found, list(doubts(reading))

    def _tell(self, problems: Sequence[Problem]) -> None:
        for problem in problems:
            if problem not in self._told and not is_foreign(problem.file):
                self._told.add(problem)
                say(f"warning: {problem.sentence}")


def _is_nowhere(path: str) -> bool:
    """Whether a path is relative to a current directory that is gone."""
    if os.path.isabs(path):
        return False
    try:
        os.getcwd()
    except OSError:
        return True
    return False
