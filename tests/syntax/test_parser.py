"""What the parser makes of each construct; every expectation follows BuildKit's `frontend/dockerfile/parser`."""

import pytest

from dockerlayer.syntax.parser import arg_spans, parse
from dockerlayer.syntax.tree import Instruction, Trivia
from dockerlayer.syntax.validate import whole_file_problem


def only(text: str | bytes) -> Instruction:
    (instruction,) = parse(text.encode() if isinstance(text, str) else text).instructions
    return instruction


@pytest.mark.parametrize(
    ("line", "args"),
    [
        ("FROM a  AS\tb", ("a", "AS", "b")),
        ("run  echo a  b ", ("echo a  b",)),
        ("RUN", ()),
        (
            "ENV A=b  C='d e' F=\"g h\" I=j\\ k",
            ("A", "b", "=", "C", "'d e'", "=", "F", '"g h"', "=", "I", "j\\ k", "="),
        ),
        ("ENV A  b c ", ("A", "b c", "")),
        ("ENV A=b\\", ("A", "b", "=")),
        ("LABEL 'a b'=c", ("'a b'", "c", "=")),
        ("ENV A='b", ("A", "'b", "=")),
        ("ARG A B=c", ("A", "B=c")),
        ("ARG \\", ()),
        ('CMD ["a", "\\u00e9\\ud83d\\ude00\\ud800"]', ("a", "\xe9\U0001f600\ufffd")),
        ("CMD []", ()),
        ("CMD ['a']", ("['a']",)),
        ('CMD ["a",]', ('["a",]',)),
        ('CMD ["a\\x"]', ('["a\\x"]',)),
        ('CMD ["a"] b', ('["a"] b',)),
        ("CMD [1e999]", ("[1e999]",)),
        ("CMD [NaN]", ("[NaN]",)),
        ('COPY ["a b", "c"]', ("a b", "c")),
        ("COPY [a b]", ("[a", "b]")),
        ("EXPOSE 1 2\u00a03", ("1", "2\u00a03")),
        ('HEALTHCHECK CMD ["a"]', ("CMD", "a")),
        ("HEALTHCHECK NONE", ("NONE",)),
        ("USER a b", ("a b",)),
        ("WHAT a", ("",)),
    ],
)
def test_arguments(line: str, args: tuple[str, ...]) -> None:
    assert only(line).args == args


@pytest.mark.parametrize(
    ("line", "flags", "args"),
    [
        ("COPY --from=a --link b c", ("--from=a", "--link"), ("b", "c")),
        ("COPY --from='a b' c d", ("--from=a b",), ("c", "d")),
        ("COPY --from=a\\ b c d", ("--from=a b",), ("c", "d")),
        ("COPY --from=a -- --b c", ("--from=a",), ("--b", "c")),
        ("RUN -- a", (), ("a",)),
        ("RUN -a", (), ("-a",)),
        ("RUN --a", ("--a",), ()),
        ("RUN --a='b", ("--a=b",), ()),
        ("RUN --a=b\\", ("--a=b",), ()),
        ("COPY --chown=\u00e9 b c", ("--chown=\u00c3\u00a9",), ("b", "c")),
        ("COPY --chown=\u00e0 b c", ("--chown=\u00c3",), ("b", "c")),
    ],
)
def test_flags(line: str, flags: tuple[str, ...], args: tuple[str, ...]) -> None:
    assert only(line).flags == flags
    assert only(line).args == args


def test_raw_bytes_stay_surrogates_and_some_count_as_space() -> None:
    instruction = only(b"RUN \xa0\x85--a \xff")
    assert (instruction.flags, instruction.args) == (("--a",), ("\udcff",))


