"""The build contexts that a project's Compose and Bake files give to its Dockerfiles."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import NamedTuple

from dockerlayer.builds import find
from dockerlayer.builds.definition import Build, Problem, Reading
from dockerlayer.builds.find import in_directory, leading_out, repository, upwards


class Place(NamedTuple):
    """A build context of a Dockerfile, and the builds that give it."""

    context: str
    builds: tuple[Build, ...]


class Index(NamedTuple):
    """What some files say: the contexts of each Dockerfile by its real path, the files that they include, problems."""

    places: dict[str, tuple[Place, ...]]
    included: frozenset[str] = frozenset()
    problems: tuple[Problem, ...] = ()


def forget() -> None:
    """Forget what was read, as it may have changed since."""
    find.forget()
    _of_directory.cache_clear()
    _of_repository.cache_clear()


def index_of(reading: Reading) -> Index:
    """The builds of files by their Dockerfiles, in the order of the files.

    A context that is no directory, or not in the repository of the file, is none: `doubts` tells of it.
    """
    found: dict[str, dict[str, list[Build]]] = {}
    for build in reading.builds:
        if _doubt(build) is None:
            contexts = found.setdefault(os.path.realpath(build.dockerfile), {})
            contexts.setdefault(os.path.realpath(build.context), []).append(build)
    places = {
        dockerfile: tuple(Place(builds[0].context or os.curdir, tuple(builds)) for builds in contexts.values())
        for dockerfile, contexts in found.items()
    }
    return Index(places, reading.included, reading.problems)


@lru_cache(maxsize=4096)
def _of_directory(directory: str) -> Index:
    return index_of(in_directory(directory))


@lru_cache(maxsize=16)
def _of_repository(root: str) -> Index:
    return index_of(leading_out(root))


def around(directory: str) -> list[Index]:
    """What is said in a directory and in those above it, up to the root of its repository, nearest first.

    Last comes what other directories of the repository say of files that are not their own.
    """
    found = [_of_directory(each) for each in upwards(directory)]
    root = repository("" if directory == os.curdir else directory)
    return found if root is None else [*found, _of_repository(root)]


def of_dockerfile(path: str) -> tuple[tuple[Place, ...], tuple[Problem, ...]]:
    """The contexts of one Dockerfile as the files of its repository have them, () where none names it.

    Also what keeps files in its directory or above from being read.
    """
    indexes = around(os.path.dirname(path))
    return places_in(indexes, os.path.realpath(path)), file_problems(indexes)


def places_in(indexes: Sequence[Index], dockerfile: str) -> tuple[Place, ...]:
    """The contexts of a Dockerfile, which is named by its real path; of an included file as the other one has it."""
    mine = [(index, index.places[dockerfile]) for index in indexes if dockerfile in index.places]
    if not mine:
        return ()
    found: dict[str, Place] = {}
    for index, places in mine:
        elsewhere = [other.included for other in indexes if other.included and other is not index]
        for place in places:
            builds = [build for build in place.builds if not any(build.file in files for files in elsewhere)]
            if builds:
                real = os.path.realpath(place.context)
                before = found.get(real)
                found[real] = Place(before.context if before else place.context, _joined(before, builds))
    return tuple(found.values())


def _joined(before: Place | None, builds: Iterable[Build]) -> tuple[Build, ...]:
    known = {(os.path.abspath(build.file), build.line, build.name): build for build in before.builds} if before else {}
    for build in builds:
        known.setdefault((os.path.abspath(build.file), build.line, build.name), build)
    return tuple(known.values())


def file_problems(indexes: Iterable[Index]) -> tuple[Problem, ...]:
    """What keeps whole files from being read."""
    return tuple(problem for index in indexes for problem in index.problems if not problem.name)


def doubts(reading: Reading) -> tuple[Problem, ...]:
    """All that is wrong with builds and files, a context or a Dockerfile that is not there among it."""
    found: dict[tuple[str, str, str], Problem] = {}
    for build in reading.builds:
        problem = _doubt(build)
        if problem is not None:
            # One is enough for all builds of the same.
            found.setdefault((build.file, build.context, build.dockerfile), problem)
    return tuple(dict.fromkeys((*reading.problems, *found.values())))


def _doubt(build: Build) -> Problem | None:
    said = ""
    if not os.path.isdir(build.context):
        said = f"there is no directory {build.context}"
    elif not _allowed(os.path.dirname(build.file), build.context):
        said = f"{build.context} is outside of the repository"
    elif not os.path.lexists(build.dockerfile):
        said = f"there is no {build.dockerfile}"
    if not said:
        return None
    return Problem(build.file, build.line, f"{build.kind} {build.name} is left out: {said}", build.name, missing=True)


def _allowed(home: str, context: str) -> bool:
    """Whether a context may be looked into: nothing outside of the repository, nor all of a machine."""
    root = repository(home)
    real = os.path.realpath(context)
    if root is None:
        return os.path.dirname(real) != real
    root = os.path.realpath(root)
    return real == root or real.startswith(root.rstrip(os.sep) + os.sep)
