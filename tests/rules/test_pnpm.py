"""pnpm: what each command line is, what the readers take from its files, and that no file makes them fail."""

from __future__ import annotations

from pathlib import Path

import pytest

from dockerlayer.api import Ecosystem, Fetch
from dockerlayer.checks.survey import Survey
from dockerlayer.findings import apply
from dockerlayer.model.context import Context
from dockerlayer.model.effects import EVERYTHING, Effect
from dockerlayer.model.layers import Analysis
from dockerlayer.syntax.parser import parse
from dockerlayer_rules._pnpmlock import Locked, name_of, plain, read_lock
from dockerlayer_rules.pnpm import ecosystem

PLAIN = Path(__file__).parents[2] / "fixtures" / "pnpm" / "naive"
LOCK = (PLAIN / "pnpm-lock.yaml").read_text("utf-8")
MANIFEST = (PLAIN / "package.json").read_text("utf-8")
WORKSPACE = Path(__file__).parents[2] / "fixtures" / "pnpm" / "workspace"
HEAD = "FROM node:22\nRUN npm install -g pnpm@10.34.9\nWORKDIR /app\nCOPY . .\n"


def survey(root: Path, text: str, files: dict[str, str | bytes] | None = None) -> Survey:
    """A Dockerfile in a context of small files, surveyed with this plugin alone."""
    given = {"package.json": MANIFEST, "pnpm-lock.yaml": LOCK, "a.js": "", ".dockerignore": "node_modules\n"}
    for name, content in {**given, **(files or {})}.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return Survey(Analysis(parse(text.encode()), Context.open(root)), [ecosystem])


def fetches(found: Survey) -> list[Fetch]:
    steps = found.analysis.build.steps()
    return [seen.fetch for step in steps if step.name == "run" for seen in found.sightings(step)]


def read(root: Path, run: str, files: dict[str, str | bytes] | None = None, head: str = HEAD) -> Fetch | None:
    """What the last command of ``RUN <run>`` below the copied source fetches."""
    return next(reversed(fetches(survey(root, f"{head}RUN {run}\n", files))), None)


@pytest.mark.parametrize(
    ("command", "kind"),
    [
        ("pnpm install", "install"),
        ("pnpm i", "install"),
        ("pnpm -r install --frozen-lockfile", "install"),
        ("pnpm recursive install", "install"),
        ("pnpm m i", "install"),
        ("pnpm --filter app install", "install"),
        ("pnpm -F app i", "install"),
        ("pnpm --silent --reporter append-only install", "install"),
        ("corepack pnpm install", "install"),
        ("corepack pnpm@9.1.0 install", "install"),
        ("pnpm ci", "install"),
        ("pnpm clean-install", "install"),
        ("pnpm it", "install"),
        ("pnpm add express", "install"),
        ("pnpm install express", "install"),
        ("pnpm update", "install"),
        ("pnpm dedupe", "install"),
        ("pnpm import", "install"),
        ("pnpm deploy /out", "build"),
        ("pnpm fetch", "download"),
        ("pnpm fetch --prod", "download"),
        ("/usr/local/bin/pnpm fetch", "download"),
        ("pnpm add -g serve", "tool"),
        ("pnpm install --global serve", "tool"),
        ("pnpm self-update 10", "tool"),
        ("pnpm add -g", None),
        ("pnpm", None),
        ("pnpm --version", None),
        ("pnpm -v", None),
        ("pnpm install --help", None),
        ("pnpm install --offline", None),
        ("pnpm install --lockfile-only", None),
        ("npm_config_offline=true pnpm install", None),
        ("pnpm build", None),
        ("pnpm run install", None),
        ("pnpm exec install", None),
        ("pnpm test", None),
        ("pnpm prune --prod", None),
        ("pnpm rebuild", None),
        ("pnpm remove ms", None),
        ("pnpm store prune", None),
        ("pnpm config set store-dir /x", None),
        ("pnpm dlx cowsay hi", None),
        ("pnpm create vite", None),
        ("pnpx cowsay", None),
        ("./node_modules/.bin/pnpm install", None),
        ("corepack enable", None),
        ("corepack prepare pnpm@9.1.0 --activate", None),
        ("corepack prepare yarn@4 --activate", None),
        ("corepack install", None),
        ('echo "pnpm install"', None),
    ],
)
def test_spellings(tmp_path: Path, command: str, kind: str | None) -> None:
    fetch = read(tmp_path, command)
    assert (fetch.kind if fetch is not None else None) == kind


