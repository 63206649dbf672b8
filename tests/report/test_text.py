"""The report for people, to the letter."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from dockerlayer.engine import Made, Report
from dockerlayer.findings import Applicability, Edit, Finding, Fix, Refusal, Severity
from dockerlayer.report import concise
from dockerlayer.report.formats import Run
from dockerlayer.report.record import FileRecord, Tally, tally_of
from dockerlayer.report.text import findings_text, fix_summary_text, fixed_text, hints_text, summary_text
from dockerlayer.report.visible import ansi, shown, width
from dockerlayer.syntax.parser import parse

Record = Callable[..., FileRecord]

TEXT = b"FROM node\nCOPY . .\nRUN npm ci && npm run build\n"
SAFE = Fix("install first", (Edit(0, 0, b"x"),), Applicability.SAFE, "split", notes=("the wheels stay",))
UNSAFE = Fix("install first", (), Applicability.UNSAFE, "narrow", assumptions=("the moon is full", "it rains"))


def test_finding_with_a_safe_fix(record: Record) -> None:
    assert findings_text(record(TEXT, b"npm ci", fix=SAFE, help="npm is paid for by GitHub")) == (
        "Dockerfile:3:5: some-rule: it is so\n"
        "  |\n"
        "3 | RUN npm ci && npm run build\n"
        "  |     ^^^^^^\n"
        "  = fix: install first (safe, `dockerlayer fix`)\n"
        "  = note: the wheels stay\n"
        "  = note: npm is paid for by GitHub\n"
        "\n"
    )


def test_finding_with_an_unsafe_fix_and_why_it_is_not_the_other(record: Record) -> None:
    refusal = Refusal("no-offline", "it cannot be split", line=2, pattern="split")
    text = findings_text(record(TEXT, b"npm ci", fix=UNSAFE, refusals=(refusal,)))
    assert "  = fix (--unsafe): install first; assumes: the moon is full; it rains\n" in text
    assert "  = note: no split fix: it cannot be split (line 2) [no-offline]\n" in text


def test_finding_without_a_fix_gives_every_reason(record: Record) -> None:
    refusals = (Refusal("one", "first reason", line=3), Refusal("two", "second reason"))
    text = findings_text(record(TEXT, b"npm ci", refusals=refusals))
    assert "  = no fix: first reason [one]\n  = no fix: second reason [two]\n" in text


def test_fix_that_is_for_people(record: Record) -> None:
    fix = Fix("write a lockfile", (), Applicability.MANUAL, "")
    assert "  = fix by hand: write a lockfile\n" in findings_text(record(TEXT, b"npm ci", fix=fix))


def test_margin_follows_the_line_number(record: Record) -> None:
    text = findings_text(record(b"FROM a\n" + b"#\n" * 100 + b"RUN x\n", b"RUN x"))
    assert "\n    |\n102 | RUN x\n    | ^^^^^\n" in text


def test_several_lines_show_the_first(record: Record) -> None:
    text = findings_text(record(b"FROM a\nRUN one \\\n  two\n", b"one \\\n  two"))
    assert text.endswith("2 | RUN one \\\n  |     ^^^^^\n\n")


def test_place_behind_the_last_line(record: Record) -> None:
    data = b"FROM a\n"
    finding = Finding("some-rule", Severity.ERROR, "nothing here", len(data), len(data), "")
    assert findings_text(FileRecord("x", Report(parse(data), (finding,)))).startswith(
        "x:2:1: some-rule: nothing here\n"
    )


@pytest.mark.parametrize(
    ("line", "source", "marks"),
    [
        (b"RUN\tnpm ci", "RUN    npm ci", "       ^^^^^^"),
        (b"RUN \x1b[31m npm ci", "RUN \u241b[31m npm ci", "          ^^^^^^"),
        (b"RUN \x00\r npm ci", "RUN \u2400\u240d npm ci", "       ^^^^^^"),
        (b"RUN \xff\xfe npm ci", "RUN \ufffd\ufffd npm ci", "       ^^^^^^"),
        ("RUN 漢字 npm ci".encode(), "RUN 漢字 npm ci", "         ^^^^^^"),
        ("RUN e\u0301 npm ci".encode(), "RUN e\u0301 npm ci", "      ^^^^^^"),
        ("RUN \u202e npm ci".encode(), "RUN \ufffd npm ci", "      ^^^^^^"),
        (b"RUN npm ci\r", "RUN npm ci", "    ^^^^^^"),
    ],
    ids=["tab", "escape", "nul", "binary", "wide", "combining", "bidi", "crlf"],
)
def test_odd_characters_are_shown_harmlessly_and_underlined_in_place(
    record: Record, line: bytes, source: str, marks: str
) -> None:
    text = findings_text(record(b"FROM a\n" + line + b"\n", b"npm ci"))
    assert text.splitlines()[2:4] == [f"2 | {source}", f"  | {marks}"]


@pytest.mark.parametrize("before", [0, 50, 500, 200_000])
@pytest.mark.parametrize("inside", [6, 90, 5000, 200_000])
@pytest.mark.parametrize("after", [0, 30, 500, 200_000])
@pytest.mark.parametrize("filler", ["x", "é", "漢"])
def test_long_lines_are_clipped_around_the_place(
    record: Record, before: int, inside: int, after: int, filler: str
) -> None:
    place = "N" * inside
    data = f"FROM a\nRUN {filler * before} {place} {filler * after}\n".encode()
    _, _, source, marks = findings_text(record(data, place.encode())).splitlines()[:4]
    assert width(source) < 250
    assert "\ufffd" not in source
    start = marks.index("^") - 4
    columns = "".join(char * width(char) for char in source[4:])
    assert columns[start] == "N"
    assert columns[start - 1] == " "
    assert set(columns[start : start + len(marks) - 4 - start]) <= {"N", "."}


def test_text_from_the_file_cannot_reach_the_terminal(record: Record) -> None:
    evil = "\x1b]0;title\x07\n\u202e"
    fix = Fix(evil, (), Applicability.UNSAFE, "narrow", (evil,), (evil,))
    made = record(TEXT, b"npm ci", path=evil, message=evil, help=evil, fix=fix, refusals=(Refusal("x", evil),))
    text = findings_text(made) + hints_text(made)
    assert all(line.isprintable() for line in text.splitlines())
    assert len(text.splitlines()) == 10


def test_colours(record: Record) -> None:
    text = findings_text(record(TEXT, b"npm ci", fix=SAFE), ansi)
    assert "\x1b[1;33msome-rule\x1b[0m: it is so\n" in text
    assert "\x1b[1;33m^^^^^^\x1b[0m\n" in text
    assert "\x1b[1;31msome-rule" in findings_text(record(TEXT, b"npm ci", severity=Severity.ERROR), ansi)


def test_clean_file_has_no_text() -> None:
    assert findings_text(FileRecord("x", Report(parse(TEXT), ()))) == ""
    assert fixed_text(FileRecord("x", Report(parse(TEXT), ()))) == ""


def test_fixed_file(record: Record) -> None:
    (finding,) = record(TEXT, b"npm ci").report.findings
    made = (Made(finding, SAFE, 3), Made(finding, UNSAFE, 9))
    done = FileRecord("Dockerfile", Report(parse(TEXT), ()), made, True)
    assert fixed_text(done) == (
        "Dockerfile: fixed 2 problems\n"
        "  line 3: install first (some-rule, split, safe)\n"
        "    note: the wheels stay\n"
        "  line 9: install first (some-rule, narrow, unsafe)\n"
        "    assumed: the moon is full\n"
        "    assumed: it rains\n"
        "\n"
    )
    assert fixed_text(done, written=False).startswith("Dockerfile: would fix 2 problems\n")


def test_fix_of_another_pattern_says_why_the_preferred_one_was_not_made(record: Record) -> None:
    refusals = (Refusal("not-shipped", "the stage is not in the image", line=1, pattern="stage"),)
    (finding,) = record(TEXT, b"npm ci", fix=SAFE, refusals=refusals).report.findings
    text = fixed_text(FileRecord("Dockerfile", Report(parse(TEXT), ()), (Made(finding, SAFE, 3),), True))
    assert "\n    note: no stage fix: the stage is not in the image (line 1) [not-shipped]\n" in text


def test_hints(record: Record) -> None:
    assert hints_text(record(TEXT, b"npm ci", fix=SAFE)) == ""
    text = hints_text(record(TEXT, b"npm ci", fix=UNSAFE))
    assert text == "Dockerfile: 1 more with --unsafe: the moon is full; it rains\n"


@pytest.mark.parametrize(
    ("tally", "line"),
    [
        (Tally(files=14), "All clean: 14 files checked.\n"),
        (Tally(files=1), "All clean: 1 file checked.\n"),
        (Tally(failed=1), "Nothing checked; 1 file could not be checked.\n"),
        (Tally(files=1, failed=2), "All clean: 1 file checked; 2 files could not be checked.\n"),
        (
            Tally(files=14, dirty=2, problems=3, safe=2, unsafe=1),
            "Found 3 problems in 2 of 14 files (2 fixable with fix, 1 more with --unsafe).\n",
        ),
        (Tally(files=1, dirty=1, problems=1, safe=1), "Found 1 problem in 1 of 1 file (1 fixable with fix).\n"),
        (Tally(files=2, dirty=1, problems=1), "Found 1 problem in 1 of 2 files.\n"),
    ],
)
def test_summary(tally: Tally, line: str) -> None:
    assert summary_text(tally) == line


@pytest.mark.parametrize(
    ("tally", "written", "line"),
    [
        (Tally(files=3), True, "All clean: 3 files checked.\n"),
        (Tally(files=3, made=2, changed=1), True, "Fixed 2 problems in 1 file, nothing left.\n"),
        (
            Tally(files=3, made=2, changed=1, problems=1, dirty=1, unsafe=1),
            False,
            "Would fix 2 problems in 1 file, 1 problem in 1 of 3 files left (1 fixable with fix --unsafe).\n",
        ),
    ],
)
def test_summary_of_fix(tally: Tally, written: bool, line: str) -> None:
    assert fix_summary_text(tally, written=written) == line


def test_tally(record: Record) -> None:
    tallies = [tally_of(record(TEXT, b"npm ci", fix=fix)) for fix in (UNSAFE, SAFE)]
    assert tallies[0].plus(tallies[1]) == Tally(files=2, dirty=2, problems=2, safe=1, unsafe=1, warning=2)


@pytest.mark.parametrize(
    ("path", "begins"),
    [("::set-output name=a::b", "./::"), (" ::debug::", "./ ::"), ("a::b", "a::b"), (":a", ":a"), ("/x", "/x")],
)
def test_no_line_begins_as_a_command_of_github(record: Record, path: str, begins: str) -> None:
    made = record(TEXT, b"npm ci", path=path, fix=UNSAFE)
    done = made._replace(made=(Made(made.report.findings[0], SAFE, 3),))
    told = [findings_text(made), fixed_text(done), hints_text(made), concise.part(made, Run("check"))]
    assert all(text.startswith(begins) for text in told)
    assert not [line for text in told for line in text.splitlines() if line.lstrip().startswith("::")]


def test_shown() -> None:
    assert shown("a\x7f\x85\udcff\U000e0001\u2028b") == "a\u2421\ufffd\ufffd\ufffd\ufffdb"
