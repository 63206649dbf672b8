"""Running the real program, with an ecosystem of its own so that the shipped ones may change."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from io import BytesIO, TextIOWrapper
from pathlib import Path

import pytest
from sites import add_module, add_plugin, environment_of

from dockerlayer.cli import main, work
from dockerlayer.registry import installed

BAD = b"FROM busybox\nWORKDIR /app\nCOPY . .\nRUN fakepm install\n"

_PLUGIN = """
import sys
import time

from dockerlayer.api import Ecosystem, Fetch, Refusal, Registry


def read(call, scene):
    words = call.arguments
    if "install" not in words:
        return None
    if "crash" in words:
        raise ValueError("boom")
    if "die" in words:
        import os
        os._exit(9)
    if "sleep" in words:
        print("READY", file=sys.stderr, flush=True)
        time.sleep(60)
    return Fetch(
        call,
        "install",
        call.cwd,
        scene.project(call.cwd, "fake.json"),
        ("fake.json",),
        count=3,
        blocked=Refusal("fake-odd", "the manifest is odd") if "odd" in words else None,
        assumptions=("the moon is full",) if "risky" in words else (),
    )


ecosystem = Ecosystem("fake", "Fake", "", Registry("FakeHub", "nobody", False), "fakepm", read)
"""


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory for the module path, with one plugin that works and one that does not load."""
    directory = tmp_path_factory.mktemp("site")
    add_module(directory, "fakepm_plugin", _PLUGIN)
    add_module(directory, "broken_plugin", "raise RuntimeError('no such luck')\n")
    add_plugin(directory / "fake", "fake", "fakepm_plugin:ecosystem")
    add_plugin(directory / "broken", "broken", "broken_plugin:ecosystem")
    return directory


@pytest.fixture(scope="session")
def environment(site: Path) -> dict[str, str]:
    """The environment of the program, with the plugin that works."""
    return environment_of(site, site, site / "fake")


Runner = Callable[..., subprocess.CompletedProcess[bytes]]


@pytest.fixture
def run(environment: dict[str, str], tmp_path: Path) -> Runner:
    """``run(*arguments, ...)`` runs ``dockerlayer`` in the test's directory and gives what came of it."""

    def start(
        *arguments: str | bytes | Path,
        cwd: Path = tmp_path,
        stdin: bytes = b"",
        env: Mapping[str, str] | None = None,
        wrapper: tuple[str, ...] = (),
    ) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            [*wrapper, sys.executable, "-m", "dockerlayer", *arguments],
            cwd=cwd,
            input=stdin,
            env={**environment, **(env or {})},
            capture_output=True,
            timeout=120,
            check=False,
        )

    return start


@pytest.fixture
def inside(
    site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> Iterator[Runner]:
    """``run`` in this process, for tests that run the program many times: it starts in no time."""
    for path in (site, site / "fake"):
        monkeypatch.syspath_prepend(str(path))
    monkeypatch.setenv("HOME", str(site))

    def start(
        *arguments: str | Path, cwd: Path = tmp_path, stdin: bytes = b"", env: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[bytes]:
        with monkeypatch.context() as patch:
            patch.chdir(cwd)
            patch.setattr(sys, "argv", ["dockerlayer", *map(str, arguments)])
            patch.setattr(sys, "stdin", TextIOWrapper(BytesIO(stdin)))
            # What one run keeps of a directory is of another one in the next.
            patch.setattr(work, "_near", None)
            for name, value in (env or {}).items():
                patch.setenv(name, value)
            capfdbinary.readouterr()
            code: object = 0
            try:
                main()
            except SystemExit as done:
                code = done.code or 0
            assert isinstance(code, int)
            return subprocess.CompletedProcess(arguments, code, *capfdbinary.readouterr())

    installed.cache_clear()
    yield start
    installed.cache_clear()


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project whose Dockerfile copies the source before it downloads."""
    directory = tmp_path / "project"
    directory.mkdir()
    (directory / "Dockerfile").write_bytes(BAD)
    (directory / "fake.json").write_text("{}")
    (directory / "main.py").write_text("print()")
    return directory
