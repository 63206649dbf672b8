"""Poetry, PDM and Pipenv: which cache a command has, where its virtualenv is, and what defeats a cache mount."""

from __future__ import annotations

from pathlib import Path

import pytest
from py_use_case import UseCase

from dockerlayer.api import Ecosystem
from dockerlayer_rules import pdm, pipenv, poetry

FIXTURES = Path(__file__).parents[2] / "fixtures"
TOOLS: dict[str, Ecosystem] = {"poetry": poetry.ecosystem, "pdm": pdm.ecosystem, "pipenv": pipenv.ecosystem}
POETRY = "/root/.cache/pypoetry"
APART = (f"{POETRY}/cache", f"{POETRY}/artifacts")
PIPENV = ("/root/.cache/pipenv", "/root/.cache/pip")
VENVS = "/root/.local/share/virtualenvs"


def case(root: Path, tool: str) -> UseCase:
    naive = FIXTURES / tool / "naive"
    names = [path.name for path in naive.iterdir() if path.is_file() and path.name != "Dockerfile"]
    return UseCase(root, TOOLS[tool], {name: (naive / name).read_bytes() for name in names})


@pytest.mark.parametrize(
    ("run", "steps", "stores", "leaves"),
    [
        ("poetry install", "", APART, (f"{POETRY}/virtualenvs",)),
        ("poetry install", "ENV POETRY_VIRTUALENVS_CREATE=false\n", (POETRY,), ()),
        ("poetry install", "RUN poetry config virtualenvs.create false\n", (POETRY,), ()),
        ("poetry sync", "ENV POETRY_VIRTUALENVS_IN_PROJECT=1\n", (POETRY,), ("/app/.venv",)),
        ("poetry install", "ENV POETRY_CACHE_DIR=/c\n", ("/c/cache", "/c/artifacts"), ("/c/virtualenvs",)),
        ("poetry install", "ENV POETRY_VIRTUALENVS_PATH=/v\n", (POETRY,), ()),
        ("poetry install", "USER app\n", (), ()),
        ("pdm sync", "", ("/root/.cache/pdm",), ("/app/.venv",)),
        ("pdm install", "ENV PDM_CACHE_DIR=/c\n", ("/c",), ("/app/.venv",)),
        ("pdm sync", "RUN pdm config python.use_venv false\n", ("/root/.cache/pdm",), ("/app/__pypackages__",)),
        ("pipenv sync", "", PIPENV, (VENVS,)),
        ("pipenv install --system --deploy", "", PIPENV, ()),
        ("pipenv sync", "ENV PIPENV_VENV_IN_PROJECT=1\n", PIPENV, ("/app/.venv",)),
        ("pipenv sync", "ENV PIPENV_CACHE_DIR=/c\n", ("/c", "/root/.cache/pip"), (VENVS,)),
        ("pipenv sync", "USER app\n", (), ()),
    ],
)
def test_the_cache_and_what_is_left(
    tmp_path: Path, run: str, steps: str, stores: tuple[str, ...], leaves: tuple[str, ...]
) -> None:
    found = case(tmp_path, run.split()[0]).use(run, f"COPY . .\n{steps}")
    assert found is not None
    assert (found.stores, found.leaves, found.fills, found.offline) == (stores, leaves, True, "")


@pytest.mark.parametrize(
    "run", ["poetry install --only-root", "poetry lock", "pdm lock", "pdm --version", "pipenv lock"]
)
def test_what_is_not_about_packages(tmp_path: Path, run: str) -> None:
    assert case(tmp_path, run.split()[0]).use(run, "COPY . .\n") is None


@pytest.mark.parametrize(
    ("run", "steps", "mended"),
    [
        ("poetry install --no-cache --no-root", "", "poetry install --no-root"),
        ("pdm --no-cache sync", "", "pdm sync"),
        ("pdm sync", "ENV PDM_NO_CACHE=1\n", "PDM_NO_CACHE=0 pdm sync"),
        ("pipenv install --deploy --clear", "", "pipenv install --deploy"),
        ("pipenv sync", "ENV PIP_NO_CACHE_DIR=1\n", "PIP_NO_CACHE_DIR= pipenv sync"),
        ("poetry install && rm -rf /root/.cache", "", None),
    ],
)
def test_what_defeats_a_cache_mount(tmp_path: Path, run: str, steps: str, mended: str | None) -> None:
    one = case(tmp_path, run.split()[0])
    found = one.use(run, f"COPY . .\n{steps}")
    assert found is not None
    assert found.defeated is not None
    assert one.mended(found.defeated, run, f"COPY . .\n{steps}") == mended


@pytest.mark.parametrize(
    ("run", "unpinned"),
    [
        ("poetry install", False),
        ("poetry update", True),
        ("pdm install", False),
        ("pdm sync", False),
        ("pdm update", True),
        ("pipenv install", False),
        ("pipenv install --deploy", False),
        ("pipenv install --skip-lock", True),
        ("pipenv update", True),
    ],
)
def test_unpinned(tmp_path: Path, run: str, unpinned: bool) -> None:
    found = case(tmp_path, run.split()[0]).use(run, "COPY . .\n")
    assert found is not None
    assert (found.unpinned is not None) is unpinned


def test_a_stale_lockfile_is_locked_anew(tmp_path: Path) -> None:
    one = case(tmp_path, "pipenv")
    text = (tmp_path / "Pipfile").read_text()
    (tmp_path / "Pipfile").write_text(text.replace("[packages]", '[packages]\n"zipp" = "*"'))
    found = one.use("pipenv install", "COPY . .\n")
    assert found is not None
    assert found.unpinned is not None
    deployed = one.use("pipenv install --deploy", "COPY . .\n")
    assert deployed is not None
    assert deployed.unpinned is None
