"""Progress as builders print it; ``outputs`` holds what Docker 26.1 with buildx 0.13 printed, unchanged."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from pathlib import Path

import pytest

from dockerlayer.verify.progress import Plain, Progress, RawJson, StepRun

OUTPUTS = Path(__file__).parent / "outputs"
MULTI = [
    ("build.er-1_x", 2, 6, "WORKDIR /app"),
    ("build.er-1_x", 3, 6, "COPY req.txt ./"),
    ("build.er-1_x", 4, 6, 'RUN echo "Fetching $(cat req.txt)"; sleep 0.2; echo done >&2'),
    ("build.er-1_x", 5, 6, "COPY . ."),
    ("build.er-1_x", 6, 6, "RUN <<EOF (echo one...)"),
    ("stage-2", 2, 3, "COPY --from=build.er-1_x /app /app"),
    ("stage-2", 3, 3, "RUN cat /app/main.py     && true b"),
]


def fed(progress: Progress, lines: Iterable[str]) -> Progress:
    for line in lines:
        progress.feed(line)
    return progress


def lines_of(name: str) -> list[str]:
    return (OUTPUTS / name).read_text("utf-8").split("\n")


def read(name: str) -> Progress:
    return fed(RawJson() if name.endswith("rawjson") else Plain(), lines_of(name))


def one_line_each(name: str) -> list[str]:
    """The same objects without line ends, as other versions of buildx print them."""
    found, pending = [], ""
    for line in lines_of(name):
        pending += line
        if line == "}":
            found.append(json.dumps(json.loads(pending), separators=(",", ":")))
            pending = ""
        elif not pending.startswith("{"):
            found.append(pending)
            pending = ""
    return found


def named(progress: Progress) -> list[tuple[str, int, int, str]]:
    return [(run.stage, run.number, run.total, run.text) for run in progress.steps() if not run.is_base]


@pytest.mark.parametrize("name", ["multi.rawjson", "multi.plain", "cached.rawjson", "cached.plain"])
def test_stages(name: str) -> None:
    progress = read(name)
    assert sorted(named(progress)) == MULTI
    (base,) = (run for run in progress.steps() if run.is_base)
    assert base.text == "FROM docker.io/library/debian:trixie-slim"
    assert progress.running() == ""
    assert not any(run.error for run in progress.steps())


@pytest.mark.parametrize("name", ["multi.rawjson", "failing.rawjson", "long.rawjson"])
def test_one_object_a_line(name: str) -> None:
    apart, together = read(name), fed(RawJson(), one_line_each(name))
    assert together.steps() == apart.steps()
    assert together.log() == apart.log()


@pytest.mark.parametrize("form", ["rawjson", "plain"])
def test_cached(form: str) -> None:
    assert all(run.cached for run in read(f"cached.{form}").steps())
    ran = {run.text.partition(" ")[0] for run in read(f"multi.{form}").steps() if not run.cached}
    assert ran >= {"RUN", "COPY"}


def test_times() -> None:
    (slept,) = (run for run in read("multi.rawjson").steps() if "sleep" in run.text)
    assert 0.2 < slept.seconds < 10
    assert slept.digest.startswith("sha256:")
    before = time.time()
    (slept,) = (run for run in read("multi.plain").steps() if "sleep" in run.text)
    assert before <= (slept.started or 0) <= (slept.completed or 0) <= time.time()
    assert StepRun("", 1, 1, "RUN x").seconds == 0
    assert StepRun("", 1, 1, "RUN x", started=2.0, completed=1.0).seconds == 0


@pytest.mark.parametrize("form", ["rawjson", "plain"])
def test_numbers_are_padded_in_stages_of_ten_steps(form: str) -> None:
    assert [(number, total) for _, number, total, _ in sorted(named(read(f"long.{form}")))] == [
        (number, 13) for number in range(2, 13)
    ]


def test_numbers_above_the_total() -> None:
    assert sorted(named(read("onbuild.rawjson"))) == [
        ("child", 1, 3, "RUN echo trigger"),
        ("child", 2, 3, "RUN echo own"),
        ("child", 3, 3, "COPY --from=base /etc/hostname /x"),
    ]


@pytest.mark.parametrize("form", ["rawjson", "plain"])
def test_failing(form: str) -> None:
    progress = read(f"failing.{form}")
    failed, stopped = sorted((run for run in progress.steps() if run.error), key=lambda run: "sleep" in run.text)
    assert failed.text.endswith("exit 3")
    assert failed.error.endswith("did not complete successfully: exit code: 3")
    assert stopped.text == "RUN sleep 30"
    assert "context canceled" in stopped.error
    log = progress.log()
    assert log.startswith("[stage-1 2/3] RUN echo ")
    assert "sleep 30\nfailing" not in log.partition("ERROR:")[0]
    assert "[slow" not in log
    assert "bo\x1b[31mo\n{\n" in log
    assert "   4 | >>> RUN echo " in log
    assert log.splitlines()[-1].startswith("ERROR: failed to solve: process ")


@pytest.mark.parametrize(
    ("name", "step"),
    [
        ("[1/2] FROM a", ("", 1, 2, "FROM a")),
        ("[ 2/10] RUN a", ("", 2, 10, "RUN a")),
        ("[a  2/10] RUN a", ("a", 2, 10, "RUN a")),
        ("[linux/amd64 2/10] RUN a", ("", 2, 10, "RUN a")),
        ("[linux/arm/v7 stage-1  2/10] RUN a", ("stage-1", 2, 10, "RUN a")),
        ("[linux/amd64->arm64 a.b_c-d 12/10] RUN a", ("a.b_c-d", 12, 10, "RUN a")),
        ("[a 1/1] RUN [x 5/6] y", ("a", 1, 1, "RUN [x 5/6] y")),
        ("[a 1/1] RUN a\n  b", ("a", 1, 1, "RUN a\n  b")),
    ],
)
def test_names(name: str, step: tuple[str, int, int, str]) -> None:
    progress = fed(RawJson(), [json.dumps({"vertexes": [{"digest": "x", "name": name}]})])
    assert named(progress) == [step] or step[3].startswith("FROM")
    assert [(run.stage, run.number, run.total, run.text) for run in progress.steps()] == [step]
    if "\n" not in name:
        assert [run[:4] for run in fed(Plain(), [f"#3 {name}"]).steps()] == [step]


@pytest.mark.parametrize(
    "name",
    ["[internal] load metadata", "exporting to image", "[context a] load", "[a] RUN x", "[x/y] RUN a", "", "RUN x"],
)
def test_names_of_no_step(name: str) -> None:
    assert fed(RawJson(), [json.dumps({"vertexes": [{"digest": "x", "name": name}]})]).steps() == ()


def test_announced_twice() -> None:
    vertex = {"digest": "x", "name": "[1/1] RUN a"}
    times = [{"started": f"2026-01-01T00:00:0{at}.123456789Z"} for at in (1, 5)]
    ends = [{"completed": f"2026-01-01T00:00:0{at}Z"} for at in (3, 7)]
    progress = RawJson()
    progress.feed(json.dumps({"vertexes": [vertex]}))
    assert progress.running() == ""
    progress.feed(json.dumps({"vertexes": [vertex | times[0]]}))
    assert progress.running() == "[1/1] RUN a"
    progress.feed(json.dumps({"vertexes": [vertex | times[0] | ends[0], vertex | times[1] | ends[1]]}))
    progress.feed(json.dumps({"vertexes": [vertex | {"started": None, "completed": "soon"}]}))
    (run,) = progress.steps()
    assert run.seconds == pytest.approx(5.876544)
    assert progress.running() == ""


def test_what_runs_is_one_line() -> None:
    vertex = {"digest": "x", "name": "[1/1] RUN a\nb", "started": "2026-01-01T00:00:00Z"}
    assert fed(RawJson(), [json.dumps({"vertexes": [vertex]})]).running() == "[1/1] RUN a"


@pytest.mark.parametrize("cut", [1, 30, 500, 2000])
def test_truncated(cut: int) -> None:
    text = "\n".join(lines_of("multi.rawjson"))
    progress = fed(RawJson(), text[:-cut].split("\n"))
    assert {run.text for run in progress.steps()} <= {run.text for run in read("multi.rawjson").steps()}
    assert progress.log() == ""


def test_garbage() -> None:
    progress = fed(
        RawJson(),
        [
            "warning: {odd}",
            "{not json",
            "{ nor this",
            '  "but": "indented"',
            "}",
            '{"vertexes": [1], "logs": "x"}',
            '{"vertexes": 5}',
            '{"vertexes": [{"name": "no digest"}]}',
            '{"logs": [{"vertex": "unknown", "data": "eA=="}]}',
            "{}",
            '{"vertexes": [{"digest": "x", "name": "[1/1] RUN a", "error": "bad"}]}',
            '{"logs": [{"vertex": "x", "data": "eA=="}, {"vertex": "x", "data": "\u00e9"}, {"vertex": "x"}]}',
            "ERROR: the end",
        ],
    )
    assert [run.error for run in progress.steps()] == ["bad"]
    assert progress.log().splitlines() == [
        "[1/1] RUN a",
        "x\u00e9",
        "warning: {odd}",
        "{not json",
        "{ nor this",
        '  "but": "indented"',
        "}",
        "ERROR: the end",
    ]


def test_text_that_looks_like_an_object_hides_nothing() -> None:
    progress = fed(RawJson(), ["{", "ERROR: failed", *one_line_each("cached.rawjson")])
    assert progress.log() == "{\nERROR: failed"
    assert len(progress.steps()) == 8


def test_the_end_of_a_long_log_is_kept() -> None:
    for progress in (RawJson(), Plain()):
        fed(progress, (f"line {number}" for number in range(12_000)))
        assert len(progress.log()) <= 64 * 1024
        assert progress.log().endswith("line 11999")


def test_plain_switches_between_steps() -> None:
    lines = ["#1 [a 1/1] RUN a", "#2 [b 1/1] RUN b", "#1 0.1 CACHED", "#1 ...", "", "#2 0.2 #1 DONE 9s"]
    progress = fed(Plain(), [*lines, "#1 [a 1/1] RUN a"])
    assert progress.running() == "[b 1/1] RUN b"
    fed(progress, ["#2 DONE 0.1s", "#1 ERROR: no", "#9 DONE 0.1s"])
    first, second = progress.steps()
    assert (first.error, first.cached, second.error) == ("no", False, "")
    assert progress.log() == "[a 1/1] RUN a\nCACHED"
