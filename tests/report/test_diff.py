"""Unified diffs of bytes."""

from __future__ import annotations

import pytest

from dockerlayer.report.diff import diff_of, diff_text
from dockerlayer.report.visible import ansi, plain


def test_equal_texts() -> None:
    assert diff_of("x", b"same", b"same") == b""


def test_line_ends_and_missing_newline_are_kept() -> None:
    assert diff_of("x", b"a\r\nb\r\n", b"a\r\nc") == (
        b"--- x\n+++ x\n@@ -1,2 +1,2 @@\n a\r\n-b\r\n+c\n\\ No newline at end of file\n"
    )


def test_lone_carriage_return_ends_no_line() -> None:
    assert b"-a\rb\n+c\n" in diff_of("x", b"a\rb\n", b"c\n")


@pytest.mark.parametrize(
    ("path", "name"),
    [("a b", b"a b"), ('a"b\n', rb'"a\042b\012"'), ("\udcff", b"\xff"), ("é", "é".encode())],
    ids=["space", "quote", "byte", "accent"],
)
def test_odd_names(path: str, name: bytes) -> None:
    assert diff_of(path, b"", b"x\n").startswith(b"--- " + name + b"\n+++ " + name + b"\n")


def test_for_a_terminal() -> None:
    diff = diff_of("x", b"a\x1b[2J\n", b"b\n")
    assert diff_text(diff, plain) == "--- x\n+++ x\n@@ -1 +1 @@\n-a\u241b[2J\n+b\n"
    assert "\x1b[32m+b\x1b[0m\n" in diff_text(diff, ansi)
