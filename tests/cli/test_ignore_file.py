"""``fix`` where a fix is a line for the ignore file: what is written, and what stays when it cannot be."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from dockerlayer.cli import ignorefile
from dockerlayer.cli.ignorefile import append_lines, diff_of_lines
from dockerlayer.errors import InputError
from dockerlayer.rewrite.ignore_lines import with_lines

Runner = Callable[..., subprocess.CompletedProcess[bytes]]
TEXT = b"FROM node:22\nWORKDIR /app\nCOPY package.json package-lock.json ./\nRUN npm ci\nCOPY . .\n"
LINE = b"node_modules\n"


@pytest.fixture
def trap(tmp_path: Path) -> Path:
    """A project whose modules, which git leaves out, are copied over those of the image."""
    root = tmp_path / "trap"
    (root / "node_modules" / "a").mkdir(parents=True)
    (root / "node_modules" / "a" / "index.js").write_text("1")
    (root / "Dockerfile").write_bytes(TEXT)
    (root / ".gitignore").write_bytes(LINE)
    (root / "package.json").write_text('{"dependencies": {"a": "1.0.0"}}')
    package = {"version": "1.0.0", "integrity": "sha512-aaaa"}
    lock = {"lockfileVersion": 3, "packages": {"": {"dependencies": {"a": "1.0.0"}}, "node_modules/a": package}}
    (root / "package-lock.json").write_text(json.dumps(lock))
    return root


def test_only_asked_for_it_is_made(run: Runner, trap: Path) -> None:
    done = run("fix", "Dockerfile", cwd=trap)
    assert done.returncode == 1
    assert b"fix (--unsafe): add node_modules to .dockerignore" in done.stdout
    assert not (trap / ".dockerignore").exists()
    assert run("fix", "--unsafe", "Dockerfile", cwd=trap).returncode == 0
    assert (trap / ".dockerignore").read_bytes() == LINE
    assert (trap / ".dockerignore").stat().st_mode & 0o777 == 0o666 & ~_umask()
    assert (trap / "Dockerfile").read_bytes() == TEXT
    assert run("fix", "--unsafe", "Dockerfile", cwd=trap).stdout == b"All clean: 1 file checked.\n"
    assert not [name for name in os.listdir(trap) if name.startswith(".dockerlayer")]


def test_diff_shows_it_and_writes_nothing(run: Runner, trap: Path) -> None:
    done = run("fix", "--unsafe", "--diff", "Dockerfile", cwd=trap)
    assert done.returncode == 1
    assert done.stdout == b"--- /dev/null\n+++ .dockerignore\n@@ -0,0 +1 @@\n+node_modules\n"
    assert not (trap / ".dockerignore").exists()
    done = run("fix", "--unsafe", "--diff", "--format", "json", "Dockerfile", cwd=trap)
    file = json.loads(done.stdout)["files"][0]
    assert file["changed"] is True
    assert file["diff"].endswith("+node_modules\n")
    assert file["made"][0]["ignore"] == {"path": ".dockerignore", "lines": ["node_modules"]}


def test_check_names_the_file_and_the_lines(run: Runner, trap: Path) -> None:
    found = json.loads(run("check", "--format", "json", "Dockerfile", cwd=trap).stdout)["files"][0]["findings"]
    assert [item["fix"]["ignore"] for item in found] == [{"path": ".dockerignore", "lines": ["node_modules"]}]


def test_two_dockerfiles_of_one_context(run: Runner, trap: Path) -> None:
    for number in range(20):
        (trap / f"Dockerfile.{number}").write_bytes(TEXT)
    done = run("fix", "--unsafe", "--diff", ".", cwd=trap)
    assert done.stdout.count(b"+node_modules\n") == 1
    assert run("fix", "--unsafe", ".", cwd=trap).returncode == 0
    assert (trap / ".dockerignore").read_bytes() == LINE


def test_own_ignore_file_of_a_dockerfile(run: Runner, trap: Path) -> None:
    (trap / "Dockerfile.dockerignore").write_bytes(b"*.md")
    assert run("fix", "--unsafe", "Dockerfile", cwd=trap).returncode == 0
    assert (trap / "Dockerfile.dockerignore").read_bytes() == b"*.md\n" + LINE
    assert not (trap / ".dockerignore").exists()


def test_standard_input_is_told_and_nothing_is_written(run: Runner, trap: Path) -> None:
    done = run("fix", "--unsafe", "-", "--stdin-filename", "Dockerfile", cwd=trap, stdin=TEXT)
    assert (done.returncode, done.stdout) == (1, TEXT)
    assert b"add node_modules to .dockerignore" in done.stderr
    assert not (trap / ".dockerignore").exists()


def test_link_stays_and_mode_stays(run: Runner, trap: Path) -> None:
    (trap / "rules").write_bytes(b"*.md\n")
    (trap / "rules").chmod(0o640)
    (trap / ".dockerignore").symlink_to("rules")
    assert run("fix", "--unsafe", "Dockerfile", cwd=trap).returncode == 0
    assert (trap / ".dockerignore").is_symlink()
    assert (trap / "rules").read_bytes() == b"*.md\n" + LINE
    assert (trap / "rules").stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize("what", ["directory", "loop", "outside", "long"])
def test_ignore_file_that_cannot_be_used(run: Runner, trap: Path, what: str) -> None:
    path = trap / ".dockerignore"
    if what == "directory":
        path.mkdir()
    elif what == "loop":
        path.symlink_to(".dockerignore")
    elif what == "outside":
        (trap.parent / "rules").write_bytes(b"*.md\n")
        path.symlink_to("../rules")
    else:
        path.write_bytes(b"x" * 5_000_000)
    done = run("fix", "--unsafe", "Dockerfile", cwd=trap)
    assert done.returncode == 1, done.stderr
    assert b"[ignore-file-broken]" in done.stdout
    assert what != "outside" or (trap.parent / "rules").read_bytes() == b"*.md\n"


def test_no_room_leaves_everything(run: Runner, trap: Path) -> None:
    (trap / ".dockerignore").write_bytes(b"*.md\n")
    done = run("fix", "--unsafe", "Dockerfile", cwd=trap, wrapper=("sh", "-c", 'ulimit -f 0; exec "$@"', "sh"))
    assert done.returncode == 2
    assert b".dockerignore: cannot be written: File too large" in done.stderr
    assert (trap / ".dockerignore").read_bytes() == b"*.md\n"


def test_read_only_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / ".dockerignore"
    path.write_bytes(b"*.md\n")
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(InputError, match="read-only"):
        append_lines(str(path), ["made"])
    assert path.read_bytes() == b"*.md\n"


def test_a_file_made_meanwhile_is_not_lost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / ".dockerignore"
    monkeypatch.setattr(ignorefile, "with_lines", lambda *_: bytes(path.write_bytes(b"mine\n")))
    with pytest.raises(InputError, match="made meanwhile"):
        append_lines(str(path), ["made"])
    assert path.read_bytes() == b"mine\n"
    assert os.listdir(tmp_path) == [".dockerignore"]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"", b"made\n"),
        (b"a", b"a\nmade\n"),
        (b"a\r\nb", b"a\r\nb\r\nmade\r\n"),
        (b"a\r\n", b"a\r\nmade\r\n"),
        (b"\xef\xbb\xbf", b"\xef\xbb\xbfmade\n"),
        (b"made\nb\n", b"made\nb\n"),
        (b"made\r\n!b\r\n", b"made\r\n!b\r\nmade\r\n"),
        (b"\xff\n", b"\xff\nmade\n"),
    ],
)
def test_lines_at_the_end(old: bytes, new: bytes) -> None:
    assert with_lines(old, ["made"]) == new
    assert with_lines(new, ["made"]) == new


def test_diffs_add_up(tmp_path: Path) -> None:
    shown: dict[str, bytes] = {}
    path = str(tmp_path / "rules")
    assert b"/dev/null" in diff_of_lines(path, ["a"], shown)
    assert b"+b\n" in diff_of_lines(path, ["a", "b"], shown)
    assert diff_of_lines(path, ["b"], shown) == b""
    assert shown[path] == b"a\nb\n"


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
