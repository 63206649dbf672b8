"""Writing RUN instructions: a RUN cut in two, a download put before it, shell state repeated where it is needed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import pairwise

from dockerlayer.api import Call, Edit, Refusal
from dockerlayer.findings import Fix, apply
from dockerlayer.model.calls import Run
from dockerlayer.model.effects import is_state
from dockerlayer.model.layers import Analysis
from dockerlayer.model.stages import Step
from dockerlayer.syntax.parser import parse
from dockerlayer.syntax.shell import Segment, script_of
from dockerlayer.syntax.tree import Instruction

_UNREPEATABLE = frozenset({"trap", "alias", "pushd", "popd", "function", "exit"})
_SETS = frozenset("declare typeset local readonly read mapfile readarray let getopts eval exec enable hash".split())
_APART = frozenset({"subshell", "substitution"})
# ${X:=1}, $((X=1)) and the definition of a function.
_CHANGES = rb"\$\{\w+:?=|\$\(\([^()]*(?:(?<![=!<>])=(?!=)|\+\+|--)|\w[ \t]*\([ \t]*\)\s*[{(]|\bfunction[ \t]+\w"


class RunText:
    """One shell-form RUN as text that can be cut between its top-level commands."""

    def __init__(self, data: bytes, run: Run, newline: bytes, escape: str = "\\") -> None:
        self.data = data
        self.run = run
        self.instruction = run.step.instruction
        self.newline = newline
        self.escape = escape.encode()

    @property
    def segments(self) -> tuple[Segment, ...]:
        """The top-level commands."""
        return self.run.script.segments

    @property
    def header(self) -> bytes:
        """Keyword and flags as written, up to the first command."""
        start = self.instruction.args_start
        if self.run.script.kind == "heredoc":
            start = self.data.index(b"<<", self.instruction.start)
        return self.data[self.instruction.start : start]

    def joint(self, state: Sequence[bytes]) -> bytes | None:
        """What the RUN joins two commands by, a line end included: ``&&``, or ``;`` below a ``set -e`` of ``state``."""
        line = rb"[ \t]*(?:" + re.escape(self.escape) + rb"[ \t]*\r?\n[ \t]*)?"
        operators = b"&&"
        for index, (above, below) in enumerate(pairwise(self.segments)):
            if self.data[above.start : above.end] in state and _is_strict(self.calls((index,))):
                operators = b"(?:&&|;)"
            between = self.data[above.end : below.start]
            if re.fullmatch(line + operators + line, between):
                return between
        return None

    def calls(self, segments: Iterable[int]) -> list[Call]:
        """The calls of some segments."""
        wanted = set(segments)
        return [call for call in self.run.calls if call.segment in wanted]

    def state(self, before: int, *, directory: bool = True) -> list[bytes] | Refusal:
        """The commands above a segment that only change the shell, as text to repeat; with or without its directory."""
        texts = []
        for index in range(before):
            segment = self.segments[index]
            calls = self.calls((index,))
            commands = [command for command in self.run.script.commands if command.segment == index]
            bare = not calls and all(command.assignments for command in commands)
            if calls and any(call.program in _UNREPEATABLE for call in calls):
                return Refusal("shell-state", "the RUN sets up shell state that cannot be repeated", calls[0].step.line)
            if bare or (len(calls) == 1 and is_state(calls[0]) and not calls[0].guards & {"subshell", "if", "or"}):
                text = self.data[segment.start : segment.end]
                if b"\n" in text:
                    return Refusal("shell-state", "the RUN changes the shell over several lines", self.run.step.line)
                if directory or not calls or calls[0].program != "cd":
                    texts.append(text)
            elif self._leaves_state(index, calls):
                what = "the RUN sets variables or other shell state in a way that cannot be repeated"
                return Refusal("shell-state", what, self.run.step.line)
        return texts

    def _leaves_state(self, index: int, calls: Sequence[Call]) -> bool:
        """Whether a segment that is not to be repeated may change the shell that later ones run in."""
        segment = self.segments[index]
        commands = [command for command in self.run.script.commands if command.segment == index]
        return (
            any((is_state(call) or _sets_variables(call)) and not call.guards & _APART for call in calls)
            or any(not command.words and command.assignments and not command.guards & _APART for command in commands)
            or re.search(_CHANGES, self.data[segment.start : segment.end]) is not None
        )

    def is_pure_state(self, index: int) -> bool:
        """Whether a segment only changes the shell."""
        calls = self.calls((index,))
        return all(is_state(call) for call in calls)

    def only_prepares(self, index: int) -> bool:
        """Whether a segment is about what follows it: shell state, or a message."""
        return all(is_state(call) or call.program in {"echo", "printf"} for call in self.calls((index,)))

    def can_cut(self, before: int) -> Refusal | None:
        """Whether the RUN may be cut before a segment: what follows must run only if what precedes succeeded."""
        if self.run.script.kind != "shell" or self.instruction.heredocs:
            return Refusal("not-splittable", "the RUN is not a plain shell command line", self.run.step.line)
        strict = False
        for index in range(before):
            strict = strict or _is_strict(self.calls((index,)))
            operator = self.segments[index].op
            if operator != "&&" and not (strict and operator in {";", "\n"}):
                return Refusal(
                    "not-splittable",
                    f"the commands of the RUN are joined by {operator!r}, so a failure would not stop the build",
                    self.run.step.line,
                )
        return None

    def head(self, until: int) -> bytes:
        """The RUN with the segments before ``until`` only, without a line end."""
        return self.header + self.data[self.instruction.args_start : self.segments[until - 1].end]

    def tail(self, start: int, state: Sequence[bytes], edits: Sequence[Edit] = ()) -> bytes:
        """A RUN of its own from segment ``start`` on, with line end, after repeating the shell's state."""
        begin = self.segments[start].start
        rest = apply(self.data, edits, begin, self.instruction.end)
        return self.header + self._repeated(state) + rest

    def part(self, start: int, until: int, state: Sequence[bytes], edits: Sequence[Edit], flags: bytes) -> bytes:
        """A RUN of the segments from ``start`` up to ``until``, with more ``flags``, after the shell's state."""
        begin = self.segments[start].start if start else self.instruction.start + len(self.header)
        whole = until == len(self.segments)
        rest = apply(self.data, edits, begin, self.instruction.end if whole else self.segments[until - 1].end)
        return self._flagged(flags) + self._repeated(state) + rest + (b"" if whole else self.newline)

    def _flagged(self, flags: bytes) -> bytes:
        """Keyword and flags with more ``flags`` behind, which have a line each if they bring line ends."""
        if b"\n" not in flags or not self.instruction.flags:
            return self.header + flags
        return self.header.rstrip() + self.line_end + flags

    @property
    def line_end(self) -> bytes:
        """What ends a line that the instruction goes on below."""
        return b" " + self.escape + self.newline + b"    "

    def gap_comments(self, before: int) -> bytes:
        """Comment lines inside the RUN right before a segment, as lines of their own."""
        low, high = self.segments[before - 1].end, self.segments[before].start
        lines = [self.data[start:end].strip() for start, end in self.instruction.inner_comments if low <= start < high]
        return b"".join(line + self.newline for line in lines)

    def new_run(self, state: Sequence[bytes], command: str) -> bytes:
        """A RUN of its own with the same flags, without line end.

        Commands that the file has no say in have a line each (tally's rule newline-per-chained-call).
        """
        parts = _parts(command.encode())
        joint = self.joint(state)
        if joint is None or (len(parts) > 1 and b"\n" not in joint):
            joint = self.line_end + b"&& "
        return self.header + joint.join([*state, *parts])

    def joined(self, until: int, commands: Sequence[bytes]) -> bytes:
        """The RUN with the segments before ``until``, and then the commands, without line end."""
        joint = self.joint(()) or b" && "
        parts = [part for command in commands for part in _parts(command)]
        return joint.join([self.head(until), *parts])

    def _repeated(self, state: Sequence[bytes]) -> bytes:
        joint = self.joint(state) or b" && "
        return b"".join(text + joint for text in state)


