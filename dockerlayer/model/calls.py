"""Calls: the commands of a RUN as programs with arguments, working directory and environment.

Wrappers (``sudo``, ``env``, ``time``, ...) are taken off, ``cd`` is followed, ``export`` and prefix assignments are
collected. What cannot be followed is None, never a guess.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from dockerlayer.model.paths import join
from dockerlayer.model.stages import Step
from dockerlayer.model.variables import references, substitute
from dockerlayer.syntax.shell import Command, Script, Word, script_of

# Options of wrappers that take the next word as their value.
_WRAPPERS: Mapping[str, frozenset[str]] = {
    "sudo": frozenset({"-u", "-g", "-h", "-p", "-C", "-r", "-t", "-D", "--user", "--group", "--chdir"}),
    "env": frozenset({"-u", "--unset", "-C", "--chdir"}),
    "time": frozenset({"-f", "-o"}),
    "exec": frozenset({"-a"}),
    "command": frozenset(),
    "builtin": frozenset(),
    "nice": frozenset({"-n"}),
    "ionice": frozenset({"-c", "-n"}),
    "nohup": frozenset(),
    "stdbuf": frozenset({"-i", "-o", "-e"}),
    "timeout": frozenset({"-s", "-k", "--signal", "--kill-after"}),
    "setarch": frozenset(),
    "catchsegv": frozenset(),
    "xvfb-run": frozenset({"-n", "-s", "--server-num", "--server-args"}),
    "gosu": frozenset(),
    "su-exec": frozenset(),
    "corepack": frozenset(),
}
_OPERANDS = {"timeout": 1, "gosu": 1, "su-exec": 1, "setarch": 1}
_USER_WRAPPERS = frozenset({"sudo", "gosu", "su-exec"})
_COREPACK_VERBS = frozenset({"enable", "disable", "prepare", "install", "use", "up", "pack", "hydrate", "cache"})

SUCCESS_ONLY = frozenset({"and", "nested", "group"})
"""Guards under which a command runs on every successful run of the layer."""


class Call(NamedTuple):
    """One command of a RUN. ``words`` start with the program; ``cwd`` is an image path or None when unknown."""

    step: Step
    command: Command
    program: str
    words: tuple[Word, ...]
    env: Mapping[str, str]
    cwd: str | None
    user: str | None
    guards: frozenset[str]
    segment: int

    @property
    def argv(self) -> tuple[str, ...]:
        """The words as text, program included as written."""
        return tuple(word.text for word in self.words)

    @property
    def arguments(self) -> tuple[str, ...]:
        """The words after the program."""
        return tuple(word.text for word in self.words[1:])

    @property
    def start(self) -> int:
        """Byte offset of the command in the file."""
        return self.command.start

    @property
    def end(self) -> int:
        """Byte offset behind the command."""
        return self.command.end

    @property
    def always(self) -> bool:
        """Whether the command runs whenever the layer is built successfully."""
        return self.guards <= SUCCESS_ONLY

    def has(self, *options: str) -> bool:
        """Whether one of the options is among the arguments, also as ``--option=value``."""
        return any(word in options or word.partition("=")[0] in options for word in self.arguments)

    def value(self, name: str) -> str | None:
        """A variable as this command sees it, or None when it is not known to be set."""
        if name in self.env:
            return self.env[name]
        return self.step.state.values.get(name)


class Run(NamedTuple):
    """A RUN step read as calls; ``script.known`` says whether the reading can be trusted."""

    step: Step
    script: Script
    calls: tuple[Call, ...]


def run_of(data: bytes, step: Step) -> Run:
    """The calls of a RUN step."""
    script = script_of(data, step.instruction, step.state.shell)
    reader = _Reader(step)
    calls = tuple(call for command in script.commands if (call := reader.read(command)) is not None)
    return Run(step, script, calls)


class _Reader:
    """Follows the shell's own state (directory, exported variables) from command to command."""

    def __init__(self, step: Step) -> None:
        self.step = step
        self.cwd: str | None = step.state.workdir
        self.env: dict[str, str] = {}
        self.scoped: tuple[int, str | None] | None = None

    def read(self, command: Command) -> Call | None:
        if self.scoped and (self.scoped[0] != command.segment or "subshell" not in command.guards):
            self.cwd = self.scoped[1]
            self.scoped = None
        values = {**self.step.state.values, **self.env}
        prefix = {item.name: substitute(item.value.text, values) for item in command.assignments}
        if not command.words:
            self.env.update(prefix)
            return None
        words, cwd, user = command.words, self.cwd, self.step.state.user
        while words:
            program = _basename(words[0].text)
            options = _WRAPPERS.get(program)
            if options is None or (program == "corepack" and _is_corepack_verb(words)):
                break
            words, cwd, user = _unwrap(program, words, options, prefix, cwd, user)
        if not words:
            return None
        program = _basename(words[0].text)
        call = Call(
            self.step,
            command,
            program,
            words,
            {**self.env, **prefix},
            cwd,
            user,
            command.guards,
            command.segment,
        )
        follow = _BUILTINS.get(program)
        if follow is not None:
            follow(self, call)
        return call

    def change_directory(self, call: Call) -> None:
        if "subshell" in call.guards and self.scoped is None:
            self.scoped = (call.segment, self.cwd)
        operands = [word for word in call.words[1:] if not (word.text.startswith("-") and len(word.text) > 1)]
        uncertain = call.guards - SUCCESS_ONLY - {"subshell", "substitution"}
        if len(operands) != 1 or operands[0].text == "-" or uncertain or self.cwd is None:
            self.cwd = None
            return
        target = substitute(operands[0].text, {**self.step.state.values, **self.env})
        unknown = "`" in target or "$(" in target or "~" in target
        self.cwd = None if unknown else join(self.cwd, target)

    def leave_directory(self, call: Call) -> None:
        self.cwd = None

    def export(self, call: Call) -> None:
        values = {**self.step.state.values, **self.env}
        for word in call.words[1:]:
            name, equals, value = word.text.partition("=")
            if equals and not references(value) - values.keys():
                self.env[name] = substitute(value, values)


