"""Bun: where the cache is, and which words only look offline or pinned."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from node_case import NodeCase

from dockerlayer.api import Use
from dockerlayer.findings import apply
from dockerlayer_rules.bun import ecosystem

NAIVE = Path(__file__).parents[2] / "fixtures" / "bun" / "naive"
NODE = "FROM oven/bun:1.4.5\nWORKDIR /app\nCOPY . .\n"
STORE = "/root/.bun/install/cache"
MOUNT = f"--mount=type=cache,target={STORE} "


def use_of(root: Path, dockerfile: str, files: dict[str, str | bytes] | None = None) -> tuple[NodeCase, Use]:
    """What the last RUN's first call does with packages."""
    shutil.copytree(NAIVE, root, ignore=shutil.ignore_patterns("expected"), dirs_exist_ok=True)
    case = NodeCase(root, ecosystem, dockerfile, files or {})
    used = case.survey.uses([step for step in case.survey.analysis.build.steps() if step.name == "run"][-1])
    return case, used[0].use if used else Use()


@pytest.mark.parametrize(
    ("head", "run", "store"),
    [
        (NODE, "bun install", STORE),
        (NODE, "bun pm fetch", STORE),
        (NODE, "bun install --cache-dir /c", "/c"),
        (NODE + "ENV BUN_INSTALL_CACHE_DIR=/c\n", "bun i", "/c"),
        (NODE + "ENV BUN_INSTALL=/b\n", "bun i", "/b/install/cache"),
        (NODE + "ENV XDG_CACHE_HOME=/x\n", "bun i", "/x/.bun/install/cache"),
        (NODE + "USER bun\n", "bun i", "/home/bun/.bun/install/cache"),
        (NODE + "USER app\n", "bun i", ""),
    ],
)
def test_stores(tmp_path: Path, head: str, run: str, store: str) -> None:
    assert (use_of(tmp_path, f"{head}RUN {run}\n")[1].stores or ("",))[0] == store


@pytest.mark.parametrize(
    ("head", "run", "what", "fixed", "assumed"),
    [
        (NODE, "bun install", "unpinned", "bun install --frozen-lockfile", 0),
        (NODE, "bun i --production", "unpinned", "bun i --frozen-lockfile --production", 0),
        (NODE.replace(":1.4.5", ":1"), "bun install", "unpinned", "bun install --frozen-lockfile", 1),
        (NODE, "bun install --frozen-lockfile", "unpinned", None, 0),
        (NODE, "bun ci", "unpinned", None, 0),
        (NODE, "bun add ms", "unpinned", None, 0),
        (NODE, "bun install --frozen-lockfile --prefer-offline", "nominal", "", 0),
        (NODE + "RUN bun pm fetch\n", "bun install --prefer-offline", "nominal", None, 0),
        (NODE.replace("1.4.5", "1.2.23"), "bun install --offline", "nominal", "", 0),
        (NODE, "bun install --offline", "nominal", None, 0),
        (NODE, f"{MOUNT}bun i && bun pm cache rm", "defeated", f"{MOUNT}bun i", 0),
    ],
)
def test_words(tmp_path: Path, head: str, run: str, what: str, fixed: str | None, assumed: int) -> None:
    case, found = use_of(tmp_path, f"{head}RUN {run}\n")
    mend = getattr(found, what)
    if fixed is None:
        assert mend is None
        return
    assert mend is not None
    assert len(mend.assumptions) == assumed
    text = apply(case.data, mend.edits).decode().rpartition("RUN ")[2].rstrip()
    assert text == fixed if fixed else not mend.edits


@pytest.mark.parametrize(
    ("head", "run", "offline", "online"),
    [
        (NODE, "bun install --offline", "--offline", "bun install --prefer-offline"),
        (NODE.replace("1.4.5", "1.2.23"), "bun install --offline", "", "bun install --offline"),
        (NODE, "bun install", "", "bun install"),
    ],
)
def test_offline(tmp_path: Path, head: str, run: str, offline: str, online: str) -> None:
    case, found = use_of(tmp_path, f"{head}RUN {run}\n")
    assert (found.offline, found.takes, found.fills) == (offline, bool(offline), not offline)
    assert apply(case.data, found.online).decode().rpartition("RUN ")[2].rstrip() == online


@pytest.mark.parametrize("run", ["bun -v", "bun run build", "bun install --lockfile-only", "bunx tsc"])
def test_not_about_packages(tmp_path: Path, run: str) -> None:
    assert use_of(tmp_path, f"{NODE}RUN {run}\n")[1] == Use()
