"""Many files at once: order, bugs, dying workers, interruption."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Runner = Callable[..., subprocess.CompletedProcess[bytes]]

BAD = b"FROM busybox\nWORKDIR /app\nCOPY . .\nRUN fakepm install\n"
CLEAN = b'FROM scratch\nCMD ["/x"]\n'


def test_bug_in_one_file(run: Runner, project: Path) -> None:
    (project / "Dockerfile.crash").write_bytes(BAD.replace(b"install", b"install crash"))
    done = run("check", project)
    assert done.returncode == 2
    assert b"Dockerfile.crash: ValueError: boom; please report\n" in done.stderr
    assert b"internal error in " in done.stderr
    assert b"Traceback" not in done.stderr
    assert b"Found 1 problem in 1 of 1 file" in done.stdout
    assert b"Traceback" in run("check", project, env={"DOCKERLAYER_DEBUG": "1"}).stderr


def test_broken_plugin_is_left_out(run: Runner, project: Path, site: Path, environment: dict[str, str]) -> None:
    modules = os.pathsep.join((environment["PYTHONPATH"], str(site / "broken")))
    done = run("check", project, env={"PYTHONPATH": modules})
    assert done.returncode == 1
    assert b"warning: plugin broken (from broken-dist): RuntimeError: no such luck\n" in done.stderr


def test_many_files_in_order(run: Runner, tmp_path: Path) -> None:
    names = [f"Dockerfile.{number:03}" for number in range(60)]
    for name in names:
        (tmp_path / name).write_bytes(b"FROM a\nRUNN x\n")
    (tmp_path / "Dockerfile.030").write_bytes(CLEAN)
    (tmp_path / "Dockerfile.031").write_bytes(BAD.replace(b"install", b"install crash"))
    done = run("check")
    told = [line.partition(":")[0] for line in done.stdout.decode().splitlines() if line.startswith("Dockerfile.")]
    assert told == [name for name in names if name not in {"Dockerfile.030", "Dockerfile.031"}]
    assert done.stdout.endswith(b"Found 58 problems in 58 of 59 files; 1 file could not be checked.\n")
    assert done.returncode == 2
    answer = json.loads(run("check", "--format", "json").stdout)
    assert [file["path"] for file in answer["files"]] == [name for name in names if name != "Dockerfile.031"]
    assert [error["path"] for error in answer["errors"]] == ["Dockerfile.031"]
    summary = answer["summary"]
    assert {name: number for name, number in summary.items() if number} == {
        "files": 59, "failed": 1, "dirty": 58, "problems": 58, "error": 58
    }  # fmt: skip


@pytest.mark.skipif((os.cpu_count() or 1) < 2, reason="one processor means one process")
def test_worker_that_dies(run: Runner, tmp_path: Path) -> None:
    for number in range(40):
        (tmp_path / f"Dockerfile.{number:03}").write_bytes(CLEAN)
    (tmp_path / "Dockerfile.020").write_bytes(BAD.replace(b"install", b"install die"))
    done = run("check")
    assert done.returncode == 2
    assert b"a worker process died" in done.stderr
    assert b"Traceback" not in done.stderr


@pytest.mark.parametrize("files", [1, 40])
def test_interrupted(environment: dict[str, str], tmp_path: Path, files: int) -> None:
    for number in range(files):
        (tmp_path / f"Dockerfile.{number:03}").write_bytes(BAD.replace(b"install", b"install sleep"))
    command = [sys.executable, "-m", "dockerlayer", "check", str(tmp_path)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment, start_new_session=True
    ) as process:
        assert process.stderr is not None
        line = process.stderr.readline()
        while line and line != b"READY\n":
            line = process.stderr.readline()
        os.killpg(process.pid, signal.SIGINT)
        _, rest = process.communicate(timeout=30)
        assert process.returncode == 130
        assert b"Traceback" not in rest
        with pytest.raises(ProcessLookupError):
            os.killpg(process.pid, 0)
