"""Asking git about a repository that may not be trusted: nothing that it names is run, and nothing is fetched.

Only plumbing is used that reads objects, the index and ignore files. ``git diff``, ``archive`` and ``checkout`` run the
filters and drivers that a repository's configuration names (gitattributes(5)).
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import IO, NamedTuple

from dockerlayer.errors import InputError

# fsmonitor is a program that the repository names; a partial clone would fetch what it lacks, by a program as well.
_COMMAND = ("git", "-c", "core.fsmonitor=false", "-c", "protocol.allow=never")
_KEPT = re.compile(r"GIT_(?:CONFIG_(?:COUNT|(?:KEY|VALUE)_\d+|GLOBAL|SYSTEM|NOSYSTEM)|CEILING_DIRECTORIES)")
_OBJECT = re.compile(rb"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_LISTINGS = 4096
_UNSET = "; is a variable empty that CI sets for pull or merge requests alone?"
LINK, FILE, DIRECTORY, SUBMODULE = 0o120000, 0o100000, 0o040000, 0o160000


class Answer(NamedTuple):
    """What a git command said; ``ok`` is its exit code being 0."""

    ok: bool
    output: bytes
    error: str


class Node(NamedTuple):
    """An entry of a directory in a commit, with its mode as git has it."""

    mode: int
    object: bytes

    @property
    def kind(self) -> int:
        """One of LINK, FILE, DIRECTORY and SUBMODULE."""
        return self.mode & 0o170000


def ask(directory: str, *arguments: str) -> Answer:
    """Run a git command in a directory; raises InputError if git is not there."""
    done = _start(directory, arguments, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)
    output, error = done.communicate()
    return Answer(done.returncode == 0, output, error.decode("utf-8", "replace").strip())


def _start(directory: str, arguments: Sequence[str], stdin: int, stderr: int) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(
            [*_COMMAND, *arguments],
            cwd=directory,
            env=_environment(),
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=stderr,
        )
    except FileNotFoundError as error:
        if os.path.isdir(directory):
            raise InputError("git is not installed, or not on the PATH") from error
        raise InputError(f"{directory}: no such directory") from error
    except (OSError, ValueError) as error:
        cause = error.strerror if isinstance(error, OSError) else error
        raise InputError(f"git cannot be run in {directory}: {cause}") from error


def _environment() -> Mapping[str, str]:
    # A hook's environment may point git at another repository; safe.directory is often given in the environment.
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_") or _KEPT.fullmatch(name)}
    return {**kept, "GIT_OPTIONAL_LOCKS": "0", "GIT_NO_LAZY_FETCH": "1", "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}


def work_tree(directory: str) -> str:
    """The root of the work tree that a directory is in, without links; raises InputError with git's own words."""
    answer = ask(directory, "rev-parse", "--show-toplevel")
    if not answer.ok:
        raise InputError(_told(answer.error) or "git tells no work tree")
    root = os.fsdecode(answer.output.removesuffix(b"\n"))
    if not root:
        raise InputError("the repository has no work tree")
    return os.path.realpath(root)


def _told(error: str) -> str:
    """What git said, in one line."""
    lines = (line.strip() for line in error.splitlines())
    return " ".join(line for line in lines if line).removeprefix("fatal: ")


def merge_base(root: str, revision: str) -> str:
    """The commit that HEAD and a revision come from; raises InputError with the cause and what helps.

    Before the first commit HEAD is a tree without files: a commit hook asks what the first one brings.
    """
    if revision == "HEAD" and _is_unborn(root):
        return ask(root, "hash-object", "-t", "tree", "--stdin").output.decode().strip()
    # No revision begins so (git-check-ref-format(1)), and git would take it for an option.
    commit = None if revision.startswith("-") or "\0" in revision or not revision else _commit(root, revision)
    if commit is None:
        hint = _UNSET if not revision.strip() or revision.endswith("/") else _hint(root, revision)
        raise InputError(f"there is no revision {revision!r} in {root}{hint}")
    head = _commit(root, "HEAD")
    if head is None:
        raise InputError(f"{root} has no commit yet")
    answer = ask(root, "merge-base", commit, head)
    found = answer.output.split(b"\n")[0]
    if not answer.ok or not _OBJECT.fullmatch(found):
        raise InputError(f"{revision} and HEAD have no commit in common{_hint(root, '')}")
    return found.decode()


def _is_unborn(root: str) -> bool:
    """Whether HEAD is a branch that has no commit yet."""
    named = ask(root, "symbolic-ref", "--quiet", "HEAD").ok
    return named and not ask(root, "rev-parse", "--verify", "--quiet", "HEAD").ok


def _commit(root: str, revision: str) -> str | None:
    # In two steps, since in `:/word` all that follows is searched for.
    for suffix in ("", "^{commit}"):
        answer = ask(root, "rev-parse", "--verify", "--quiet", revision + suffix)
        found = answer.output.strip()
        if not answer.ok or not _OBJECT.fullmatch(found):
            return None
        revision = found.decode()
    return revision


