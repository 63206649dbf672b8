"""Shell words: the joined text of a script that knows its place in the file, and quote removal."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(slots=True)
class Word:
    """One shell word: ``text`` is its value without quotes, expansions are left as written (``$X``, ``$(cat f)``).

    ``literal`` says that the shell passes on exactly ``text``: no expansion, no glob, no leading ``~``, no braces list.
    """

    text: str
    literal: bool
    start: int
    end: int


class Text:
    """Bytes put together from parts of a file without anything in between, as BuildKit joins continuation lines.

    ``data`` is the joined text; ``at``, ``until`` and ``span`` turn its offsets into those of the file.
    """

    __slots__ = ("_base", "_deltas", "_shift", "_starts", "_valid_from", "_valid_to", "data")

    def __init__(self, data: bytes, starts: list[int], deltas: list[int], base: int) -> None:
        """For ``join`` and ``part``: offsets, plus ``base``, are to be moved by the ``deltas`` of their ``starts``."""
        self.data = data
        self._starts = starts
        self._deltas = deltas
        self._base = base
        # The piece asked for last: offsets from _valid_from to _valid_to have to be moved by _shift.
        self._valid_from = self._valid_to = self._shift = 0
        if starts:
            self._enter(0)

    @classmethod
    def join(cls, data: bytes, pieces: Iterable[tuple[int, int]], start: int, end: int) -> Text:
        """The text of the half-open ``pieces`` of the file ``data``, as far as between ``start`` and ``end``."""
        parts: list[bytes] = []
        starts: list[int] = []
        deltas: list[int] = []
        length = 0
        for piece_start, piece_end in pieces:
            first = piece_start if piece_start > start else start
            last = piece_end if piece_end < end else end
            if first < last:
                starts.append(length)
                deltas.append(first - length)
                parts.append(data[first:last])
                length += last - first
        if not starts:
            starts, deltas = [0], [start]
        return cls(parts[0] if len(parts) == 1 else b"".join(parts), starts, deltas, 0)

    def part(self, start: int, end: int) -> Text:
        """The text between two of its own offsets, with offsets that begin at zero again."""
        return Text(self.data[start:end], self._starts, self._deltas, self._base + start)

    def _enter(self, offset: int) -> None:
        starts = self._starts
        index = bisect_right(starts, offset + self._base) - 1
        self._valid_from = starts[index] - self._base
        self._valid_to = starts[index + 1] - self._base if index + 1 < len(starts) else _FAR
        self._shift = self._deltas[index] + self._base

    def at(self, offset: int) -> int:
        """The place in the file of the byte at ``offset``."""
        if not self._valid_from <= offset < self._valid_to:
            self._enter(offset)
        return offset + self._shift

    def until(self, offset: int) -> int:
        """The place in the file where what ends at ``offset`` ends."""
        return self.at(offset - 1) + 1 if offset + self._base > 0 else self.at(offset)

    def span(self, start: int, end: int) -> tuple[int, int]:
        """The place in the file of what is between two offsets of the text."""
        if self._valid_from <= start < end <= self._valid_to:
            return start + self._shift, end + self._shift
        if start < end:
            return self.at(start), self.until(end)
        place = self.until(end)
        return place, place

    def word(self, start: int, end: int) -> Word:
        """The word between two offsets of the joined text."""
        raw = self.data[start:end]
        if _PLAIN(raw):
            text, literal = raw.decode(), True
        else:
            text, literal = unquote(raw.decode("utf-8", "surrogateescape"))
        if self._valid_from <= start < end <= self._valid_to:
            return Word(text, literal, start + self._shift, end + self._shift)
        return Word(text, literal, *self.span(start, end))


_FAR = 1 << 62


class Decoded(Text):
    """Bytes that stand for a stretch of the file without being written there: every span is that whole stretch."""

    __slots__ = ("_end", "_start")

    def __init__(self, data: bytes, start: int, end: int) -> None:
        """``data`` stands for the file's ``start`` to ``end``."""
        super().__init__(data, [], [], 0)
        self._start = start
        self._end = end

    def part(self, start: int, end: int) -> Text:
        """The same stretch with a part of the bytes."""
        return Decoded(self.data[start:end], self._start, self._end)

    def at(self, offset: int) -> int:
        """Where the stretch starts."""
        return self._start

    def until(self, offset: int) -> int:
        """Where the stretch ends."""
        return self._end

    def span(self, start: int, end: int) -> tuple[int, int]:
        """The whole stretch."""
        return self._start, self._end


