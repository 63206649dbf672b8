"""Poetry: how commands are spelled, what a lockfile and the groups of a project say, and files that hold anything."""

from __future__ import annotations

from pathlib import Path

import pytest
from tool_case import FIXTURES, HOSTILE, ToolCase, looped

from dockerlayer.api import Call, Effect
from dockerlayer.model.context import Context
from dockerlayer.model.layers import Analysis
from dockerlayer.syntax.parser import parse
from dockerlayer_rules._poetry import SPELLING, extras_of, groups_of, is_external, plugins_of, version_of
from dockerlayer_rules._pylocks import Locked, read_locked
from dockerlayer_rules._pyproject import parse_toml
from dockerlayer_rules._pytool import Told, tell
from dockerlayer_rules.poetry import ecosystem

LOCK = b"""[[package]]
name = "humanize"
groups = ["main", "dev"]
optional = false

[[package]]
name = "old"
category = "dev"
optional = true

[package.dependencies]
name = "not-this"

[[package]]
name = "words"

[package.source]
type = "directory"
url = "libs/words"

[[package]]
name = "mirrored"

[package.source]
type = "legacy"
url = "https://registry.example.com/simple"
reference = "mirror"

[metadata]
lock-version = "2.1"
"""
TABLE = """[dependency-groups]
lint = []
[tool.poetry.group.dev.dependencies]
a = "1"
[tool.poetry.group.docs]
optional = true
"""


def told(tmp_path: Path, before: str, command: str = "poetry install") -> tuple[Told, Analysis]:
    """The last command of a file, and what stands before it."""
    text = f"FROM python:3.13-slim\nWORKDIR /app\n{before}\nRUN {command}\n"
    analysis = Analysis(parse(text.encode()), Context.open(tmp_path))
    found = tell(last_call(analysis), "poetry", SPELLING)
    assert found is not None
    return found, analysis


def last_call(analysis: Analysis) -> Call:
    return analysis.run(list(analysis.build.steps())[-1]).calls[-1]


@pytest.mark.parametrize(
    ("command", "outcome"),
    [
        ("poetry install", "install: poetry install --no-root"),
        ("poetry sync --only main", "install: poetry sync --no-root --only main"),
        ("poetry install --sync", "install: poetry install --no-root --sync"),
        ("poetry install -Eweb", "install: poetry install --no-root -Eweb"),
        ("poetry install --no-dev", "install: poetry install --no-root --no-dev"),
        ("poetry -n install -vvv", "install: poetry -n install --no-root -vvv"),
        ("poetry -C /app install", "install: poetry -C /app install --no-root"),
        ("python -m poetry install", "install: python -m poetry install --no-root"),
        ("poetry install --with docs --without=dev", "install: poetry install --no-root --with docs --without=dev"),
        ("poetry install --no-root", "install"),
        ("poetry install --no-root || true", "install"),
        ("poetry --directory=/app install --no-root", "install"),
        ("poetry --project /app install --no-root", "install"),
        ("poetry install -E web --compile --no-root", "install"),
        ("POETRY_VIRTUALENVS_CREATE=false poetry install --no-root", "install"),
        ("/opt/poetry/bin/poetry install --no-root", "install"),
        ("python3 -mpoetry install --no-root", "install"),
        ("poetry install || true", "install: conditional"),
        ("poetry install $FLAGS", "install: unknown-words"),
        ("poetry install && rm -rf ~/.cache/pypoetry", "install: cleanup-in-same-run"),
        ("poetry install && poetry cache clear --all .", "install: cleanup-in-same-run"),
        ("poetry update", "install: resolves-anew"),
        ("poetry add six", "install: resolves-anew"),
        ("poetry lock && poetry install", "install: resolves-anew"),
        ("poetry -C /elsewhere install", "install: not-in-context"),
        ("poetry self add poetry-plugin-export", "tool"),
        ("poetry self update", "tool"),
        ("poetry", None),
        ("poetry --version", None),
        ("poetry -V", None),
        ("poetry help install", None),
        ("poetry install --help", None),
        ("poetry install --dry-run", None),
        ("poetry install --only-root", None),
        ("poetry self show plugins", None),
        ("poetry lock", None),
        ("poetry check", None),
        ("poetry build", None),
        ("poetry run python -m speak", None),
        ("poetry export -o requirements.txt", None),
        ("poetry config virtualenvs.create false", None),
        ("poetry env use 3.13", None),
        ("poetry cache clear PyPI --all", None),
        ("python -m poetry --version", None),
        ("python -m speak poetry install", None),
        ("echo poetry install", None),
    ],
)
def test_spellings(tmp_path: Path, command: str, outcome: str | None) -> None:
    assert ToolCase(tmp_path, ecosystem).outcome(command) == outcome


