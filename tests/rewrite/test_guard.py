"""The guard: whatever a planner may propose, a result that is another build is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dockerlayer.checks.rules import candidates
from dockerlayer.checks.survey import Survey
from dockerlayer.findings import Applicability, Edit, Fix
from dockerlayer.model.context import Context
from dockerlayer.model.layers import Analysis
from dockerlayer.registry import installed
from dockerlayer.rewrite.guard import guard
from dockerlayer.syntax.parser import parse

BEFORE = """\
# syntax=docker/dockerfile:1
FROM node:20 AS build
WORKDIR /app
# everything
COPY . .
ENV MODE=fast
# hadolint ignore=DL3016
RUN npm ci
RUN npm run build
CMD ["node", "."]
"""
GOOD = """\
# syntax=docker/dockerfile:1
FROM node:20 AS build
WORKDIR /app
ENV MODE=fast
COPY package.json package-lock.json ./
# hadolint ignore=DL3016
RUN npm ci
# everything
COPY . .
RUN npm run build
CMD ["node", "."]
"""


@pytest.fixture
def context(tmp_path: Path) -> Context:
    locked = {"": {}, "node_modules/ms": {"version": "2.1.3"}}
    (tmp_path / "package.json").write_text('{"dependencies": {"ms": "2.1.3"}}')
    (tmp_path / "package-lock.json").write_text(json.dumps({"lockfileVersion": 3, "packages": locked}))
    (tmp_path / ".dockerignore").write_text("node_modules\n")
    (tmp_path / "index.js").write_text("")
    return Context.open(tmp_path)


def verdict(context: Context, after: str) -> str | None:
    data = BEFORE.encode()
    survey = Survey(Analysis(parse(data), context), installed()[0])
    found = list(candidates(survey, frozenset({"source-before-download"})))
    assert len(found) == 1
    fix = Fix("all of it", (Edit(0, len(data), after.encode()),), Applicability.SAFE, "narrow")
    refusal = guard(survey, found, found[0], fix)
    return refusal.message if refusal else None


def test_a_right_rewrite_passes(context: Context) -> None:
    assert verdict(context, GOOD) is None


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("RUN npm run", "RUNN npm run", "would not parse"),
        ("COPY package.json package-lock.json ./", "COPY . .", "the finding would still be there"),
        ("# everything\nCOPY . .\n", "# everything\n", "/app would not be copied"),
        ("COPY . .\n", "COPY . /srv\n", "/app would not be copied"),
        ("COPY package.json package-lock.json ./", "COPY package.json /app/index.js", "would come from another place"),
        ('CMD ["node", "."]\n', "", "CMD would change"),
        ("ENV MODE=fast\n", "ENV MODE=slow\n", "ENV would change"),
        ("WORKDIR /app\nENV MODE=fast\n", "ENV MODE=fast\nWORKDIR /srv\n", "WORKDIR would change"),
        ("RUN npm run build\n", "", "a command would no longer run as it did: npm run build"),
        ("RUN npm run build\n", "RUN cd /tmp && npm run build\n", "no longer run as it did"),
        ("RUN npm run build\n", "RUN A=1 npm run build\n", "no longer run as it did"),
        ("# everything\n", "", "a comment would be lost: # everything"),
        ("# hadolint ignore=DL3016\nRUN npm ci", "RUN npm ci\n# hadolint ignore=DL3016", "no longer stand on its"),
        ("# syntax=docker/dockerfile:1\n", "", "directives would change"),
        ("FROM node:20 AS build", "FROM node:22 AS build", "a FROM would change"),
        ("FROM node:20 AS build", "FROM x\nFROM node:20 AS build", "the stages would change"),
        ("RUN npm run build\n", "RUN npm run build\nCOPY . /b\nRUN npm i -g x\n", "another finding"),
    ],
)
def test_a_wrong_rewrite_is_refused(context: Context, old: str, new: str, complaint: str) -> None:
    assert old in GOOD
    message = verdict(context, GOOD.replace(old, new, 1))
    assert message is not None
    assert complaint in message


def test_state_that_moves_below_a_command_is_refused(context: Context) -> None:
    after = GOOD.replace("ENV MODE=fast\n", "").replace("RUN npm run build\n", "RUN npm run build\nENV MODE=fast\n")
    assert "no longer run as it did" in (verdict(context, after) or "")


SINKING = """\
FROM node:20
WORKDIR /app
ARG GIT_SHA
ARG MODE
COPY package.json package-lock.json ./
RUN npm ci
RUN echo $GIT_SHA $MODE
"""


@pytest.mark.parametrize(
    ("name", "above", "complaint"),
    [
        ("GIT_SHA", "RUN npm ci\n", None),
        ("GIT_SHA", "RUN echo $GIT_SHA $MODE\n", "no longer run as it did"),
        ("MODE", "RUN npm ci\n", "the finding would still be there"),
    ],
)
def test_only_the_volatile_argument_sinks(context: Context, name: str, above: str, complaint: str | None) -> None:
    data = SINKING.encode()
    survey = Survey(Analysis(parse(data), context), installed()[0])
    found = list(candidates(survey, frozenset({"volatile-input-above-download"})))
    assert len(found) == 1
    after = SINKING.replace(f"ARG {name}\n", "").replace(above, f"{above}ARG {name}\n")
    fix = Fix("sunk", (Edit(0, len(data), after.encode()),), Applicability.SAFE, "sink")
    refusal = guard(survey, found, found[0], fix)
    assert refusal is None if complaint is None else refusal is not None and complaint in refusal.message


def test_another_argument_does_not_sink_along(context: Context) -> None:
    data = SINKING.encode()
    survey = Survey(Analysis(parse(data), context), installed()[0])
    found = list(candidates(survey, frozenset({"volatile-input-above-download"})))
    after = SINKING.replace("ARG GIT_SHA\nARG MODE\n", "").replace("npm ci\n", "npm ci\nARG GIT_SHA\nARG MODE\n")
    fix = Fix("both", (Edit(0, len(data), after.encode()),), Applicability.SAFE, "sink")
    refusal = guard(survey, found, found[0], fix)
    assert refusal is not None
    assert "no longer run as it did" in refusal.message
