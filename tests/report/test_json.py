"""The report for programs."""

from __future__ import annotations

import json
import os
from base64 import b64decode
from collections.abc import Callable

import pytest

from dockerlayer import __version__
from dockerlayer.engine import Made, Report
from dockerlayer.findings import Applicability, Cost, Edit, Fix, Refusal
from dockerlayer.report.json import document_json, file_json
from dockerlayer.report.record import FileRecord, Tally
from dockerlayer.syntax.parser import parse

Record = Callable[..., FileRecord]

TEXT = "FROM node\nRUN é npm ci\n".encode()
FIX = Fix(
    "install first",
    (Edit(0, 0, b"caf\xc3\xa9"), Edit(3, 5, b"\xff\r\n")),
    Applicability.UNSAFE,
    "narrow",
    ("the moon is full",),
    ("it rains",),
)
COST = (Cost(3, "packages", "npm", "GitHub"), Cost(None, "headers", "nodejs", "OpenJS"))


def test_finding(record: Record) -> None:
    refusals = (Refusal("one", "first reason", line=3), Refusal("two", "second reason"))
    made = record(TEXT, b"npm ci", help="so there", ecosystem="npm", fix=FIX, refusals=refusals, cost=COST)
    assert json.loads(file_json(made)) == {
        "path": "Dockerfile",
        "findings": [
            {
                "rule": "some-rule",
                "severity": "warning",
                "message": "it is so",
                "help": "so there",
                "ecosystem": "npm",
                "cost": [
                    {"count": 3, "unit": "packages", "registry": "npm", "payer": "GitHub"},
                    {"count": None, "unit": "headers", "registry": "nodejs", "payer": "OpenJS"},
                ],
                "place": {
                    "start": {"offset": 17, "line": 2, "column": 7},
                    "end": {"offset": 23, "line": 2, "column": 13},
                },
                "fix": {
                    "title": "install first",
                    "applicability": "unsafe",
                    "pattern": "narrow",
                    "assumptions": ["the moon is full"],
                    "notes": ["it rains"],
                    "ignore": None,
                    "edits": [
                        {"start": 0, "end": 0, "text": "café"},
                        {"start": 3, "end": 5, "text": "\ufffd\r\n", "text_base64": "/w0K"},
                    ],
                },
                "refusals": [
                    {"code": "one", "message": "first reason", "line": 3},
                    {"code": "two", "message": "second reason", "line": None},
                ],
            }
        ],
    }


def test_no_fix_is_null(record: Record) -> None:
    assert json.loads(file_json(record(TEXT, b"npm ci")))["findings"][0]["fix"] is None


def test_fixing_adds_what_was_made(record: Record) -> None:
    (finding,) = record(TEXT, b"npm ci").report.findings
    done = FileRecord("Dockerfile", Report(parse(TEXT), ()), (Made(finding, FIX, 2),), True, b"--- a\n")
    assert json.loads(file_json(done, fixing=True)) == {
        "path": "Dockerfile",
        "findings": [],
        "changed": True,
        "made": [
            {
                "rule": "some-rule",
                "message": "it is so",
                "line": 2,
                "title": "install first",
                "applicability": "unsafe",
                "pattern": "narrow",
                "assumptions": ["the moon is full"],
                "notes": ["it rains"],
                "ignore": None,
            }
        ],
        "diff": "--- a\n",
    }


@pytest.mark.parametrize(
    ("evil", "wanted"),
    [
        (chr(0xDCFF), "\ufffd"),
        (chr(0xD800), "\ufffd"),
        ('"\n\x00\\', '"\n\x00\\'),
        ("\u2028\U0001f600", "\u2028\U0001f600"),
    ],
    ids=["byte", "surrogate", "controls", "astral"],
)
def test_odd_strings_become_valid_unicode(record: Record, evil: str, wanted: str) -> None:
    fix = Fix(evil, (), Applicability.SAFE, "split", (evil,), (evil,))
    text = file_json(record(TEXT, b"npm ci", message=evil, help=evil, fix=fix, refusals=(Refusal("x", evil),)))
    (finding,) = json.loads(text)["findings"]
    fix = finding["fix"]
    found = (finding["message"], finding["help"], finding["refusals"][0]["message"])
    assert {*found, fix["title"], *fix["notes"], *fix["assumptions"]} == {wanted}


def test_path_that_is_not_utf8(record: Record) -> None:
    answer = json.loads(file_json(record(TEXT, b"npm ci", path=os.fsdecode(b"\xff/Dockerfile"))))
    assert answer["path"] == "\ufffd/Dockerfile"
    assert b64decode(answer["path_base64"]) == b"\xff/Dockerfile"


def test_document(record: Record) -> None:
    one = file_json(record(TEXT, b"npm ci"))
    text = document_json([one, one], [("x", "No such file")], Tally(files=2, problems=2))
    answer = json.loads(text)
    assert text.endswith("}\n")
    assert list(answer) == ["version", "tool", "tool_version", "files", "errors", "summary"]
    assert (answer["version"], answer["tool"], answer["tool_version"]) == (1, "dockerlayer", __version__)
    assert answer["files"] == [json.loads(one)] * 2
    assert answer["errors"] == [{"path": "x", "message": "No such file"}]
    assert answer["summary"]["problems"] == 2


def test_empty_document() -> None:
    answer = json.loads(document_json([], [], Tally()))
    assert (answer["files"], answer["errors"]) == ([], [])
