"""Both yarns: no file of a project makes them fail."""

from __future__ import annotations

from pathlib import Path

import pytest
from yarn_case import (
    BOTH,
    HEADS,
    OWN,
    effects_of,
    fetches,
    read,
    survey,
    workspace,
)

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
