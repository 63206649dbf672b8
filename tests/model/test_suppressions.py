"""Which comments are ours, what they reach, and what is wrong with the others."""

from __future__ import annotations

import pytest

from dockerlayer.model.suppressions import Suppression, is_suppressed, suppressions_of
from dockerlayer.syntax.parser import parse


def read(text: str | bytes) -> tuple[Suppression, ...]:
    return suppressions_of(parse(text.encode() if isinstance(text, str) else text))


def only(text: str | bytes) -> Suppression:
    (found,) = read(text)
    return found


@pytest.mark.parametrize(
    ("comment", "names", "reason"),
    [
        ("# dockerlayer: ignore[one-rule] because", ["one-rule"], "because"),
        ("#dockerlayer:ignore[one-rule]because", ["one-rule"], "because"),
        ("#\tdockerlayer :  ignore [ one-rule ,two-rule ]", ["one-rule", "two-rule"], ""),
        ("# dockerlayer: ignore[one-rule two-rule,] # why", ["one-rule", "two-rule"], "# why"),
        ("   # Dockerlayer: IGNORE[One-Rule] it[s] so", ["One-Rule"], "it[s] so"),
        ("# dockerlayer: ignore[a-b] C:\\", ["a-b"], "C:\\"),
    ],
)
def test_what_is_read(comment: str, names: list[str], reason: str) -> None:
    found = only(f"FROM x\n{comment}\nRUN y\n")
    assert ([name.text for name in found.names], found.reason, found.problem) == (names, reason, "")
    assert found.target is not None
    assert found.target.keyword == "RUN"


@pytest.mark.parametrize(
    "comment",
    [
        "# hadolint ignore=DL3059",
        "# tally ignore=all",
        "# check=skip=all",
        "# shellcheck disable=SC2046",
        "# dockerlayer",
        "# dockerlayer: see the handbook",
        "# dockerlayer: we use it here, and so should you",
        "# dockerlayer ignores what is in a comment",
        "# dockerlayers: ignore[a-b]",
        "# see dockerlayer: ignore[a-b]",
        "## dockerlayer: ignore[a-b]",
        "# # dockerlayer: ignore[a-b]",
    ],
)
def test_what_is_not_ours(comment: str) -> None:
    assert not read(f"FROM x\n{comment}\nRUN y\n")


@pytest.mark.parametrize(
    ("comment", "problem"),
    [
        ("# dockerlayer ignore[a-b]", "a colon is missing"),
        ("# dockerlayer ignore=a-b", "a colon is missing"),
        ("# dockerlayer ignore a-b", "a colon is missing"),
        ("# dockerlayer file-ignore", "a colon is missing"),
        ("# dockerlayer: ignore a-b", "must stand in brackets"),
        ("# dockerlayer: ignore=a-b", "must stand in brackets"),
        ("# dockerlayer: ignore", "must stand in brackets"),
        ("# dockerlayer: ignore[a-b", "the bracket is not closed"),
        ("# dockerlayer: ignore[ , ]", "no rule is named"),
        ("# dockerlayer: ignroe[a-b]", "'ignroe' is no word"),
        ("# dockerlayer: stage_ignore[a-b]", "stage-ignore belongs above a FROM"),
        ("# dockerlayer: disable=a-b", "'disable' is no word"),
        ("# dockerlayer: noqa", "'noqa' is no word"),
        ("# dockerlayer: [a-b]", "'nothing' is no word"),
        ("# dockerlayer: stage-ignore[a-b]", "what follows is RUN"),
        ("# dockerlayer: file-ignore[a-b]", "belongs above the first instruction"),
    ],
)
def test_what_is_wrong(comment: str, problem: str) -> None:
    found = only(f"FROM x\n{comment}\nRUN y\n")
    assert problem in found.problem
    assert not found.covers("a-b", found.target.start if found.target else 0)


