"""The reports in XML: valid for every text, and read back as what was meant."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import xmlschema
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dockerlayer.engine import Report
from dockerlayer.findings import Severity
from dockerlayer.report import checkstyle, junit
from dockerlayer.report.formats import Run
from dockerlayer.report.markup import HEAD, content, tag
from dockerlayer.report.record import FileRecord, Tally, tally_of
from dockerlayer.syntax.parser import parse

Record = Callable[..., FileRecord]

TEXT = "FROM node\nRUN é npm ci\n".encode()
CHECK = Run("check")
SCHEMA = xmlschema.XMLSchema(Path(__file__).parent / "schemas" / "junit-10.xsd")
CLEAN = FileRecord("clean/Dockerfile", Report(parse(TEXT), ()))


def suites(*records: FileRecord, errors: tuple[tuple[str, str], ...] = ()) -> ElementTree.Element:
    """The root of the document, which is valid."""
    tally = Tally(failed=len(errors))
    for record in records:
        tally = tally.plus(tally_of(record))
    text = junit.whole([junit.part(record, CHECK) for record in records], errors, tally, CHECK)
    SCHEMA.validate(text)
    root = ElementTree.fromstring(text.encode())
    for kind, element in (("tests", "testcase"), ("failures", "failure"), ("errors", "error")):
        for node in (root, *root):
            assert int(node.attrib[kind]) == len(list(node.iter(element)))
    return root


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.text(st.characters(blacklist_categories=())))
def test_any_text_is_well_formed(text: str) -> None:
    document = f"{HEAD}{tag('a', b=text)}>{content(text)}</a>"
    root = ElementTree.fromstring(document.encode("ascii"))
    allowed = "".join(
        char
        if char in "\t\n\r" or "\x20" <= char <= "\ud7ff" or "\ue000" <= char <= "\ufffd" or char > "\uffff"
        else "\ufffd"
        for char in text
    )
    assert (root.attrib["b"], root.text or "") == (allowed, allowed)


def test_junit(record: Record) -> None:
    made = record(TEXT, b"npm ci", help="so there", severity=Severity.ERROR)
    twice = made._replace(report=Report(made.report.dockerfile, made.report.findings * 2))
    root = suites(twice, CLEAN, errors=(("gone/Dockerfile", "No such file"),))
    assert root.attrib == {"name": "dockerlayer", "tests": "4", "failures": "2", "errors": "1"}
    cases = [
        (case.attrib["classname"], case.attrib["name"], [node.tag for node in case]) for case in root.iter("testcase")
    ]
    assert cases == [
        ("Dockerfile", "some-rule", ["failure"]),
        ("Dockerfile", "some-rule (2)", ["failure"]),
        ("clean/Dockerfile", "dockerlayer", []),
        ("gone/Dockerfile", "dockerlayer", ["error"]),
    ]
    failure = next(root.iter("failure"))
    assert failure.attrib == {"type": "error", "message": "it is so"}
    assert failure.text == "Dockerfile:2:7: some-rule: it is so\nso there"


def test_nothing_at_all() -> None:
    assert suites().attrib["tests"] == "0"


def test_checkstyle(record: Record) -> None:
    records = (record(TEXT, b"npm ci", "./a/Dockerfile", help="so there", severity=Severity.INFO), CLEAN)
    parts = [checkstyle.part(item, CHECK) for item in records]
    root = ElementTree.fromstring(checkstyle.whole(parts, [("gone", "No such file")], Tally(), CHECK).encode())
    assert root.tag == "checkstyle"
    assert [(file.attrib["name"], [error.attrib for error in file]) for file in root] == [
        (
            "a/Dockerfile",
            [
                {
                    "line": "2",
                    "column": "7",
                    "severity": "info",
                    "message": "it is so\nso there",
                    "source": "dockerlayer.some-rule",
                }
            ],
        ),
        ("clean/Dockerfile", []),
        (
            "gone",
            [{"line": "1", "severity": "error", "message": "No such file", "source": "dockerlayer.not-checked"}],
        ),
    ]


def test_hostile(record: Record, hostile: str) -> None:
    path = hostile.replace("\0", "")
    made = record(TEXT, b"npm ci", path=path, message=hostile, help=hostile)
    assert len(list(suites(made, errors=((path, hostile),)).iter("testcase"))) == 2
    text = checkstyle.whole([checkstyle.part(made, CHECK)], [(path, hostile)], Tally(), CHECK)
    assert len(list(ElementTree.fromstring(text.encode()).iter("error"))) == 2