@pytest.mark.parametrize(
    ("text", "logical", "end_line"),
    [
        ("RUN a \\\n b", "RUN a  b", 2),
        ("RUN a \\  \r\nb\r\n", "RUN a b", 2),
        ("RUN a \\\n\n# c\n  # d\nb", "RUN a b", 5),
        ("RUN a \\\\\nUSER", "RUN a \\\\", 1),
        ("RUN a \\", "RUN a ", 1),
        ("RUN a \\\n# c", "RUN a ", 2),
        ("\\\nRUN a", "RUN a", 2),
        ("RUN a\\\nb\\\n", "RUN ab", 2),
        ("\xa0RUN a\xa0", "RUN a\xa0", 1),
    ],
)
def test_continuations(text: str, logical: str, end_line: int) -> None:
    first = parse(text.encode()).instructions[0]
    assert (first.logical, first.end_line) == (logical, end_line)


def test_backtick_escape() -> None:
    dockerfile = parse(b"# Escape = `\r\nRUN a `\r\n b\\\r\n")
    assert dockerfile.escape == "`"
    assert [instruction.logical for instruction in dockerfile.instructions] == ["RUN a  b\\"]


def test_spans_of_a_continued_instruction() -> None:
    data = b"USER a\nRUN --x \\\n  # why\n  \xc3\xa9 b \\\n c\n"
    run = parse(data).instructions[1]
    assert [data[start:end] for start, end in run.pieces] == [b"RUN --x ", b"  \xc3\xa9 b ", b" c"]
    assert [data[start:end] for start, end in run.inner_comments] == [b"# why"]
    assert data[run.args_start : run.args_end] == b"\xc3\xa9 b \\\n c"
    assert data[run.offset_of(run.logical.index("b")) :].startswith(b"b \\")
    assert data[run.offset_of(run.logical.index("c")) :] == b"c\n"


def test_argument_spans() -> None:
    data = b"COPY --link a b\\\nc \\\n d\n"
    spans = arg_spans(only(data), data)
    assert [span and data[slice(*span)] for span in spans] == [b"a", None, b"d"]


def test_trivia_and_comments() -> None:
    dockerfile = parse(b"\xef\xbb\xbf# syntax=x\n\n# a\n #b\n#\n# c\nRUN d\n\t\n")
    assert [item.kind for item in dockerfile.items if isinstance(item, Trivia)] == [
        *("bom", "directive", "blank", "comment", "comment", "comment", "comment", "blank")
    ]
    assert dockerfile.instructions[0].prev_comments == ("c",)
    assert parse(b"# a\n #b\nRUN c").instructions[0].prev_comments == ("a", "#b")


@pytest.mark.parametrize(
    ("text", "directives", "escape"),
    [
        ("# syntax=a b\n# escape=`\nRUN a", {"syntax": "a b", "escape": "`"}, "`"),
        ("  #escape=`\nRUN a", {"escape": "`"}, "`"),
        ("\n# escape=`\nRUN a", {}, "\\"),
        ("# note\n# escape=`\nRUN a", {}, "\\"),
        ("# other=1\n# escape=`\nRUN a", {}, "\\"),
        ("#!/bin/sh\n# check=skip=all\n# escape=`\nRUN a", {"check": "skip=all"}, "\\"),
    ],
)
def test_directives(text: str, directives: dict[str, str], escape: str) -> None:
    dockerfile = parse(text.encode())
    assert {directive.name: directive.value for directive in dockerfile.directives} == directives
    assert dockerfile.escape == escape


@pytest.mark.parametrize(
    ("line", "names"),
    [
        ("RUN <<A <<-B", ["A", "B"]),
        ("RUN cat << A", ["A"]),
        ("RUN 3<<A b", ["A"]),
        ("COPY <<'A' <<\"B\" /c", ["A", "B"]),
        ("ADD <<A /c", ["A"]),
        ("ONBUILD RUN <<A", ["A"]),
        ("ONBUILD ONBUILD RUN <<A", []),
        ("CMD <<A", []),
        ("RUN a<<A", []),
        ("RUN <<<A", []),
        ('RUN ["<<A"]', []),
        ("RUN <<A 'b", []),
        ("RUN ${a:-b} <<A", ["A"]),
        ("RUN '<<A'", []),
        ("RUN \\<<A", []),
        ("RUN <<${a:-b}", []),
        ('RUN <<"${a:-b}"', []),
        ("RUN <<$A", ["$A"]),
        ("RUN <<\\A", ["A"]),
    ],
)
def test_heredocs_of_a_line(line: str, names: list[str]) -> None:
    body = "".join(f"x\n{name}\n" for name in names)
    first, last = parse(f"{line}\n{body}USER u\n".encode()).instructions
    assert [heredoc.name for heredoc in first.heredocs] == names
    assert last.name == "user"


