"""Dockerfiles are judged in the contexts that Compose and Bake files build them from."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Runner = Callable[..., subprocess.CompletedProcess[bytes]]

DOCKERFILE = "FROM busybox\nWORKDIR /app\nCOPY . .\nRUN fakepm install\n"
FIXED = "FROM busybox\nWORKDIR /app\nCOPY fake.json ./\nRUN fakepm install\nCOPY . .\n"
COMPOSE = "services:\n  api:\n    build:\n      context: .\n      dockerfile: docker/Dockerfile\n"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A repository whose Dockerfile is built from above its own directory, where the source is."""
    (tmp_path / ".git").mkdir()
    (tmp_path / "docker").mkdir()
    (tmp_path / "docker" / "Dockerfile").write_text(DOCKERFILE)
    (tmp_path / "docker" / "fake.json").write_text("{}")
    (tmp_path / "fake.json").write_text("{}")
    (tmp_path / "main.py").write_text("print()")
    return tmp_path


def files_of(done: subprocess.CompletedProcess[bytes]) -> dict[str, Any]:
    return {file["path"]: file for file in json.loads(done.stdout)["files"]}


@pytest.mark.parametrize(
    ("name", "text", "kind", "line"),
    [
        ("compose.yaml", COMPOSE, "service", 3),
        ("docker-compose.dev.yml", COMPOSE, "service", 3),
        ("docker-bake.hcl", 'target "api" {\n  dockerfile = "docker/Dockerfile"\n}\n', "target", 1),
        ("docker-bake.json", '{"target":\n {"api": {"dockerfile": "docker/Dockerfile"}}}', "target", 2),
    ],
)
@pytest.mark.parametrize("argument", [".", "docker", "docker/Dockerfile", "the file"])
def test_context_of_the_build(
    run: Runner, root: Path, name: str, text: str, kind: str, line: int, argument: str
) -> None:
    (root / name).write_text(text)
    done = run("check", "--format", "json", name if argument == "the file" else argument)
    assert done.returncode == 1, done.stderr
    file = files_of(done)["docker/Dockerfile"]
    builds = [{"kind": kind, "name": "api", "file": name, "line": line}]
    assert file["contexts"] == [{"path": ".", "builds": builds}]
    (finding,) = file["findings"]
    assert finding["rule"] == "source-before-download"


def test_fix_why_and_stdin_take_it_too(run: Runner, root: Path) -> None:
    (root / "compose.yaml").write_text(COMPOSE)
    assert b"= context: . (compose.yaml:3, service api)\n" in run("check", "docker/Dockerfile").stdout
    assert b"fake.json" in run("why", "docker/Dockerfile:4").stdout
    piped = run("fix", "-", "--stdin-filename", "docker/Dockerfile", stdin=DOCKERFILE.encode())
    assert piped.stdout.decode() == FIXED
    assert run("fix", "docker/Dockerfile").returncode == 0
    assert (root / "docker" / "Dockerfile").read_text() == FIXED


def test_own_directory_without_a_build_and_with_the_option(run: Runner, root: Path) -> None:
    (root / "compose.yaml").write_text(COMPOSE.replace("docker/Dockerfile", "other"))
    done = run("check", "--format", "json", ".")
    assert "contexts" not in files_of(done)["docker/Dockerfile"]
    assert b"warning: compose.yaml:3: service api is left out: there is no other\n" in done.stderr
    (root / "compose.yaml").write_text(COMPOSE)
    done = run("check", "--context", "docker", "docker/Dockerfile")
    assert b"= context:" not in done.stdout


def test_dockerfile_of_any_name_that_a_build_names(run: Runner, root: Path) -> None:
    (root / "docker" / "api.build").write_text(DOCKERFILE)
    (root / "docker" / "ignored").write_text(DOCKERFILE)
    (root / "compose.yaml").write_text(COMPOSE.replace("docker/Dockerfile", "docker/api.build"))
    assert set(files_of(run("check", "--format", "json", "."))) == {"docker/Dockerfile", "docker/api.build"}
    assert set(files_of(run("check", "--format", "json", "compose.yaml"))) == {"docker/api.build"}


def test_two_contexts_with_the_same_fix(run: Runner, root: Path) -> None:
    (root / "docker" / "main.py").write_text("print()")
    (root / "compose.yaml").write_text(COMPOSE + "  own:\n    build: docker\n")
    done = run("check", "docker/Dockerfile")
    text = done.stdout.decode()
    assert text.count("source-before-download:") == 1
    assert "= context: . (compose.yaml:3, service api), and docker (compose.yaml:7, service own)" in text
    done = run("fix", ".")
    assert done.returncode == 0, done.stdout
    assert (root / "docker" / "Dockerfile").read_text() == FIXED


