"""Bun: which commands fetch, what they need, and files that hold anything."""

from __future__ import annotations

from pathlib import Path

import pytest
from node_case import NodeCase, as_json

from dockerlayer.api import Effect
from dockerlayer_rules._bunlock import count_locked, odd_setting, read_lock, strange
from dockerlayer_rules.bun import ecosystem

LOCK = """{
  "lockfileVersion": 1,
  "workspaces": {
    "": {
      "name": "a",
      "dependencies": {
        "ms": "2.1.3",
      },
    },
  },
  "packages": {
    "ms": ["ms@2.1.3", "", {}, "sha512-x"],
  }
}
"""
MANIFEST = {"name": "a", "dependencies": {"ms": "2.1.3"}}
SCRIPT = {**MANIFEST, "scripts": {"postinstall": "bun build.ts"}}


def case(
    root: Path, run: str, files: dict[str, str | bytes] | None = None, *, image: str = "oven/bun:1.4.5"
) -> NodeCase:
    files = {"package.json": as_json(MANIFEST), "bun.lock": LOCK, "app.ts": "", **(files or {})}
    return NodeCase(root, ecosystem, f"FROM {image}\nWORKDIR /app\nCOPY . .\n{run}\n", files)


@pytest.mark.parametrize(
    ("command", "outcome"),
    [
        ("bun install", "install: split"),
        ("bun i", "install: split"),
        ("bun ci", "install: split"),
        ("bun install --production", "install: split"),
        ("bun install -p --no-progress", "install: split"),
        ("bun --cwd /app install", "install: split"),
        ("bun install --frozen-lockfile --prefer-offline", "install: split"),
        ("time bun install", "install: split"),
        ("bun install --linker isolated", "install: split"),
        ("bun install --force", "install"),
        ("bun install --cache-dir /tmp/x", "install"),
        ("bun install --filter web", "install"),
        ("/usr/local/bin/bun install", "install"),
        ("bun pm fetch", "download"),
        ("bun add hono", "install: named-packages"),
        ("bun a hono", "install: named-packages"),
        ("bun install hono", "install: named-packages"),
        ("bun add -g serve", "tool"),
        ("bun install --global serve", "tool"),
        ("bun install --cwd $DIR", "install: not-in-context"),
        ("bun install --dry-run", "nothing"),
        ("bun install --lockfile-only", "nothing"),
        ("bun install --help", "nothing"),
        ("bun install --offline", "nothing"),
        ("bun pm fetch && bun install", "download"),
        ("bun run build", "nothing"),
        ("bun test", "nothing"),
        ("bun app.ts", "nothing"),
        ("bunx cowsay hi", "nothing"),
        ("bun x cowsay hi", "nothing"),
        ("bun pm ls", "nothing"),
        ("bun --version", "nothing"),
        ("bun upgrade", "nothing"),
        ("bun", "nothing"),
        ("bundle install", "nothing"),
    ],
)
def test_spellings(tmp_path: Path, command: str, outcome: str) -> None:
    assert case(tmp_path, f"RUN {command}").outcome() == outcome


@pytest.mark.parametrize(
    ("above", "image", "outcome"),
    [
        ("", "oven/bun:1.4.4", "install: split"),
        ("", "docker.io/oven/bun:1.4.5-alpine", "install: split"),
        ("", "oven/bun:1.5@sha256:0", "install: split"),
        ("", "oven/bun:v1.4.5", "install: split"),
        ("", "oven/bun:1.4.3", "install: old-bun"),
        ("", "oven/bun:1.3-slim", "install: old-bun"),
        ("", "oven/bun:canary", "install: split"),
        ("", "oven/bun", "install: split"),
        ("RUN npm i -g bun@1.4.5\n", "node:22", "install: split"),
        ("RUN npm i -g bun@1.2\n", "node:22", "install: old-bun"),
        ("RUN curl -fsSL https://bun.sh/install | bash -s bun-v1.3.0\n", "debian", "install: old-bun"),
        ("COPY --from=oven/bun:1.2.0 /usr/local/bin/bun /bin/\n", "debian", "install: old-bun"),
        ("RUN bun upgrade\n", "oven/bun:1.3", "install: split"),
    ],
)
def test_versions(tmp_path: Path, above: str, image: str, outcome: str) -> None:
    found = case(tmp_path, f"{above}RUN bun install", {"package.json": as_json(SCRIPT)}, image=image)
    assert found.outcome() == outcome


