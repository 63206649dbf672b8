"""``check`` as a program: what it says, and what it exits with."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

Runner = Callable[..., subprocess.CompletedProcess[bytes]]

BAD = b"FROM busybox\nWORKDIR /app\nCOPY . .\nRUN fakepm install\n"
CLEAN = b'FROM scratch\nCMD ["/x"]\n'


def test_clean_file(run: Runner, tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_bytes(CLEAN)
    done = run("check", "Dockerfile")
    assert (done.returncode, done.stdout) == (0, b"All clean: 1 file checked.\n")


def test_finding_with_its_fix(run: Runner, project: Path) -> None:
    done = run("check", "Dockerfile", cwd=project)
    assert done.returncode == 1
    assert done.stdout.decode().splitlines()[:5] == [
        "Dockerfile:4:5: source-before-download: every source edit downloads 3 packages from FakeHub again, "
        "because the COPY on line 3 comes first",
        "  |",
        "4 | RUN fakepm install",
        "  |     ^^^^^^^^^^^^^^",
        "  = fix: install from FakeHub before the source is copied (safe, `dockerlayer fix`)",
    ]
    assert done.stdout.endswith(b"\nFound 1 problem in 1 of 1 file (1 fixable with fix).\n")


def test_working_directory_is_the_default(run: Runner, project: Path) -> None:
    assert run("check", cwd=project).stdout.startswith(b"Dockerfile:4:5: ")


def test_refusal_is_told_with_its_code(run: Runner, project: Path) -> None:
    (project / "Dockerfile").write_bytes(BAD.replace(b"install", b"install odd"))
    done = run("check", project)
    assert b"= no fix: the manifest is odd [fake-odd]\n" in done.stdout
    assert done.returncode == 1


def test_assumption_is_told(run: Runner, project: Path) -> None:
    (project / "Dockerfile").write_bytes(BAD.replace(b"install", b"install risky"))
    done = run("check", project)
    assert b"; assumes: the moon is full\n" in done.stdout
    assert done.stdout.endswith(b"(1 fixable with fix --unsafe).\n")


def test_context_is_the_one_named(run: Runner, project: Path) -> None:
    (project / "docker").mkdir()
    (project / "docker" / "Dockerfile").write_bytes(BAD)
    done = run("check", "docker", "--context", ".", cwd=project)
    assert b"1 fixable with fix" in done.stdout


@pytest.mark.parametrize(("context", "reason"), [("nowhere", "no such directory"), ("Dockerfile", "not a directory")])
def test_context_that_is_none(run: Runner, project: Path, context: str, reason: str) -> None:
    done = run("check", "--context", context, cwd=project)
    assert done.returncode == 2
    assert f"--context {context}: {reason}" in done.stderr.decode()


def test_select_names_exactly_the_rules(run: Runner, project: Path) -> None:
    assert run("check", "--select", "missing-lockfile", project).returncode == 0
    assert run("check", "--select", "missing-lockfile, source-before-download", project).returncode == 1
    assert run("check", "--select", "all", "--ignore", "source-before-download", project).returncode == 0
    assert run("check", "--ignore", "missing-lockfile", "--ignore", "source-before-download", project).returncode == 0


def test_invalid_file_stays_with_every_selection_until_ignored(run: Runner, tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_bytes(b"FROM a\nRUNN x\n")
    assert b": invalid-dockerfile: " in run("check", "--select", "missing-lockfile").stdout
    assert run("check", "--ignore", "invalid-dockerfile").returncode == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--select", "sorce-before-download"), "did you mean 'source-before-download'?"),
        (("--ignore", "Missing-Lockfile"), "did you mean 'missing-lockfile'?"),
        (("--select", "zzzzz"), "`dockerlayer rules` lists them"),
        (("--select", "nosuchrule"), "`dockerlayer rules` lists them"),
        (("--select", ","), "--select names no rule"),
        (("--pattern", "wide"), "--pattern"),
        (("--format", "xml"), "--format"),
        (("--stdin-filename", "Dockerfile"), "--stdin-filename"),
        (("--no-such-option",), "--no-such-option"),
    ],
)
def test_usage_errors(run: Runner, project: Path, arguments: tuple[str, ...], message: str) -> None:
    done = run("check", *arguments, cwd=project)
    assert (done.returncode, done.stdout) == (2, b"")
    assert message in done.stderr.decode()
    assert b"Traceback" not in done.stderr


def test_missing_path_does_not_stop_the_others(run: Runner, project: Path) -> None:
    done = run("check", "nowhere", "Dockerfile", cwd=project)
    assert done.returncode == 2
    assert b"error: nowhere: No such file or directory\n" in done.stderr
    assert b"Found 1 problem in 1 of 1 file (1 fixable with fix); 1 file could not be checked.\n" in done.stdout


@pytest.mark.parametrize(
    ("copies", "words"),
    [
        ("ADD . .", "the ADD on line 3 comes first"),
        ("COPY a* ./\nCOPY . .", "the COPYs on lines 3 and 4 come first"),
        ("COPY a* ./\nADD main* ./\nCOPY . .", "the ADD and COPY on lines 3, 4 and 5 come first"),
    ],
)
def test_what_comes_first_is_told_in_words(run: Runner, project: Path, copies: str, words: str) -> None:
    for name in ("a.py", "main.py"):
        (project / name).write_text("print(1)")
    (project / "Dockerfile").write_text(f"FROM busybox\nWORKDIR /app\n{copies}\nRUN fakepm install\n")
    assert f"because {words}\n".encode() in run("check", project).stdout


def test_directory_without_dockerfile(run: Runner, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    done = run("check", "empty")
    assert done.returncode == 2
    assert b"no Dockerfile found in empty" in done.stderr
    assert done.stdout == b"Nothing checked; 1 file could not be checked.\n"


def test_each_file_once(run: Runner, project: Path) -> None:
    assert b"in 1 of 1 file" in run("check", "Dockerfile", "./Dockerfile", ".", cwd=project).stdout


def test_file_named_is_checked_whatever_its_name(run: Runner, project: Path) -> None:
    (project / "Dockerfile").rename(project / "odd.name~")
    assert run("check", "odd.name~", cwd=project).returncode == 1


def test_standard_input(run: Runner, project: Path) -> None:
    done = run("check", "-", stdin=BAD, cwd=project)
    assert done.stdout.startswith(b"<stdin>:4:5: source-before-download: ")
    assert b"[context-unknown]" in done.stdout


@pytest.mark.parametrize("option", [("--context", "."), ("--stdin-filename", "./Dockerfile.dev")])
def test_standard_input_with_a_place(run: Runner, project: Path, option: tuple[str, str]) -> None:
    done = run("check", "-", *option, stdin=BAD, cwd=project)
    assert b"(1 fixable with fix)" in done.stdout
    assert done.returncode == 1


def test_profile_is_one_of_four(run: Runner, project: Path) -> None:
    assert run("check", "--profile", "kaniko", project).returncode == 1
    assert run("check", "--profile", "bazel", project).returncode == 2
