"""Layers and their roles, and the text with the installs cut off; numbers are those that BuildKit gave such files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from dockerlayer.api import Ecosystem
from dockerlayer.engine import Options, default_rules, repair
from dockerlayer.model.context import Context
from dockerlayer.verify.progress import RawJson, StepRun
from dockerlayer.verify.subject import DOWNLOAD, INSTALL, Subject, subject_of

FIXTURES = Path(__file__).parents[2] / "fixtures"
GO = FIXTURES / "go" / "naive"
OUTPUTS = Path(__file__).parent / "outputs"
BUILT = {
    "multi": """FROM debian:trixie-slim AS Build.er-1_x
WORKDIR /app
COPY req.txt ./
RUN echo "Fetching $(cat req.txt)"; sleep 0.2; echo done >&2
COPY . .
RUN <<EOF
echo one
echo two
EOF
FROM debian:trixie-slim AS unused
RUN echo never
FROM debian:trixie-slim
ENV A=b
COPY --from=build.er-1_x /app /app
RUN cat /app/main.py \\
    && true $A
CMD ["x"]
""",
    "long": "FROM debian:trixie-slim AS only\nWORKDIR /\nRUN true 1\nWORKDIR /app\nCOPY --link main.py .\n"
    + "".join(f"RUN true {number}\n" for number in range(2, 9))
    + "ADD main.py x\n",
    "onbuild": """FROM debian:trixie-slim AS base