@pytest.mark.parametrize(("image", "assumed"), [("oven/bun:1.4.5", 0), ("oven/bun:1.4", 1), ("oven/bun:latest", 1)])
def test_assumed_version(tmp_path: Path, image: str, assumed: int) -> None:
    (fetch,) = case(tmp_path, "RUN bun ci", {"package.json": as_json(SCRIPT)}, image=image).fetches
    assert fetch.split is not None
    assert len(fetch.split.assumptions) == assumed
    assert fetch.no_narrow is not None


def test_split(tmp_path: Path) -> None:
    found = case(tmp_path, "RUN BUN_CONFIG_REGISTRY=x CI=1 bun install -p", {"bunfig.toml": "", ".npmrc": ""})
    (fetch,) = found.fetches
    assert fetch.split is not None
    assert fetch.split.download == "BUN_CONFIG_REGISTRY=x bun pm fetch"
    assert fetch.split.needs == ("package.json", "bun.lock", ".npmrc", "bunfig.toml")
    assert found.last_line() == "RUN BUN_CONFIG_REGISTRY=x CI=1 bun install --offline -p"


def test_drifted_lockfile_keeps_the_network(tmp_path: Path) -> None:
    drifted = {"package.json": as_json({**MANIFEST, "dependencies": {"ms": "2.1.2"}})}
    found = case(tmp_path, "RUN bun install", drifted)
    assert found.last_line() == "RUN bun install"
    assert found.fetches[0].assumptions
    assert case(tmp_path, "RUN bun install --frozen-lockfile", drifted).last_line().count("--offline") == 1


@pytest.mark.parametrize(
    ("above", "installs"),
    [
        ("RUN bun pm fetch", 0),
        ("RUN bun install --ignore-scripts", 1),
        ("RUN bun install --production", 2),
        ("RUN cd /tmp && bun pm fetch", 1),
        ("RUN bun pm fetch && rm -rf ~/.bun", 1),
        ("RUN --mount=type=cache,target=/root/.bun bun pm fetch", 1),
    ],
)
def test_filled_cache(tmp_path: Path, above: str, installs: int) -> None:
    fetches = case(tmp_path, f"{above}\nRUN bun install").fetches
    assert [fetch.kind for fetch in fetches].count("install") == installs


def test_members(tmp_path: Path) -> None:
    lock = LOCK.replace('"packages": {', '"packages": {\n    "b": ["b@workspace:b"],')
    files = {
        "package.json": as_json({**MANIFEST, "workspaces": ["b"]}),
        "b/package.json": as_json({"name": "b"}),
        "bun.lock": lock,
    }
    (fetch,) = case(tmp_path, "RUN bun install", files).fetches
    assert fetch.members == ("b/package.json",)
    assert fetch.without_member
    assert fetch.count == 1


@pytest.mark.parametrize(
    ("command", "reads", "writes"),
    [("bun --version", False, False), ("bun pm bin", False, False), ("bun install --offline", True, True)],
)
def test_effects(tmp_path: Path, command: str, reads: bool, writes: bool) -> None:
    (effect,) = case(tmp_path, f"RUN {command}").effects
    assert effect is not None
    assert effect.commutes(Effect(writes=("/app/package.json",))) is not reads
    assert effect.commutes(Effect(reads=("/app/node_modules",))) is not writes


@pytest.mark.parametrize("command", ["bun run build", "bun app.ts", "bunx x", "bun test", "bun pm cache rm"])
def test_unknown_effects(tmp_path: Path, command: str) -> None:
    assert case(tmp_path, f"RUN {command}").effects == [None]


