"""npm: how an install that needs the source becomes a download of what the lockfile lists, and why it does not."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from node_case import NodeCase, as_json

from dockerlayer.api import Effect
from dockerlayer_rules._node import node_image
from dockerlayer_rules.npm import ecosystem

MANIFEST = {"name": "a", "version": "1.0.0", "scripts": {"postinstall": "node x.js"}, "dependencies": {"ms": "2.1.3"}}
ROOT = {"name": "a", "version": "1.0.0", "dependencies": {"ms": "2.1.3"}}
MS = {"version": "2.1.3", "resolved": "https://registry.example.com/ms/-/ms-2.1.3.tgz", "integrity": "sha512-x"}
PLAIN = {key: value for key, value in MANIFEST.items() if key != "scripts"}


def lock(**packages: object) -> str:
    return as_json({"lockfileVersion": 3, "packages": {"": ROOT, "node_modules/ms": MS, **packages}})


def case(root: Path, run: str, files: dict[str, str | bytes] | None = None, *, image: str = "node:22") -> NodeCase:
    files = {"package.json": as_json(MANIFEST), "package-lock.json": lock(), "x.js": "", **(files or {})}
    return NodeCase(root, ecosystem, f"FROM {image}\nWORKDIR /app\nCOPY . .\n{run}\n", files)


@pytest.mark.parametrize(
    ("command", "line"),
    [
        ("npm ci", "npm ci --prefer-offline --no-audit"),
        ("npm install", "npm install --prefer-offline --no-audit"),
        ("npm i --omit=dev", "npm i --prefer-offline --no-audit --omit=dev"),
        ("npm ci --only production -s", "npm ci --prefer-offline --no-audit --only production -s"),
        ("npm --loglevel error ci", "npm --loglevel error ci --prefer-offline --no-audit"),
        ("npm ci --no-audit", "npm ci --prefer-offline --no-audit"),
        ("npm ci --prefer-offline", "npm ci --no-audit --prefer-offline"),
        ("npm ci --prefer-offline --audit-level=high", "npm ci --prefer-offline --audit-level=high"),
        ("npm cit", "npm cit --prefer-offline --no-audit"),
        ("npm clean-install --prefix .", "npm clean-install --prefer-offline --no-audit --prefix ."),
    ],
)
def test_spellings(tmp_path: Path, command: str, line: str) -> None:
    found = case(tmp_path, f"RUN {command}")
    assert found.last_line().replace(" --no-audit --no-audit", " --no-audit") == f"RUN {line}"


@pytest.mark.parametrize(
    ("command", "code"),
    [
        ("npm ci -w web", "partial-install"),
        ("npm ci --cpu=arm64", "untried-option"),
        ("npm ci --cache /tmp/x", "untried-option"),
        ("npm ci --registry=$REGISTRY", "odd-words"),
        ("NPM_TOKEN=$TOKEN npm ci", "variable-environment"),
        ("env NPM_TOKEN=x npm ci", "wrapped"),
        ("/usr/bin/npm ci", "another-npm"),
        ("npm ci && npm cache clean --force", "cleanup-in-same-run"),
        ("npm ci && rm -rf ~/.npm", "cleanup-in-same-run"),
        ("npm_config_cache=.npm npm ci", "cache-in-project"),
    ],
)
def test_refusals(tmp_path: Path, command: str, code: str) -> None:
    found = case(tmp_path, f"RUN {command}")
    assert found.outcome() == f"install: {code}"
    assert found.fetches[0].no_narrow is not None


def test_carried_settings(tmp_path: Path) -> None:
    command = "NPM_CONFIG_X='a b' CI=1 npm ci --registry https://registry.example.com --maxsockets=3"
    (fetch,) = case(tmp_path, f"RUN {command}", {".npmrc": ""}).fetches
    assert fetch.split is not None
    assert fetch.split.download.startswith("NPM_CONFIG_X='a b' node -e '")
    assert '"--registry","https://registry.example.com","--maxsockets=3"' in fetch.split.download
    assert fetch.split.needs == ("package-lock.json", ".npmrc")


@pytest.mark.parametrize(
    ("files", "offline"),
    [
        ({}, True),
        ({"package-lock.json": lock(**{"node_modules/x": {**MS, "hasInstallScript": True}})}, False),
        ({"package-lock.json": lock(**{"node_modules/x": {"version": "1.0.0"}})}, False),
        ({".npmrc": "fund=false"}, False),
        ({"package.json": as_json({**PLAIN, "scripts": {"prepare": "husky"}})}, False),
        ({"binding.gyp": "{}"}, False),
    ],
)
def test_offline_where_nothing_asks(tmp_path: Path, files: dict[str, str | bytes], offline: bool) -> None:
    given = {"package.json": as_json(PLAIN), "node_modules/ms/index.js": "", **files}
    assert ("--offline" in case(tmp_path, "RUN npm ci", given).last_line()) is offline


@pytest.mark.parametrize(
    ("image", "code"),
    [
        ("node:14", "old-npm"),
        ("node:fermium-slim", "old-npm"),
        ("library/node:12-alpine", "old-npm"),
        ("node:16", ""),
        ("node", ""),
        ("node:lts-alpine", ""),
        ("node:current", ""),
        ("public.ecr.aws/docker/library/node:20@sha256:0", ""),
    ],
)
def test_images(tmp_path: Path, image: str, code: str) -> None:
    found = case(tmp_path, "RUN npm ci", image=image)
    assert found.outcome() == (f"install: {code}" if code else "install: split")
    assert not found.fetches[0].unproven


@pytest.mark.parametrize("image", ["debian", "my/node:20", "node-red:4", "ghcr.io/x/node:22", "node:$VERSION"])
def test_unknown_images(tmp_path: Path, image: str) -> None:
    assert node_image(image) is None
    (fetch,) = case(tmp_path, "RUN npm ci", image=image).fetches
    assert fetch.unproven


@pytest.mark.parametrize(
    ("above", "found"),
    [
        ("RUN npm i -g npm@10", "install: split"),
        ("RUN npm i -g npm@6", "install: old-npm"),
        ("RUN npm i -g npm@latest", "install: split"),
    ],
)
def test_npm_of_its_own(tmp_path: Path, above: str, found: str) -> None:
    assert case(tmp_path, f"{above}\nRUN npm ci", image="debian").outcome() == found


LISTED = "node -p 'Object.keys(require(\"./package-lock.json\").packages)'"


@pytest.mark.parametrize(
    ("above", "command", "silent"),
    [
        (f"RUN {LISTED} | xargs npm cache add", "npm ci", True),
        (f"RUN {LISTED} > /tmp/x && xargs npm cache add < /tmp/x", "npm ci --prefer-offline", True),
        (f"RUN --mount=type=cache,target=/root/.npm {LISTED} | xargs npm cache add", "npm ci", False),
        (f"RUN cd /tmp && {LISTED} | xargs npm cache add", "npm ci", False),
        ("RUN npm cache add ms@2.1.3", "npm ci", False),
        ("RUN npm cache add ms@2.1.3", "npm ci --prefer-offline", True),
        (f"RUN {LISTED.replace('.packages', '.packages.filter(p=>!p.dev)')} | xargs npm cache add", "npm ci", False),
        (f"RUN {LISTED.replace('.packages', '.packages.filter(p=>!p.dev)')} | xargs npm cache add",
         "npm ci --omit=dev", True),
        ("COPY --from=deps /root/.npm /root/.npm", "npm ci --prefer-offline", True),
        ("COPY --from=deps /root/.npm /root/.npm", "npm ci", False),
    ],
)  # fmt: skip
def test_filled_cache(tmp_path: Path, above: str, command: str, silent: bool) -> None:
    assert (case(tmp_path, f"{above}\nRUN {command}").outcome() == "nothing") is silent


def test_the_split_is_silent_afterwards(tmp_path: Path) -> None:
    (fetch,) = case(tmp_path, "RUN npm ci").fetches
    assert fetch.split is not None
    assert case(tmp_path, f"RUN {fetch.split.download}\nRUN npm ci --prefer-offline").outcome() == "nothing"


@pytest.mark.skipif(shutil.which("node") is None, reason="no node")
def test_what_the_download_lists(tmp_path: Path) -> None:
    """The line of JavaScript calls npm with everything that this system needs, and fails where there is nothing."""
    entries: dict[str, object] = {
        "packages/a": {"name": "a"},
        "node_modules/a": {"resolved": "packages/a", "link": True},
        "node_modules/b": {"version": "1.0.0"},
        "packages/a/node_modules/c": {"version": "2.0.0", "name": "real"},
        "node_modules/@x/win": {"version": "1.0.0", "os": ["no-system"]},
        "node_modules/@x/cpu": {"version": "1.0.0", "cpu": ["no-processor"]},
        "node_modules/@x/not": {"version": "1.0.0", "os": ["!win32"]},
        "node_modules/in": {"version": "1.0.0", "inBundle": True},
        "node_modules/dev": {"version": "1.0.0", "dev": True},
        "node_modules/tgz": {"resolved": "file:x.tgz"},
    }
    files: dict[str, str | bytes] = {"package-lock.json": lock(**entries), "packages/a/package.json": "{}", "x.tgz": ""}
    (fetch,) = case(tmp_path, "RUN npm ci --omit=dev", files).fetches
    assert fetch.split is not None
    npm = tmp_path / "bin/npm"
    npm.parent.mkdir()
    npm.write_text('#!/bin/sh\necho "$@"\n[ $# -gt 5 ]\n', "utf-8")
    npm.chmod(0o755)

    def run() -> subprocess.CompletedProcess[str]:
        command = f"PATH={npm.parent}:$PATH; {fetch.split.download if fetch.split else ''}"
        return subprocess.run(["sh", "-c", command], cwd=tmp_path, capture_output=True, text=True, check=False)

    done = run()
    assert (
        done.stdout.split()
        == (
            "cache add --allow-remote=all --prefix . https://registry.example.com/ms/-/ms-2.1.3.tgz b@1.0.0 real@2.0.0 "
            "@x/not@1.0.0"
        ).split()
    ), done.stderr
    many = {f"node_modules/p{number}": {"version": "1.0.0"} for number in range(2500)}
    (tmp_path / "package-lock.json").write_text(lock(**many), "utf-8")
    assert [line.count("@1.0.0") for line in run().stdout.splitlines()] == [998, 999, 503]
    for empty in ({"lockfileVersion": 3, "packages": {"": ROOT}}, {"lockfileVersion": 1, "dependencies": {}}, {}):
        (tmp_path / "package-lock.json").write_text(json.dumps(empty), "utf-8")
        assert run().returncode != 0


@pytest.mark.parametrize(
    "packages",
    [
        {"node_modules/x": None},
        {"node_modules/x": {"version": "1.0.0", "resolved": 1}},
        {"node_modules/x": {"version": "1.0.0", "resolved": ["https://x"]}},
        {"node_modules/x": {"version": "1.0.0", "resolved": "https://x/'; rm -rf /'"}},
        {"node_modules/x": []},
    ],
)
def test_hostile_lockfiles(tmp_path: Path, packages: dict[str, object]) -> None:
    found = case(tmp_path, "RUN npm ci", {"package-lock.json": lock(**packages)})
    assert found.outcome() == "install: bad-lockfile"


@pytest.mark.parametrize("data", [b"", b"[" * 200_000, b"null", b"\xff\xfe", b'{"packages": []}', b'{"packages": 1}'])
@pytest.mark.parametrize("name", ["package-lock.json", "package.json", ".npmrc"])
def test_hostile_files(tmp_path: Path, name: str, data: bytes) -> None:
    assert len(case(tmp_path, "RUN npm ci", {name: data}).fetches) < 2


def test_members(tmp_path: Path) -> None:
    manifest = as_json({**PLAIN, "workspaces": ["packages/*"]})
    files = {"package.json": manifest, "packages/a/package.json": as_json({"name": "b"})}
    (fetch,) = case(tmp_path, "RUN npm ci", files).fetches
    assert fetch.members == ("packages/a/package.json",)
    assert fetch.without_member
    assert fetch.split is None


@pytest.mark.parametrize(
    ("run", "system"),
    [("npm ci", False), ("npm install", True)],
)
def test_what_a_plain_install_writes(tmp_path: Path, run: str, system: bool) -> None:
    (fetch,) = case(tmp_path, f"RUN {run}", {"package.json": as_json(PLAIN)}).fetches
    assert fetch.system is system
    assert ("/root/.npm" in fetch.writes) is not system


def test_effect_of_an_offline_install(tmp_path: Path) -> None:
    (effect,) = case(tmp_path, "RUN npm ci --offline").effects
    assert effect is not None
    assert not effect.commutes(Effect(writes=("/app/package.json",)))
    assert effect.commutes(Effect(writes=("/srv/other",)))