def _hint(root: str, revision: str) -> str:
    if "\0" in revision:
        return ""
    if ".." in revision:
        return "; name one revision: what HEAD and it have in common is compared with the work tree"
    if revision and not revision.startswith(("-", "origin/")) and _commit(root, f"refs/remotes/origin/{revision}"):
        return f"; did you mean origin/{revision}?"
    if ask(root, "rev-parse", "--is-shallow-repository").output.strip() == b"true":
        return (
            ": the clone is shallow; fetch the whole history, in CI with `fetch-depth: 0` (GitHub), `GIT_DEPTH: 0` "
            "(GitLab), else with `git fetch --unshallow`"
        )
    return ""


def paths_at(root: str, commit: str) -> list[str]:
    """The paths of all files of a commit, relative to the root of the work tree."""
    answer = ask(root, "ls-tree", "-r", "-z", "--full-tree", "--name-only", commit)
    if not answer.ok:
        raise InputError(_told(answer.error))
    return [os.fsdecode(path) for path in answer.output.split(b"\0") if path]


class Commit:
    """The files of one commit, read one by one as they are asked for; what reads them ends with this process.

    ``problem`` tells that an object could not be read, and then answers are not to be trusted.
    """

    def __init__(self, root: str, commit: str) -> None:
        self.root = root
        self.commit = commit
        self.problem = ""
        self._objects: subprocess.Popen[bytes] | None = None
        self._ignored: subprocess.Popen[bytes] | None = None
        self._directory = lru_cache(maxsize=_LISTINGS)(self._read_directory)

    def find(self, path: str) -> Node | None:
        """What is at a path, by its name alone: links are not followed."""
        node = Node(DIRECTORY, f"{self.commit}^{{tree}}".encode())
        for part in path.split("/") if path else ():
            if node.kind != DIRECTORY:
                return None
            found = self._directory(node.object).get(part)
            if found is None:
                return None
            node = found
        return node

    def names(self, node: Node) -> Mapping[str, Node]:
        """What a directory holds."""
        return self._directory(node.object) if node.kind == DIRECTORY else {}

    def content(self, node: Node, limit: int) -> bytes:
        """The bytes of a file, or the text of a link; raises OSError if there are more than ``limit``."""
        data = self._read(node.object, limit)
        if data is None:
            raise OSError("cannot be read from the repository")
        return data

    def ignores(self, path: str) -> bool:
        """Whether git ignores what is on disk at a path now, and does not track it."""
        try:
            if self._ignored is None:
                arguments = ("check-ignore", "-z", "--stdin", "--verbose", "--non-matching")
                self._ignored = _start(self.root, arguments, subprocess.PIPE, subprocess.DEVNULL)
            to, out = _pipes(self._ignored)
            to.write(b"./" + os.fsencode(path) + b"\0")  # a colon in front would be magic, see gitglossary(7)
            to.flush()
            fields = [_until_nul(out) for _ in range(4)]
        except (OSError, EOFError):
            # It ends at a path in another repository, or behind a link: nothing that this one could ignore.
            _end(self._ignored)
            self._ignored = None
            return False
        pattern = fields[2]
        return bool(pattern) and not pattern.startswith(b"!")

    def close(self) -> None:
        """End the processes that answer; new ones are started when they are needed."""
        _end(self._objects)
        _end(self._ignored)
        self._objects = self._ignored = None

    def _read_directory(self, name: bytes) -> Mapping[str, Node]:
        data = self._read(name, None) or b""
        found: dict[str, Node] = {}
        width = len(self.commit) // 2
        at = 0
        # Mode in octal, space, name, NUL, and the object's number in bytes.
        while at < len(data):
            space = data.index(b" ", at)
            end = data.index(b"\0", space)
            mode = int(data[at:space], 8)
            at = end + 1 + width
            found[os.fsdecode(data[space + 1 : end])] = Node(mode, data[end + 1 : at].hex().encode())
        return found

    def _read(self, name: bytes, limit: int | None) -> bytes | None:
        if self.problem:
            return None
        try:
            if self._objects is None:
                self._objects = _start(self.root, ("cat-file", "--batch"), subprocess.PIPE, subprocess.DEVNULL)
            to, out = _pipes(self._objects)
            to.write(name + b"\n")
            to.flush()
            head = out.readline().split()
            if len(head) != 3:
                raise EOFError
            size = int(head[2])
            if limit is not None and size > limit:
                _pass_over(out, size + 1)
            else:
                return out.read(size + 1)[:-1]
        except (OSError, EOFError):
            self.problem = (
                f"an object of commit {self.commit[:12]} is missing from {self.root}: is it a partial clone? "
                "Nothing is fetched here: fetch with `git fetch --refetch --no-filter`"
            )
            return None
        raise OSError(f"larger than {limit} bytes")


def _pipes(process: subprocess.Popen[bytes]) -> tuple[IO[bytes], IO[bytes]]:
    assert process.stdin is not None
    assert process.stdout is not None
    return process.stdin, process.stdout


def _until_nul(out: IO[bytes]) -> bytes:
    found = bytearray()
    while (byte := out.read(1)) != b"\0":
        if not byte:
            raise EOFError
        found += byte
    return bytes(found)


def _pass_over(out: IO[bytes], size: int) -> None:
    while size:
        size -= len(out.read(min(size, 1 << 20))) or size


def _end(process: subprocess.Popen[bytes] | None) -> None:
    if process is not None:
        process.kill()
        process.communicate()
