"""Effects: which image paths a command reads and writes, for the commands that Dockerfiles are full of.

Two steps may change places when neither reads what the other writes and they do not write the same path. A command
that is not described here, and that no plugin describes, reads and writes everything: it never moves.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from typing import NamedTuple

from dockerlayer.model.calls import Call
from dockerlayer.model.paths import SYSTEM, is_within, join, overlap
from dockerlayer.model.variables import substitute

SYSTEM_WRITES = tuple(path for path in SYSTEM if path not in {"/dev", "/proc", "/sys"})
"""Where package managers, account tools and caches of the system write."""


class Effect(NamedTuple):
    """Image paths read and written. ``everything`` means that nothing is known.

    ``makes`` are directories that are made unless they are there: a copy may bring them as well, before or after.
    """

    reads: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()
    everything: bool = False
    makes: tuple[str, ...] = ()

    def __or__(self, other: Effect) -> Effect:
        return Effect(
            self.reads + other.reads,
            self.writes + other.writes,
            self.everything or other.everything,
            self.makes + other.makes,
        )

    def commutes(self, other: Effect) -> bool:
        """Whether the two may change places."""
        if self.everything or other.everything:
            return False
        return not (
            _meet(self.writes + self.makes, other.reads + other.writes)
            or _meet(self.reads + self.writes, other.writes + other.makes)
        )


NOTHING = Effect()
EVERYTHING = Effect(everything=True)


def _meet(ones: Iterable[str], others: Iterable[str]) -> bool:
    others = tuple(others)
    return any(overlap(one, other) for one in ones for other in others)


# Commands that install for the whole system: path-like arguments are read and written.
_INSTALLERS = frozenset(
    """apt apt-get aptitude apk yum dnf microdnf tdnf zypper pacman dpkg-reconfigure locale-gen localedef
        ldconfig update-ca-certificates update-alternatives add-apt-repository apt-key groupadd groupmod
        useradd adduser addgroup usermod deluser delgroup chsh passwd chpasswd update-locale a2enmod a2dismod
        a2ensite setcap gpg gpgconf ssh-keyscan""".split()
)
# Commands that work on the paths they are given and on nothing else; the number of leading operands that are no paths.
_FILE_COMMANDS = {
    **dict.fromkeys(
        """mkdir rmdir rm cp mv ln touch install truncate stat ls cat head tail wc sort uniq tee tar unzip
            zip gunzip gzip xz bzip2 file readlink realpath dirname basename du df sha256sum sha512sum sha1sum
            md5sum dos2unix mktemp strip""".split(),
        0,
    ),
    **dict.fromkeys("chmod chown chgrp sed grep egrep fgrep tr cut".split(), 1),
}
_FILE_TESTS = frozenset("-a -b -c -d -e -f -g -h -k -p -r -s -u -w -x -G -L -N -O -S -nt -ot -ef".split())
_DOWNLOADERS = frozenset({"curl", "wget"})
_SILENT = frozenset(
    """cd set export unset umask : true false echo printf exit sleep uname id whoami hostname date which type
        hash arch dpkg-architecture getconf nproc pwd env printenv ulimit shopt read wait shift local readonly
        declare""".split()
)
_VALUE_OPTIONS = frozenset({"-o", "-O", "-C", "-f", "-P", "-d", "-t", "--output", "--directory", "--output-document"})


def effect_of(call: Call) -> Effect:
    """The effect of one command, redirections included."""
    effect = redirections(call)
    program = call.program
    if program == "cd":
        return effect  # where a moved command runs is checked on its own
    if program == "mkdir" and any(word.startswith("-") and "p" in word for word in call.arguments):
        return effect | Effect(makes=tuple(_paths(call, _operands(call), only_path_like=False)))
    if program in {"[", "test", "[["}:
        tested = [word for option, word in pairwise(call.arguments) if option in _FILE_TESTS]
        return effect | Effect(reads=tuple(_paths(call, tested, only_path_like=False)))
    if program in _SILENT:
        return effect | Effect(reads=tuple(_paths(call, _operands(call), only_path_like=True)))
    if program in _INSTALLERS:
        paths = tuple(_paths(call, _operands(call), only_path_like=True))
        return effect | Effect(paths, paths + SYSTEM_WRITES)
    if program in _FILE_COMMANDS:
        operands = _operands(call)[_FILE_COMMANDS[program] :]
        return effect | _on_paths(call, operands, writes_here=program in {"tar", "unzip"})
    if program in _DOWNLOADERS:
        operands = [word for word in _operands(call) if "://" not in word]
        named = call.has("-o", "-O", "--output", "--output-document", "--remote-name", "-P") or program == "wget"
        named = named or any(word.startswith("-") and word[-1] in "oO" for word in call.arguments)
        return effect | _on_paths(call, operands, writes_here=named)
    if program == "git":
        return effect | _git(call)
    return EVERYTHING


def _git(call: Call) -> Effect:
    arguments = [word for word in call.arguments if not word.startswith("-")]
    if arguments[:1] == ["config"] and call.has("--global", "--system"):
        return Effect(writes=SYSTEM_WRITES)
    if arguments[:1] == ["clone"]:
        return _on_paths(call, [word for word in arguments[1:] if "://" not in word], writes_here=len(arguments) < 3)
    return EVERYTHING


def _operands(call: Call) -> list[str]:
    operands = []
    takes_value = False
    for word in call.arguments:
        if word.startswith("-") and len(word) > 1:
            _, equals, value = word.partition("=")
            if equals:
                operands.append(value)
            takes_value = word in _VALUE_OPTIONS
        elif takes_value and word in {"/dev/null", "-"}:
            takes_value = False
        else:
            operands.append(word)
    return operands


def _on_paths(call: Call, operands: list[str], *, writes_here: bool) -> Effect:
    if writes_here and call.cwd is None:
        return EVERYTHING
    paths = tuple(_paths(call, operands, only_path_like=False))
    here = (call.cwd,) if writes_here and call.cwd and not _leaves_elsewhere(call) else ()
    return Effect(paths, paths + here)


def _leaves_elsewhere(call: Call) -> bool:
    return call.has("-C", "--directory", "-d", "-o", "-O", "--output", "-P", "--output-document") or any(
        word.startswith("-O") or (word.startswith("-") and not word.startswith("--") and word.endswith("o"))
        for word in call.arguments
    )


def _paths(call: Call, operands: Iterable[str], *, only_path_like: bool) -> list[str]:
    found: list[str] = []
    for word in operands:
        if only_path_like and "/" not in word:
            continue
        path = path_of(call, word)
        if path is None:
            return ["/"]
        found.append(path)
    return found


def path_of(call: Call, word: str) -> str | None:
    """A shell word as an image path: cut at the first wildcard, '/' never hidden behind an unknown variable."""
    text = substitute(word, {**call.step.state.values, **call.env}) if "$" in word else word
    if text.startswith("~"):
        return join("/root", text.lstrip("~").lstrip("/")) if call.user in {None, "root"} else None
    for mark in "*?[{$`":
        cut = text.find(mark)
        if cut >= 0:
            text = text[:cut].rpartition("/")[0] + "/" if "/" in text[:cut] else ("" if mark in "*?[" else "$")
    if text == "$" or (text == "/" and word != "/"):
        return None
    if text.startswith("/"):
        return join("/", text)
    return join(call.cwd, text or ".") if call.cwd is not None else None


def redirections(call: Call) -> Effect:
    """What the redirections of a command read and write."""
    reads: list[str] = []
    writes: list[str] = []
    for redirect in call.command.redirects:
        if redirect.target is None or redirect.op in {"<<", "<<-", "<<<", ">&", "<&"}:
            continue
        path = path_of(call, redirect.target.text)
        if path is None:
            return EVERYTHING
        if path.startswith("/dev/"):
            continue
        (reads if redirect.op.startswith("<") else writes).append(path)
    return Effect(tuple(reads), tuple(writes))


def stays_local(call: Call) -> bool:
    """Whether a command works on files or on the shell alone: it neither asks the network nor runs another program."""
    return call.program in _FILE_COMMANDS or call.program in {"[", "test", "[["} or call.program in _SILENT - {"."}


_REMOVING = frozenset({"del", "purge", "remove", "autoremove", "erase", "clean", "autoclean"})


def cleans_up(call: Call) -> bool:
    """Whether a command takes away what the system's package manager left: it must stay in the layer that made it."""
    if call.program in _INSTALLERS:
        return any(word in _REMOVING for word in call.arguments)
    if call.program == "rm":
        paths = [path_of(call, word) for word in _operands(call)]
        return bool(paths) and all(path is not None and overlaps_system(path) for path in paths)
    return False


def installs(call: Call) -> bool:
    """Whether a command installs with the system's package manager."""
    return call.program in _INSTALLERS and not cleans_up(call)


def overlaps_system(path: str) -> bool:
    """Whether an image path lies in a directory of the system."""
    return any(is_within(path, directory) for directory in SYSTEM_WRITES)


def is_state(call: Call) -> bool:
    """Whether the command only changes the shell it runs in, and so must be repeated where a RUN is split."""
    return call.program in {"cd", "set", "export", "umask", ".", "source", "unset", "ulimit", "shopt"}
