"""Which reports are written where, and how a run ends."""

from __future__ import annotations

import json
import os
import re
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest

Runner = Callable[..., subprocess.CompletedProcess[bytes]]
FORMATS = ("text", "concise", "json", "sarif", "github", "gitlab", "junit", "checkstyle", "rdjson", "markdown")
RISKY = b"FROM busybox\nWORKDIR /app\nCOPY . .\nRUN fakepm install risky\n"
HOSTILE = (b"a b", b"quo\"te's", b"new\nline", b"50%", b"\xff\xfe", b"-x", b"a:b,c", b"$(id)`id`", b"<b>&amp;")
needs_posix = pytest.mark.skipif(os.name != "posix", reason="names that only POSIX has")


def _count(name: str, text: bytes) -> int:
    """How many findings a report of one format tells."""
    if name in {"sarif", "json", "gitlab", "rdjson"}:
        read = json.loads(text)
        if name == "sarif":
            return len(read["runs"][0]["results"])
        if name == "json":
            return sum(len(file["findings"]) for file in read["files"])
        return len(read if name == "gitlab" else read["diagnostics"])
    if name in {"junit", "checkstyle"}:
        return len(list(ElementTree.fromstring(text).iter("failure" if name == "junit" else "error")))
    return len(
        re.findall({"github": rb"(?m)^::warning ", "markdown": rb"\| warning \|"}.get(name, rb"source-before"), text)
    )


def test_every_format_at_once(inside: Runner, project: Path) -> None:
    asked = [f"--output={name}={name}.out" for name in FORMATS]
    done = inside("check", "project", *asked)
    assert done.returncode == 1
    assert done.stderr == b""
    for name in FORMATS:
        text = (project.parent / f"{name}.out").read_bytes()
        assert _count(name, text) == 1, name
        alone = inside("check", "project", "--format", name)
        assert (alone.returncode, alone.stdout) == (1, text)
    assert done.stdout == (project.parent / "text.out").read_bytes()


def test_nothing_is_switched_on_by_a_ci_system(run: Runner, project: Path) -> None:
    ci = dict.fromkeys(("CI", "GITHUB_ACTIONS", "GITLAB_CI", "TF_BUILD", "JENKINS_URL"), "true")
    summary = project.parent / "summary"
    summary.touch()
    done = run("check", "project", env={**ci, "GITHUB_STEP_SUMMARY": str(summary)})
    assert done.stdout == run("check", "project").stdout
    assert summary.read_bytes() == b""


def test_clean_run(inside: Runner, project: Path) -> None:
    (project / "Dockerfile").write_bytes(b"FROM scratch\n")
    for name in FORMATS:
        done = inside("check", "project", "--format", name)
        assert (done.returncode, done.stderr) == (0, b"")
        assert _count(name, done.stdout) == 0, name


@needs_posix
def test_hostile_names_and_failures(run: Runner, project: Path) -> None:
    for name in HOSTILE:
        directory = os.path.join(os.fsencode(project), name)
        os.mkdir(directory)
        for file in ("Dockerfile", "fake.json", "main.py"):
            Path(os.fsdecode(os.path.join(directory, os.fsencode(file)))).write_bytes((project / file).read_bytes())
    (project / "Dockerfile").unlink()
    (project / "x.Dockerfile").symlink_to("x.Dockerfile")
    asked = [f"--output={name}={name}.out" for name in FORMATS]
    done = run("check", "project", "gone", *asked)
    assert done.returncode == 2
    for name in FORMATS:
        text = (project.parent / f"{name}.out").read_bytes()
        text.decode()
        failed = {"rdjson", "gitlab", "checkstyle"}  # where a failure is one more entry
        missed = 2 if b"x.Dockerfile" in done.stderr else 1
        assert _count(name, text) == len(HOSTILE) + (missed if name in failed else 0), name
        assert (b"gone" in text) == (name not in {"text", "concise"}), name


@pytest.mark.parametrize(
    ("values", "cause"),
    [
        (["sarfi=x"], "there is no format 'sarfi'; did you mean 'sarif'?"),
        (["qqq=x"], "there is no format 'qqq'; there are text, concise, json"),
        (["sarif"], "no file is named; write sarif=FILE"),
        (["sarif="], "no file is named; write sarif=FILE"),
        (["sarif=no/such/x"], "there is no directory no/such"),
        (["sarif=project"], "is a directory"),
        (["sarif=x", "json=./x"], "./x is named twice"),
        (["sarif=-", "json=-"], "all want standard output"),
    ],
)
def test_wrong_outputs(inside: Runner, project: Path, values: list[str], cause: str) -> None:
    before = sorted(project.parent.iterdir())
    done = inside("check", "project", *(f"--output={value}" for value in values))
    assert (done.returncode, done.stdout) == (2, b"")
    assert cause in done.stderr.decode()
    assert done.stderr.count(b"\n") == 1
    assert sorted(project.parent.iterdir()) == before


