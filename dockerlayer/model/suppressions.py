"""The comments that leave findings alone: what each says, what it stands on, and what is wrong with it.

::

    # dockerlayer: file-ignore[rule] reason      below the parser directives, above the first instruction
    # dockerlayer: stage-ignore[rule] reason     above a FROM: all of its stage
    # dockerlayer: ignore[rule, rule] reason     above an instruction, or on a line between its continued lines

Other comments and empty lines may stand between. Nothing else is taken for one: neither a pragma of another tool nor
what stands in a here-document.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from dockerlayer.syntax.tree import Dockerfile, Instruction, Trivia

IGNORE, STAGE, FILE = SCOPES = ("ignore", "stage-ignore", "file-ignore")

_MAY_HOLD = re.compile(rb"#[ \t]*dockerlayer\b", re.IGNORECASE)
_OURS = re.compile(rb"#[ \t]*dockerlayer[ \t]*(:?)[ \t]*([a-z_-]*)", re.IGNORECASE)
_TRAILING = re.compile(r"(?<=\s)(#[ \t]*dockerlayer[ \t]*:[ \t]*(?:(?:stage|file)-)?ignore[ \t]*\[)", re.IGNORECASE)
_NAMES = re.compile(rb"[ \t]*\[([^\]]*)\][ \t]*", re.DOTALL)
_LIST = re.compile(rb"[^\s,]+")
# What people write who have another tool in mind; anything else after the name may be prose.
_WORDS = ("disable", "noqa", "skip", "suppress", "allow")
_HEADER = 1000
DIRECTIVE = re.compile(rb"#[ \t]*(?:syntax|escape|check)[ \t]*=[ \t]*[^\s]", re.IGNORECASE)
"""Matches a comment that would be a parser directive at the top of a file."""


class Name(NamedTuple):
    """A rule that a comment names, with its place in the file."""

    text: str
    start: int
    end: int


class Suppression(NamedTuple):
    """A comment of ours from its ``#`` to the end of the text, on the line ``line_start:line_end``.

    ``target`` is the instruction that it stands on; what starts in ``reach`` is left alone. ``problem`` says what is
    wrong with the comment; one without ``reach`` has no effect. ``list_start:list_end`` is what the brackets hold.
    """

    scope: str
    names: tuple[Name, ...]
    reason: str
    start: int
    end: int
    line_start: int
    line_end: int
    target: Instruction | None
    reach: tuple[int, int] = (0, 0)
    problem: str = ""
    list_start: int = 0
    list_end: int = 0

    @property
    def rules(self) -> frozenset[str]:
        """The names of the rules."""
        return frozenset(name.text for name in self.names)

    @property
    def place(self) -> int:
        """The offset that stands for the comment itself where comments are asked about it."""
        return self.target.start if self.target is not None and self.scope != FILE else 0

    def covers(self, rule: str, offset: int) -> bool:
        """Whether a finding of a rule that starts at an offset is left alone."""
        return self.reach[0] <= offset < self.reach[1] and rule in self.rules


def suppressions_of(dockerfile: Dockerfile) -> tuple[Suppression, ...]:
    """The comments of ours in a file, malformed ones too, in order."""
    if not _MAY_HOLD.search(dockerfile.data):
        return ()
    return tuple(_read(dockerfile))


def is_suppressed(rule: str, offset: int, suppressions: Iterable[Suppression]) -> bool:
    """Whether a comment leaves a finding alone."""
    return any(item.covers(rule, offset) for item in suppressions)


def _read(dockerfile: Dockerfile) -> Iterator[Suppression]:
    data = dockerfile.data
    instructions = dockerfile.instructions
    stages = [item.start for item in instructions if item.name == "from"]
    first = instructions[0].start if instructions else len(data)
    killer, killed = _killed_directive(dockerfile)
    above: list[Suppression] = []
    for item in dockerfile.items:
        if isinstance(item, Instruction):
            inner = (_suppression(dockerfile, start, end) for start, end in item.inner_comments)
            for one in [*above, *(one for one in inner if one is not None)]:
                yield _placed(one._replace(target=item), data, stages, first)
            above = []
            yield from _trailing(dockerfile, item)
        elif isinstance(item, Trivia) and item.kind == "comment":
            text = data[item.start : item.end]
            start = item.start + len(text) - len(text.lstrip())
            found = _suppression(dockerfile, start, dockerfile.line_end(start))
            if found is not None and item.start == killer and killed:
                what = f"the parser directive {killed!r} has no effect below a comment: move this one below it"
                found = found._replace(problem=what)
            if found is not None:
                above.append(found)
    for one in above:
        yield _placed(one, data, stages, first)


def _trailing(dockerfile: Dockerfile, instruction: Instruction) -> Iterator[Suppression]:
    """What looks like a comment of ours behind the words of an instruction, and is a part of it."""
    for match in _TRAILING.finditer(instruction.logical):
        start = instruction.offset_of(match.start(1))
        end = dockerfile.line_end(start)
        line_start = dockerfile.data.rfind(b"\n", 0, start) + 1
        problem = "it is a part of the instruction: a comment has a line of its own, above"
        yield Suppression(IGNORE, (), "", start, end, line_start, end, instruction, problem=problem)


def _suppression(dockerfile: Dockerfile, start: int, end: int) -> Suppression | None:
    """The comment in ``start:end``, if it is one of ours."""
    data = dockerfile.data
    match = _OURS.match(data, start, end)
    if match is None:
        return None
    line_start = data.rfind(b"\n", 0, start) + 1
    line_start += 3 if line_start == 0 and data.startswith(b"\xef\xbb\xbf") else 0
    line_end = data.find(b"\n", end) + 1 or len(data)
    scope = match[2].decode().lower().replace("_", "-")
    bare = Suppression(scope, (), "", start, end, line_start, line_end, None)
    follows = data[match.end() : match.end() + 1]
    if not match[1]:
        named = scope in SCOPES and re.match(rb"[\[=:(]|\s*$|[ \t]+[a-z]+-[a-z-]+", data[match.end() : end])
        return bare._replace(problem=f"a colon is missing: {_example(scope)}") if named else None
    if scope not in SCOPES:
        from difflib import get_close_matches

        near = get_close_matches(scope, (*SCOPES, *_WORDS), n=1, cutoff=0.7)
        if not near and follows not in {b"[", b"="}:
            return None
        meant = near[0] if near and near[0] in SCOPES else IGNORE
        return bare._replace(problem=f"{scope or 'nothing'!r} is no word for dockerlayer: {_example(meant)}")
    names = _NAMES.match(data, match.end(), end)
    if names is None:
        what = "the bracket is not closed" if follows == b"[" else "the rules must stand in brackets"
        return bare._replace(problem=f"{what}: {_example(scope)}")
    listed = tuple(
        Name(_text(data, *found.span()), *found.span()) for found in _LIST.finditer(data, names.start(1), names.end(1))
    )
    reason = _text(data, names.end(), end).strip()
    problem = "" if listed else f"no rule is named: {_example(scope)}"
    found = bare._replace(names=listed, reason=reason, problem=problem)
    return found._replace(list_start=names.start(1), list_end=names.end(1))


def _text(data: bytes, start: int, end: int) -> str:
    return data[start:end].decode("utf-8", "surrogateescape")


def _example(scope: str) -> str:
    return f"write `# dockerlayer: {scope}[rule] reason`"


def _placed(one: Suppression, data: bytes, stages: Sequence[int], first: int) -> Suppression:
    """The comment with what it reaches, or with what is wrong with its place."""
    if one.problem:
        return one
    target = one.target
    if one.scope == FILE:
        if one.start > first:
            return one._replace(problem=f"{FILE} belongs above the first instruction of the file")
        return one._replace(reach=(0, len(data) + 1))
    if target is None:
        return one._replace(problem="no instruction follows that it could stand on")
    if one.scope == IGNORE:
        return one._replace(reach=(target.start, target.end))
    if target.name != "from":
        return one._replace(problem=f"{STAGE} belongs above a FROM; what follows is {target.keyword[:40]}")
    after = bisect_right(stages, target.start)
    return one._replace(reach=(target.start, stages[after] if after < len(stages) else len(data) + 1))


def _killed_directive(dockerfile: Dockerfile) -> tuple[int, str]:
    """The start of the comment that ends the parser directives, and the first line below it that is none because of it.

    The line is empty where no directive is lost.
    """
    data = dockerfile.data
    at, comments = -1, 0
    for item in dockerfile.items:
        if not isinstance(item, Trivia) or item.kind == "blank":
            break
        text = data[item.start : item.end].strip()
        if item.kind != "comment" or (item.line == 1 and text.startswith(b"#!")):
            continue
        if at >= 0 and DIRECTIVE.match(text):
            return at, _text(text, 0, min(len(text), 60))
        at = item.start if at < 0 else at
        comments += 1
        if comments > _HEADER:
            break
    return at, ""
