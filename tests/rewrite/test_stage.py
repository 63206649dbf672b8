"""A stage that is cut: what the guard lets pass, and that it still refuses the wrong changes next to it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from dockerlayer.checks.rules import candidates
from dockerlayer.checks.survey import Survey
from dockerlayer.engine import Options, default_rules, examine
from dockerlayer.findings import Applicability, Edit, Fix, apply
from dockerlayer.model.context import Context
from dockerlayer.model.layers import Analysis
from dockerlayer.registry import installed
from dockerlayer.rewrite.guard import guard
from dockerlayer.rewrite.stage import stage
from dockerlayer.syntax.parser import parse

BEFORE = """\
FROM debian:trixie-slim AS tools
RUN echo tool > /tool

FROM python:3.13-slim AS app
WORKDIR /app
COPY --from=tools /tool /usr/bin/tool
COPY . .
ENV MODE=fast
RUN pip install -r requirements.txt
CMD ["python", "app.py"]

FROM app
USER nobody
"""
AFTER = """\
FROM debian:trixie-slim AS tools
RUN echo tool > /tool

FROM python:3.13-slim AS app-base
WORKDIR /app
COPY --from=tools /tool /usr/bin/tool
ENV MODE=fast
COPY requirements.txt ./

FROM app-base AS app-download
RUN pip wheel --wheel-dir /tmp/wheels -r requirements.txt

FROM app-base AS app
RUN --mount=type=bind,from=app-download,source=/tmp/wheels,target=/tmp/wheels \\
    pip install --no-index --find-links /tmp/wheels -r requirements.txt
COPY . .
CMD ["python", "app.py"]

FROM app
USER nobody
"""


@pytest.fixture
def context(tmp_path: Path) -> Context:
    (tmp_path / "requirements.txt").write_text("flask==3.0.0\n")
    (tmp_path / "app.py").write_text("")
    return Context.open(tmp_path)


def verdict(context: Context, after: str, pattern: str = "stage") -> str | None:
    data = BEFORE.encode()
    survey = Survey(Analysis(parse(data), context), installed()[0])
    found = list(candidates(survey, frozenset({"source-before-download"})))
    assert len(found) == 1
    fix = Fix("all of it", (Edit(0, len(data), after.encode()),), Applicability.SAFE, pattern)
    refusal = guard(survey, found, found[0], fix)
    return refusal.message if refusal else None


def codes(context: Context, text: str, builder: str = "buildkit") -> list[str]:
    survey = Survey(Analysis(parse(text.encode()), context), installed()[0], builder)
    (found,) = candidates(survey, frozenset({"source-before-download"}))
    result = stage(survey, found)
    return [] if isinstance(result, Fix) else [refusal.code for refusal in result]


def test_the_stage_is_cut_in_two_with_the_download_aside(context: Context) -> None:
    ecosystems = installed()[0]
    options = Options(default_rules(ecosystems), "stage")
    (finding,) = examine(BEFORE.encode(), context, ecosystems, options).findings
    assert finding.fix is not None
    assert apply(BEFORE.encode(), finding.fix.edits).decode() == AFTER


def test_a_right_cut_passes_under_its_own_name_only(context: Context) -> None:
    assert verdict(context, AFTER) is None
    assert verdict(context, AFTER, "split") == "the stages would change"


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("FROM app-base AS app-download\n", "FROM tools AS app-download\n", "would not start from what was there"),
        ("USER nobody\n",
         "RUN --mount=type=bind,from=app-download,source=/tmp,target=/mnt true\n", "see another|would change"),
        ("FROM app-base AS app-download\n",
         "FROM app-base AS app-download\nCOPY . .\n", "finding|more than a download"),
        ("\n\nFROM app-base AS app\n", "\nUSER nobody\n\nFROM app-base AS app\n", "more than a download"),
        ("FROM app-base AS app\n", "FROM python:3.13-slim AS app\n", "would not be copied|would change|not start"),
        ("FROM app-base AS app\n", "FROM app-download AS app\n", "see another stage"),
        ("FROM python:3.13-slim AS app-base", "FROM python:3.13 AS app-base", "the stages would change"),
        ("COPY --from=tools /tool /usr/bin/tool\nENV", "COPY --from=debian:trixie-slim /tool /usr/bin/tool\nENV",
         "another stage"),
        ("FROM app\nUSER", "FROM app-download\nUSER", "see another stage"),
        ("FROM app\nUSER", "FROM app-base\nUSER", "would"),
        ("WORKDIR /app\nCOPY --from", "COPY --from", "WORKDIR would change|."),
        ("\nCOPY . .\nCMD", "\nCMD", "would not be copied"),
        ("ENV MODE=fast\n", "", "ENV would change"),
    ],
)  # fmt: skip
def test_a_wrong_cut_is_refused(context: Context, old: str, new: str, complaint: str) -> None:
    assert AFTER.count(old) == 1
    said = verdict(context, AFTER.replace(old, new))
    assert said is not None
    assert re.search(complaint, said), said


def test_builders_without_the_mounts(context: Context) -> None:
    assert codes(context, BEFORE) == codes(context, BEFORE, "buildah") == []
    assert codes(context, BEFORE, "kaniko") == codes(context, BEFORE, "legacy") == ["builder-without-mounts"]
    with_arg = BEFORE.replace("WORKDIR /app\n", "WORKDIR /app\nARG WORKERS\n")
    assert codes(context, with_arg) == []
    assert codes(context, with_arg, "buildah") == ["arg-above"]


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("FROM app\n", "FROM scratch\nCOPY --from=app /app /app\n", "not-shipped"),
        ("WORKDIR /app\n", "WORKDIR /app\nONBUILD RUN true\n", "onbuild-above"),
        ("FROM app\n", "FROM app\nCOPY --from=1 /app/app.py /\n", "numbered-stage"),
        ("WORKDIR /app\n", 'CMD ["-"]\nWORKDIR /app\nENTRYPOINT ["cat"]\n', ""),
        ("ENV MODE=fast\n", 'ENV MODE=fast\nENTRYPOINT ["cat"]\n', ""),
        ("WORKDIR /app\nCOPY --from=tools", 'WORKDIR /app\nCMD ["-"]\nCOPY --from=tools', ""),
    ],
)
def test_what_cannot_be_cut(context: Context, old: str, new: str, code: str) -> None:
    assert BEFORE.count(old) == 1
    assert codes(context, BEFORE.replace(old, new)) == ([code] if code else [])


def test_an_entrypoint_below_would_take_back_the_command_above(context: Context) -> None:
    text = BEFORE.replace("WORKDIR /app\n", 'CMD ["-"]\nWORKDIR /app\n')
    text = text.replace('CMD ["python", "app.py"]', 'ENTRYPOINT ["cat"]')
    assert codes(context, text) == ["cmd-above"]