def test_report_never_replaces_a_dockerfile(inside: Runner, project: Path) -> None:
    before = (project / "Dockerfile").read_bytes()
    done = inside("check", "project", "--output", "text=project/../project/Dockerfile")
    assert (done.returncode, done.stdout) == (2, b"")
    assert b"the report would replace what it is about" in done.stderr
    assert (project / "Dockerfile").read_bytes() == before


def test_what_is_left_alone_is_in_no_report(inside: Runner, project: Path) -> None:
    text = (project / "Dockerfile").read_bytes()
    (project / "Dockerfile").write_bytes(text.replace(b"RUN", b"# dockerlayer: ignore[source-before-download] so\nRUN"))
    assert inside("check", "project", *(f"--output={name}={name}.out" for name in FORMATS)).returncode == 0
    for name in FORMATS:
        assert _count(name, (project.parent / f"{name}.out").read_bytes()) == 0, name


def test_nothing_is_fixed_when_an_output_is_wrong(run: Runner, project: Path) -> None:
    before = (project / "Dockerfile").read_bytes()
    assert run("fix", "project", "--output", "json=no/such/x").returncode == 2
    assert (project / "Dockerfile").read_bytes() == before


def test_output_to_the_place_of_the_report(inside: Runner, project: Path) -> None:
    done = inside("check", "project", "--output", "concise=-", "--output", "text=x")
    assert done.stdout == inside("check", "project", "--format", "concise").stdout
    done = inside("check", "project", "--output", "concise=-", "--format", "json")
    assert (done.returncode, done.stdout) == (2, b"")
    assert b"--format json and --output concise=- all want standard output" in done.stderr


def test_file_is_replaced_whole(run: Runner, project: Path) -> None:
    old, link = project.parent / "old", project.parent / "link"
    old.write_text("before")
    old.chmod(0o604)
    link.symlink_to("old")
    run("check", "project", "--output", "json=link")
    assert link.is_symlink()
    assert json.loads(old.read_bytes())["summary"]["problems"] == 1
    if os.name == "posix":
        assert stat.S_IMODE(old.stat().st_mode) == 0o604
    assert sorted(path.name for path in project.parent.iterdir()) == ["link", "old", "project"]


@needs_posix
def test_device_is_written_to(run: Runner, project: Path) -> None:
    done = run("check", "project", "--output", "concise=/dev/stderr", "--output", "json=/dev/null")
    assert done.stderr == run("check", "project", "--format", "concise").stdout


@needs_posix
def test_output_that_fails_at_the_end(run: Runner, project: Path) -> None:
    done = run("check", "project", "--output", "concise=/dev/full", "--output", "json=x", "--exit-zero")
    assert done.returncode == 2
    assert done.stderr.decode() == "error: /dev/full: cannot be written: No space left on device\n"
    assert b"source-before-download" in done.stdout
    assert json.loads((project.parent / "x").read_bytes())["summary"]["problems"] == 1


def test_file_never_has_colours(inside: Runner, project: Path) -> None:
    inside("check", "project", "--color", "always", "--output", "text=x", "--output", "concise=y")
    assert b"\x1b" not in (project.parent / "x").read_bytes() + (project.parent / "y").read_bytes()


@pytest.mark.parametrize(
    ("options", "clean", "warning", "error"),
    [
        ((), 0, 1, 1),
        (("--fail-on", "info"), 0, 1, 1),
        (("--fail-on", "warning"), 0, 1, 1),
        (("--fail-on", "error"), 0, 0, 1),
        (("--fail-on", "never"), 0, 0, 0),
        (("--exit-zero",), 0, 0, 0),
    ],
)
def test_exit_codes(
    inside: Runner, project: Path, options: tuple[str, ...], clean: int, warning: int, error: int
) -> None:
    bad = (project / "Dockerfile").read_bytes()
    for text, code in ((b"FROM scratch\n", clean), (bad, warning), (b"FROM\n", error)):
        (project / "Dockerfile").write_bytes(text)
        assert inside("check", "project", *options).returncode == code
    assert inside("check", "gone", *options).returncode == 2


