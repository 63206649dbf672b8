"""The Compose and Bake files of a project, and which of them are used together.

Files in one directory are used together as their programs do it: ``compose.yaml`` and its override (compose-go,
cli/options.go), ``docker-bake.json`` and ``.hcl`` and theirs with the Compose file (docker/buildx, bake/bake.go). Any
other, such as ``compose.prod.yaml``, is read for itself, laid over these where it leaves something out.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache

from dockerlayer.builds.definition import Build, Problem, Reading, Unusable, read_file
from dockerlayer.discovery import tracked

_COMPOSE = re.compile(r"(?:.*[._-])?compose(?:[._-].*)?\.ya?ml", re.IGNORECASE | re.DOTALL)
_BAKE = re.compile(r"(?:.*[._-])?bake(?:[._-].*)?\.(?:hcl|json)", re.IGNORECASE | re.DOTALL)
_DEFAULTS = ("compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml")
_OVERRIDES = (
    "compose.override.yml",
    "compose.override.yaml",
    "docker-compose.override.yml",
    "docker-compose.override.yaml",
)
_BAKES = ("docker-bake.json", "docker-bake.hcl", "docker-bake.override.json", "docker-bake.override.hcl")
_LEADS = re.compile(rb"\b(?:build|extends|include)\b")
"""Nothing else in a Compose file leads to a build."""
_CLIMBS = re.compile(rb"\.\.|\$")
"""What a path outside of the directory of the file has in it."""
_LEVELS = 40


def forget() -> None:
    """Forget what was read, as it may have changed since."""
    for cached in (repository, _climbing, _names, _compose, _bake):
        cached.cache_clear()


def is_build_file(name: str) -> bool:
    """Whether a file of this name is taken for a Compose or Bake file."""
    return _COMPOSE.fullmatch(name) is not None or _BAKE.fullmatch(name) is not None


def is_foreign(path: str) -> bool:
    """Whether a file came with the code of others: what it names is seldom there."""
    return "vendor" in path.split(os.sep)


def in_files(paths: Iterable[str], *, named: bool = False) -> Reading:
    """The builds of files, each with those that its own directory has for it to be used with.

    What is not YAML in a file without a word of a build is told only if the user has ``named`` the file.
    """
    groups: dict[str, list[str]] = {}
    for path in paths:
        groups.setdefault(os.path.dirname(path), []).append(os.path.basename(path))
    return _combined(_in_directory(directory, names, named) for directory, names in groups.items())


def in_directory(directory: str) -> Reading:
    """The builds of the files in a directory itself."""
    return _in_directory(directory, _names(directory))


def leading_out(root: str) -> Reading:
    """The builds of the files of a repository that lead out of their own directory, or may, as far as git has them."""
    return in_files(_climbing(root))


@lru_cache(maxsize=16)
def _climbing(root: str) -> tuple[str, ...]:
    found: list[str] = []
    for path in tracked(root, "*compose*.yaml", "*compose*.yml", "*bake*.hcl", "*bake*.json"):
        file = os.path.join(root, path)
        if not is_build_file(os.path.basename(path)) or is_foreign(path):
            continue
        try:
            data = read_file(file)
            # Bake may run in the root, wherever its file is.
            if not file.endswith((".yaml", ".yml")) or (_LEADS.search(data) and _CLIMBS.search(data)):
                found.append(file)
        except Unusable:
            continue
    return tuple(found)


@lru_cache(maxsize=1024)
def repository(directory: str) -> str | None:
    """The root of the work tree that a directory is in, as a path that begins like it; None if there is none."""
    at = directory
    for _ in range(_LEVELS):
        if os.path.lexists(os.path.join(at, ".git")):
            return at
        up = _parent(at)
        if up is None:
            return None
        at = up
    return None


def _top(directory: str) -> str | None:
    """The root of the repository, else the current directory if that is above."""
    root = repository(directory)
    return "" if root is None and not os.path.isabs(directory) and not directory.startswith(os.pardir) else root


def _parent(directory: str) -> str | None:
    """The directory above, spelled like this one as long as that is possible; None above the root."""
    if directory and os.path.basename(directory) not in ("", os.curdir, os.pardir):
        return os.path.dirname(directory)
    full = os.path.abspath(directory or os.curdir)
    up = os.path.dirname(full)
    if up == full:
        return None
    return os.path.normpath(os.path.join(directory, os.pardir)) if not os.path.isabs(directory) else up


def upwards(directory: str) -> Iterator[str]:
    """The directory and those above it: to the root of the repository, else to the current directory."""
    at = "" if directory == os.curdir else directory
    root = _top(at)
    while True:
        yield at
        up = _parent(at)
        if root is None or at == root or up is None:
            return
        at = up


@lru_cache(maxsize=256)
def _names(directory: str) -> tuple[str, ...]:
    """The Compose and Bake files in a directory."""
    try:
        return tuple(sorted(filter(is_build_file, os.listdir(directory or os.curdir))))
    except OSError:
        return ()


def _in_directory(directory: str, names: Sequence[str], every: bool = False) -> Reading:
    """The builds of some of a directory's files, used with the others as their programs do it."""
    there = _names(directory)
    compose = [name for names in (_DEFAULTS, _OVERRIDES) for name in [_first(names, there)] if name]
    if compose and compose[0] in _OVERRIDES:
        compose = []
    bakes = [name for name in _BAKES if name in there]
    readings: list[Reading] = []
    if any(name in names for name in compose):
        readings.append(_compose(directory, tuple(compose), (), every))
    if any(name in names for name in bakes):
        readings.append(_bake(directory, tuple(bakes), tuple(compose), ""))
    for name in names:
        if name in compose or name in bakes:
            continue
        if name.lower().endswith((".hcl", ".json")):
            readings.append(_bake(directory, (*bakes, name), tuple(compose), name))
        else:
            beside = () if name in _DEFAULTS else tuple(compose)
            readings.append(_compose(directory, (name,), beside, every))
    return _combined(readings)


