"""Empty lines between instructions: what is put into a file that sets its instructions apart is set apart as well."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from dockerlayer.rewrite.chunks import Chunk, blank_only
from dockerlayer.syntax.tree import Dockerfile, Instruction


def set_apart(dockerfile: Dockerfile, chunks: Sequence[Chunk], newline: bytes, end: int) -> list[Chunk]:
    """Chunks that take the place of what ends at ``end``, with an empty line where the keyword changes.

    Only in a file that mostly has it so (tally's newline-between-instructions); else they stay as they are.
    """
    if not _has_room(dockerfile):
        return list(chunks)
    found = list(chunks[:1])
    for above, chunk in pairwise(chunks):
        lacks = _keyword(above) != _keyword(chunk) and not blank_only(chunk.lead, newline)
        found.append(chunk._replace(lead=newline + chunk.lead) if lacks else chunk)
    following = next((item for item in dockerfile.instructions if item.start >= end), None)
    if found and following is not None and following.name != _keyword(found[-1]):
        between = dockerfile.data[end : following.start]
        if not blank_only(between, newline) and found[-1].body.endswith(b"\n"):
            found[-1] = found[-1]._replace(body=found[-1].body + newline)
    return found


def _has_room(dockerfile: Dockerfile) -> bool:
    """Whether most changes of the keyword come with an empty line."""
    changes = [pair for pair in pairwise(dockerfile.instructions) if pair[0].name != pair[1].name]
    return 2 * sum(_is_apart(dockerfile, *pair) for pair in changes) > len(changes)


def _is_apart(dockerfile: Dockerfile, above: Instruction, below: Instruction) -> bool:
    return bool(blank_only(dockerfile.data[above.end : below.start], b"\n"))


def _keyword(chunk: Chunk) -> str:
    return chunk.body.split(maxsplit=1)[0].decode("utf-8", "replace").lower()