def test_fail_on_info(inside: Runner, project: Path) -> None:
    (project / "Dockerfile").write_bytes(b"FROM busybox\nCOPY . .\nRUN true\n")
    (project / ".git").mkdir()
    asked = ("check", "project", "--select", "git-directory-copied")
    assert [inside(*asked, "--fail-on", level).returncode for level in ("info", "warning")] == [1, 0]


def test_exit_codes_of_fix(inside: Runner, project: Path) -> None:
    assert inside("fix", "project", "--diff", "--fail-on", "never").returncode == 1, "a change is shown"
    assert inside("fix", "project", "--diff", "--exit-zero").returncode == 0
    (project / "Dockerfile").write_bytes(RISKY)
    assert inside("fix", "project", "--fail-on", "error").returncode == 0
    assert inside("fix", "project").returncode == 1
    assert inside("fix", "project", "gone", "--exit-zero").returncode == 2


def test_statistics(inside: Runner, project: Path) -> None:
    done = inside("check", "project", "--statistics", "--output", "text=x")
    assert done.returncode == 1
    assert re.search(rb"(?m)^ +1 +1 +0 +warning +source-before-download$", done.stdout)
    assert re.search(rb"(?m)^ +1 +FakeHub +3 packages$", done.stdout)
    assert done.stdout.endswith(b"Found 1 problem in 1 of 1 file (1 fixable with fix).\n")
    assert (project.parent / "x").read_bytes() == done.stdout
    read = json.loads(inside("check", "project", "--statistics", "--format", "json").stdout)
    assert read["statistics"]["rules"] == [
        {"rule": "source-before-download", "severity": "warning", "findings": 1, "safe": 1, "unsafe": 0}
    ]
    done = inside("check", "project", "--statistics", "--format", "sarif")
    assert done.returncode == 2
    assert b"--statistics goes with the text and the json report, not with sarif" in done.stderr


@pytest.mark.parametrize("name", FORMATS)
def test_fix_reports_what_is_left(inside: Runner, project: Path, name: str) -> None:
    (project / "Dockerfile").write_bytes(RISKY)
    done = inside("fix", "project", "--format", name)
    assert done.returncode == 1
    assert _count(name, done.stdout) == 1
    done = inside("fix", "project", "--unsafe", "--format", name)
    assert done.returncode == 0
    assert _count(name, done.stdout) == 0 or name in {"text", "markdown"}


def test_reports_that_go_with_a_diff(inside: Runner, project: Path) -> None:
    before = (project / "Dockerfile").read_bytes()
    for name in FORMATS:
        done = inside("fix", "project", "--diff", "--format", name)
        if name in {"text", "concise"}:
            assert done.stdout.startswith(b"--- ")
            assert b"1 problem" in done.stderr
        elif name in {"json", "markdown"}:
            assert done.returncode == 1
            assert not done.stderr
        else:
            assert (done.returncode, done.stdout) == (2, b"")
            assert b"points at places in the files, and --diff leaves those as they are" in done.stderr
        with_file = inside("fix", "project", "--diff", "--output", f"{name}=x")
        assert with_file.returncode == (
            2 if name in {"sarif", "github", "gitlab", "junit", "checkstyle", "rdjson"} else 1
        )
        assert (project / "Dockerfile").read_bytes() == before
    done = inside("fix", "project", "--diff", "--statistics")
    assert done.stdout.startswith(b"--- ")


def test_paths_start_at_the_root_of_the_repository(inside: Runner, project: Path) -> None:
    (project.parent / ".git").mkdir()
    for name in ("sarif", "github", "gitlab", "junit", "markdown"):
        assert b"project/Dockerfile" in inside("check", "Dockerfile", "--format", name, cwd=project).stdout, name
    for name in ("concise", "checkstyle", "rdjson", "json"):
        assert b"project/Dockerfile" not in inside("check", "Dockerfile", "--format", name, cwd=project).stdout, name


def test_many_files_in_several_processes(run: Runner, project: Path) -> None:
    for number in range(40):
        (project / f"{number}.Dockerfile").write_bytes((project / "Dockerfile").read_bytes())
    done = run("check", "project", "--output", "sarif=a.sarif", "--output", "junit=a.xml", "--format", "gitlab")
    assert done.returncode == 1
    assert _count("gitlab", done.stdout) == 41
    assert _count("sarif", (project.parent / "a.sarif").read_bytes()) == 41
    assert _count("junit", (project.parent / "a.xml").read_bytes()) == 41
