"""npm: what a call does with npm's cache, where that is, and which words only look offline or pinned."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from node_case import NodeCase

from dockerlayer.api import Mend, Use
from dockerlayer.findings import apply
from dockerlayer_rules._npmlock import proof_of, satisfies
from dockerlayer_rules.npm import ecosystem

NAIVE = Path(__file__).parents[2] / "fixtures" / "npm" / "naive"
NODE = "FROM node:22\nWORKDIR /app\nCOPY . .\n"


def case_of(root: Path, dockerfile: str, files: dict[str, str | bytes] | None = None) -> NodeCase:
    """A Dockerfile in the context of the naive case."""
    shutil.copytree(NAIVE, root, ignore=shutil.ignore_patterns("expected"), dirs_exist_ok=True)
    return NodeCase(root, ecosystem, dockerfile, files or {})


def use_of(case: NodeCase) -> Use | None:
    """What the last RUN's last call of npm does with packages."""
    steps = [step for step in case.survey.analysis.build.steps() if step.name == "run"]
    used = case.survey.uses(steps[-1])
    return used[-1].use if used else None


def mended(case: NodeCase, mend: Mend | None) -> str:
    """The last RUN as a fix writes it."""
    assert mend is not None
    return apply(case.data, mend.edits).decode().partition("RUN ")[2].rstrip()


@pytest.mark.parametrize(
    ("head", "run", "store"),
    [
        (NODE, "npm ci", "/root/.npm"),
        (NODE, "npm ci --cache /c", "/c"),
        (NODE, "npm ci --cache=.c", "/app/.c"),
        (NODE, "npm ci --cache=~/c", "/root/c"),
        (NODE, "npm_config_cache=/c npm ci", "/c"),
        (NODE, "NPM_CONFIG_CACHE=c npm ci", "/app/c"),
        (NODE + "ENV npm_config_cache=/c\n", "npm ci", "/c"),
        (NODE + "ARG DIR\nENV npm_config_cache=$DIR\n", "npm ci", ""),
        (NODE, "npm config set cache /set && npm ci", "/set"),
        (NODE, "npm config set cache=/set --global && npm ci", "/set"),
        (NODE + "ENV HOME=/h\n", "npm ci", "/h/.npm"),
        (NODE + "USER node\n", "npm ci", "/home/node/.npm"),
        (NODE + "USER 1000:1000\n", "npm ci", "/home/node/.npm"),
        (NODE + "USER root\n", "npm ci", "/root/.npm"),
        (NODE + "USER app\n", "npm ci", ""),
        (NODE + "RUN useradd -m app\nUSER app\n", "npm ci", "/home/app/.npm"),
        (NODE + "RUN useradd -d /srv/app -m app\nUSER app\n", "npm ci", "/srv/app/.npm"),
        (NODE + "RUN adduser --system --group app\nUSER app\n", "npm ci", ""),
        (NODE + "RUN adduser -D -H app\nUSER app\n", "npm ci", "/home/app/.npm"),
        (NODE.replace("node:22", "registry.example.com/base"), "npm ci", ""),
        (NODE.replace("node:22", "registry.example.com/base") + "USER 0\n", "npm ci", ""),
        (NODE.replace("node:22", "node:22 AS base\nUSER node\nFROM base"), "npm ci", "/home/node/.npm"),
        (NODE, "sudo -u node npm ci", ""),
        (NODE, "npm --userconfig /x ci", ""),
        (NODE, "npm install -g pnpm", "/root/.npm"),
    ],
)
def test_stores(tmp_path: Path, head: str, run: str, store: str) -> None:
    found = use_of(case_of(tmp_path, f"{head}RUN {run}\n"))
    assert found is not None
    assert (found.stores or ("",))[0] == store


def test_store_of_settings_file(tmp_path: Path) -> None:
    found = use_of(case_of(tmp_path, f"{NODE}RUN npm ci\n", {".npmrc": "; cache=/no\ncache = ./.c\n"}))
    assert found is not None
    assert found.stores == ("/app/.c",)


@pytest.mark.parametrize(
    ("run", "offline", "online"),
    [
        ("npm ci", "", None),
        ("npm ci --prefer-offline", "", None),
        ("npm ci --offline", "--offline", "npm ci --prefer-offline"),
        ("npm_config_offline=true npm ci", "npm_config_offline=true", "npm_config_offline=false npm ci"),
        ("npm install --no-audit --offline", "--offline", "npm install --no-audit --prefer-offline"),
    ],
)
def test_offline(tmp_path: Path, run: str, offline: str, online: str | None) -> None:
    case = case_of(tmp_path, f"{NODE}RUN {run}\n")
    found = use_of(case)
    assert found is not None
    assert (found.offline, found.takes, found.fills) == (offline, bool(offline), not offline)
    assert found.leaves == ("/app/node_modules",)
    if online is not None:
        assert apply(case.data, found.online).decode().partition("RUN ")[2].rstrip() == online


