"""Byte offsets as positions, in each unit that an editor may count in."""

from __future__ import annotations

import pytest
from editor import edited, index_of, lines_of
from hypothesis import given
from hypothesis import strategies as st
from lsprotocol.types import Position, PositionEncodingKind

from dockerlayer.lsp.positions import Text

UTF8, UTF16, UTF32 = PositionEncodingKind.Utf8, PositionEncodingKind.Utf16, PositionEncodingKind.Utf32

# Line ends of every kind, characters that only look like one to others, and characters of one to four bytes.
TEXTS = st.text(st.sampled_from(list("ab \t\r\n\x0b\x0c\x85\u2028\ufeff\xe9\u20ac\U0001f600")), max_size=40)


@pytest.mark.parametrize(
    ("source", "sought", "utf8", "utf16", "utf32"),
    [
        ("FROM a\nRUN x\n", "x", (1, 4), (1, 4), (1, 4)),
        ("FROM a\r\nRUN x\r\n", "x", (1, 4), (1, 4), (1, 4)),
        ("FROM a\rRUN x", "x", (1, 4), (1, 4), (1, 4)),
        ("\ufeffFROM a", "a", (0, 8), (0, 6), (0, 6)),
        ("RUN\techo\tx", "x", (0, 9), (0, 9), (0, 9)),
        ("RUN echo \xe9 x", "x", (0, 12), (0, 11), (0, 11)),
        ("RUN echo \U0001f600 x", "x", (0, 14), (0, 12), (0, 11)),
        ("A \u2028 \x0c \x85\nx", "x", (1, 0), (1, 0), (1, 0)),
        ("RUN echo \ud83d x", "x", (0, 13), (0, 11), (0, 11)),
    ],
)
def test_place(source: str, sought: str, utf8: tuple[int, int], utf16: tuple[int, int], utf32: tuple[int, int]) -> None:
    for encoding, (line, character) in ((UTF8, utf8), (UTF16, utf16), (UTF32, utf32)):
        text = Text(source, encoding)
        offset = text.data.index(sought.encode())
        assert text.position(offset) == Position(line, character)
        assert text.offset(Position(line, character)) == offset


@pytest.mark.parametrize(
    ("line", "character", "offset"),
    [(0, 99, 6), (1, 99, 13), (2, 0, 14), (2, 5, 14), (99, 0, 14), (1, 0, 7)],
)
def test_positions_out_of_the_text(line: int, character: int, offset: int) -> None:
    assert Text("FROM a\nRUN xx\n").offset(Position(line, character)) == offset


def test_offsets_inside_of_things() -> None:
    text = Text("a\r\n\U0001f600b", UTF16)
    assert [text.position(offset) for offset in (1, 2, 3)] == [Position(0, 1), Position(0, 1), Position(1, 0)]
    assert {text.position(offset).character for offset in (4, 5, 6)} == {0}
    assert text.position(7) == Position(1, 2)
    assert text.offset(Position(1, 1)) == 3, "half of a pair is the whole character's start"
    assert text.position(99) == Position(1, 3)
    assert text.position(-1) == Position(0, 0)


@given(TEXTS, st.sampled_from([UTF8, UTF16, UTF32]))
def test_every_character_has_its_place(source: str, encoding: PositionEncodingKind) -> None:
    text = Text(source, encoding)
    offset = 0
    for index, char in enumerate(source + "\0"):
        if source[index - 1 : index + 1] != "\r\n" or not index:
            place = text.position(offset)
            assert text.offset(place) == offset
            assert index_of(source, place, encoding.value) == index
        offset += len(char.encode())


@given(TEXTS)
def test_lines_are_those_of_the_specification(source: str) -> None:
    assert "".join(lines_of(source)) == source
    assert len(lines_of(source)) == len(Text(source)._starts)


@given(TEXTS, TEXTS, st.sampled_from([UTF8, UTF16, UTF32]))
def test_edits_make_the_new_text(old: str, new: str, encoding: PositionEncodingKind) -> None:
    assert edited(old, Text(old, encoding).edits(new.encode()), encoding.value) == new


def test_edits_leave_what_is_the_same() -> None:
    old = "FROM a\nCOPY . .\nRUN b\nCMD c\n"
    (edit,) = Text(old).edits(old.replace("RUN b", "RUN d").encode())
    assert (edit.range.start, edit.range.end, edit.new_text) == (Position(2, 0), Position(3, 0), "RUN d\n")
    assert Text(old).edits(old.encode()) == []


def test_bytes_that_no_editor_can_take() -> None:
    with pytest.raises(UnicodeDecodeError):
        Text("FROM a\n").edits(b"FROM a\nCOPY \xff .\n")
