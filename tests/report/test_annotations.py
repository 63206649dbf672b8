"""The reports for GitHub Actions and GitLab."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from dockerlayer.engine import Report
from dockerlayer.findings import Applicability, Fix, Refusal, Severity
from dockerlayer.report import github, gitlab
from dockerlayer.report.formats import Run
from dockerlayer.report.place import Root, told
from dockerlayer.report.record import FileRecord, Tally
from dockerlayer.report.visible import shown
from dockerlayer.syntax.parser import parse

Record = Callable[..., FileRecord]

TEXT = "FROM node\nRUN é npm ci\nRUN a \\\n  b\n".encode()
CHECK = Run("check", root=Root("/repo/web", "/repo"))
SAFE = Fix("move it", (), Applicability.SAFE, "narrow")
_COMMAND = re.compile(r"::(error|warning|notice) ([^:]*)::(.*)")


def _unescaped(text: str) -> str:
    for code, char in (("%0D", "\r"), ("%0A", "\n"), ("%3A", ":"), ("%2C", ","), ("%25", "%")):
        text = text.replace(code, char)
    return text


def commands(text: str) -> list[tuple[str, dict[str, str], str]]:
    """The workflow commands of a text as the runner reads them."""
    found = []
    for line in text.removesuffix("\n").split("\n"):
        match = _COMMAND.fullmatch(line)
        assert match, line
        level, words, message = match.groups()
        properties = dict(word.split("=", 1) for word in words.split(","))
        found.append((level, {key: _unescaped(value) for key, value in properties.items()}, _unescaped(message)))
    return found


def test_annotation(record: Record) -> None:
    made = record(TEXT, b"npm ci", severity=Severity.INFO, help="so there", fix=SAFE)
    assert github.part(made, CHECK) == (
        "::notice file=web/Dockerfile,line=2,endLine=2,col=7,endColumn=12,title=some-rule::"
        "web/Dockerfile:2:7: some-rule: it is so%0AFix (safe, `dockerlayer fix`): move it%0Aso there\n"
    )


def test_annotation_over_several_lines_has_no_columns(record: Record) -> None:
    ((level, properties, message),) = commands(github.part(record(TEXT, b"RUN a \\\n  b"), CHECK))
    assert (level, message) == ("warning", "web/Dockerfile:3:1: some-rule: it is so")
    assert properties == {"file": "web/Dockerfile", "line": "3", "endLine": "4", "title": "some-rule"}


@pytest.mark.parametrize(
    ("kind", "line"),
    [
        (Applicability.SAFE, "Fix (safe, `dockerlayer fix`): move it (assumes: so)"),
        (Applicability.UNSAFE, "Fix (`dockerlayer fix --unsafe`): move it (assumes: so)"),
        (Applicability.MANUAL, "Fix by hand: move it (not made by itself, because so)"),
    ],
)
def test_fix_is_told(record: Record, kind: Applicability, line: str) -> None:
    made = record(TEXT, b"npm ci", fix=SAFE._replace(applicability=kind, assumptions=("so",)))
    assert told(made.report.findings[0]) == f"it is so\n{line}"


def test_refusals_are_told(record: Record) -> None:
    refusals = (Refusal("one", "first reason", line=3), Refusal("two", "second reason"))
    ((_, _, message),) = commands(github.part(record(TEXT, b"npm ci", refusals=refusals), CHECK))
    assert message == "web/Dockerfile:2:7: some-rule: it is so\nNo fix: first reason\nNo fix: second reason"


def test_hostile_text_stays_in_its_command(record: Record, hostile: str) -> None:
    path = hostile.replace("\0", "")
    text = github.part(record(TEXT, b"npm ci", path=path, message=hostile), Run("check"))
    text += github.whole([], [(path, hostile)], Tally(), Run("check"))
    text.encode()
    text, closing = text.removesuffix("\n").rsplit("\n", 1)
    assert closing == "dockerlayer: Nothing checked."
    assert text.count("\n") == 1
    for (_, properties, message), place in zip(commands(text), (":2:7: some-rule: ", ": "), strict=True):
        told = "\n".join(map(shown, hostile.split("\n")))
        assert message == f"{shown(path)}{place}{told}", "no colours, no moving about in the log"
        assert properties["file"] == re.sub("[\ud800-\udfff]", "\ufffd", path)


def test_long_message_is_cut(record: Record) -> None:
    ((_, _, message),) = commands(github.part(record(TEXT, b"npm ci", message="x" * 100_000), CHECK))
    assert 1000 < len(message) < 10_000
    assert message.endswith("...")


@pytest.mark.parametrize(("problems", "lines"), [(0, 1), (10, 1), (11, 2)])
def test_log_closes_with_the_counts_and_with_what_github_does_not_show(problems: int, lines: int) -> None:
    text = github.whole([], [], Tally(problems=problems, files=3, dirty=min(problems, 1)), CHECK)
    assert text.count("\n") == lines
    first = text.split("\n")[0]
    told = f"Found {problems} problems in 1 of 3 files." if problems else "All clean: 3 files checked."
    assert first == f"dockerlayer: {told}"
    assert all(line.startswith("dockerlayer: ") for line in text.splitlines())


def test_a_failure_names_its_file_in_the_log_once() -> None:
    failures = [("a/b", "No such file or directory"), ("conf.toml", "conf.toml:2: unknown key 'x'")]
    found = commands(github.whole([], failures, Tally(), CHECK).rpartition("dockerlayer: ")[0])
    assert [(properties["file"], message) for _, properties, message in found] == [
        ("web/a/b", "web/a/b: No such file or directory"),
        ("web/conf.toml", "conf.toml:2: unknown key 'x'"),
    ]


def issues(*records: FileRecord, errors: tuple[tuple[str, str], ...] = (), run: Run = CHECK) -> list[dict[str, Any]]:
    """The issues of a document that has all that GitLab asks for."""
    found = json.loads(gitlab.whole([gitlab.part(record, run) for record in records], errors, Tally(), run))
    for issue in found:
        assert set(issue) == {"description", "check_name", "fingerprint", "severity", "location"}
        assert issue["severity"] in {"info", "minor", "major", "critical", "blocker"}
        assert issue["location"]["lines"]["begin"] >= 1
        assert isinstance(issue["location"]["lines"]["begin"], int)
        assert not issue["location"]["path"].startswith("./")
        assert re.fullmatch("[0-9a-f]{32}", issue["fingerprint"])
    assert len({issue["fingerprint"] for issue in found}) == len(found)
    return list(found)


def test_clean_is_an_empty_array() -> None:
    assert (
        gitlab.whole([gitlab.part(FileRecord("Dockerfile", Report(parse(TEXT), ())), CHECK)], [], Tally(), CHECK)
        == "[]\n"
    )


def test_issue(record: Record) -> None:
    (issue,) = issues(record(TEXT, b"RUN a \\\n  b", "./Dockerfile", help="so there", severity=Severity.ERROR))
    del issue["fingerprint"]
    assert issue == {
        "description": "it is so\nso there",
        "check_name": "some-rule",
        "severity": "critical",
        "location": {"path": "web/Dockerfile", "lines": {"begin": 3, "end": 4}},
    }


def test_issues_of_equal_subject_are_told_apart(record: Record) -> None:
    made = record(TEXT, b"npm ci")
    twice = made._replace(report=Report(made.report.dockerfile, made.report.findings * 2))
    assert len(issues(twice, record(TEXT, b"npm ci", "other/Dockerfile"))) == 3


def test_failed_file_is_an_issue(record: Record, hostile: str) -> None:
    path = hostile.replace("\0", "")
    found = issues(
        record(TEXT, b"npm ci", path, message=hostile), errors=((path, hostile), ("x", "no")), run=Run("check")
    )
    assert [issue["check_name"] for issue in found] == ["some-rule", "not-checked", "not-checked"]
    assert found[1]["severity"] == "blocker"
