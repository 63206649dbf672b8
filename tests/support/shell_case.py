"""What every shell script must hold to, whatever it is."""

from __future__ import annotations

from dockerlayer.syntax.shell import Script, Word


def all_words(found: Script) -> list[Word]:
    words: list[Word] = []
    for command in found.commands:
        words += command.words
        words += [item.value for item in command.assignments]
        words += [item.target for item in command.redirects if item.target is not None]
    return words


def check_spans(data: bytes, found: Script) -> None:
    assert 0 <= found.start <= found.end <= len(data)
    for segment in found.segments:
        assert found.start <= segment.start <= segment.end <= found.end
        assert segment.op_start <= segment.op_end <= found.end
        assert segment.end <= segment.op_start or not found.exact
    for command in found.commands:
        assert found.start <= command.start <= command.end <= found.end
        assert 0 <= command.segment < len(found.segments)
    for word in all_words(found):
        assert found.start <= word.start <= word.end <= found.end