@pytest.mark.parametrize(
    "run",
    [
        "npm -v",
        "npm run build",
        "npm test",
        "npm ci --dry-run",
        "npm install --package-lock-only",
        "npm cache clean -f",
    ],
)
def test_not_about_packages(tmp_path: Path, run: str) -> None:
    assert use_of(case_of(tmp_path, f"{NODE}RUN {run}\n")) is None


MOUNT = "--mount=type=cache,target=/root/.npm "


@pytest.mark.parametrize(
    ("run", "fixed"),
    [
        (f"{MOUNT}npm ci && npm cache clean --force", f"{MOUNT}npm ci"),
        (
            f"{MOUNT}npm ci \\\n  && npm cache clean --force \\\n  && npm run build",
            f"{MOUNT}npm ci \\\n  && npm run build",
        ),
        (f"{MOUNT}npm cache clean --force && npm ci", f"{MOUNT}npm ci"),
        (f"{MOUNT}npm ci; npm cache clean -f", f"{MOUNT}npm ci"),
        (f"{MOUNT}npm ci && rm -rf /root/.npm/_cacache /root/.npm/*", f"{MOUNT}npm ci"),
        ("--mount=type=cache,target=/root npm ci && npm cache clean --force", "--mount=type=cache,target=/root npm ci"),
        ("npm ci && npm cache clean --force", None),
        ("--mount=type=cache,target=/app/.cache npm ci && npm cache clean --force", None),
        (f"{MOUNT}npm ci && npm cache clean", None),
        (f"{MOUNT}npm ci && npm cache verify", None),
        (f"{MOUNT}npm ci && rm -rf /tmp/*", None),
        (f"{MOUNT}npm ci --no-cache", None),
    ],
)
def test_defeated(tmp_path: Path, run: str, fixed: str | None) -> None:
    case = case_of(tmp_path, f"{NODE}RUN {run}\n")
    steps = [step for step in case.survey.analysis.build.steps() if step.name == "run"]
    used = case.survey.uses(steps[-1])[0].use
    if fixed is None:
        assert used.defeated is None
    else:
        assert mended(case, used.defeated) == fixed


def test_what_cannot_be_left_out_is_told(tmp_path: Path) -> None:
    case = case_of(tmp_path, f"{NODE}RUN {MOUNT}npm ci && npm cache clean --force || true\n")
    assert case.survey.uses(next(s for s in case.survey.analysis.build.steps() if s.name == "run"))[0].use.defeated


def test_old_npm_and_no_cache(tmp_path: Path) -> None:
    case = case_of(tmp_path, f"{NODE.replace('22', '14')}RUN npm ci --no-cache --silent\n")
    found = use_of(case)
    assert found is not None
    assert mended(case, found.defeated) == "npm ci --silent"


@pytest.mark.parametrize(
    ("head", "run", "told"),
    [
        (NODE, "npm ci --prefer-offline", True),
        (NODE, "npm i -g npm@11 && npm ci --prefer-offline", True),
        (NODE, "npm ci", False),
        (NODE, f"{MOUNT}npm ci --prefer-offline", False),
        (NODE + "RUN npm cache add ms\n", "npm ci --prefer-offline", False),
        (NODE + "RUN npm ci\n", "npm ci --omit=dev --prefer-offline", False),
        (NODE + "COPY --from=cache /root/.npm /root/.npm\n", "npm ci --prefer-offline", False),
        (NODE.replace("node:22", "registry.example.com/node"), "npm ci --prefer-offline", False),
        (NODE + "USER app\n", "npm ci --prefer-offline", False),
    ],
)
def test_nothing_to_prefer(tmp_path: Path, head: str, run: str, told: bool) -> None:
    found = use_of(case_of(tmp_path, f"{head}RUN {run}\n"))
    assert found is not None
    assert (found.nominal is not None) is told


AGREES = "package-lock.json agrees with package.json for the image's npm: npm ci stops the build if it does not"


