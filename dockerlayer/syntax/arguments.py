"""How each keyword cuts its arguments, after BuildKit's `parser/line_parsers.go`."""

from __future__ import annotations

import re
from collections.abc import Callable

from dockerlayer.syntax.jsonform import string_array
from dockerlayer.syntax.words import decode, go_quote, go_text, split_words, strip_left

Arguments = tuple[tuple[str, ...], bool]

_TWO = re.compile(r"[\t\v\f\r ]+")
_HEALTH_TYPE = re.compile(rb"([^\t-\r \x85\xa0]*)[\t-\r \x85\xa0]*")


class ArgumentsError(ValueError):
    """Arguments that BuildKit's parser refuses; the text is BuildKit's message."""


def _text(rest: bytes, _escape: str) -> Arguments:
    return ((decode(rest),) if rest else ()), False


def _list(rest: bytes, _escape: str) -> Arguments:
    # bytes.split() cuts at ASCII white space only, which is what BuildKit does here.
    return tuple([decode(word) for word in rest.split()]), False


def _json_or_text(rest: bytes, escape: str) -> Arguments:
    strings = string_array(strip_left(rest))
    return _text(rest, escape) if strings is None else (strings, True)


def _json_or_list(rest: bytes, escape: str) -> Arguments:
    strings = string_array(rest)
    return _list(rest, escape) if strings is None else (strings, True)


def _words(rest: bytes, escape: str) -> Arguments:
    return tuple(split_words(decode(rest), escape)), False


def _pairs(rest: bytes, escape: str, keyword: str) -> Arguments:
    text = decode(rest)
    words = split_words(text, escape)
    if not words:
        return (), False
    if "=" not in words[0]:
        parts = _TWO.split(text, maxsplit=1)
        if len(parts) < 2:
            raise ArgumentsError(f"{keyword} must have two arguments")
        return (parts[0], parts[1], ""), False
    found: list[str] = []
    for word in words:
        name, equals, value = word.partition("=")
        if not equals:
            raise ArgumentsError(
                f"Syntax error - can't find = in {go_quote(go_text(word))}. Must be of the form: name=value"
            )
        found += (name, value, "=")
    return tuple(found), False


def _env(rest: bytes, escape: str) -> Arguments:
    return _pairs(rest, escape, "ENV")


def _label(rest: bytes, escape: str) -> Arguments:
    return _pairs(rest, escape, "LABEL")


def _healthcheck(rest: bytes, escape: str) -> Arguments:
    # BuildKit looks for the space byte by byte: 0x85 and 0xA0 count, even inside a character.
    found = _HEALTH_TYPE.match(rest)
    if not found or not found.group(1):
        return (), False
    command, is_json = _json_or_text(rest[found.end() :], escape)
    return (decode(found.group(1)), *command), is_json


def _unknown(_rest: bytes, _escape: str) -> Arguments:
    return ("",), False


_BY_KEYWORD: dict[str, Callable[[bytes, str], Arguments]] = {
    "add": _json_or_list,
    "arg": _words,
    "cmd": _json_or_text,
    "copy": _json_or_list,
    "entrypoint": _json_or_text,
    "env": _env,
    "expose": _list,
    "from": _list,
    "healthcheck": _healthcheck,
    "label": _label,
    "maintainer": _text,
    "run": _json_or_text,
    "shell": _json_or_text,
    "stopsignal": _text,
    "user": _text,
    "volume": _json_or_list,
    "workdir": _text,
}


def split_arguments(name: str, rest: bytes, escape: str) -> Arguments:
    """The arguments of the instruction ``name`` (lower case) from the text after its flags, and whether it was JSON.

    ENV and LABEL give three strings a pair: name, value, and ``=`` or nothing. An unknown instruction gives one empty
    string. Raises ArgumentsError or NotStringsError for what BuildKit refuses.
    """
    return _BY_KEYWORD.get(name, _unknown)(rest, escape)
