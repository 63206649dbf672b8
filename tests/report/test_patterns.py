"""The page that compares the patterns is true to the plugins, the options and what was measured."""

from __future__ import annotations

from pathlib import Path

import pytest

from dockerlayer.api import Ecosystem
from dockerlayer.checks import order
from dockerlayer.cli.choices import Pattern
from dockerlayer.engine import repair
from dockerlayer.report.patterns import BUILDS, PAGES, REFILLS, offering, patterns_text
from dockerlayer.rewrite.plan import HYBRID, PATTERNS
from dockerlayer.testing import cases

ROOT = Path(__file__).parents[2]


def test_every_pattern_is_there(ecosystems: tuple[Ecosystem, ...]) -> None:
    assert tuple(PAGES) == PATTERNS == tuple(pattern.value for pattern in Pattern)
    text = " ".join(patterns_text(ecosystems).split())
    for pattern in PATTERNS:
        listed = offering(pattern, ecosystems)
        assert f"Ecosystems: {', '.join(listed) or 'none'}." in text


@pytest.mark.parametrize("pattern", PATTERNS)
def test_ecosystems_are_those_whose_cases_are_rewritten_so(pattern: str, ecosystems: tuple[Ecosystem, ...]) -> None:
    made: set[str] = set()
    for case in cases(ROOT / "fixtures"):
        if case.is_noop or case.folder.parent.name in {"syntax", "plugins", *made}:
            continue
        with case.opened() as (data, context):
            for step in repair(data, context, ecosystems, case.options(ecosystems, pattern, unsafe=True)).made:
                if step.finding.rule == order.NAME and step.fix.pattern == pattern:
                    made.add(step.finding.ecosystem)
    assert set(offering(pattern, ecosystems)) == made


def test_figures_are_those_of_the_readme() -> None:
    rows = {tuple(line.split("\t")[:-1]) for line in BUILDS.read_text("utf-8").splitlines()}
    table = (ROOT / "README.md").read_text("utf-8").split("builds-table -->")[1]
    shown = {tuple(line.strip("| ").split(" | ")) for line in table.splitlines() if line.startswith("| ")}
    shown = {row for row in shown if row[0] not in {"ecosystem", "---"}}
    assert shown
    assert shown <= rows
    assert {row[2] for row in rows - shown} <= {"stage", "hybrid"}


def test_refills_are_shown_for_each_ecosystem_that_has_hybrids(ecosystems: tuple[Ecosystem, ...]) -> None:
    rows = [line.split("\t") for line in REFILLS.read_text("utf-8").splitlines()]
    assert {row[0] for row in rows} == set(offering(HYBRID, ecosystems))
    text = patterns_text(ecosystems)
    assert all(f"  {row[0]}-{row[1]} " in text and row[3] in text for row in rows)