@pytest.mark.parametrize(
    ("command", "download", "install"),
    [
        ("pnpm install", "pnpm fetch", "CI=true pnpm install --offline --frozen-lockfile"),
        ("pnpm i -P", "pnpm fetch -P", "CI=true pnpm i --offline --frozen-lockfile -P"),
        (
            "pnpm install --prefer-offline --frozen-lockfile",
            "pnpm fetch",
            "CI=true pnpm install --prefer-offline --frozen-lockfile",
        ),
        (
            "NODE_ENV=production pnpm i --frozen-lockfile",
            "NODE_ENV=production pnpm fetch",
            "NODE_ENV=production CI=true pnpm i --offline --frozen-lockfile",
        ),
        (
            "CI=1 pnpm i --ignore-scripts",
            "CI=1 pnpm fetch --ignore-scripts",
            "CI=1 pnpm i --offline --frozen-lockfile --ignore-scripts",
        ),
        (
            "corepack pnpm@9.1.0 i",
            "corepack pnpm@9.1.0 fetch",
            "corepack pnpm@9.1.0 i --offline --frozen-lockfile --config.confirmModulesPurge=false",
        ),
        (
            "pnpm i --store-dir /s --registry=https://registry.example.com",
            "pnpm fetch --store-dir /s --registry https://registry.example.com",
            "CI=true pnpm i --offline --frozen-lockfile --store-dir /s --registry=https://registry.example.com",
        ),
    ],
)
def test_splits(tmp_path: Path, command: str, download: str, install: str) -> None:
    fetch = read(tmp_path, command)
    assert fetch is not None
    assert fetch.split is not None
    assert fetch.split.download == download
    data = f"{HEAD}RUN {command}\n".encode()
    assert apply(data, fetch.split.edits).decode() == f"{HEAD}RUN {install}\n"
    assert fetch.split.needs == ("pnpm-lock.yaml",)


@pytest.mark.parametrize(
    ("command", "code"),
    [
        ("pnpm i --no-frozen-lockfile", "not-frozen"),
        ("pnpm i --frozen-lockfile=false", "not-frozen"),
        ("pnpm i --force", "unknown-option"),
        ("pnpm i --node-linker=hoisted", "unknown-option"),
        ("pnpm i --lockfile-dir ..", "unknown-option"),
        ("pnpm i --store-dir $STORE", "unknown-option"),
        ("pnpm ci", "clean-install"),
        ("TOKEN=$(cat /x) pnpm i", "variable-environment"),
        ("pnpm i && rm -rf node_modules", "cleanup-in-same-run"),
        ("pnpm i && pnpm store prune", "cleanup-in-same-run"),
        ('["pnpm", "i"]', "exec-form"),
    ],
)
def test_no_splits(tmp_path: Path, command: str, code: str) -> None:
    fetch = read(tmp_path, command)
    assert fetch is not None
    assert fetch.split is None
    assert fetch.no_split is not None
    assert fetch.no_split.code == code


@pytest.mark.parametrize(
    ("head", "manifest", "needs"),
    [
        ("RUN npm i -g pnpm@10.34.9", "pnpm@10.34.9", False),
        ("RUN npm i -g pnpm@10.34.9", "pnpm@10.34.9+sha512.0", False),
        ("RUN npm i -g pnpm@10.34.9", "pnpm@10.1.0", True),
        ("RUN npm i -g pnpm@10", "pnpm@10.34.9", True),
        ("RUN npm i -g pnpm@^10.34.9", "pnpm@10.34.9", True),
        ("RUN npm i -g pnpm", "pnpm@10.34.9", True),
        ("ENV V=10.34.9\nRUN npm i -g pnpm@$V", "pnpm@10.34.9", False),
        ("RUN corepack enable", "pnpm@10.34.9", True),
        ("RUN corepack enable", "", False),
        ("RUN corepack enable && corepack prepare pnpm@10.34.9 --activate", "pnpm@10.34.9", False),
        ("RUN corepack enable && corepack prepare pnpm@10.34.9", "pnpm@10.34.9", True),
        ("RUN corepack enable && corepack install --global pnpm@10.34.9", "pnpm@10.34.9", False),
    ],
)
def test_which_pnpm(tmp_path: Path, head: str, manifest: str, needs: bool) -> None:
    text = MANIFEST.replace('"private": true', f'"private": true, "packageManager": "{manifest}"')
    fetch = read(tmp_path, "pnpm i", {"package.json": text}, f"FROM node:22\n{head}\nWORKDIR /app\nCOPY . .\n")
    assert fetch is not None
    assert fetch.split is not None
    assert fetch.split.needs == (("package.json", "pnpm-lock.yaml") if needs else ("pnpm-lock.yaml",))