def test_heredoc_fields() -> None:
    data = b"RUN 3<<-'A' <<B\n\tx\r\n\tA\r\n\ty\n\tB\nB\n"
    first, second = only(data).heredocs
    assert (first.content, first.expand, first.chomp, first.fd) == ("\tx\r\n", False, True, 3)
    assert (second.content, second.expand, second.chomp, second.fd) == ("\ty\n\tB\n", True, False, 0)
    assert data[second.start : second.end] == b"\ty\n\tB\n"


def test_onbuild_child() -> None:
    data = b"ONBUILD \\\n COPY --from=a b \\\n c\n"
    outer = only(data)
    child = outer.child
    assert child is not None
    assert (child.name, child.flags, child.args) == ("copy", ("--from=a",), ("b", "c"))
    assert data[child.start : child.end] == b"COPY --from=a b \\\n c"
    assert (child.start_line, child.end_line) == (2, 3)
    assert data[child.args_start : child.args_end] == b"b \\\n c"
    assert data[child.offset_of(0) :].startswith(b"COPY")


@pytest.mark.parametrize(
    ("text", "message", "lines"),
    [
        ("", "file with no instructions", (1, 1)),
        ("# a\n", "file with no instructions", (1, 1)),
        ("# escape=x\nRUN a", "invalid escape token 'x' does not match ` or \\", (1, 1)),
        ("# check=a\n# check=b\nRUN a", "only one check parser directive can be used", (2, 2)),
        ("RUN a\nENV b\nRUN c", "ENV must have two arguments", (2, 2)),
        ("LABEL", "", (0, 0)),
        (
            'LABEL a=b "c\x01\\"',
            'Syntax error - can\'t find = in "\\"c\\x01\\\\\\"". Must be of the form: name=value',
            (1, 1),
        ),
        ("CMD [1]", "when using JSON array syntax, arrays must be comprised of strings only", (1, 1)),
        (
            'ONBUILD CMD ["a", {"b": [null]}]',
            "when using JSON array syntax, arrays must be comprised of strings only",
            (1, 1),
        ),
        ("RUN <<A\nUSER u\n", "unterminated heredoc", (1, 2)),
        (
            'RUN ${a:- <<\\"x}\n',
            'failed to process "\\"x}": unexpected end of statement while looking for matching double-quote',
            (1, 1),
        ),
        ("USER u\nRUN " + "a" * 65_532, "dockerfile line greater than max allowed size of 65535", (2, 2)),
        ("USER u\nRUN " + "a" * 65_531, "", (0, 0)),
    ],
)
def test_problems(text: str, message: str, lines: tuple[int, int]) -> None:
    problems = parse(text.encode()).problems
    assert [(problem.message, (problem.start_line, problem.end_line)) for problem in problems] == (
        [(message, lines)] if message else []
    )