@pytest.mark.parametrize(
    ("head", "run", "fixed", "assumptions"),
    [
        (NODE, "npm install", "npm ci", ()),
        (NODE, "npm i --omit=dev --no-audit", "npm ci --omit=dev --no-audit", ()),
        (NODE, "npm install --save-exact", "npm ci --save-exact", ()),
        (NODE, "npm install --legacy-peer-deps", "npm ci --legacy-peer-deps", (AGREES,)),
        (NODE.replace("22", "14"), "npm install", "npm ci", (AGREES,)),
        (NODE, "npm ci", None, ()),
        (NODE, "npm ci || npm install", None, ()),
        (NODE, "npm install express", None, ()),
        (NODE, "npm install -g pnpm", None, ()),
        (NODE, "npm install --no-package-lock", None, ()),
        (NODE, "npm install -w packages/a", None, ()),
        (NODE, "rm package-lock.json && npm install", None, ()),
        (NODE, "npm pkg delete scripts.prepare && npm install", None, ()),
        (NODE, "npm install ms && npm install", None, ()),
        (NODE, "npm install --package-lock-only && npm install", "", ()),
        (NODE + "COPY --from=pruner /app/out .\n", "npm install", None, ()),
        (NODE.replace("COPY . .", "COPY package.json ./"), "npm install", None, ()),
    ],
)
def test_unpinned(tmp_path: Path, head: str, run: str, fixed: str | None, assumptions: tuple[str, ...]) -> None:
    case = case_of(tmp_path, f"{head}RUN {run}\n")
    found = use_of(case)
    assert found is not None
    if fixed is None:
        assert found.unpinned is None
    elif fixed:
        assert mended(case, found.unpinned) == fixed
        assert found.unpinned is not None
        assert found.unpinned.assumptions == assumptions


def test_lockfile_apart_is_told_only(tmp_path: Path) -> None:
    manifest = json.loads((NAIVE / "package.json").read_text())
    manifest["dependencies"]["another"] = "^1.0.0"
    found = use_of(case_of(tmp_path, f"{NODE}RUN npm install\n", {"package.json": json.dumps(manifest)}))
    assert found is not None
    assert found.unpinned is not None
    assert "does not agree" in found.unpinned.message
    assert not found.unpinned.edits


@pytest.mark.parametrize(
    ("head", "run", "told"),
    [
        (NODE + "RUN npm ci\n", "npm ci", True),
        (NODE, "npm ci && npm ci", True),
        (NODE + "RUN npm ci\nCOPY . .\n", "npm ci", False),
        (NODE + "RUN npm ci\nENV NODE_ENV=production\n", "npm ci", False),
        (NODE + "RUN npm ci\n", "npm ci --omit=dev", False),
        (NODE, "npm ci || npm ci", False),
        (NODE + "RUN npm ci && npm run build\n", "npm ci", False),
    ],
)
def test_redundant(tmp_path: Path, head: str, run: str, told: bool) -> None:
    found = use_of(case_of(tmp_path, f"{head}RUN {run}\n"))
    assert found is not None
    assert (found.redundant is not None) is told


@pytest.mark.parametrize(
    ("version", "wanted", "fits"),
    [
        ("1.2.3", "^1.0.0", True),
        ("1.2.3", "^1.3.0", False),
        ("2.0.0", "^1.0.0", False),
        ("0.2.9", "^0.2.3", True),
        ("0.3.0", "^0.2.3", False),
        ("0.0.4", "^0.0.3", False),
        ("0.4.0", "^0", True),
        ("1.2.9", "~1.2.3", True),
        ("1.3.0", "~1.2.3", False),
        ("1.9.0", "~1", True),
        ("1.2.3", "1.2.3", True),
        ("1.2.4", "1.2.3", False),
        ("1.2.3", "1.x", True),
        ("1.2.3", "*", True),
        ("3.0.0", ">=2", True),
        ("3.0.0", "^1.0.0 || ^3.0.0", True),
        ("3.0.0", ">=1 <4", False),
        ("3.0.0-rc.1", "^3.0.0", False),
        ("3.0.0-rc.1", "3.0.0-rc.1", True),
        ("1.2.3", "npm:other@^1", False),
        ("", "", False),
    ],
)
def test_ranges_that_certainly_hold(version: str, wanted: str, fits: bool) -> None:
    assert satisfies(version, wanted) is fits


@pytest.mark.parametrize(
    ("inner", "proof"),
    [
        ({"version": "2.0.0", "dependencies": {"b": "^1.0.0"}}, "agrees"),
        ({"version": "2.0.0", "dependencies": {"b": "^2.0.0"}}, "unknown"),
        ({"version": "2.0.0", "dependencies": {"c": "*"}}, "unknown"),
        ({"version": "2.0.0", "peerDependencies": {"c": "*"}}, "unknown"),
        (
            {"version": "2.0.0", "peerDependencies": {"c": "*"}, "peerDependenciesMeta": {"c": {"optional": True}}},
            "agrees",
        ),
        ({"version": "1.0.0"}, "unknown"),
    ],
)
def test_proof_of_lockfile(inner: dict[str, object], proof: str) -> None:
    manifest = {"dependencies": {"a": "^2.0.0"}}
    packages = {"": manifest, "node_modules/a": inner, "node_modules/b": {"version": "1.4.0"}}
    assert proof_of({"packages": packages}, {"": manifest}) == proof
    assert proof_of({"packages": packages}, {"": {"dependencies": {"a": "^3.0.0"}}}) == "apart"