def test_of_a_base_image(tmp_path: Path) -> None:
    """Nothing says which pnpm it is: whether it reads the lockfile is an assumption, unless the install insists."""
    head = "FROM example/pnpm\nWORKDIR /app\nCOPY . .\n"
    for command, assumed in (("pnpm i", True), ("pnpm i --frozen-lockfile", False)):
        fetch = read(tmp_path, command, head=head)
        assert fetch is not None
        assert bool(fetch.assumptions) is assumed


def test_members() -> None:
    data = f"{HEAD}RUN pnpm install --frozen-lockfile\n".encode()
    found = Survey(Analysis(parse(data), Context.open(WORKSPACE)), [ecosystem])
    (fetch,) = fetches(found)
    assert fetch.members == ("packages/server/package.json", "packages/text/package.json")
    assert fetch.without_member == "installs nothing for it and exits 0"
    assert fetch.needs[:3] == ("package.json", "pnpm-lock.yaml", "pnpm-workspace.yaml")
    assert fetch.split is not None
    assert fetch.split.needs == ("pnpm-lock.yaml", "pnpm-workspace.yaml", "patches")


@pytest.mark.parametrize(
    ("command", "reads", "writes"),
    [
        ("corepack enable", False, False),
        ("corepack prepare pnpm@10 --activate", False, False),
        ("pnpm --version", False, False),
        ("pnpm config set registry https://registry.example.com", False, False),
        ("pnpm install --offline --frozen-lockfile", True, True),
    ],
)
def test_effects(tmp_path: Path, command: str, reads: bool, writes: bool) -> None:
    (effect,) = effects_of(survey(tmp_path, f"{HEAD}RUN {command}\n"), ecosystem)
    assert effect is not None
    assert effect != EVERYTHING
    assert effect.commutes(Effect(writes=("/app/a.js",))) is not reads
    assert effect.commutes(Effect(reads=("/app/node_modules/ms",))) is not writes


@pytest.mark.parametrize("command", ["pnpm build", "pnpm exec a", "pnpm dlx a", "corepack prepare", "pnpm deploy /out"])
def test_unknown_effects(tmp_path: Path, command: str) -> None:
    assert effects_of(survey(tmp_path, f"{HEAD}RUN {command}\n"), ecosystem) == [None]


def effects_of(found: Survey, known: Ecosystem) -> list[Effect | None]:
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
    ("key", "name", "without_peers"),
    [
        ("/ms/2.1.3", "ms", "/ms/2.1.3"),
        ("/@a/b/1.0.0_react@17.0.0", "@a/b", "/@a/b/1.0.0"),
        ("/@a/b@1.0.0(react@17.0.0)", "@a/b", "/@a/b@1.0.0"),
        ("@a/b@1.0.0(react@17.0.0)(x@1)", "@a/b", "@a/b@1.0.0"),
        ("ms@https://codeload.example.com/a/b/tar.gz/c", "ms", "ms@https://codeload.example.com/a/b/tar.gz/c"),
    ],
)
def test_package_keys(key: str, name: str, without_peers: str) -> None:
    assert name_of(key) == name
    assert plain(key) == without_peers


def locked(text: str) -> Locked:
    found = read_lock(text.encode())
    assert found is not None
    return found


