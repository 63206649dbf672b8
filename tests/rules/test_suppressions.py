"""invalid-suppression and unused-suppression, and that what is left alone is neither told nor fixed."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest

from dockerlayer.api import Context, Ecosystem
from dockerlayer.engine import Options, Report, default_rules, examine, repair
from dockerlayer.syntax.parser import parse

NAIVE = Path(__file__).parents[2] / "fixtures" / "pip" / "naive"
BAD = "FROM python:3.12-slim\nWORKDIR /app\nCOPY . .\n{}RUN pip install --no-cache-dir -r requirements.txt\n"
RULE = "source-before-download"


def options(ecosystems: tuple[Ecosystem, ...], more: Iterable[str] = ()) -> Options:
    return Options(default_rules(ecosystems) | set(more))


def told(report: Report) -> list[str]:
    return [item.rule for item in report.findings]


def messages(text: str | bytes, ecosystems: tuple[Ecosystem, ...], context: Context | None = None) -> list[str]:
    data = text.encode() if isinstance(text, str) else text
    return [
        f"{item.rule}: {item.message}"
        for item in examine(data, context or Context.open(NAIVE), ecosystems, options(ecosystems)).findings
    ]


@pytest.mark.parametrize(
    "text",
    [
        BAD.format(f"# dockerlayer: ignore[{RULE}] later\n"),
        BAD.format(f"# dockerlayer: ignore[{RULE}]\n\n# other\n# hadolint ignore=DL3042\n"),
        f"# dockerlayer: stage-ignore[{RULE}]\n{BAD.format('')}",
        f"# syntax=docker/dockerfile:1\n# dockerlayer: file-ignore[{RULE}]\n{BAD.format('')}",
        BAD.format("").replace("RUN pip", f"RUN true && \\\n  # dockerlayer: ignore[{RULE}]\n  pip"),
        BAD.format(f"# dockerlayer: ignore[{RULE}] later\n").replace("\n", "\r\n"),
        "\ufeff" + BAD.format(f"# dockerlayer: ignore[{RULE}] later\n"),
    ],
)
def test_what_is_left_alone_is_neither_told_nor_fixed(text: str, ecosystems: tuple[Ecosystem, ...]) -> None:
    data, context = text.encode(), Context.open(NAIVE)
    report = examine(data, context, ecosystems, options(ecosystems))
    assert not report.findings
    assert [item.rule for item in report.suppressed] == [RULE]
    outcome = repair(data, context, ecosystems, options(ecosystems)._replace(unsafe=True))
    assert (outcome.data, outcome.made) == (data, ())


def test_another_rule_and_another_instruction_are_told(ecosystems: tuple[Ecosystem, ...]) -> None:
    text = BAD.format("").replace("COPY", f"# dockerlayer: ignore[{RULE}]\nCOPY").encode()
    report = examine(text, Context.open(NAIVE), ecosystems, options(ecosystems))
    assert told(report) == ["unused-suppression", RULE]


def test_an_invalid_file_is_told_whatever_its_comments_say(ecosystems: tuple[Ecosystem, ...]) -> None:
    text = "# dockerlayer: file-ignore[invalid-dockerfile, unused-suppression]\nFROM x\nRUNN y\n"
    (message,) = messages(text, ecosystems)
    assert message.startswith("invalid-dockerfile: ")
    text = "# dockerlayer: file-ignore[invalid-dockerfile]\nFROM x\n"
    assert messages(text, ecosystems) == [
        "invalid-suppression: invalid-dockerfile cannot be left alone: nothing else is told of a file that cannot be "
        "built"
    ]


@pytest.mark.parametrize(
    ("comment", "message"),
    [
        ("ignore[source-before-downlaod]", "no rule 'source-before-downlaod'; did you mean 'source-before-download'?"),
        ("ignore[Source-Before-Download]", "did you mean 'source-before-download'?"),
        ("ignore[DL3059]", "there is no rule 'DL3059'; `dockerlayer rules` lists them"),
        ("ignore[nosuchrule]", "there is no rule 'nosuchrule'; `dockerlayer rules` lists them"),
        ("ignore[all]", "each rule must be named"),
        ("ignore[*]", "each rule must be named"),
        ("ignore source-before-download", "must stand in brackets"),
    ],
)
def test_what_has_no_effect_is_told(comment: str, message: str, ecosystems: tuple[Ecosystem, ...]) -> None:
    found = messages(BAD.format(f"# dockerlayer: {comment}\n"), ecosystems)
    assert len(found) == 2
    assert any(item.startswith("invalid-suppression: ") and message in item for item in found)


def test_rules_that_exist_stay_in_force_beside_one_that_does_not(ecosystems: tuple[Ecosystem, ...]) -> None:
    text = BAD.format(f"# dockerlayer: ignore[no-such-rule, {RULE}]\n")
    assert [item.partition(":")[0] for item in messages(text, ecosystems)] == ["invalid-suppression"]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (f"# dockerlayer: ignore[{RULE}, missing-lockfile] why\n", f"# dockerlayer: ignore[{RULE}] why\n"),
        (f"# dockerlayer: ignore[missing-lockfile,{RULE}]\n", f"# dockerlayer: ignore[{RULE}]\n"),
        (f"# dockerlayer: ignore[{RULE}, {RULE}]\n", f"# dockerlayer: ignore[{RULE}]\n"),
        (f"# dockerlayer: ignore[{RULE}]\n\n  # dockerlayer: ignore[missing-lockfile]\n", None),
        (f"# other\n# dockerlayer: ignore[{RULE}]\n# dockerlayer: ignore[missing-lockfile] caf\xe9\n", None),
    ],
)
def test_unused_names_are_taken_out(before: str, after: str | None, ecosystems: tuple[Ecosystem, ...]) -> None:
    for newline in ("\n", "\r\n"):
        text = BAD.format(before).replace("\n", newline).encode("latin-1")
        kept = before[: before.rindex("  #" if "  #" in before else "# dockerlayer")] if after is None else after
        wanted = BAD.format(kept.replace("\n\n", "\n") if after is None else kept).replace("\n", newline)
        outcome = repair(text, Context.open(NAIVE), ecosystems, options(ecosystems))
        assert outcome.data.decode("latin-1").replace(newline * 2, newline) == wanted
        assert [made.finding.rule for made in outcome.made] == ["unused-suppression"]
        assert not outcome.report.findings


@pytest.mark.parametrize(
    ("text", "fixed"),
    [
        ("FROM x\n\n# dockerlayer: ignore[missing-lockfile]\n\nRUN y\n", "FROM x\n\nRUN y\n"),
        ("\ufeff# dockerlayer: file-ignore[missing-lockfile]\n\nFROM x\n", "\ufeffFROM x\n"),
        ("FROM x\nRUN y \\\n# dockerlayer: ignore[missing-lockfile]\n  z\n", "FROM x\nRUN y \\\n  z\n"),
        (
            "#syntax=x\n# dockerlayer: file-ignore[missing-lockfile]\n# dockerlayer: stage-ignore[missing-lockfile]\n"
            "FROM x",
            "#syntax=x\nFROM x",
        ),
    ],
)
def test_a_comment_that_is_not_needed_goes(text: str, fixed: str, ecosystems: tuple[Ecosystem, ...]) -> None:
    assert repair(text.encode(), Context.open(NAIVE), ecosystems, options(ecosystems)).data == fixed.encode()


def test_rules_that_did_not_run_are_not_judged(ecosystems: tuple[Ecosystem, ...]) -> None:
    text = b"FROM x\n# dockerlayer: ignore[network-in-install]\nRUN y\n"
    context = Context.open(NAIVE)
    assert not examine(text, context, ecosystems, options(ecosystems)).findings
    report = examine(text, context, ecosystems, options(ecosystems, ["network-in-install"]))
    assert told(report) == ["unused-suppression"]
    assert not examine(text, context, ecosystems, Options(frozenset({"network-in-install"}))).findings


def test_without_the_context_nothing_is_called_unused(ecosystems: tuple[Ecosystem, ...]) -> None:
    text = BAD.format("# dockerlayer: ignore[missing-lockfile]\n")
    assert not [item for item in messages(text, ecosystems, Context.nothing()) if "unused" in item]
    assert [item for item in messages(text, ecosystems) if "unused" in item]


def test_what_is_said_of_comments_can_be_left_alone(ecosystems: tuple[Ecosystem, ...]) -> None:
    for scope in ("ignore", "stage-ignore", "file-ignore"):
        text = f"# dockerlayer: {scope}[missing-lockfile, no-such, unused-suppression, invalid-suppression]\nFROM x\n"
        report = examine(text.encode(), Context.open(NAIVE), ecosystems, options(ecosystems))
        assert not report.findings
        assert sorted({item.rule for item in report.suppressed}) == ["invalid-suppression", "unused-suppression"]


def test_a_directive_is_not_brought_to_life(ecosystems: tuple[Ecosystem, ...]) -> None:
    """Without the comment the line below would choose another frontend."""
    text = b"# dockerlayer: file-ignore[missing-lockfile]\n#  syntax=docker/dockerfile:0\nFROM x\n"
    report = examine(text, Context.open(NAIVE), ecosystems, options(ecosystems))
    assert told(report) == ["invalid-suppression"]
    text = text.replace(b"]\n", b"]\n\n")
    (finding,) = examine(text, Context.open(NAIVE), ecosystems, options(ecosystems)).findings
    assert [refusal.code for refusal in finding.refusals] == ["directive-below"]
    assert repair(text, Context.open(NAIVE), ecosystems, options(ecosystems)).data == text


def test_comments_that_are_not_needed_go_at_once(ecosystems: tuple[Ecosystem, ...]) -> None:
    unused = "# dockerlayer: ignore[missing-lockfile] why\n\n"
    text = "FROM x\n\n" + f"{unused}RUN y\n\n" * 60 + unused * 40 + "RUN z\n"
    outcome = repair(text.encode(), Context.open(NAIVE), ecosystems, options(ecosystems))
    assert len(outcome.made) == 100
    assert outcome.data.decode() == "FROM x\n\n" + "RUN y\n\n" * 60 + "RUN z\n"
    # Both together would let a directive come to life, though neither alone does.
    text = unused + unused.replace("\n\n", "\n") + "# syntax=docker/dockerfile:0\nFROM x\n"
    outcome = repair(text.encode(), Context.open(NAIVE), ecosystems, options(ecosystems))
    assert outcome.data.decode() == text.removeprefix(unused)
    assert not parse(outcome.data).directives


def test_thousands_of_comments_are_judged_in_time(ecosystems: tuple[Ecosystem, ...]) -> None:
    for comment in (b"# dockerlayer: ignore[missing-lockfile] why\n", b"# dockerlayer: ignore[\n"):
        text = b"FROM x\n" + comment * 20_000 + b"RUN y\n"
        assert len(examine(text, Context.open(NAIVE), ecosystems, options(ecosystems)).findings) == 20_000
