"""``--diff-base``: what the files were at a commit, so that only what came in since then is told.

A finding is old when the same rule said the same of the same file at the commit that HEAD and the given revision come
from, whatever lines it stands on now. So a moved text brings nothing new, and a lockfile or an ignore file that was
changed does, on a line that was not. Only files that have findings now are looked at as they were.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from dockerlayer.agreement import View, examine_all
from dockerlayer.api import Ecosystem
from dockerlayer.baseline import Known, known_of
from dockerlayer.cli.work import Source
from dockerlayer.discovery import is_dockerfile
from dockerlayer.errors import InputError
from dockerlayer.git import Commit, merge_base, paths_at, work_tree
from dockerlayer.model.context import Context
from dockerlayer.model.revision import RevisionTree
from dockerlayer.report.place import root_of
from dockerlayer.source import SIZE_LIMIT, read_file

_ALIKE = 0.5
"""The part of two texts that is the same in a file that was renamed, as for ``git diff -M``."""

_PAIRS = 20_000


class Base(NamedTuple):
    """A Dockerfile as it was: the root of the work tree, the commit, and the path there, None where it was not."""

    root: str
    commit: str
    path: str | None


def with_bases(revision: str, sources: Sequence[Source], paths: Sequence[str]) -> list[Source]:
    """The sources with what they are compared with; raises InputError when a file or revision cannot be.

    A revision that does not exist is told as well where nothing was found in the directories among ``paths``.
    """
    try:
        if not sources:
            for directory in filter(os.path.isdir, paths or [os.curdir]):
                merge_base(work_tree(directory), revision)
        return list(_with_bases(revision, sources))
    except InputError as error:
        raise InputError(f"--diff-base {revision}: {error}") from error


def _with_bases(revision: str, sources: Sequence[Source]) -> Iterator[Source]:
    tops: dict[str, str] = {}
    places = [_place(source, tops) for source in sources]
    trees = {top: work_tree(top) for top in dict.fromkeys(top for top, _ in places)}
    commits = {root: merge_base(root, revision) for root in dict.fromkeys(trees.values())}
    inside = [os.path.relpath(path, trees[top]).replace(os.sep, "/") for top, path in places]
    before: dict[tuple[str, str], str | None] = {}
    for root, commit in commits.items():
        mine = {
            path: source for (top, _), path, source in zip(places, inside, sources, strict=True) if trees[top] == root
        }
        before |= {(root, path): old for path, old in _paths_before(root, commit, mine).items()}
    for source, (top, _), path in zip(sources, places, inside, strict=True):
        root = trees[top]
        yield source._replace(base=Base(root, commits[root], before[root, path]))


def _place(source: Source, tops: dict[str, str]) -> tuple[str, str]:
    """The directory around a file that looks like the root of a work tree, and the file's own path without links."""
    if not source.placed:
        raise InputError("the text of standard input is in no repository; --stdin-filename says where it belongs")
    directory, name = os.path.split(os.path.abspath(source.path))
    directory = os.path.realpath(directory)
    if directory not in tops:
        tops[directory] = root_of(directory).top
    return tops[directory], os.path.join(directory, name)


def _paths_before(root: str, commit: str, sources: Mapping[str, Source]) -> Mapping[str, str | None]:
    """Where each path was at the commit: there, or where the file that was renamed to it was."""
    files = Commit(root, commit)
    try:
        tree = RevisionTree(Path(root), files)
        new = [path for path in sources if tree.resolve(path) is None]
        found: dict[str, str | None] = {path: None if path in new else path for path in sources}
        if new:
            names = {os.path.basename(path) for path in new}
            gone = [
                path
                for path in paths_at(root, commit)
                if (is_dockerfile(name := os.path.basename(path)) or name in names)
                and not os.path.lexists(os.path.join(root, path))
            ]
            found |= _renamed(tree, {path: sources[path] for path in new}, gone)
    finally:
        files.close()
    if files.problem:
        raise InputError(files.problem)
    return found


def _renamed(tree: RevisionTree, new: Mapping[str, Source], gone: Sequence[str]) -> Mapping[str, str]:
    """What each new file is the continuation of, the most alike first; each file has one."""
    few = len(new) * len(gone) <= _PAIRS
    lines = {path: _lines(_text_at(tree, path) or b"") for path in gone}
    pairs = []
    for path, source in new.items():
        mine = _lines(_text_now(source))
        for old in gone:
            same_name = os.path.basename(old) == os.path.basename(path)
            if (few or same_name) and (alike := _alikeness(mine, lines[old])) >= _ALIKE:
                pairs.append((-alike, not same_name, path, old))
    found: dict[str, str] = {}
    taken: set[str] = set()
    for _, _, path, old in sorted(pairs):
        if path not in found and old not in taken:
            found[path] = old
            taken.add(old)
    return found


def _text_now(source: Source) -> bytes:
    try:
        return read_file(source.path) if source.data is None else source.data
    except InputError:
        return b""


def _text_at(tree: RevisionTree, path: str) -> bytes | None:
    real = tree.resolve(path)
    try:
        return None if real is None else tree.read(real, SIZE_LIMIT)
    except OSError:
        return None


def _lines(data: bytes) -> Counter[bytes]:
    return Counter(data.replace(b"\r\n", b"\n").splitlines(keepends=True))


def _alikeness(one: Counter[bytes], other: Counter[bytes]) -> float:
    longest = max(_size(one), _size(other))
    return _size(one & other) / longest if longest else 0.0


def _size(lines: Counter[bytes]) -> int:
    return sum(len(line) * number for line, number in lines.items())


_commits: dict[tuple[str, str], Commit] = {}


def known_at(base: Base, source: Source, ecosystems: Sequence[Ecosystem]) -> Known:
    """What was found in the file as it was; raises InputError when that cannot be read."""
    if base.path is None:
        return Known()
    key = (base.root, base.commit)
    commit = _commits.get(key) or _commits.setdefault(key, Commit(*key))
    data = _text_at(_tree(base.root, commit), base.path)
    if data is None:
        known = Known()
    else:
        file = Path(base.root, base.path)
        views = [View(Context(_tree(context, commit), file)) for context in _contexts_before(base, source, commit)]
        known = known_of(examine_all(data, views, ecosystems, source.settings.options).findings)
    if commit.problem:
        raise InputError(commit.problem)
    return known


@lru_cache(maxsize=4)
def _tree(root: str, commit: Commit) -> RevisionTree:
    """The tree of a directory: that of files just dealt with is lent again."""
    return RevisionTree(Path(root), commit)


def close() -> None:
    """Forget what was read, and end the processes that read it."""
    _tree.cache_clear()
    while _commits:
        _commits.popitem()[1].close()


def _contexts_before(base: Base, source: Source, commit: Commit) -> list[str]:
    """The directories that the file was built from: those of now, which move along with the Dockerfile."""
    assert base.path is not None
    before = os.path.dirname(os.path.join(base.root, base.path))
    if source.settings.context is not None:
        named = [source.settings.context]
    else:
        named = [place.context for place in source.places]
    now = os.path.realpath(os.path.dirname(source.path) or ".")
    found: list[str] = []
    for context in map(os.path.realpath, named):
        there = _tree(context, commit).mode("") is not None
        found.append(context if there else os.path.normpath(os.path.join(before, os.path.relpath(context, now))))
    return found or [before]