def test_lockfile() -> None:
    assert read_locked(LOCK) == [
        Locked("humanize", ("main", "dev")),
        Locked("old", ("dev",), optional=True),
        Locked("words", source="directory", place="libs/words"),
        Locked("mirrored", place="https://registry.example.com/simple"),
    ]
    assert read_locked(LOCK.replace(b"\n", b"\r\n")) == read_locked(LOCK)
    assert read_locked(b"[metadata]\n") == []


@pytest.mark.parametrize("data", [b"", b"# poetry\n", b"<<<<<<< a\n" + LOCK, LOCK.replace(b'"words"', b"1")])
def test_no_lockfile(data: bytes) -> None:
    assert read_locked(data) is None


@pytest.mark.parametrize(
    ("options", "groups", "extras"),
    [
        ("", {"main", "dev", "lint"}, set()),
        ("--no-dev", {"main"}, set()),
        ("--with docs --extras 'a b'", {"main", "dev", "lint", "docs"}, {"a", "b"}),
        ("--without dev,lint -E a", {"main"}, {"a"}),
        ("--only=main,docs --all-extras", {"main", "docs"}, {"*"}),
        ("--all-groups", {"main", "dev", "lint", "docs"}, set()),
    ],
)
def test_groups(tmp_path: Path, options: str, groups: set[str], extras: set[str]) -> None:
    found, _ = told(tmp_path, "", f"poetry install {options}")
    assert groups_of(found, parse_toml(TABLE.encode()) or {}) == groups
    assert extras_of(found) == extras


@pytest.mark.parametrize(
    ("before", "version"),
    [
        ("", None),
        ("RUN pip install poetry", ()),
        ("RUN pip install 'poetry==1.8.5'", (1, 8, 5)),
        ("ENV V=2.1\nRUN pip install poetry==$V", (2, 1)),
        ("RUN pip install poetry==$V", None),
        ("RUN pip install 'poetry>=1.2'", None),
        ("RUN pipx install poetry==2.2.1", (2, 2, 1)),
        ("RUN pip install poetry-plugin-export", None),
        ("RUN curl -sSL https://registry.example.com/install-poetry.py | python3 -", ()),
        ("RUN curl -sSL https://registry.example.com/install-poetry.py | POETRY_VERSION=1.4.2 python3 -", (1, 4, 2)),
        ("RUN curl -sSL https://registry.example.com/install-poetry.py | python3 - --version 1.1", (1, 1)),
    ],
)
def test_version(tmp_path: Path, before: str, version: tuple[int, ...] | None) -> None:
    found, analysis = told(tmp_path, before)
    assert version_of(found, analysis.scene(found.call.step)) == version


@pytest.mark.parametrize(
    ("before", "external"),
    [
        ("", False),
        ("ENV POETRY_VIRTUALENVS_CREATE=false", True),
        ("ENV POETRY_VIRTUALENVS_CREATE=0", True),
        ("ENV POETRY_VIRTUALENVS_CREATE=true", False),
        ("ENV VIRTUAL_ENV=/venv", True),
        ("RUN poetry config virtualenvs.create false", True),
        ("RUN python -m poetry config --local virtualenvs.create false", True),
        ("ARG CREATE=false\nRUN poetry config virtualenvs.create $CREATE", True),
        ("ARG CREATE\nRUN poetry config virtualenvs.create $CREATE", False),
        ("ARG CREATE\nENV POETRY_VIRTUALENVS_CREATE=$CREATE", False),
        ("RUN poetry config virtualenvs.create false\nRUN poetry config virtualenvs.create true", False),
    ],
)
def test_environment(tmp_path: Path, before: str, external: bool) -> None:
    found, analysis = told(tmp_path, before)
    assert is_external(found, analysis.scene(found.call.step)) is external


