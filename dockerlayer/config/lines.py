"""On which line of a TOML document each key and each element of an array stands.

tomllib, of the standard library, gives no places. tomlkit keeps the text, but has no lines either, and is a package
more; what is asked here is only ever asked of a document that tomllib has read.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from functools import lru_cache

from dockerlayer.config.document import KeyPath

# TOML 1.0, "String": a closing delimiter of three may follow one or two quotes of the text.
_TOKEN = re.compile(
    r"(?P<skip>[ \t\r]+|\#[^\n]*)"
    r"|(?P<newline>\n)"
    r'|(?P<text>"""(?:\\.|[^\\])*?"{3,5}|\'\'\'.*?\'{3,5}|"(?:\\.|[^"\\])*"|\'[^\']*\')'
    r"|(?P<mark>[\[\]{}=,.])"
    r"|(?P<word>[^\s\[\]{}=,.#\"']+)",
    re.DOTALL,
)


class _Tokens:
    """The tokens of a text one after another, with the line that each begins on."""

    def __init__(self, text: str) -> None:
        self._all = self._read(text)
        self.kind, self.text, self.line = next(self._all)

    @staticmethod
    def _read(text: str) -> Iterator[tuple[str, str, int]]:
        line = 1
        for found in _TOKEN.finditer(text):
            if found.lastgroup != "skip":
                yield found.lastgroup or "", found[0], line
            line += found[0].count("\n")
        while True:
            yield "end", "", line

    def advance(self) -> str:
        """Go to the next token; the text of the one before it."""
        before = self.text
        self.kind, self.text, self.line = next(self._all)
        return before

    def pass_newlines(self) -> None:
        while self.kind == "newline":
            self.advance()


@lru_cache(maxsize=4)
def places(text: str) -> dict[KeyPath, int]:
    """The 1-based line of every key, of every table's header and of every element, for a valid document."""
    tokens = _Tokens(text)
    found: dict[KeyPath, int] = {}
    counts: dict[KeyPath, int] = {}
    table: KeyPath = ()
    tokens.pass_newlines()
    while tokens.kind != "end":
        line = tokens.line
        if tokens.text == "[" and tokens.kind == "mark":
            tokens.advance()
            several = tokens.kind == "mark" and tokens.text == "["
            if several:
                tokens.advance()
            keys = _keys(tokens)
            table = (*_in_last(keys[:-1], counts), keys[-1])
            if several:
                counts[table] = counts.get(table, -1) + 1
                _enter(found, table, line)
                table = (*table, counts[table])
            _enter(found, table, line)
            while tokens.kind == "mark" and tokens.text == "]":
                tokens.advance()
        else:
            _pair(tokens, table, found)
        tokens.pass_newlines()
    return found


def _in_last(keys: KeyPath, counts: dict[KeyPath, int]) -> KeyPath:
    """The place of nested tables; of an array of tables the last one is meant."""
    place: KeyPath = ()
    for key in keys:
        place = (*place, key)
        if place in counts:
            place = (*place, counts[place])
    return place


def _enter(found: dict[KeyPath, int], place: KeyPath, line: int, start: int = 0) -> None:
    for end in range(start + 1, len(place) + 1):
        found.setdefault(place[:end], line)


def _keys(tokens: _Tokens) -> tuple[str, ...]:
    """A key, dots and all; the token behind it is next."""
    keys = [_key(tokens)]
    while tokens.kind == "mark" and tokens.text == ".":
        tokens.advance()
        keys.append(_key(tokens))
    return tuple(keys)


def _key(tokens: _Tokens) -> str:
    quoted = tokens.kind == "text"
    text = tokens.advance()
    return str(tomllib.loads(f"key = {text}")["key"]) if quoted else text


def _pair(tokens: _Tokens, table: KeyPath, found: dict[KeyPath, int]) -> None:
    line = tokens.line
    place = (*table, *_keys(tokens))
    _enter(found, place, line, len(table))
    tokens.advance()  # the equals sign
    _value(tokens, place, found)


def _value(tokens: _Tokens, place: KeyPath, found: dict[KeyPath, int]) -> None:
    opening = tokens.text if tokens.kind == "mark" else ""
    if opening == "[":
        _array(tokens, place, found)
    elif opening == "{":
        tokens.advance()
        while not (tokens.kind == "mark" and tokens.text == "}"):
            if tokens.kind in {"newline", "mark"}:
                tokens.advance()
            else:
                _pair(tokens, place, found)
        tokens.advance()
    else:
        # A number or a date may be several tokens.
        while tokens.kind in {"text", "word"} or (tokens.kind == "mark" and tokens.text == "."):
            tokens.advance()


def _array(tokens: _Tokens, place: KeyPath, found: dict[KeyPath, int]) -> None:
    tokens.advance()
    index = 0
    tokens.pass_newlines()
    while not (tokens.kind == "mark" and tokens.text == "]"):
        if tokens.kind == "mark" and tokens.text == ",":
            tokens.advance()
        else:
            found[(*place, index)] = tokens.line
            _value(tokens, (*place, index), found)
            index += 1
        tokens.pass_newlines()
    tokens.advance()
