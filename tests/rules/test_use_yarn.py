"""Yarn Classic: where the cache is, and which words only look offline or pinned."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from node_case import NodeCase

from dockerlayer.api import Use
from dockerlayer.findings import apply
from dockerlayer_rules.yarn import ecosystem

NAIVE = Path(__file__).parents[2] / "fixtures" / "yarn" / "naive"
NODE = "FROM node:22\nWORKDIR /app\nCOPY . .\n"
STORE = "/usr/local/share/.cache/yarn"
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
        (NODE, "yarn", STORE),
        (NODE, "yarn --cache-folder /c", "/c"),
        (NODE, "yarn install --cache-folder=c", "/app/c"),
        (NODE + "ENV YARN_CACHE_FOLDER=/c\n", "yarn", "/c"),
        (NODE + "ENV XDG_CACHE_HOME=/c\n", "yarn", "/c/yarn"),
        (NODE + "RUN yarn config set cache-folder /c\n", "yarn", "/c"),
        (NODE + "USER node\n", "yarn", "/home/node/.cache/yarn"),
        (NODE + "USER app\n", "yarn", ""),
        (NODE, "yarn global add serve", STORE),
    ],
)
def test_stores(tmp_path: Path, head: str, run: str, store: str) -> None:
    assert (use_of(tmp_path, f"{head}RUN {run}\n")[1].stores or ("",))[0] == store


@pytest.mark.parametrize(
    ("head", "run", "what", "fixed", "assumed"),
    [
        (NODE, "yarn install", "unpinned", "yarn install --frozen-lockfile", 0),
        (NODE, "yarn", "unpinned", "yarn --frozen-lockfile", 0),
        (NODE, "yarn --production", "unpinned", "yarn --production --frozen-lockfile", 0),
        (NODE.replace("node:22", "debian"), "yarn", "unpinned", "yarn --frozen-lockfile", 1),
        (NODE, "yarn --frozen-lockfile", "unpinned", None, 0),
        (NODE, "yarn --pure-lockfile", "unpinned", None, 0),
        (NODE, "yarn add ms", "unpinned", None, 0),
        (NODE + "RUN rm yarn.lock\n", "yarn", "unpinned", None, 0),
        (NODE, "yarn install || true", "unpinned", "yarn install --frozen-lockfile || true", 0),
        (NODE.replace(". .", "package.json ./"), "yarn", "unpinned", None, 0),
        (NODE, "yarn --frozen-lockfile --prefer-offline", "nominal", "", 0),
        (NODE, f"{MOUNT}yarn --prefer-offline", "nominal", None, 0),
        (NODE + "RUN yarn --ignore-scripts\n", "yarn --prefer-offline", "nominal", None, 0),
        (NODE, f"{MOUNT}yarn && yarn cache clean", "defeated", f"{MOUNT}yarn", 0),
        (NODE, f"{MOUNT}yarn && yarn cache clean ms", "defeated", None, 0),
        (NODE, "yarn && yarn cache clean", "defeated", None, 0),
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
        (NODE, "yarn --offline", "--offline", "yarn --prefer-offline"),
        (NODE, "yarn", "", "yarn"),
    ],
)
def test_offline(tmp_path: Path, head: str, run: str, offline: str, online: str) -> None:
    case, found = use_of(tmp_path, f"{head}RUN {run}\n")
    assert (found.offline, found.takes, found.fills) == (offline, bool(offline), not offline)
    assert apply(case.data, found.online).decode().rpartition("RUN ")[2].rstrip() == online


@pytest.mark.parametrize("run", ["yarn -v", "yarn build", "yarn cache dir", "yarn config set a b", "corepack enable"])
def test_not_about_packages(tmp_path: Path, run: str) -> None:
    assert use_of(tmp_path, f"{NODE}RUN {run}\n")[1] == Use()
