"""npm: which command lines fetch, what kind of fetch each is, and why some are refused at once."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from node_case import NodeCase

from dockerlayer_rules.npm import ecosystem

NAIVE = Path(__file__).parents[2] / "fixtures" / "npm" / "naive"


@pytest.mark.parametrize(
    ("command", "kind"),
    [
        ("npm ci", "install"),
        ("npm clean-install", "install"),
        ("npm ic", "install"),
        ("npm install", "install"),
        ("npm i --production", "install"),
        ("npm add", "install"),
        ("npm cit", "install"),
        ("npm install-test", "install"),
        ("npm ci --omit=dev", "install"),
        ("npm --loglevel error ci", "install"),
        ("npm -s ci", "install"),
        ("npm --prefix . ci", "install"),
        ("npm -C /app install", "install"),
        ("npm ci --prefix=/app", "install"),
        ("NODE_ENV=production npm ci", "install"),
        ("env CI=1 npm ci", "install"),
        ("/usr/local/bin/npm ci", "install"),
        ("npm ci || npm install", "install, install"),
        ("npm install -g pnpm", "tool"),
        ("npm i --global npm@11 typescript", "tool"),
        ("npm install --location=global corepack", "tool"),
        ("npm install express", "install: named-packages"),
        ("npm i ./lib", "install: local-path"),
        ("npm i $PACKAGES", "install: local-path"),
        ("npm install -g ./tool.tgz", "install: local-path"),
        ("npm --prefix web ci", "install: not-in-context"),
        ("npm install --no-package-lock", "install: no-lockfile"),
        ("npm", None),
        ("npm -v", None),
        ("npm help install", None),
        ("npm ci --help", None),
        ("npm ci --offline", None),
        ("npm ci --dry-run", None),
        ("npm install --package-lock-only", None),
        ("NPM_CONFIG_OFFLINE=true npm ci", None),
        ("npm run build", None),
        ("npm test", None),
        ("npm config set fund false", None),
        ("npm cache clean --force", None),
        ("npm prune --omit=dev", None),
        ("npm init -y", None),
        ("npm exec -- tsc", None),
        ("npm install -g", None),
        ("npx tsc", None),
        ("echo npm ci", None),
    ],
)
def test_spellings(tmp_path: Path, command: str, kind: str | None) -> None:
    shutil.copytree(NAIVE, tmp_path, ignore=shutil.ignore_patterns("expected"), dirs_exist_ok=True)
    case = NodeCase(tmp_path, ecosystem, f"FROM node:22\nWORKDIR /app\nCOPY . .\nRUN {command}\n", {})
    found = (f"{fetch.kind}: {fetch.blocked.code}" if fetch.blocked else fetch.kind for fetch in case.fetches)
    assert (", ".join(found) or None) == kind
