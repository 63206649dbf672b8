"""``dockerlayer verify`` with podman and buildah, where they are installed and can run a container.

Both are optional: unlike Docker they are skipped even where builds are required.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from engine import docker, network, why_not

PROJECTS = Path(__file__).parent / "projects"
BASE = "python:3.13-slim"


def run(*command: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, cwd=cwd, capture_output=True, text=True, errors="replace", timeout=900, check=False, env=environment()
    )


def environment() -> dict[str, str]:
    # Docker's settings may name a folder without the file that podman expects in it.
    return {name: value for name, value in os.environ.items() if name != "DOCKER_CONFIG"}


def verify(program: str, *args: str, cwd: Path) -> tuple[dict[str, Any], int]:
    done = run(
        *(sys.executable, "-m", "dockerlayer", "verify", "--builder", program, "--format", "json"),
        *(*network(), *args),
        cwd=cwd,
    )
    assert done.stdout, done.stderr
    found = json.loads(done.stdout)
    assert isinstance(found, dict)
    return found, done.returncode


def load(program: str, folder: Path) -> None:
    """Bring the base image over from Docker where the builder lacks it."""
    known = ("image", "inspect") if program == "podman" else ("inspect", "--type=image")
    if run(program, *known, BASE).returncode == 0 or why_not() is not None:
        return
    archive = folder / "base.tar"
    if docker("save", "--output", str(archive), BASE).returncode == 0:
        run(program, "pull", f"docker-archive:{archive}")
        archive.unlink()


def stored(program: str) -> set[str]:
    """Every image and container of the builder."""
    images = run(program, "images", "--all", "--quiet", "--no-trunc").stdout.split()
    listing = ("ps", "--all", "--external") if program == "podman" else ("containers", "--all")
    return {*images, *run(program, *listing, "--quiet", "--no-trunc").stdout.split()}


@pytest.fixture(params=["podman", "buildah"])
def program(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A builder that works, by its name."""
    name: str = request.param
    if shutil.which(name) is None:
        pytest.skip(f"{name} is not installed; it is optional")
    load(name, tmp_path)
    probe = tmp_path / "probe"
    probe.mkdir()
    (probe / "Dockerfile").write_text(f"FROM {BASE}\nRUN true\n", "utf-8")
    tried = run(
        name, "build", "--force-rm", "--no-cache", *network(), "--tag", "localhost/dockerlayer-probe", str(probe)
    )
    run(name, "rmi", "localhost/dockerlayer-probe")
    if tried.returncode:
        said = (tried.stderr.strip() or tried.stdout.strip() or "no word").splitlines()[-1]
        pytest.skip(f"{name} cannot run containers here, and is optional: {said}")
    return name


@pytest.fixture
def project(program: str, tmp_path: Path) -> Iterator[Path]:
    """A small project; what a test makes of it is removed again."""
    folder = tmp_path / "project"
    shutil.copytree(PROJECTS / "pip-plain", folder)
    before = stored(program)
    yield folder
    assert stored(program) == before


def test_split_is_proven_each_time(program: str, project: Path) -> None:
    """Also when older layers of the same words are there: the builder would take the oldest."""
    for _ in range(2):
        found, code = verify(program, cwd=project)
        assert (code, found["verdict"]) == (0, "proven"), found["reasons"]
        steps = {step["line"]: step for step in found["after"]["after_edit"]["steps"] if step["line"]}
        assert {step["cached"] for step in steps.values() if step["role"] == "download"} == {True}
        assert {step["cached"] for step in steps.values() if step["role"] == "install"} == {False}
        assert found["before"]["repeated_downloads"]
        assert found["after"]["repeated_downloads"] == []
        assert not any(step["cached"] for step in found["after"]["first"]["steps"])


def test_naive_is_not_proven(program: str, project: Path) -> None:
    found, code = verify(program, "--as-is", cwd=project)
    assert (code, found["verdict"]) == (1, "not-proven")
    assert "downloads again" in found["reasons"][0]


def test_stages(program: str, project: Path) -> None:
    """What only one stage downloads is told apart from the steps of the other."""
    (project / "Dockerfile").write_text(
        f"FROM {BASE} AS base\nWORKDIR /\nLABEL a=b\nWORKDIR /app\n"
        "FROM base AS packages\nCOPY requirements.txt .\nRUN pip wheel --wheel-dir /wheels -r requirements.txt\n"
        f"FROM {BASE}\nRUN echo unused by nobody\n"
        "FROM base\nCOPY --from=packages /wheels /wheels\nCOPY . .\nRUN "
        "pip install --no-index --find-links /wheels -r requirements.txt\n",
        "utf-8",
    )
    found, code = verify(program, "--as-is", cwd=project)
    assert (code, found["verdict"]) == (0, "proven"), found["reasons"]
    # Stages begin in any order.
    runs = [(step["stage"], step["line"], step["cached"]) for step in found["before"]["after_edit"]["steps"]]
    assert sorted(runs, key=lambda run: (run[0], run[1] or 0)) == [
        ("base", None, False),
        ("base", 4, True),
        ("packages", 6, True),
        ("packages", 7, True),
        ("stage-3", 11, True),
        ("stage-3", 12, False),
        ("stage-3", 13, False),
    ]


def test_what_the_builder_says_of_a_failure(program: str, project: Path) -> None:
    (project / "Dockerfile").write_text(f"FROM {BASE}\nCOPY . /app\nRUN echo went wrong; exit 3\n", "utf-8")
    found, code = verify(program, "--as-is", cwd=project)
    assert (code, found["verdict"]) == (2, "not-run")
    assert "went wrong" in found["before"]["first"]["log"]
    assert [step["error"] for step in found["before"]["first"]["steps"]][:2] == [None, None]
    assert found["before"]["first"]["steps"][2]["error"]
