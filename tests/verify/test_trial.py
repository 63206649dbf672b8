"""The course of a trial, with a builder that builds nothing."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import pytest

from dockerlayer.api import Ecosystem
from dockerlayer.engine import Options, default_rules, repair
from dockerlayer.model.context import Context
from dockerlayer.verify.builder import BuilderError, Built, Request, Watcher
from dockerlayer.verify.progress import StepRun
from dockerlayer.verify.trial import Proof, prove
from dockerlayer.verify.workspace import NOWHERE

FIXTURE = Path(__file__).parents[2] / "fixtures" / "go" / "naive"


class Pretender:
    """Says of every step that it ran, and keeps what it was asked. ``spoil`` is called before each build."""

    name = version = "pretender"
    keys_are_buildkits = True

    def __init__(self, spoil: Callable[[int], bool] = lambda number: True, can_cut_network: bool = True) -> None:
        self.spoil = spoil
        self.can_cut_network = can_cut_network
        self.requests: list[Request] = []
        self.texts: list[bytes] = []
        self.sources: list[bytes] = []
        self.removed: list[str] = []

    def build(self, request: Request, watch: Watcher | None = None) -> Built:
        self.requests.append(request)
        self.texts.append(request.dockerfile.read_bytes())
        self.sources.append((request.context / "main.go").read_bytes())
        lines = [
            line
            for line in self.texts[-1].decode().splitlines()
            if line.split()[0] in {"FROM", "RUN", "COPY", "WORKDIR"}
        ]
        steps = tuple(
            StepRun("", number, len(lines), line, started=1.0, completed=2.0) for number, line in enumerate(lines, 1)
        )
        return Built(self.spoil(len(self.requests)), steps, 1.0, None, "", request.tag)

    def inspect(self, tag: str) -> Mapping[str, object]:
        return {"Size": 1}

    @contextmanager
    def export(self, tag: str) -> Iterator[IO[bytes]]:
        stream = io.BytesIO()
        with tarfile.open(fileobj=stream, mode="w") as archive:
            archive.addfile(tarfile.TarInfo(tag))
        yield io.BytesIO(stream.getvalue())

    def remove(self, tag: str) -> None:
        self.removed.append(tag)


Try = Callable[..., Proof]


@pytest.fixture
def trial(ecosystems: Sequence[Ecosystem]) -> Try:
    """Try the fixture out."""
    context, text = Context.open(FIXTURE), (FIXTURE / "Dockerfile").read_bytes()
    fixed = repair(text, context, ecosystems, Options(default_rules(ecosystems))).data
    path = str(FIXTURE / "Dockerfile")

    def start(builder: Pretender, target: str | None = "x") -> Proof:
        request = Request(NOWHERE, NOWHERE, target=target, no_cache=True)
        return prove(path, (text, fixed), context, ecosystems, builder, request, None, lambda what: None)

    return start


def left_behind(builder: Pretender) -> list[Path]:
    return [request.context for request in builder.requests if request.context.parent.exists()]


def test_course(trial: Try) -> None:
    builder = Pretender()
    proof = trial(builder)
    assert proof.touched == "main.go"
    original = (FIXTURE / "main.go").read_bytes()
    assert [source == original for source in builder.sources] == [True, False, True, False, True]
    assert builder.sources[1] != builder.sources[3]
    assert [request.no_cache for request in builder.requests] == [True, False, True, False, False]
    assert {request.target for request in builder.requests} == {"x"}
    naive, fixed = builder.texts[0], builder.texts[2]
    assert builder.texts == [naive, naive, fixed, fixed, fixed.replace(b"RUN CGO", b"RUN --network=none CGO")]
    assert builder.removed == [request.tag for request in builder.requests[:4]]
    assert builder.requests[4].tag == ""
    assert proof.after is not None
    assert (proof.before.offline, proof.after.offline is None) == (None, False)
    assert proof.difference is not None
    assert proof.difference.missing == ()
    assert left_behind(builder) == []


def test_layers_that_ran_for_no_reason(trial: Try) -> None:
    proof = trial(Pretender(), target=None)
    assert proof.after is not None
    foreseen, surprising = proof.after.foreseen, proof.after.surprising()
    assert foreseen is not None
    assert [layer.step.line for layer in foreseen] == [layer.step.line for layer in surprising] == [2, 3, 4]


@pytest.mark.parametrize(("failing", "builds"), [(1, 1), (2, 5), (3, 3), (4, 5), (5, 5)])
def test_builds_that_fail(trial: Try, failing: int, builds: int) -> None:
    builder = Pretender(lambda number: number != failing)
    proof = trial(builder)
    assert len(builder.requests) == builds
    assert (proof.difference is None) is (failing in {1, 3})
    assert left_behind(builder) == []


def test_network_that_cannot_be_cut(trial: Try) -> None:
    builder = Pretender(can_cut_network=False)
    assert len(trial(builder).before.cold.steps) == 4
    assert len(builder.requests) == 4


@pytest.mark.parametrize("error", [BuilderError("gone"), KeyboardInterrupt(), SystemExit(143), RuntimeError("bug")])
@pytest.mark.parametrize("at", [1, 2, 4])
def test_nothing_is_left_when_it_ends_early(trial: Try, error: BaseException, at: int) -> None:
    def spoil(number: int) -> bool:
        if number == at:
            raise error
        return True

    builder = Pretender(spoil)
    with pytest.raises(type(error)):
        trial(builder)
    assert builder.removed == [request.tag for request in builder.requests]
    assert left_behind(builder) == []