def test_reading_the_lockfile(tmp_path: Path) -> None:
    packages = {
        "ms": ["ms@2.1.3", "", {}, "sha512-x"],
        "a/ms": ["ms@2.1.3", "", {}, "sha512-x"],
        "@x/win": ["@x/win@1.0.0", "", {"os": "win32", "cpu": ["x64"]}, "sha512-x"],
        "@x/lin": ["@x/lin@1.0.0", "", {"os": ["linux"], "cpu": "x64"}, "sha512-x"],
        "lib": ["lib@workspace:packages/lib"],
        "loc": ["loc@file:libs/loc", {"bin": "x"}],
        "odd": ["says ,} and ,]@1.0.0", "", {}, "sha512-x"],
    }
    (tmp_path / "bun.lock").write_text(as_json({"workspaces": {}, "packages": packages}).replace("]}", "],}"), "utf-8")
    found = NodeCase(tmp_path, ecosystem, "FROM a\n", {}).survey.analysis.context
    lock = read_lock(found, "bun.lock")
    assert lock is not None
    assert count_locked(lock) == 3
    assert strange(lock) == ""
    assert strange({"packages": {"x": ["x@github:o/x#1"]}}) == "x@github:o/x#1"
    assert strange({"packages": {"x": [], "y": 1}}) == "@"


@pytest.mark.parametrize(
    ("text", "odd"),
    [
        (b"", ""),
        (b"[install]\nexact = true\nlinker = 'hoisted'\n", ""),
        (b"preload = ['./x.ts']\n", ""),
        (b"[install.cache]\ndir = 'x'\n", "install.cache"),
        (b"[install.lockfile]\nsave = false\n", "install.lockfile"),
        (b"[install]\ncafile = 'x'\n", "install.cafile"),
        (b"install = 1\n", "install"),
        (b"[install\n", "something that is not valid TOML"),
        (b"\xff\xfe", "something that is not valid TOML"),
    ],
)
def test_settings(text: bytes, odd: str) -> None:
    assert odd_setting(text) == odd


HOSTILE: list[bytes] = [
    b"", b"null", b"[]", b"{}", b"\xff\xfe{}", b"{" * 200_000, b'{"a":' * 200_000, b'"' + b"\\" * 100_001,
    b'{"workspaces": {}, "packages": {"x": null, "y": [[], {}, 1], "z": ["@"], "w": [""]}}',
    b'{"workspaces": {"": 1}, "packages": [1]}', b'{"workspaces": {"": {}}, "packages": {"ms": ["ms@2.1.3", 1]}}',
    b'{"workspaces": {}, "lockfileVersion": "x", "packages": {"ms": ["ms@2.1.3", "", {"os": 1, "cpu": {}}]}}',
    b"{" + b"," * 1_000_000 + b"}", b'{"workspaces":{}, "packages": {}' + b" " * 1_000_000,
]  # fmt: skip


@pytest.mark.parametrize("data", HOSTILE)
@pytest.mark.parametrize("name", ["bun.lock", "bun.lockb", "package.json", "bunfig.toml", ".npmrc", ".env"])
def test_hostile_files(tmp_path: Path, name: str, data: bytes) -> None:
    assert len(case(tmp_path, "RUN bun install", {name: data}).fetches) < 2


@pytest.mark.parametrize(
    "manifest",
    [
        {"dependencies": [1], "workspaces": {"packages": [1, None, "**", "../../..", "/", "["]}},
        {"dependencies": {"a": 1, "b": "file:", "c": "file:/etc", "d": "link:../x", "e": None}},
        {"patchedDependencies": ["x"], "dependencies": {"ms": "2.1.3"}},
        {"patchedDependencies": {"x": "../../etc/passwd", "y": 1, "z": "/etc/passwd"}, "dependencies": {"ms": "1"}},
        {"scripts": {"postinstall": 1, "prepare": None}, "bin": {}, "dependencies": {"ms": "1"}},
    ],
)
def test_hostile_manifests(tmp_path: Path, manifest: dict[str, object]) -> None:
    for fetch in case(tmp_path, "RUN bun install", {"package.json": as_json(manifest)}).fetches:
        assert fetch.blocked is not None or all(not need.startswith(("/", "..")) for need in fetch.needs)
