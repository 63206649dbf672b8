"""Fixes of cache mounts: what the guard and the law let them change, and how they are written."""

from __future__ import annotations

from pathlib import Path

import pytest

from dockerlayer.api import Ecosystem
from dockerlayer.checks import shadow
from dockerlayer.checks.survey import Survey
from dockerlayer.engine import Options, context_for, repair
from dockerlayer.findings import Applicability, Edit, Fix
from dockerlayer.model.context import Context
from dockerlayer.model.layers import Analysis
from dockerlayer.rewrite.guard import guard
from dockerlayer.syntax.parser import parse
from dockerlayer.testing import assert_guarded

MODULES = "--mount=type=cache,target=/go/pkg/mod"
BEFORE = f"""\
FROM golang:1.24
WORKDIR /src
COPY go.mod go.sum ./
RUN --mount=type=secret,id=netrc {MODULES} go mod download
COPY . .
RUN go build -o /server .
"""
GOOD = BEFORE.replace(f"{MODULES} ", "")
WRONG = [
    ("--mount=type=secret,id=netrc ", ""),
    ("RUN --mount=type=secret", "RUN --network=none --mount=type=secret"),
    ("RUN go build", "RUN --mount=type=bind,source=.git,target=.git go build"),
    ("go build -o /server .", "go build -o /other ."),
]


@pytest.fixture
def context(tmp_path: Path) -> Context:
    source = Path(__file__).parents[2] / "fixtures" / "go" / "naive"
    for name in ("go.mod", "go.sum", "main.go"):
        (tmp_path / name).write_bytes((source / name).read_bytes())
    return context_for(tmp_path / "Dockerfile", tmp_path)


def verdict(context: Context, after: str, ecosystems: tuple[Ecosystem, ...]) -> str | None:
    data = BEFORE.encode()
    survey = Survey(Analysis(parse(data), context), ecosystems)
    found = list(shadow.check(survey))
    assert len(found) == 1
    fix = Fix("all of it", (Edit(0, len(data), after.encode()),), Applicability.SAFE, "mount")
    refusal = guard(survey, found, found[0], fix)
    return refusal.message if refusal else None


def test_the_cache_mount_may_go(context: Context, ecosystems: tuple[Ecosystem, ...]) -> None:
    assert verdict(context, GOOD, ecosystems) is None
    assert_guarded(BEFORE.encode(), GOOD.encode(), context, keeps_mounts=False)


@pytest.mark.parametrize(("old", "new"), WRONG)
def test_nothing_else_may_change(context: Context, ecosystems: tuple[Ecosystem, ...], old: str, new: str) -> None:
    assert "would no longer run as it did" in (verdict(context, GOOD.replace(old, new), ecosystems) or "")


@pytest.mark.parametrize(("old", "new"), [WRONG[0], WRONG[3]])
def test_the_law_holds_all_other_words(context: Context, old: str, new: str) -> None:
    with pytest.raises(AssertionError, match="word of a RUN"):
        assert_guarded(BEFORE.encode(), GOOD.replace(old, new).encode(), context, keeps_mounts=False)


def test_the_law_holds_mounts_of_other_rules(context: Context) -> None:
    with pytest.raises(AssertionError, match="word of a RUN"):
        assert_guarded(BEFORE.encode(), GOOD.encode(), context)


@pytest.mark.parametrize(
    ("run", "fixed"),
    [
        ("RUN --mount=type=cache,target=/go/pkg/mod/ go mod download", "RUN go mod download"),
        ("run  --mount=target=/go/pkg/mod,type=cache  go mod download", "run  go mod download"),
        ("RUN --mount=type=cache,dst=/go/pkg/mod \\\n    go mod download", "RUN go mod download"),
        (
            f"RUN --mount=type=cache,target=/root/.cache/go-build \\\n    {MODULES} \\\n    go mod download",
            "RUN --mount=type=cache,target=/root/.cache/go-build \\\n    go mod download",
        ),
        (
            f"RUN {MODULES} \\\n    # modules\n    --mount=type=cache,target=/x \\\n    go mod download",
            "RUN \\\n    # modules\n    --mount=type=cache,target=/x \\\n    go mod download",
        ),
        (f"RUN {MODULES} <<EOF\ngo mod download\nEOF", "RUN <<EOF\ngo mod download\nEOF"),
        (f'RUN {MODULES} ["go", "mod", "download"]', 'RUN ["go", "mod", "download"]'),
    ],
)
def test_spellings(context: Context, ecosystems: tuple[Ecosystem, ...], run: str, fixed: str) -> None:
    text = "FROM golang:1.24\nWORKDIR /src\nCOPY go.mod go.sum ./\n{}\nCOPY . .\nRUN go build .\n"
    options = Options(frozenset({shadow.NAME}))
    outcome = repair(text.format(run).encode(), context, ecosystems, options)
    assert outcome.data.decode() == text.format(fixed)
    assert [made.fix.applicability for made in outcome.made] == [Applicability.SAFE]


@pytest.mark.parametrize("above", ["USER app", "USER ${WHO}", "USER 1000:1000"], ids=["name", "variable", "number"])
def test_another_user_may_not_write_there(context: Context, ecosystems: tuple[Ecosystem, ...], above: str) -> None:
    data = BEFORE.replace("RUN --mount", f"{above}\nRUN --mount").encode()
    assert repair(data, context, ecosystems, Options(frozenset({shadow.NAME}))).data == data
