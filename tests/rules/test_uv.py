"""uv: how commands are spelled, what lockfiles and projects say, and files that hold anything."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from dockerlayer.api import Fetch
from dockerlayer.checks.survey import Survey
from dockerlayer.engine import Options, default_rules, repair
from dockerlayer.model.context import Context
from dockerlayer.model.layers import Analysis
from dockerlayer.syntax.parser import parse
from dockerlayer_rules._pyproject import Project
from dockerlayer_rules._uvlock import Wanted, is_fresh, read_lock, taken
from dockerlayer_rules._uvproject import built_in
from dockerlayer_rules.uv import ecosystem

NAIVE = Path(__file__).parents[2] / "fixtures" / "uv" / "naive"
LOCK = """version = 1
requires-python = ">=3.11"
[[package]]
name = "app"
version = "1"
source = { editable = "." }
dependencies = [{ name = "idna" }, { name = "colorama", marker = "sys_platform == 'win32'" }]
[package.optional-dependencies]
cli = [{ name = "rich", extra = ["jupyter"] }]
[package.dev-dependencies]
dev = [{ name = "ruff" }]
docs = [{ name = "mkdocs" }]
[[package]]
name = "idna"
source = { registry = "https://registry.example.com/simple" }
[[package]]
name = "colorama"
source = { registry = "https://registry.example.com/simple" }
[[package]]
name = "rich"
source = { registry = "https://registry.example.com/simple" }
[package.optional-dependencies]
jupyter = [{ name = "ipywidgets" }]
[[package]]
name = "ipywidgets"
source = { registry = "https://registry.example.com/simple" }
[[package]]
name = "ruff"
source = { registry = "https://registry.example.com/simple" }
[[package]]
name = "mkdocs"
source = { git = "https://git.example.com/mkdocs?rev=1#0000000" }
"""


def fetches(root: Path, run: str, first: str = "COPY . .") -> list[Fetch]:
    """What the commands of a RUN take, in the context of the small project."""
    shutil.copytree(NAIVE, root, ignore=shutil.ignore_patterns("expected"), dirs_exist_ok=True)
    (root / "requirements.txt").write_text("idna==3.10\n")
    text = f"FROM python:3.13-slim\nWORKDIR /app\n{first}\nRUN {run}\n"
    survey = Survey(Analysis(parse(text.encode()), Context.open(root)), [ecosystem])
    return [seen.fetch for step in survey.steps() for seen in survey.sightings(step)]


@pytest.mark.parametrize(
    ("command", "kind"),
    [
        ("uv sync", "install"),
        ("/root/.local/bin/uv sync --no-dev", "install"),
        ("uv -q sync --frozen", "install"),
        ("uv --directory /app sync", "install"),
        ("UV_NO_DEV=1 uv sync -p 3.13", "install"),
        ("uv run app.py", "build"),
        ("uv run -- pytest --no-sync", "build"),
        ("uv pip install -r requirements.txt", "install"),
        ("uv pip install -rrequirements.txt --system", "install"),
        ("uv pip sync requirements.txt", "install"),
        ("uv pip install -r pyproject.toml", "install"),
        ("uv pip install .", "build"),
        ("uv pip install -e '.[dev]'", "build"),
        ("uv pip install gunicorn 'flask>=3'", "tool"),
        ("uv tool install ruff", "tool"),
        ("uvx ruff check", "build"),
        ("uv tool run ruff check", "build"),
        ("uv lock", "install"),
        ("uv add flask", "install"),
        ("uv", None),
        ("uv --version", None),
        ("uv help sync", None),
        ("uv sync --help", None),
        ("uv sync --offline", None),
        ("uv sync --dry-run", None),
        ("uv sync --script app.py", None),
        ("UV_OFFLINE=true uv sync", None),
        ("uv run --no-sync app.py", None),
        ("uv run --no-project app.py", None),
        ("uv pip install --no-index -r requirements.txt", None),
        ("uv pip list", None),
        ("uv pip install ./dist/*.whl", None),
        ("uv venv", None),
        ("uv python install 3.13", None),
        ("uv cache clean", None),
        ("uv export --frozen", None),
        ("uvx --version", None),
    ],
)
def test_spellings(tmp_path: Path, command: str, kind: str | None) -> None:
    assert [fetch.kind for fetch in fetches(tmp_path, command)] == ([kind] if kind else [])


@pytest.mark.parametrize(
    ("wanted", "names"),
    [
        (Wanted(frozenset({"app"}), frozenset(), frozenset({"dev"})), {"app", "idna", "ruff"}),
        (Wanted(frozenset({"app"}), frozenset({"cli"}), frozenset()), {"app", "idna", "rich", "ipywidgets"}),
        (Wanted(frozenset({"app"}), frozenset(), frozenset({"docs"}), False), {"mkdocs"}),
        (Wanted(frozenset({"app"}), None, None), {"app", "idna", "rich", "ipywidgets", "ruff", "mkdocs"}),
        (Wanted(frozenset({"unknown"}), None, None), set()),
    ],
)
def test_taken(tmp_path: Path, wanted: Wanted, names: set[str]) -> None:
    (tmp_path / "uv.lock").write_text(LOCK)
    lock = read_lock(Context.open(tmp_path), "uv.lock")
    assert lock is not None
    assert taken(lock, wanted) - {"unknown"} == names


@pytest.mark.parametrize(
    ("requirement", "version", "inside"),
    [
        ("uv_build>=0.13,<0.14", (0, 13, 9), True),
        ("uv-build >= 0.13.0, < 0.14", (0, 13, 0), True),
        ("uv_build>=0.8.4,<0.9.0", (0, 13, 9), False),
        ("uv_build==0.13.9", (0, 13, 9), True),
        ("uv_build~=0.13", (0, 13, 9), False),
        ("uv_build", (0, 13, 9), False),
        ("uv_build>=0.7", (0, 7, 22), False),
        ("uv_build>=0.13,<0.14", (), False),
        ("uv_build>=0.13,<0.14", None, False),
    ],
)
def test_built_in(requirement: str, version: tuple[int, ...] | None, inside: bool) -> None:
    project = Project("pyproject.toml", "project", (), requires=(requirement,), backend="uv_build")
    assert built_in(project, version) is inside


@pytest.mark.parametrize(
    ("change", "fresh"),
    [
        ({}, True),
        ({"dependencies": ["IDNA >= 3.4", "humanize>=4.11"]}, True),
        ({"dependencies": ["idna>=3.4"]}, False),
        ({"dependencies": ["idna>=3.5", "humanize>=4.11"]}, False),
        ({"dependencies": ["idna>=3.4 ; sys_platform == 'win32'", "humanize>=4.11"]}, False),
        ({"requires-python": ">=3.12"}, False),
        ({"version": "2.0"}, False),
        ({"dynamic": ["version"]}, False),
        ({"optional-dependencies": {}}, False),
    ],
)
def test_fresh(change: dict[str, object], fresh: bool) -> None:
    import tomllib

    lock = read_lock(Context.open(NAIVE), "uv.lock")
    table = tomllib.loads((NAIVE / "pyproject.toml").read_text())
    table["project"].update(change)
    assert lock is not None
    assert is_fresh(lock, ".", table) is fresh


@pytest.mark.parametrize("name", ["uv.lock", "pyproject.toml", "requirements.txt", "uv.toml"])
@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\xfe\x00",
        b"[[package]]\n",
        b"version = 1\npackage = 1\n",
        b'version = 1\n[[package]]\nname = 1\nsource = "x"\n',
        b'version = 1\nmanifest = []\n[[package]]\nname = "a"\nsource = {}\ndependencies = [1, {}, "x"]\n',
        b"project = 1\ntool = 1\n",
        b"[project]\nname = 1\ndependencies = 1\ndynamic = 1\n[tool.uv]\ndefault-groups = 1\nsources = 1\n",
        b'[project]\nname = "app"\ndependencies = ["x"]\n[tool.uv.workspace]\nmembers = [1, "../x", "**", "/"]\n',
        b"a = " + b"[" * 100_000,
        b"x" * 5_000_000,
    ],
)
def test_anything(tmp_path: Path, name: str, content: bytes) -> None:
    runs = "uv sync && uv run x && uv pip install -r requirements.txt && uv pip install . && uv lock && uv venv"
    shutil.copytree(NAIVE, tmp_path, ignore=shutil.ignore_patterns("expected"), dirs_exist_ok=True)
    (tmp_path / "requirements.txt").write_text("idna==3.10\n")
    (tmp_path / name).write_bytes(content)
    for run in runs.split(" && "):
        text = f"FROM python:3.13-slim\nWORKDIR /app\nCOPY . .\nRUN {run}\n".encode()
        repair(text, Context.open(tmp_path), [ecosystem], Options(default_rules([ecosystem]), "split", True))


def test_symlink_loop(tmp_path: Path) -> None:
    for name in ("pyproject.toml", "uv.lock"):
        (tmp_path / name).symlink_to(name)
    text = b"FROM python:3.13-slim\nWORKDIR /app\nCOPY . .\nRUN uv sync\n"
    outcome = repair(text, Context.open(tmp_path), [ecosystem], Options(default_rules([ecosystem])))
    assert outcome.data == text
