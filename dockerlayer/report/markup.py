"""Text put into XML 1.0 documents."""

from __future__ import annotations

import html
import re

_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'


def content(text: str) -> str:
    """The text as content of an element, U+FFFD for every character that XML 1.0 does not allow at all (2.2, Char)."""
    return _ascii(html.escape(_FORBIDDEN.sub("\ufffd", text), quote=False)).replace("\r", "&#13;")


def tag(element: str, /, **attributes: object) -> str:
    """A start tag without its ``>``. Line ends are written as references, or a reader would make blanks of them."""
    words = (f' {key}="{_value(str(value))}"' for key, value in attributes.items())
    return f"<{element}{''.join(words)}"


def _value(text: str) -> str:
    text = _ascii(html.escape(_FORBIDDEN.sub("\ufffd", text)))
    return text.replace("\t", "&#9;").replace("\n", "&#10;").replace("\r", "&#13;")


def _ascii(text: str) -> str:
    """References for all that is not ASCII: standard output need not be in the encoding that the document names."""
    return text.encode("ascii", "xmlcharrefreplace").decode()
