"""Both yarns: what each command line is, and what the readers take from their files."""

from __future__ import annotations

from pathlib import Path

import pytest
from yarn_case import (
    BOTH,
    HEADS,
    LOCKS,
    MANIFEST,
    OWN,
    SCRIPT,
    Files,
    berry,
    classic,
    effects_of,
    fetches,
    read,
    survey,
    workspace,
)

from dockerlayer.api import Ecosystem
from dockerlayer.findings import apply
from dockerlayer.model.effects import EVERYTHING, Effect
from dockerlayer_rules._yarnlock import read_lock


@pytest.mark.parametrize(
    ("command", "classic_kind", "berry_kind"),
    [
        ("yarn", "install", "install"),
        ("yarnpkg", "install", "install"),
        ("/usr/local/bin/yarn", "install", "install"),
        ("yarn install", "install", "install"),
        ("yarn install --immutable", "install", "install"),
        ("yarn --frozen-lockfile", "install", "install"),
        ("yarn install --production=true", "install", "install"),
        ("yarn --cwd /app install", "install", "install"),
        ("yarn install --network-timeout 100000", "install", "install"),
        ("corepack yarn install", "install", "install"),
        ("yarn install --frozen-lockfile --ignore-scripts", "install", "install"),
        ("yarn install --immutable --mode=skip-build", "install", "install"),
        ("yarn install --mode update-lockfile", "install", None),
        ("yarn add ms", "install", "install"),
        ("yarn up ms", None, "install"),
        ("yarn upgrade", "install", None),
        ("yarn upgrade ms", "install", None),
        ("yarn global add serve", "tool", None),
        ("yarn workspaces focus", None, "install"),
        ("yarn workspaces focus --all --production", None, "install"),
        ("yarn workspaces info", None, None),
        ("yarn workspace a add ms", None, None),
        ("yarn install --offline", None, "install"),
        ("YARN_ENABLE_NETWORK=0 yarn install", "install", None),
        ("YARN_ENABLE_NETWORK=false yarn install", "install", None),
        ("yarn install --help", None, None),
        ("yarn --version", None, None),
        ("yarn -v", None, None),
        ("yarn build", None, None),
        ("yarn run install", None, None),
        ("yarn exec install", None, None),
        ("yarn test", None, None),
        ("yarn start", None, None),
        ("yarn cache clean", None, None),
        ("yarn config set yarn-offline-mirror /m", None, None),
        ("yarn dlx cowsay", None, None),
        ("yarn create vite", None, None),
        ("yarn set version 4.18.1", None, None),
        ("corepack enable", None, None),
        ("corepack prepare yarn@4.18.1 --activate", None, None),
        ("./node_modules/.bin/yarn install", None, None),
        ('echo "yarn install"', None, None),
    ],
)
def test_spellings(tmp_path: Path, command: str, classic_kind: str | None, berry_kind: str | None) -> None:
    for which, kind in (("yarn", classic_kind), ("yarn-berry", berry_kind)):
        fetch = read(tmp_path / which, which, command)
        assert (fetch.kind if fetch is not None else None) == kind, which


@pytest.mark.parametrize(
    ("which", "command", "download", "install"),
    [
        (
            "yarn",
            "yarn",
            "yarn --frozen-lockfile --ignore-scripts",
            "yarn --offline --force --frozen-lockfile",
        ),
        (
            "yarn",
            "yarn install --force --frozen-lockfile --production --network-timeout 9",
            "yarn install --frozen-lockfile --ignore-scripts --production --network-timeout=9",
            "yarn install --offline --force --frozen-lockfile --production --network-timeout 9",
        ),
        (
            "yarn",
            "A=b corepack yarn install --frozen-lockfile",
            "A=b corepack yarn install --frozen-lockfile --ignore-scripts",
            "A=b corepack yarn install --offline --force --frozen-lockfile",
        ),
        (
            "yarn-berry",
            "yarn",
            "yarn --immutable --mode=skip-build",
            "YARN_ENABLE_NETWORK=0 yarn",
        ),
        (
            "yarn-berry",
            "corepack yarn install --immutable --inline-builds",
            "corepack yarn install --immutable --mode=skip-build",
            "YARN_ENABLE_NETWORK=0 corepack yarn install --immutable --inline-builds",
        ),
    ],
)
def test_splits(tmp_path: Path, which: str, command: str, download: str, install: str) -> None:
    fetch = read(tmp_path, which, command, {"package.json": SCRIPT})
    assert fetch is not None
    assert fetch.no_narrow is not None
    assert fetch.split is not None
    assert fetch.split.download == download
    data = f"{HEADS[which]}RUN {command}\n".encode()
    assert apply(data, fetch.split.edits).decode() == f"{HEADS[which]}RUN {install}\n"


