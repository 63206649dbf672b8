"""The JSON (exec) form of arguments, as Go's encoding/json reads it."""

from __future__ import annotations

import re

from dockerlayer.syntax.words import decode

_STRING = r'"(?:[^"\\\x00-\x1f]++|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*+"'
_SPACE = r"[ \t\r\n]*+"
_STRINGS = re.compile(rf"\[{_SPACE}(?:{_STRING}{_SPACE}(?:,{_SPACE}{_STRING}{_SPACE})*+)?\]{_SPACE}")
_ONE_STRING = re.compile(_STRING)
_TOKEN = re.compile(
    rf"{_SPACE}(?:(?P<mark>[\[\]{{}},:])|(?P<string>{_STRING})"
    r"|(?P<number>-?(?:0|[1-9][0-9]*+)(?:\.[0-9]++)?(?:[eE][+-]?[0-9]++)?)|(?P<word>true|false|null))"
)
_ESCAPE = re.compile(r"\\(?:u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|(.))")
_ESCAPED = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_MAX_DEPTH = 10_000


class NotStringsError(ValueError):
    """Valid JSON, an array, but with something in it that is no string: BuildKit refuses the file."""

    def __init__(self) -> None:
        super().__init__("when using JSON array syntax, arrays must be comprised of strings only")


def string_array(rest: bytes) -> tuple[str, ...] | None:
    """The strings of the JSON array ``rest``, or None when ``rest`` is no valid JSON array.

    Raises NotStringsError for an array with other members.
    """
    if not rest.startswith(b"["):
        return None
    text = decode(rest)
    if _STRINGS.fullmatch(text):
        found = [word[1:-1] for word in _ONE_STRING.findall(text)]
        return tuple(_ESCAPE.sub(_unescape, word) if "\\" in word else word for word in found)
    if _is_json(text):
        raise NotStringsError
    return None


def _unescape(found: re.Match[str]) -> str:
    high, low, single, letter = found.groups()
    if high:
        return chr(0x10000 + ((int(high, 16) - 0xD800) << 10) + int(low, 16) - 0xDC00)
    if single:
        code = int(single, 16)
        return "\ufffd" if 0xD800 <= code <= 0xDFFF else chr(code)
    return _ESCAPED.get(letter, letter)


def _is_json(text: str) -> bool:
    """Whether Go decodes the array: its syntax, its limit of depth, and the range of a float64."""
    open_marks: list[str] = []
    # What may come next: v a value, V a value or ], k a key, K a key or }, c a colon, s a separator or an end.
    wanted, at, end = "v", 0, len(text)
    while True:
        found = _TOKEN.match(text, at)
        if not found:
            return wanted == "." and not text[at:end].strip(" \t\r\n")
        at, kind, token = found.end(), found.lastgroup, found.group(found.lastgroup or 0)
        if kind == "number" and abs(float(token)) == float("inf"):
            return False
        if wanted in "vV" and (kind != "mark" or token in "[{"):
            if kind == "mark":
                open_marks.append(token)
                wanted = "V" if token == "[" else "K"
                if len(open_marks) > _MAX_DEPTH:
                    return False
                continue
        elif wanted in "kK" and kind == "string":
            wanted = "c"
            continue
        elif wanted == "c" and token == ":":
            wanted = "v"
            continue
        elif wanted == "s" and token == ",":
            wanted = "v" if open_marks[-1] == "[" else "k"
            continue
        elif (token == "]" and wanted in "Vs" and open_marks[-1] == "[") or (
            token == "}" and wanted in "Ks" and open_marks[-1] == "{"
        ):
            open_marks.pop()
        else:
            return False
        wanted = "s" if open_marks else "."
