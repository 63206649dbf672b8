"""What a shell script is made of, and which words of a command are a script themselves."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from dockerlayer.syntax.shell_words import Text, Word

SHELLS = frozenset({"sh", "bash", "dash", "ash", "zsh", "ksh", "busybox"})


@dataclass(slots=True)
class Assignment:
    """``NAME=value`` in front of a command or on its own; the name of ``X+=1`` is ``X``, its value not literal."""

    name: str
    value: Word


@dataclass(slots=True)
class Redirect:
    """A redirection such as ``2>&1``: ``fd`` is the number as written or empty, ``target`` of ``<<`` the delimiter."""

    op: str
    fd: str
    target: Word | None


@dataclass(slots=True)
class Command:
    """A simple command; without words it is bare assignments, or redirects alone or of a whole compound command."""

    words: tuple[Word, ...]
    assignments: tuple[Assignment, ...]
    redirects: tuple[Redirect, ...]
    start: int
    end: int
    guards: frozenset[str]
    segment: int


@dataclass(slots=True)
class Segment:
    """One part of the top level; ``op`` is the operator that follows it, empty after the last one."""

    start: int
    end: int
    op: str
    op_start: int
    op_end: int


def script_text(text: Text, start: int, end: int) -> Text | None:
    """The script in the word between two offsets, if the shell passes the word's bytes on unchanged."""
    raw = text.data[start:end]
    if len(raw) > 1 and raw[:1] == raw[-1:] and raw[:1] in (b"'", b'"'):
        inner = raw[1:-1]
        if raw[:1] in inner or (raw[:1] == b'"' and any(char in inner for char in (b"\\", b"$", b"`"))):
            return None
        return text.part(start + 1, end - 1)
    word = text.word(start, end)
    return (
        text.part(start, end)
        if word.literal and len(word.text.encode("utf-8", "surrogateescape")) == len(raw)
        else None
    )


_LAUNCHERS = frozenset(
    {"sudo", "env", "exec", "time", "command", "nice", "nohup", "timeout", "gosu", "su-exec", "chroot"}
)
_SU = frozenset({"su", "runuser"})
_NESTING = SHELLS | _LAUNCHERS | _SU
_CLUSTER = re.compile(r"[-+][A-Za-z]+").fullmatch


def nested_word(words: Sequence[Word]) -> int | None:
    """Which word of ``sh -c '...'``, ``su user -c '...'`` or ``sudo bash -exc '...'`` is a script of its own."""
    name = words[0].text
    if "/" in name:
        name = name.rpartition("/")[2]
    if name not in _NESTING:
        return None
    if name in _SU:
        for index, word in enumerate(words[:-1]):
            if word.text == "--command" or (_CLUSTER(word.text) and word.text.endswith("c")):
                return index + 1
        return None
    for index, word in enumerate(words):
        if word.literal and word.text.rpartition("/")[2] in SHELLS and (index == 0 or name in _LAUNCHERS):
            return script_argument([item.text for item in words], index)
    return None


def _options(argv: Sequence[str], at: int) -> tuple[int, bool]:
    """Index of the first argument of the shell ``argv[at]`` that is no option, and whether ``-c`` is given."""
    index = at + 1
    if argv[at].rpartition("/")[2] == "busybox":
        if index == len(argv) or argv[index] not in ("sh", "ash"):
            return index, False
        index += 1
    given = False
    while index < len(argv):
        option = argv[index]
        if option in ("--rcfile", "--init-file"):
            index += 1
        elif _CLUSTER(option):
            given = given or (option[0] == "-" and "c" in option)
            index += sum(1 for char in option if char in "oO")
        elif not option.startswith("--"):
            break
        index += 1
    return index, given


def script_argument(argv: Sequence[str], at: int = 0) -> int | None:
    """Where the script of ``-c`` stands in the arguments of the shell ``argv[at]``."""
    index, given = _options(argv, at)
    return index if given and index < len(argv) else None


def reads_stdin(argv: Sequence[str]) -> bool:
    """Whether the shell ``argv`` has neither a script file nor ``-c``, so that it reads its standard input."""
    index, given = _options(argv, 0)
    return not given and (index >= len(argv) or argv[index] == "-")
