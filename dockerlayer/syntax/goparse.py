"""Small formats that BuildKit hands to Go's standard library, with the errors Go gives for them."""

from __future__ import annotations

import re

from dockerlayer.syntax.words import go_quote

_UNIT_NANOSECONDS = {
    "ns": 1,
    "us": 10**3,
    "\u00b5s": 10**3,
    "\u03bcs": 10**3,
    "ms": 10**6,
    "s": 10**9,
    "m": 60 * 10**9,
    "h": 3600 * 10**9,
}
_DURATION_PART = re.compile(r"([0-9]*)(?:\.([0-9]*))?([^.0-9]*)")
_INTEGER = re.compile(r"([+-]?)([0-9]*)")
_MAX_INT64 = 2**63


def csv_fields(line: str) -> list[str]:
    """The fields of one line of CSV; raises ValueError as Go's encoding/csv words it."""
    if not line:
        raise ValueError("EOF")
    fields: list[str] = []
    at, size = 0, len(line)
    while True:
        if not line.startswith('"', at):
            end = line.find(",", at)
            field = line[at : end if end >= 0 else size]
            if '"' in field:
                raise ValueError(_csv_error(line, at + field.index('"'), 'bare " in non-quoted-field'))
            fields.append(field)
            if end < 0:
                return fields
            at = end + 1
            continue
        parts: list[str] = []
        at += 1
        while True:
            end = line.find('"', at)
            if end < 0:
                raise ValueError(_csv_error(line, at, 'extraneous or missing " in quoted-field'))
            parts.append(line[at:end])
            at = end + 1
            if not line.startswith('"', at):
                break
            parts.append('"')
            at += 1
        fields.append("".join(parts))
        if at == size:
            return fields
        if line[at] != ",":
            raise ValueError(_csv_error(line, at - 1, 'extraneous or missing " in quoted-field'))
        at += 1


def _csv_error(line: str, index: int, what: str) -> str:
    column = len(line[:index].encode("utf-8", "surrogateescape")) + 1
    return f"parse error on line 1, column {column}: {what}"


def duration(text: str) -> int:
    """Nanoseconds of a duration such as ``1m30s``; raises ValueError as Go's time.ParseDuration words it."""
    invalid = f"time: invalid duration {_time_quote(text)}"
    negative = text.startswith("-")
    rest = text[1:] if text[:1] in ("+", "-") else text
    if rest == "0":
        return 0
    if not rest:
        raise ValueError(invalid)
    total, at = 0, 0
    while at < len(rest):
        found = _DURATION_PART.match(rest, at)
        assert found
        whole, fraction, unit = found.groups()
        if not whole and not fraction:
            raise ValueError(invalid)
        # Twenty digits are enough to be too large; int() refuses thousands of them.
        number = int(whole.lstrip("0")[:20] or "0")
        if number > _MAX_INT64:
            raise ValueError(invalid)
        if not unit:
            raise ValueError(f"time: missing unit in duration {_time_quote(text)}")
        scale = _UNIT_NANOSECONDS.get(unit)
        if scale is None:
            raise ValueError(f"time: unknown unit {_time_quote(unit)} in duration {_time_quote(text)}")
        digits = (fraction or "")[:18]
        total += number * scale + int(digits or "0") * scale // 10 ** len(digits)
        if total > _MAX_INT64:
            raise ValueError(invalid)
        at = found.end()
    if total == _MAX_INT64 and not negative:
        raise ValueError(invalid)
    return -total if negative else total


def _time_quote(text: str) -> str:
    # package time quotes on its own: bytes outside of printable ASCII become \xNN.
    out = []
    for byte in text.encode("utf-8", "surrogateescape"):
        char = chr(byte)
        out.append("\\" + char if char in '"\\' else char if 0x20 <= byte < 0x80 else f"\\x{byte:02x}")
    return '"' + "".join(out) + '"'


def int32(text: str) -> int:
    """The decimal number; raises ValueError as Go's strconv.ParseInt words it."""
    found = _INTEGER.match(text)
    assert found
    value = int(found.group(2).lstrip("0")[:20] or "0")
    # Go tells the overflow of the unsigned number before it looks at what follows it.
    if value < 2**32 and (found.end() < len(text) or not found.group(2)):
        raise ValueError(f"strconv.ParseInt: parsing {go_quote(text)}: invalid syntax")
    value = -value if found.group(1) == "-" else value
    if not -(2**31) <= value < 2**31:
        raise ValueError(f"strconv.ParseInt: parsing {go_quote(text)}: value out of range")
    return value
