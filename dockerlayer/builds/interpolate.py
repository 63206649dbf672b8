"""Compose's variables: ``$NAME``, ``${NAME}`` with a default, nested, as the Compose specification has them.

Values are those of the file ``.env`` beside the Compose file, then the defaults in the text. The environment of the
process is not asked, so that the same files are judged alike on every machine (Compose specification, "Interpolation";
docs.docker.com/compose/how-tos/environment-variables/variable-interpolation).
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from dockerlayer.builds.definition import Unusable

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_OPERATOR = re.compile(r":?[-?+]")
_LINE = re.compile(r"\s*(?:export\s+)?([A-Za-z_][\w.-]*)\s*[=:]\s*(.*?)\s*$")
_COMMENT = re.compile(r"\s+#.*$")
_DEPTH = 20
_GROWTH = 4096
_NO_VALUE = "the variable {} has no value here: neither a default nor a line in .env"


def interpolate(text: str, values: Mapping[str, str]) -> str:
    """The text with its variables replaced; raises Unusable, naming the variable, where one has no value."""
    if "$" not in text:
        return text
    found, end = _until(text, 0, values, "", 0)
    assert end == len(text)
    # Lines of .env that are each made of the one before twice over would fill the memory.
    if len(found) > len(text) + _GROWTH:
        raise Unusable(f"its variables make more than {_GROWTH} characters of it")
    return found


def _until(text: str, at: int, values: Mapping[str, str], closing: str, depth: int) -> tuple[str, int]:
    """What stands before ``closing`` (which may not be there, if it is empty), and where that is."""
    if depth > _DEPTH:
        raise Unusable("variables are nested too deep")
    parts: list[str] = []
    while at < len(text):
        if closing and text[at] == closing:
            return "".join(parts), at
        if text[at] != "$":
            parts.append(text[at])
            at += 1
        elif text.startswith("$$", at):
            parts.append("$")
            at += 2
        elif text.startswith("${", at):
            value, at = _braced(text, at + 2, values, depth)
            parts.append(value)
        elif name := _NAME.match(text, at + 1):
            parts.append(_value(name[0], values))
            at = name.end()
        else:
            parts.append("$")
            at += 1
    if closing:
        raise Unusable("a ${ is not closed")
    return "".join(parts), at


def _braced(text: str, at: int, values: Mapping[str, str], depth: int) -> tuple[str, int]:
    name = _NAME.match(text, at)
    if name is None:
        raise Unusable("no name of a variable behind ${")
    operator = _OPERATOR.match(text, name.end())
    if operator is None:
        if text[name.end() : name.end() + 1] != "}":
            raise Unusable(f"${{{name[0]} is not closed, or followed by what Compose does not know")
        return _value(name[0], values), name.end() + 1
    value = values.get(name[0])
    there = bool(value) if operator[0][0] == ":" else value is not None
    wanted = operator[0][-1]
    if (wanted == "-" and not there) or (wanted == "+" and there):
        word, end = _until(text, operator.end(), values, "}", depth + 1)
        return word, end + 1
    end = _closing(text, operator.end())
    if wanted == "?" and not there:
        raise Unusable(_NO_VALUE.format(name[0]))
    return "" if wanted == "+" else value or "", end + 1


def _closing(text: str, at: int) -> int:
    """Where the brace is that closes a word which is not evaluated."""
    depth = 1
    for end in range(at, len(text)):
        if text.startswith("${", end):
            depth += 1
        elif text[end] == "}":
            depth -= 1
            if not depth:
                return end
    raise Unusable("a ${ is not closed")


def _value(name: str, values: Mapping[str, str]) -> str:
    if name not in values:
        raise Unusable(_NO_VALUE.format(name))
    return values[name]


def dotenv(data: bytes) -> dict[str, str]:
    """Names and values of a ``.env`` file, as far as they stand on one line and use no name without a value."""
    found: dict[str, str] = {}
    for line in data.decode("utf-8-sig", "replace").splitlines():
        match = _LINE.match(line)
        if match is None or line.lstrip().startswith("#"):
            continue
        name, value = match.groups()
        quote = value[:1]
        if quote in {"'", '"'}:
            end = value.find(quote, 1)
            if end < 0:
                continue
            value = value[1:end]
        else:
            value = _COMMENT.sub("", f" {value}").strip()
        try:
            found[name] = value if quote == "'" else interpolate(value, found)
        except Unusable:
            found.pop(name, None)
    return found
