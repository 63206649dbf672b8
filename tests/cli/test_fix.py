"""``fix`` as a program: what it writes, what it leaves alone, and what it says."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from dockerlayer.cli.replace import replace_file
from dockerlayer.errors import InputError

Runner = Callable[..., subprocess.CompletedProcess[bytes]]

BAD = b"FROM busybox\nWORKDIR /app\nCOPY . .\nRUN fakepm install\n"
GOOD = b"FROM busybox\nWORKDIR /app\nCOPY fake.json ./\nRUN fakepm install\nCOPY . .\n"


def names(directory: Path) -> list[str]:
    return sorted(os.listdir(directory))


def test_fix_writes_and_tells(run: Runner, project: Path) -> None:
    done = run("fix", cwd=project)
    assert (project / "Dockerfile").read_bytes() == GOOD
    assert done.stdout.decode() == (
        "Dockerfile: fixed 1 problem\n"
        "  line 4: install from FakeHub before the source is copied (source-before-download, narrow, safe)\n"
        "\n"
        "Fixed 1 problem in 1 file, nothing left.\n"
    )
    assert done.returncode == 0
    assert names(project) == ["Dockerfile", "fake.json", "main.py"]


def test_fix_of_a_clean_file_does_not_touch_it(run: Runner, project: Path) -> None:
    path = project / "Dockerfile"
    path.write_bytes(GOOD)
    before = path.stat()
    done = run("fix", project)
    after = path.stat()
    assert (before.st_mtime_ns, before.st_ino) == (after.st_mtime_ns, after.st_ino)
    assert (done.returncode, done.stdout) == (0, b"All clean: 1 file checked.\n")


def test_what_cannot_be_fixed_is_left_with_the_reason(run: Runner, project: Path) -> None:
    text = BAD.replace(b"install", b"install odd")
    (project / "Dockerfile").write_bytes(text)
    done = run("fix", project)
    assert done.returncode == 1
    assert b"= no fix: the manifest is odd [fake-odd]\n" in done.stdout
    assert (project / "Dockerfile").read_bytes() == text


def test_unsafe_fix_waits_to_be_asked_for(run: Runner, project: Path) -> None:
    text = BAD.replace(b"install", b"install risky")
    path = project / "Dockerfile"
    path.write_bytes(text)
    done = run("fix", "Dockerfile", cwd=project)
    assert done.returncode == 1
    assert b"\nDockerfile: 1 more with --unsafe: the moon is full\n" in done.stdout
    assert path.read_bytes() == text
    done = run("fix", "--unsafe", "Dockerfile", cwd=project)
    assert done.returncode == 0
    assert b"    assumed: the moon is full\n" in done.stdout
    assert path.read_bytes() == GOOD.replace(b"install", b"install risky")


def test_fixing_twice_changes_nothing_more(run: Runner, project: Path) -> None:
    run("fix", project)
    assert run("fix", project).stdout == b"All clean: 1 file checked.\n"
    assert (project / "Dockerfile").read_bytes() == GOOD


def test_line_ends_and_byte_order_mark_stay(run: Runner, project: Path) -> None:
    text = b"\xef\xbb\xbf" + BAD.replace(b"\n", b"\r\n")
    (project / "Dockerfile").write_bytes(text)
    assert run("fix", project).returncode == 0
    assert (project / "Dockerfile").read_bytes() == b"\xef\xbb\xbf" + GOOD.replace(b"\n", b"\r\n")


def test_bytes_that_are_not_utf8_stay(run: Runner, project: Path) -> None:
    (project / "Dockerfile").write_bytes(b"# \xff\xfe\n" + BAD)
    assert run("fix", project).returncode == 0
    assert (project / "Dockerfile").read_bytes() == b"# \xff\xfe\n" + GOOD


def test_mode_stays(run: Runner, project: Path) -> None:
    path = project / "Dockerfile"
    path.chmod(0o4751)
    run("fix", project)
    assert path.read_bytes() == GOOD
    assert path.stat().st_mode & 0o7777 == 0o4751


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only the superuser may give files away")
def test_owner_stays(run: Runner, project: Path) -> None:
    path = project / "Dockerfile"
    os.chown(path, 12345, 54321)
    run("fix", project)
    assert (path.stat().st_uid, path.stat().st_gid) == (12345, 54321)


def test_link_stays_and_its_target_is_written(run: Runner, project: Path) -> None:
    (project / "docker").mkdir()
    (project / "Dockerfile").rename(project / "docker" / "base")
    (project / "Dockerfile").symlink_to("docker/base")
    assert run("fix", project).returncode == 0
    assert (project / "Dockerfile").is_symlink()
    assert (project / "docker" / "base").read_bytes() == GOOD
    assert names(project / "docker") == ["base"]


def test_file_with_two_names_is_fixed_once(run: Runner, project: Path) -> None:
    (project / "Dockerfile.dev").symlink_to("Dockerfile")
    done = run("fix", project)
    assert done.stdout.endswith(b"Fixed 1 problem in 1 file, nothing left.\n")
    assert done.returncode == 0


def test_no_room_leaves_the_file_as_it_was(run: Runner, project: Path) -> None:
    done = run("fix", "Dockerfile", cwd=project, wrapper=("sh", "-c", 'ulimit -f 0; exec "$@"', "sh"))
    assert done.returncode == 2
    assert b"error: Dockerfile: cannot be written: File too large\n" in done.stderr
    assert (project / "Dockerfile").read_bytes() == BAD
    assert names(project) == ["Dockerfile", "fake.json", "main.py"]


def test_one_file_that_cannot_be_written_among_others(run: Runner, project: Path) -> None:
    (project / "Dockerfile.dev").write_bytes(BAD)
    (project / "Dockerfile.pipe").symlink_to("/proc/version")
    done = run("fix", project)
    assert done.returncode in {1, 2}
    assert (project / "Dockerfile").read_bytes() == GOOD
    assert (project / "Dockerfile.dev").read_bytes() == GOOD


def test_read_only_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "Dockerfile"
    path.write_bytes(b"old")
    monkeypatch.setattr("os.access", lambda *_: False)
    with pytest.raises(InputError, match="not written: the file is read-only"):
        replace_file(str(path), b"old", b"new")
    assert path.read_bytes() == b"old"


def test_file_changed_meanwhile_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "Dockerfile"
    path.write_bytes(b"newer")
    with pytest.raises(InputError, match="was changed while it was being checked"):
        replace_file(str(path), b"old", b"new")
    assert path.read_bytes() == b"newer"
    assert names(tmp_path) == ["Dockerfile"]


def test_directory_that_takes_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "Dockerfile"
    path.write_bytes(b"old")

    def refuse(**_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("tempfile.mkstemp", refuse)
    with pytest.raises(InputError, match="cannot be written: Permission denied"):
        replace_file(str(path), b"old", b"new")


def test_interrupt_while_writing_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "Dockerfile"
    path.write_bytes(b"old")

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    for place in ("fsync", "chmod", "replace"):
        with monkeypatch.context() as patch:
            patch.setattr(os, place, interrupt)
            with pytest.raises(KeyboardInterrupt):
                replace_file(str(path), b"old", b"new")
        assert names(tmp_path) == ["Dockerfile"]
    assert path.read_bytes() == b"old"


def test_diff_writes_nothing_and_can_be_applied(run: Runner, project: Path) -> None:
    done = run("fix", "--diff", cwd=project)
    assert done.returncode == 1
    assert (project / "Dockerfile").read_bytes() == BAD
    assert done.stdout.startswith(b"--- Dockerfile\n+++ Dockerfile\n@@ ")
    assert b"Dockerfile: would fix 1 problem\n" in done.stderr
    assert done.stderr.endswith(b"Would fix 1 problem in 1 file, nothing left.\n")
    subprocess.run(["git", "apply", "-p0"], input=done.stdout, cwd=project, check=True)
    assert (project / "Dockerfile").read_bytes() == GOOD


@pytest.mark.parametrize("text", [BAD.replace(b"\n", b"\r\n"), BAD[:-1], b"# \xff\r lone\n" + BAD])
def test_diff_of_odd_texts_can_be_applied(run: Runner, project: Path, text: bytes) -> None:
    (project / "Dockerfile").write_bytes(text)
    diff = run("fix", "--diff", cwd=project).stdout
    run("fix", cwd=project)
    fixed = (project / "Dockerfile").read_bytes()
    assert fixed != text
    (project / "Dockerfile").write_bytes(text)
    subprocess.run(["git", "apply", "-p0", "--whitespace=nowarn"], input=diff, cwd=project, check=True)
    assert (project / "Dockerfile").read_bytes() == fixed


def test_diff_of_a_clean_file(run: Runner, project: Path) -> None:
    (project / "Dockerfile").write_bytes(GOOD)
    done = run("fix", "--diff", project)
    assert (done.returncode, done.stdout) == (0, b"")


def test_diff_with_something_left_only(run: Runner, project: Path) -> None:
    (project / "Dockerfile").write_bytes(BAD.replace(b"install", b"install odd"))
    done = run("fix", "--diff", project)
    assert (done.returncode, done.stdout) == (1, b"")
    assert b"[fake-odd]" in done.stderr


def test_standard_input_to_standard_output(run: Runner, project: Path) -> None:
    done = run("fix", "-", "--stdin-filename", "Dockerfile", stdin=BAD, cwd=project)
    assert (done.returncode, done.stdout) == (0, GOOD)
    assert b"Dockerfile: fixed 1 problem\n" in done.stderr
    assert (project / "Dockerfile").read_bytes() == BAD


@pytest.mark.parametrize("text", [b"", b"FROM a\r\nRUNN \xff\x00", GOOD])
def test_standard_input_passes_through_unchanged(run: Runner, project: Path, text: bytes) -> None:
    assert run("fix", "-", "--context", ".", stdin=text, cwd=project).stdout == text


def test_standard_input_as_diff(run: Runner, project: Path) -> None:
    done = run("fix", "-", "--diff", "--context", project, stdin=BAD)
    assert done.stdout.startswith(b"--- <stdin>\n+++ <stdin>\n")
    assert done.returncode == 1


def test_standard_input_stands_alone(run: Runner, project: Path) -> None:
    done = run("fix", "-", "Dockerfile", cwd=project)
    assert (done.returncode, done.stdout) == (2, b"")


def test_bug_in_one_file_leaves_it_and_fixes_the_others(run: Runner, project: Path) -> None:
    text = BAD.replace(b"install", b"install crash")
    (project / "Dockerfile.crash").write_bytes(text)
    done = run("fix", project)
    assert done.returncode == 2
    assert (project / "Dockerfile").read_bytes() == GOOD
    assert (project / "Dockerfile.crash").read_bytes() == text
    assert done.stdout.endswith(b"Fixed 1 problem in 1 file, nothing left; 1 file could not be fixed.\n")


def test_json(run: Runner, project: Path) -> None:
    answer = json.loads(run("fix", "--format", "json", "Dockerfile", cwd=project).stdout)
    (file,) = answer["files"]
    assert file["changed"] is True
    assert file["findings"] == []
    (made,) = file["made"]
    assert made["rule"] == "source-before-download"
    assert (made["line"], made["applicability"], made["pattern"]) == (4, "safe", "narrow")
    assert (project / "Dockerfile").read_bytes() == GOOD


def test_json_of_a_diff(run: Runner, project: Path) -> None:
    answer = json.loads(run("fix", "--diff", "--format", "json", "Dockerfile", cwd=project).stdout)
    assert answer["files"][0]["diff"].startswith("--- Dockerfile\n")
    assert answer["summary"]["changed"] == 1
    assert (project / "Dockerfile").read_bytes() == BAD


def test_many_files(run: Runner, project: Path) -> None:
    for number in range(40):
        (project / f"Dockerfile.{number:02}").write_bytes(BAD)
    done = run("fix", project)
    assert done.returncode == 0
    assert done.stdout.endswith(b"Fixed 41 problems in 41 files, nothing left.\n")
    assert all((project / f"Dockerfile.{number:02}").read_bytes() == GOOD for number in range(40))
