""".NET: what each command does with what is kept, where that is, and which words keep it offline."""

from __future__ import annotations

from pathlib import Path

import pytest
from use_case import UseCase, flow

from dockerlayer_rules.dotnet import ecosystem

IMAGE = "mcr.microsoft.com/dotnet/sdk:8.0"


@pytest.mark.parametrize(
    ("command", "expected", "leaves"),
    [
        ("dotnet restore", "fills", ("/src/obj",)),
        ("dotnet publish -o /out", "fills+takes", ("/src/obj", "/out")),
        ("dotnet build --no-restore", "takes", ("/src/obj", "/src/bin")),
        ("dotnet test --no-build", "-", ("/src/obj", "/src/bin")),
        ("dotnet --info", None, ()),
        ("dotnet app.dll", None, ()),
    ],
)
def test_flow(tmp_path: Path, command: str, expected: str | None, leaves: tuple[str, ...]) -> None:
    use = UseCase(tmp_path, ecosystem, IMAGE).use(command)
    assert flow(use) == expected
    assert (use.leaves if use is not None else ()) == leaves


@pytest.mark.parametrize(
    ("image", "above", "command", "expected"),
    [
        ("mcr.microsoft.com/dotnet/sdk:8.0", "", "dotnet restore", ("/root/.nuget/packages",)),
        ("mcr.microsoft.com/dotnet/sdk:8.0", "ENV NUGET_PACKAGES=/n", "dotnet restore", ("/n",)),
        ("mcr.microsoft.com/dotnet/sdk:8.0", "", "dotnet restore --packages /p", ("/p",)),
        ("mcr.microsoft.com/dotnet/sdk:8.0", "USER app", "dotnet restore", ()),
    ],
)
def test_stores(tmp_path: Path, image: str, above: str, command: str, expected: tuple[str, ...]) -> None:
    use = UseCase(tmp_path, ecosystem, image).use(command, above)
    assert use is not None
    assert use.stores == expected


@pytest.mark.parametrize(
    ("command", "offline", "without"),
    [
        ("dotnet publish --no-restore -o /out", "--no-restore", "dotnet publish -o /out"),
        ("dotnet test --no-build", "--no-build", "dotnet test --no-build"),
    ],
)
def test_online(tmp_path: Path, command: str, offline: str, without: str) -> None:
    assert UseCase(tmp_path, ecosystem, IMAGE).online(command) == (offline, without)


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("dotnet restore", ""),
        ("dotnet restore && rm -rf /root/.nuget", "defeated"),
    ],
)
def test_words(tmp_path: Path, command: str, expected: str) -> None:
    use = UseCase(tmp_path, ecosystem, IMAGE).use(command)
    assert use is not None
    told = ("nominal", "defeated", "unpinned", "redundant")
    assert " ".join(name for name in told if getattr(use, name) is not None) == expected
