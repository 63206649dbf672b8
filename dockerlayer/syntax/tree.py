"""The syntax tree: few node classes, all offsets are byte offsets into the file, half-open.

Text taken from the file is ``str`` decoded as UTF-8 with ``surrogateescape``, so that any byte survives a round trip.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field
from typing import NamedTuple


class Problem(NamedTuple):
    """Why BuildKit would refuse the file: a message in its words, and the lines (1-based, inclusive) it stands on."""

    message: str
    start_line: int
    end_line: int


class Directive(NamedTuple):
    """A parser directive of the header, such as ``# escape=```; ``name`` is lower case."""

    name: str
    value: str
    line: int


class Heredoc(NamedTuple):
    """One here-document: its body is ``data[start:end]``, without the line of the terminator."""

    name: str
    content: str
    expand: bool
    chomp: bool
    fd: int
    start: int
    end: int


class Trivia(NamedTuple):
    """One line between instructions: ``kind`` is ``blank``, ``comment``, ``directive`` or ``bom``."""

    kind: str
    start: int
    end: int
    line: int


@dataclass(slots=True)
class Instruction:
    """One instruction with everything that belongs to it: continuation lines, inner comments, heredoc bodies.

    ``start``/``end`` cover whole lines, line end included. ``pieces`` are the parts of the file that BuildKit joins to
    the logical line, as ``(start, end)`` pairs; everything between two pieces (escape character, line end, comment or
    empty line) is dropped by the join. ``args_start``/``args_end`` is the place of what follows the flags, stripped.
    ``inner_comments`` are the comment lines inside of continuations, from the ``#`` to the end of the text.

    ``child`` is the instruction that an ONBUILD holds. It has its own ``start``/``end``, from its keyword to the end of
    the logical line, and shares the heredocs. ``error`` is BuildKit's message about this instruction alone.
    """

    keyword: str
    start: int
    end: int
    start_line: int
    end_line: int
    flags: tuple[str, ...]
    args: tuple[str, ...]
    json: bool
    heredocs: tuple[Heredoc, ...]
    logical: str
    pieces: tuple[tuple[int, int], ...]
    args_start: int
    args_end: int
    prev_comments: tuple[str, ...] = ()
    inner_comments: tuple[tuple[int, int], ...] = ()
    child: Instruction | None = None
    error: str | None = None

    @property
    def name(self) -> str:
        """The keyword in lower case."""
        # U+0130 lowers to a plain i in Go and to two characters in Python.
        return self.keyword.replace("\u0130", "i").lower()

    @property
    def meaning(self) -> tuple[object, ...]:
        """Everything but places and comments."""
        heredocs = tuple(item[:5] for item in self.heredocs)
        child = self.child.meaning if self.child is not None else None
        return self.keyword, self.flags, self.args, self.json, heredocs, self.logical, child

    def offset_of(self, index: int) -> int:
        """The offset in the file of the character ``index`` of ``logical``; the end of the line for one behind it."""
        left = len(self.logical[:index].encode("utf-8", "surrogateescape"))
        for start, end in self.pieces:
            if left < end - start:
                return start + left
            left -= end - start
        return self.pieces[-1][1]


@dataclass(slots=True)
class Dockerfile:
    """A parsed file: ``items`` are trivia and instructions in order, and together cover every byte of ``data``."""

    data: bytes
    items: tuple[Trivia | Instruction, ...]
    directives: tuple[Directive, ...]
    escape: str
    problems: tuple[Problem, ...]
    _line_starts: list[int] = field(default_factory=list, repr=False)

    @property
    def source(self) -> bytes:
        """The text again, put together from the nodes: equal to what was parsed, for every input."""
        return b"".join(self.data[item.start : item.end] for item in self.items)

    @property
    def instructions(self) -> tuple[Instruction, ...]:
        """The instructions, without what stands between them."""
        return tuple(item for item in self.items if isinstance(item, Instruction))

    @property
    def meaning(self) -> tuple[object, ...]:
        """What BuildKit makes of the file, for comparing: directives and instructions without places and comments."""
        directives = tuple((item.name, item.value) for item in self.directives)
        return directives, tuple(item.meaning for item in self.instructions), bool(self.problems)

    def position(self, offset: int) -> tuple[int, int]:
        """Line and column (both 1-based, the column in characters) of a byte offset."""
        starts = self._starts()
        line = bisect_right(starts, offset)
        before = self.data[starts[line - 1] : offset]
        return line, len(before.decode("utf-8", "surrogateescape")) + 1

    def line_offset(self, line: int) -> int:
        """The byte offset at which a 1-based line starts; lines outside the file count as the nearest one."""
        starts = self._starts()
        return starts[min(max(line, 1), len(starts)) - 1]

    def line_end(self, offset: int) -> int:
        """The byte offset behind the text of the line that ``offset`` is on, without its line end."""
        end = self.data.find(b"\n", offset)
        end = len(self.data) if end < 0 else end
        return end - 1 if end > offset and self.data[end - 1] == 0x0D else end

    def _starts(self) -> list[int]:
        if not self._line_starts:
            starts, at = [0], self.data.find(b"\n")
            while at >= 0:
                starts.append(at + 1)
                at = self.data.find(b"\n", at + 1)
            self._line_starts = starts
        return self._line_starts
