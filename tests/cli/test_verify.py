"""``verify`` as a program, on a stand-in for Docker that replays what a real one printed; its images are made up."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dockerlayer.cli import main

OUTPUTS = Path(__file__).parents[1] / "verify" / "outputs"
NAIVE = b"FROM fakepm:1\nWORKDIR /app\nCOPY . .\nRUN fakepm install\n"
FIXED = b"FROM fakepm:1\nWORKDIR /app\nCOPY fake.json ./\nRUN fakepm install\nCOPY . .\n"
BROKEN = b"FROM fakepm:1\nWORKDIR /app\nCOPY . .\nRUN fakepm install && exit 7\n"

# Builds are told apart by the text of the Dockerfile and --no-cache, their output is what Docker 26.1 with buildx 0.13
# printed for the same files. What the program asked, and each main.py that would have been sent, is kept.
DOCKER = r"""#!/bin/sh
PATH=/usr/bin:/bin
printf '%s\037' "$@" >> "$STATE/calls"
echo >> "$STATE/calls"
case "$1 $2" in
    "buildx version") echo "github.com/docker/buildx v${BUILDX:-0.13.1} abc" ;;
    "version --format")
        if [ -n "$SILENT" ]; then
            echo null
            echo "Cannot connect to the Docker daemon at $SILENT. Is the docker daemon running?" >&2
            exit 1
        fi
        echo '{"Version": "26.1.5+dfsg1", "Platform": {"Name": ""}}' ;;
    "buildx inspect") printf 'Name:   default\nDriver: docker\n' ;;
    "context inspect") echo unix:///nowhere/docker.sock ;;
    "image inspect") echo '{"Size": 1000, "Config": {"Env": ["A=b"]}}' ;;
    "create "*) echo container ;;
    "export "*) cat "$STATE/image.tar" ;;
    "buildx build")
        when=edited
        for word in "$@"; do
            case "$word" in --no-cache) when=first ;; --progress=*) form=${word#*=} ;; esac
            [ "$before" = --file ] && file=$word
            before=$word
        done
        cat "$word/main.py" >> "$STATE/sent"
        echo END >> "$STATE/sent"
        if [ -n "$HANG" ]; then
            trap 'echo ended > "$STATE/ended"; exit 1' TERM
            head -c 200000 /dev/zero | tr '\000' . # more than a pipe holds: who reads it is in its loop
            touch "$STATE/started"
            while [ -e "$STATE" ]; do sleep 0.05; done
        fi
        if grep -q "exit 7" "$file"; then
            cat "$OUTPUTS/broken.$form" >&2
            exit 1
        fi
        name=naive
        grep -q "^COPY fake.json" "$file" && name=fixed
        cat "$OUTPUTS/$name-$when.$form" >&2 ;;
esac
"""

Runner = Callable[..., subprocess.CompletedProcess[bytes]]


class Docker:
    """The stand-in: a directory for PATH, and what it was asked."""

    def __init__(self, root: Path) -> None:
        self.state = root / "state"
        self.bin = root / "bin"
        self.temporary = root / "temporary"
        for directory in (self.state, self.bin, self.temporary):
            directory.mkdir()
        (self.bin / "docker").write_text(DOCKER)
        (self.bin / "docker").chmod(0o755)
        with tarfile.open(self.state / "image.tar", "w") as archive:
            archive.addfile(tarfile.TarInfo("app"))

    @property
    def env(self) -> dict[str, str]:
        return {
            "PATH": str(self.bin),
            "STATE": str(self.state),
            "OUTPUTS": str(OUTPUTS),
            "TMPDIR": str(self.temporary),
        }

    def calls(self, *start: str) -> list[list[str]]:
        """The arguments of the calls that began so."""
        lines = (self.state / "calls").read_text("utf-8", "surrogateescape").splitlines()
        found = [line.split("\x1f")[:-1] for line in lines]
        return [words for words in found if words[: len(start)] == list(start)]

    def tags(self) -> list[str]:
        return [words[words.index("--tag") + 1] for words in self.calls("buildx", "build") if "--tag" in words]


@pytest.fixture
def docker(tmp_path: Path) -> Iterator[Docker]:
    """Whatever happens, every image is removed and no temporary file is left."""
    (tmp_path / "docker").mkdir()
    docker = Docker(tmp_path / "docker")
    yield docker
    assert os.listdir(docker.temporary) == []
    if (docker.state / "calls").exists():
        assert [words[-1] for words in docker.calls("image", "rm")] == docker.tags()
        assert len(docker.calls("rm")) == len(docker.calls("create"))


@pytest.fixture
def verify(run: Runner, docker: Docker, project: Path) -> Iterator[Callable[..., tuple[int, str, str]]]:
    """``verify(*arguments, **environment)`` in the project gives the exit code and both outputs."""
    (project / "Dockerfile").write_bytes(NAIVE)

    def start(*arguments: str, **env: str) -> tuple[int, str, str]:
        files = {path: (path.stat().st_mtime_ns, hash_of(path)) for path in project.rglob("*")}
        done = run("verify", *arguments, cwd=project, env={**docker.env, **env})
        assert {path: (path.stat().st_mtime_ns, hash_of(path)) for path in project.rglob("*")} == files
        assert b"Traceback" not in done.stderr
        return done.returncode, done.stdout.decode(), done.stderr.decode()

    return start


def hash_of(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""


Verify = Callable[..., tuple[int, str, str]]


def test_proven(verify: Verify, docker: Docker) -> None:
    code, text, said = verify()
    assert code == 0
    lines = text.splitlines()
    assert lines[:4] == [
        "Dockerfile, built by docker (engine 26.1.5+dfsg1, buildx v0.13.1)",
        "edited between the builds: main.py",
        "",
        "as it is",
    ]
    rows = [line.split() for line in lines]
    assert rows[8][:6] == ["4/4", "RUN", "fakepm", "install", "<-", "download"]
    assert "cached" not in rows[8]
    assert rows[16][:6] == ["4/5", "RUN", "fakepm", "install", "<-", "download"]
    assert rows[16][-1] == "cached"
    assert lines[20:24] == [
        "image: 1.0 kB before, 1.0 kB after (+0 B)",
        "configuration: the same",
        "files: the same",
        "proven: after an edit of main.py every download stays cached",
    ]
    assert said.splitlines()[:3] == [
        "copying the build context ...",
        "as it is, first build ...",
        "reading the image ...",
    ]
    sent = (docker.state / "sent").read_text().split("END\n")
    assert sent[0] == sent[2] == "print()"
    assert sent[1] != sent[3]
    assert sent[1].strip() == sent[3].strip() == "print()"


def test_as_it_is_only(verify: Verify, docker: Docker) -> None:
    code, text, _ = verify("--as-is")
    assert code == 1
    assert text.splitlines()[-1] == "not proven: line 4 downloads again after an edit of main.py"
    assert len(docker.calls("buildx", "build")) == 2


def test_nothing_to_fix(verify: Verify, project: Path) -> None:
    (project / "Dockerfile").write_bytes(FIXED)
    code, text, _ = verify()
    assert code == 0
    assert text.splitlines()[-1] == "proven: after an edit of main.py every download stays cached"


def test_json(verify: Verify) -> None:
    code, text, _ = verify("--format", "json")
    answer = json.loads(text)
    assert (code, answer["verdict"], answer["touched"]) == (0, "proven", "main.py")
    assert (answer["before"]["repeated_downloads"], answer["after"]["repeated_downloads"]) == ([4], [])
    assert [step["line"] for step in answer["after"]["first"]["steps"] if step["role"]] == [4]


def test_buildx_without_rawjson(verify: Verify, docker: Docker) -> None:
    code, text, _ = verify(BUILDX="0.12.9")
    assert code == 0
    assert "buildx v0.12.9" in text
    assert all("--progress=plain" in words for words in docker.calls("buildx", "build"))
    assert text.splitlines()[15].endswith("cached")


def test_options_are_passed_on(verify: Verify, docker: Docker) -> None:
    options = ["--target=x", "--platform=linux/arm64", "--network=host", "--secret=id=a,src=b c", "--ssh=default"]
    several = ["--build-arg=A=b", "--build-arg=C", "--build-context=d=e", "--build-context=f=g"]
    verify(*options, *several, "--builder", "docker")
    for words, first in zip(docker.calls("buildx", "build"), (True, False, True, False), strict=True):
        assert words[2] == "--progress=rawjson"
        assert set(options) <= set(words)
        assert [word for word in words if word.startswith("--build-")] == several
        assert words[-2] == "--"
        assert ("--no-cache" in words) is first
        assert "--load" in words
        assert Path(words[words.index("--file") + 1]) == Path(words[-1], "Dockerfile")
    assert len(set(docker.tags())) == 4


def test_hostile_options_stay_values(verify: Verify, docker: Docker) -> None:
    verify("--target", "--push", "--build-arg", "-x", "--secret", "")
    for words in docker.calls("buildx", "build"):
        assert {"--target=--push", "--build-arg=-x", "--secret="} <= set(words)
        assert "--push" not in words


def test_reuse_of_the_cache(verify: Verify, docker: Docker) -> None:
    verify("--reuse-cache")
    assert not any("--no-cache" in words for words in docker.calls("buildx", "build"))


def test_build_that_fails(verify: Verify, project: Path, docker: Docker) -> None:
    (project / "Dockerfile").write_bytes(BROKEN)
    code, text, _ = verify()
    assert code == 2
    lines = text.splitlines()
    assert "  it does not build; the builder said:" in lines
    assert "  | fetched 3 packages" in lines
    assert lines[-1] == "not run: the Dockerfile does not build as it is; what the builder said is above"
    assert len(docker.calls("buildx", "build")) == 1


def test_nothing_downloads(verify: Verify, project: Path) -> None:
    (project / "Dockerfile").write_bytes(b"FROM busybox\nCOPY . .\n")
    code, text, _ = verify()
    assert (code, text.splitlines()[-1]) == (
        2,
        "not run: no step is known to download packages into a layer: there is nothing to prove",
    )


def test_crlf(verify: Verify, project: Path) -> None:
    (project / "Dockerfile").write_bytes(NAIVE.replace(b"\n", b"\r\n"))
    assert verify()[0] == 0


def test_directory_means_its_dockerfile(verify: Verify, project: Path) -> None:
    code, text, _ = verify("../project")
    assert code == 0
    assert text.startswith("../project/Dockerfile, built by docker")


@pytest.mark.parametrize("name", ["-o\udcff", "\x1b[31m b"])
def test_odd_names(verify: Verify, project: Path, name: str) -> None:
    (project / "Dockerfile").rename(project / name)
    code, text, _ = verify("--touch", "main.py", "--", name)
    assert code == 0
    assert text.partition("\n")[0].isprintable()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere"], "error: nowhere: No such file or directory"),
        (["empty"], "error: empty/Dockerfile: No such file or directory"),
        (["nothing"], "error: nothing:1: BuildKit refuses this file: "),
        (["refused"], "error: refused:2: BuildKit refuses this file: "),
        (["pipe"], "error: pipe: not a regular file"),
        (["--context", "nowhere"], "error: --context nowhere: no such directory"),
        (["--context", "main.py"], "error: --context main.py: not a directory"),
        (["--touch", "nowhere"], "error: --touch nowhere: no file in the build context "),
        (["--touch", "empty"], "error: --touch empty: no file in the build context "),
        (["--touch", "../project/main.py"], "error: --touch ../project/main.py: no file in the build context "),
        (["--touch", "\x1b[2J"], "error: --touch \u241b[2J: no file in the build context "),
        (["--builder", "nowhere"], "error: there is no builder 'nowhere'; known are docker, podman, buildah"),
        (["--builder", "buildah"], "error: no builder can be used\n  buildah: not installed"),
        (["--select", "nothing"], "error: "),
        (["--format", "nothing"], "Invalid value for '--format'"),
        (["one", "two"], "unexpected extra argument"),
    ],
)
def test_usage(
    project: Path,
    docker: Docker,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    arguments: list[str],
    message: str,
) -> None:
    (project / "empty").mkdir()
    (project / "nothing").touch()
    (project / "refused").write_bytes(b"FROM a\nRUNN x\n")
    os.mkfifo(project / "pipe")
    monkeypatch.chdir(project)
    monkeypatch.setattr(sys, "argv", ["dockerlayer", "verify", *arguments])
    for name, value in docker.env.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit) as ended:
        main()
    text, said = capfd.readouterr()
    assert (ended.value.code, text) == (2, "")
    assert message in said
    assert "\x1b" not in said
    assert not (docker.state / "sent").exists()


def test_no_builder(run: Runner, project: Path, docker: Docker) -> None:
    done = run("verify", cwd=project, env=docker.env | {"PATH": str(docker.temporary)})
    assert (done.returncode, done.stdout) == (2, b"")
    assert done.stderr.decode().splitlines() == [
        "error: no builder can be used",
        "  docker: not installed",
        "  podman: not installed",
        "  buildah: not installed",
    ]


def test_engine_that_does_not_answer(verify: Verify) -> None:
    code, text, said = verify(SILENT="tcp://nowhere:1", DOCKER_HOST="tcp://nowhere:1")
    assert (code, text) == (2, "")
    assert said.splitlines()[:2] == [
        "error: no builder can be used",
        "  docker: Cannot connect to the Docker daemon at tcp://nowhere:1. Is the docker daemon running?",
    ]


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_interrupt(
    environment: dict[str, str], project: Path, docker: Docker, number: signal.Signals, code: int
) -> None:
    (project / "Dockerfile").write_bytes(NAIVE)
    process = subprocess.Popen(
        [sys.executable, "-m", "dockerlayer", "verify"],
        cwd=project,
        env={**environment, **docker.env, "HANG": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    deadline = time.monotonic() + 60
    while not (docker.state / "started").exists():
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert len(os.listdir(docker.temporary)) == 1
    process.send_signal(number)
    out, said = process.communicate(timeout=60)
    assert (process.returncode, out) == (code, b"")
    assert b"Traceback" not in said
    assert (docker.state / "ended").exists()
    assert len(docker.calls("image", "rm")) == 1


def test_what_a_build_defines_is_passed_on(verify: Verify, docker: Docker, project: Path) -> None:
    (project / "Dockerfile").write_bytes(NAIVE.replace(b"fakepm:1", b"fakepm:1 AS t"))
    (project / "compose.yaml").write_text(
        "services:\n  a:\n    build:\n      target: t\n      args: {A: 1, B: 2}\n"
        "      additional_contexts: {lib: lib, img: 'docker-image://x', other: 'service:b'}\n"
        "  b: {build: {target: t, args: {A: 1, B: 3}, additional_contexts: [lib=lib, img=docker-image://x]}}\n"
    )
    assert verify("--build-arg", "C=4", "--as-is")[0] == 1
    words = docker.calls("buildx", "build")[0]
    given = [word for word in words if word.startswith(("--target", "--build-arg", "--build-context"))]
    assert given == [
        "--target=t",
        "--build-arg=A=1",
        "--build-arg=C=4",
        f"--build-context=lib={project / 'lib'}",
        "--build-context=img=docker-image://x",
    ]
