"""Finding Dockerfiles below a directory.

Inside of a git work tree git itself lists the files, so that what it ignores is left out; anywhere else, and without
git, every directory is looked into and ``.gitignore`` files mean nothing.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence

from dockerlayer.errors import InputError
from dockerlayer.source import read_file

_NAME = re.compile(r"dockerfile(?:[.-].*)?|.*\.dockerfile|containerfile.*", re.IGNORECASE | re.DOTALL)
# Ignore files, what editors and merges leave behind, pictures and pages about Dockerfiles, and templates of some.
_NOT_ONE = re.compile(
    r".*(?:~|\.(?:dockerignore|sw[op]|orig|bak|rej|png|jpe?g|gif|svg|webp|pdf|md|rst|html?|css|jsx?|tsx?|j2|jinja2?|erb"
    r"|tmpl|tpl|gotmpl|mustache))",
    re.IGNORECASE | re.DOTALL,
)
_CLOSED = frozenset({".git", ".hg", ".svn", "node_modules", ".venv", "venv", "__pycache__"})


def is_dockerfile(name: str) -> bool:
    """Whether a file of this name is looked at when its directory is."""
    return _NAME.fullmatch(name) is not None and _NOT_ONE.fullmatch(name) is None


def chosen(directory: str, listed: Sequence[str], wanted: Callable[[str], bool]) -> list[str]:
    """The paths of those files of a directory's `listing` whose name is ``wanted``, sorted.

    Undecodable bytes of names are surrogates. Everything is a file here that is no directory: what cannot be read is
    for the reader to report.
    """
    found = {os.path.normpath(os.path.join(directory, path)) for path in listed if wanted(os.path.basename(path))}
    return sorted(path for path in found if os.path.lexists(path) and not os.path.isdir(path))


def listing(directory: str) -> list[str]:
    """The files below a directory that may be looked at, relative to it; some may be gone, or be directories."""
    listed = _listed_by_git(directory)
    if not listed and (listed is None or _is_ignored(directory)):
        listed = list(_walked(directory))
    return [path for path in listed if _CLOSED.isdisjoint(path.split(os.sep)[:-1])]


def tracked(root: str, *patterns: str) -> list[str]:
    """The files of git's index whose path matches, relative to the root of the work tree; () where git cannot tell."""
    if _none_tracked(root, patterns):
        return []
    output = _git(root or os.curdir, "ls-files", "-z", "--cached", "--", *patterns)
    listed = [] if output is None else [os.path.normpath(path) for path in os.fsdecode(output).split("\0") if path]
    return [path for path in listed if _CLOSED.isdisjoint(path.split(os.sep)[:-1])]


def _none_tracked(root: str, patterns: Iterable[str]) -> bool:
    """Whether no path in git's index matches a pattern of stars and text; False also where that takes git to tell.

    The index has whole paths (gitformat-index(5)), but in version 4, and where a part of it is in another file or in a
    tree. To start git takes a fifth of the time that one Dockerfile does.
    """
    try:
        data = read_file(os.path.join(root, ".git", "index"))
    except InputError:
        return False
    whole = data.startswith((b"DIRC\0\0\0\x02", b"DIRC\0\0\0\x03")) and b"link\0" not in data and b"sdir\0" not in data
    return whole and not any(all(part.encode() in data for part in pattern.split("*")) for pattern in patterns)


def _walked(root: str) -> Iterator[str]:
    pending = [""]
    while pending:
        inside = pending.pop()
        try:
            with os.scandir(os.path.join(root, inside)) as listing:
                entries = [(entry.name, entry.is_dir(follow_symlinks=False)) for entry in listing]
        except OSError:
            continue
        for name, is_dir in entries:
            path = os.path.join(inside, name)
            if not is_dir:
                yield path
            elif name not in _CLOSED:
                pending.append(path)


def _listed_by_git(directory: str) -> list[str] | None:
    """Paths relative to the directory that git does not ignore; None where git cannot tell."""
    # No pathspec: with icase, git 2.39 overlooks files in untracked directories.
    output = _git(directory, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    return None if output is None else [os.path.normpath(path) for path in os.fsdecode(output).split("\0") if path]


def _is_ignored(directory: str) -> bool:
    """Whether git ignores the directory as a whole; then naming it is a wish to see it all the same."""
    return _git(directory, "check-ignore", "-q", ".") is not None


def _git(directory: str, *arguments: str) -> bytes | None:
    from dockerlayer.git import ask

    try:
        answer = ask(directory, *arguments)
    except InputError:
        return None
    return answer.output if answer.ok else None
