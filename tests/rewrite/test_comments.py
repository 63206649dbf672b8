"""Comments of ours: where they are written, and where they stand after a fix has taken their instruction apart."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from dockerlayer.api import Ecosystem
from dockerlayer.checks.suppressions import check_unused
from dockerlayer.engine import Options, default_rules, examine, repair
from dockerlayer.findings import Finding, Severity, apply
from dockerlayer.model.suppressions import is_suppressed, suppressions_of
from dockerlayer.rewrite.comments import suppressing
from dockerlayer.syntax.parser import parse
from dockerlayer.testing import Case

FIXTURES = Path(__file__).parents[2] / "fixtures"
ON_REQUEST = "network-in-install"
WHY = f"# dockerlayer: ignore[{ON_REQUEST}] why"


def written(text: str, keyword: str, rule: str = "a-b", reason: str | None = None) -> str:
    """The text with a comment for a finding in the last instruction that has a keyword."""
    data = text.encode()
    dockerfile = parse(data)
    target = [item for item in dockerfile.instructions if item.keyword == keyword][-1]
    finding = Finding(rule, Severity.WARNING, "", target.start, target.end, "")
    after = apply(data, suppressing(dockerfile, [finding], reason))
    assert parse(after).meaning == dockerfile.meaning
    # A second time there is nothing to write.
    again = parse(after)
    target = [item for item in again.instructions if item.keyword == keyword][-1]
    assert not suppressing(again, [finding._replace(start=target.start)], reason)
    return after.decode()


@pytest.mark.parametrize(
    ("before", "keyword", "after"),
    [
        ("FROM x\nRUN y\n", "RUN", "FROM x\n# dockerlayer: ignore[a-b]\nRUN y\n"),
        ("FROM x\n  RUN y", "RUN", "FROM x\n  # dockerlayer: ignore[a-b]\n  RUN y"),
        ("FROM x\r\nRUN y\r\n", "RUN", "FROM x\r\n# dockerlayer: ignore[a-b]\r\nRUN y\r\n"),
        (
            "FROM x\n# text\n# hadolint ignore=DL3059\nRUN y\n",
            "RUN",
            "FROM x\n# text\n# dockerlayer: ignore[a-b]\n# hadolint ignore=DL3059\nRUN y\n",
        ),
        ("FROM x\n\n# text\n\nRUN y\n", "RUN", "FROM x\n\n# text\n\n# dockerlayer: ignore[a-b]\nRUN y\n"),
        ("FROM x\nRUN <<E\nE\nRUN y\n", "RUN", "FROM x\nRUN <<E\nE\n\n# dockerlayer: ignore[a-b]\nRUN y\n"),
        ("FROM x\nRUN <<E\nE\n\nRUN y\n", "RUN", "FROM x\nRUN <<E\nE\n\n# dockerlayer: ignore[a-b]\nRUN y\n"),
        ("FROM x\n", "FROM", "# dockerlayer: ignore[a-b]\n\nFROM x\n"),
        ("\ufeffFROM x\n", "FROM", "\ufeff# dockerlayer: ignore[a-b]\n\nFROM x\n"),
        (
            "# syntax=x\n# check=skip=y\nFROM x\n",
            "FROM",
            "# syntax=x\n# check=skip=y\n# dockerlayer: ignore[a-b]\n\nFROM x\n",
        ),
        ("#!/bin/x\n# syntax=x\nFROM x\n", "FROM", "#!/bin/x\n# syntax=x\n# dockerlayer: ignore[a-b]\n\nFROM x\n"),
        ("# text\n# syntax=x\nFROM x\n", "FROM", "# text\n# syntax=x\n# dockerlayer: ignore[a-b]\n\nFROM x\n"),
        ("FROM x\n# V is it\nARG V\n", "ARG", "FROM x\n# dockerlayer: ignore[a-b]\n# V is it\nARG V\n"),
        ("FROM x\nARG V\n", "ARG", "FROM x\n# dockerlayer: ignore[a-b]\n\nARG V\n"),
        (
            "FROM x\n# dockerlayer: ignore[c-d] old\n# hadolint ignore=DL3059\nRUN y\n",
            "RUN",
            "FROM x\n# dockerlayer: ignore[c-d, a-b] old\n# hadolint ignore=DL3059\nRUN y\n",
        ),
        (
            "FROM x\nRUN y \\\n  # dockerlayer: ignore[ c-d ,]\n  z\n",
            "RUN",
            "FROM x\nRUN y \\\n  # dockerlayer: ignore[c-d, a-b]\n  z\n",
        ),
        (
            "FROM x\n# dockerlayer: ignore c-d\nRUN y\n",
            "RUN",
            "FROM x\n# dockerlayer: ignore c-d\n# dockerlayer: ignore[a-b]\nRUN y\n".replace(
                "# dockerlayer: ignore c-d\n# dockerlayer: ignore[a-b]\n",
                "# dockerlayer: ignore[a-b]\n# dockerlayer: ignore c-d\n",
            ),
        ),
    ],
)
def test_where_a_comment_is_written(before: str, keyword: str, after: str) -> None:
    assert written(before, keyword) == after


def test_a_reason_of_its_own_has_a_comment_of_its_own() -> None:
    text = "FROM x\n# dockerlayer: ignore[c-d] old\nRUN y\n"
    assert written(text, "RUN", reason="old") == text.replace("c-d", "c-d, a-b")
    assert written(text, "RUN", reason="new") == text.replace("# d", "# dockerlayer: ignore[a-b] new\n# d")


def test_what_is_left_alone_already_gets_no_comment() -> None:
    for text in (
        "# dockerlayer: file-ignore[a-b]\nFROM x\nRUN y\n",
        "# dockerlayer: stage-ignore[a-b]\nFROM x\nRUN y\n",
    ):
        assert written(text, "RUN") == text


def fixed(
    case: str, change: Callable[[str], str], ecosystems: tuple[Ecosystem, ...], pattern: str = "split", *more: str
) -> str:
    """What becomes of the case's file, changed, when the default rules and some more are run."""
    with Case.read(FIXTURES / case).opened() as (data, context):
        text = change(data.decode())
        assert text != data.decode()
        options = Options(default_rules(ecosystems) | set(more), pattern)
        outcome = repair(text.encode(), context, ecosystems, options)
        assert [made.finding.rule for made in outcome.made] == ["source-before-download"]
        assert not outcome.report.findings
        every = options._replace(rules=options.rules | {ON_REQUEST})
        after = repair(outcome.data, context, ecosystems, every)
        assert not after.made
        assert ON_REQUEST in [item.rule for item in after.report.suppressed]
        return outcome.data.decode()


