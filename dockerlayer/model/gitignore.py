"""What a project's ``.gitignore`` files say of a directory: made on each machine, or a part of the source?

Only the files inside of the build context count. Patterns as in gitignore(5): the last match decides, those of a deeper
file come later, one with a slash in front or between is bound to its directory, ``!`` takes back, and nothing below a
directory that is left out can be taken back.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterator

_LINES = 5_000
_LONGEST = 200
_STARS = 6  # bounds the time that a hostile pattern takes


def git_ignores(read: Callable[[str], bytes | None], path: str) -> bool | None:
    """Whether git leaves the directory ``path`` out; None if there is no ``.gitignore`` that could say so.

    ``read`` gives the ``.gitignore`` of a directory, ``""`` being the root, or None.
    """
    parts = path.split("/")
    rules: list[tuple[bool, re.Pattern[str], str]] = []
    known = False
    for depth in range(len(parts)):
        directory = "/".join(parts[:depth])
        data = read(directory)
        if data is not None:
            known = True
            rules += ((keeps, pattern, directory) for keeps, pattern in _rules(data))
        here = "/".join(parts[: depth + 1])
        verdict = False
        for keeps, pattern, base in rules:
            if pattern.match(here[len(base) :].lstrip("/")):
                verdict = not keeps
        if verdict:
            return True
    return False if known else None


def _rules(data: bytes) -> Iterator[tuple[bool, re.Pattern[str]]]:
    """Whether a line takes back, and what it matches of a directory's path relative to its file."""
    for line in data.removeprefix(b"\xef\xbb\xbf").split(b"\n")[:_LINES]:
        text = re.sub(r"(?<!\\) +\Z", "", line.decode("utf-8", "surrogateescape").rstrip("\r"))
        keeps = text.startswith("!")
        text = text.removeprefix("!").rstrip("/")
        if not text or text.startswith("#") or len(text) > _LONGEST or text.count("*") > _STARS:
            continue
        bound = "/" in text
        # `dir/*` leaves an empty directory, which git knows nothing of.
        while text.endswith(("/*", "/**")) and text.strip("*/") and not keeps:
            text = posixpath.dirname(text)
        try:
            yield keeps, re.compile(("" if bound else r"(?:.*/)?") + _regexp(text.removeprefix("/")) + r"\Z", re.DOTALL)
        except re.error:
            continue


def _regexp(pattern: str) -> str:
    out, at = [], 0
    while at < len(pattern):
        rest = pattern[at:]
        if rest.startswith("**/") and (at == 0 or pattern[at - 1] == "/"):
            out.append(r"(?:.*/)?")
            at += 3
        elif rest[0] == "*":
            stars = len(rest) - len(rest.lstrip("*"))
            out.append(".*" if stars == len(rest) == 2 and pattern[at - 1 : at] == "/" else "[^/]*")
            at += stars
        elif rest[0] == "?":
            out.append("[^/]")
            at += 1
        elif rest[0] == "[" and "]" in rest[2:]:
            end = rest.index("]", 2)
            inside = rest[1:end].replace("\\", "\\\\").replace("[", "\\[")
            out.append(f"[{'^' + inside[1:] if inside[0] in '!^' else inside}]")
            at += end + 1
        else:
            at += rest[0] == "\\" and len(rest) > 1
            out.append(re.escape(pattern[at]))
            at += 1
    return "".join(out)
