"""The guard holds a line for the ignore file to the directories that the rule named, for every stage and mount."""

from pathlib import Path

import pytest

from dockerlayer.api import Applicability, Context, Ecosystem, Fix
from dockerlayer.checks.rules import candidates
from dockerlayer.checks.survey import Survey
from dockerlayer.model.layers import Analysis
from dockerlayer.rewrite.guard import guard
from dockerlayer.syntax.parser import parse
from dockerlayer.testing import assert_guarded

CASE = Path(__file__).parents[2] / "fixtures/traps/context-overwrites-install-node-modules"


@pytest.mark.parametrize(
    ("lines", "refused"),
    [
        (["node_modules"], ""),
        (["node_modules/ms"], "would still be there"),
        (["other"], "would still be there"),
        (["node_modules", "server.js"], "server.js would be kept out"),
        (["*"], "would be kept out"),
        (["**"], "would be kept out"),
        ([], "would still be there"),
    ],
)
def test_guard(ecosystems: tuple[Ecosystem, ...], lines: list[str], refused: str) -> None:
    data = (CASE / "Dockerfile").read_bytes()
    survey = Survey(Analysis(parse(data), Context.open(CASE)), ecosystems)
    found = list(candidates(survey, frozenset({"context-overwrites-install"})))
    fix = Fix("", (), Applicability.UNSAFE, "ignore", ignore=tuple(lines))
    refusal = guard(survey, found, found[0], fix)
    assert refused in refusal.message if refusal and refused else refusal is None and not refused


def test_law_is_as_narrow() -> None:
    data, context = (CASE / "Dockerfile").read_bytes(), Context.open(CASE)
    assert_guarded(data, data, context, ignore=["node_modules"])
    for lines in (["*"], ["node_modules", "!x"]):
        with pytest.raises(AssertionError):
            assert_guarded(data, data, context, ignore=lines)
