"""Conversations with the real server, with an ecosystem beside the shipped ones that does what is wrong."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from editor import PATIENCE, Editor, Talk
from sites import add_module, add_plugin, environment_of

from dockerlayer.api import Ecosystem
from dockerlayer.engine import Options, default_rules

_FIXTURES = Path(__file__).parents[2] / "fixtures"

_PLUGIN = """
import sys
import time

from dockerlayer.api import Ecosystem, Fetch, Registry


def read(call, scene):
    words = call.arguments
    if "install" not in words:
        return None
    if "crash" in words:
        raise ValueError("boom")
    if "leave" in words:
        raise SystemExit(7)
    if "print" in words:
        print("Content-Length: 3")
    if "sleep" in words:
        print("READY", file=sys.stderr, flush=True)
        time.sleep(600)
    return Fetch(call, "install", call.cwd, scene.project(call.cwd, "fake.json"), ("fake.json",), count=3)


ecosystem = Ecosystem("fake", "Fake", "", Registry("FakeHub", "nobody", False), "fakepm", read)
"""


@pytest.fixture(scope="session")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment of a server that has the plugin; the project need not be installed."""
    site = tmp_path_factory.mktemp("site")
    add_module(site, "fakepm_plugin", _PLUGIN)
    add_plugin(site, "fake", "fakepm_plugin:ecosystem")
    add_plugin(site, "npm", "dockerlayer_rules.npm:ecosystem")
    return environment_of(site, site)


@pytest.fixture
def converse() -> Callable[[Talk], None]:
    """``converse(talk)`` runs a conversation; a server that is still there at its end is a failure, and ended."""

    async def run(talk: Talk) -> None:
        editor = Editor()
        try:
            await asyncio.wait_for(talk(editor), 2 * PATIENCE)
        finally:
            process = editor.client._server
            left = process is not None and process.returncode is None
            if process is not None and left:
                process.kill()
                await process.wait()
        assert not left, "the server is still there"

    return lambda talk: asyncio.run(run(talk))


@pytest.fixture
def cli(environment: dict[str, str]) -> Callable[..., subprocess.CompletedProcess[bytes]]:
    """``cli(*arguments)`` runs ``dockerlayer`` with the same plugins."""

    def run(*arguments: str | Path) -> subprocess.CompletedProcess[bytes]:
        words = [sys.executable, "-m", "dockerlayer", *arguments]
        home = environment["HOME"]
        return subprocess.run(words, cwd=home, env=environment, capture_output=True, timeout=120, check=False)

    return run


@pytest.fixture(scope="session")
def options(ecosystems: tuple[Ecosystem, ...]) -> Options:
    """What is in force when nothing is said."""
    return Options(default_rules(ecosystems))


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of a fixture whose Dockerfile copies the source before it installs."""
    directory = tmp_path / "pro ject"
    shutil.copytree(_FIXTURES / "npm" / "naive", directory, ignore=shutil.ignore_patterns("expected"))
    return directory


@pytest.fixture
def fake(tmp_path: Path) -> Path:
    """A project of the ecosystem that misbehaves when asked to."""
    directory = tmp_path / "fake"
    directory.mkdir()
    (directory / "fake.json").write_text("{}")
    (directory / "main.py").write_text("print()")
    return directory