ONBUILD ENV Q=1
ONBUILD RUN echo trigger
ONBUILD WORKDIR /
FROM base AS child
RUN echo own
WORKDIR ../../
COPY --from=base /etc/hostname /x
""",
}
"""The files that the builds in ``outputs`` were made from."""

Ecosystems = Sequence[Ecosystem]


def roles(subject: Subject) -> list[str]:
    """The lines that have a role."""
    text = subject.text.decode().splitlines()
    return [f"{layer.role}: {text[layer.step.line - 1]}" for layer in subject.layers if layer.role]


def pair(ecosystems: Ecosystems, fixture: str, pattern: str) -> tuple[Subject, Subject]:
    """A fixture as it is and as fixed."""
    root = FIXTURES / fixture
    context, text = Context.open(root), (root / "Dockerfile").read_bytes()
    outcome = repair(text, context, ecosystems, Options(default_rules(ecosystems), pattern))
    assert outcome.made
    before = subject_of(text, context, ecosystems)
    return before, subject_of(outcome.data, context, ecosystems, before)


def go(ecosystems: Ecosystems, text: str) -> Subject:
    return subject_of(text.encode(), Context.open(GO), ecosystems)


@pytest.mark.parametrize(
    ("fixture", "pattern", "before", "after"),
    [
        (
            "go/naive",
            "split",
            ["download: RUN CGO_ENABLED=0 go build -o /hello ."],
            ["download: RUN go mod download", "install: RUN CGO_ENABLED=0 GOPROXY=off go build -o /hello ."],
        ),
        (
            "pip/naive",
            "split",
            ["download: RUN pip install --no-cache-dir -r requirements.txt"],
            [
                "download: RUN pip wheel --wheel-dir /tmp/wheels --no-cache-dir -r requirements.txt",
                "install: RUN pip install --no-index --find-links /tmp/wheels --no-cache-dir -r requirements.txt",
            ],
        ),
        ("npm/naive", "narrow", ["download: RUN npm ci"], ["download: RUN npm ci"]),
        (
            "pip/naive",
            "narrow",
            ["download: RUN pip install --no-cache-dir -r requirements.txt"],
            ["download: RUN pip install --no-cache-dir -r requirements.txt"],
        ),
    ],
)
def test_roles(ecosystems: Ecosystems, fixture: str, pattern: str, before: list[str], after: list[str]) -> None:
    assert tuple(map(roles, pair(ecosystems, fixture, pattern))) == (before, after)


def test_cut_off_is_the_install_alone(ecosystems: Ecosystems) -> None:
    for subject in pair(ecosystems, "go/naive", "split"):
        expected = subject.text.replace(b"RUN CGO_ENABLED=0 GOPROXY", b"RUN --network=none CGO_ENABLED=0 GOPROXY")
        assert subject.without_network() == expected


def test_good_already(ecosystems: Ecosystems) -> None:
    text = "FROM golang:1.22\nWORKDIR /src\nCOPY go.mod go.sum ./\nRUN go mod download\nCOPY . .\nRUN go build .\n"
    subject = go(ecosystems, text)
    assert roles(subject) == ["download: RUN go mod download", "install: RUN go build ."]


def test_download_in_a_parent_stage(ecosystems: Ecosystems) -> None:
    text = "FROM golang:1.22 AS d\nWORKDIR /src\nCOPY go.* ./\nRUN go mod download\nFROM d\nCOPY . .\nRUN go build .\n"
    subject = go(ecosystems, text)
    assert roles(subject) == ["download: RUN go mod download", "install: RUN go build ."]
    assert [(layer.stage, layer.number, layer.total) for layer in subject.of_role(INSTALL)] == [("stage-1", 2, 2)]


def test_nothing_downloads(ecosystems: Ecosystems) -> None:
    subject = go(ecosystems, "FROM busybox\nCOPY . .\nRUN make\n")
    assert (subject.of_role(DOWNLOAD), subject.of_role(INSTALL)) == ((), ())
    assert subject.without_network() == subject.text


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        (
            "FROM a\nWORKDIR /x\nENV A=b\nRUN a\nCMD a\nCOPY . .",
            [("stage-0", 2, 4), ("stage-0", 3, 4), ("stage-0", 4, 4)],
        ),
        ("FROM scratch\nCOPY . .\nADD a b", [("stage-0", 1, 2), ("stage-0", 2, 2)]),
        ("ARG A=scratch\nFROM $A AS Odd.Name-1\nCOPY . .", [("odd.name-1", 1, 1)]),
        ("FROM a\nWORKDIR /\nRUN a\nWORKDIR x/..\nRUN b", [("stage-0", 2, 5), ("stage-0", 3, 5)]),
        ("FROM a\nENV D=/\nWORKDIR $D\nRUN a", [("stage-0", 2, 3)]),
        ("FROM a AS b\nRUN a\nFROM b\nRUN b\nFROM c\nRUN c", [("b", 2, 2), ("stage-1", 1, 1), ("stage-2", 2, 2)]),
        (
            "FROM a AS b\nONBUILD ENV A=b\nONBUILD RUN x\nONBUILD WORKDIR /\nFROM b AS c\nRUN a\nWORKDIR ..\nCOPY . .",
            [("c", 2, 3), ("c", 3, 3)],
        ),
        ("FROM a", []),
    ],
)
def test_numbers(ecosystems: Ecosystems, text: str, numbers: list[tuple[str, int, int]]) -> None:
    subject = go(ecosystems, text)
    assert [(layer.stage, layer.number, layer.total) for layer in subject.layers] == numbers


@pytest.mark.parametrize("name", list(BUILT))
def test_every_step_of_a_real_build_is_found(ecosystems: Ecosystems, name: str) -> None:
    progress = RawJson()
    for line in (OUTPUTS / f"{name}.rawjson").read_text("utf-8").splitlines():
        progress.feed(line)
    layers = go(ecosystems, BUILT[name]).layers
    runs = [run for run in progress.steps() if not run.is_base and "trigger" not in run.text]
    found = [[layer for layer in layers if layer.is_made_by(run)] for run in runs]
    assert [len(same) for same in found] == [1] * len(runs)
    assert {layer.stage for layer in layers if [layer] not in found} <= {"unused"}
    for run, (layer,) in zip(runs, found, strict=True):
        assert run.text.split()[1] == layer.step.instruction.logical.split()[1]


@pytest.mark.parametrize(
    ("run", "made"),
    [
        (StepRun("stage-0", 3, 3, "RUN go build ."), True),
        (StepRun("", 3, 3, "RUN go build ."), True),
        (StepRun("stage-1", 3, 3, "RUN go build ."), False),
        (StepRun("", 2, 3, "RUN go build ."), False),
        (StepRun("", 3, 3, "COPY . ."), False),
        (StepRun("", 4, 4, "RUN go build ."), True),
        (StepRun("", 3, 4, "ONBUILD RUN x"), False),
        (StepRun("", 1, 3, "FROM golang"), False),
    ],
    ids=["named", "alone", "stage", "number", "word", "onbuild-of-image", "trigger", "base"],
)
def test_is_made_by(ecosystems: Ecosystems, run: StepRun, made: bool) -> None:
    layer = go(ecosystems, "FROM golang\nCOPY . .\nrun go build .").layers[-1]
    assert layer.is_made_by(run) is made


@pytest.mark.parametrize("total", [2, 4])
def test_is_made_by_below_known_triggers(ecosystems: Ecosystems, total: int) -> None:
    text = "FROM golang AS a\nONBUILD ENV A=b\nONBUILD RUN x\nFROM a\nCOPY . .\nRUN y"
    layer = go(ecosystems, text).layers[-1]
    assert layer.is_made_by(StepRun("stage-1", 3, total, "RUN y"))
    assert not layer.is_made_by(StepRun("stage-1", 1, total, "RUN x"))


@pytest.mark.parametrize(
    ("run", "cut"),
    [
        ("RUN go build .", "RUN --network=none go build ."),
        ("  run\tgo build .", "  run --network=none\tgo build ."),
        ("RUN \\\n  # why\n  go build \\\n  .", "RUN --network=none \\\n  # why\n  go build \\\n  ."),
        (
            "RUN --mount=type=cache,target=/c --security=insecure go build .",
            "RUN --network=none --mount=type=cache,target=/c --security=insecure go build .",
        ),
        ("RUN <<EOF\ngo build .\nEOF", "RUN --network=none <<EOF\ngo build .\nEOF"),
        ('RUN ["go", "build", "."]', 'RUN --network=none ["go", "build", "."]'),
        ("RUN --network=host go build .", "RUN --network=none go build ."),
        ("RUN --network=default \\\n --mount=type=tmpfs,target=/c go build .", None),
        ("RUN --network=none go build .", "RUN --network=none go build ."),
        ("RUN go build --network=host", "RUN --network=none go build --network=host"),
        ("RUN go build .\r\nRUN true", "RUN --network=none go build .\r\nRUN true"),
    ],
)
def test_without_network(ecosystems: Ecosystems, run: str, cut: str | None) -> None:
    head = "FROM golang:1.22\nWORKDIR /src\nCOPY go.mod go.sum ./\nRUN go mod download\nCOPY . .\n"
    subject = go(ecosystems, head + run + "\n")
    expected = run.replace("=default", "=none") if cut is None else cut
    assert subject.without_network().decode() == head + expected + "\n"


def test_what_a_cache_mount_keeps_is_no_download_of_the_layer(ecosystems: Ecosystems, tmp_path: Path) -> None:
    for name in ("go.mod", "go.sum", "main.go"):
        (tmp_path / name).touch()
    text = b"FROM golang:1.26\nWORKDIR /a\nCOPY . .\nRUN --mount=type=cache,target=/go/pkg/mod go mod download\n"
    assert subject_of(text, Context.open(tmp_path), ecosystems).of_role(DOWNLOAD) == ()
