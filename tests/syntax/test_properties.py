"""Laws that hold for every input, and time that grows no faster than the input."""

import gc
import time
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dockerlayer.syntax.parser import arg_spans, parse
from dockerlayer.syntax.tree import Dockerfile, Instruction
from dockerlayer.syntax.validate import whole_file_problem

FRAGMENTS = (
    *("FROM a AS b", "from scratch", "RUN echo", "RUN ", "COPY ", "ADD ", "ENV A=b", "ENV a b", "LABEL x", "ARG "),
    *("ONBUILD ", "onbuild RUN ", "HEALTHCHECK CMD ", "SHELL ", "VOLUME ", "EXPOSE 1", "WORKDIR /", "USER u", "CMD "),
    *("# escape=`", "# escape=\\", "# syntax=x", "#", "# note", "#!/bin/sh", "\\", "`", "\\ ", "'", '"', "$", "${a:-"),
    *("${", "}", "/", "<<EOF", "<<-EOF", "<<'EOF'", '<<"E F"', "3<<EOF", "<<", "EOF", "\tEOF", "--mount=type=cache"),
    *("--from=b", "--", "--a='b c'", '["a", "b"]', '["a", 1]', '["\\ud83d\\ude00"]', "[", "]", ",", "{", "="),
    *("\n", "\r\n", "\n\n", "\r", "\ufeff", "\0", " ", "\t", "\v", "\x85", "\xa0", "\u2003", "é", "\x1c", "a", "b c"),
)
BYTES = (b"\xff", b"\xa0", b"\x85", b"\xc3", b"\xef\xbb\xbf", b"\xe2\x80")
grammar = st.lists(
    st.one_of(
        st.sampled_from(FRAGMENTS).map(str.encode), st.sampled_from(FRAGMENTS).map(str.encode), st.sampled_from(BYTES)
    ),
    max_size=40,
).map(b"".join)
anything = st.one_of(st.binary(), st.text().map(str.encode), grammar, grammar)


def line_of(dockerfile: Dockerfile, offset: int) -> int:
    return dockerfile.position(offset)[0]


def check_instruction(dockerfile: Dockerfile, instruction: Instruction, first: int, last: int) -> None:
    data = dockerfile.data
    assert first <= instruction.start <= instruction.end <= last
    assert instruction.pieces
    at = instruction.start
    for start, end in instruction.pieces:
        assert at <= start <= end <= instruction.end
        at = end
    for start, end in instruction.inner_comments:
        assert instruction.start <= start < end <= instruction.end
        assert data[start : start + 1] == b"#"
        assert not any(left < end and start < right for left, right in instruction.pieces)
    header_end = instruction.pieces[-1][1]
    assert instruction.pieces[0][0] <= instruction.args_start <= instruction.args_end <= header_end
    assert b"".join(data[start:end] for start, end in instruction.pieces) == instruction.logical.encode(
        "utf-8", "surrogateescape"
    )
    assert instruction.start_line == line_of(dockerfile, instruction.start)
    at = header_end
    for heredoc in instruction.heredocs:
        assert at <= heredoc.start <= heredoc.end <= last
        assert heredoc.content.encode("utf-8", "surrogateescape") == data[heredoc.start : heredoc.end]
        at = heredoc.end
    spans = arg_spans(instruction, data)
    assert all(span is None or instruction.args_start <= span[0] < span[1] <= instruction.args_end for span in spans)
    if instruction.child:
        assert instruction.child.heredocs == instruction.heredocs or not instruction.heredocs
        check_instruction(dockerfile, instruction.child, instruction.args_start, instruction.end)


@settings(max_examples=500, deadline=None)
@given(anything)
def test_every_input_has_a_whole_and_well_nested_tree(data: bytes) -> None:
    dockerfile = parse(data)
    assert dockerfile.source == data
    at = 0
    for item in dockerfile.items:
        assert item.start == at < item.end
        at = item.end
    assert at == len(data)
    lines = max(data.count(b"\n") + (not data.endswith(b"\n")), 1)
    for item in dockerfile.items:
        if isinstance(item, Instruction):
            check_instruction(dockerfile, item, item.start, item.end)
            assert item.end_line == line_of(dockerfile, item.end - 1)
        else:
            assert item.line == line_of(dockerfile, item.start)
    for problem in dockerfile.problems:
        assert 1 <= problem.start_line <= problem.end_line <= lines
    whole_file_problem(dockerfile)


