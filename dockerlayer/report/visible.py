"""Text from files and file names made harmless for a terminal, and its width there."""

from __future__ import annotations

import re
from collections.abc import Callable

Paint = Callable[[str, str], str]
"""``paint(role, text)`` gives the text in the colour of its role; roles are the keys of ``ansi``'s table."""

_CODES = {
    "error": "1;31",
    "warning": "1;33",
    "info": "1;36",
    "path": "1",
    "gutter": "1;34",
    "note": "1",
    "added": "32",
    "removed": "31",
    "hunk": "36",
}
_SURROGATE = re.compile("[\ud800-\udfff]")


def plain(role: str, text: str) -> str:
    """The text as it is."""
    return text


def ansi(role: str, text: str) -> str:
    """The text between the escape sequences for its role."""
    return f"\x1b[{_CODES[role]}m{text}\x1b[0m" if text else ""


def decodable(text: str) -> str:
    """The text with U+FFFD for every lone surrogate, so that it can be encoded."""
    return text if text.isascii() else _SURROGATE.sub("\ufffd", text)


def shown(text: str) -> str:
    """The text on one line, without anything that a terminal would act on.

    Control characters become the pictures that Unicode has for them; other characters without a shape of their own,
    such as those that turn the direction of writing round, become U+FFFD. Tabs are left to the caller as spaces.
    """
    if text.isprintable():
        return text
    return "".join(map(_picture, text))


def shown_path(path: str) -> str:
    """A path that a line begins with, made harmless as well for a runner of GitHub Actions.

    That takes a line of the log which begins with ``::``, blanks or not in front, for a command of the workflow.
    """
    return shown(f"./{path}" if path.lstrip().startswith("::") else path)


def _picture(char: str) -> str:
    code = ord(char)
    if char == "\t":
        return "    "
    if char.isprintable():
        return char
    if code < 0x20:
        return chr(0x2400 + code)
    if code == 0x7F:
        return "\u2421"
    return "\ufffd"


def width(text: str) -> int:
    """The columns that a text made harmless takes."""
    if text.isascii():
        return len(text)
    from unicodedata import combining, east_asian_width

    return sum(0 if combining(char) else 2 if east_asian_width(char) in "WF" else 1 for char in text)