_PLAIN = re.compile(rb"[A-Za-z0-9_./:=@%+,-]+").fullmatch
_SIMPLE = re.compile(r"[^\\'\"`$*?\[{~]+")
_PARAMETER = re.compile(r"\$(?:[A-Za-z_][A-Za-z0-9_]*|[0-9@*#?$!-])")
_IN_DOUBLE = re.compile(r"[^\\\"`$]+")
_BRACES = re.compile(r"\{([^{}]*)\}")
_ANSI = re.compile(r"\\(?:x([0-9a-fA-F]{1,2})|u([0-9a-fA-F]{1,4})|U([0-9a-fA-F]{1,8})|([0-7]{1,3})|(.))", re.S)
_ANSI_NAMES = {"n": "\n", "t": "\t", "r": "\r", "a": "\a", "b": "\b", "e": "\x1b", "E": "\x1b", "f": "\f", "v": "\v"}
_CLOSERS = {"(": ")", "{": "}", "[": "]"}


def unquote(raw: str) -> tuple[str, bool]:
    """The value of a word as the shell passes it on, and whether that value is known without running anything."""
    if raw in ("[", "[["):
        return raw, True
    out: list[str] = []
    literal = True
    at, size = 0, len(raw)
    while at < size:
        char = raw[at]
        plain = _SIMPLE.match(raw, at)
        if plain:
            out.append(plain[0])
            at = plain.end()
        elif char == "\\":
            out.append("" if raw[at + 1 : at + 2] == "\n" else raw[at + 1 : at + 2])
            at += 2
        elif char == "'":
            close = _find(raw, "'", at + 1)
            out.append(raw[at + 1 : close])
            at = close + 1
        elif char == '"' or raw.startswith('$"', at):
            value, at, known = _double(raw, at + (1 if char == '"' else 2))
            out.append(value)
            literal = literal and known
        elif raw.startswith("$'", at):
            close = _end_of_ansi(raw, at + 2)
            out.append(_ANSI.sub(_ansi_character, raw[at + 2 : close]))
            at = close + 1
        elif char in "$`":
            close = _end_of_expansion(raw, at)
            literal = literal and close == at + 1 and char == "$"
            out.append(raw[at:close])
            at = close
        else:
            if char == "{":
                braces = _BRACES.match(raw, at)
                literal = literal and not (braces and ("," in braces[1] or ".." in braces[1]))
            elif char == "~":
                literal = literal and at > 0 and raw[at - 1] not in "=:"
            else:
                literal = False
            out.append(char)
            at += 1
    return "".join(out), literal


def _double(raw: str, at: int) -> tuple[str, int, bool]:
    """The value of a double-quoted string whose text begins at ``at``, the offset after it, whether it is literal."""
    out: list[str] = []
    literal = True
    size = len(raw)
    while at < size:
        char = raw[at]
        plain = _IN_DOUBLE.match(raw, at)
        if plain:
            out.append(plain[0])
            at = plain.end()
        elif char == '"':
            return "".join(out), at + 1, literal
        elif char == "\\":
            following = raw[at + 1 : at + 2]
            out.append("" if following == "\n" else following if following in '$`"\\' else char + following)
            at += 2
        else:
            close = at + 1 if raw[at + 1 : at + 2] in ("'", '"') else _end_of_expansion(raw, at)
            literal = literal and close == at + 1 and char == "$"
            out.append(raw[at:close])
            at = close
    return "".join(out), at, literal


def _end_of_expansion(raw: str, at: int) -> int:
    """The offset after the expansion that begins at ``at``; ``at + 1`` for a dollar sign that stands for itself."""
    if raw[at] == "`":
        at += 1
        while at < len(raw) and raw[at] != "`":
            at += 2 if raw[at] == "\\" else 1
        return min(at + 1, len(raw))
    name = _PARAMETER.match(raw, at)
    if name:
        return name.end()
    return _end_of_group(raw, at + 1) if raw[at + 1 : at + 2] in _CLOSERS else at + 1


def _end_of_group(raw: str, at: int) -> int:
    """The offset after the bracket that closes the one at ``at``; strings inside may hold brackets, too."""
    waiting: list[str] = []
    size = len(raw)
    while at < size:
        char = raw[at]
        top = waiting[-1] if waiting else ""
        if char == "\\":
            at += 1
        elif char == top:
            waiting.pop()
            if not waiting:
                return at + 1
        elif char == '"':
            waiting.append('"')
        elif char == "'" and top != '"':
            at = _find(raw, "'", at + 1)
        elif char in _CLOSERS and (top != '"' or raw[at - 1] == "$"):
            waiting.append(_CLOSERS[char])
        at += 1
    return size


def _find(raw: str, char: str, at: int) -> int:
    found = raw.find(char, at)
    return len(raw) if found < 0 else found


def _end_of_ansi(raw: str, at: int) -> int:
    while at < len(raw) and raw[at] != "'":
        at += 2 if raw[at] == "\\" else 1
    return min(at, len(raw))


def _ansi_character(match: re.Match[str]) -> str:
    code = match[1] or match[2] or match[3]
    if code or match[4]:
        value = int(code, 16) if code else int(match[4], 8) & 0xFF
        return chr(value) if value < 0x110000 else match[0]
    return _ANSI_NAMES.get(match[5], match[5] if match[5] in "\\'\"?" else match[0])