@pytest.mark.parametrize(
    ("text", "keywords"),
    [
        ("FROM x\n# dockerlayer: ignore[a-b]\n\n# other\n# hadolint ignore=DL3059\nRUN y\nRUN z\n", ["RUN y"]),
        ("FROM x\nRUN y && \\\n  # dockerlayer: ignore[a-b]\n  z\nRUN z\n", ["RUN y &&   z"]),
        ("FROM x\n# dockerlayer: ignore[a-b]\nONBUILD RUN y\nRUN z\n", ["ONBUILD RUN y"]),
        ("# dockerlayer: ignore[a-b]\nFROM x\nRUN y\n", ["FROM x"]),
        ("# dockerlayer: stage-ignore[a-b]\n\n\nFROM x\nRUN y\nFROM z\nRUN w\n", ["FROM x", "RUN y"]),
        ("FROM x\nRUN y\n# dockerlayer: stage-ignore[a-b]\nFROM z\nRUN w\n", ["FROM z", "RUN w"]),
        ("ARG a\n# dockerlayer: stage-ignore[a-b]\nFROM z\nRUN w\n", ["FROM z", "RUN w"]),
        ("# syntax=x\n# dockerlayer: file-ignore[a-b]\n# check=skip=y\nFROM x\nRUN y\n", []),
        ("# syntax=x\n# dockerlayer: file-ignore[a-b]\nARG a\nFROM x\n", ["ARG a", "FROM x"]),
        ("# escape=`\n# dockerlayer: file-ignore[a-b]\nFROM x\nRUN a `\n  b\n", ["FROM x", "RUN a   b"]),
        ("#!/usr/bin/env build\n# syntax=x\n# dockerlayer: file-ignore[a-b]\nFROM x\n", ["FROM x"]),
        ("\ufeff# dockerlayer: file-ignore[a-b]\r\nFROM x\r\n", ["FROM x"]),
        ("FROM x\nRUN <<E\n# dockerlayer: ignore[a-b]\nE\nRUN y\n", []),
        ("FROM x\nRUN echo '# dockerlayer: ignore[a-b]'\n", []),
        ("FROM x\nRUN y # dockerlayer: ignore[a-b]\n", []),
        ("FROM x\nRUN <<E\ny # dockerlayer: ignore[a-b]\nE\n", []),
        ("FROM x\nRUN y\n# dockerlayer: ignore[a-b]\n", []),
    ],
)
def test_what_is_reached(text: str, keywords: list[str]) -> None:
    dockerfile = parse(text.encode())
    comments = suppressions_of(dockerfile)
    reached = [item.logical for item in dockerfile.instructions if is_suppressed("a-b", item.start, comments)]
    assert reached == keywords


@pytest.mark.parametrize(
    ("text", "directive"),
    [
        ("# dockerlayer: file-ignore[a-b]\n# syntax=docker/dockerfile:1\nFROM x\n", "# syntax=docker/dockerfile:1"),
        ("# syntax=x\n# dockerlayer: file-ignore[a-b]\n# other\n# check=skip=y\nFROM x\n", "# check=skip=y"),
        ("#!/bin/x\n# dockerlayer: ignore[a-b]\n#syntax=x\nFROM x\n", "#syntax=x"),
        ("# other\n# dockerlayer: file-ignore[a-b]\n# syntax=x\nFROM x\n", ""),
        ("# dockerlayer: file-ignore[a-b]\n\n# syntax=x\nFROM x\n", ""),
        ("# syntax=x\n# dockerlayer: file-ignore[a-b]\n# other=y\nFROM x\n", ""),
    ],
)
def test_a_comment_must_not_end_the_directives(text: str, directive: str) -> None:
    found = only(text)
    assert (f"the parser directive {directive!r} has no effect" in found.problem) == bool(directive)
    assert bool(found.problem) == bool(directive)


def test_what_stands_behind_an_instruction_is_told() -> None:
    data = b"FROM x\nRUN y \\\n  && z # dockerlayer: ignore[a-b] why\nRUN <<E\nw # dockerlayer: ignore[a-b]\nE\n"
    found = only(data)
    assert "a part of the instruction" in found.problem
    assert data[found.start : found.end] == b"# dockerlayer: ignore[a-b] why"


def test_places_are_those_of_the_file() -> None:
    data = b"\xef\xbb\xbfFROM x\r\n \t# dockerlayer: ignore[a-b, c-d] caf\xe9 \r\nRUN y\r\n"
    found = only(data)
    assert data[found.start : found.end] == b"# dockerlayer: ignore[a-b, c-d] caf\xe9 "
    assert data[found.line_start : found.line_end].startswith(b" \t#")
    assert data[found.line_start : found.line_end].endswith(b"\r\n")
    assert [data[name.start : name.end] for name in found.names] == [b"a-b", b"c-d"]
    assert data[found.list_start : found.list_end] == b"a-b, c-d"
    assert found.reason.encode("utf-8", "surrogateescape") == b"caf\xe9"


@pytest.mark.parametrize(
    "comment",
    [b"# dockerlayer: ignore[" + b"a," * 250_000 + b"]", b"# dockerlayer:" + b" " * 5_000_000, b"#" * 5_000_000],
    ids=["names", "blanks", "hashes"],
)
def test_a_huge_comment_is_read_in_time(comment: bytes) -> None:
    assert len(read(b"FROM x\n" + comment + b"\nRUN y\n")) <= 1


def test_the_bracket_of_another_comment_closes_nothing() -> None:
    first, second = read("FROM x\n# dockerlayer: ignore[a-b\n# dockerlayer: ignore[c-d]\nRUN y\n")
    assert first.problem
    assert second.rules == {"c-d"}
