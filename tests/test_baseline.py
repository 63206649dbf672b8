"""The baseline file: what it says, what it takes from findings, and how a broken one is told."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dockerlayer.baseline import Known, baseline_text, entry_path, known_of, read_baseline, split
from dockerlayer.errors import InputError
from dockerlayer.findings import Finding, Severity

ENTRY = '{"path": "Dockerfile", "rule": "r", "subject": "npm:npm ci", "count": 1}'


def finding(rule: str, *calls: str) -> Finding:
    return Finding(rule, Severity.WARNING, "message", 0, 1, "\n".join(calls))


A, B, C = "0:npm:npm ci", "0:npm:npm install", "1:pip:pip install flask"


@pytest.mark.parametrize(
    ("today", "later", "new", "gone"),
    [
        ([("r", A)], [("r", A)], [], 0),
        ([("r", A)], [("r", "7:npm:npm ci")], [], 0),
        ([("r", A)], [("other", A)], [("other", A)], 1),
        ([("r", A)], [("r", A), ("r", A)], [("r", A)], 0),
        ([("r", A), ("r", A)], [("r", A)], [], 1),
        ([("r", A, C)], [("r", A), ("r", C)], [], 0),
        ([("r", A), ("r", C)], [("r", C, A)], [], 0),
        ([("r", A, C)], [("r", C)], [], 1),
        ([("r", A)], [("r", A, B)], [("r", A, B)], 0),
        ([("r", A)], [("r", A, B), ("r", A)], [("r", A, B)], 0),
        ([("r", "")], [("r", "")], [], 0),
        ([("r", "0:npm:npm i -g npm@11.2.0-rc1")], [("r", "0:npm:npm i -g npm@12-rc2")], [], 0),
        ([("r", A)], [], [], 1),
        ([], [("r", A)], [("r", A)], 0),
        # A file that cannot be built says nothing of what was fixed in it, and is never left out.
        ([("r", A)], [("invalid-dockerfile", "odd")], [("invalid-dockerfile", "odd")], 0),
    ],
)
def test_what_is_known_is_left_out(
    today: list[tuple[str, ...]], later: list[tuple[str, ...]], new: list[tuple[str, ...]], gone: int
) -> None:
    known = known_of([finding(*item) for item in today])
    found = split([finding(*item) for item in later], known)
    assert found.new == tuple(finding(*item) for item in new)
    assert found.gone.total() == gone


def test_text_has_one_sorted_entry_on_a_line(tmp_path: Path) -> None:
    known = {
        "b/Dockerfile": Known({("z", "pip:x"): 2, ("a", 'say "é"\t'): 1}),
        "Dockerfile": Known({("z", "pip:x"): 1}),
        "empty": Known(),
    }
    written = baseline_text(known)
    assert written == (
        '{\n  "version": 1,\n  "findings": [\n'
        '    {"path": "Dockerfile", "rule": "z", "subject": "pip:x", "count": 1},\n'
        '    {"path": "b/Dockerfile", "rule": "a", "subject": "say \\"\\u00e9\\"\\t", "count": 1},\n'
        '    {"path": "b/Dockerfile", "rule": "z", "subject": "pip:x", "count": 2}\n'
        "  ]\n}\n"
    )
    file = tmp_path / "baseline.json"
    file.write_bytes(written.encode())
    assert read_baseline(str(file)).known == {path: found for path, found in known.items() if found}
    file.write_bytes(baseline_text({}).encode())
    assert read_baseline(str(file)).known == {}


NAMES = st.text(
    st.one_of(st.characters(), st.characters(min_codepoint=0xDC80, max_codepoint=0xDCFF, categories=["Cs"])), max_size=8
)


@settings(deadline=None, max_examples=50)
@given(
    st.dictionaries(
        NAMES.filter(lambda name: name and name[0] != "/"),
        st.dictionaries(st.tuples(NAMES, NAMES), st.integers(1, 9), min_size=1),
        max_size=3,
    )
)
def test_what_is_written_is_read(
    tmp_path_factory: pytest.TempPathFactory, known: dict[str, dict[tuple[str, str], int]]
) -> None:
    file = tmp_path_factory.getbasetemp() / "any.json"
    found = {path: Counter(entries) for path, entries in known.items()}
    file.write_bytes(baseline_text(found).encode())
    assert read_baseline(str(file)).known == found
    # Another program may have laid it out anew.
    file.write_bytes(baseline_text(found).replace("\n", "\r\n\t").encode())
    assert read_baseline(str(file)).known == found


def test_paths_are_relative_to_the_baseline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "project" / "api").mkdir(parents=True)
    (tmp_path / "link").symlink_to("project")
    (tmp_path / "project" / "api" / "Dockerfile").symlink_to("nowhere")
    monkeypatch.chdir(tmp_path / "project" / "api")
    for baseline in ("../base.json", str(tmp_path / "project" / "base.json"), str(tmp_path / "link" / "base.json")):
        assert entry_path(baseline, "Dockerfile") == "api/Dockerfile"
    assert entry_path("base.json", "../Dockerfile") == "../Dockerfile"
    assert entry_path("base.json", str(tmp_path / "link" / "api" / "Dockerfile")) == "Dockerfile"


def document(*entries: str, version: str = "1") -> str:
    return f'{{\n  "version": {version},\n  "findings": [\n    ' + ",\n    ".join(entries) + "\n  ]\n}\n"


@pytest.mark.parametrize(
    ("content", "line", "cause"),
    [
        ("", 1, "not JSON"),
        ("\n\n[]", 3, "not a baseline"),
        ('{"findings": []}', 1, "not a baseline"),
        ("version: 1\n", 1, "not JSON"),
        (document(ENTRY, version="2"), 2, "version 2 is not known; this dockerlayer reads version 1"),
        (document(ENTRY, version='"1"'), 2, 'version "1" is not known'),
        (document(ENTRY, version="true"), 2, "version true is not known"),
        ('{"version": 1,\n"findings": {}}', 2, "must be a list"),
        ('{"version": 1}', 1, "must be a list"),
        ('{"version": 1, "findings": [],\n"more": {"a": [1]}}', 2, 'unknown key "more"'),
        (document(ENTRY, "[]"), 5, "must be an object"),
        (document(ENTRY, ENTRY.replace('"rule": "r", ', "")), 5, 'without "rule"'),
        (document(ENTRY.replace('"rule": "r"', '"rule": 1')), 4, '"rule" must be a string'),
        (document(ENTRY, ENTRY.replace(": 1}", ": 0}")), 5, "whole number above 0"),
        (document(ENTRY, ENTRY.replace(": 1}", ": 1.5}")), 5, "whole number above 0"),
        (document(ENTRY, ENTRY.replace(": 1}", ": true}")), 5, "whole number above 0"),
        (document(ENTRY, ENTRY.replace(": 1}", ': 1, "line": 3}')), 5, 'unknown key "line"'),
        (document(ENTRY, ENTRY.replace(": 1}", ': 1, "count": 3}')), 5, 'unknown key "count (again)"'),
        (document(ENTRY.replace('"Dockerfile"', '"/etc/Dockerfile"')), 4, "must be relative"),
        (document(ENTRY.replace('"r"', '"invalid-dockerfile"')), 4, "cannot be left out"),
        (document(ENTRY, ENTRY), 5, "those of an entry above"),
        (document(ENTRY + "\n<<<<<<< HEAD"), 5, "a merge conflict"),
        (document(ENTRY).replace("\n  ]", ",\n  ]"), 5, "not JSON"),
        ("{" * 100_000, 1, ""),
        ("[" * 100_000, 1, ""),
        ('{"version": ' + "1" * 5000 + "}", 1, ""),
        ('{"version": 1, "findings": [\n\n"\udcff"]}', 3, "not UTF-8"),
    ],
)
def test_what_is_no_baseline_is_told_by_its_line(tmp_path: Path, content: str, line: int, cause: str) -> None:
    file = tmp_path / "base.json"
    file.write_bytes(content.encode("utf-8", "surrogateescape"))
    with pytest.raises(InputError) as caught:
        read_baseline(str(file))
    assert str(caught.value).startswith(f"{file}:{line}: ")
    assert cause in str(caught.value)


def test_a_baseline_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no such baseline; `dockerlayer check --write-baseline .*` writes one"):
        read_baseline(str(tmp_path / "none.json"))
    with pytest.raises(InputError, match="cannot be read: Is a directory"):
        read_baseline(str(tmp_path))
    with pytest.raises(InputError, match="cannot be read: embedded null"):
        read_baseline("a\0b")
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(InputError, match="cannot be read: not a regular file"):
        read_baseline(str(tmp_path / "pipe"))
