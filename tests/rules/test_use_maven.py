"""Maven: what each command does with what is kept, where that is, and which words keep it offline."""

from __future__ import annotations

from pathlib import Path

import pytest
from use_case import UseCase, flow

from dockerlayer_rules.maven import ecosystem

IMAGE = "maven:3.9-eclipse-temurin-21"


@pytest.mark.parametrize(
    ("command", "expected", "leaves"),
    [
        ("mvn package", "fills+takes", ("/src/target",)),
        ("mvn -o package", "takes", ("/src/target",)),
        ("mvn dependency:go-offline", "fills", ()),
        ("mvn clean", None, ()),
        ("mvn --version", None, ()),
    ],
)
def test_flow(tmp_path: Path, command: str, expected: str | None, leaves: tuple[str, ...]) -> None:
    use = UseCase(tmp_path, ecosystem, IMAGE).use(command)
    assert flow(use) == expected
    assert (use.leaves if use is not None else ()) == leaves


@pytest.mark.parametrize(
    ("image", "above", "command", "expected"),
    [
        ("maven:3.9-eclipse-temurin-21", "", "mvn package", ("/root/.m2/repository",)),
        ("maven:3.9-eclipse-temurin-21", "", "mvn -Dmaven.repo.local=/m package", ("/m",)),
        ("maven:3.9-eclipse-temurin-21", "", "mvn -s s.xml package", ()),
        ("maven:3.9-eclipse-temurin-21", "ENV MAVEN_OPTS=-Dmaven.repo.local=/m", "mvn package", ()),
        ("maven:3.9-eclipse-temurin-21", "USER app", "mvn package", ()),
    ],
)
def test_stores(tmp_path: Path, image: str, above: str, command: str, expected: tuple[str, ...]) -> None:
    use = UseCase(tmp_path, ecosystem, image).use(command, above)
    assert use is not None
    assert use.stores == expected


@pytest.mark.parametrize(
    ("command", "offline", "without"),
    [
        ("mvn -o -B package", "-o", "mvn -B package"),
        ("mvn package", "", "mvn package"),
    ],
)
def test_online(tmp_path: Path, command: str, offline: str, without: str) -> None:
    assert UseCase(tmp_path, ecosystem, IMAGE).online(command) == (offline, without)


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("mvn package", ""),
        ("mvn package && rm -rf /root/.m2", "defeated"),
    ],
)
def test_words(tmp_path: Path, command: str, expected: str) -> None:
    use = UseCase(tmp_path, ecosystem, IMAGE).use(command)
    assert use is not None
    told = ("nominal", "defeated", "unpinned", "redundant")
    assert " ".join(name for name in told if getattr(use, name) is not None) == expected
