"""Reads a Dockerfile into the syntax tree, by the rules of BuildKit's `frontend/dockerfile/parser/parser.go`.

Where BuildKit stops at the first error this parser notes a ``Problem`` and goes on with the next line.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from itertools import accumulate

from dockerlayer.syntax.arguments import ArgumentsError, split_arguments
from dockerlayer.syntax.directives import DirectiveReader
from dockerlayer.syntax.jsonform import NotStringsError
from dockerlayer.syntax.pieces import arg_spans, file_end, file_start, restrict
from dockerlayer.syntax.tree import Dockerfile, Heredoc, Instruction, Problem, Trivia
from dockerlayer.syntax.validate import instruction_error
from dockerlayer.syntax.words import decode, fold, split_flags, split_keyword, strip_left, stripped

__all__ = ["arg_spans", "parse"]

_BOM = b"\xef\xbb\xbf"
_HASH = ord("#")
# bufio.MaxScanTokenSize - 1: BuildKit's scanner refuses a longer line.
_MAX_LINE = 65535
_TAKES_HEREDOC = frozenset(("add", "copy", "run"))
# BuildKit refuses a chain of ONBUILD; there is no use in a tree as deep as a line is long.
_MAX_ONBUILD = 8


def parse(data: bytes) -> Dockerfile:
    """The syntax tree of a Dockerfile. Takes any bytes and never raises; what is wrong is in ``problems``."""
    return _Parser(data).run()


class _Parser:
    def __init__(self, data: bytes) -> None:
        self.data = data
        self.lines = data.split(b"\n")
        if not self.lines[-1]:
            self.lines.pop()
        self.next = 0
        self.at = 0
        self.directives = DirectiveReader()
        self.items: list[Trivia | Instruction] = []
        self.comments: list[str] = []
        self.problems: list[Problem] = []
        self.line_starts: list[int] | None = None
        self.terminators: tuple[dict[bytes, list[int]], dict[bytes, list[int]]] | None = None

    def run(self) -> Dockerfile:
        data, lines, items = self.data, self.lines, self.items
        size, total = len(data), len(lines)
        if data.startswith(_BOM):
            items.append(Trivia("bom", 0, 3, 1))
            lines[0] = lines[0][3:]
            self.at = 3
        found = False
        while self.next < total and self.at < size:
            raw = lines[self.next]
            text = strip_left(raw)
            if text and text[0] != _HASH:
                self.directives.done = True
                found = True
                self._instruction(raw, text)
                continue
            start = self.at
            self.at = min(start + len(raw) + 1, size)
            self.next += 1
            if text:
                items.append(Trivia(self._comment(raw, text), start, self.at, self.next))
            else:
                self.directives.done = True
                items.append(Trivia("blank", start, self.at, self.next))
        self._check_line_lengths()
        if not found:
            line = max(total, 1)
            self.problems.append(Problem("file with no instructions", line, line))
        directives = self.directives
        return Dockerfile(data, tuple(items), tuple(directives.found), directives.escape, tuple(self.problems))

    def _comment(self, raw: bytes, text: bytes) -> str:
        """Note the comment line ``raw``, and tell the kind of trivia it is."""
        kind = "comment"
        if not self.directives.done:
            is_directive, message = self.directives.read(text.rstrip(b"\r"), self.next)
            if message:
                self.problems.append(Problem(message, self.next, self.next))
            if is_directive:
                kind = "directive"
                if not self.directives.shebang:
                    return kind
        # BuildKit drops the first byte of the whole line: the # of an indented comment stays.
        start, end = stripped(raw, 1, len(raw))
        if start < end:
            self.comments.append(decode(raw[start:end]))
        else:
            self.comments = []
        return kind

    def _check_line_lengths(self) -> None:
        if len(self.data) <= _MAX_LINE:
            return
        for number, line in enumerate(self.lines, 1):
            if len(line) > _MAX_LINE:
                message = f"dockerfile line greater than max allowed size of {_MAX_LINE}"
                self.problems.append(Problem(message, number, number))
                self.problems.sort(key=lambda problem: problem.start_line)
                return

    def _instruction(self, raw: bytes, text: bytes) -> None:
        start, start_line = self.at, self.next + 1
        line, pieces, inner = self._logical_line(raw, text)
        header_end = min(self.at, len(self.data))
        self.at = header_end
        instruction = self._build(line, pieces, start_line, 0)
        instruction.start, instruction.end = start, header_end
        instruction.end_line = self.next
        instruction.prev_comments = tuple(self.comments)
        instruction.inner_comments = inner
        self.comments = []
        if instruction.error is not None:
            self.problems.append(Problem(instruction.error, start_line, self.next))
        else:
            if b"<<" in line:
                self._heredocs(instruction)
            if instruction.error is None:
                instruction.error = instruction_error(instruction)
        self.items.append(instruction)

    def _logical_line(
        self, raw: bytes, text: bytes
    ) -> tuple[bytes, tuple[tuple[int, int], ...], tuple[tuple[int, int], ...]]:
        """The joined line, its pieces and the comments inside, with ``next`` and ``at`` moved behind it."""
        escape = self.directives.escape.encode()
        token = text.rstrip(b"\r")
        start = self.at + len(raw) - len(text)
        self.at += len(raw) + 1
        self.next += 1
        body = token.rstrip(b" \t")
        if not body.endswith(escape) or body.endswith(escape + escape):
            return token, ((start, start + len(token)),), ()
        lines, total, at, number = self.lines, len(self.lines), self.at, self.next
        twice = escape + escape
        parts = [body[:-1]]
        pieces = [(start, start + len(body) - 1)]
        inner = []
        while number < total:
            raw = lines[number]
            start = at
            at += len(raw) + 1
            number += 1
            text = strip_left(raw)
            if not text:
                continue
            token = raw.rstrip(b"\r")
            if text[0] == _HASH:
                inner.append((start + len(raw) - len(text), start + len(token)))
                continue
            body = token.rstrip(b" \t")
            if not body.endswith(escape) or body.endswith(twice):
                parts.append(token)
                pieces.append((start, start + len(token)))
                break
            parts.append(body[:-1])
            pieces.append((start, start + len(body) - 1))
        self.at, self.next = at, number
        return b"".join(parts), tuple(pieces), tuple(inner)

    def _build(self, line: bytes, pieces: tuple[tuple[int, int], ...], start_line: int, depth: int) -> Instruction:
        """The instruction on ``line`` without what only its place in the file tells."""
        start, end = stripped(line, 0, len(line))
        word_end, rest = split_keyword(line, start, end)
        keyword = decode(line[start:word_end])
        escape = self.directives.escape
        flags: tuple[str, ...] = ()
        # 0x85 and 0xA0 are space to the reader of flags; see split_flags.
        if line[rest : rest + 1] in (b"-", b"\x85", b"\xa0"):
            flags, rest = split_flags(line, rest, end, escape)
        rest, end = stripped(line, rest, end)
        name = fold(keyword)
        args: tuple[str, ...] = ()
        json, child, error = False, None, None
        if name == "onbuild":
            if rest < end and depth < _MAX_ONBUILD:
                child = self._child(line[rest:end], restrict(pieces, rest, end), start_line, depth)
                error = child.error
        else:
            try:
                args, json = split_arguments(name, line[rest:end], escape)
            except (ArgumentsError, NotStringsError) as failure:
                error = str(failure)
        args_end = file_end(pieces, end)
        args_start = file_start(pieces, rest) if rest < end else args_end
        return Instruction(
            keyword,
            0,
            0,
            start_line,
            0,
            flags,
            args,
            json,
            (),
            decode(line),
            pieces,
            args_start,
            args_end,
            child=child,
            error=error,
        )

    def _child(self, line: bytes, pieces: tuple[tuple[int, int], ...], parent_line: int, depth: int) -> Instruction:
        child = self._build(line, pieces, parent_line, depth + 1)
        child.start, child.end = pieces[0][0], pieces[-1][1]
        child.start_line = bisect_right(self._starts(), child.start)
        child.end_line = bisect_right(self._starts(), child.end)
        return child

    def _starts(self) -> list[int]:
        if self.line_starts is None:
            starts = list(accumulate((len(line) + 1 for line in self.lines), initial=0))
            if self.data.startswith(_BOM):
                starts[1:] = [start + 3 for start in starts[1:]]
            self.line_starts = starts
        return self.line_starts

    def _heredocs(self, instruction: Instruction) -> None:
        """Read the bodies that the instruction's line opens; an unterminated one leaves everything as it was."""
        target = instruction.child or instruction
        if fold(target.keyword) not in _TAKES_HEREDOC or target.json:
            return
        # Few files have heredocs; the lexer's expressions cost milliseconds to build.
        from dockerlayer.syntax.heredoc import LexError, openings

        total = len(self.lines)
        try:
            opened = openings(instruction.logical)
        except LexError as failure:
            self._reject(instruction, str(failure), self.next)
            return
        if not opened:
            return
        ends, line = [], self.next
        for opening in opened:
            found = self._terminator(opening.name.encode("utf-8", "surrogateescape"), opening.chomp, line)
            if found is None:
                self._reject(instruction, "unterminated heredoc", total)
                return
            ends.append(found)
            line = found + 1
        starts, line, heredocs = self._starts(), self.next, []
        for opening, found in zip(opened, ends, strict=True):
            start, end = starts[line], starts[found]
            content = decode(self.data[start:end])
            heredocs.append(Heredoc(opening.name, content, opening.expand, opening.chomp, opening.fd, start, end))
            line = found + 1
        self.next = line
        self.at = min(starts[line], len(self.data))
        instruction.heredocs = target.heredocs = tuple(heredocs)
        instruction.end, instruction.end_line = self.at, line

    def _reject(self, instruction: Instruction, message: str, end_line: int) -> None:
        instruction.error = message
        self.problems.append(Problem(message, instruction.start_line, end_line))

    def _terminator(self, name: bytes, chomp: bool, first: int) -> int | None:
        """The index of the first line from ``first`` on that ends a heredoc."""
        if self.terminators is None:
            plain: dict[bytes, list[int]] = {}
            chomped: dict[bytes, list[int]] = {}
            for index, raw in enumerate(self.lines):
                line = raw.rstrip(b"\r")
                plain.setdefault(line, []).append(index)
                chomped.setdefault(line.lstrip(b"\t"), []).append(index)
            self.terminators = plain, chomped
        places = self.terminators[chomp].get(name, [])
        place = bisect_left(places, first)
        return places[place] if place < len(places) else None
