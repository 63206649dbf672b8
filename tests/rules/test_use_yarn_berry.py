"""Yarn Berry: where the cache is, and which words only look offline or pinned."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from node_case import NodeCase

from dockerlayer.api import Use
from dockerlayer.findings import apply
from dockerlayer_rules.yarn_berry import ecosystem

NAIVE = Path(__file__).parents[2] / "fixtures" / "yarn-berry" / "naive"
NODE = "FROM node:22\nRUN corepack enable && corepack prepare yarn@4.18.1 --activate\nWORKDIR /app\nCOPY . .\n"
THREE = NODE.replace("4.18.1", "3.8.7")
STORE = "/root/.yarn/berry/cache"
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
        (NODE, "yarn install", STORE),
        (THREE, "yarn install", "/app/.yarn/cache"),
        (NODE, "YARN_CACHE_FOLDER=/c yarn install", STORE),
        (NODE, "YARN_ENABLE_GLOBAL_CACHE=false YARN_CACHE_FOLDER=/c yarn install", "/c"),
        (NODE, "YARN_GLOBAL_FOLDER=/g yarn install", "/g/cache"),
        (THREE, "YARN_CACHE_FOLDER=/c yarn install", "/c"),
        (NODE + "ENV XDG_DATA_HOME=/d\n", "yarn", "/d/yarn/berry/cache"),
        (NODE + "USER node\n", "yarn", "/home/node/.yarn/berry/cache"),
        (NODE + "USER app\n", "yarn", ""),
    ],
)
def test_stores(tmp_path: Path, head: str, run: str, store: str) -> None:
    assert (use_of(tmp_path, f"{head}RUN {run}\n")[1].stores or ("",))[0] == store


@pytest.mark.parametrize(
    ("head", "run", "what", "fixed", "assumed"),
    [
        (NODE, "yarn install", "unpinned", "yarn install --immutable", 1),
        (NODE, "yarn", "unpinned", "yarn --immutable", 1),
        (NODE, "yarn install --immutable", "unpinned", None, 0),
        (NODE, "yarn install --no-immutable", "unpinned", None, 0),
        (NODE, "CI=1 yarn install", "unpinned", None, 0),
        (NODE + "RUN rm yarn.lock\n", "yarn", "unpinned", None, 0),
        (NODE, f"{MOUNT}yarn install && yarn cache clean", "defeated", f"{MOUNT}yarn install", 0),
        (NODE, "yarn install && yarn cache clean", "defeated", None, 0),
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
        (NODE, "YARN_ENABLE_NETWORK=0 yarn", "YARN_ENABLE_NETWORK=0", "YARN_ENABLE_NETWORK=1 yarn"),
        (NODE + "ENV YARN_ENABLE_NETWORK=false\n", "yarn", "YARN_ENABLE_NETWORK=false", "YARN_ENABLE_NETWORK=1 yarn"),
        (NODE, "yarn", "", "yarn"),
    ],
)
def test_offline(tmp_path: Path, head: str, run: str, offline: str, online: str) -> None:
    case, found = use_of(tmp_path, f"{head}RUN {run}\n")
    assert (found.offline, found.takes, found.fills) == (offline, bool(offline), not offline)
    assert apply(case.data, found.online).decode().rpartition("RUN ")[2].rstrip() == online


@pytest.mark.parametrize("run", ["yarn -v", "yarn build", "yarn install --mode=update-lockfile", "corepack enable"])
def test_not_about_packages(tmp_path: Path, run: str) -> None:
    assert use_of(tmp_path, f"{NODE}RUN {run}\n")[1] == Use()
