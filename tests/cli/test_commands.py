"""The small commands, and what all commands share."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

Runner = Callable[..., subprocess.CompletedProcess[bytes]]

BAD = b"FROM busybox\nWORKDIR /app\nCOPY . .\nRUN fakepm install\n"
CLEAN = b'FROM scratch\nCMD ["/x"]\n'


def test_colour(run: Runner, project: Path) -> None:
    assert b"\x1b" not in run("check", project).stdout
    assert b"\x1b[1;33msource-before-download\x1b[0m" in run("check", project, "--color", "always").stdout
    assert b"\x1b" in run("check", project, env={"FORCE_COLOR": "1"}).stdout
    assert b"\x1b" not in run("check", project, env={"FORCE_COLOR": "0"}).stdout
    assert b"\x1b" not in run("check", project, env={"FORCE_COLOR": "1", "NO_COLOR": "1"}).stdout
    assert b"\x1b" not in run("check", project, "--color", "never", env={"FORCE_COLOR": "1"}).stdout
    assert b"\x1b" in run("check", project, "--color", "always", env={"NO_COLOR": "1"}).stdout


def test_nothing_asked(run: Runner) -> None:
    done = run()
    assert b"Usage: dockerlayer" in done.stdout + done.stderr
    assert done.returncode in {0, 2}


def test_version(run: Runner) -> None:
    assert run("--version").stdout.startswith(b"dockerlayer ")


def test_exit_codes_are_documented(run: Runner) -> None:
    assert b"Exit codes:\n    0    nothing found" in run("--help").stdout


def test_explain(run: Runner) -> None:
    done = run("explain", "source-before-download")
    assert done.stdout.startswith(b"source-before-download (warning; on by default; can be fixed)\n\n")
    assert b"\nWhy: " in done.stdout
    done = run("explain", "source-before-downlod")
    assert done.returncode == 2
    assert b"did you mean 'source-before-download'?" in done.stderr


def test_rules(run: Runner) -> None:
    table = run("rules").stdout.decode().splitlines()
    assert table[0].split() == ["RULE", "SEVERITY", "DEFAULT", "FIX"]
    row = next(line for line in table if line.startswith("combined-download-install"))
    assert row.split()[1:4] == ["info", "no", "yes"]
    listed = json.loads(run("rules", "--format", "json").stdout)["rules"]
    assert {rule["name"] for rule in listed} >= {"source-before-download", "invalid-dockerfile"}


def test_ecosystems(run: Runner) -> None:
    table = run("ecosystems").stdout.decode().splitlines()
    assert table[0].startswith("| ecosystem ")
    assert set(table[1]) == set("| -")
    assert "| Fake" in "\n".join(table)
    listed = json.loads(run("ecosystems", "--format", "json").stdout)["ecosystems"]
    fake = next(row for row in listed if row["name"] == "fake")
    assert (fake["registry"], fake["payer"], fake["download"]) == ("FakeHub", "nobody", None)
