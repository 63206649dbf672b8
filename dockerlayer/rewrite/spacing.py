"""Empty lines between instructions: what is put into a file that sets its instructions apart is set apart as well."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from dockerlayer.rewrite.chunks import Chunk, blank_only
from dockerlayer.syntax.tree import Dockerfile, Instruction


def set_apart(dockerfile: Dockerfile, old: Sequence[Chunk], chunks: Sequence[Chunk], newline: bytes) -> list[Chunk]:
    """Chunks that take the place of the ``old`` ones, with an empty line where the keyword changes, and there alone.

    Only in a file that mostly has it so (tally's newline-between-instructions); else they stay as they are. So do those
    that follow one another as they did.
    """
    if not _has_room(dockerfile) or old[0].step is None or old[-1].step is None:
        return list(chunks)
    start, end = old[0].step.instruction.start, old[-1].step.instruction.end
    preceding = [item for item in dockerfile.instructions if item.end <= start]
    keyword = preceding[-1].name if preceding else ""
    found = []
    before = None
    for chunk in chunks:
        if before is None or chunk.step is None or before.step is None or chunk.step.index != before.step.index + 1:
            chunk = _spaced(chunk, keyword, newline, first=before is None)
        found.append(chunk)
        before, keyword = chunk, _keyword(chunk)
    following = next((item for item in dockerfile.instructions if item.start >= end), None)
    if found and following is not None and following.name != _keyword(found[-1]):
        between = dockerfile.data[end : following.start]
        if not blank_only(between, newline) and found[-1].body.endswith(b"\n"):
            found[-1] = found[-1]._replace(body=found[-1].body + newline)
    return found


def _spaced(chunk: Chunk, keyword: str, newline: bytes, *, first: bool) -> Chunk:
    """A chunk below an instruction of a kind; what leads the first of a region stays where it is in any case."""
    if keyword != _keyword(chunk):
        return chunk if first or blank_only(chunk.lead, newline) else chunk._replace(lead=newline + chunk.lead)
    return chunk if chunk.lead.strip() or chunk.comments or chunk.pragmas else chunk._replace(lead=b"")


def _has_room(dockerfile: Dockerfile) -> bool:
    """Whether most changes of the keyword come with an empty line."""
    changes = [pair for pair in pairwise(dockerfile.instructions) if pair[0].name != pair[1].name]
    return 2 * sum(_is_apart(dockerfile, *pair) for pair in changes) > len(changes)


def _is_apart(dockerfile: Dockerfile, above: Instruction, below: Instruction) -> bool:
    return bool(blank_only(dockerfile.data[above.end : below.start], b"\n"))


def _keyword(chunk: Chunk) -> str:
    return chunk.body.split(maxsplit=1)[0].decode("utf-8", "replace").lower()
