"""How Gradle is spelled in Dockerfiles, and where it keeps what it downloads."""

from pathlib import Path

import pytest

from dockerlayer.api import Fetch
from dockerlayer.checks.survey import Survey
from dockerlayer.engine import context_for
from dockerlayer.model.layers import Analysis
from dockerlayer.syntax.parser import parse
from dockerlayer_rules.gradle import ecosystem


def fetches(folder: Path, *lines: str, image: str = "eclipse-temurin:21") -> list[Fetch]:
    (folder / "build.gradle").write_text("")
    (folder / "gradlew").write_text("#!/bin/sh\n")
    text = f"FROM {image}\nWORKDIR /app\nCOPY . .\n" + "".join(f"{line}\n" for line in lines)
    survey = Survey(Analysis(parse(text.encode()), context_for(folder / "Dockerfile", folder)), [ecosystem])
    return [seen.fetch for step in survey.steps() for seen in survey.sightings(step)]


@pytest.mark.parametrize(
    ("command", "found"),
    [
        ("gradle build", True),
        ("./gradlew --no-daemon :server:shadowJar -x test", True),
        ("/app/gradlew -Dorg.gradle.jvmargs=-Xmx2g assembleRelease", True),
        ("gradle -p /app build", True),
        ("gradle --project-dir=/app build", True),
        ("gradle clean build", True),
        ("gradle downloadDependencies", True),
        ("gradle clean", False),
        ("gradle dependencies", False),
        ("gradle :server:dependencies", False),
        ("gradle", False),
        ("./gradlew --version", False),
        ("gradle build --offline", False),
        ("gradle -m build", False),
        ("gradle tasks --all", False),
        ("gradle wrapper --gradle-version 8.10", False),
    ],
)
def test_spellings(command: str, found: bool, tmp_path: Path) -> None:
    assert [fetch.kind for fetch in fetches(tmp_path, f"RUN {command}")] == (["build"] if found else [])


@pytest.mark.parametrize(
    ("image", "lines", "mount"),
    [
        ("eclipse-temurin:21", (), "target=/root/.gradle,sharing=locked"),
        ("eclipse-temurin:21", ("USER app",), "target=/home/app/.gradle,sharing=locked"),
        ("eclipse-temurin:21", ("ENV GRADLE_USER_HOME=/cache",), "target=/cache,sharing=locked"),
        ("gradle:8-jdk21", (), "target=/home/gradle/.gradle,sharing=locked"),
        ("gradle:8-jdk21", ("USER gradle",), "target=/home/gradle/.gradle,uid=1000,sharing=locked"),
    ],
)
def test_the_mount_that_helps(image: str, lines: tuple[str, ...], mount: str, tmp_path: Path) -> None:
    (fetch,) = fetches(tmp_path, *lines, "RUN gradle build", image=image)
    assert fetch.no_split is not None
    assert mount in fetch.no_split.message


def test_one_build_of_several_is_told(tmp_path: Path) -> None:
    assert len(fetches(tmp_path, "RUN gradle assemble", "RUN gradle test")) == 1


def test_the_layer_that_fetches_no_jars_is_told_of(tmp_path: Path) -> None:
    (fetch,) = fetches(tmp_path, "RUN gradle dependencies", "RUN gradle build")
    assert fetch.no_split is not None
    assert "line 4 fetches metadata and no jars" in fetch.no_split.message
