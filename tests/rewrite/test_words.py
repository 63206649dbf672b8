"""Fixes that exchange words, or add a flag, beside those that move things: any order leads to one text."""

from __future__ import annotations

from itertools import permutations
from pathlib import Path

import pytest

from dockerlayer.api import Ecosystem
from dockerlayer.checks.rules import candidates
from dockerlayer.checks.survey import Survey
from dockerlayer.engine import Options, repair
from dockerlayer.findings import Applicability, Edit, Fix
from dockerlayer.model.layers import Analysis
from dockerlayer.rewrite.guard import guard
from dockerlayer.syntax.parser import parse
from dockerlayer.testing import Case

TRAPS = Path(__file__).parents[2] / "fixtures" / "traps"
TOGETHER = ("source-before-download", "unpinned-download", "network-in-install")


@pytest.mark.parametrize("name", ["unpinned-download-with-split", "network-in-install-npm"])
def test_any_order_leads_to_one_text(name: str, ecosystems: tuple[Ecosystem, ...]) -> None:
    with Case.read(TRAPS / name).opened() as (data, context):
        found = set()
        for rules in permutations(TOGETHER):
            text = data
            for rule in rules * 2:
                text = repair(text, context, ecosystems, Options(frozenset({rule}), unsafe=True)).data
            found.add(text)
        found.add(repair(data, context, ecosystems, Options(frozenset(TOGETHER), unsafe=True)).data)
    assert len(found) == 1
    assert found != {data}


def verdict(case: str, rule: str, old: str, new: str, ecosystems: tuple[Ecosystem, ...]) -> str | None:
    with Case.read(TRAPS / case).opened() as (data, context):
        text = data.decode()
        assert text.count(old) == 1
        survey = Survey(Analysis(parse(data), context), ecosystems)
        found = list(candidates(survey, frozenset({rule})))
        whole = Edit(0, len(data), text.replace(old, new).encode())
        refusal = guard(survey, found, found[0], Fix("", (whole,), Applicability.SAFE, "words"), frozenset({rule}))
    return refusal.message if refusal else None


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("RUN npm ci --offline", "RUN --network=none npm ci --offline", None),
        ("RUN npm ci --offline", "RUN --network=none npm ci --offline --no-audit", "no longer run as it did"),
        ("RUN npm ci --offline", "RUN --network=none --mount=type=tmpfs,target=/x npm ci --offline", "no longer run"),
        (
            "RUN npm cache add ms@2.1.3\nRUN npm ci --offline",
            "RUN --network=none npm cache add ms@2.1.3\nRUN --network=none npm ci --offline",
            "no longer run as it did: npm cache add",
        ),
    ],
)
def test_flag_of_one_step_alone(old: str, new: str, complaint: str | None, ecosystems: tuple[Ecosystem, ...]) -> None:
    found = verdict("network-in-install-npm", "network-in-install", old, new, ecosystems)
    assert (found is None) if complaint is None else complaint in (found or "")
