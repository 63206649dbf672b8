"""The line of source that a finding stands on, clipped and with the place underlined."""

from __future__ import annotations

from dockerlayer.report.visible import Paint, shown, width
from dockerlayer.syntax.tree import Dockerfile

_COLUMNS = 110
_BEFORE = 40
_WINDOW = 4 * _COLUMNS
_CUT = "..."
_HALVES = "".join(map(chr, range(0xDC80, 0xDD00)))


def excerpt(dockerfile: Dockerfile, start: int, end: int, role: str, paint: Paint) -> list[str]:
    """Lines that show the bytes ``start:end`` in their place; of several lines the first."""
    data = dockerfile.data
    line, _ = dockerfile.position(start)
    first = dockerfile.line_offset(line)
    last = dockerfile.line_end(first)
    start = min(start, last)
    end = max(min(end, last), start)
    gutter = " " * len(str(line))
    before, place, after = _clip(data, first, last, start, end)
    marks = paint(role, "^" * max(width(place), 1))
    bar = paint("gutter", "|")
    return [
        f"{gutter} {bar}",
        f"{paint('gutter', str(line))} {bar} {before}{place}{after}".rstrip(),
        f"{gutter} {bar} {' ' * width(before)}{marks}",
    ]


def _clip(data: bytes, first: int, last: int, start: int, end: int) -> tuple[str, str, str]:
    """Text before, at and after the place; what is much longer than ``_COLUMNS`` is not even decoded."""
    before = _text(data, max(first, start - _WINDOW), start, first)
    place = _text(data, start, min(end, start + _WINDOW), start)
    after = _text(data, end, min(last, end + _WINDOW), end)
    if len(before) + len(place) + len(after) > _COLUMNS and len(before) > _BEFORE:
        before = _CUT + before[-_BEFORE:]
    room = _COLUMNS - len(before)
    if len(place) > room:
        return before, place[:room] + _CUT, ""
    room -= len(place)
    return before, place, after if len(after) <= room else after[:room] + _CUT


def _text(data: bytes, start: int, end: int, limit: int) -> str:
    """The bytes as text made harmless, without half a character at an end where a window cuts the line."""
    while limit < start < end and data[start] & 0xC0 == 0x80:
        start += 1
    text = data[start:end].decode("utf-8", "surrogateescape")
    if end < len(data) and data[end] & 0xC0 == 0x80:
        text = text.rstrip(_HALVES)
    return shown(text)
