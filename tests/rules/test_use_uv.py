"""uv: which cache a command has, what it leaves, whether it asks the index, and what defeats a cache mount."""

from __future__ import annotations

from pathlib import Path

import pytest
from py_use_case import UseCase

from dockerlayer_rules.uv import ecosystem

NAIVE = Path(__file__).parents[2] / "fixtures" / "uv" / "naive"
FILES: dict[str, str | bytes] = {
    "pyproject.toml": (NAIVE / "pyproject.toml").read_bytes(),
    "uv.lock": (NAIVE / "uv.lock").read_bytes(),
    "requirements.txt": "six==1.16.0\n",
}
CACHE = "/root/.cache/uv"


@pytest.fixture
def case(tmp_path: Path) -> UseCase:
    return UseCase(tmp_path, ecosystem, FILES)


@pytest.mark.parametrize(
    ("run", "steps", "stores", "leaves"),
    [
        ("uv sync --locked", "", (CACHE,), ("/app/.venv",)),
        ("uv sync", "ENV UV_PROJECT_ENVIRONMENT=/venv\n", (CACHE,), ("/venv",)),
        ("uv sync", "ENV UV_LINK_MODE=symlink\n", (CACHE,), ("/app/.venv", CACHE)),
        ("uv run app.py", "", (CACHE,), ("/app/.venv",)),
        ("uv sync --cache-dir /c", "", ("/c",), ("/app/.venv",)),
        ("uv sync", "ENV UV_CACHE_DIR=/c\n", ("/c",), ("/app/.venv",)),
        ("uv sync", "ENV XDG_CACHE_HOME=/x\n", ("/x/uv",), ("/app/.venv",)),
        ("uv sync", "USER app\n", (), ("/app/.venv",)),
        ("uv pip install --system six", "", (CACHE,), ("/usr/local/lib/python3.13/site-packages",)),
        ("uv pip sync requirements.txt", "RUN uv venv /opt/venv\n", (CACHE,), ("/opt/venv",)),
        ("uv pip install six", "ENV VIRTUAL_ENV=/opt/venv\n", (CACHE,), ("/opt/venv",)),
        ("uv tool install ruff", "", (CACHE,), ("/root/.local/share/uv/tools",)),
        ("uv tool run ruff", "", (CACHE,), ()),
    ],
)
def test_the_cache_and_what_is_left(
    case: UseCase, run: str, steps: str, stores: tuple[str, ...], leaves: tuple[str, ...]
) -> None:
    found = case.use(run, f"COPY . .\n{steps}")
    assert found is not None
    assert (found.stores, found.leaves, found.fills, found.offline) == (stores, leaves, True, "")


@pytest.mark.parametrize("run", ["uv lock", "uv venv", "uv run --no-sync app.py", "uv cache clean", "uv --version"])
def test_what_is_not_about_packages(case: UseCase, run: str) -> None:
    assert case.use(run, "COPY . .\n") is None


@pytest.mark.parametrize(
    ("run", "steps", "stores", "offline", "online"),
    [
        ("uv sync --offline --locked", "", (CACHE,), "--offline", "uv sync --locked"),
        ("UV_OFFLINE=1 uv sync", "", (CACHE,), "UV_OFFLINE=1", "UV_OFFLINE=0 uv sync"),
        ("uv sync", "ENV UV_OFFLINE=true\n", (CACHE,), "UV_OFFLINE=true", "UV_OFFLINE=0 uv sync"),
        ("uv pip install --no-index --find-links /w six", "", ("/w",), "--no-index",
         "uv pip install --find-links /w six"),
        ("--network=none uv sync --frozen", "", (CACHE,), "--network=none", None),
    ],
)  # fmt: skip
def test_offline(
    case: UseCase, run: str, steps: str, stores: tuple[str, ...], offline: str, online: str | None
) -> None:
    found = case.use(run, f"COPY . .\n{steps}")
    assert found is not None
    assert (found.stores, found.fills, found.takes, found.offline) == (stores, False, True, offline)
    assert case.online(run, f"COPY . .\n{steps}") == online


@pytest.mark.parametrize(
    ("run", "steps", "mended"),
    [
        ("uv sync --no-cache", "", "uv sync"),
        ("uv sync -n", "", "uv sync"),
        ("uv pip install --no-cache-dir --system six", "", "uv pip install --system six"),
        ("uv sync", "ENV UV_NO_CACHE=1\n", "UV_NO_CACHE=0 uv sync"),
        ("uv sync -qn", "", None),
        ("uv sync && uv cache clean", "", None),
    ],
)
def test_what_defeats_a_cache_mount(case: UseCase, run: str, steps: str, mended: str | None) -> None:
    found = case.use(run, f"COPY . .\n{steps}")
    assert found is not None
    assert found.defeated is not None
    assert case.mended(found.defeated, run, f"COPY . .\n{steps}") == mended


@pytest.mark.parametrize("steps", ["", "ENV UV_NO_CACHE=0\n", "ENV PIP_NO_CACHE_DIR=1\n", "ENV UV_NO_CACHE_DIR=1\n"])
def test_what_leaves_the_cache_on(case: UseCase, steps: str) -> None:
    found = case.use("uv sync", f"COPY . .\n{steps}")
    assert found is not None
    assert found.defeated is None


@pytest.mark.parametrize(
    ("run", "mended"),
    [
        ("PIP_NO_INDEX=1 PIP_FIND_LINKS=/w uv pip install --system six",
         "PIP_NO_INDEX=1 PIP_FIND_LINKS=/w uv pip install --no-index --find-links /w --system six"),
        ("UV_NO_INDEX=1 uv pip install --find-links /w six",
         "UV_NO_INDEX=1 uv pip install --no-index --find-links /w six"),
        ("PIP_NO_INDEX=0 uv pip install six", None),
        ("uv pip install six", None),
    ],
)  # fmt: skip
def test_offline_in_name_only(case: UseCase, run: str, mended: str | None) -> None:
    found = case.use(run)
    assert found is not None
    assert case.mended(found.nominal, run) == mended


@pytest.mark.parametrize(
    ("run", "unpinned"),
    [
        ("uv sync", False),
        ("uv sync --locked", False),
        ("uv sync --upgrade", True),
        ("uv sync -P six", True),
        ("uv pip install --system .", True),
        ("uv pip install --system -r pyproject.toml", True),
        ("uv pip install --system --no-deps .", False),
        ("uv pip install --system -r requirements.txt", False),
    ],
)
def test_unpinned(case: UseCase, run: str, unpinned: bool) -> None:
    found = case.use(run, "COPY . .\n")
    assert found is not None
    assert (found.unpinned is not None) is unpinned