@pytest.mark.parametrize(
    ("which", "command", "code"),
    [
        ("yarn", "yarn --flat", "unknown-option"),
        ("yarn", "yarn install $OPTIONS", "variable-options"),
        ("yarn", "TOKEN=$(cat /x) yarn", "variable-environment"),
        ("yarn", "yarn || yarn", "conditional"),
        ("yarn", "sudo yarn", "wrapped"),
        ("yarn", "yarn && yarn cache clean", "cleanup-in-same-run"),
        ("yarn", "yarn && rm -rf /usr/local/share/.cache", "cleanup-in-same-run"),
        ("yarn-berry", "yarn --immutable --check-cache", "unknown-option"),
        ("yarn-berry", "TOKEN=$(cat /x) yarn --immutable", "variable-environment"),
        ("yarn-berry", "yarn --immutable && yarn cache clean", "cleanup-in-same-run"),
        ("yarn-berry", "yarn workspaces focus", "no-split"),
    ],
)
def test_no_splits(tmp_path: Path, which: str, command: str, code: str) -> None:
    fetch = read(tmp_path, which, command, {"package.json": SCRIPT})
    assert fetch is not None
    assert fetch.split is None
    assert fetch.no_split is not None
    assert fetch.no_split.code == code


@pytest.mark.parametrize(
    ("head", "name"),
    [
        ("FROM node:22", "yarn"),
        ("FROM node:22\nRUN npm i -g yarn@1.22.22", "yarn"),
        ("FROM node:22\nRUN npm i -g yarn", "yarn"),
        ("FROM node:22\nRUN npm i -g --force @yarnpkg/cli-dist@4.18.1", "yarn-berry"),
        ("FROM node:22\nRUN corepack enable && corepack prepare yarn@1.22.22 --activate", "yarn"),
        ("FROM node:22\nRUN corepack enable && corepack prepare yarn@4.18.1 --activate", "yarn-berry"),
        ("FROM node:22\nRUN corepack enable && corepack prepare yarn@stable --activate", "yarn-berry"),
        ("FROM node:22\nRUN yarn set version berry", "yarn-berry"),
        ("FROM example/own", "yarn"),
    ],
)
def test_which_yarn(tmp_path: Path, head: str, name: str) -> None:
    found = fetches(survey(tmp_path, f"{head}\nWORKDIR /app\nCOPY . .\nRUN yarn\n", OWN["yarn"]))
    assert found[-1][0] == name


def test_members(tmp_path: Path) -> None:
    lock = (
        LOCKS["yarn-berry"] + '\n"a@workspace:packages/a":\n  version: 0.0.0\n  resolution: "a@workspace:packages/a"\n'
    )
    own: dict[str, Files] = {"yarn": {}, "yarn-berry": {"yarn.lock": lock}}
    expected = {"yarn": "installs nothing for it and exits 0", "yarn-berry": "fails (YN0028)"}
    for which, files in own.items():
        fetch = read(tmp_path / which, which, "yarn --frozen-lockfile", {**workspace(), **files})
        assert fetch is not None
        assert fetch.blocked is fetch.no_narrow is None
        assert fetch.members == ("packages/a/package.json",)
        assert fetch.without_member == expected[which]
        fetch = read(tmp_path / which, which, "yarn --frozen-lockfile", {**workspace(bin="a.js"), **files})
        assert fetch is not None
        assert fetch.no_narrow is not None
        assert fetch.no_narrow.code == "workspace-bin"
        assert fetch.split is not None