def test_parsing_goes_on_after_a_problem() -> None:
    dockerfile = parse(b"FROM a\nENV b\nRUN <<A\nCMD [1]\nUSER c")
    assert [(item.name, item.error is None) for item in dockerfile.instructions] == [
        *(("from", True), ("env", False), ("run", False), ("cmd", False), ("user", True))
    ]
    assert len(dockerfile.problems) == 3
    assert whole_file_problem(dockerfile) == dockerfile.problems[0]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("WHAT a", "unknown instruction: WHAT"),
        ("FROM", "FROM requires either one or three arguments"),
        ("FROM a AS 1b", 'invalid name for build stage: "1b", name can\'t start with a number or contain symbols'),
        ("FROM --x=y a", "unknown flag: --x"),
        ("COPY --from=a --from=b c d", "duplicate flag specified: --from"),
        ("COPY --exclude=a --exclude=b c d", None),
        ("COPY --from a b", "missing a value on flag: --from"),
        ("COPY --link= a b", "missing a value on flag: --link"),
        ("COPY --link=maybe a b", "expecting boolean value for flag --link, not: maybe"),
        ("COPY --link=TRUE a b", None),
        ("COPY a <<B\nB", "COPY cannot accept a heredoc as a destination"),
        ("ENV =a", "ENV names can not be blank"),
        ("ARG =a", "ARG names can not be blank"),
        ("ARG --x A", None),
        ("EXPOSE", "EXPOSE requires at least one argument"),
        ("USER", "USER requires exactly one argument"),
        ('VOLUME ["a", " "]', "VOLUME specified can not be an empty string"),
        ("SHELL a", "SHELL requires the arguments to be in JSON form"),
        ("ONBUILD", "ONBUILD requires at least one argument"),
        ("ONBUILD ONBUILD RUN a", "Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed"),
        ("ONBUILD from a", "FROM isn't allowed as an ONBUILD trigger"),
        ("HEALTHCHECK NONE a", "HEALTHCHECK NONE takes no arguments"),
        ("HEALTHCHECK CMD", "Missing command after HEALTHCHECK CMD"),
        ("HEALTHCHECK a b", 'Unknown type "A" in HEALTHCHECK (try CMD)'),
        ("HEALTHCHECK --interval=1m30.5s --retries=3 CMD a", None),
        ("HEALTHCHECK --interval=5 CMD a", 'time: missing unit in duration "5"'),
        ("HEALTHCHECK --interval=5x CMD a", 'time: unknown unit "x" in duration "5x"'),
        ("HEALTHCHECK --timeout=. CMD a", 'time: invalid duration "."'),
        ("HEALTHCHECK --timeout=1us CMD a", 'Interval "timeout" cannot be less than 1ms'),
        ("HEALTHCHECK --retries=x CMD a", 'strconv.ParseInt: parsing "x": invalid syntax'),
        ("HEALTHCHECK --retries=2147483648 CMD a", 'strconv.ParseInt: parsing "2147483648": value out of range'),
        ("HEALTHCHECK --retries=-1 CMD a", "--retries cannot be negative (-1)"),
        ("RUN --network=fake a", 'invalid network mode "fake"'),
        ("RUN --security=fake a", 'security "fake" is not valid'),
        ("RUN --mount=type=bind,from=$a b", "'from' doesn't support variable expansion, define alias stage instead"),
        ("RUN --mount=type=what b", None),
        ("RUN --mount= b", "failed to parse csv mounts: EOF"),
        (
            'RUN --mount=a\\"b c',
            'failed to parse csv mounts: parse error on line 1, column 2: bare " in non-quoted-field',
        ),
        (
            'RUN --mount=\\"a\\"b c',
            'failed to parse csv mounts: parse error on line 1, column 3: extraneous or missing " in quoted-field',
        ),
        ("RUN --device=a,b c", "invalid field 'b' must be a key=value pair"),
        ("RUN --device=required=x c", "invalid value for required: x"),
    ],
)
def test_instruction_errors(line: str, message: str | None) -> None:
    assert only(line).error == message


def test_whole_file_problem() -> None:
    assert whole_file_problem(parse(b"ARG a\nFROM b\nRUN c")) is None
    early = whole_file_problem(parse(b"ARG a\nRUN \\\n b\nFROM c"))
    assert early is not None
    assert (early.message, early.start_line, early.end_line) == ("no build stage in current context", 2, 3)
    bad = whole_file_problem(parse(b"FROM a\nWHAT"))
    assert bad is not None
    assert bad.message == "dockerfile parse error on line 2: unknown instruction: WHAT"
