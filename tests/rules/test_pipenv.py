"""Pipenv: how commands are spelled, whether Pipfile.lock belongs to its Pipfile, and files that hold anything."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest
from tool_case import FIXTURES, HOSTILE, ToolCase, looped

from dockerlayer_rules._read_pipenv import hash_of
from dockerlayer_rules.pipenv import ecosystem

NAIVE = FIXTURES / "pipenv" / "naive"
MANIFEST = (NAIVE / "Pipfile").read_text("utf-8")


@pytest.mark.parametrize(
    ("command", "outcome"),
    [
        ("pipenv install", "install"),
        ("pipenv install --system --deploy", "install"),
        ("pipenv install -d --ignore-pipfile", "install"),
        ("pipenv sync", "install"),
        ("pipenv sync --dev", "install"),
        ("pipenv sync || true", "install"),
        ("pipenv sync --categories='packages dev-packages'", "install"),
        ("pipenv --bare install --deploy", "install"),
        ("pipenv --python 3.13 install --deploy", "install"),
        ("pipenv install --deploy --extra-pip-args=--no-cache-dir", "install"),
        ("PIPENV_VENV_IN_PROJECT=1 pipenv install --deploy", "install"),
        ("PIPENV_PIPFILE=/app/Pipfile pipenv sync", "install"),
        ("PIP_NO_CACHE_DIR=1 pipenv sync --system", "install"),
        ("python3.13 -m pipenv install --deploy", "install"),
        ("/usr/local/bin/pipenv sync", "install"),
        ("PIPENV_PIPFILE=/app/Pipfile.prod pipenv sync", "install: named-pipfile"),
        ("pipenv install flask", "install: named-packages"),
        ("pipenv install -e .", "install: named-packages"),
        ("pipenv install -r requirements.txt", "install: named-packages"),
        ("pipenv install --skip-lock", "install: no-lockfile"),
        ("PIPENV_SKIP_LOCK=1 pipenv install", "install: no-lockfile"),
        ("pipenv install $PACKAGES", "install: unknown-words"),
        ("pipenv update", "install: resolves-anew"),
        ("pipenv upgrade humanize", "install: resolves-anew"),
        ("pipenv lock && pipenv sync", "install: resolves-anew"),
        ("cd /elsewhere && pipenv sync", "install: not-in-context"),
        ("pipenv sync && rm -rf $(pipenv --venv)/cache/pipenv", "install: cleanup-in-same-run"),
        ("pipenv", None),
        ("pipenv --version", None),
        ("pipenv --help", None),
        ("pipenv install --help", None),
        ("pipenv --venv", None),
        ("pipenv --rm", None),
        ("pipenv --clear", None),
        ("pipenv lock", None),
        ("pipenv verify", None),
        ("pipenv requirements > requirements.txt", None),
        ("pipenv graph", None),
        ("pipenv run python main.py", None),
        ("pipenv shell", None),
        ("pipenv check", None),
        ("pipenv clean", None),
        ("pipenv uninstall humanize", None),
        ("echo pipenv install", None),
    ],
)
def test_spellings(tmp_path: Path, command: str, outcome: str | None) -> None:
    assert ToolCase(tmp_path, ecosystem).outcome(command) == outcome


@pytest.mark.parametrize(
    ("old", "new", "fresh"),
    [
        ("", "", True),
        ("[packages]\n", "[packages] # by name\n\n", True),
        ("[requires]", '[scripts]\nstart = "python"\n\n[pipenv]\nallow_prereleases = true\n\n[requires]', True),
        ("==4.12.3", "*", False),
        ("==3.10", "*", False),
        ('python_version = "3.13"', 'python_version = "3.12"', False),
        ("verify_ssl = true", "verify_ssl = false", False),
        ("[requires]", '[docs]\nidna = "*"\n\n[requires]', False),
    ],
)
def test_hash(tmp_path: Path, old: str, new: str, fresh: bool) -> None:
    manifest = MANIFEST.replace(old, new)
    kept = json.loads((NAIVE / "Pipfile.lock").read_bytes())["_meta"]["hash"]["sha256"]
    assert (hash_of(tomllib.loads(manifest)) == kept) is fresh
    (fetch,) = ToolCase(tmp_path, ecosystem, {"Pipfile": manifest}).fetches("pipenv install --system")
    assert len(fetch.assumptions) == (0 if fresh else 1)


@pytest.mark.parametrize("command", ["pipenv sync", "pipenv install --deploy", "pipenv install --ignore-pipfile"])
def test_stale_lockfile_is_never_written(tmp_path: Path, command: str) -> None:
    case = ToolCase(tmp_path, ecosystem, {"Pipfile": MANIFEST.replace("==4.12.3", "*")})
    assert [fetch.assumptions for fetch in case.fetches(command)] == [()]


@pytest.mark.parametrize(
    ("entry", "code"),
    [
        ("{ path = '.', editable = true }", "path-dependency"),
        ("{ file = 'vendor/a.whl' }", "path-dependency"),
        ("{ git = 'https://git.example.com/a.git', editable = true }", "vcs-dependency"),
        ("{ version = '*', extras = ['b'] }", ""),
    ],
)
def test_entries(tmp_path: Path, entry: str, code: str) -> None:
    manifest = MANIFEST.replace("[dev-packages]", f"[dev-packages]\na = {entry}")
    (fetch,) = ToolCase(tmp_path, ecosystem, {"Pipfile": manifest}).fetches("pipenv sync")
    assert (fetch.blocked.code if fetch.blocked else "") == code


@pytest.mark.parametrize(
    ("command", "count"),
    [("pipenv sync", 1), ("pipenv sync --dev", 2), ("PIPENV_DEV=1 pipenv sync", 2), ("pipenv sync --categories x", 2)],
)
def test_count(tmp_path: Path, command: str, count: int) -> None:
    (fetch,) = ToolCase(tmp_path, ecosystem).fetches(command)
    assert fetch.count == count


@pytest.mark.parametrize("name", ["Pipfile", "Pipfile.lock", ".env"])
@pytest.mark.parametrize("number", range(len(HOSTILE)))
def test_anything(tmp_path: Path, name: str, number: int) -> None:
    case = ToolCase(tmp_path, ecosystem, {name: HOSTILE[number]})
    for run in ("pipenv install", "pipenv sync --dev --system", "pipenv update", "pipenv requirements"):
        case.repaired(run)


@pytest.mark.parametrize("name", ["Pipfile", "Pipfile.lock"])
@pytest.mark.parametrize(
    "data", [b"\xff", b"[package\n", b"a = " + b"[" * 100_000, b'{"a":' * 100_000, b"x" * 5_000_000]
)
def test_refused(tmp_path: Path, name: str, data: bytes) -> None:
    code = {"Pipfile": "bad-manifest", "Pipfile.lock": "bad-lockfile"}[name]
    assert ToolCase(tmp_path, ecosystem, {name: data}).outcome("pipenv sync") == f"install: {code}"


def test_symlink_loop(tmp_path: Path) -> None:
    assert looped(tmp_path, ecosystem, "pipenv install", "Pipfile", "Pipfile.lock")
