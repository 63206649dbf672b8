"""What a plugin may ask of the planner, asked by an ecosystem of its own so that the shipped ones may change."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from dockerlayer.api import SYSTEM_WRITES, Call, Ecosystem, Effect, Fetch, Refusal, Registry, Scene, Split, insert_after
from dockerlayer.engine import Options, Outcome, default_rules, repair
from dockerlayer.findings import Applicability, Finding
from dockerlayer.model.context import Context
from dockerlayer.rewrite.by_hand import by_hand

NAIVE = "FROM busybox\nWORKDIR /app\nCOPY . .\nRUN fakepm install\n"
SPLIT = "FROM busybox\nWORKDIR /app\nCOPY fake.lock ./\nRUN fakepm fetch\nCOPY . .\nRUN fakepm install --offline\n"
NARROW = "FROM busybox\nWORKDIR /app\nCOPY fake.json fake.lock ./\nRUN fakepm install\nCOPY . .\n"


def ecosystem(name: str = "fakepm", **asked: object) -> Ecosystem:
    """A package manager whose install reads a manifest and a lockfile, and whose download reads the lockfile alone."""

    def read(call: Call, scene: Scene) -> Fetch | None:
        if call.has("--offline") or not call.arguments or call.cwd is None:
            return None
        verb = call.arguments[0]
        fetch = Fetch(call, verb, call.cwd, scene.project(call.cwd, "fake.lock"), ("fake.lock",), count=3)
        if verb == "fetch":
            return replace(fetch, kind="download")
        if verb != "install":
            return None
        split = Split(f"{name} fetch", (insert_after(call.words[1], "--offline"),), needs=("fake.lock",))
        fetch = replace(fetch, needs=("fake.json", "fake.lock"), writes=(f"/opt/{name}",), split=split)
        return replace(fetch, **asked)  # type: ignore[arg-type]

    def effect(call: Call, scene: Scene) -> Effect | None:
        return Effect(reads=("/app", *SYSTEM_WRITES), writes=(f"/opt/{name}",)) if call.has("--offline") else None

    registry = Registry("FakeHub", "nobody", False)
    return Ecosystem(name, name, "", registry, name, read, effect=effect)


@pytest.fixture
def context(tmp_path: Path) -> Context:
    for name in ("fake.json", "fake.lock", "main.src"):
        (tmp_path / name).write_text("")
    (tmp_path / ".dockerignore").write_text("\n")
    return Context.open(tmp_path)


def mended(text: str, context: Context, *known: Ecosystem, pattern: str = "split", unsafe: bool = False) -> Outcome:
    ecosystems = known or (ecosystem(),)
    options = Options(default_rules(ecosystems), pattern, unsafe)
    return repair(text.encode(), context, ecosystems, options)


def left(outcome: Outcome) -> Finding:
    (finding,) = outcome.report.findings
    return finding


def test_a_download_brings_only_what_it_reads(context: Context) -> None:
    assert mended(NAIVE, context).data.decode() == SPLIT


def test_a_narrow_install_brings_all(context: Context) -> None:
    assert mended(NAIVE, context, pattern="narrow").data.decode() == NARROW


def test_a_call_that_cannot_move_is_split_under_either_pattern(context: Context) -> None:
    rooted = ecosystem(no_narrow=Refusal("script", "a script reads the source"))
    assert mended(NAIVE, context, rooted).data.decode() == SPLIT
    outcome = mended(NAIVE, context, rooted, pattern="narrow")
    assert outcome.data.decode() == SPLIT


def test_a_call_that_can_do_neither_says_both(context: Context) -> None:
    stuck = ecosystem(
        no_narrow=Refusal("script", "a script reads the source"),
        no_split=Refusal("git", "a package is cloned"),
        split=None,
    )
    finding = left(mended(NAIVE, context, stuck, unsafe=True))
    assert finding.fix is None
    assert [refusal.code for refusal in finding.refusals] == ["git", "script"]


def test_what_is_not_proven_is_shown_and_never_made(context: Context) -> None:
    doubtful = ecosystem(unproven="the download may be incomplete")
    outcome = mended(NAIVE, context, doubtful, unsafe=True)
    assert outcome.data.decode() == NAIVE
    fix = left(outcome).fix
    assert fix is not None
    assert fix.applicability is Applicability.MANUAL
    assert fix.assumptions == ("the download may be incomplete",)
    assert by_hand(outcome.data, fix) == [
        "+ COPY fake.lock ./",
        "+ RUN fakepm fetch",
        "  COPY . .",
        "- RUN fakepm install",
        "+ RUN fakepm install --offline",
    ]


def test_installs_that_keep_to_themselves_pass_each_other(context: Context) -> None:
    """The first cannot move above the source, the second can move above the first."""
    text = NAIVE + "RUN otherpm install\n"
    rooted = Refusal("script", "a script reads the source")
    first = ecosystem(no_narrow=rooted, system=False)
    second = ecosystem("otherpm", split=None, system=False)
    downloads = "COPY fake.lock ./\nRUN fakepm fetch\nCOPY fake.json ./\nRUN otherpm install\n"
    both = f"FROM busybox\nWORKDIR /app\n{downloads}COPY . .\nRUN fakepm install --offline\n"
    assert mended(text, context, first, second).data.decode() == both
    wide = ecosystem("otherpm", split=None)
    finding = left(mended(text, context, first, wide))
    assert [refusal.code for refusal in finding.refusals] == ["unknown-step-between"]


@pytest.mark.parametrize("pattern", ["split", "narrow", "stage", "hybrid"])
def test_needs_of_a_directory_that_is_not_known(context: Context, pattern: str) -> None:
    asked = ecosystem(origin=None)
    outcome = mended(NAIVE, context, asked, pattern=pattern, unsafe=True)
    assert outcome.data == NAIVE.encode()
    assert "not-in-context" in {refusal.code for refusal in left(outcome).refusals}
