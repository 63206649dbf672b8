"""Builder profiles: what each has, and which one a file and its surroundings speak for."""

from __future__ import annotations

from pathlib import Path

import pytest

from dockerlayer.checks.survey import Survey
from dockerlayer.model import builders
from dockerlayer.model.builders import PROFILES, inferred, profile_of
from dockerlayer.model.context import Context
from dockerlayer.model.layers import Analysis
from dockerlayer.syntax.parser import parse

PLAIN = parse(b"FROM debian\nRUN true\n")
MOUNTING = parse(b"FROM debian\nRUN --mount=type=cache,target=/c true\n")
KANIKO = "build:\n  image: gcr.io/kaniko-project/executor:debug\n  script: [/kaniko/executor --context .]\n"


def written(root: Path, name: str, text: str) -> None:
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    (root / name).write_text(text)


@pytest.mark.parametrize(
    ("line", "parents", "network"),
    [
        ("", None, ""),
        ("# syntax=docker/dockerfile:1\n", "", ""),
        ("# syntax=docker/dockerfile\n", "", ""),
        ("# syntax=docker.io/docker/dockerfile:1.20@sha256:abc\n", "", ""),
        ("# syntax=docker/dockerfile:1.19\n", None, ""),
        ("# syntax=docker/dockerfile:1.7-labs\n", "", ""),
        ("# syntax=docker/dockerfile:1.4-labs\n", None, ""),
        ("# syntax=docker/dockerfile:labs\n", "", ""),
        ("# syntax=docker/dockerfile-upstream:master\n", "", ""),
        ("# syntax=docker/dockerfile:1.2\n", None, None),
        ("# syntax=docker/dockerfile:1.0-experimental\n", None, ""),
        ("# syntax=registry.example.com/other/frontend:2\n", None, ""),
    ],
)
def test_frontend_decides(line: str, parents: str | None, network: str | None) -> None:
    profile = profile_of("buildkit", parse(f"{line}FROM debian\n".encode()))
    assert (profile.parents, profile.network) == (parents, network)


def test_what_others_lack() -> None:
    assert profile_of("buildah", PLAIN).mount == ""
    assert "1.30" in (profile_of("buildah", PLAIN).network or "")
    for name in ("kaniko", "legacy"):
        assert set(profile_of(name, PLAIN)[1:]) == {None}


def test_buildkit_where_nothing_is_said(tmp_path: Path) -> None:
    assert inferred(PLAIN, None) == inferred(PLAIN, tmp_path) == "buildkit"


def test_name_counts_only_where_nothing_else_does(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert inferred(PLAIN, tmp_path / "empty", "Containerfile.prod") == "buildah"
    written(tmp_path, ".github/workflows/ci.yml", "jobs:\n  - uses: docker/build-push-action@v6\n")
    assert inferred(PLAIN, tmp_path, "Containerfile.prod") == "buildkit"


@pytest.mark.parametrize(
    ("name", "text", "builder"),
    [
        (".gitlab-ci.yml", KANIKO, "kaniko"),
        (".gitlab-ci.yml", f"#{KANIKO}".replace("\n", "\n#"), "buildkit"),
        (".github/workflows/a.yaml", "  run: podman build -t x .\n", "buildah"),
        (".github/workflows/a.yaml", "  run: buildah bud .\n", "buildah"),
        (".github/workflows/a.txt", "  run: buildah bud .\n", "buildkit"),
        ("Makefile", "build:\n\tDOCKER_BUILDKIT=0 docker build .\n", "legacy"),
        ("Jenkinsfile", "sh 'DOCKER_BUILDKIT=1 docker build .'\n", "buildkit"),
        (".gitlab-ci.yml", "variables:\n  DOCKER_BUILDKIT: '0'\n", "legacy"),
    ],
)
def test_ci_is_read(tmp_path: Path, name: str, text: str, builder: str) -> None:
    written(tmp_path, name, text)
    assert inferred(PLAIN, tmp_path) == builder


def test_repository_above_the_context_is_read_and_no_further(tmp_path: Path) -> None:
    written(tmp_path, ".gitlab-ci.yml", KANIKO)
    inside = tmp_path / "repo" / "services" / "web"
    inside.mkdir(parents=True)
    assert inferred(PLAIN, inside) == "buildkit"
    (tmp_path / "repo" / ".git").mkdir()
    written(tmp_path / "repo", ".gitlab-ci.yml", "build: podman build .\n")
    assert inferred(PLAIN, inside) == "buildah"


def test_of_several_the_one_with_the_least_counts(tmp_path: Path) -> None:
    written(tmp_path, ".gitlab-ci.yml", KANIKO)
    written(tmp_path, "Makefile", "all:\n\tdocker buildx build .\n\tpodman build .\n")
    assert inferred(PLAIN, tmp_path) == "kaniko"


def test_file_itself_rules_builders_out(tmp_path: Path) -> None:
    written(tmp_path, ".gitlab-ci.yml", KANIKO)
    assert inferred(MOUNTING, tmp_path) == "buildkit"
    assert inferred(parse(b"# syntax=docker/dockerfile:1\nFROM debian\n"), tmp_path) == "buildkit"
    written(tmp_path, "Makefile", "all:\n\tpodman build .\n")
    builders._said_by_ci.cache_clear()
    assert inferred(MOUNTING, tmp_path) == "buildah"


def test_links_and_pipes_are_not_read(tmp_path: Path) -> None:
    import os

    written(tmp_path, "elsewhere", KANIKO)
    (tmp_path / ".gitlab-ci.yml").symlink_to("elsewhere")
    os.mkfifo(tmp_path / "Makefile")
    (tmp_path / "Jenkinsfile").mkdir()
    assert inferred(PLAIN, tmp_path) == "buildkit"


def test_survey_asks_only_when_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written(tmp_path, ".gitlab-ci.yml", KANIKO)
    analysis = Analysis(PLAIN, Context.open(tmp_path))
    assert Survey(analysis, []).builder == "kaniko"
    monkeypatch.setattr(builders, "inferred", lambda *_: pytest.fail("inferred all the same"))
    Survey(analysis, [])
    for name in PROFILES:
        assert Survey(analysis, [], name).profile.name == name


def test_standard_input_has_no_surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written(tmp_path, ".gitlab-ci.yml", KANIKO)
    monkeypatch.chdir(tmp_path)
    assert Survey(Analysis(PLAIN, Context.nothing()), []).builder == "buildkit"