@settings(max_examples=200, deadline=None)
@given(grammar)
def test_characters_of_the_logical_line_map_to_their_bytes(data: bytes) -> None:
    for instruction in parse(data).instructions:
        for index, char in enumerate(instruction.logical[:200]):
            raw = char.encode("utf-8", "surrogateescape")
            # Only the first byte: a line continuation may stand inside a character.
            assert data[instruction.offset_of(index)] == raw[0]


@settings(max_examples=200, deadline=None)
@given(grammar)
def test_spans_of_a_list_are_its_arguments(data: bytes) -> None:
    for instruction in parse(data).instructions:
        if instruction.json or instruction.error or instruction.name not in ("copy", "add", "from", "expose", "volume"):
            continue
        spans = arg_spans(instruction, data)
        assert len(spans) == len(instruction.args)
        for span, arg in zip(spans, instruction.args, strict=True):
            assert span is None or data[slice(*span)].decode("utf-8", "surrogateescape") == arg


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from(("RUN a", "ENV a", 'CMD ["a", 1]', "RUN <<EOF", "LABEL a=b c", "BAD x")), max_size=12))
def test_a_broken_line_hides_no_other(lines: list[str]) -> None:
    dockerfile = parse("\n".join(lines).encode())
    assert [instruction.logical for instruction in dockerfile.instructions] == lines


def big_file(n: int) -> bytes:
    return b"FROM a\n# note\nRUN apt-get update && \\\n    apt-get install -y x\nCOPY --from=a /x /y\n" * n


SHAPES: dict[str, tuple[Callable[[int], bytes], int]] = {
    "file of 5 MB": (big_file, 16_000),
    "line of 1 MB": (lambda n: b"FROM a\nRUN " + b"echo x; " * n, 32_000),
    "ENV line of 1 MB": (lambda n: b"FROM a\nENV " + b"a='b c' " * n, 32_000),
    "many instructions": (lambda n: b"RUN a\n" * n, 25_000),
    "nested quotes": (lambda n: b"RUN <<E " + b"\"'" * n + b"\nENV A=" + b"\"'" * n + b"\n", 10_000),
    "nested variables": (lambda n: b"RUN <<E " + b"${a:-" * n + b"}" * n + b"\nE\n", 10_000),
    "nested JSON": (lambda n: b"CMD " + b"[" * n + b"]" * n + b"\n", 10_000),
    "long JSON": (lambda n: b"CMD [" + b'"a\\n",' * n + b'"b"]\n', 25_000),
    "many continuations": (lambda n: b"RUN a \\\n" + b"  b \\\n" * n + b"c\n", 25_000),
    "empty continuations": (lambda n: b"RUN a \\\n" + b"\n# c\n" * n + b"c\n", 25_000),
    "heredocs on a line": (lambda n: b"RUN " + b"<<E " * n + b"\n" + b"x\nE\n" * n, 2_500),
    "unterminated heredocs": (lambda n: b"".join(b"RUN <<E%d\n" % i for i in range(n)), 10_000),
    "half terminated heredocs": (lambda n: b"RUN <<A <<B\n" * n + b"A\n", 10_000),
    "chain of ONBUILD": (lambda n: b"ONBUILD " * n + b"RUN a\n", 25_000),
    "blanks after a directive": (lambda n: b"# escape=" + b" \t" * n + b"x\nRUN a\n", 100_000),
    "long flags": (lambda n: b"RUN " + b"--a='b\\'c' " * n + b"\n", 10_000),
    "wide spaces": (lambda n: "\u3000".encode() * n + b"RUN a" + "\u3000".encode() * n, 50_000),
}


def seconds(data: bytes) -> float:
    """Processor time of one parse; of the better of two when it is short enough for noise to count.

    Without the garbage collector, whose time grows with all that other tests have left in memory.
    """
    times: list[float] = []
    gc.collect()
    gc.disable()
    try:
        while not times or (len(times) < 2 and times[0] < 0.5):
            start = time.process_time()
            parse(data)
            times.append(time.process_time() - start)
    finally:
        gc.enable()
    return min(times)


@pytest.mark.parametrize("shape", SHAPES)
def test_time_grows_with_the_size_only(shape: str) -> None:
    make, n = SHAPES[shape]
    large = seconds(make(4 * n))
    assert large < 20
    # Below this the clock says more about the machine than about the parser.
    if large > 0.2:
        assert large < 8 * seconds(make(n))
