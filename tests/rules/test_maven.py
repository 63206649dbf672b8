"""How mvn is spelled in Dockerfiles, what its poms say, and that no pom of any kind brings the reader down."""

from pathlib import Path

import pytest

from dockerlayer.api import Fetch
from dockerlayer.checks.survey import Survey
from dockerlayer.engine import context_for
from dockerlayer.model.layers import Analysis
from dockerlayer.syntax.parser import parse
from dockerlayer_rules.maven import ecosystem

POM = "<project><groupId>g</groupId><artifactId>a</artifactId><version>1</version>{}</project>"


def fetches(folder: Path, *commands: str, pom: str | bytes = POM.format("")) -> list[Fetch]:
    (folder / "pom.xml").write_bytes(pom if isinstance(pom, bytes) else pom.encode())
    (folder / "mvnw").write_text("#!/bin/sh\n")
    text = "FROM maven:3.9\nWORKDIR /app\nCOPY . .\n" + "".join(f"RUN {command}\n" for command in commands)
    analysis = Analysis(parse(text.encode()), context_for(folder / "Dockerfile", folder))
    survey = Survey(analysis, [ecosystem])
    return [seen.fetch for step in survey.steps() for seen in survey.sightings(step)]


@pytest.mark.parametrize(
    ("command", "kind", "download"),
    [
        ("mvn package", "build", "mvn -B -fn dependency:go-offline"),
        ("mvn clean install -DskipTests", "build", "mvn -B -DskipTests -fn dependency:go-offline"),
        ("mvn -B -q -ntp verify", "build", "mvn -B -q -ntp -fn dependency:go-offline"),
        ("mvn --batch-mode test", "build", "mvn -B -fn dependency:go-offline"),
        ("mvn -Pprod,!dev -T 1C deploy", "build", "mvn -B -Pprod,!dev -T 1C -fn dependency:go-offline"),
        ("mvn -fae -l build.log package", "build", "mvn -B -fn dependency:go-offline"),
        ("mvn -f pom.xml package", "build", "mvn -B -f pom.xml -fn dependency:go-offline"),
        ('mvn "-Dname=a b" package', "build", 'mvn -B "-Dname=a b" -fn dependency:go-offline'),
        ("./mvnw package", "build", "./mvnw -B -fn dependency:go-offline"),
        ("/app/mvnw package", "build", "/app/mvnw -B -fn dependency:go-offline"),
        ("mvn spring-boot:repackage", "build", "mvn -B -fn dependency:go-offline"),
        ("mvn -Drevision=$(date) package", "build", None),
        ("mvn dependency:go-offline", "download", None),
        ("mvn -B dependency:resolve dependency:resolve-plugins", "download", None),
        ("mvn org.apache.maven.plugins:maven-dependency-plugin:3.8.1:go-offline", "download", None),
        ("mvn -o package", None, None),
        ("mvn --offline verify", None, None),
        ("mvn clean", None, None),
        ("mvn -v", None, None),
        ("mvn help:evaluate -Dexpression=project.version", None, None),
        ("mvn archetype:generate", None, None),
        ("mvn -N wrapper:wrapper", None, None),
        ("mvn install:install-file -Dfile=a.jar", None, None),
        ("mvn", None, None),
    ],
)
def test_spellings(command: str, kind: str | None, download: str | None, tmp_path: Path) -> None:
    found = fetches(tmp_path, command)
    assert [fetch.kind for fetch in found] == ([] if kind is None else [kind])
    assert [fetch.split.download for fetch in found if fetch.split] == ([] if download is None else [download])


def test_a_named_artifact_needs_no_project(tmp_path: Path) -> None:
    assert [fetch.kind for fetch in fetches(tmp_path, "cd /tmp && mvn dependency:get -Dartifact=g:a:1")] == ["tool"]


def test_what_is_downloaded_once_is_told_once(tmp_path: Path) -> None:
    assert [fetch.kind for fetch in fetches(tmp_path, "mvn test", "mvn package")] == ["build"]


def test_modules_are_members(tmp_path: Path) -> None:
    for name in ("one", "two/three"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "pom.xml").write_text(POM.format("<parent><relativePath>../pom.xml</relativePath></parent>"))
    (tmp_path / "two/pom.xml").write_text(POM.format("<modules><module>three</module></modules>"))
    modules = "<modules><module>one</module><module>two</module></modules>"
    profile = "<profiles><profile><modules><module>gone</module></modules></profile></profiles>"
    (found,) = fetches(tmp_path, "mvn package", pom=POM.format(modules + profile))
    assert found.needs == ("pom.xml", "one/pom.xml", "two/pom.xml", "two/three/pom.xml")
    assert found.members == found.needs[1:]
    assert found.without_member


@pytest.mark.parametrize(
    "pom",
    [
        b"",
        b"\xff\xfe<\x00p\x00",
        b"<project>",
        b"<html/>",
        b"<?xml version='1.0' encoding='no-such-code'?><project/>",
        b'<!DOCTYPE p [<!ENTITY a "b">]><project>&a;</project>',
        b"<!doctype p><project/>",
        b"<project>" + b" " * 5_000_000 + b"</project>",
        POM.format("<modelVersion>4.1.0</modelVersion>").encode(),
    ],
    ids=range(9),
)
def test_a_hostile_pom_is_refused(pom: bytes, tmp_path: Path) -> None:
    (found,) = fetches(tmp_path, "mvn package", pom=pom)
    assert found.split is None
    assert found.no_split is not None


def test_modules_that_name_each_other_are_read_once(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "one/pom.xml").write_text(POM.format("<modules><module>..</module><module>.</module></modules>"))
    (found,) = fetches(tmp_path, "mvn package", pom=POM.format("<modules><module>one</module></modules>"))
    assert found.needs == ("pom.xml", "one/pom.xml")


def test_deep_elements_are_no_trouble(tmp_path: Path) -> None:
    assert fetches(tmp_path, "mvn package", pom=b"<project>" * 60_000 + b"</project>" * 60_000)
