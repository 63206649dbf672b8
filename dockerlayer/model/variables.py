"""Variable substitution in Dockerfile words (ENV, ARG, WORKDIR, COPY, FROM, ...).

``$X``, ``${X}``, ``${X:-word}``, ``${X-word}``, ``${X:+word}`` and ``${X+word}`` are resolved as the Dockerfile
reference says (section "Environment replacement"). A variable that nothing in the file defines stays as written: the
same text then still means the same value, which is enough to compare two paths.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

_MODIFIED = re.compile(r"(?<!\\)\$\{(\w+)(:?[-+])([^{}$]*)\}")
_REFERENCE = re.compile(r"\$(?:\{(\w+)\}|(\w+))")
_SPECIAL = re.compile(r"""[$\\'"]""")

VOLATILE = re.compile(
    r"(?:(?:APP|BUILD|RELEASE|IMAGE|PROJECT|SERVICE)_?)?(?:VERSION|VER|TAG|NUMBER|NUM|ID|DATE|TIME|TIMESTAMP|RELEASE)"
    r"|.*(?:GIT_|VCS_|COMMIT|REVISION|_SHA|_REF|CACHE_?BUST|BUILD_(?:DATE|TIME|NUMBER|ID)).*|SHA|REF|REVISION",
    re.IGNORECASE,
)
"""Names of variables that may change with every commit or build: above a download they throw it away each time."""
# Those that do so by their name alone, and those that do so where no release is written behind them.
_PER_BUILD = re.compile(
    r"(?:(?:APP|BUILD|CI|DRONE|GITHUB|IMAGE|PROJECT|RELEASE|SERVICE|SOURCE|SRC)_)?(?:(?:GIT|VCS|SCM)_?)?"
    r"(?:COMMIT|REVISION|SHA|COMMIT_?(?:SHA|HASH|ID|REF|DATE|TIME|TIMESTAMP)|(?:SHORT|SHA)_(?:SHA|SHORT))"
    r"|(?:GIT|VCS|SCM)_?(?:REF|HASH|REV|DESCRIBE|DIRTY|TREE_?STATE)"
    r"|(?:APP_|IMAGE_|CI_)?BUILD_?(?:DATE|TIME|TIMESTAMP|NUMBER|NUM|NO|SHA|REVISION|COMMIT)",
    re.IGNORECASE,
)
_RELEASE = re.compile(
    r"(?:(?:APP|BUILD|RELEASE|IMAGE|PROJECT|SERVICE|GIT)_?)?(?:VERSION|VER|TAG)|BUILD_ID|REV|RELEASE", re.IGNORECASE
)
_PINNED = re.compile(r"[0-9a-f]{7,64}|v?\d+(?:\.\d+)*(?:[-+.]\w+)*", re.IGNORECASE)
_UNSET = re.compile(
    r"dev(?:el|elop)?|unknown|none|null|n/?a|latest|local|snapshot|v?0\.0\.0(?:[-+].*)?|", re.IGNORECASE
)


def changes_each_build(name: str, default: str | None) -> bool:
    """Whether a build argument is plainly given another value by each build, going by its name and its default."""
    if _PER_BUILD.fullmatch(name):
        return default is None or _UNSET.fullmatch(default) is not None or not _PINNED.fullmatch(default)
    return _RELEASE.fullmatch(name) is not None and (default is None or _UNSET.fullmatch(default) is not None)


def expand(word: str, values: Mapping[str, str]) -> str:
    """``word`` with quotes removed and every variable that ``values`` knows replaced."""
    if not _SPECIAL.search(word):
        return word
    from dockerfile_parse.util import WordSplitter

    if "${" in word:
        word = _MODIFIED.sub(lambda match: _modified(match, values), word)
    known = {name: values.get(name, f"${{{name}}}") for name in references(word)}
    return "".join(WordSplitter(word, args={}, envs=known).split(maxsplit=0))


def substitute(text: str, values: Mapping[str, str]) -> str:
    """``text`` with known variables replaced and nothing else touched: for shell words, whose quotes are gone."""
    if "$" not in text:
        return text
    text = _MODIFIED.sub(lambda match: _modified(match, values), text)
    return _REFERENCE.sub(lambda match: values.get(match[1] or match[2], match[0]), text)


def _modified(match: re.Match[str], values: Mapping[str, str]) -> str:
    name, operator, word = match.groups()
    value = values.get(name)
    if value is None and operator[-1] == "+":
        return ""
    present = bool(value) if operator.startswith(":") else value is not None
    if operator[-1] == "-":
        return value if present and value is not None else word
    return word if present else ""


def references(word: str) -> frozenset[str]:
    """The names of the variables that ``word`` mentions."""
    if "$" not in word:
        return frozenset()
    return frozenset(braced or plain for braced, plain in _REFERENCE.findall(word)) | frozenset(
        name for name, _, _ in _MODIFIED.findall(word)
    )
