"""Which files below a directory are Dockerfiles."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from dockerlayer.cli.places import Places
from dockerlayer.discovery import is_dockerfile, tracked


def dockerfiles(directory: str) -> list[str]:
    return list(Places().below(directory))


@pytest.mark.parametrize(
    "name",
    """Dockerfile dockerfile DOCKERFILE Dockerfile.dev Dockerfile-dev api.Dockerfile api.dockerfile Containerfile
    containerfile.prod Containerfile-x""".split(),
)
def test_dockerfile(name: str) -> None:
    assert is_dockerfile(name)


@pytest.mark.parametrize(
    "name",
    """Dockerfiles MyDockerfile Dockerfile.dockerignore Containerfile.dockerignore Dockerfile~ Dockerfile.swp
    .Dockerfile.swp Dockerfile.orig Dockerfile.bak Dockerfile.rej docker-compose.yml .dockerignore
    dockerfile-image.png dockerfile.js Dockerfile.md Dockerfile.j2 Dockerfile.tmpl""".split(),
)
def test_no_dockerfile(name: str) -> None:
    assert not is_dockerfile(name)


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Dockerfiles where they belong and where nobody looks for them."""
    for path in (
        "Dockerfile",
        "b/Dockerfile",
        "a/x.Dockerfile",
        "a/deep/er/Containerfile",
        "ignored/Dockerfile",
        "node_modules/m/Dockerfile",
        ".venv/Dockerfile",
        "vendor/Dockerfile",
        "a/__pycache__/Dockerfile",
        "README.md",
    ):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text("FROM scratch\n")
    (tmp_path / ".gitignore").write_text("ignored\n")
    (tmp_path / "loop").symlink_to(".")
    (tmp_path / "b" / "Dockerfile.d").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


OPEN = ["Dockerfile", "a/deep/er/Containerfile", "a/x.Dockerfile", "b/Dockerfile", "vendor/Dockerfile"]


def git(*arguments: str, cwd: str | Path = ".") -> None:
    subprocess.run(["git", *arguments], cwd=cwd, check=True, capture_output=True)


def test_plain_directory(tree: Path) -> None:
    assert dockerfiles(".") == sorted([*OPEN, "ignored/Dockerfile"])


def test_work_tree(tree: Path) -> None:
    git("init")
    assert dockerfiles(".") == OPEN
    git("add", ".")
    assert dockerfiles(".") == OPEN
    (tree / "vendor" / "Dockerfile").unlink()
    assert dockerfiles(".") == OPEN[:-1]


def test_part_of_a_work_tree(tree: Path) -> None:
    git("init")
    assert dockerfiles("a") == ["a/deep/er/Containerfile", "a/x.Dockerfile"]
    assert dockerfiles(str(tree / "a" / "deep")) == [str(tree / "a/deep/er/Containerfile")]


def test_ignored_directory_that_is_named(tree: Path) -> None:
    git("init")
    assert dockerfiles("ignored") == ["ignored/Dockerfile"]


def test_without_git(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    git("init")
    monkeypatch.setenv("PATH", "/nowhere")
    assert "ignored/Dockerfile" in dockerfiles(".")


def test_environment_of_a_hook_is_not_believed(
    tree: Path, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    other = tmp_path_factory.mktemp("other")
    git("init", cwd=other)
    git("init")
    monkeypatch.setenv("GIT_DIR", str(other / ".git"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(other / "nowhere"))
    monkeypatch.setenv("GIT_LITERAL_PATHSPECS", "1")
    assert dockerfiles(".") == OPEN


@pytest.mark.parametrize(
    "prepare",
    [
        [],
        [("update-index", "--index-version", "4")],
        [("update-index", "--split-index")],
        [("config", "core.splitIndex", "true"), ("update-index", "--force-remove", "more.txt")],
        [("sparse-checkout", "set", "--cone", "--sparse-index", "a")],
        [("worktree", "add", "--detach", "beside"), ("-C", "beside", "status")],
    ],
)
@pytest.mark.parametrize("name", ["compose.yaml", "b/compose.yaml", "b/plain.yaml"])
def test_index_is_read_in_every_form(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, prepare: list[tuple[str, ...]], name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    for path in ("a/x", "b/comp.txt", "comp.txt", "package.json", "more.txt", name):
        Path(path).parent.mkdir(exist_ok=True)
        Path(path).touch()
    git("init")
    git("add", ".")
    git("-c", "user.name=n", "-c", "user.email=n@example.com", "commit", "-m", "first")
    for words in prepare:
        git(*words)
    found = [name] if "compose" in name else []
    for root in (".", str(tmp_path), *(["beside"] if Path("beside").exists() else [])):
        assert tracked(root, "*compose*.yaml", "*bake*.json") == found


@pytest.mark.parametrize("index", [b"", b"DIRC", b"DIRC\0\0\0\2 compose.yaml"])
def test_index_that_is_broken(tree: Path, index: bytes) -> None:
    git("init")
    (tree / ".git" / "index").write_bytes(index)
    assert tracked("", "*compose*.yaml") == []


def test_program_that_the_repository_names_is_not_run(tree: Path) -> None:
    git("init")
    (tree / "watch").write_text("#!/bin/sh\ntouch ran\n")
    (tree / "watch").chmod(0o755)
    git("config", "core.fsmonitor", "./watch")
    assert dockerfiles(".") == OPEN
    assert not (tree / "ran").exists()


def test_names_that_are_not_utf8(tree: Path) -> None:
    odd = os.fsdecode(b"Dockerfile.\xff\n")
    (tree / odd).write_text("FROM scratch\n")
    assert odd in dockerfiles(".")
    git("init")
    assert odd in dockerfiles(".")


def test_what_cannot_be_read_is_listed_for_the_reader(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "Dockerfile")
    (tmp_path / "Dockerfile.gone").symlink_to("nowhere")
    assert dockerfiles(str(tmp_path)) == [str(tmp_path / "Dockerfile"), str(tmp_path / "Dockerfile.gone")]


def test_directory_that_cannot_be_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "Dockerfile").touch()
    (tmp_path / "closed").mkdir()
    scandir = os.scandir

    def refuse(path: str) -> object:
        if str(path).endswith("closed"):
            raise PermissionError
        return scandir(path)

    monkeypatch.setattr("os.scandir", refuse)
    assert dockerfiles(str(tmp_path)) == [str(tmp_path / "Dockerfile")]
