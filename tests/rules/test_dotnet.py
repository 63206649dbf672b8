"""How dotnet is spelled in Dockerfiles, what its projects say, and that no project brings the reader down."""

from pathlib import Path

import pytest

from dockerlayer.api import Fetch
from dockerlayer.checks.survey import Survey
from dockerlayer.engine import context_for
from dockerlayer.model.layers import Analysis
from dockerlayer.syntax.parser import parse
from dockerlayer_rules.dotnet import ecosystem

PROJECT = '<Project Sdk="Microsoft.NET.Sdk">{}</Project>'
HEAD = "FROM mcr.microsoft.com/dotnet/sdk:8.0\nARG TARGETARCH\nWORKDIR /app\nCOPY . .\n"


def fetches(folder: Path, *commands: str, project: str | bytes = PROJECT.format("")) -> list[Fetch]:
    (folder / "app.csproj").write_bytes(project if isinstance(project, bytes) else project.encode())
    text = HEAD + "".join(f"RUN {command}\n" for command in commands)
    analysis = Analysis(parse(text.encode()), context_for(folder / "Dockerfile", folder))
    survey = Survey(analysis, [ecosystem])
    return [seen.fetch for step in survey.steps() for seen in survey.sightings(step)]


@pytest.mark.parametrize(
    ("command", "kind", "download"),
    [
        ("dotnet restore", "install", None),
        ("dotnet restore app.csproj -r linux-x64", "install", None),
        ("dotnet restore .", "install", None),
        ("dotnet build", "build", "dotnet restore"),
        (
            'dotnet build "app.csproj" -c Release -o /out',
            "build",
            'dotnet restore "app.csproj" -p:Configuration=Release',
        ),
        ("dotnet publish -a $TARGETARCH -o /out", "build", "dotnet restore -a $TARGETARCH"),
        ("dotnet publish --runtime linux-x64 --sc", "build", "dotnet restore -r linux-x64 -p:SelfContained=true"),
        ("dotnet publish --self-contained=false", "build", "dotnet restore -p:SelfContained=false"),
        ("dotnet publish /p:UseAppHost=false -v q", "build", "dotnet restore /p:UseAppHost=false"),
        ("dotnet publish -f net8.0 --nologo", "build", "dotnet restore"),
        ("dotnet test --logger trx -- arg", "build", "dotnet restore"),
        ("dotnet run --project app.csproj -- serve", "build", "dotnet restore app.csproj"),
        ("dotnet pack /app/app.csproj", "build", "dotnet restore /app/app.csproj"),
        ("dotnet publish --frobnicate", "build", None),
        ("dotnet publish -r $(uname -m)", "build", None),
        ("dotnet publish --no-restore", None, None),
        ("dotnet test --no-build", None, None),
        ("dotnet test app.dll", None, None),
        ("dotnet app.dll", None, None),
        ("dotnet --info", None, None),
        ("dotnet clean", None, None),
        ("dotnet new console", None, None),
        ("dotnet tool list -g", None, None),
        ("dotnet tool install -g dotnet-ef", "tool", None),
        ("dotnet tool install --tool-path /tools dotnet-trace --version 8.0.1", "tool", None),
        ("dotnet tool install --add-source ./nupkg -g mine", None, None),
        ("dotnet tool install dotnet-ef", "install", None),
        ("dotnet workload install wasm-tools", "tool", None),
    ],
)
def test_spellings(command: str, kind: str | None, download: str | None, tmp_path: Path) -> None:
    found = fetches(tmp_path, command)
    assert [fetch.kind for fetch in found] == ([] if kind is None else [kind])
    assert [fetch.split.download for fetch in found if fetch.split] == ([] if download is None else [download])


def test_what_is_restored_once_is_told_once(tmp_path: Path) -> None:
    assert [fetch.kind for fetch in fetches(tmp_path, "dotnet restore", "dotnet build", "dotnet publish")] == [
        "install"
    ]


def test_referenced_projects_are_members(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    (tmp_path / "Directory.Build.props").write_text("<Project />")
    (tmp_path / "two/Directory.Build.targets").write_text("<Project />")
    (tmp_path / "one/one.csproj").write_text(PROJECT.format('<ProjectReference Include="..\\two\\two.fsproj" />'))
    (tmp_path / "two/two.fsproj").write_text(PROJECT.format('<ProjectReference Include="../one/one.csproj" />'))
    (found,) = fetches(
        tmp_path, "dotnet restore", project=PROJECT.format('<ProjectReference Include="one/one.csproj"/>')
    )
    assert found.needs == (
        "Directory.Build.props",
        "app.csproj",
        "one/one.csproj",
        "two/two.fsproj",
        "two/Directory.Build.targets",
    )
    assert found.members == ("one/one.csproj", "two/two.fsproj")
    assert found.blocked is None


@pytest.mark.parametrize(
    "project",
    [
        b"",
        b"\xff\xfe<\x00P\x00",
        b"<Project>",
        b"<html/>",
        b"<?xml version='1.0' encoding='no-such-code'?><Project/>",
        b'<!DOCTYPE p [<!ENTITY a "b">]><Project Sdk="&a;"/>',
        PROJECT.format(" " * 5_000_000).encode(),
        PROJECT.format('<Import Project="other.props"/>').encode(),
        PROJECT.format('<ProjectReference Include="../gone.csproj"/>').encode(),
        PROJECT.format('<ProjectReference Include="$(Name).csproj"/>').encode(),
        PROJECT.format("<RestorePackagesPath>packages</RestorePackagesPath>").encode(),
    ],
    ids=range(11),
)
def test_a_hostile_project_is_refused(project: bytes, tmp_path: Path) -> None:
    (found,) = fetches(tmp_path, "dotnet restore", project=project)
    assert found.blocked is not None


@pytest.mark.parametrize("text", ["", "nonsense", "[]", '{"dependencies": 1}', '{"dependencies": {"a": {"b": 1}}}'])
def test_a_broken_lockfile_counts_for_nothing(text: str, tmp_path: Path) -> None:
    (tmp_path / "packages.lock.json").write_text(text)
    (found,) = fetches(tmp_path, "dotnet restore")
    assert found.count is None


def test_deep_elements_and_references_in_a_circle_are_no_trouble(tmp_path: Path) -> None:
    deep = PROJECT.format("<A>" * 60_000 + "</A>" * 60_000 + '<ProjectReference Include="app.csproj"/>')
    (found,) = fetches(tmp_path, "dotnet restore", project=deep)
    assert found.needs == ("app.csproj",)
