"""What ``.gitignore`` files say of a directory, held against git itself where that is installed."""

import shutil
import subprocess
import time
from pathlib import Path

import pytest

from dockerlayer.api import Context

PATHS = ["made", "src/made", "src/deep/made", "a.made", ".made", "other", "src", "src/other", "made1", "src/made/x"]
RULES = [
    "made",
    "made/",
    "/made",
    "/made/",
    "**/made",
    "src/made",
    "src/*/made",
    "src/**",
    "src/**/made",
    "made/*",
    "*.made",
    "?made",
    "[m]ade",
    "made[!1]",
    "made*",
    "# made",
    "\\made",
    "made  ",
    "made\n!made",
    "src\n!src/made",
    "/*\n!/src",
    "made\r",
]


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
@pytest.mark.parametrize("rules", RULES)
def test_agrees_with_git(tmp_path: Path, rules: str) -> None:
    (tmp_path / ".gitignore").write_text(rules + "\n", newline="")
    for path in PATHS:
        (tmp_path / path).mkdir(parents=True, exist_ok=True)
        (tmp_path / path / "file").touch()
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    command = ["git", "-c", "core.excludesFile=", "check-ignore", *(f"{path}/file" for path in PATHS)]
    listed = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False).stdout.split("\n")
    context = Context.open(tmp_path)
    for path in PATHS:
        assert context.git_ignores(path) is (f"{path}/file" in listed), path


def test_a_list_of_what_is_allowed(tmp_path: Path) -> None:
    (tmp_path / ".gitignore").write_text("*\n!src\n")
    context = Context.open(tmp_path)
    assert [context.git_ignores(path) for path in ("made", "src", "src/made")] == [True, False, True]


def test_a_deeper_file_comes_later(tmp_path: Path) -> None:
    (tmp_path / "web").mkdir()
    (tmp_path / ".gitignore").write_text("made\n")
    (tmp_path / "web" / ".gitignore").write_text("!made\n/own\n")
    context = Context.open(tmp_path)
    assert context.git_ignores("made") is True
    assert context.git_ignores("web/made") is False
    assert context.git_ignores("web/own") is True
    assert context.git_ignores("own") is False


def test_without_any_nothing_is_known(tmp_path: Path) -> None:
    assert Context.open(tmp_path).git_ignores("made") is None
    (tmp_path / ".gitignore").mkdir()
    assert Context.open(tmp_path).git_ignores("made") is None


def test_the_file_counts_though_the_builder_never_sees_it(tmp_path: Path) -> None:
    (tmp_path / ".gitignore").write_text("made\n")
    (tmp_path / ".dockerignore").write_text(".gitignore\n")
    assert Context.open(tmp_path).git_ignores("made") is True


def test_a_hostile_file_takes_no_time(tmp_path: Path) -> None:
    hostile = b"*a*a*a*a*a*a*a*a*b\n" * 10_000 + b"x" * 3_000_000 + b"\n[z-a]\n[\n" + b"**/" * 60 + b"x\n"
    (tmp_path / ".gitignore").write_bytes(hostile)
    started = time.monotonic()
    assert Context.open(tmp_path).git_ignores("a" * 200) is False
    assert time.monotonic() - started < 2