def _first(names: Sequence[str], there: Sequence[str]) -> str | None:
    return next((name for name in names if name in there), None)


@lru_cache(maxsize=1024)
def _compose(directory: str, names: tuple[str, ...], beside: tuple[str, ...], every: bool = False) -> Reading:
    paths = [os.path.join(directory, name) for name in names]
    kept: list[str] = []
    problems: list[Problem] = []
    for path in paths:
        try:
            if every or _LEADS.search(read_file(path)):
                kept.append(path)
        except Unusable as error:
            problems.append(Problem(path, error.line, error.message))
    if not kept:
        return Reading((), tuple(problems))
    from dockerlayer.builds.compose import read_compose

    reading = read_compose(kept, read_file, [os.path.join(directory, name) for name in beside])
    return reading._replace(problems=(*problems, *reading.problems))


@lru_cache(maxsize=1024)
def _bake(directory: str, names: tuple[str, ...], compose: tuple[str, ...], only: str) -> Reading:
    from dockerlayer.builds.bake import read_bake

    services = {build.name: build for build in _compose(directory, compose, ()).builds} if compose else {}
    paths = [os.path.join(directory, name) for name in names]
    reading = read_bake(paths, read_file, _top(directory), services)
    if not only:
        return reading
    path = os.path.join(directory, only)
    return Reading(
        tuple(build for build in reading.builds if build.file == path),
        tuple(problem for problem in reading.problems if problem.file == path),
    )


def _combined(readings: Iterable[Reading]) -> Reading:
    """All builds once; of a file that another one includes, as that one has them."""
    together = list(readings)
    included = frozenset(path for reading in together for path in reading.included)
    builds: dict[tuple[str, int, str, str, str], Build] = {}
    problems: list[Problem] = []
    for reading in together:
        for build in reading.builds:
            if build.file not in included or reading.included:
                builds.setdefault((build.file, build.line, build.name, build.context, build.dockerfile), build)
        problems += reading.problems
    return Reading(tuple(builds.values()), tuple(dict.fromkeys(problems)), included)
