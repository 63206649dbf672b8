"""What proofs amount to."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from dockerlayer.api import Ecosystem
from dockerlayer.model.context import Context
from dockerlayer.verify.builder import Built
from dockerlayer.verify.images import Difference
from dockerlayer.verify.progress import StepRun
from dockerlayer.verify.subject import Subject, subject_of
from dockerlayer.verify.trial import Proof, Trial
from dockerlayer.verify.verdict import Outcome, size, verdict_of

GOOD = """FROM golang:1.22
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN go build .
"""
STEPS = (
    StepRun("", 1, 6, "FROM golang:1.22", started=1.0, completed=1.0),
    StepRun("", 2, 6, "WORKDIR /src", started=1.0, completed=1.0),
    StepRun("", 3, 6, "COPY go.mod go.sum ./", started=1.0, completed=1.0),
    StepRun("", 4, 6, "RUN go mod download", started=1.0, completed=3.0),
    StepRun("", 5, 6, "COPY . .", started=1.0, completed=1.0),
    StepRun("", 6, 6, "RUN go build .", started=1.0, completed=4.0),
)
SAME = Difference((), (), (), ())

MakeTrial = Callable[..., Trial]


def built(cached: str = "", *, ok: bool = True, seconds: float = 3.0, received: int | None = None) -> Built:
    """A build in which the steps of these numbers were cached."""
    steps = tuple(run._replace(cached=str(run.number) in cached) for run in STEPS)
    return Built(ok, steps, seconds, received, "said", "tag")


@pytest.fixture
def subject(ecosystems: Sequence[Ecosystem]) -> Callable[[str], Subject]:
    return lambda text: subject_of(text.encode(), Context.nothing(), ecosystems)


@pytest.fixture
def trial(subject: Callable[[str], Subject]) -> MakeTrial:
    def make(
        warm: Built | None = None, cold: Built | None = None, offline: Built | None = None, text: str = GOOD
    ) -> Trial:
        return Trial("title", subject(text), cold or built(), warm, offline)

    return make


def judged(proof: Proof) -> tuple[str, tuple[str, ...]]:
    verdict = verdict_of(proof)
    return verdict.outcome.value, verdict.reasons


def test_values() -> None:
    assert [outcome.value for outcome in Outcome] == ["proven", "not-proven", "not-run"]


def test_proven(trial: MakeTrial) -> None:
    before = trial(built("12", seconds=9.96, received=123_456_789))
    after = trial(built("1234", seconds=1.0, received=999), offline=built("12345"))
    assert judged(Proof("x", "a.go", before, after, SAME)) == (
        "proven",
        (
            "after an edit of a.go every download stays cached",
            "the build after the edit took 1.0 s and received 999 B instead of 10.0 s and received 123.5 MB",
            "the install works with the network off",
        ),
    )


def test_proven_as_it_is(trial: MakeTrial) -> None:
    assert judged(Proof("x", "a.go", trial(built("1234")))) == (
        "proven",
        ("after an edit of a.go every download stays cached",),
    )


def test_what_is_added_or_changed_does_not_count(trial: MakeTrial) -> None:
    good = trial(built("1234"))
    assert judged(Proof("x", "a.go", good, good, Difference((), (), ("a",), ("b",))))[0] == "proven"


def test_does_not_build_as_it_is(trial: MakeTrial) -> None:
    outcome, reasons = judged(Proof("x", "a.go", trial(cold=built(ok=False))))
    assert outcome == "not-run"
    assert reasons == ("the Dockerfile does not build as it is; what the builder said is above",)


def test_nothing_downloads(trial: MakeTrial) -> None:
    for proof in (
        Proof("x", "a.go", trial(built(), text="FROM a\nRUN b\n")),
        Proof("x", None, trial(built(), text="FROM a\nRUN b\n")),
    ):
        assert judged(proof) == (
            "not-run",
            ("no step is known to download packages into a layer: there is nothing to prove",),
        )


def test_no_longer_builds(trial: MakeTrial) -> None:
    proof = Proof("x", "a.go", trial(built("12")), trial(cold=built(ok=False)))
    assert judged(proof) == ("not-proven", ("it no longer builds; please report this with the Dockerfile",))


def test_target_without_downloads(trial: MakeTrial) -> None:
    cold = built()._replace(steps=STEPS[:3])
    proof = Proof("x", "a.go", trial(built("12"), cold=cold))
    assert judged(proof) == ("not-run", ("the target needs none of the steps that download; see --target",))


def test_no_source(trial: MakeTrial) -> None:
    proof = Proof("x", None, trial(), trial(), SAME)
    assert judged(proof) == ("not-run", ("no source file reaches the image; name one with --touch",))


def test_not_felt(trial: MakeTrial) -> None:
    proof = Proof("x", "a.go", trial(built("12345")), trial(built("23456")), SAME)
    assert judged(proof) == ("not-run", ("no step depends on a.go; name another file with --touch",))


def test_builder_that_is_too_old(trial: MakeTrial) -> None:
    refused = built(ok=False)._replace(log="ERROR: dockerfile parse error on line 3: unknown flag: network")
    outcome, reasons = judged(Proof("x", "a.go", trial(built("12")), trial(cold=refused)))
    assert (outcome, reasons) == ("not-proven", ("it no longer builds; the builder may be too old for it",))


def test_every_failure_is_told(trial: MakeTrial) -> None:
    after = trial(built("12", ok=False), offline=built(ok=False))
    difference = Difference(("User", "Env"), ("a", "b"), ("c",), ("d",))
    assert judged(Proof("x", "a.go", trial(built("12")), after, difference)) == (
        "not-proven",
        (
            "it does not build after an edit of a.go",
            "line 4 downloads again after an edit of a.go",
            "an install that should need only what was downloaded does not work with the network off",
            "the image's configuration differs: User, Env",
            "the rewritten image lacks 2 files of the original",
        ),
    )


def test_one_file_is_missing(trial: MakeTrial) -> None:
    good = trial(built("1234"))
    assert judged(Proof("x", "a.go", good, good, Difference((), ("a",), (), ()))) == (
        "not-proven",
        ("the rewritten image lacks 1 file of the original",),
    )


def test_build_after_the_edit_is_missing(trial: MakeTrial) -> None:
    assert judged(Proof("x", "a.go", trial())) == ("not-proven", ("it does not build after an edit of a.go",))


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (999_949, "999.9 kB"),
        (999_950, "1.0 MB"),
        (1_000_000, "1.0 MB"),
        (999_999_999, "1.0 GB"),
        (12_345_000_000, "12.3 GB"),
        (5_000_000_000_000, "5000.0 GB"),
    ],
)
def test_size(count: int, text: str) -> None:
    assert size(count) == text


def test_equal_step_of_a_stage_that_the_target_does_not_need(trial: MakeTrial) -> None:
    run = StepRun("a", 2, 2, "RUN go mod download", started=1.0, completed=2.0)
    made = Built(True, (run,), 1.0, None, "", "tag")
    text = "FROM g AS a\nRUN go mod download\nFROM g AS b\nRUN go mod download\n"
    both = trial(made, cold=made, text=text)
    assert [layer.step.line for layer in both.repeated()] == [2, 4]
    assert [layer.step.line for layer in both._replace(stages=frozenset({0})).repeated()] == [2]
