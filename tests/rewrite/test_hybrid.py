"""The hybrid pattern: what it writes stays as it is, and where there is none another pattern is offered."""

from __future__ import annotations

from pathlib import Path

import pytest

from dockerlayer.api import Context, Ecosystem
from dockerlayer.engine import Options, default_rules, examine, repair
from dockerlayer.rewrite.plan import PATTERNS

FIXTURES = Path(__file__).parents[2] / "fixtures"


def _repaired(case: str, ecosystems: tuple[Ecosystem, ...], pattern: str = "hybrid", data: bytes = b"") -> bytes:
    folder = FIXTURES / case
    data = data or (folder / "Dockerfile").read_bytes()
    options = Options(default_rules(ecosystems), pattern, True)
    return repair(data, Context.open(folder), ecosystems, options).data


@pytest.mark.parametrize("case", ["go/hybrid", "cargo/hybrid", "pip/hybrid"])
def test_nothing_is_found_in_a_hybrid(case: str, ecosystems: tuple[Ecosystem, ...]) -> None:
    made = _repaired(case, ecosystems)
    assert b"--mount=type=cache" in made
    report = examine(made, Context.open(FIXTURES / case), ecosystems, Options(default_rules(ecosystems)))
    assert not report.findings
    assert {_repaired(case, ecosystems, pattern, made) for pattern in PATTERNS} == {made}


@pytest.mark.parametrize("case", ["go/hybrid-private", "pip/hybrid-user"])
def test_where_there_is_no_hybrid_the_next_pattern_is_offered(case: str, ecosystems: tuple[Ecosystem, ...]) -> None:
    made = _repaired(case, ecosystems)
    assert b"--mount=type=cache" not in made
    assert made == _repaired(case, ecosystems, "split")
    folder = FIXTURES / case
    options = Options(default_rules(ecosystems), "hybrid")
    report = examine((folder / "Dockerfile").read_bytes(), Context.open(folder), ecosystems, options)
    assert "no-hybrid" in {refusal.code for finding in report.findings for refusal in finding.refusals}


@pytest.mark.parametrize(
    "above",
    [
        b"FROM debian\nENV PATH=/root/.cargo/bin:$PATH\n",
        b"FROM rust:1.85\nRUN echo x >> $CARGO_HOME/config.toml\n",
        b"FROM rust:1.85\nENV CARGO_HOME=/c\n",
        b"FROM rust:1.85\nUSER app\n",
    ],
)
def test_cargo_is_copied_to_a_home_that_is_known(above: bytes, ecosystems: tuple[Ecosystem, ...]) -> None:
    data = (FIXTURES / "cargo/hybrid/Dockerfile").read_bytes().replace(b"FROM rust:1.85\n", above)
    assert data.startswith(above)
    assert b"--mount" not in _repaired("cargo/hybrid", ecosystems, data=data)


@pytest.mark.parametrize("run", [b"RUN GOPROXY=direct go build", b"RUN sudo go build"])
def test_go_is_filled_from_a_plain_download(run: bytes, ecosystems: tuple[Ecosystem, ...]) -> None:
    data = (FIXTURES / "go/hybrid/Dockerfile").read_bytes().replace(b"RUN CGO_ENABLED=0 go build", run)
    assert run in data
    assert b"--mount" not in _repaired("go/hybrid", ecosystems, data=data)
