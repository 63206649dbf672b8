"""Which files speak of a Dockerfile, and the contexts that they give it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from dockerlayer.builds.find import in_files, is_build_file
from dockerlayer.builds.places import doubts, forget, index_of, of_dockerfile


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    forget()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def fill(root: Path, files: Mapping[str, str]) -> None:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def contexts(path: str) -> list[str]:
    return [place.context for place in of_dockerfile(path)[0]]


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("compose.yaml", True),
        ("docker-compose.yml", True),
        ("docker-compose.dev.yml", True),
        ("docker-compose_dev.yml", True),
        ("dev-compose.yaml", True),
        ("Compose.YAML", True),
        ("docker-bake.hcl", True),
        ("docker-bake.override.json", True),
        ("composer.json", False),
        ("compose.md", False),
        ("decompose.yaml", False),
        ("bakery.hcl", False),
        ("main.hcl", False),
        ("docker-bake.json.bak", False),
    ],
)
def test_name(name: str, wanted: bool) -> None:
    assert is_build_file(name) is wanted


@pytest.mark.parametrize("git", [False, True])
def test_files_in_the_directory_and_above(tree: Path, git: bool) -> None:
    fill(
        tree,
        {
            "api/docker/Dockerfile": "",
            "other/Dockerfile": "",
            "api/compose.yaml": "services: {a: {build: {context: ., dockerfile: docker/Dockerfile}}}",
            "compose.yaml": "services: {b: {build: {context: ., dockerfile: api/docker/Dockerfile}}}",
        },
    )
    if git:
        (tree / ".git").mkdir()
    assert contexts("api/docker/Dockerfile") == ["api", "."]
    assert contexts("other/Dockerfile") == []
    os.chdir("api/docker")
    forget()
    assert contexts("Dockerfile") == (["..", "../.."] if git else [])


def test_repository_ends_the_search(tree: Path) -> None:
    fill(
        tree,
        {
            "compose.yaml": "services: {a: {build: {context: ., dockerfile: repo/docker/Dockerfile}}}",
            "repo/docker/Dockerfile": "",
            "repo/.git": "gitdir: elsewhere",
        },
    )
    assert contexts("repo/docker/Dockerfile") == []


def test_files_beside_in_the_repository(tree: Path) -> None:
    fill(
        tree,
        {
            "docker/Dockerfile": "",
            "deploy/dev/compose.prod.yaml": "services: {a: {build: {context: ../.., dockerfile: docker/Dockerfile}}}",
            "untracked/compose.yaml": "services: {a: {build: {context: .., dockerfile: docker/Dockerfile}}}",
            "node_modules/x/compose.yaml": "services: {a: {build: {context: ../../docker}}}",
            "bake/docker-bake.hcl": 'target "a" { dockerfile = "docker/Dockerfile" }',
        },
    )
    subprocess.run(["git", "init", "-q"], check=True)
    subprocess.run(["git", "add", "-f", "deploy", "docker", "bake", "node_modules"], check=True)
    ((place,), problems) = of_dockerfile("docker/Dockerfile")
    assert not problems
    assert (place.context, [build.file for build in place.builds]) == (
        ".",
        ["bake/docker-bake.hcl", "deploy/dev/compose.prod.yaml"],
    )


def test_override_and_bake_are_used_with_the_compose_file(tree: Path) -> None:
    fill(
        tree,
        {
            "compose.yaml": "services: {a: {build: {context: .}}}",
            "compose.override.yaml": "services: {a: {build: {dockerfile: x/D}}}",
            "compose.prod.yaml": "services: {a: {build: {target: prod}}}",
            "docker-bake.hcl": 'target "a" { dockerfile = "x/E" }',
            "x/D": "",
            "x/E": "",
        },
    )
    ((place,), _) = of_dockerfile("x/D")
    assert [(build.place, build.target) for build in place.builds] == [
        ("compose.override.yaml:1", ""),
        ("compose.prod.yaml:1", "prod"),
    ]
    assert contexts("x/E") == ["."]


@pytest.mark.parametrize(
    ("context", "cause"),
    [
        ("no", "there is no directory no"),
        ("..", ".. is outside of the repository"),
        ("../../../../../../../../../..", "is outside of the repository"),
        ("/", "/ is outside of the repository"),
        ("out", "out is outside of the repository"),
        ("loop", "there is no directory loop"),
        (".", "there is no no/Dockerfile"),
    ],
)
def test_what_is_not_there_or_outside_is_left_out(tree: Path, context: str, cause: str) -> None:
    repo = tree / "repo"
    fill(repo, {"compose.yaml": f"services:\n  a:\n    build: {{context: {context}, dockerfile: no/Dockerfile}}"})
    (repo / ".git").mkdir()
    (repo / "loop").symlink_to("loop")
    (repo / "out").symlink_to(tree)
    os.chdir(repo)
    found = in_files(["compose.yaml"])
    assert index_of(found).places == {}
    ((problem),) = doubts(found)
    assert (problem.file, problem.line) == ("compose.yaml", 3)
    assert cause in problem.message


def test_the_whole_machine_is_no_context(tree: Path) -> None:
    fill(
        tree,
        {
            "compose.yaml": f"services: {{a: {{build: {{context: /, dockerfile: {tree}/Dockerfile}}}}}}",
            "Dockerfile": "",
        },
    )
    assert contexts("Dockerfile") == []


def test_what_is_no_file_is_a_problem(tree: Path) -> None:
    (tree / "compose.yaml").mkdir()
    (tree / "docker-compose.dev.yml").symlink_to("docker-compose.dev.yml")
    os.mkfifo(tree / "docker-bake.hcl")
    (tree / "big-compose.yaml").write_bytes(b"#" * 5_000_000)
    problems = {problem.file: problem.message for problem in of_dockerfile("Dockerfile")[1]}
    assert problems == {
        "compose.yaml": "Is a directory",
        "docker-compose.dev.yml": os.strerror(40),
        "docker-bake.hcl": "not a regular file",
        "big-compose.yaml": "larger than 1 MiB",
    }


def test_included_file_counts_as_it_is_included(tree: Path) -> None:
    fill(
        tree,
        {
            "compose.yaml": "include: [{path: sub/compose.yaml, project_directory: .}]",
            "sub/compose.yaml": "services: {a: {build: {dockerfile: sub/Dockerfile}}}",
            "sub/Dockerfile": "",
            "sub/sub/Dockerfile": "",
        },
    )
    found = index_of(in_files(["compose.yaml", "sub/compose.yaml"])).places
    assert {os.path.relpath(path): [place.context for place in places] for path, places in found.items()} == {
        "sub/Dockerfile": ["."]
    }
    assert contexts("sub/Dockerfile") == ["."]
    assert contexts("sub/sub/Dockerfile") == []
