"""Shell scripts of any bytes, any depth and any length."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shell_case import all_words, check_spans

from dockerlayer.syntax.parser import parse
from dockerlayer.syntax.shell import script_of
from dockerlayer.syntax.tree import Heredoc, Instruction


def instruction(data: bytes) -> Instruction:
    """All of ``data`` as one RUN, whatever it holds."""
    return Instruction(
        "RUN", 0, len(data), 1, 1, (), (), False, (), "", ((0, len(data)),), args_start=0, args_end=len(data)
    )


@pytest.mark.parametrize(
    "unit",
    ["(", "$(", '"$(', "{ ", "if a; then ", "`", "${x:-", "! ", "x=(", "((1+", "[[ (", "f() ", "'", "<<A ", "a <<A\n"],
)
def test_deep_nesting_ends_soon(unit: str) -> None:
    data = unit.encode() * 10_000
    begin = time.monotonic()
    found = script_of(data, instruction(data))
    assert time.monotonic() - begin < 10
    check_spans(data, found)


@pytest.mark.parametrize(("opening", "closing"), [("(", ")"), ("$(", ")"), ("{ ", "; }"), ("if a; then ", "; fi")])
@pytest.mark.parametrize("depth", [20, 140, 1_000])
def test_balanced_nesting(opening: str, closing: str, depth: int) -> None:
    data = (opening * depth + "x" + closing * depth).encode()
    found = script_of(data, instruction(data))
    assert found.known == (depth == 20) or depth == 140
    check_spans(data, found)


def test_nesting_adds_up_over_nested_scripts() -> None:
    inner = "(" * 70 + "x" + ")" * 70
    data = ("(" * 70 + f"sh -c '{inner}'" + ")" * 70).encode()
    found = script_of(data, instruction(data))
    assert found.known
    assert [(command.words[0].text, "nested" in command.guards) for command in found.commands] == [("sh", False)]


def test_long_chain_and_long_script() -> None:
    data = b"a && b | c > d; " * 900
    found = script_of(data, instruction(data))
    assert len(found.commands) == 2_700
    data = b"a b\n" * 9_000
    assert len(script_of(data, instruction(data)).segments) == 9_000
    data = b"a " * 40_000
    assert script_of(data, instruction(data)).reason == "script too long"
    data = b"a|" * 30_000
    assert script_of(data, instruction(data)).reason == "script too long"


def test_import_does_not_load_the_grammar() -> None:
    code = "import sys, dockerlayer.syntax.shell; sys.exit('tree_sitter' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


PARTS = re.findall(
    r"\S+",
    r"""a b && || ; | & > << <<A <<- ' " $( ) ` ( { } if then fi do done for i in [ ] [[ ]] # ! $X ${ = sh -c 2>&1
    case esac ;; (( )) <( f() ~ * <<< <> é \ """,
)
SHELL_TEXT = st.lists(
    st.sampled_from([*PARTS, *(part + " " for part in PARTS), "\n", "\\\n", "\nA\n", "\r", "\t", "\x00"]), max_size=25
).map(lambda parts: "".join(parts).encode())


@settings(max_examples=400, deadline=None)
@given(st.one_of(st.binary(max_size=60), SHELL_TEXT), st.lists(st.integers(0, 120), max_size=6))
def test_any_bytes_in_any_pieces(data: bytes, cuts: list[int]) -> None:
    run = instruction(data)
    points = sorted({0, len(data), *(cut for cut in cuts if cut < len(data))})
    pairs = list(pairwise(points))
    run.pieces = tuple(pairs[::2] if len(pairs) > 2 else pairs)
    found = script_of(data, run)
    check_spans(data, found)
    run.json, run.args = True, ("sh", "-c", data.decode("utf-8", "surrogateescape"))
    check_spans(data, script_of(data, run))
    run.json, run.heredocs = False, (Heredoc("A", "", True, True, 0, len(data) // 2, len(data)),)
    check_spans(data, script_of(data, run))


@settings(max_examples=300, deadline=None)
@given(st.one_of(st.binary(max_size=60), SHELL_TEXT))
def test_any_run_of_a_file(text: bytes) -> None:
    data = b"FROM a\nRUN " + text
    for item in parse(data).instructions:
        if item.name == "run":
            check_spans(data, script_of(data, item))


def test_invalid_utf8_and_nul_survive() -> None:
    data = b"a \xff\xfe 'b\x00c'"
    found = script_of(data, instruction(data))
    for word in all_words(found):
        assert word.text.encode("utf-8", "surrogateescape").strip(b"'") in data
