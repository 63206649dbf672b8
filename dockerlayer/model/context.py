"""The build context as the builder sees it: the files below a directory less what its ignore file keeps out.

Paths are slash-separated and relative to the context; ``""`` is its root and a file name that is not UTF-8 is spelled
with lone surrogates (``surrogateescape``).  Nothing is opened that is not a regular file, and no symbolic link is
followed out of the context.
"""

from __future__ import annotations

import os
import posixpath
import re
import stat
from collections.abc import Iterator, Sequence
from functools import cached_property, lru_cache
from pathlib import Path

from dockerlayer.errors import InputError
from dockerlayer.model.gitignore import git_ignores
from dockerlayer.model.ignore import IgnoreRules, MalformedPatternError, copy_glob
from dockerlayer.model.tree import Entry, NoTree, Tree

READ_LIMIT = 4 * 1024 * 1024
_WILDCARD = re.compile(r"(?:\\.|[^\\*?\[])*+[*?\[]", re.DOTALL)


class Context:
    """Answers what a ``COPY`` could find; made by ``Context.open`` or ``Context.nothing``.

    A symbolic link counts as what it leads to: it is missing if that is missing, ignored or outside the context, or
    if the link is absolute, since the builder knows no path outside.  Only files, directories and links count.
    """

    def __init__(self, tree: Tree, dockerfile: Path | None = None, lines: tuple[str, ...] = ()) -> None:
        self.root = tree.root
        self._tree = tree
        self.dockerfile = dockerfile
        self._lines = lines
        self._survives = lru_cache(maxsize=1024)(self._has_survivor)

    @classmethod
    def open(cls, root: Path, dockerfile: Path | None = None, near: Context | None = None) -> Context:
        """The context directory ``root``; raises InputError if it is no directory that can be listed.

        ``<dockerfile>.dockerignore`` beside ``dockerfile`` is preferred to ``root``'s ``.dockerignore``, as in
        BuildKit's frontend/dockerui; either is read when first needed. A context ``near`` with the same root lends
        what it has read of the directory.
        """
        if near is not None and near.root == root:
            return cls(near._tree, dockerfile)
        try:
            with os.scandir(root):
                pass
        except (OSError, ValueError) as error:
            cause = error.strerror if isinstance(error, OSError) else error
            raise InputError(f"cannot use {root} as the build context: {cause}") from error
        return cls(Tree(root), dockerfile)

    @classmethod
    def nothing(cls) -> Context:
        """A context in which nothing exists, not even a root, as when the Dockerfile comes from standard input."""
        return cls(NoTree(Path()))

    def ignoring(self, lines: Sequence[str]) -> Context:
        """The same directory with more lines at the end of the ignore file; nothing is written."""
        if not lines:
            return self
        return type(self)(self._tree, self.dockerfile, (*self._lines, *lines))

    @cached_property
    def _ignore(self) -> tuple[Path | None, IgnoreRules, tuple[tuple[int, str], ...]]:
        file, rules, problems = self._ignore_on_disk
        return file, rules.followed_by(self._lines), problems

    @cached_property
    def _ignore_on_disk(self) -> tuple[Path | None, IgnoreRules, tuple[tuple[int, str], ...]]:
        sources = [(self._tree, ".dockerignore")]
        if self.dockerfile is not None:
            sources.insert(0, (self._tree.beside(self.dockerfile.parent), self.dockerfile.name + ".dockerignore"))
        problems: list[tuple[int, str]] = []
        for tree, name in sources:
            if tree.mode(name) is None:
                continue
            real = tree.resolve(name)
            try:
                if real is None:
                    raise OSError("a symbolic link that leads nowhere or out of its directory")
                rules = IgnoreRules.parse(tree.read(real, READ_LIMIT))
            except OSError as error:
                problems.append((0, f"{tree.root / name} cannot be read: {error.strerror or error}"))
                continue
            return tree.root / name, rules, (*problems, *rules.problems)
        return None, IgnoreRules(), tuple(problems)

    @property
    def ignore_file(self) -> Path | None:
        """The ignore file in force."""
        return self._ignore[0]

    @property
    def ignore_target(self) -> Path:
        """Where more lines for the ignore file go: the one in force, else a new one in the context."""
        return self.ignore_file or self.root / ".dockerignore"

    @property
    def ignore_problems(self) -> tuple[tuple[int, str], ...]:
        """Line and message of each malformed pattern; line 0 if a whole ignore file cannot be read."""
        return self._ignore[2]

    def exists(self, path: str) -> bool:
        """Whether ``path`` is in the context: an ignored directory is if anything below it is not ignored."""
        return self._find(path) is not None

    def is_dir(self, path: str) -> bool:
        """Whether ``path`` is a directory in the context, or a link to one."""
        return (found := self._find(path)) is not None and self._tree.mode(found) == stat.S_IFDIR

    def is_file(self, path: str) -> bool:
        """Whether ``path`` is a regular file in the context, or a link to one."""
        return (found := self._find(path)) is not None and self._tree.mode(found) == stat.S_IFREG

    def is_link(self, path: str) -> bool:
        """Whether ``path`` itself is a symbolic link on disk."""
        lexical = _inside(path)
        if not lexical:
            return False
        directory, name = posixpath.split(lexical)
        parent = self._tree.resolve(directory)
        return parent is not None and self._tree.mode(posixpath.join(parent, name)) == stat.S_IFLNK

    def hidden(self, path: str) -> bool:
        """Whether ``path`` is on disk but kept out, itself or on the way to it, by the ignore file."""
        lexical = _inside(path)
        if lexical is None:
            return False
        directory, name = posixpath.split(lexical)
        parent = self._tree.resolve(directory)
        if parent is None or self._tree.mode(posixpath.join(parent, name)) is None:
            return False
        real = self._tree.resolve(lexical)
        if real is None or self._tree.mode(real) not in (stat.S_IFDIR, stat.S_IFREG):
            return self._ignore[1].ignored(lexical)
        return self._find(path) is None

    def keeps_out(self, path: str) -> bool:
        """Whether the ignore file keeps ``path`` out, on disk or not: it and all that could be below it."""
        rules = self._ignore[1]
        return rules.may_prune(path) or rules.empties(path)

    def lets_in_some(self, path: str) -> bool:
        """Whether the ignore file keeps a directory out but makes an exception, or could, for something below it."""
        return self._ignore[1].ignored(path) and not self._ignore[1].may_prune(path)

    def git_ignores(self, path: str) -> bool | None:
        """Whether the context's ``.gitignore`` files leave a directory out; None if there are none, and no ``.git``."""
        found = git_ignores(self._git_rules, path)
        return False if found is None and self._tree.mode(".git") is not None else found

    def _git_rules(self, directory: str) -> bytes | None:
        real = self._tree.resolve(posixpath.join(directory, ".gitignore"))
        try:
            return None if real is None else self._tree.read(real, READ_LIMIT)
        except OSError:
            return None

    def names(self, directory: str) -> list[str]:
        """The sorted names of what is directly in a directory of the context."""
        real = self._find(directory)
        if real is None:
            return []
        return [name for name, _ in self._tree.entries(real) if self._find(posixpath.join(directory, name)) is not None]

    def read(self, path: str, limit: int = READ_LIMIT) -> bytes | None:
        """The bytes of a file in the context; None if there is none, it is unreadable or exceeds ``limit``."""
        found = self._find(path)
        try:
            return None if found is None else self._tree.read(found, limit)
        except OSError:
            return None

    def walk(self, directory: str = "") -> Iterator[str]:
        """Every regular file and symbolic link below ``directory``, lazily and sorted within each directory.

        Links are yielded and not followed; if ``directory`` is itself one, what it leads to is spelled below it.
        """
        start, shown = self._find(directory), _inside(directory) or ""
        for path, kind in () if start is None else self._descend(start):
            if kind in (stat.S_IFREG, stat.S_IFLNK):
                yield posixpath.join(shown, path[len(start or "") :].lstrip("/"))

    def copied(self, path: str) -> Iterator[Entry]:
        """What a COPY of ``path`` takes: itself, named ``""``, and everything below; raises OSError.

        The mode of the context's own root is left out: it never reaches the builder.
        """
        start = self._find(path)
        if start is None:
            return
        yield self._tree.entry(start, "") if start else Entry("", stat.S_IFDIR, 0, "")
        above: set[str] = {start}
        for real, kind in self._descend(start) if self._tree.mode(start) == stat.S_IFDIR else ():
            # A directory that is ignored comes along with what is not ignored below it.
            missing = []
            parent = posixpath.dirname(real)
            while parent not in above:
                missing.append(parent)
                above.add(parent)
                parent = posixpath.dirname(parent)
            if kind == stat.S_IFDIR:
                above.add(real)
            for found in (*reversed(missing), real):
                yield self._tree.entry(found, found[len(start) :].lstrip("/"))

    def entries(self) -> Iterator[tuple[str, int]]:
        """Path and file type (``stat.S_IF*``, 0 for pipes and the like) of all that is sent to the builder.

        A directory that is itself ignored is left out, what is below it and not ignored is there.
        """
        return self._descend("")

    def glob(self, pattern: str) -> list[str]:
        """The sorted paths a ``COPY`` source stands for, ``[]`` if there are none or the pattern is malformed.

        As in BuildKit (fsutil/copy), ``/`` and ``..`` in front are dropped, a backslash is an ordinary character
        up to the first part with a wildcard, and links are not followed from that part on.
        """
        cleaned = posixpath.normpath("/" + pattern).lstrip("/")
        parts = cleaned.split("/")
        plain = next((at for at, part in enumerate(parts) if _WILDCARD.match(part)), len(parts))
        base = "/".join(parts[:plain])
        start = self._find(base)
        if plain == len(parts) or start is None:
            return [] if start is None else [base]
        try:
            matchers = [copy_glob(part) for part in parts[plain:]]
        except MalformedPatternError:
            return []
        found = [(base, start)]
        for matcher in matchers:
            found = [
                (posixpath.join(shown, name), posixpath.join(real, name))
                for shown, real in found
                if self._tree.mode(real) == stat.S_IFDIR
                for name, _ in self._tree.entries(real)
                if matcher.match(name) and not self._ignore[1].may_prune(posixpath.join(real, name))
            ]
        return sorted(shown for shown, real in found if self._find(real) is not None)

    def _find(self, path: str) -> str | None:
        lexical = _inside(path)
        real = None if lexical is None else self._tree.resolve(lexical, lambda link: not self._ignore[1].ignored(link))
        if real is None or self._tree.mode(real) not in (stat.S_IFDIR, stat.S_IFREG):
            return None
        if not self._ignore[1].ignored(real):
            return real
        return real if self._tree.mode(real) == stat.S_IFDIR and self._survives(real) else None

    def _has_survivor(self, directory: str) -> bool:
        return next(self._descend(directory), None) is not None

    def _descend(self, start: str) -> Iterator[tuple[str, int]]:
        """Path and file type of everything below ``start`` that is not ignored."""
        rules = self._ignore[1]
        levels = [] if rules.may_prune(start) else [(start, iter(self._tree.entries(start)))]
        while levels:
            directory, entries = levels[-1]
            name, kind = next(entries, ("", 0))
            if not name:
                levels.pop()
                continue
            path = posixpath.join(directory, name)
            if not rules.ignored(path):
                yield path, kind
            if kind == stat.S_IFDIR and not rules.may_prune(path):
                levels.append((path, iter(self._tree.entries(path))))


def _inside(path: str) -> str | None:
    """``path`` cleaned, ``""`` for the root; None if it climbs out of the context."""
    cleaned = posixpath.normpath(path.lstrip("/"))
    if cleaned == ".." or cleaned.startswith("../"):
        return None
    return "" if cleaned == "." else cleaned
