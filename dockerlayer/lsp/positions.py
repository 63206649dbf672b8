"""An editor's text as bytes, and byte offsets as positions in the unit that client and server agreed on.

The protocol ends lines at LF, CR LF and CR (specification 3.17, "Text Documents"), a Dockerfile at LF alone: line
numbers are never taken over, everything goes by offsets.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from functools import cached_property

from lsprotocol.types import Position, PositionEncodingKind, Range, TextEdit

_LINE_END = re.compile(rb"\r\n|\n|\r")
_LONE = re.compile("[\ud800-\udfff]")
_WIDTH = {PositionEncodingKind.Utf8: 1, PositionEncodingKind.Utf16: 2, PositionEncodingKind.Utf32: 4}
_CODEC = {1: "utf-8", 2: "utf-16-le", 4: "utf-32-le"}


class Text:
    """A document's text. A position's ``character`` counts units of ``encoding``.

    Half of a surrogate pair, which no file can hold, counts as U+FFFD: that has the same width in every encoding.
    """

    def __init__(self, source: str, encoding: PositionEncodingKind = PositionEncodingKind.Utf16) -> None:
        self.source = source if source.isascii() else _LONE.sub("\ufffd", source)
        self.data = self.source.encode()
        self._width = _WIDTH[encoding]

    @cached_property
    def _starts(self) -> list[int]:
        return [0, *(found.end() for found in _LINE_END.finditer(self.data))]

    def _content(self, line: int) -> tuple[int, int]:
        """Where the text of a line starts and ends, its line end left out."""
        start = self._starts[line]
        if line + 1 == len(self._starts):
            return start, len(self.data)
        end = self._starts[line + 1] - 1
        return start, end - 1 if end > start and self.data[end - 1 : end + 1] == b"\r\n" else end

    def position(self, offset: int) -> Position:
        """The position of a byte offset; one inside a character or a line end counts as the one before it."""
        offset = min(max(offset, 0), len(self.data))
        line = bisect_right(self._starts, offset) - 1
        start, end = self._content(line)
        before = self.data[start : min(offset, end)]
        if self._width == 1 or before.isascii():
            return Position(line, len(before))
        return Position(line, len(before.decode("utf-8", "ignore").encode(_CODEC[self._width])) // self._width)

    def range(self, start: int, end: int) -> Range:
        """The range of the bytes ``start:end``."""
        return Range(self.position(start), self.position(end))

    def offset(self, position: Position) -> int:
        """The byte offset of a position; behind the end of a line, or of the text, it is that end."""
        if position.line >= len(self._starts):
            return len(self.data)
        start, end = self._content(max(position.line, 0))
        text = self.data[start:end]
        if self._width == 1 or text.isascii():
            return start + min(max(position.character, 0), len(text))
        units = text.decode().encode(_CODEC[self._width])[: max(position.character, 0) * self._width]
        return start + len(units.decode(_CODEC[self._width], "ignore").encode())

    def edits(self, new: bytes) -> list[TextEdit]:
        """What turns the text into ``new``, as edits of whole lines: they are right in every encoding.

        Raises UnicodeDecodeError where ``new`` has bytes that no editor can take.
        """
        from difflib import SequenceMatcher

        old_lines, new_lines = _lines(self.data), _lines(new)
        head = _common(old_lines, new_lines)
        tail = _common(old_lines[head:][::-1], new_lines[head:][::-1])
        old_middle = old_lines[head : len(old_lines) - tail]
        new_middle = new_lines[head : len(new_lines) - tail]
        found = []
        matcher = SequenceMatcher(None, old_middle, new_middle, autojunk=False)
        for kind, first, last, new_first, new_last in matcher.get_opcodes():
            if kind != "equal":
                span = Range(self._line_position(head + first), self._line_position(head + last))
                found.append(TextEdit(span, b"".join(new_middle[new_first:new_last]).decode()))
        return found

    def _line_position(self, line: int) -> Position:
        """Where a line starts; the end of the text for the one behind the last."""
        return Position(line, 0) if line < len(self._starts) else self.position(len(self.data))


def _lines(data: bytes) -> list[bytes]:
    """The lines, each with its end; what follows the last line end is a line if it is not empty."""
    starts = [0, *(found.end() for found in _LINE_END.finditer(data))]
    lines = [data[start:end] for start, end in zip(starts, [*starts[1:], len(data)], strict=True)]
    return lines if lines[-1] else lines[:-1]


def _common(first: list[bytes], second: list[bytes]) -> int:
    """How many lines two lists have in common at their start."""
    for count, (one, other) in enumerate(zip(first, second, strict=False)):
        if one != other:
            return count
    return min(len(first), len(second))
