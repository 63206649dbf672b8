"""Go's notions of space, case and quoting, and how BuildKit cuts flags and words out of a logical line.

Every function follows `frontend/dockerfile/parser` of BuildKit: `split_command.go` and `line_parsers.go`.
"""

from __future__ import annotations

import re

# What Go's unicode.IsSpace accepts; Python's str.isspace also accepts U+001C..U+001F.
GO_SPACE = "\t-\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
_WIDE_SPACES = tuple(
    chr(c).encode() for c in (0x85, 0xA0, 0x1680, *range(0x2000, 0x200B), 0x2028, 0x2029, 0x202F, 0x205F, 0x3000)
)
_LEADING_SPACE = re.compile(b"(?:[\t-\r ]|" + b"|".join(_WIDE_SPACES) + b")*")
_FIRST_WORD = re.compile(rb"([^\t\v\f\r ]*)[\t\v\f\r ]*")
_PLAIN_WORDS = re.compile(f"[^{GO_SPACE}]+")
_FLAG_SPACE = re.compile("[\t-\r \x85\xa0]*")


def decode(text: bytes) -> str:
    """The text as this project holds it: UTF-8, with invalid bytes kept as lone surrogates."""
    return text.decode("utf-8", "surrogateescape")


def fold(word: str) -> str:
    """``word`` in lower case as Go's strings.ToLower has it for the letters a keyword can be made of."""
    # U+0130 lowers to a plain i in Go and to two characters in Python.
    return word.lower() if word.isascii() else word.replace("\u0130", "i").lower()


def strip_left(text: bytes) -> bytes:
    """``text`` without leading Unicode space."""
    text = text.lstrip()
    if text and text[0] >= 0xC2:
        found = _LEADING_SPACE.match(text)
        return text[found.end() :] if found else text
    return text


def stripped(text: bytes, start: int, end: int) -> tuple[int, int]:
    """The part of ``text[start:end]`` without Unicode space at its ends."""
    found = _LEADING_SPACE.match(text, start, end)
    if found:
        start = found.end()
    while end > start:
        if text[end - 1] >= 0x80:
            width = next((len(s) for s in _WIDE_SPACES if text.endswith(s, start, end)), 0)
            if not width:
                break
            end -= width
        elif text[end - 1] in b"\t\n\v\f\r ":
            end -= 1
        else:
            break
    return start, end


def split_keyword(line: bytes, start: int, end: int) -> tuple[int, int]:
    """Where the first word of the stripped ``line[start:end]`` ends, and where what follows it begins."""
    found = _FIRST_WORD.match(line, start, end)
    assert found
    return found.end(1), found.end()


def split_flags(line: bytes, start: int, end: int, escape: str) -> tuple[tuple[str, ...], int]:
    """The leading ``--flags`` of ``line[start:end]``, and where the rest begins.

    BuildKit walks here byte by byte and takes each for a character: 0x85 and 0xA0 are space, and a value that is not
    ASCII comes out as if it were Latin-1.
    """
    # Python's Latin-1 keeps one character a byte, so every position below is an offset into ``line``.
    text = line[start:end].decode("latin-1")
    size, at = len(text), 0
    flags: list[str] = []
    word_pattern = _flag_pattern(escape)
    while True:
        space = _FLAG_SPACE.match(text, at)
        at = space.end() if space else at
        if not text.startswith("--", at):
            return tuple(flags), start + at
        found = word_pattern.match(text, at)
        assert found
        at = found.end()
        word = found.group()
        quoted = False
        if "'" in word or '"' in word or escape in word:
            word, quoted = _unquote_flag(word, escape)
        if word == "--":
            return tuple(flags), start + at
        if word or quoted:
            flags.append(word)
        if at >= size:
            return tuple(flags), end


def _flag_pattern(escape: str) -> re.Pattern[str]:
    e = re.escape(escape)
    return re.compile(
        rf"""(?:[^\t-\r \x85\xa0'"{e}]++|'(?:[^'{e}]++|{e}.)*+(?:'|{e}?\Z)"""
        rf"""|"(?:[^"{e}]++|{e}.)*+(?:"|{e}?\Z)|{e}.|{e}\Z)++""",
        re.DOTALL,
    )


def _unquote_flag(word: str, escape: str) -> tuple[str, bool]:
    out: list[str] = []
    quote, quoted = "", False
    chars = iter(word)
    for char in chars:
        if quote and char == quote:
            quote = ""
        elif not quote and char in "'\"":
            quote, quoted = char, True
        elif char == escape:
            out.append(next(chars, ""))
        else:
            out.append(char)
    return "".join(out), quoted


def split_words(text: str, escape: str) -> list[str]:
    """``text`` cut at space that is neither quoted nor escaped; quotes and escapes stay in the words."""
    if "'" not in text and '"' not in text and escape not in text:
        return _PLAIN_WORDS.findall(text)
    words = []
    for found in _word_pattern(escape).finditer(text):
        word = found.group()
        if found.lastgroup:
            # An escape character with nothing after it is dropped, wherever the text ends.
            word = word[:-1]
        if word:
            words.append(word)
    return words


def _word_pattern(escape: str) -> re.Pattern[str]:
    e = re.escape(escape)
    return re.compile(
        rf"""(?:[^{GO_SPACE}'"{e}]++|{e}.|'[^']*+(?:'|\Z)|"(?:[^"{e}]++|{e}.)*+(?:"|\Z|(?P<cut>{e})\Z)|(?P<end>{e})\Z)++""",
        re.DOTALL,
    )


def go_quote(text: str) -> str:
    """``text`` in double quotes as Go's strconv.Quote writes it."""
    out = []
    for char in text:
        code = ord(char)
        if char in '"\\':
            out.append("\\" + char)
        elif char.isprintable():
            out.append(char)
        elif char in "\a\b\f\n\r\t\v":
            out.append("\\" + "abtnvfr"[code - 7])
        elif 0xDC80 <= code <= 0xDCFF:
            out.append(f"\\x{code - 0xDC00:02x}")
        elif code < 0x80:
            out.append(f"\\x{code:02x}")
        else:
            out.append(f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}")
    return '"' + "".join(out) + '"'


def go_text(text: str) -> str:
    """``text`` as Go has it once it went through runes: every invalid byte is U+FFFD."""
    return text if text.isascii() else re.sub("[\udc80-\udcff]", "\ufffd", text)
