"""``dockerlayer verify`` as a user runs it, on real projects with a real engine."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from bases import base_or_skip
from engine import docker, network

PROJECTS = Path(__file__).parent / "projects"
BASE = "debian:trixie-slim"


class Said(NamedTuple):
    """What a run wrote and how it ended."""

    out: str
    err: str
    code: int

    @property
    def document(self) -> dict[str, Any]:
        """The report as JSON."""
        found = json.loads(self.out)
        assert isinstance(found, dict)
        return found


def command(*args: str) -> list[str]:
    return [sys.executable, "-m", "dockerlayer", "verify", *network(), *args]


def verify(*args: str, cwd: Path, **variables: str) -> Said:
    done = subprocess.run(
        command(*args),
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
        env={**os.environ, **variables},
    )
    assert "Traceback" not in done.stderr
    return Said(done.stdout, done.stderr, done.returncode)


def state(folder: Path) -> dict[str, tuple[int, int, str]]:
    """Every file with its mode, time and content."""
    return {
        str(path.relative_to(folder)): (
            path.lstat().st_mode,
            path.lstat().st_mtime_ns,
            hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "",
        )
        for path in sorted(folder.rglob("*"))
    }


def left_behind() -> set[str]:
    """Images and containers that bear our name."""
    images = docker("images", "--format", "{{.Repository}}:{{.Tag}}", "dockerlayer-verify", check=True).stdout.split()
    containers = docker("ps", "--all", "--quiet", "--filter", "ancestor=dockerlayer-verify").stdout.split()
    return {*images, *containers}


@pytest.fixture(autouse=True)
def nothing_is_left(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    base_or_skip(BASE)
    temporary = tmp_path_factory.mktemp("temporary")
    monkeypatch.setenv("TMPDIR", str(temporary))
    before = left_behind()
    yield
    assert left_behind() == before
    assert not list(temporary.iterdir())


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A small project whose rewrite is a split."""
    base_or_skip("python:3.13-slim")
    folder = tmp_path / "project"
    shutil.copytree(PROJECTS / "pip-plain", folder)
    return folder


def lines(folder: Path, *text: str) -> Path:
    """A Dockerfile on the smallest base, with a source file beside it."""
    folder.mkdir(exist_ok=True)
    (folder / "main.py").write_text("print('hello')\n", "utf-8")
    (folder / "Dockerfile").write_text("\n".join((f"FROM {BASE}", *text, "")), "utf-8")
    return folder


def test_split_is_proven_and_nothing_is_changed(project: Path) -> None:
    before = state(project)
    said = verify(cwd=project)
    assert said.code == 0, said.out + said.err
    assert state(project) == before
    report = said.out.splitlines()
    assert "edited between the builds: app.py" in report
    assert any(line.endswith("cached") and "RUN pip wheel" in line and "<- download" in line for line in report)
    assert any("RUN pip install --no-index" in line and "<- install" in line for line in report)
    assert "  line 6 with the network off: works" in report
    assert "configuration: the same" in report
    assert "files: 4 added (/tmp/wheels)" in report or any("added (/tmp/wheels" in line for line in report)
    assert any(line.startswith("proven: after an edit of app.py every download stays cached") for line in report)


def test_as_it_is_the_download_is_repeated(project: Path) -> None:
    said = verify("--as-is", "--format", "json", cwd=project)
    assert said.code == 1, said.err
    document = said.document
    assert document["verdict"] == "not-proven"
    assert document["after"] is None
    assert document["before"]["repeated_downloads"] == [4]
    steps = {step["text"]: step for step in document["before"]["after_edit"]["steps"]}
    assert not steps["RUN pip install -r requirements.txt"]["cached"]
    assert steps["WORKDIR /app"]["cached"]


def test_good_file_is_proven_as_it_is(project: Path) -> None:
    text = (project / "Dockerfile").read_text("utf-8")
    text = text.replace("COPY . .\n", "COPY requirements.txt .\n").replace("CMD", "COPY . .\nCMD")
    (project / "Dockerfile").write_text(text, "utf-8")
    said = verify(cwd=project)
    assert said.code == 0, said.out + said.err
    assert "as fixed" not in said.out