_BUILTINS: Mapping[str, Callable[[_Reader, Call], None]] = {
    "cd": _Reader.change_directory,
    "pushd": _Reader.change_directory,
    "popd": _Reader.leave_directory,
    "export": _Reader.export,
}


def _basename(text: str) -> str:
    return text.rsplit("/", 1)[-1]


def _is_corepack_verb(words: tuple[Word, ...]) -> bool:
    return len(words) < 2 or words[1].text in _COREPACK_VERBS or words[1].text.startswith("-")


def _unwrap(
    program: str,
    words: tuple[Word, ...],
    options: frozenset[str],
    prefix: dict[str, str],
    cwd: str | None,
    user: str | None,
) -> tuple[tuple[Word, ...], str | None, str | None]:
    at = 1
    while at < len(words):
        text = words[at].text
        name, equals, value = text.partition("=")
        if text == "--":
            at += 1
            break
        if text.startswith("-"):
            if name in options and not equals and at + 1 < len(words):
                at += 1
                value = words[at].text
            if name in {"-C", "-D", "--chdir"} and value:
                cwd = join(cwd, value) if cwd is not None else None
            if name in {"-u", "--user"} and program == "sudo":
                user = value
        elif equals and name.isidentifier() and program in {"env", "sudo"}:
            prefix[name] = value
        else:
            break
        at += 1
    operands = _OPERANDS.get(program, 0)
    if program in _USER_WRAPPERS:
        user = words[at].text if operands and at < len(words) else user or "root"
        if program == "sudo" and not any(word.text in {"-u", "--user"} for word in words[1:at]):
            user = "root"
    return words[at + operands :], cwd, user
