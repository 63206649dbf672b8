"""The functions and operators of Bake's expressions that depend on nothing but their arguments.

Names and meaning are those of Bake's standard library (docker/buildx, docs/bake-stdlib.md), of which the most used are
here. The clock, random values, the machine and files have no place in it.
"""

from __future__ import annotations

import hashlib
import posixpath
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from dockerlayer.builds.definition import Unusable


def as_text(value: Any) -> str:
    """A value as a template shows it; raises Unusable for what has no such form."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return value
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else repr(value)
    raise Unusable("a text is wanted where there is none")


def _flatten(values: list[Any]) -> list[Any]:
    found: list[Any] = []
    for value in values:
        found += _flatten(value) if isinstance(value, list) else [value]
    return found


def _coalesce(*values: Any) -> Any:
    for value in values:
        if value is not None:
            return value
    raise Unusable("coalesce() has nothing but nulls")


def _coalescelist(*values: Any) -> Any:
    return next((value for value in values if value), [])


def _merge(*values: Any) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for value in values:
        found |= value or {}
    return found


def _lookup(table: dict[str, Any], key: str, default: Any) -> Any:
    return table.get(key, default)


def _substr(text: str, start: int, length: int) -> str:
    start = start + len(text) if start < 0 else start
    return text[start:] if length < 0 else text[start : start + length]


def _format(pattern: str, *values: Any) -> str:
    """``%s``, ``%d``, ``%v`` and ``%%``; any other verb is not understood."""
    parts: list[str] = []
    left = list(values)
    at = 0
    while at < len(pattern):
        if pattern[at] != "%":
            parts.append(pattern[at])
            at += 1
            continue
        verb = pattern[at + 1 : at + 2]
        if verb == "%":
            parts.append("%")
        elif verb in {"s", "d", "v"}:
            parts.append(as_text(left.pop(0)))
        else:
            raise ValueError(verb)
        at += 2
    return "".join(parts)


def _replace(text: str, old: str, new: str) -> str:
    if old == "":
        raise ValueError(old)
    return text.replace(old, new)


FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "and": lambda a, b: operate("&&", [a, b]),
    "basename": lambda path: posixpath.basename(path.rstrip("/")) if path else ".",
    "coalesce": _coalesce,
    "coalescelist": _coalescelist,
    "compact": lambda values: [value for value in values if value != ""],
    "concat": lambda *lists: [value for values in lists for value in list(values)],
    "contains": lambda values, value: value in values,
    "dirname": lambda path: posixpath.dirname(path) or ".",
    "distinct": lambda values: [value for at, value in enumerate(values) if value not in values[:at]],
    "element": lambda values, at: values[int(at) % len(values)],
    "equal": lambda a, b: operate("==", [a, b]),
    "flatten": lambda values: _flatten(values),
    "format": _format,
    "index": lambda values, key: values[key if isinstance(values, dict) else int(key)],
    "join": lambda by, *lists: by.join(as_text(value) for values in lists for value in values),
    "keys": lambda table: sorted(table),
    "length": lambda values: len(values) if isinstance(values, list | dict) else len(values + ""),
    "lookup": _lookup,
    "lower": lambda text: text.lower(),
    "md5": lambda text: hashlib.md5(text.encode(), usedforsecurity=False).hexdigest(),
    "merge": _merge,
    "not": lambda a: operate("!", [a]),
    "notequal": lambda a, b: operate("!=", [a, b]),
    "or": lambda a, b: operate("||", [a, b]),
    "replace": _replace,
    "reverse": lambda text: (text + "")[::-1],
    "reverselist": lambda values: values[::-1],
    "sanitize": lambda text: re.sub(r"[^a-zA-Z0-9_-]", "_", text),
    "sha1": lambda text: hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest(),
    "sha256": lambda text: hashlib.sha256(text.encode()).hexdigest(),
    "slice": lambda values, start, end: values[int(start) : int(end)],
    "sort": lambda values: sorted(values),
    "split": lambda by, text: text.split(by),
    "strlen": lambda text: len(text + ""),
    "substr": _substr,
    "trim": lambda text, characters: text.strip(characters),
    "trimprefix": lambda text, prefix: text.removeprefix(prefix),
    "trimspace": lambda text: text.strip(),
    "trimsuffix": lambda text, suffix: text.removesuffix(suffix),
    "upper": lambda text: text.upper(),
    "values": lambda table: [table[key] for key in sorted(table)],
    "zipmap": lambda keys, values: dict(zip(keys, values, strict=True)),
}


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def operate(operator: str, values: Sequence[Any]) -> Any:
    """The value of an operator between its operands; raises Unusable where they do not fit it."""
    if operator == "==":
        return type(values[0]) is type(values[1]) and values[0] == values[1]
    if operator == "!=":
        return not operate("==", values)
    if operator in {"!", "&&", "||"} and all(isinstance(value, bool) for value in values):
        if operator == "!":
            return not values[0]
        return values[0] and values[1] if operator == "&&" else values[0] or values[1]
    if operator == "-" and len(values) == 1 and _is_number(values[0]):
        return -values[0]
    if operator in _ARITHMETIC and len(values) == 2 and all(map(_is_number, values)):
        try:
            return _ARITHMETIC[operator](*values)
        except (ZeroDivisionError, OverflowError) as error:
            raise Unusable(f"{operator} has no result") from error
    raise Unusable(f"{operator} between these values is not understood")


_ARITHMETIC: Mapping[str, Callable[[Any, Any], Any]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b,
    "%": lambda a, b: a % b,
    "<": lambda a, b: a < b,
    ">": lambda a, b: a > b,
    "<=": lambda a, b: a <= b,
    ">=": lambda a, b: a >= b,
}