def test_fix_that_does_not_hold_in_the_other_context(run: Runner, root: Path) -> None:
    (root / "compose.yaml").write_text(COMPOSE + "  own:\n    build: docker\n")
    done = run("check", "--format", "json", "docker/Dockerfile")
    (finding,) = files_of(done)["docker/Dockerfile"]["findings"]
    assert finding["fix"] is None
    (refusal,) = finding["refusals"]
    assert refusal["code"] == "other-context"
    assert refusal["message"].startswith("compose.yaml:7 service own builds it from docker, where ")
    assert run("fix", ".").returncode == 1
    assert (root / "docker" / "Dockerfile").read_text() == DOCKERFILE


def test_named_context_in_the_place_of_a_stage(run: Runner, root: Path) -> None:
    text = DOCKERFILE.replace("busybox", "busybox AS base")
    (root / "docker" / "Dockerfile").write_text(text)
    (root / "compose.yaml").write_text(COMPOSE + "      additional_contexts:\n        base: ./other\n")
    done = run("fix", "docker/Dockerfile")
    assert done.returncode == 1
    assert b"puts a context in the place of the stage base [named-context]" in done.stdout
    (root / "compose.yaml").write_text(COMPOSE + "      additional_contexts:\n        lib: ./other\n")
    assert run("fix", "docker/Dockerfile").returncode == 0


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"services:\n\tbuild: 1\n", "error: compose.yaml:2: not YAML: "),
        (b"\xff", "error: compose.yaml:1: not UTF-8\n"),
        (b"services:\n  api:\n    build: ../../..\n", "error: compose.yaml:3: service api is left out: "),
        (
            b"services:\n  api:\n    build: no\n",
            "error: compose.yaml:3: service api is left out: there is no directory no\n",
        ),
        (b"", "error: compose.yaml: no build of a Dockerfile found in compose.yaml\n"),
        (None, "error: compose.yaml: No such file or directory\n"),
    ],
)
def test_named_file_that_is_of_no_use(run: Runner, root: Path, text: bytes | None, message: str) -> None:
    if text is not None:
        (root / "compose.yaml").write_bytes(text)
    done = run("check", "compose.yaml")
    assert done.returncode == 2
    assert done.stderr.decode().startswith(message)
    if text and b"build" in text:
        (root / "docker" / "Dockerfile").write_text("FROM scratch\n")
        found = run("check", ".")
        assert found.returncode == 0
        assert found.stderr.decode().startswith(message.replace("error", "warning"))


def test_directory_called_compose(run: Runner, root: Path) -> None:
    (root / "compose.yaml").mkdir()
    (root / "compose.yaml" / "Dockerfile").write_text("FROM scratch\n")
    assert set(files_of(run("check", "--format", "json", "compose.yaml"))) == {"compose.yaml/Dockerfile"}
    done = run("check", "docker/Dockerfile")
    assert done.stderr.decode() == "warning: compose.yaml: Is a directory\n"


def test_ignored_files_are_not_looked_at(run: Runner, tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    (tmp_path / ".gitignore").write_text("made/\n")
    for directory in ("made", "node_modules", "app"):
        (tmp_path / directory).mkdir()
        (tmp_path / directory / "x").write_text("FROM scratch\n")
        (tmp_path / directory / "compose.yaml").write_text("services: {a: {build: {dockerfile: x}}}\n")
    assert set(files_of(run("check", "--format", "json", "."))) == {"app/x"}


def test_many_files_in_several_processes(run: Runner, root: Path) -> None:
    services = []
    for number in range(20):
        (root / f"d{number}").mkdir()
        (root / f"d{number}" / "fake.json").write_text("{}")
        (root / f"d{number}" / "Dockerfile").write_text(DOCKERFILE)
        services.append(f"  s{number}: {{build: {{context: ., dockerfile: d{number}/Dockerfile}}}}\n")
    (root / "compose.yaml").write_text("services:\n" + "".join(services))
    files = files_of(run("check", "--format", "json", "."))
    assert [len(files[f"d{number}/Dockerfile"]["contexts"]) for number in range(20)] == [1] * 20


def test_comment_that_has_an_effect_in_one_context_only(run: Runner, root: Path) -> None:
    text = DOCKERFILE.replace("RUN", "# dockerlayer: ignore[source-before-download] known\nRUN")
    (root / "docker" / "Dockerfile").write_text(text)
    (root / "compose.yaml").write_text(COMPOSE + "  own:\n    build: docker\n")
    assert run("check", ".").stdout == b"All clean: 1 file checked.\n"


def test_what_was_found_before_is_judged_in_the_context_of_now(run: Runner, root: Path) -> None:
    def git(*arguments: str) -> None:
        subprocess.run(["git", "-c", "user.name=a", "-c", "user.email=a@example.com", *arguments], cwd=root, check=True)

    (root / ".git").rmdir()
    (root / "compose.yaml").write_text(COMPOSE)
    git("init", "-q")
    git("add", ".")
    git("commit", "-qm", "one")
    assert run("check", "--diff-base", "HEAD", ".").returncode == 0
    (root / "docker" / "Dockerfile").write_text(DOCKERFILE + "RUN fakepm install more\n")
    done = run("check", "--diff-base", "HEAD", "--format", "json", ".")
    assert [item["place"]["start"]["line"] for item in files_of(done)["docker/Dockerfile"]["findings"]] == [5]
