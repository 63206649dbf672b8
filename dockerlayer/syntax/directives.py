"""Parser directives, the `# name=value` lines at the very top, after BuildKit's `parser/directives.go`."""

from __future__ import annotations

import re

from dockerlayer.syntax.tree import Directive
from dockerlayer.syntax.words import decode, strip_left

_NAME = re.compile(rb"([a-zA-Z][a-zA-Z0-9]*)[\t\n\f\r ]*=")
_KNOWN = frozenset(("syntax", "escape", "check"))
_SPACE = b"\t\n\f\r "


class DirectiveReader:
    """Reads comment lines for as long as they are directives; ``escape`` is the escape character they set.

    After a first line ``#!...`` the directives count for the choice of the frontend and for its checks, not for the
    parser itself, which takes them as comments: no escape can be set there.
    """

    def __init__(self) -> None:
        self.done = False
        self.shebang = False
        self.escape = "\\"
        self.found: list[Directive] = []

    def read(self, comment: bytes, line: int) -> tuple[bool, str | None]:
        """Whether the line ``comment`` (from its ``#`` on) is a directive, and BuildKit's message if it is bad."""
        if line == 1 and comment.startswith(b"#!"):
            self.shebang = True
            return False, None
        body = strip_left(comment[1:])
        match = _NAME.match(body)
        name = match.group(1).decode().lower() if match else ""
        value = body[match.end() :] if match else b""
        if name not in _KNOWN or not value or (self.shebang and name == "escape"):
            self.done = True
            return False, None
        # BuildKit's expression asks for one character at least: of a blank value the last space is left.
        text = decode(value.strip(_SPACE) or value[-1:])
        repeated = any(directive.name == name for directive in self.found)
        if repeated and self.shebang:
            self.done = True
            return False, None
        self.found.append(Directive(name, text, line))
        if repeated:
            return True, f"only one {name} parser directive can be used"
        if name == "escape":
            if text not in ("`", "\\"):
                return True, f"invalid escape token '{text}' does not match ` or \\"
            self.escape = text
        return True, None
