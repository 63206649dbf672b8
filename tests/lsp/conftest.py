"""Conversations with the real server, with an ecosystem beside the shipped ones that does what is wrong."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest
from editor import PATIENCE, Editor, Talk

import dockerlayer
from dockerlayer.api import Ecosystem
from dockerlayer.engine import Options, default_rules

ROOT = Path(dockerlayer.__file__).parent.parent

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
    (site / "fakepm_plugin.py").write_text(textwrap.dedent(_PLUGIN))
    for name, entry in (("fake", "fakepm_plugin:ecosystem"), ("npm", "dockerlayer_rules.npm:ecosystem")):
        info = site / f"{name}_dist-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}-dist\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[dockerlayer.ecosystems]\n{name} = {entry}\n")
    kept = {name: os.environ[name] for name in ("PATH", "SYSTEMROOT") if name in os.environ}
    modules = os.pathsep.join(map(str, (ROOT, ROOT / "rules", site)))
    return {**kept, "PYTHONPATH": modules, "HOME": str(site), "LC_ALL": "C.UTF-8", "PYTHONDONTWRITEBYTECODE": "1"}


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
