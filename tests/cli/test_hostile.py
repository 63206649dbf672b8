"""Files, names and streams that nobody wants to meet: told about, never a traceback, never a hang."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Runner = Callable[..., subprocess.CompletedProcess[bytes]]

BAD = b"FROM busybox\nWORKDIR /app\nCOPY . .\nRUN fakepm install\n"
CLEAN = b'FROM scratch\nCMD ["/x"]\n'


def test_what_is_no_file(run: Runner, tmp_path: Path) -> None:
    (tmp_path / "Dockerfile.clean").write_bytes(CLEAN)
    os.mkfifo(tmp_path / "Dockerfile.pipe")
    (tmp_path / "Dockerfile.loop").symlink_to("Dockerfile.loop")
    (tmp_path / "Dockerfile.gone").symlink_to("nowhere")
    done = run("check")
    assert done.returncode == 2
    assert b"error: Dockerfile.pipe: not a regular file\n" in done.stderr
    assert b"error: Dockerfile.loop: Too many levels of symbolic links\n" in done.stderr
    assert b"error: Dockerfile.gone: No such file or directory\n" in done.stderr
    assert done.stdout == b"All clean: 1 file checked; 3 files could not be checked.\n"


@pytest.mark.skipif(not os.path.exists("/proc/self/mem"), reason="needs a file that opens and does not read")
def test_file_that_fails_while_it_is_read(run: Runner) -> None:
    done = run("check", "/proc/self/mem")
    assert done.returncode == 2
    assert b"error: /proc/self/mem: " in done.stderr
    assert b"Traceback" not in done.stderr


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\n\n",
        b"\xff\xfe\x00\x01",
        b"\xef\xbb\xbf",
        BAD.replace(b"\n", b"\r\n"),
        BAD[:-1],
        b"FROM a\nRUN \x1b[31m fakepm install\n",
        b"FROM a\nRUN \xff fakepm install\n",
        b"FROM a\nRUN " + b"x" * 5_000_000 + b" && fakepm install\n",
    ],
    ids=["empty", "blank", "binary", "bom", "crlf", "no-newline", "escape", "not-utf8", "5MB-line"],
)
def test_hostile_texts(run: Runner, project: Path, data: bytes) -> None:
    (project / "Dockerfile").write_bytes(data)
    done = run("check", cwd=project)
    assert done.returncode in {0, 1}
    assert b"Traceback" not in done.stderr
    assert b"internal error" not in done.stderr
    assert b"\x1b" not in done.stdout
    assert len(done.stdout) < 5000
    answer = json.loads(run("check", "--format", "json", cwd=project).stdout)
    assert answer["summary"]["files"] == 1


def test_name_that_is_not_utf8(run: Runner, tmp_path: Path) -> None:
    name = b"Dockerfile.\xff\n\x1b[31m"
    (Path(os.fsdecode(os.path.join(os.fsencode(tmp_path), name)))).write_bytes(b"FROM a\nRUNN x\n")
    done = run("check")
    assert done.stdout.startswith("Dockerfile.\ufffd\u240a\u241b[31m:2:1: invalid-dockerfile: ".encode())
    answer = json.loads(run("check", name, "--format", "json").stdout)
    assert answer["files"][0]["path"] == "Dockerfile.\ufffd\n\x1b[31m"
    assert answer["files"][0]["path_base64"]


def test_names_on_a_terminal_that_cannot_show_them(run: Runner, tmp_path: Path) -> None:
    (tmp_path / "Dockerfile.\u00e9").write_bytes(b"FROM a\nRUNN x\n")
    done = run("check", env={"PYTHONIOENCODING": "ascii"})
    assert done.stdout.startswith(rb"Dockerfile.\xe9:2:1: ")


def test_standard_input_closed(run: Runner) -> None:
    done = run("check", "-", wrapper=("sh", "-c", 'exec "$@" <&-', "sh"))
    assert done.returncode == 2
    assert done.stderr.endswith(b"error: standard input is closed\n")


def test_standard_output_closed(run: Runner, project: Path) -> None:
    done = run("check", project, wrapper=("sh", "-c", 'exec "$@" >&-', "sh"))
    assert done.returncode == 1
    assert b"Traceback" not in done.stderr


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs a full device")
def test_standard_output_full(run: Runner, project: Path) -> None:
    done = run("check", project, wrapper=("sh", "-c", 'exec "$@" >/dev/full', "sh"))
    assert done.returncode == 2
    assert b"error: cannot write the output: No space left on device\n" in done.stderr
    assert b"Exception" not in done.stderr


def test_reader_gone(environment: dict[str, str], project: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-m", "dockerlayer", "check", str(project)]
    done = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, env=environment, check=False)
    os.close(writing)
    assert done.returncode == 141
    assert b"Traceback" not in done.stderr
    assert b"Broken" not in done.stderr


def test_huge_file_is_refused(run: Runner, tmp_path: Path) -> None:
    with open(tmp_path / "Dockerfile", "wb") as file:
        file.truncate(65 * 1024 * 1024)
    done = run("check")
    assert done.returncode == 2
    assert b"error: Dockerfile: larger than 64 MiB\n" in done.stderr


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (f"{'a.' * 50_000}b = 1\n", b"error: dockerlayer.toml:1: a key of more than 100 parts\n"),
        (f"\n[{'a . ' * 50_000}b]\n", b"error: dockerlayer.toml:2: a key of more than 100 parts\n"),
    ],
    ids=["key", "table"],
)
def test_configuration_that_takes_minutes_to_read(inside: Runner, project: Path, text: str, message: bytes) -> None:
    (project / "dockerlayer.toml").write_text(text)
    done = inside("check", cwd=project)
    assert (done.returncode, done.stderr) == (2, message)


@pytest.mark.parametrize("name", ["no-such-{}", "no-such"])
def test_thousands_of_comments(inside: Runner, project: Path, name: str) -> None:
    comments = "".join(f"# dockerlayer: ignore[{name.format(n)}] x\n" for n in range(2000))
    (project / "Dockerfile").write_bytes(BAD.replace(b"RUN", comments.encode() + b"RUN"))
    done = inside("check", "--format", "concise", cwd=project)
    assert done.returncode == 1
    assert done.stdout.count(b"invalid-suppression") == 2000


@pytest.mark.parametrize(
    "arguments",
    [
        ("check", "gone\n::error::"),
        ("check", "--config", "gone\n::error::"),
        ("check", "--baseline", "gone\n::error::"),
        ("check", "--diff-base", "gone\n::error::"),
        ("check", "--output", "json=gone\n::error::/x"),
        ("check", "compose.yaml"),
        ("check", "below\n::error::"),
    ],
    ids=["file", "config", "baseline", "revision", "output", "compose", "directory"],
)
def test_no_message_begins_a_line_of_its_own_in_a_log(
    inside: Runner, project: Path, arguments: tuple[str, ...]
) -> None:
    (project / "compose.yaml").write_text('services:\n  "a\\n::error::":\n    build: "gone\\n::error::"\n')
    below = project / "below\n::error::"
    below.mkdir()
    (below / "dockerlayer.toml").write_text("nothing = 1\n")
    (below / "Dockerfile").write_bytes(BAD)
    done = inside(*arguments, cwd=project)
    assert done.returncode == 2
    assert b"::error::" in done.stderr
    assert b"\n:" not in done.stderr
