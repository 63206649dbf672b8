"""Agreement with BuildKit's own parser (golden files), and with the dockerfile-parse package as a second reader.

`fixtures/syntax/golden.jsonl` holds for each file what BuildKit made of it; fields that are empty are left out there.
With DOCKERLAYER_CORPUS naming a folder that holds dockerfiles.tar.gz and golden.jsonl.gz the whole corpus is compared.
"""

import gzip
import io
import json
import os
import re
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dockerlayer.syntax.parser import parse
from dockerlayer.syntax.tree import Dockerfile, Instruction
from dockerlayer.syntax.validate import whole_file_problem

FIXTURES = Path(__file__).parents[2] / "fixtures" / "syntax"
ROWS = [json.loads(line) for line in (FIXTURES / "golden.jsonl").read_text("utf-8").splitlines()]
FIELDS = ("cmd", "original", "flags", "args", "attributes", "heredocs", "prev_comment", "child", "instruction_error")


def data_of(row: dict[str, Any]) -> bytes:
    return (FIXTURES / f"{row['sha1'][:12]}.Dockerfile").read_bytes()


def go(text: str) -> str:
    """Go writes U+FFFD where a byte is no UTF-8; we keep the byte as a lone surrogate."""
    return re.sub("[\ud800-\udfff]", "\ufffd", text)


def without_hint(message: str) -> str:
    return re.sub(r" \(did you mean [^ ]*\?\)$", "", message)


def as_node(instruction: Instruction, *, child: bool = False) -> dict[str, Any]:
    node: dict[str, Any] = {
        "cmd": go(instruction.keyword),
        "original": go(instruction.logical),
        "flags": [go(flag) for flag in instruction.flags],
        "args": [go(arg) for arg in instruction.args],
        "attributes": {"json": True} if instruction.json else {},
        "prev_comment": [go(comment) for comment in instruction.prev_comments],
        "instruction_error": go(instruction.error or ""),
        "child": as_node(instruction.child, child=True) if instruction.child else {},
        # BuildKit hangs the heredocs of an ONBUILD on the outer node only.
        "heredocs": [
            {
                "name": go(heredoc.name),
                "content": go(heredoc.content),
                "expand": heredoc.expand,
                "chomp": heredoc.chomp,
                "fd": heredoc.fd,
            }
            for heredoc in ([] if child else instruction.heredocs)
        ],
    }
    if not child:
        node |= {"start_line": instruction.start_line, "end_line": instruction.end_line}
    return {name: value for name, value in node.items() if value or name == "cmd"}


def golden_node(node: dict[str, Any]) -> dict[str, Any]:
    kept = {name: value for name, value in node.items() if value and name in (*FIELDS, "start_line", "end_line")}
    kept["cmd"] = node.get("cmd", "")
    if "child" in kept:
        kept["child"] = golden_node(kept["child"])
    if "instruction_error" in kept:
        kept["instruction_error"] = without_hint(kept["instruction_error"])
    return kept


def assert_rejected_alike(dockerfile: Dockerfile, row: dict[str, Any]) -> None:
    problem = dockerfile.problems[0]
    lines = row["error_lines"]
    if "escape token" in row["error"]:
        # BuildKit counts the line only after it has read the directive, so it names the one before.
        lines = [line + 1 for line in lines]
    assert problem.message == row["error"]
    assert list(range(problem.start_line, problem.end_line + 1)) == lines


def assert_agrees(data: bytes, row: dict[str, Any]) -> None:
    dockerfile = parse(data)
    assert dockerfile.source == data
    if not row["ok"]:
        assert_rejected_alike(dockerfile, row)
        return
    assert dockerfile.problems == ()
    assert dockerfile.escape == row["escape"]
    assert {directive.name: directive.value for directive in dockerfile.directives} == row["directives"]
    assert [as_node(instruction) for instruction in dockerfile.instructions] == [
        golden_node(node) for node in row["nodes"]
    ]
    problem, typed = whole_file_problem(dockerfile), row["instructions"]
    if typed["ok"]:
        assert problem is None
    else:
        assert problem is not None
        assert go(problem.message) == without_hint(typed["error"])
        assert list(range(problem.start_line, problem.end_line + 1)) == typed["error_lines"]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["sha1"][:12])
def test_fixture_reads_as_in_buildkit(row: dict[str, Any]) -> None:
    assert_agrees(data_of(row), row)


def test_fixtures_are_complete() -> None:
    assert {row["sha1"][:12] for row in ROWS} == {path.stem for path in FIXTURES.glob("*.Dockerfile")}


def corpus(folder: Path) -> Iterator[tuple[bytes, dict[str, Any]]]:
    with gzip.open(folder / "golden.jsonl.gz", "rt", encoding="utf-8") as golden:
        rows = {row["path"]: row for row in map(json.loads, golden)}
    with tarfile.open(folder / "dockerfiles.tar.gz") as archive:
        for member in archive:
            file = archive.extractfile(member) if member.isfile() else None
            if file:
                yield file.read(), rows.pop(os.path.basename(member.name))
    assert not rows


def test_corpus_reads_as_in_buildkit() -> None:
    folder = os.environ.get("DOCKERLAYER_CORPUS")
    if not folder:
        pytest.skip("DOCKERLAYER_CORPUS names no folder with dockerfiles.tar.gz and golden.jsonl.gz")
    wrong = []
    for data, row in corpus(Path(folder)):
        try:
            assert_agrees(data, row)
        except AssertionError as error:
            wrong.append(f"{row['sha1']}: {str(error)[:300]}")
    assert wrong == []


def second_reader_is_wrong(data: bytes, dockerfile: Dockerfile) -> str:
    """Why dockerfile-parse cannot be right about a file; empty when it should be."""
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return "it reads UTF-8 only"
    if data.startswith(b"\xef\xbb\xbf"):
        return "it takes the byte order mark for a part of the first keyword"
    if re.search("[\v\f\x1c-\x1e\x85\u2028\u2029\xa0\ufeff]", text):
        return "it takes for space, or does not, what Go reads the other way"
    if dockerfile.problems:
        return "it rejects nothing"
    for instruction in dockerfile.instructions:
        if instruction.heredocs:
            return "it does not know heredocs"
        if instruction.args_start == instruction.args_end and not instruction.flags:
            return "it skips a keyword that stands alone"
        gaps = list(zip(instruction.pieces, instruction.pieces[1:], strict=False))
        if any(re.search(rb"\n[ \t\r]*\n", data[left[1] : right[0]]) for left, right in gaps):
            return "an empty line ends its continuation"
        escape = dockerfile.escape.encode()
        if any(data[start:end].rstrip().endswith(escape * 2) for start, end in instruction.pieces):
            return "an escaped escape character continues its line"
        tail = data[instruction.pieces[-1][1] : instruction.end].strip()
        if tail:
            return "it drops an instruction whose continuation meets the end of the file"
    return ""


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["sha1"][:12])
def test_second_reader_finds_the_same_instructions(row: dict[str, Any]) -> None:
    from dockerfile_parse import DockerfileParser

    data = data_of(row)
    dockerfile = parse(data)
    reason = second_reader_is_wrong(data, dockerfile)
    if reason:
        pytest.skip(reason)
    structure = DockerfileParser(fileobj=io.BytesIO(data)).structure
    assert [
        (part["instruction"], part["startline"] + 1, part["endline"] + 1)
        for part in structure
        if part["instruction"] != "COMMENT"
    ] == [(item.keyword.upper(), item.start_line, item.end_line) for item in dockerfile.instructions]
