"""The diagnostic format of reviewdog: valid, with suggestions that make the whole fix."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft4Validator

from dockerlayer.api import Ecosystem, Rule
from dockerlayer.engine import Report
from dockerlayer.findings import Applicability, Edit, Finding, Fix, Severity, apply
from dockerlayer.report.formats import Run
from dockerlayer.report.rdjson import part, whole
from dockerlayer.report.record import FileRecord, Tally
from dockerlayer.syntax.parser import parse

Record = Callable[..., FileRecord]

SCHEMA = Draft4Validator(
    json.loads((Path(__file__).parent / "schemas" / "reviewdog-DiagnosticResult.json").read_bytes())
)
TEXT = "FROM node\r\nRUN 𐐀 npm ci\r\nCOPY . .\r\n".encode()
CHECK = Run("check")


def diagnostics(*records: FileRecord, errors: tuple[tuple[str, str], ...] = ()) -> list[dict[str, Any]]:
    """The diagnostics of a document that is valid."""
    document = json.loads(whole([part(record, CHECK) for record in records], errors, Tally(), CHECK))
    SCHEMA.validate(document)
    assert document["source"] == {"name": "dockerlayer"}
    return list(document["diagnostics"])


def test_clean() -> None:
    assert diagnostics(FileRecord("Dockerfile", Report(parse(TEXT), ()))) == []


def test_columns_count_bytes(record: Record) -> None:
    (found,) = diagnostics(record(TEXT, b"npm ci", "./a/Dockerfile", severity=Severity.INFO))
    assert found == {
        "message": "it is so",
        "location": {
            "path": "a/Dockerfile",
            "range": {"start": {"line": 2, "column": 10}, "end": {"line": 2, "column": 16}},
        },
        "severity": "INFO",
        "code": {"value": "some-rule"},
    }


def _made(data: bytes, suggestion: dict[str, Any]) -> bytes:
    """What reviewdog makes of a suggestion: columns are bytes of a line, ends are exclusive."""
    lines = data.split(b"\n")
    start, end = (
        sum(len(line) + 1 for line in lines[: place["line"] - 1]) + place["column"] - 1
        for place in (suggestion["range"]["start"], suggestion["range"]["end"])
    )
    return data[:start] + suggestion["text"].encode() + data[end:]


def _suggestion(data: bytes, *edits: Edit) -> dict[str, Any]:
    fix = Fix("fix", edits, Applicability.SAFE, "")
    finding = Finding("r", Severity.ERROR, "m", 0, 0, "s", fix=fix)
    ((suggestion,),) = (found["suggestions"] for found in diagnostics(FileRecord("f", Report(parse(data), (finding,)))))
    return dict(suggestion)


_PIECES = st.sampled_from([b"a", "é".encode(), b"\n", b"\r\n", "𐐀".encode()])
_NEW = st.sampled_from([b"", b"x", b"x\n", "é\r\n".encode()])


@st.composite
def _texts(draw: st.DrawFn) -> tuple[bytes, list[Edit]]:
    pieces = draw(st.lists(_PIECES, max_size=20))
    place = st.integers(0, len(pieces))
    ranges = [sorted(pair) for pair in draw(st.lists(st.tuples(place, place), min_size=1, max_size=3))]
    edits: list[Edit] = []
    for start, end in sorted(ranges):
        first, last = len(b"".join(pieces[:start])), len(b"".join(pieces[:end]))
        if not edits or first > edits[-1].end:
            edits.append(Edit(first, last, draw(_NEW)))
    return b"".join(pieces), edits


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(_texts())
def test_suggestion_makes_the_whole_fix(case: tuple[bytes, list[Edit]]) -> None:
    data, edits = case
    assert _made(data, _suggestion(data, *edits)) == apply(data, edits)


def test_suggestion_is_of_whole_lines() -> None:
    start = TEXT.index(b"COPY")
    suggestion = _suggestion(TEXT, Edit(15, 15, b"x"), Edit(11, 11, b"COPY lock .\r\n"))
    assert suggestion == {
        "range": {"start": {"line": 2, "column": 1}, "end": {"line": 2, "column": 16}},
        "text": "COPY lock .\r\nRUN x𐐀 npm ci",
    }
    suggestion = _suggestion(TEXT, Edit(11, start, b"RUN npm ci\r\n"))
    assert suggestion["range"]["end"]["line"] == 2, "not the line behind as well"


@pytest.mark.parametrize(
    "fix",
    [
        Fix("by hand", (Edit(0, 0, b"x"),), Applicability.MANUAL, ""),
        Fix("elsewhere, too", (Edit(0, 0, b"x"),), Applicability.SAFE, "", ignore=("node_modules",)),
        Fix("elsewhere", (), Applicability.SAFE, "", ignore=("node_modules",)),
        Fix("not text", (Edit(0, 0, b"\xff"),), Applicability.SAFE, ""),
    ],
    ids=lambda fix: fix.title,
)
def test_no_suggestion(record: Record, fix: Fix) -> None:
    (found,) = diagnostics(record(TEXT, b"npm ci", fix=fix))
    assert "suggestions" not in found
    assert fix.title in found["message"]


def test_hostile(record: Record, hostile: str) -> None:
    path = hostile.replace("\0", "")
    found = diagnostics(record(TEXT, b"npm ci", path=path, message=hostile), errors=((path, hostile),))
    assert [item["severity"] for item in found] == ["WARNING", "ERROR"]
    assert "range" not in found[1]["location"]


def _paged(*_: object) -> Iterator[Finding]:
    """It is so.

    References:
    - Ours: https://registry.example.com/ours
    - Theirs: https://registry.example.com/theirs
    - The matter: https://registry.example.com/page#so
    """
    return iter(())


@pytest.mark.parametrize(
    ("titles", "url"),
    [
        (("Ours", "Theirs"), "https://registry.example.com/page#so"),
        (("Ours", "The matter"), "https://registry.example.com/theirs"),
    ],
)
def test_code_has_an_address(
    record: Record, ecosystems: tuple[Ecosystem, ...], titles: tuple[str, str], url: str
) -> None:
    one, two = (replace(item, title=title, rules=()) for item, title in zip(ecosystems[:2], titles, strict=True))
    three = replace(ecosystems[2], title="Theirs" if "Theirs" not in titles else "x", rules=())
    run = Run("check", (replace(one, rules=(Rule("some-rule", Severity.ERROR, _paged),)), two, three))
    made = record(TEXT, b"npm ci", ecosystem=two.name if "Theirs" in titles else three.name)
    document = json.loads(whole([part(made, run)], [], Tally(), run))
    SCHEMA.validate(document)
    assert document["diagnostics"][0]["code"] == {"value": "some-rule", "url": url}
