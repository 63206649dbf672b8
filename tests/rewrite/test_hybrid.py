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
