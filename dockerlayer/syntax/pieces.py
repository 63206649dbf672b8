"""From offsets in a logical line to offsets in the file, through the pieces the line was joined from."""

from __future__ import annotations

import re

from dockerlayer.syntax.tree import Instruction

Span = tuple[int, int]

_WORD = re.compile(rb"[^\t\v\f\r ]+")


def file_start(pieces: tuple[Span, ...], offset: int) -> int:
    """Where the byte at ``offset`` of the joined line stands in the file; the end of the last piece if it is behind."""
    for start, end in pieces:
        if offset < end - start:
            return start + offset
        offset -= end - start
    return pieces[-1][1]


def file_end(pieces: tuple[Span, ...], offset: int) -> int:
    """Where the part of the joined line before ``offset`` ends in the file."""
    for start, end in pieces:
        if offset <= end - start:
            return start + offset
        offset -= end - start
    return pieces[-1][1]


def restrict(pieces: tuple[Span, ...], first: int, last: int) -> tuple[Span, ...]:
    """The pieces of the part ``first..last`` of the joined line, which is not empty."""
    found = []
    for start, end in pieces:
        length = end - start
        if first < length and last > 0:
            found.append((start + max(first, 0), start + min(last, length)))
        first -= length
        last -= length
    return tuple(found)


def arg_spans(instruction: Instruction, data: bytes) -> list[Span | None]:
    """The place of each argument that white space sets apart, as in COPY, ADD, FROM, EXPOSE and VOLUME.

    For an instruction not in JSON form, one span for each of ``args``, in order; None for an argument that a line
    continuation cuts in two.
    """
    spans: list[Span | None] = []
    open_word = False
    for piece_start, piece_end in instruction.pieces:
        start, end = max(piece_start, instruction.args_start), min(piece_end, instruction.args_end)
        if start >= end:
            continue
        for found in _WORD.finditer(data, start, end):
            if open_word and found.start() == start:
                spans[-1] = None
            else:
                spans.append(found.span())
        open_word = data[end - 1] not in b"\t\v\f\r "
    return spans
