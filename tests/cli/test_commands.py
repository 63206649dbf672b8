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


def test_explain_in_markdown(run: Runner) -> None:
    page = run("explain", "missing-lockfile", "--format", "markdown", "--color", "always").stdout.decode()
    assert page.startswith("# missing-lockfile\n\nWarning, on by default, no automatic fix.\n\n## What\n\n")
    assert "\x1b" not in page
    every = run("explain", "all", "--format", "markdown").stdout.decode()
    assert page in every
    assert every.count("\n## Why\n") == len(json.loads(run("rules", "--format", "json").stdout)["rules"])


def test_explain_in_json(run: Runner) -> None:
    (rule,) = json.loads(run("explain", "invalid-dockerfile", "--format", "json").stdout)["rules"]
    assert rule["name"] == "invalid-dockerfile"
    assert rule["references"] == [
        {"title": "Dockerfile reference, format", "url": "https://docs.docker.com/reference/dockerfile/#format"}
    ]
    every = run("explain", "all", "--format", "json").stdout
    assert json.loads(every) == json.loads(run("rules", "--format", "json").stdout)


def test_explain_all(run: Runner) -> None:
    text = run("explain", "all").stdout
    assert run("explain", "missing-lockfile").stdout + b"\n" in text
    assert b"\nReferences:\n- " in text


def test_explain_what_there_is_not(run: Runner) -> None:
    for words, said in (
        (("nope", "--format", "markdown"), b"error: there is no rule 'nope'; `dockerlayer rules` lists them\n"),
        (("",), b"error: there is no rule ''; `dockerlayer rules` lists them\n"),
        (("all", "--format", "nonsense"), b"'nonsense' is not one of 'text', 'markdown', 'json'"),
        (("patterns", "--format", "json"), b"error: the page of the patterns is text or markdown"),
        ((), b"Missing argument"),
    ):
        done = run("explain", *words)
        assert (done.returncode, done.stdout) == (2, b"")
        assert said in done.stderr
        assert b"Traceback" not in done.stderr


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
