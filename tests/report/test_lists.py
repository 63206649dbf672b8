"""The short reports: one line a finding, counts, and the summary of a job."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from markdown_it import MarkdownIt

from dockerlayer.engine import Made, Report
from dockerlayer.findings import Applicability, Cost, Edit, Fix, Refusal, Severity
from dockerlayer.report import concise, markdown, statistics
from dockerlayer.report.formats import Run, Style, style_of
from dockerlayer.report.json import document_json, file_json
from dockerlayer.report.place import Root
from dockerlayer.report.record import FileRecord, Tally, tally_of
from dockerlayer.report.visible import ansi
from dockerlayer.syntax.parser import parse

Record = Callable[..., FileRecord]

TEXT = "FROM node\nRUN é npm ci\n".encode()
CHECK = Run("check")
SAFE = Fix("move it", (Edit(0, 0, b"#\n"),), Applicability.SAFE, "narrow")
UNSAFE = SAFE._replace(applicability=Applicability.UNSAFE, assumptions=("the moon is full",))
HAND = SAFE._replace(applicability=Applicability.MANUAL)
NPM, PYPI = Cost(3, "packages", "npm", "GitHub"), Cost(None, "packages", "PyPI", "Fastly (donated bandwidth)")
CLEAN = FileRecord("clean", Report(parse(TEXT), ()))


def written(style: Style, *records: FileRecord, run: Run = CHECK, errors: tuple[tuple[str, str], ...] = ()) -> str:
    """The whole report."""
    tally = Tally(failed=len(errors))
    for record in records:
        tally = tally.plus(tally_of(record))
    parts = [style.part(record, run) for record in records]
    return ("".join(parts) if style.streams else "") + style.whole(parts, errors, tally, run)


@pytest.mark.parametrize(
    ("fix", "mark"),
    [(None, ""), (SAFE, " [fix]"), (UNSAFE, " [fix --unsafe]"), (HAND, "")],
    ids=["none", "safe", "unsafe", "hand"],
)
def test_concise(record: Record, fix: Fix | None, mark: str) -> None:
    line = concise.part(record(TEXT, b"npm ci", "a/Dockerfile", fix=fix, severity=Severity.INFO), CHECK)
    assert line == f"a/Dockerfile:2:7: info some-rule it is so{mark}\n"


def test_concise_is_one_line(record: Record, hostile: str) -> None:
    text = concise.part(record(TEXT, b"npm ci", hostile.replace("\0", ""), message=hostile), CHECK)
    assert text.count("\n") == 1
    assert text.removesuffix("\n").isprintable()


def test_concise_in_colour(record: Record) -> None:
    assert concise.part(record(TEXT, b"npm ci"), Run("check", paint=ansi)) == (
        "\x1b[1mDockerfile\x1b[0m:2:7: \x1b[1;33mwarning\x1b[0m some-rule it is so\n"
    )


def test_statistics(record: Record) -> None:
    records = (
        record(TEXT, b"npm ci", fix=SAFE, cost=(NPM,)),
        record(TEXT, b"npm ci", fix=UNSAFE, cost=(NPM._replace(number=10), PYPI)),
        record(TEXT, b"npm ci", fix=HAND, cost=(NPM._replace(number=None),)),
        CLEAN,
    )
    assert written(style_of("statistics"), *records) == (
        "FINDINGS  SAFE  UNSAFE  SEVERITY  RULE\n"
        "       3     1       1  warning   some-rule\n"
        "\n"
        "FINDINGS  REGISTRY  DOWNLOADED AGAIN\n"
        "       3  npm       13 packages, and an unknown number in 1 more\n"
        "       1  PyPI      packages, number unknown\n"
        "\n"
        "Found 3 problems in 3 of 4 files (1 fixable with fix, 1 more with --unsafe).\n"
    )
    assert written(style_of("statistics"), CLEAN) == "All clean: 1 file checked.\n"
    assert statistics.part(CLEAN, CHECK) == file_json(CLEAN)


def test_statistics_in_json(record: Record) -> None:
    parts = [file_json(record(TEXT, b"npm ci", fix=SAFE, cost=(NPM,)))] * 2
    assert "statistics" not in json.loads(document_json(parts, [], Tally()))
    assert json.loads(document_json(parts, [], Tally(), statistics=True))["statistics"] == {
        "rules": [{"rule": "some-rule", "severity": "warning", "findings": 2, "safe": 2, "unsafe": 0}],
        "downloads": [
            {"registry": "npm", "payer": "GitHub", "unit": "packages", "number": 6, "findings": 2, "uncounted": 0}
        ],
    }


def test_one_of_a_kind(record: Record) -> None:
    text = written(style_of("statistics"), record(TEXT, b"npm ci", cost=(NPM._replace(number=1),)))
    assert "npm       1 package\n" in text


def test_markdown(record: Record) -> None:
    run = Run("check", root=Root("/repo/web", "/repo"))
    records = (
        record(TEXT, b"npm ci", fix=SAFE, cost=(NPM,)),
        record(TEXT, b"npm ci", fix=UNSAFE, cost=(NPM,)),
        record(TEXT, b"npm ci", fix=HAND, cost=(PYPI,)),
        record(TEXT, b"npm ci", refusals=(Refusal("odd", "it is odd"),), help="do not read this"),
        record(TEXT, b"npm ci", help="commit it"),
    )
    assert written(style_of("markdown"), *records, run=run, errors=(("gone", "No such file"),)) == (
        "## dockerlayer\n\n"
        "Found 5 problems in 5 of 5 files (1 fixable with fix, 1 more with --unsafe); 1 file could not be checked.\n\n"
        "### Downloaded again without need\n\n"
        "| registry | paid for by | downloaded again | findings |\n"
        "| --- | --- | --- | --- |\n"
        "| npm | GitHub | 6 packages | 2 |\n"
        "| PyPI | Fastly (donated bandwidth) | packages, number unknown | 1 |\n\n"
        "### Found\n\n"
        "| file | line | severity | rule | what | fix |\n"
        "| --- | --- | --- | --- | --- | --- |\n"
        "| web/Dockerfile | 2 | warning | some-rule | it is so | `dockerlayer fix` |\n"
        "| web/Dockerfile | 2 | warning | some-rule | it is so | `dockerlayer fix --unsafe`: the moon is full |\n"
        "| web/Dockerfile | 2 | warning | some-rule | it is so | by hand: move it |\n"
        "| web/Dockerfile | 2 | warning | some-rule | it is so | none: it is odd |\n"
        "| web/Dockerfile | 2 | warning | some-rule | it is so | commit it |\n\n"
        "`dockerlayer fix --unsafe --diff` shows what the fixes change.\n\n"
        "### Could not be checked\n\n"
        "| file | why |\n"
        "| --- | --- |\n"
        "| web/gone | No such file |\n"
    )
    text = written(style_of("markdown"), record(TEXT, b"npm ci", fix=SAFE))
    assert "\n`dockerlayer fix --diff` shows what the fixes change.\n" in text
    assert written(style_of("markdown"), CLEAN) == "## dockerlayer\n\nAll clean: 1 file checked.\n"


@pytest.mark.parametrize(("command", "title"), [("fix", "Fixed"), ("diff", "Would be fixed")])
def test_markdown_of_fix(record: Record, command: str, title: str) -> None:
    (finding,) = record(TEXT, b"npm ci").report.findings
    done = FileRecord("Dockerfile", Report(parse(TEXT), ()), (Made(finding, SAFE, 2),), True)
    text = written(style_of("markdown"), done, run=Run(command))
    assert f"### {title}\n\n| file | line | rule | fix |\n| --- | --- | --- | --- |\n" in text
    assert "| Dockerfile | 2 | some-rule | move it (safe) |\n" in text
    assert "### Left" not in text


def test_markdown_has_no_more_cells_than_meant(record: Record, hostile: str) -> None:
    evil = f"{hostile}<b>&amp; <script>"
    path = evil.replace("\0", "").replace("\ud800", "")
    made = record(TEXT, b"npm ci", path, message=evil, fix=UNSAFE._replace(assumptions=(evil,)))
    text = written(style_of("markdown"), made, errors=((path, evil),))
    text.encode()
    html = MarkdownIt("gfm-like", {"html": True, "linkify": False}).render(text)
    assert (html.count("<td>"), html.count("<th>")) == (8, 8)
    assert "<script" not in html
    assert "<b>" not in html
    assert html.count("<code>") == 2, "the commands that we name"
    assert "<a " not in html
    assert "<em>" not in html


def test_long_markdown_is_cut(record: Record) -> None:
    made = record(TEXT, b"npm ci", message="x" * 5000)
    text = markdown.whole([markdown.part(made, CHECK)] * 5000, [("gone", "y" * 5000)] * 5000, Tally(), CHECK)
    assert len(text) < 2**20, "GitHub takes no more of one step"
    assert text.count("And 4700 more.") == 2