def laid_out(analysis: Analysis, step: Step, fix: Fix) -> Fix:
    """A fix whose edits put commands before one of the RUN's own, joined to it as the RUN joins its commands."""
    instruction, data = step.instruction, analysis.dockerfile.data
    if step.name != "run" or instruction.heredocs or instruction.json:
        return fix
    text = RunText(data, analysis.run(step), newline_of(data, instruction), analysis.dockerfile.escape)
    joint = text.joint(()) or text.line_end + b"&& "
    edits = (
        edit._replace(text=edit.text.removesuffix(b" && ") + joint)
        if edit.text.endswith(b" && ") and instruction.start <= edit.start < instruction.end
        else edit
        for edit in fix.edits
    )
    return fix._replace(edits=tuple(edits))


def _parts(command: bytes) -> list[bytes]:
    """The commands that ``&&`` joins, each as it is written."""
    text = b"RUN " + command
    script = script_of(text, next(iter(parse(text).instructions)))
    if any(segment.op != "&&" for segment in script.segments[:-1]):
        return [command]
    return [text[segment.start : segment.end] for segment in script.segments] or [command]


def _sets_variables(call: Call) -> bool:
    return call.program in _SETS or (call.program == "printf" and call.has("-v"))


def _is_strict(calls: Iterable[Call]) -> bool:
    return any(call.program == "set" and _stops_on_error(call) for call in calls)


def _stops_on_error(call: Call) -> bool:
    return any(word.startswith("-") and not word.startswith("--") and "e" in word for word in call.arguments) or (
        "errexit" in call.arguments
    )


def newline_of(data: bytes, instruction: Instruction) -> bytes:
    """How the lines end around an instruction."""
    text = data[instruction.start : instruction.end]
    if b"\n" not in text:
        text = data
    return b"\r\n" if b"\r\n" in text else b"\n"
