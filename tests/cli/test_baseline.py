"""``--baseline`` and ``--write-baseline`` as a project uses them."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

Runner = Callable[..., subprocess.CompletedProcess[bytes]]
BAD = b"FROM busybox\nWORKDIR /app\nCOPY . .\nRUN fakepm install\n"
TWICE = b"FROM busybox\nWORKDIR /app\nCOPY . .\nRUN fakepm install\nRUN fakepm install risky\n"
FIXED = b"FROM busybox\nWORKDIR /app\nCOPY fake.json ./\nRUN fakepm install\nCOPY . .\n"


@pytest.fixture
def adopted(inside: Runner, project: Path) -> Path:
    """A project with two Dockerfiles that have findings, and with the baseline of these."""
    (project / "api").mkdir()
    (project / "api" / "Dockerfile").write_bytes(BAD)
    (project / "api" / "fake.json").write_text("{}")
    (project / "api" / "main.py").write_text("print()")
    done = inside("check", "--write-baseline", "known.json", cwd=project)
    assert done.returncode == 0
    assert done.stdout == b"Nothing new: 2 files checked; 2 known problems left out.\n"
    assert b"known.json has 2 entries for 2 files\n" in done.stderr
    return project


def entries(project: Path) -> dict[str, int]:
    found = json.loads((project / "known.json").read_text())["findings"]
    return {f"{entry['path']} {entry['rule']} {entry['subject']}": entry["count"] for entry in found}


def test_the_findings_of_today_are_left_out(inside: Runner, adopted: Path) -> None:
    written = (adopted / "known.json").read_bytes()
    assert entries(adopted) == {
        "Dockerfile source-before-download fake:fakepm install": 1,
        "api/Dockerfile source-before-download fake:fakepm install": 1,
    }
    assert inside("check", cwd=adopted).returncode == 1
    # From anywhere, and wherever the text has gone.
    (adopted / "Dockerfile").write_bytes(b"# moved\nFROM scratch AS other\n\n" + BAD)
    for arguments, directory in (([], adopted), (["../Dockerfile", "Dockerfile"], adopted / "api")):
        baseline = adopted / "known.json"
        done = inside("check", "--baseline", baseline, *arguments, cwd=directory)
        assert done.returncode == 0
        assert done.stdout == b"Nothing new: 2 files checked; 2 known problems left out.\n"
        assert b"note" not in done.stderr
    done = inside("check", "--baseline", "known.json", "--format", "json", cwd=adopted)
    report = json.loads(done.stdout)
    assert [file["findings"] for file in report["files"]] == [[], []]
    assert report["summary"]["known"] == 2
    assert report["summary"]["problems"] == 0
    # Nothing changes when nothing has changed.
    assert inside("check", "--write-baseline", "known.json", cwd=adopted).returncode == 0
    assert (adopted / "known.json").read_bytes() == written


def test_what_is_new_is_told(inside: Runner, adopted: Path) -> None:
    (adopted / "Dockerfile").write_bytes(BAD + b"FROM busybox\nCOPY . .\nRUN fakepm install other\n")
    done = inside("check", "--baseline", "known.json", cwd=adopted)
    assert done.returncode == 1
    assert done.stdout.startswith(b"Dockerfile:7:5: source-before-download: ")
    assert b"Found 1 problem in 1 of 2 files" in done.stdout
    assert b"; 2 known problems left out.\n" in done.stdout


def test_what_is_fixed_is_noted_and_goes(inside: Runner, adopted: Path) -> None:
    (adopted / "Dockerfile").write_bytes(FIXED)
    done = inside("check", "--baseline", "known.json", cwd=adopted)
    assert done.returncode == 0
    note = b"note: 1 entry of known.json found nothing any more; `dockerlayer check --write-baseline known.json` takes"
    assert note in done.stderr
    # A run over other files, or with other rules, does not know.
    for arguments in (["api/Dockerfile"], ["--select", "missing-lockfile"]):
        done = inside("check", "--baseline", "known.json", *arguments, cwd=adopted)
        assert b"note" not in done.stderr
        before = entries(adopted)
        assert inside("check", "--write-baseline", "known.json", *arguments, cwd=adopted).returncode == 0
        assert entries(adopted) == before
    (adopted / "api" / "Dockerfile").unlink()
    done = inside("check", "--baseline", "known.json", "Dockerfile", cwd=adopted)
    assert b"note: 2 entries of known.json" in done.stderr
    assert inside("check", "--write-baseline", "known.json", cwd=adopted).returncode == 0
    assert entries(adopted) == {}
    assert b"note" not in inside("check", "--baseline", "known.json", cwd=adopted).stderr


def test_fix_makes_what_is_listed_and_leaves_the_rest_out(inside: Runner, adopted: Path) -> None:
    (adopted / "api" / "Dockerfile").write_bytes(TWICE)
    assert inside("check", "--write-baseline", "known.json", cwd=adopted).returncode == 0
    done = inside("fix", "--diff", "--baseline", "known.json", cwd=adopted)
    assert done.returncode == 1
    assert b"+COPY fake.json" in done.stdout
    assert b"note" not in done.stderr.splitlines()[-1], "nothing is written, so nothing is fixed"
    done = inside("fix", "--baseline", "known.json", cwd=adopted)
    assert (adopted / "Dockerfile").read_bytes() == FIXED
    assert done.returncode == 0, "what cannot be fixed safely is listed"
    assert b"known problem" in done.stdout
    assert b"found nothing any more" in done.stderr


def test_a_file_that_cannot_be_built_stays_an_error(inside: Runner, adopted: Path) -> None:
    (adopted / "Dockerfile").write_bytes(b"FROM busybox\nRUNN fakepm install\n")
    for option in ("--baseline", "--write-baseline"):
        done = inside("check", option, "known.json", cwd=adopted)
        assert done.returncode == 1
        assert b"Dockerfile:2:1: invalid-dockerfile: " in done.stdout
        assert b"found nothing any more" not in done.stderr, "it hides what is listed"
    assert b"known.json has 1 entry for 1 file; 1 problem cannot be in it: see above\n" in done.stderr
    assert set(entries(adopted)) == {"api/Dockerfile source-before-download fake:fakepm install"}


def test_a_file_that_cannot_be_read_keeps_its_entries(inside: Runner, adopted: Path) -> None:
    (adopted / "Dockerfile").unlink()
    (adopted / "Dockerfile").symlink_to("nowhere")
    before = entries(adopted)
    done = inside("check", "--write-baseline", "known.json", cwd=adopted)
    assert done.returncode == 2
    assert b"error: Dockerfile: No such file" in done.stderr
    assert entries(adopted) == before


def test_many_files(run: Runner, project: Path) -> None:
    for number in range(40):
        (project / f"Dockerfile.{number}").write_bytes(BAD)
    assert run("check", "--write-baseline", "known.json", cwd=project).returncode == 0
    assert len(entries(project)) == 41
    (project / "Dockerfile.7").write_bytes(FIXED)
    (project / "Dockerfile.8").write_bytes(TWICE)
    done = run("check", "--baseline", "known.json", cwd=project)
    assert done.returncode == 1
    assert b"Found 1 problem in 1 of 41 files" in done.stdout
    assert b"note: 1 entry of" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["--baseline", "none.json"],
            "error: none.json: no such baseline; `dockerlayer check --write-baseline none.json`",
        ),
        (["--baseline", "."], "error: .: the baseline cannot be read: Is a directory"),
        (["--baseline", "Dockerfile"], "error: Dockerfile:1: not JSON"),
        (["--write-baseline", "Dockerfile"], "error: Dockerfile:1: not JSON"),
        (["--write-baseline", "none/known.json"], "error: none/known.json: cannot be written: No such file"),
        (["--write-baseline", ""], "error: "),
        (["--baseline", ""], "error: "),
        (["--baseline", "a", "--write-baseline", "b"], "--baseline cannot be given with it"),
        (["--diff-base", "a", "--write-baseline", "b"], "--diff-base cannot be given with it"),
        (["--add-ignore", "--write-baseline", "b"], "--add-ignore cannot be given with it"),
    ],
)
def test_a_baseline_that_cannot_be_used(inside: Runner, project: Path, arguments: list[str], message: str) -> None:
    done = inside("check", *arguments, cwd=project)
    assert done.returncode == 2
    assert message in done.stderr.decode()
    assert b"Traceback" not in done.stderr
    assert (project / "Dockerfile").read_bytes() == BAD


def test_standard_input(inside: Runner, adopted: Path) -> None:
    named = ["check", "--baseline", "known.json", "-", "--stdin-filename"]
    done = inside(*named, "api/Dockerfile", cwd=adopted, stdin=BAD)
    assert done.returncode == 0
    done = inside(*named, "api/Dockerfile", cwd=adopted, stdin=FIXED)
    assert b"note" not in done.stderr, "what is typed is not what is there"
    done = inside(*named, "api/Other.Dockerfile", cwd=adopted, stdin=BAD)
    assert done.returncode == 1
    assert inside("check", "--baseline", "known.json", "-", "--context", "api", cwd=adopted, stdin=BAD).returncode == 1
    before = entries(adopted)
    assert (
        inside("check", "--write-baseline", "known.json", "-", "--context", ".", cwd=adopted, stdin=BAD).returncode == 1
    )
    assert entries(adopted) == before, "a text without a place cannot be listed, so it is told"
