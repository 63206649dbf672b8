"""Chunks: an instruction together with the comments that stand on it, as whole lines that can change places."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import dropwhile, pairwise
from typing import NamedTuple

from dockerlayer.findings import Edit
from dockerlayer.model.stages import Step
from dockerlayer.syntax.tree import Dockerfile, Instruction, Trivia

# Comments that tools bind to the instruction below them: they must stay directly above it.
PRAGMA = re.compile(
    rb"\s*#\s*(?:hadolint|tally|dockerlayer|shellcheck|trivy|checkov|kics|kics-scan|nosemgrep|cachelint|renovate|tfsec"
    rb"|snyk|sonar|NOSONAR|nosec|noinspection|semgrep|dockle|droast)\b",
    re.IGNORECASE,
)


_OUR_STAGE = re.compile(rb"\s*#[ \t]*dockerlayer[ \t]*:[ \t]*stage-ignore\b", re.IGNORECASE)
_THEIR_STAGE = re.compile(rb"\s*#\s*hadolint\s+stage\s+ignore\b")
_OURS = re.compile(rb"\s*#\s*dockerlayer\b", re.IGNORECASE)


class Chunk(NamedTuple):
    """``lead`` is what is set apart by an empty line, ``comments`` and ``pragmas`` stand directly on ``body``.

    Comments of our own bind across empty lines: from the first of them on, all is ``pragmas``.
    """

    lead: bytes
    comments: bytes
    pragmas: bytes
    body: bytes
    step: Step | None = None

    @property
    def text(self) -> bytes:
        """The chunk as it stands in the file."""
        return self.lead + self.comments + self.pragmas + self.body

    @property
    def repeated(self) -> bytes:
        """The pragmas for another instruction that is made of this one: without what is set apart and is not ours."""
        lines = self.pragmas.splitlines(keepends=True)
        last = max((index for index, line in enumerate(lines) if not line.strip()), default=-1)
        ours = [line for line in lines[: last + 1] if _OURS.match(line)]
        return b"".join((*ours, *dropwhile(lambda line: not PRAGMA.match(line), lines[last + 1 :])))

    @property
    def foreign(self) -> bytes:
        """The same without ours: what a comment of ours is about stays with the instruction itself."""
        return b"".join(line for line in self.repeated.splitlines(keepends=True) if not _OURS.match(line))


def blank_only(lead: bytes, newline: bytes) -> bytes:
    """An empty line if the lead has one, without the comments in it."""
    return newline if any(not line.strip() for line in lead.splitlines()) else b""


def chunks_of(dockerfile: Dockerfile, steps: Sequence[Step]) -> list[Chunk]:
    """The chunks of steps that follow one another in the file."""
    wanted = {id(step.instruction): step for step in steps}
    found: list[Chunk] = []
    trivia: list[Trivia] = []
    for item in dockerfile.items:
        if isinstance(item, Trivia):
            trivia.append(item)
            continue
        step = wanted.get(id(item))
        if step is not None:
            found.append(_chunk(dockerfile.data, trivia, item, step))
        trivia = []
    return found


def stage_pragmas(dockerfile: Dockerfile, instruction: Instruction, newline: bytes) -> bytes:
    """The comments above a FROM that are about all of its stage, for a stage that is made of it.

    Those of hadolint 2.15 count directly above the FROM, ours across empty lines.
    """
    index = next(at for at, item in enumerate(dockerfile.items) if item is instruction)
    ours: list[bytes] = []
    theirs: list[bytes] = []
    direct = True
    while index and isinstance(dockerfile.items[index - 1], Trivia):
        index -= 1
        item = dockerfile.items[index]
        line = dockerfile.data[item.start : item.end]
        direct = direct and bool(line.strip())
        if _OUR_STAGE.match(line):
            ours.insert(0, line)
        elif direct and _THEIR_STAGE.match(line):
            theirs.insert(0, line)
    # BuildKit takes a comment directly above a FROM for its description.
    return b"".join((*ours, *([newline] if ours else []), *theirs))


def _chunk(data: bytes, trivia: list[Trivia], instruction: Instruction, step: Step) -> Chunk:
    at = len(trivia)
    while at and trivia[at - 1].kind == "comment":
        at -= 1
    ours = (index for index, item in enumerate(trivia[:at]) if _OURS.match(data, item.start, item.end))
    at = next(ours, at)
    lead = b"".join(data[item.start : item.end] for item in trivia[:at] if item.kind in {"blank", "comment"})
    lines = [data[item.start : item.end] for item in trivia[at:]]
    first_pragma = next((index for index, line in enumerate(lines) if PRAGMA.match(line)), len(lines))
    body = data[instruction.start : instruction.end]
    return Chunk(lead, b"".join(lines[:first_pragma]), b"".join(lines[first_pragma:]), body, step)


def region_edits(start: int, old: Sequence[Chunk], new: Sequence[Chunk], newline: bytes) -> tuple[Edit, ...]:
    """The edits that turn the old chunks, which begin at byte ``start`` of the file, into the new ones.

    What leads the first chunk stays where it is. Only lines that differ are touched.
    """
    before = old[0].comments + old[0].pragmas + old[0].body + b"".join(chunk.text for chunk in old[1:])
    spaced = blank_only(old[0].lead, newline)
    first = new[0]._replace(lead=new[0].lead.lstrip(b"\r\n")) if spaced or new[0] is old[0] else new[0]
    parts = _apart_from_heredocs([first, *new[1:]], newline)
    ends_open = not before.endswith(b"\n")
    after = b"".join(_closed(chunk.text, newline) for chunk in parts)
    if ends_open:
        after = after.removesuffix(newline)
    return tuple(line_edits(start, before, after))


def _apart_from_heredocs(chunks: list[Chunk], newline: bytes) -> list[Chunk]:
    """An empty line after each here-document: hadolint up to 2.15.1 cannot read the file without (its issue 960)."""
    spaced = chunks[:1]
    for above, chunk in pairwise(chunks):
        inline = above.step is not None and above.step.instruction.heredocs
        gap = newline if inline and not blank_only(chunk.lead, newline) else b""
        spaced.append(chunk._replace(lead=gap + chunk.lead))
    return spaced


def _closed(text: bytes, newline: bytes) -> bytes:
    return text if text.endswith(b"\n") else text + newline


def line_edits(start: int, before: bytes, after: bytes) -> list[Edit]:
    """The edits that turn the lines ``before``, which begin at byte ``start`` of the file, into ``after``."""
    from difflib import SequenceMatcher

    old, new = before.splitlines(keepends=True), after.splitlines(keepends=True)
    offsets = [start]
    for line in old:
        offsets.append(offsets[-1] + len(line))
    edits = []
    for tag, old_from, old_to, new_from, new_to in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag != "equal":
            edits.append(Edit(offsets[old_from], offsets[old_to], b"".join(new[new_from:new_to])))
    return edits