def test_programs_of_plug_n_play(tmp_path: Path) -> None:
    """They are found in the manifest when they are run, and linked nowhere."""
    manifest = MANIFEST.replace('"private"', '"bin": "a.js", "private"')
    for linker, code in (("pnp", None), ("node-modules", "workspace-bin")):
        files: Files = {"package.json": manifest, ".yarnrc.yml": f"nodeLinker: {linker}\n"}
        fetch = read(tmp_path, "yarn-berry", "yarn --immutable", files)
        assert fetch is not None
        assert (fetch.no_narrow.code if fetch.no_narrow else None) == code


@pytest.mark.parametrize(
    ("known", "command", "reads", "writes"),
    [
        (classic, "corepack enable", False, False),
        (classic, "corepack prepare yarn@1.22.22 --activate", False, False),
        (classic, "yarn --version", False, False),
        (classic, "yarn config set registry https://registry.example.com", False, False),
        (classic, "yarn install --offline --ignore-scripts", True, True),
        (berry, "yarn --version", False, False),
        (berry, "yarn config set --home enableTelemetry 0", False, False),
    ],
)
def test_effects(tmp_path: Path, known: Ecosystem, command: str, reads: bool, writes: bool) -> None:
    found = survey(tmp_path, f"{HEADS[known.name]}RUN {command}\n", OWN[known.name])
    effect = effects_of(found, known)[-1]
    assert effect is not None
    assert effect != EVERYTHING
    assert effect.commutes(Effect(writes=("/app/a.js",))) is not reads
    assert effect.commutes(Effect(reads=("/app/node_modules/ms",))) is not writes


@pytest.mark.parametrize("command", ["yarn build", "yarn exec a", "yarn dlx a", "yarn install", "corepack pack"])
def test_unknown_effects(tmp_path: Path, command: str) -> None:
    for known in BOTH:
        found = survey(tmp_path / known.name, f"{HEADS[known.name]}RUN {command}\n", OWN[known.name])
        assert effects_of(found, known)[-1] is None


def test_lock_of_classic() -> None:
    found = read_lock(LOCKS["yarn"].encode())
    assert (found.version, found.archives) == (1, 3)
    assert {"ms@2.1.3", "is-number@7.0.0"} <= found.keys
    assert found.names() == {"is-number", "left-pad", "ms"}
    lines = LOCKS["yarn"].splitlines(keepends=True)
    without = "".join(line for line in lines if not line.startswith("  resolved"))
    assert read_lock(without.encode()).archives == 3
    local = '\n"lib@file:./lib":\n  version "1.0.0"\n'
    assert read_lock((LOCKS["yarn"] + local).encode()).archives == 3
    twice = (
        '\n"a@npm:ms@2.1.3", "b@npm:ms@2.1.3":\n  version "2.1.3"\n  resolved "https://registry.example.com/c.tgz"\n'
    )
    assert read_lock((LOCKS["yarn"] + twice).encode()).archives == 4


def test_lock_of_berry() -> None:
    found = read_lock(LOCKS["yarn-berry"].encode())
    assert (found.version, found.archives) == (10, 3)
    assert found.workspaces == {".": {"is-number": "npm:7.0.0", "left-pad": "npm:1.3.0", "ms": "npm:2.1.3"}}
    for conditions, count in (("os=darwin", 2), ("os=linux & cpu=x64 & libc=glibc", 3), ("os=linux & cpu=arm64", 2)):
        text = LOCKS["yarn-berry"].replace(
            'resolution: "ms@npm:2.1.3"\n', f'resolution: "ms@npm:2.1.3"\n  conditions: {conditions}\n'
        )
        assert read_lock(text.encode()).archives == count
