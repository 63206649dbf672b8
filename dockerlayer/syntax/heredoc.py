"""Finds the here-documents that a logical line opens, after BuildKit's `shell/lex.go` and `parser/parser.go`.

BuildKit lexes the whole line as shell words with every variable unset, and calls a word a heredoc when it looks like
one. Its oddities count: a ``${...}`` with a modifier throws away the start of the word it stands in, and a quote that
is never closed hides every heredoc of the line.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from dockerlayer.syntax.words import GO_SPACE, go_quote, go_text

_HEREDOC = re.compile(r"([0-9]*)<<(-?)[\t\n\f\r ]*([^<]*)\Z")
_GO_SPACES = re.compile(f"[{GO_SPACE}]+")
_PLAIN = re.compile(f"""[^{GO_SPACE}\\\\$<'"]+""")
_INSIDE = re.compile(r"""[^\\$<'"}/]+""")
_INSIDE_QUOTES = re.compile(r'[^\\$"]+')
_HEREDOC_MARK = re.compile(r"<(?:<[\t\r ]*)?")
_SPECIAL = "@*#?-$!0"
_MAX_FD = 2**64 - 1


class LexError(ValueError):
    """A word that BuildKit's shell lexer refuses; the text is BuildKit's message."""


class Opening(NamedTuple):
    """A heredoc as the line announces it."""

    name: str
    expand: bool
    chomp: bool
    fd: int


def openings(line: str) -> list[Opening]:
    """The heredocs that ``line`` opens, in order. Raises LexError for a heredoc word that cannot be read."""
    try:
        words = _Lexer(line, raw_quotes=True, raw_escapes=True).words()
    except LexError:
        return []
    found = []
    for word in words:
        opening = _opening(word) if "<<" in word else None
        if opening:
            found.append(opening)
    return found


def looks_like_heredoc(word: str) -> bool:
    """Whether an argument of COPY or ADD stands for a heredoc, such as ``<<-"EOF"``."""
    try:
        return _opening(word) is not None
    except LexError:
        return False


def _opening(word: str) -> Opening | None:
    match = _HEREDOC.match(word)
    if not match or not match.group(3):
        return None
    rest = match.group(3)
    words = _lex(rest, raw_quotes=False)
    if len(words) != 1:
        return None
    raw = _lex(rest, raw_quotes=True)
    if len(raw) != len(words):
        raise LexError(f"internal lexing of heredoc produced inconsistent results: {rest}")
    expand = _quotes(words[0]) == _quotes(raw[0])
    digits = match.group(1)
    # Go's ParseUint stops at the largest value; the length is tested first because int() refuses very long digits.
    fd = min(int(digits), _MAX_FD) if 0 < len(digits) <= 400 else _MAX_FD if digits.strip("0") else 0
    return Opening(words[0], expand, match.group(2) == "-", fd)


def _lex(rest: str, *, raw_quotes: bool) -> list[str]:
    try:
        return _Lexer(rest, raw_quotes=raw_quotes, raw_escapes=False).words()
    except LexError as error:
        raise LexError(f"failed to process {go_quote(rest)}: {error}") from None


def _quotes(word: str) -> int:
    return word.count("'") + word.count('"')


class _Lexer:
    """Shell words of a text with nothing set. Nesting is kept on a list of our own: depth has no limit in Go."""

    def __init__(self, text: str, *, raw_quotes: bool, raw_escapes: bool) -> None:
        # Go's text/scanner skips a byte order mark at the start.
        self.text = go_text(text).removeprefix("\ufeff")
        self.at = 0
        self.raw_quotes = raw_quotes
        self.raw_escapes = raw_escapes

    def words(self) -> list[str]:
        text, size = self.text, len(self.text)
        words: list[str] = []
        word: list[str] = []
        while self.at < size:
            plain = _PLAIN.match(text, self.at)
            if plain:
                word.append(plain.group())
                self.at = plain.end()
                continue
            char = text[self.at]
            if char == "\\":
                if self.raw_escapes:
                    word.append(char)
                word.append(text[self.at + 1 : self.at + 2])
                self.at += 2
            elif char == "<":
                word.append(self._mark())
            elif char == "$":
                out, reset = self._nested(None)
                if reset:
                    word = []
                self._add(out, word, words)
            elif char == "'":
                word.append(self._single_quoted())
            elif char == '"':
                out, reset = self._nested('"')
                if reset:
                    word = []
                word.append(out)
            else:
                self._end(word, words)
                spaces = _GO_SPACES.match(text, self.at)
                assert spaces
                self.at = spaces.end()
        self._end(word, words)
        return words

    @staticmethod
    def _end(word: list[str], words: list[str]) -> None:
        joined = "".join(word)
        if joined:
            words.append(joined)
        word.clear()

    def _add(self, out: str, word: list[str], words: list[str]) -> None:
        """Append what a variable left in the text: space inside of it ends the word."""
        parts = _GO_SPACES.split(out)
        for index, part in enumerate(parts):
            if index:
                self._end(word, words)
            word.append(part)

    def _mark(self) -> str:
        match = _HEREDOC_MARK.match(self.text, self.at)
        assert match
        self.at = match.end()
        return match.group()

    def _single_quoted(self) -> str:
        end = self.text.find("'", self.at + 1)
        if end < 0:
            self.at = len(self.text)
            raise LexError("unexpected end of statement while looking for matching single-quote")
        start, self.at = self.at, end + 1
        return self.text[start : end + 1] if self.raw_quotes else self.text[start + 1 : end]

    def _nested(self, first: str | None) -> tuple[str, bool]:
        """What the variable or double quoted string here stands for, and whether a modifier word was read on the way.

        A frame of the stack is what ends it, one of ``"``, ``}`` and ``/``, and whether escapes stay in its text.
        """
        out: list[str] = []
        stack: list[tuple[str, bool]] = []
        try:
            reset = self._read_frames(first, out, stack)
            return "".join(out), reset
        except LexError:
            # Inside ``${`` BuildKit tells every failure at the end of the text as the missing end of the outermost.
            inner = next((end for end, _ in stack if end != '"'), "")
            if self.at < len(self.text) or not inner:
                raise
            where = "'}'" if inner == "}" else "'/' in ${}"
            raise LexError(f"syntax error: missing {where}") from None

    def _read_frames(self, first: str | None, out: list[str], stack: list[tuple[str, bool]]) -> bool:
        text, size = self.text, len(self.text)
        raw, reset = self.raw_escapes, False
        if first:
            self._open_quote(out, stack, raw)
        else:
            raw = self._dollar(out, stack, raw)
            reset = bool(stack)
        while stack:
            end = stack[-1][0]
            if self.at >= size:
                raise LexError("unexpected end of statement while looking for matching double-quote")
            plain = (_INSIDE_QUOTES if end == '"' else _INSIDE).match(text, self.at)
            if plain:
                out.append(plain.group())
                self.at = plain.end()
                continue
            char = text[self.at]
            if char == end:
                raw = self._close(out, stack)
            elif char == "$":
                depth = len(stack)
                raw = self._dollar(out, stack, raw)
                reset = reset or len(stack) > depth
            elif char == "\\":
                self._escape(out, raw, quoted=end == '"')
            elif end == '"' or char in "/}":
                out.append(char)
                self.at += 1
            elif char == "<":
                out.append(self._mark())
            elif char == "'":
                out.append(self._single_quoted())
            else:
                self._open_quote(out, stack, raw)
        return reset

    def _close(self, out: list[str], stack: list[tuple[str, bool]]) -> bool:
        self.at += 1
        end, raw = stack.pop()
        if end != '"' or self.raw_quotes:
            out.append(end)
        if end == "/":
            stack.append(("}", raw))
            return True
        return raw

    def _open_quote(self, out: list[str], stack: list[tuple[str, bool]], raw: bool) -> None:
        if self.raw_quotes:
            out.append('"')
        self.at += 1
        stack.append(('"', raw))

    def _escape(self, out: list[str], raw: bool, *, quoted: bool) -> None:
        following = self.text[self.at + 1 : self.at + 2]
        if quoted:
            if raw:
                out.append("\\")
            if not following:
                self.at += 1
                return
            if following not in '"$\\':
                out.append("\\")
                self.at += 1
                return
        elif raw:
            out.append("\\")
        out.append(following)
        self.at += 2

    def _dollar(self, out: list[str], stack: list[tuple[str, bool]], raw: bool) -> bool:
        """Read ``$name`` or the head of ``${...}``; a modifier opens a frame. Returns whether escapes now stay."""
        text = self.text
        self.at += 1
        if text[self.at : self.at + 1] != "{":
            out.append("$" + self._name())
            return raw
        self.at += 1
        following = text[self.at : self.at + 1]
        if not following:
            raise LexError("syntax error: missing '}'")
        if following in "{}:":
            raise LexError("syntax error: bad substitution")
        name = self._name()
        modifier = text[self.at : self.at + 1]
        self.at += 1
        if modifier == "}":
            out.append("${" + name + "}")
            return raw
        if modifier == "/":
            if text.startswith("/", self.at):
                self.at += 1
            out.append("${" + name + "/")
            stack.append(("/", raw))
            return True
        if modifier == ":":
            modifier += text[self.at : self.at + 1] or "\ufffd"
            self.at += 1
            if modifier[1] in "#%":
                raise LexError(f"unsupported modifier ({modifier}) in substitution")
        elif not modifier or modifier not in "+-?#%":
            raise LexError(f"unsupported modifier ({modifier or chr(0xFFFD)}) in substitution")
        out.append("${" + name + modifier)
        stack.append(("}", raw))
        return modifier in "#%"

    def _name(self) -> str:
        text, start, size = self.text, self.at, len(self.text)
        if start < size:
            char = text[start]
            if char.isdecimal():
                while self.at < size and text[self.at].isdecimal():
                    self.at += 1
            elif char in _SPECIAL:
                self.at += 1
            else:
                while self.at < size and (text[self.at].isalpha() or text[self.at].isdecimal() or text[self.at] == "_"):
                    self.at += 1
        return text[start : self.at]