def test_lock_counts() -> None:
    found = locked(LOCK)
    assert found.importers == {"": {"ms": "^2.1.3", "semver": "^7.6.0"}}
    assert (found.count(omit_dev=False), found.count(omit_dev=True)) == (2, 1)
    other = LOCK.replace("    hasBin: true\n", "    hasBin: true\n    cpu: [arm64]\n    os: [darwin]\n")
    assert locked(other).count(omit_dev=False) == 1
    negated = LOCK.replace("    hasBin: true\n", "    os: ['!win32']\n")
    assert locked(negated).count(omit_dev=False) == 2


def test_lock_of_production_follows_aliases() -> None:
    text = LOCK.replace("        version: 2.1.3\n", "        version: '@a/ms@2.1.3(x@1.0.0)'\n")
    text = text.replace("  ms@2.1.3: {}", "  '@a/ms@2.1.3(x@1.0.0)':\n    dependencies:\n      semver: 7.8.6")
    text = text.replace("  ms@2.1.3:", "  '@a/ms@2.1.3':")
    assert locked(text).count(omit_dev=True) == 2


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff\xfe\x00",
        b"{}",
        b"lockfileVersion: '9.0'\n" + b"x" * 5_000_000,
        b"lockfileVersion: '9.0'\n" + b"a:\n " * 50_000,
        b"lockfileVersion: '9.0'\npackages:\n  ':\n    resolution: {}\n  '':\n",
        b"lockfileVersion: '9.0'\nimporters:\n  .:\n    dependencies:\n      a:\n        version:\n",
        b"lockfileVersion: 999999999999\n",
        b"---\n---\n---\n",
        b"lockfileVersion: '9.0'\nimporters: 1\npackages: []\nsnapshots: x\n",
        b"<<<<<<< HEAD\nlockfileVersion: '9.0'\n=======\n>>>>>>> x\n",
        ("lockfileVersion: '9.0'\n" + "".join(f"{' ' * level}k:\n" for level in range(3000))).encode(),
    ],
)
def test_hostile_lockfiles(tmp_path: Path, data: bytes) -> None:
    fetch = read(tmp_path, "pnpm install", {"pnpm-lock.yaml": data})
    assert fetch is None or fetch.blocked is not None or fetch.assumptions


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("package.json", b"{"),
        ("package.json", b"[" * 100_000),
        ("package.json", b'{"dependencies": [1], "scripts": 3, "pnpm": "x", "packageManager": {}, "devEngines": []}'),
        ("package.json", b'{"pnpm": {"patchedDependencies": {"a": 1, "b": "../../etc/passwd"}}}'),
        ("package.json", b"\xff\xfe{}"),
        ("pnpm-workspace.yaml", b"packages: [" * 20_000),
        ("pnpm-workspace.yaml", b"a: &a [x,x]\nb: &b [*a,*a]\nc: [*b,*b]\n"),
        ("pnpm-workspace.yaml", b"packages: 3\ncatalog: x\ncatalogs: [1]\npatchedDependencies: [a]\n"),
        ("pnpm-workspace.yaml", b"- a\n- b\n"),
        ("pnpm-workspace.yaml", b"packages:\n  - 1\n  - null\n  - '**/**/**/*'\n  - '../x'\n  - '['\n"),
        ("pnpm-workspace.yaml", b"? [a]\n: b\n1: 2\n2001-99-99: x\n"),
        ("pnpm-workspace.yaml", b"!!python/object/apply:os.system [x]\n"),
        (".npmrc", b"=\n==\n[]\n\xff=\xff\nnode-linker\n"),
        (".pnpmfile.cjs", b"\xff" * 1000),
    ],
)
def test_hostile_settings(tmp_path: Path, name: str, data: bytes) -> None:
    found = survey(tmp_path, f"{HEAD}RUN pnpm install\nRUN pnpm fetch\n", {name: data})
    assert all(fetch.kind in {"install", "download"} for fetch in fetches(found))
    effects_of(found, ecosystem)


def test_links_in_circles(tmp_path: Path) -> None:
    found = survey(tmp_path, f"{HEAD}RUN pnpm install\n", {"pnpm-workspace.yaml": "packages: ['**']\n"})
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    (tmp_path / "packages").mkdir()
    (tmp_path / "packages" / "up").symlink_to("..")
    assert len(fetches(found)) == 1
