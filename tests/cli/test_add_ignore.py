"""``check --add-ignore``, run as a user would."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

Runner = Callable[..., subprocess.CompletedProcess[bytes]]

BAD = b"FROM busybox\nWORKDIR /app\nCOPY . .\nRUN fakepm install\n"
COMMENT = b"# dockerlayer: ignore[source-before-download]"


def with_comment(comment: bytes, text: bytes = BAD) -> bytes:
    return text.replace(b"RUN", comment + b"\nRUN")


def test_what_is_found_today_is_left_alone(run: Runner, project: Path) -> None:
    path = project / "Dockerfile"
    path.chmod(0o640)
    done = run("check", "--add-ignore", "Dockerfile", cwd=project)
    assert path.read_bytes() == with_comment(COMMENT)
    assert path.stat().st_mode & 0o777 == 0o640
    assert sorted(os.listdir(project)) == ["Dockerfile", "fake.json", "main.py"]
    assert done.stdout == b"All clean: 1 file checked.\n"
    assert done.stderr.endswith(b"left 1 finding alone by comments\n")
    assert done.returncode == 0
    for arguments in (["check"], ["check", "Dockerfile"], ["fix", "--diff"], ["fix"]):
        assert run(*arguments, cwd=project).returncode == 0
    stamp = path.stat().st_mtime_ns
    done = run("check", "--add-ignore=again", cwd=project)
    assert done.stderr.endswith(b"no comment was written\n")
    assert path.stat().st_mtime_ns == stamp


@pytest.mark.parametrize(
    ("arguments", "comment"),
    [
        (["--add-ignore=until the move"], COMMENT + b" until the move"),
        (["--add-ignore= caf\u00e9 "], COMMENT + " caf\u00e9".encode()),
        (["--add-ignore="], COMMENT),
        (["--add-ignore", "--add-ignore=later"], COMMENT + b" later"),
    ],
)
def test_the_reason(run: Runner, project: Path, arguments: list[str], comment: bytes) -> None:
    assert run("check", *arguments, project).returncode == 0
    assert (project / "Dockerfile").read_bytes() == with_comment(comment)


@pytest.mark.parametrize("reason", ["a\nb", "a\rb", "a\x00b" if os.name == "nt" else "\x1b[1m", "x" * 1001])
def test_a_reason_that_is_no_line(run: Runner, project: Path, reason: str) -> None:
    done = run("check", f"--add-ignore={reason}", project)
    assert done.returncode == 2
    assert b"error: --add-ignore: the reason " in done.stderr
    assert (project / "Dockerfile").read_bytes() == BAD


def test_the_word_behind_is_a_path(run: Runner, project: Path) -> None:
    (project / "other").mkdir()
    for name in ("Dockerfile", "fake.json", "main.py"):
        (project / "other" / name).write_bytes((project / name).read_bytes())
    assert run("check", "--add-ignore", "other", cwd=project).returncode == 0
    assert (project / "Dockerfile").read_bytes() == BAD
    assert (project / "other" / "Dockerfile").read_bytes() == with_comment(COMMENT)
    done = run("check", "--", "--add-ignore", cwd=project)
    assert b"error: --add-ignore: No such file" in done.stderr


def test_only_what_is_selected(run: Runner, project: Path) -> None:
    done = run("check", "--add-ignore", "--select", "missing-lockfile", project)
    assert done.returncode == 0
    assert (project / "Dockerfile").read_bytes() == BAD


def test_standard_input(run: Runner, project: Path) -> None:
    text = b"\xef\xbb\xbf" + BAD.replace(b"\n", b"\r\n")
    done = run("check", "--add-ignore", "--stdin-filename", project / "Dockerfile", "-", stdin=text)
    assert done.stdout == text.replace(b"RUN", COMMENT + b"\r\nRUN")
    assert done.returncode == 0
    assert (project / "Dockerfile").read_bytes() == BAD
    done = run("check", "--add-ignore", "-", project)
    assert done.returncode == 2
    assert b"takes - alone" in done.stderr


def test_what_cannot_be_left_alone_is_still_told(run: Runner, project: Path) -> None:
    broken = b"FROM busybox\nRUNN fakepm install\n"
    (project / "Dockerfile.broken").write_bytes(broken)
    (project / "Dockerfile.odd").write_bytes(with_comment(b"# dockerlayer: ignore"))
    done = run("check", "--add-ignore", "--format", "json", cwd=project)
    assert done.returncode == 1
    found = {file["path"]: [item["rule"] for item in file["findings"]] for file in json.loads(done.stdout)["files"]}
    assert {os.path.basename(path): rules for path, rules in found.items()} == {
        "Dockerfile": [],
        "Dockerfile.broken": ["invalid-dockerfile"],
        "Dockerfile.odd": ["invalid-suppression"],
    }
    assert (project / "Dockerfile.broken").read_bytes() == broken
    assert (project / "Dockerfile.odd").read_bytes() == with_comment(COMMENT + b"\n# dockerlayer: ignore")


def test_files_that_cannot_be_used(run: Runner, project: Path) -> None:
    (project / "empty").write_bytes(b"")
    (project / "loop").symlink_to("loop")
    done = run("check", "--add-ignore", "empty", "loop", "gone", "Dockerfile", cwd=project)
    assert done.returncode == 2
    for name in (b"loop", b"gone"):
        assert b"error: " + name + b": " in done.stderr
    assert b"Traceback" not in done.stderr
    assert (project / "Dockerfile").read_bytes() == with_comment(COMMENT)


def test_a_link_stays_and_its_file_is_written_once(run: Runner, project: Path) -> None:
    (project / "Dockerfile.link").symlink_to("Dockerfile")
    assert run("check", "--add-ignore", cwd=project).returncode == 0
    assert (project / "Dockerfile.link").is_symlink()
    assert (project / "Dockerfile").read_bytes() == with_comment(COMMENT)


def test_no_room_leaves_the_file_as_it_was(run: Runner, project: Path) -> None:
    done = run("check", "--add-ignore", cwd=project, wrapper=("sh", "-c", 'ulimit -f 0; exec "$@"', "sh"))
    assert done.returncode == 2
    assert b"cannot be written: File too large\n" in done.stderr
    assert (project / "Dockerfile").read_bytes() == BAD


def test_unused_comments_are_told_and_removed(run: Runner, project: Path) -> None:
    path = project / "Dockerfile"
    good = BAD.replace(b"COPY . .", b"COPY fake.json ./")
    path.write_bytes(with_comment(COMMENT + b" later", good))
    done = run("check", cwd=project)
    assert done.returncode == 1
    assert b"Dockerfile:4:1: unused-suppression: source-before-download finds nothing" in done.stdout
    assert run("fix", cwd=project).returncode == 0
    assert path.read_bytes() == good