INSIDE = f"RUN true && \\\n  {WHY}\n  pip"


@pytest.mark.parametrize("more", [(), (ON_REQUEST,)], ids=["not selected", "selected"])
@pytest.mark.parametrize("pattern", ["split", "stage"])
@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace("RUN", f"{WHY}\nRUN"),
        lambda text: text.replace("RUN", f"{WHY}\n\n# text\n# hadolint ignore=DL3042\nRUN"),
        lambda text: text.replace("RUN pip", INSIDE),
    ],
    ids=["above", "apart", "inside"],
)
def test_a_comment_stays_where_its_rule_finds_something(
    change: Callable[[str], str], pattern: str, more: tuple[str, ...], ecosystems: tuple[Ecosystem, ...]
) -> None:
    text = fixed("pip/naive", change, ecosystems, pattern, *more)
    assert text.count(WHY) == 1
    (below,) = [item for item in parse(text.encode()).instructions if item.logical.count("--no-index")]
    assert WHY in text[: below.end]
    assert "RUN" not in text[text.index(WHY) : below.start]


@pytest.mark.parametrize("pattern", ["split", "stage", "hybrid"])
def test_a_whole_stage_stays_left_alone(pattern: str, ecosystems: tuple[Ecosystem, ...]) -> None:
    fixed("pip/naive", lambda text: WHY.replace("ignore", "stage-ignore") + "\n\n" + text, ecosystems, pattern)


def test_a_fix_is_not_refused_for_what_is_left_alone(ecosystems: tuple[Ecosystem, ...]) -> None:
    """Without the comment the fix of the one download would be made with the other in mind."""
    note = "# dockerlayer: ignore[source-before-download] later\n"
    with Case.read(FIXTURES / "mixed" / "two-stages").opened() as (data, context):
        options = Options(default_rules(ecosystems))
        findings = examine(data, context, ecosystems, options).findings
        assert len(findings) == 2
        for finding in findings:
            at = data.rindex(b"\n", 0, finding.start + 1) + 1
            text = data[:at] + note.encode() + data[at:]
            outcome = repair(text, context, ecosystems, options)
            assert len(outcome.made) == 1
            assert len(outcome.report.suppressed) == 1
            assert outcome.data.count(note.encode()) == 1


def test_comments_about_a_stage_are_on_all_that_is_made_of_it(ecosystems: tuple[Ecosystem, ...]) -> None:
    ours = WHY.replace("ignore", "stage-ignore").replace(ON_REQUEST, "combined-download-install")
    theirs = "# hadolint stage ignore=DL3042\n"
    with Case.read(FIXTURES / "pip" / "naive").opened() as (data, context):
        for comments in (f"{ours}\n\n", theirs, f"{ours}\n\n{theirs}"):
            text = comments.encode() + data
            outcome = repair(text, context, ecosystems, Options(default_rules(ecosystems), "stage"))
            assert outcome.data.decode().count(f"{comments}FROM ") == 3
            assert repair(outcome.data, context, ecosystems, Options(default_rules(ecosystems), "stage")).made == ()


def test_every_instruction_of_odd_files_can_have_one() -> None:
    """And lose it again: the file means the same to BuildKit at each step."""
    looked_at = 0
    for path in sorted((FIXTURES / "syntax").glob("*.Dockerfile")):
        dockerfile = parse(path.read_bytes())
        if dockerfile.problems:
            continue
        findings = [Finding("a-b", Severity.WARNING, "", one.start, one.end, "") for one in dockerfile.instructions]
        after = parse(apply(dockerfile.data, suppressing(dockerfile, findings, "caf\udce9")))
        comments = suppressions_of(after)
        assert after.meaning == dockerfile.meaning, path.name
        assert not [one for one in comments if one.problem], path.name
        assert all(is_suppressed("a-b", one.start, comments) for one in after.instructions), path.name
        fixes = [finding.fix for _, finding in check_unused(after, comments, (), {"a-b"})]
        assert len(fixes) == len(comments), path.name
        bare = parse(apply(after.data, [edit for fix in fixes if fix is not None for edit in fix.edits]))
        assert bare.meaning == dockerfile.meaning, path.name
        assert not suppressions_of(bare), path.name
        looked_at += 1
    assert looked_at > 50
