"""Gradle: what each command does with what is kept, where that is, and which words keep it offline."""

from __future__ import annotations

from pathlib import Path

import pytest
from use_case import UseCase, flow

from dockerlayer_rules.gradle import ecosystem

IMAGE = "gradle:8-jdk21"


@pytest.mark.parametrize(
    ("command", "expected", "leaves"),
    [
        ("gradle build", "fills+takes", ("/src/build",)),
        ("gradle --offline build", "takes", ("/src/build",)),
        ("gradle dependencies", "fills", ()),
        ("gradle --version", None, ()),
        ("gradle clean", None, ()),
    ],
)
def test_flow(tmp_path: Path, command: str, expected: str | None, leaves: tuple[str, ...]) -> None:
    use = UseCase(tmp_path, ecosystem, IMAGE).use(command)
    assert flow(use) == expected
    assert (use.leaves if use is not None else ()) == leaves


@pytest.mark.parametrize(
    ("image", "above", "command", "expected"),
    [
        (
            "gradle:8-jdk21",
            "",
            "gradle build",
            (
                "/home/gradle/.gradle/caches",
                "/home/gradle/.gradle/wrapper",
                "/root/.gradle/caches",
                "/root/.gradle/wrapper",
            ),
        ),
        (
            "gradle:8-jdk21",
            "USER gradle",
            "gradle build",
            ("/home/gradle/.gradle/caches", "/home/gradle/.gradle/wrapper"),
        ),
        ("gradle:8-jdk21", "ENV GRADLE_USER_HOME=/g", "gradle build", ("/g/caches", "/g/wrapper")),
        ("eclipse-temurin:21", "", "gradle build", ("/root/.gradle/caches", "/root/.gradle/wrapper")),
        ("eclipse-temurin:21", "USER app", "gradle build", ()),
    ],
)
def test_stores(tmp_path: Path, image: str, above: str, command: str, expected: tuple[str, ...]) -> None:
    use = UseCase(tmp_path, ecosystem, image).use(command, above)
    assert use is not None
    assert use.stores == expected


@pytest.mark.parametrize(
    ("command", "offline", "without"),
    [
        ("gradle build --offline", "--offline", "gradle build"),
    ],
)
def test_online(tmp_path: Path, command: str, offline: str, without: str) -> None:
    assert UseCase(tmp_path, ecosystem, IMAGE).online(command) == (offline, without)


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("gradle build", ""),
        ("gradle build && rm -rf /home/gradle/.gradle", "defeated"),
    ],
)
def test_words(tmp_path: Path, command: str, expected: str) -> None:
    use = UseCase(tmp_path, ecosystem, IMAGE).use(command)
    assert use is not None
    told = ("nominal", "defeated", "unpinned", "redundant")
    assert " ".join(name for name in told if getattr(use, name) is not None) == expected
