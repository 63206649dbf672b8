"""PDM: how commands are spelled, whether a lockfile belongs to its project, and files that hold anything."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from tool_case import FIXTURES, HOSTILE, ToolCase, looped

from dockerlayer_rules._pylocks import Locked, read_locked
from dockerlayer_rules._read_pdm import is_fresh
from dockerlayer_rules.pdm import ecosystem

NAIVE = FIXTURES / "pdm" / "naive"
MANIFEST = (NAIVE / "pyproject.toml").read_text("utf-8")
LIBRARY = MANIFEST.replace("distribution = false", "distribution = true")
STALE = MANIFEST.replace("==4.12.3", ">=4.12")
LOCK = b"""[metadata]
groups = ["default", "web"]

[[package]]
name = "humanize"
groups = ["default", "web"]

[[package]]
name = "tree"
path = "./libs/tree"

[[package]]
name = "wheel"
path = "./vendor/wheel-1.0-py3-none-any.whl"

[[package]]
name = "forge"
git = "https://git.example.com/forge.git"
revision = "0"

[[package]]
name = "archive"
url = "https://registry.example.com/archive.zip"
"""


@pytest.mark.parametrize(
    ("command", "outcome"),
    [
        ("pdm sync", "install"),
        ("pdm install", "install"),
        ("pdm install --prod --check", "install"),
        ("pdm install --frozen-lockfile --no-editable", "install"),
        ("pdm sync --no-self", "install"),
        ("pdm sync -p /app", "install"),
        ("pdm sync --project=/app", "install"),
        ("PDM_PROJECT=/app pdm sync", "install"),
        ("pdm -q sync", "install"),
        ("pdm sync -G :all", "install"),
        ("pdm sync -dG dev", "install"),
        ("pdm sync -L pdm.lock", "install"),
        ("pdm sync || true", "install"),
        ("python -m pdm sync", "install"),
        ("/root/.local/bin/pdm sync", "install"),
        ("pdm sync -L other.lock", "install: no-lockfile"),
        ("PDM_LOCKFILE=other.lock pdm sync", "install: no-lockfile"),
        ("pdm sync $FLAGS", "install: unknown-words"),
        ("PDM_USE_UV=1 pdm sync", "install: uses-uv"),
        ("pdm config use_uv true && pdm sync", "install: uses-uv"),
        ("pdm install --plugins", "install: plugin"),
        ("pdm update", "install: resolves-anew"),
        ("pdm add six", "install: resolves-anew"),
        ("pdm lock && pdm sync", "install: resolves-anew"),
        ("pdm sync -p /elsewhere", "install: not-in-context"),
        ("pdm self add pdm-plugin", "tool"),
        ("pdm self update", "tool"),
        ("pdm plugin add pdm-plugin", "tool"),
        ("pdm", None),
        ("pdm --version", None),
        ("pdm -V", None),
        ("pdm sync --help", None),
        ("pdm sync --dry-run", None),
        ("pdm sync -g", None),
        ("pdm lock", None),
        ("pdm lock --check", None),
        ("pdm run start", None),
        ("pdm build", None),
        ("pdm list", None),
        ("pdm use 3.13", None),
        ("pdm venv create", None),
        ("pdm cache clear", None),
        ("pdm config python.use_venv false", None),
        ("pdm export -o requirements.txt", None),
        ("echo pdm sync", None),
    ],
)
def test_spellings(tmp_path: Path, command: str, outcome: str | None) -> None:
    assert ToolCase(tmp_path, ecosystem).outcome(command) == outcome


@pytest.mark.parametrize(
    ("command", "outcome"),
    [
        ("pdm sync", "install: pdm sync --no-self"),
        ("pdm install --prod -v", "install: pdm install --no-self --prod -v"),
        ("python -m pdm sync -p .", "install: python -m pdm sync --no-self -p ."),
        ("pdm sync || true", "install: conditional"),
        ("pdm sync && pdm cache clear", "install: cleanup-in-same-run"),
        ("pdm sync --no-self", "install"),
        ("pdm sync --no-default -dG dev", "install"),
        ("PDM_NO_SELF=1 pdm sync", "install"),
    ],
)
def test_package(tmp_path: Path, command: str, outcome: str) -> None:
    assert ToolCase(tmp_path, ecosystem, {"pyproject.toml": LIBRARY}).outcome(command) == outcome


def test_lockfile() -> None:
    assert read_locked(LOCK) == [
        Locked("humanize", ("default", "web")),
        Locked("tree", source="directory", place="./libs/tree"),
        Locked("wheel", source="file", place="./vendor/wheel-1.0-py3-none-any.whl"),
        Locked("forge", source="git", place="https://git.example.com/forge.git"),
        Locked("archive", source="url", place="https://registry.example.com/archive.zip"),
    ]


@pytest.mark.parametrize(
    ("old", "new", "fresh"),
    [
        ("", "", True),
        ("distribution = false", 'distribution = true\nscripts = {a = "b"}', True),
        ('name = "speak"', 'name = "shout"', True),
        ("[dependency-groups]\ndev", "[dependency-groups]\nDev", True),
        ("[dependency-groups]\ndev = ", "[dependency-groups]\ntest = ", False),
        ("==4.12.3", ">=4.12", False),
        (">=3.11", ">=3.12", False),
        ("[tool.pdm]", '[[tool.pdm.source]]\nurl = "x"\n[tool.pdm]', False),
        ("[tool.pdm]", '[tool.pdm.resolution.overrides]\nidna = "3"\n[tool.pdm]', False),
        ("dependencies = [", 'optional-dependencies = {a = ["b"]}\ndependencies = [', False),
    ],
)
def test_fresh(old: str, new: str, fresh: bool) -> None:
    lock = (NAIVE / "pdm.lock").read_bytes()
    assert is_fresh(tomllib.loads(MANIFEST.replace(old, new)), lock) is fresh


@pytest.mark.parametrize(
    ("command", "assumed"),
    [
        ("pdm install", 1),
        ("pdm sync", 0),
        ("pdm install --check", 0),
        ("pdm install --frozen-lockfile", 0),
        ("PDM_FROZEN_LOCKFILE=1 pdm install", 0),
    ],
)
def test_stale(tmp_path: Path, command: str, assumed: int) -> None:
    for number, manifest in enumerate((STALE, STALE.replace("distribution = false", "distribution = true"))):
        (fetch,) = ToolCase(tmp_path / str(number), ecosystem, {"pyproject.toml": manifest}).fetches(command)
        assert len(fetch.assumptions) == assumed


@pytest.mark.parametrize(
    ("command", "count"),
    [("pdm sync", 2), ("pdm sync --prod", 1), ("pdm sync --prod -G dev", 2), ("pdm sync -G :all", 2)],
)
def test_count(tmp_path: Path, command: str, count: int) -> None:
    (fetch,) = ToolCase(tmp_path, ecosystem).fetches(command)
    assert fetch.count == count


@pytest.mark.parametrize("name", ["pyproject.toml", "pdm.lock", "pdm.toml"])
@pytest.mark.parametrize("number", range(len(HOSTILE)))
def test_anything(tmp_path: Path, name: str, number: int) -> None:
    case = ToolCase(tmp_path, ecosystem, {name: HOSTILE[number]})
    for run in ("pdm install", "pdm sync --no-self --prod -G web", "pdm update", "pdm config -l a b"):
        case.repaired(run)


@pytest.mark.parametrize("name", ["pyproject.toml", "pdm.lock"])
@pytest.mark.parametrize("data", [b"\xff", b"[package\n", b"a = " + b"[" * 100_000, b"x" * 5_000_000])
def test_refused(tmp_path: Path, name: str, data: bytes) -> None:
    code = {"pyproject.toml": "bad-manifest", "pdm.lock": "bad-lockfile"}[name]
    assert ToolCase(tmp_path, ecosystem, {name: data}).outcome("pdm install") == f"install: {code}"


def test_symlink_loop(tmp_path: Path) -> None:
    assert looped(tmp_path, ecosystem, "pdm install", "pyproject.toml", "pdm.lock")