def test_final_image_without_anything(tmp_path: Path) -> None:
    base_or_skip("golang:1.26")
    folder = tmp_path / "project"
    shutil.copytree(PROJECTS / "go-scratch", folder)
    said = verify("--format", "json", cwd=folder)
    assert said.code == 0, said.out + said.err
    document = said.document
    assert document["difference"] == {"settings": [], "missing": [], "added": [], "changed": []}
    assert document["after"]["network_off"]["ok"]


def test_project_that_does_not_build_is_told_so(project: Path) -> None:
    with (project / "Dockerfile").open("a", encoding="utf-8") as file:
        file.write("RUN echo this goes wrong >&2; exit 3\n")
    said = verify(cwd=project)
    assert said.code == 2
    assert "this goes wrong" in said.out
    assert said.out.splitlines()[-1].startswith("not run: the Dockerfile does not build as it is")


def test_nothing_to_prove(tmp_path: Path) -> None:
    said = verify(cwd=lines(tmp_path / "p", "COPY . /src", "RUN true"))
    assert said.code == 2
    assert "no step is known to download packages" in said.out


def test_options_reach_the_builder(project: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("hush", "utf-8")
    other = tmp_path / "other"
    other.mkdir()
    (other / "given.txt").write_text("given", "utf-8")
    text = (project / "Dockerfile").read_text("utf-8").replace("FROM python:3.13-slim", "FROM base AS first")
    text += (
        "ARG WHAT=nothing\n"
        'RUN --mount=type=secret,id=token test "$(cat /run/secrets/token)" = hush && test "$WHAT" = something\n'
        "COPY --from=more given.txt /given.txt\n"
        "FROM first AS unwanted\nRUN false\n"
    )
    (project / "Dockerfile").write_text(text, "utf-8")
    said = verify(
        "--build-arg=WHAT=something",
        f"--secret=id=token,src={secret}",
        f"--build-context=more={other}",
        "--build-context=base=docker-image://python:3.13-slim",
        "--target=first",
        "--platform=linux/amd64" if os.uname().machine == "x86_64" else "--platform=linux/arm64",
        "--touch=app.py",
        cwd=project,
    )
    assert said.code == 0, said.out + said.err
    assert any("RUN pip install" in line and line.endswith("cached") for line in said.out.splitlines())
    assert "unwanted" not in said.out


def test_dockerfile_elsewhere_and_other_directory(project: Path, tmp_path: Path) -> None:
    place = tmp_path / "docker"
    place.mkdir()
    shutil.move(project / "Dockerfile", place / "app.Dockerfile")
    (place / "app.Dockerfile.dockerignore").write_text("notes\n", "utf-8")
    (project / "notes").write_text("of no use\n", "utf-8")
    said = verify("docker/app.Dockerfile", "--context", "project", cwd=tmp_path)
    assert said.code == 0, said.out + said.err
    assert "/notes" not in said.out


def test_file_that_no_step_uses(project: Path) -> None:
    (project / "Dockerfile").write_text(
        "FROM python:3.13-slim\nWORKDIR /app\nCOPY requirements.txt .\nRUN pip install -r requirements.txt\n", "utf-8"
    )
    said = verify("--touch", "app.py", cwd=project)
    assert said.code == 2
    assert said.out.splitlines()[-1] == "not run: no step depends on app.py; name another file with --touch"


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_interrupted_while_building(tmp_path: Path, number: int, code: int) -> None:
    base_or_skip("python:3.13-slim")
    folder = lines(tmp_path / "p", "COPY . /src")
    (folder / "requirements.txt").write_text("six==1.17.0\n", "utf-8")
    (folder / "Dockerfile").write_text(
        "FROM python:3.13-slim\nCOPY . /src\nRUN pip install -r /src/requirements.txt\nRUN sleep 120\n", "utf-8"
    )
    before = state(folder)
    with subprocess.Popen(
        command(), cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and not _builds("sleep 120"):
            time.sleep(0.2)
        assert _builds("sleep 120")
        os.kill(process.pid, number)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (code, "")
    assert "Traceback" not in err
    assert state(folder) == before
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and _builds("sleep 120"):
        time.sleep(0.2)
    assert not _builds("sleep 120")


def _builds(words: str) -> bool:
    """Whether a process of those words runs on this machine, as builds of a local engine do."""
    return any(
        words.replace(" ", "\0") in path.read_text("utf-8", "replace")
        for path in Path("/proc").glob("[0-9]*/cmdline")
        if path.exists()
    )
