"""What podman and buildah really printed, kept in ``outputs``, read into steps."""

from __future__ import annotations

from pathlib import Path

import pytest

from dockerlayer.model.context import Context
from dockerlayer.model.layers import Analysis
from dockerlayer.syntax.parser import parse
from dockerlayer.verify.buildah import marked
from dockerlayer.verify.buildah_progress import Steps, plans_of
from dockerlayer.verify.progress import StepRun
from dockerlayer.verify.subject import Layer, subject_of

OUTPUTS = Path(__file__).parent / "outputs"
BUILDERS = ("podman-4.3", "podman-5.4", "buildah-1.28", "buildah-1.39")


def kept(case: str) -> list[str]:
    return [builder for builder in BUILDERS if (OUTPUTS / f"{case}.{builder}.txt").exists()]


def fed(case: str, builder: str, upto: int | None = None) -> Steps:
    """The first lines of an output, or all."""
    text = (OUTPUTS / f"{case.partition('-')[0]}.Dockerfile").read_bytes()
    steps = Steps(plans_of(subject_of(text, Context.nothing(), ())))
    for line in (OUTPUTS / f"{case}.{builder}.txt").read_text("utf-8").splitlines()[:upto]:
        steps.feed(line)
    return steps


def brief(steps: Steps) -> list[str]:
    marks = {True: " cached", False: ""}
    return [
        f"{run.stage} {run.number}/{run.total} {run.text.split()[0]}{marks[run.cached]}".strip()
        for run in steps.steps()
    ]


@pytest.mark.parametrize("builder", kept("stages"))
def test_only_what_makes_layers_is_counted(builder: str) -> None:
    assert brief(fed("stages", builder)) == [
        "build 1/5 FROM",
        "build 2/5 WORKDIR",
        "build 3/5 COPY",
        "build 4/5 RUN",
        "build 5/5 RUN",
        "stage-3 1/4 FROM",
        "stage-3 2/4 COPY",
        "stage-3 3/4 RUN",
    ]


def test_cached_steps() -> None:
    found = brief(fed("stages-again", "podman-5.4"))
    assert [line for line in found if not line.endswith("cached")] == ["build 1/5 FROM", "stage-3 1/4 FROM"]
    # The oldest of two layers was taken for WORKDIR, on which nothing stood.
    found = brief(fed("stages-again", "podman-4.3"))
    assert found[1:4] == ["build 2/5 WORKDIR cached", "build 3/5 COPY", "build 4/5 RUN"]


def test_stages_up_to_the_target() -> None:
    assert brief(fed("stages-target", "podman-4.3"))[-1] == "build 5/5 RUN"


@pytest.mark.parametrize("builder", kept("onbuild"))
def test_what_the_base_image_adds_comes_first(builder: str) -> None:
    steps = fed("onbuild", builder)
    assert brief(steps) == [
        "dev 1/5 FROM",
        "dev 2/5 WORKDIR",
        "dev 3/5 COPY",
        "dev 4/5 RUN",
        "dev 5/5 RUN",
        "stage-1 1/1 RUN",
    ]


@pytest.mark.parametrize(
    ("case", "builder"), [(case, builder) for case in ("stages", "onbuild", "heredoc") for builder in kept(case)]
)
def test_layers_are_found_by_their_runs(case: str, builder: str) -> None:
    """Every RUN and COPY that ran is one layer of the text, the one of the same words."""
    text = (OUTPUTS / f"{case}.Dockerfile").read_bytes()
    subject = subject_of(text, Context.nothing(), ())
    matched = {run.text.split("(")[0].strip(): layers_of(subject.layers, run) for run in fed(case, builder).steps()}
    for words, layers in matched.items():
        if words.startswith(("RUN", "COPY")) and words not in {"COPY f ./", "RUN echo trigger"}:
            assert [" ".join(layer.step.instruction.logical.split())[:12] for layer in layers] == [
                " ".join(words.split())[:12]
            ]


def layers_of(layers: tuple[Layer, ...], run: StepRun) -> list[Layer]:
    return [layer for layer in layers if layer.is_made_by(run)]


@pytest.mark.parametrize("builder", kept("failed"))
def test_failure(builder: str) -> None:
    steps = fed("failed", builder)
    steps.end(ok=False)
    runs = steps.steps()
    assert [bool(run.error) for run in runs] == [False, False, True]
    assert runs[-1].error.startswith("Error: building at STEP")
    assert runs[-1].completed is not None
    assert steps.log().startswith("RUN echo what went wrong >&2; exit 3\nwhat went wrong\nError: building at STEP")


def test_failure_before_the_first_step() -> None:
    steps = Steps(())
    steps.feed("Error: the specified Containerfile or Dockerfile does not exist")
    steps.end(ok=False)
    assert not steps.steps()
    assert steps.log() == "Error: the specified Containerfile or Dockerfile does not exist"


def test_output_that_looks_like_the_builders() -> None:
    steps = fed("lookalikes", "podman-4.3")
    steps.end(ok=True)
    assert brief(steps) == ["stage-0 1/4 FROM", "stage-0 2/4 RUN", "stage-0 3/4 RUN", "stage-0 4/4 RUN"]
    assert steps.made() == ("40d5e53e67d", "f81d6329976", "e87c31feaca")
    assert not any(run.error for run in steps.steps())


def test_here_documents() -> None:
    assert brief(fed("heredoc", "podman-5.4")) == [
        "stage-0 1/4 FROM",
        "stage-0 2/4 RUN",
        "stage-0 3/4 COPY",
        "stage-0 4/4 RUN",
    ]


def test_a_step_waits_for_another_stage() -> None:
    steps = fed("waiting", "podman-4.3")
    steps.end(ok=True)
    assert brief(steps) == [
        "base 1/2 FROM",
        "base 2/2 WORKDIR",
        "stage-2 1/3 COPY",
        "stage-2 2/3 RUN",
        "packages 1/1 RUN",
        "stage-2 3/3 RUN",
    ]
    waited, other = steps.steps()[3:5]
    assert len(set(steps.made())) == 5
    assert (waited.digest, other.digest) == ("5e2f7683f83", "270156066c5")
    assert other.completed is not None
    assert waited.started is not None
    assert waited.started >= other.completed


def test_what_runs_now() -> None:
    assert fed("stages", "podman-4.3", 6).running() == "[build 4/6] COPY f /a/"
    assert fed("stages", "podman-4.3", 7).running() == ""
    assert Steps(()).running() == ""


def test_only_new_images_are_made() -> None:
    assert len(fed("stages", "podman-5.4").made()) == 10
    assert not fed("stages-again", "podman-5.4").made()


def test_times_are_in_order() -> None:
    steps = fed("stages", "podman-4.3")
    steps.end(ok=True)
    times = [moment for run in steps.steps() for moment in (run.started, run.completed)]
    assert None not in times
    assert times == sorted(filter(None, times))


@pytest.mark.parametrize(
    "text",
    ["FROM a\nRUN b\nFROM a AS c\nRUN d\n", "# escape=`\nFROM `\n a\n# note\nRUN b\n", "FROM a", "FROM a\r\nRUN b\r\n"],
)
def test_a_mark_is_one_more_label_in_each_stage(text: str) -> None:
    build = Analysis(parse(marked(text.encode(), "x.y")), Context.nothing()).build
    assert [stage.steps[0].instruction.logical.strip() for stage in build.stages] == ["LABEL x.y=1"] * text.count(
        "FROM"
    )
    plain = Analysis(parse(text.encode()), Context.nothing()).build
    assert [len(stage.steps) - 1 for stage in build.stages] == [len(stage.steps) for stage in plain.stages]