@pytest.mark.parametrize(
    ("before", "table", "plugins"),
    [
        ("RUN poetry self add poetry-plugin-export", "", []),
        ("RUN pip install poetry==2.2.1 poetry-plugin-export", "", []),
        ("RUN poetry self add poetry-git-version-plugin==1.0", "", ["poetry-git-version-plugin"]),
        ("RUN pipx inject poetry poetry-plugin-x", "", ["poetry-plugin-x"]),
        ("", "[tool.poetry.requires-plugins]\npoetry-plugin-x = '1'", ["poetry-plugin-x"]),
        ("", "[tool.poetry-dynamic-versioning]\nenable = true", ["poetry-dynamic-versioning"]),
        ("ENV POETRY_DYNAMIC_VERSIONING_BYPASS=1", "[tool.poetry-dynamic-versioning]\nenable = true", []),
    ],
)
def test_plugins(tmp_path: Path, before: str, table: str, plugins: list[str]) -> None:
    found, analysis = told(tmp_path, before)
    assert list(plugins_of(found, analysis.scene(found.call.step), parse_toml(table.encode()) or {})) == plugins


@pytest.mark.parametrize(
    ("command", "count"),
    [("poetry install", 2), ("poetry install --only main", 1), ("poetry install --no-root -E web --with docs", 4)],
)
def test_count(tmp_path: Path, command: str, count: int) -> None:
    (fetch,) = ToolCase(tmp_path, ecosystem).fetches(command)
    assert fetch.count == count


def test_commands_that_fetch_nothing(tmp_path: Path) -> None:
    assert ecosystem.effect is not None
    for command in ("poetry --version", "poetry config virtualenvs.create false", "poetry export -o /x/r.txt"):
        found, analysis = told(tmp_path, "", command)
        assert isinstance(ecosystem.effect(found.call, analysis.scene(found.call.step)), Effect)
    found, analysis = told(tmp_path, "", "poetry run python x.py")
    assert ecosystem.effect(found.call, analysis.scene(found.call.step)) is None


@pytest.mark.parametrize("name", ["pyproject.toml", "poetry.lock", "poetry.toml"])
@pytest.mark.parametrize("number", range(len(HOSTILE)))
def test_anything(tmp_path: Path, name: str, number: int) -> None:
    case = ToolCase(tmp_path, ecosystem, {name: HOSTILE[number]})
    for run in ("poetry install", "poetry sync --no-root -E web --only main", "poetry update", "poetry config a b"):
        case.repaired(run)


@pytest.mark.parametrize("name", ["pyproject.toml", "poetry.lock"])
@pytest.mark.parametrize("data", [b"", b"\xff", b"[package\n", b"a = " + b"[" * 100_000, b"x" * 5_000_000])
def test_refused(tmp_path: Path, name: str, data: bytes) -> None:
    code = {"pyproject.toml": "bad-manifest", "poetry.lock": "bad-lockfile"}[name]
    outcome = ToolCase(tmp_path, ecosystem, {name: data}).outcome("poetry install --no-root")
    assert outcome == ("install" if (name, data) == ("pyproject.toml", b"") else f"install: {code}")


def test_symlink_loop(tmp_path: Path) -> None:
    assert looped(tmp_path, ecosystem, "poetry install", "pyproject.toml", "poetry.lock")


def test_fixtures_have_real_lockfiles() -> None:
    assert len(read_locked((FIXTURES / "poetry" / "naive" / "poetry.lock").read_bytes()) or ()) == 4
