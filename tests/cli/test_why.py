"""``why``: what a line's layer depends on."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from dockerlayer.cli.why import split_place
from dockerlayer.errors import UsageError

Runner = Callable[..., subprocess.CompletedProcess[bytes]]
Ask = Callable[..., tuple[int, str, str]]

TEXT = b"""ARG TAG=1
FROM busybox:$TAG AS base
ENV MODE=fast
WORKDIR /app

# everything
COPY . .
FROM base
RUN true && \\
    fakepm install
LABEL a=b
"""


@pytest.fixture
def ask(run: Runner, project: Path) -> Ask:
    (project / "Dockerfile").write_bytes(TEXT)

    def asked(place: str, *options: str) -> tuple[int, str, str]:
        done = run("why", place, *options, cwd=project)
        return done.returncode, done.stdout.decode(), done.stderr.decode()

    return asked


def test_download(ask: Ask) -> None:
    code, text, _ = ask("Dockerfile:10")
    assert code == 0
    lines = text.splitlines()
    assert lines[0] == "Dockerfile:10: RUN true &&     fakepm install"
    assert lines[1] == "stage: 1, from base"
    assert "The layer is built again when one of these changes:" in lines
    assert any(line.startswith("  line 2  image     busybox:1 - ") for line in lines)
    assert any(line.startswith("  line 7  files     .: ") for line in lines)
    assert any(line.startswith("  line 3  variable  MODE=fast - ") or "MODE=fast" in line for line in lines)
    assert lines[-4:] == [
        "line 10: fakepm install",
        "  downloads 3 packages from FakeHub, in /app (install)",
        "  needs: fake.json",
        "  does not need: 1 file of line 7, COPY . .: main.py",
    ]


def test_json(ask: Ask) -> None:
    answer = json.loads(ask("Dockerfile:9", "--format", "json")[1])
    assert (answer["version"], answer["line"], answer["first"]) == (1, 9, 9)
    assert {item["kind"] for item in answer["inputs"]} >= {"image", "stage", "files", "text"}
    (download,) = answer["downloads"]
    assert download["needs"] == ["fake.json"]
    assert download["needless"] == [{"line": 7, "text": "COPY . .", "number": 1, "examples": ["main.py"]}]


@pytest.mark.parametrize("line", [5, 6])
def test_line_without_instruction(ask: Ask, line: int) -> None:
    code, text, _ = ask(f"Dockerfile:{line}")
    assert code == 0
    assert text == f"Dockerfile:{line}: no instruction stands on this line\nstage: 0 'base', from busybox:1\n"


@pytest.mark.parametrize("line", [0, 12, 10**30])
def test_line_outside(ask: Ask, line: int) -> None:
    code, text, error = ask(f"Dockerfile:{line}")
    assert (code, text) == (2, "")
    assert error.endswith(f"error: Dockerfile: there is no line {line}, the file has 11\n")


def test_instructions_that_make_no_layer(ask: Ask) -> None:
    assert "stage: none, this stands above the first FROM" in ask("Dockerfile:1")[1]
    assert "busybox:1 - the base image's content" in ask("Dockerfile:2")[1]
    assert "base - that stage's result" in ask("Dockerfile:8")[1]
    assert "metadata" in ask("Dockerfile:11")[1]


def test_file_that_cannot_be_read(run: Runner) -> None:
    done = run("why", "nowhere:1")
    assert (done.returncode, done.stdout) == (2, b"")
    assert b"error: nowhere: No such file or directory\n" in done.stderr


def test_file_that_buildkit_refuses(run: Runner, tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_bytes(b"FROM a\nRUNN x\n")
    done = run("why", "Dockerfile:1")
    assert done.returncode == 2
    assert b"error: Dockerfile:2: BuildKit refuses this file: " in done.stderr


def test_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a:7").touch()
    assert split_place("Dockerfile:5") == ("Dockerfile", 5)
    assert split_place("c:\\Dockerfile:5:10:") == ("c:\\Dockerfile", 5)
    assert split_place("a:7:3") == ("a:7", 3)
    with pytest.raises(UsageError, match="FILE:LINE is wanted"):
        split_place("Dockerfile")
