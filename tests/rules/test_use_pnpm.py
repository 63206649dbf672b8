"""pnpm: where the store is, and which words only look offline or pinned."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from node_case import NodeCase

from dockerlayer.api import Use
from dockerlayer.findings import apply
from dockerlayer_rules.pnpm import ecosystem

NAIVE = Path(__file__).parents[2] / "fixtures" / "pnpm" / "naive"
NODE = "FROM node:22\nRUN npm i -g pnpm@10.34.9\nWORKDIR /app\nCOPY . .\n"
STORE = "/root/.local/share/pnpm/store"
MOUNT = f"--mount=type=cache,target={STORE} "


def use_of(root: Path, dockerfile: str) -> tuple[NodeCase, Use | None]:
    """What the last RUN's first call of pnpm does with packages."""
    shutil.copytree(NAIVE, root, ignore=shutil.ignore_patterns("expected"), dirs_exist_ok=True)
    case = NodeCase(root, ecosystem, dockerfile, {})
    used = case.survey.uses([step for step in case.survey.analysis.build.steps() if step.name == "run"][-1])
    return case, used[0].use if used else None


@pytest.mark.parametrize(
    ("head", "run", "store"),
    [
        (NODE, "pnpm install", STORE),
        (NODE, "pnpm fetch", STORE),
        (NODE, "pnpm install --store-dir /s", "/s"),
        (NODE, "pnpm install --store-dir=s", "/app/s"),
        (NODE + "ENV PNPM_HOME=/pnpm\n", "pnpm install", "/pnpm/store"),
        (NODE + "ENV XDG_DATA_HOME=/d\n", "pnpm install", "/d/pnpm/store"),
        (NODE, "npm_config_store_dir=/s pnpm install", "/s"),
        (NODE.replace("10.34.9", "11.0.0"), "npm_config_store_dir=/s pnpm install", STORE),
        (NODE.replace("10.34.9", "11.0.0"), "pnpm_config_store_dir=/s pnpm install", "/s"),
        (NODE, "pnpm config set store-dir /s && pnpm install", "/s"),
        (NODE + "USER node\n", "pnpm install", "/home/node/.local/share/pnpm/store"),
        (NODE + "USER app\n", "pnpm install", ""),
    ],
)
def test_stores(tmp_path: Path, head: str, run: str, store: str) -> None:
    case, _ = use_of(tmp_path, f"{head}RUN {run}\n")
    step = [step for step in case.survey.analysis.build.steps() if step.name == "run"][-1]
    assert (case.survey.uses(step)[-1].use.stores or ("",))[0] == store


@pytest.mark.parametrize(
    ("head", "run", "what", "fixed"),
    [
        (NODE, "pnpm install", "unpinned", "pnpm install --frozen-lockfile"),
        (NODE, "pnpm i --prod", "unpinned", "pnpm i --frozen-lockfile --prod"),
        (NODE, "pnpm install --frozen-lockfile", "unpinned", None),
        (NODE, "CI=true pnpm install", "unpinned", None),
        (NODE, "pnpm install --no-frozen-lockfile", "unpinned", None),
        (NODE, "pnpm add ms", "unpinned", None),
        (NODE + "RUN pnpm add ms\n", "pnpm install", "unpinned", None),
        (NODE + "RUN pnpm fetch\n", "pnpm install --frozen-lockfile", "nominal",
         "pnpm install --offline --frozen-lockfile"),
        (NODE + "RUN pnpm fetch\n", "pnpm install --offline --frozen-lockfile", "nominal", None),
        (NODE + "RUN pnpm fetch\n", "pnpm install --prefer-offline --frozen-lockfile", "nominal", None),
        (NODE + f"RUN {MOUNT}pnpm fetch\n", "pnpm install --frozen-lockfile", "nominal", None),
        (NODE + "RUN pnpm fetch\nRUN rm -rf node_modules\n", "pnpm install --frozen-lockfile", "nominal", None),
        (NODE, f"{MOUNT}pnpm install --frozen-lockfile --prefer-offline", "nominal", None),
        (NODE, "pnpm install --frozen-lockfile --prefer-offline", "nominal", ""),
        (NODE, f"{MOUNT}pnpm install && pnpm store prune", "defeated", f"{MOUNT}pnpm install"),
        (NODE, "pnpm install && pnpm store prune", "defeated", None),
    ],
)  # fmt: skip
def test_words(tmp_path: Path, head: str, run: str, what: str, fixed: str | None) -> None:
    case, found = use_of(tmp_path, f"{head}RUN {run}\n")
    assert found is not None
    mend = getattr(found, what)
    if fixed is None:
        assert mend is None
    else:
        assert mend is not None
        text = apply(case.data, mend.edits).decode().rpartition("RUN ")[2].rstrip()
        assert text == fixed if fixed else not mend.edits


def test_offline(tmp_path: Path) -> None:
    case, found = use_of(tmp_path, f"{NODE}RUN pnpm install --offline --frozen-lockfile\n")
    assert found is not None
    assert (found.offline, found.takes, found.fills, found.leaves) == ("--offline", True, False, ("/app/node_modules",))
    assert apply(case.data, found.online).decode().endswith("pnpm install --prefer-offline --frozen-lockfile\n")


@pytest.mark.parametrize("run", ["pnpm -v", "pnpm run build", "pnpm install --lockfile-only", "corepack enable"])
def test_not_about_packages(tmp_path: Path, run: str) -> None:
    assert use_of(tmp_path, f"{NODE}RUN {run}\n")[1] is None
