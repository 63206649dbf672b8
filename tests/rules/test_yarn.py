"""Both yarns: what each command line is, what the readers take from their files, and that no file makes them fail."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dockerlayer.api import Ecosystem, Fetch
from dockerlayer.checks.survey import Survey
from dockerlayer.model.context import Context
from dockerlayer.model.effects import EVERYTHING, Effect
from dockerlayer.model.layers import Analysis
from dockerlayer.rewrite.runs import apply
from dockerlayer.syntax.parser import parse
from dockerlayer_rules._yarnlock import read_lock
from dockerlayer_rules.yarn import ecosystem as classic
from dockerlayer_rules.yarn_berry import ecosystem as berry

FIXTURES = Path(__file__).parents[2] / "fixtures"
MANIFEST = (FIXTURES / "yarn" / "naive" / "package.json").read_text("utf-8")
LOCKS = {
    "yarn": (FIXTURES / "yarn" / "naive" / "yarn.lock").read_text("utf-8"),
    "yarn-berry": (FIXTURES / "yarn-berry" / "naive" / "yarn.lock").read_text("utf-8"),
}
HEADS = {
    "yarn": "FROM node:22\nWORKDIR /app\nCOPY . .\n",
    "yarn-berry": "FROM node:22\nRUN npm i -g --force @yarnpkg/cli-dist@4.18.1\nWORKDIR /app\nCOPY . .\n",
}
OWN = {
    "yarn": {"yarn.lock": LOCKS["yarn"]},
    "yarn-berry": {"yarn.lock": LOCKS["yarn-berry"], ".yarnrc.yml": "nodeLinker: node-modules\n"},
}
BOTH = (classic, berry)
SCRIPT = MANIFEST.replace('"scripts": {', '"scripts": { "postinstall": "node build.js",')

Files = dict[str, str | bytes]


def survey(root: Path, text: str, files: Files) -> Survey:
    """A Dockerfile in a context of small files, surveyed with both plugins."""
    given: Files = {"package.json": MANIFEST, "a.js": "", ".dockerignore": "node_modules\n", **files}
    for name, content in given.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return Survey(Analysis(parse(text.encode()), Context.open(root)), BOTH)


def fetches(found: Survey) -> list[tuple[str, Fetch]]:
    """What is fetched by yarn, with the name of the plugin that says so."""
    steps = found.analysis.build.steps()
    seen = [item for step in steps if step.name == "run" for item in found.sightings(step)]
    return [(item.ecosystem.name, item.fetch) for item in seen]


def read(root: Path, which: str, run: str, files: Files | None = None) -> Fetch | None:
    """What ``RUN <run>`` fetches below the copied source of a project of one generation."""
    found = fetches(survey(root, f"{HEADS[which]}RUN {run}\n", {**OWN[which], **(files or {})}))
    assert {name for name, _ in found} <= {which}
    return found[-1][1] if found else None


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
            "yarn install --frozen-lockfile --ignore-scripts",
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
            "yarn install --immutable --mode=skip-build",
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


def workspace(**more: str | dict[str, str]) -> Files:
    """A workspace with one package, whose manifest has more to say."""
    root = {**json.loads(MANIFEST), "workspaces": ["packages/*"]}
    return {
        "package.json": json.dumps(root),
        "packages/a/package.json": json.dumps({"name": "a", "version": "1.0.0", **more}),
    }


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


def effects_of(found: Survey, known: Ecosystem) -> list[Effect | None]:
    """The effects of all commands that a plugin answers to."""
    assert known.effect is not None
    analysis = found.analysis
    return [
        known.effect(call, analysis.scene(step))
        for step in analysis.build.steps()
        if step.name == "run"
        for call in analysis.run(step).calls
        if known.answers_to.match(call.program)
    ]


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


BERRY_START = b"__metadata:\n  version: 10\n"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff\xfe\x00",
        b"{}",
        b"x" * 5_000_000,
        b"# yarn lockfile v1\n" + b"x" * 5_000_000,
        b"# yarn lockfile v1\n" + b"a@1:\n " * 50_000,
        b"# yarn lockfile v1\n<<<<<<< HEAD\n=======\n>>>>>>> x\n",
        b"# yarn lockfile v1\n:\n@:\n, @:\n  resolved\n",
        b"__metadata:",
        b"__metadata:\n  version: 99999999999999999999\n",
        b"__metadata:\n  version: x\n",
        BERRY_START + b"x" * 5_000_000,
        BERRY_START + b'"' * 5_000_000 + b":\n",
        BERRY_START + b'"@workspace:":\n  resolution: "@workspace:"\n  dependencies:\n    : :\n    "":\n',
        BERRY_START + b"".join(b" " * level + b"k:\n" for level in range(3000)),
    ],
)
def test_hostile_lockfiles(tmp_path: Path, data: bytes) -> None:
    for which in OWN:
        fetch = read(tmp_path / which, which, "yarn install", {"yarn.lock": data})
        assert fetch is None or fetch.blocked is not None or fetch.assumptions


@pytest.mark.parametrize(
    "data",
    [b"", b"{", b"[]", b"[" * 100_000, b'{"a":' * 50_000, b"\xff\xfe{}", b"null", b"x" * 5_000_000],
)
def test_hostile_manifests(tmp_path: Path, data: bytes) -> None:
    for which in OWN:
        fetch = read(tmp_path / which, which, "yarn install", {"package.json": data})
        assert fetch is not None
        assert fetch.blocked is not None
        assert fetch.blocked.code == "bad-manifest"
        files = {**workspace(), "packages/a/package.json": data}
        fetch = read(tmp_path / which, which, "yarn install", files)
        assert fetch is not None
        assert fetch.blocked is not None


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("package.json", b'{"dependencies": [1], "scripts": 3, "packageManager": {}, "resolutions": 1, "bin": []}'),
        ("package.json", b'{"dependencies": {"a": 1, "": "", "b": null}, "workspaces": {"packages": [1, null, "["]}}'),
        ("package.json", b'{"workspaces": ["**", "../x", "/", ".", "", "**/**/**/*"], "dependencies": {"a": "1"}}'),
        ("package.json", b'{"dependencies": {"a": "file:../../etc", "b": "patch:", "c": "patch:x#../../y"}}'),
        ("package.json", b'{"packageManager": "yarn@' + b"9" * 100_000 + b'", "dependencies": {"a": "1"}}'),
        (".yarnrc", b"=\n \nyarn-path\nyarn-offline-mirror\n\xff \xff\n--install.offline"),
        (".yarnrc", b"yarn-path ../../../../etc/passwd\n"),
        (".yarnrc", b"x" * 5_000_000),
        (".npmrc", b"=\n==\n[]\n\xff=\xff\n"),
        (".yarnrc.yml", b"a: [" * 20_000),
        (".yarnrc.yml", b"- a\n- b\n"),
        (".yarnrc.yml", b"a: &a [x,x]\nb: &b [*a,*a]\nc: &c [*b,*b]\nd: [*c,*c]\n"),
        (".yarnrc.yml", b"a: &a\n  b: *a\n"),
        (".yarnrc.yml", b"? [a]\n: b\n1: 2\n2001-99-99: x\n"),
        (".yarnrc.yml", b"!!python/object/apply:os.system [x]\n"),
        (".yarnrc.yml", b"plugins: x\nyarnPath: 3\ncacheFolder: []\nenableNetwork: no\nnodeLinker: {}\n"),
        (".yarnrc.yml", b"plugins: [1, {path: 2}, {path: ../../x, spec: [a]}]\n"),
        (".yarnrc.yml", b"\xff\xfe\x00"),
        (".yarnrc.yml", b"a: " + b"x" * 5_000_000),
    ],
)
def test_hostile_settings(tmp_path: Path, name: str, data: bytes) -> None:
    for which in OWN:
        text = (
            f"{HEADS[which]}RUN yarn install\nRUN yarn install --immutable --mode=skip-build\nRUN yarn config get a\n"
        )
        found = survey(tmp_path / which, text, {**OWN[which], name: data})
        assert all(fetch.kind in {"install", "download", "tool"} for _, fetch in fetches(found))
        for known in BOTH:
            effects_of(found, known)


@pytest.mark.parametrize("data", [b"a: [" * 20_000, b"- a\n", b"\xff\xfe\x00", b"a: " + b"x" * 5_000_000])
def test_unreadable_settings_are_refused(tmp_path: Path, data: bytes) -> None:
    fetch = read(tmp_path, "yarn-berry", "yarn install", {".yarnrc.yml": data})
    assert fetch is not None
    assert fetch.blocked is not None
    assert fetch.blocked.code == "bad-settings"


@pytest.mark.parametrize("name", ["package.json", "yarn.lock", ".yarnrc.yml", ".yarnrc", ".yarn/patches"])
def test_links_in_circles(tmp_path: Path, name: str) -> None:
    for which in OWN:
        root = tmp_path / which
        found = survey(root, f"{HEADS[which]}RUN yarn install\n", {**OWN[which], **workspace(), ".yarn/x": ""})
        (root / "packages" / "up").symlink_to("..")
        (root / name).unlink(missing_ok=True)
        (root / name).symlink_to(root / name)
        assert len(fetches(found)) <= 2
