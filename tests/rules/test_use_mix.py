"""Mix: what each command does with what is kept, where that is, and which words keep it offline."""

from __future__ import annotations

from pathlib import Path

import pytest
from use_case import UseCase, flow

from dockerlayer_rules.mix import ecosystem

IMAGE = "elixir:1.18"


@pytest.mark.parametrize(
    ("command", "expected", "leaves"),
    [
        ("mix deps.get", "fills", ("/src/deps",)),
        ("HEX_OFFLINE=1 mix deps.get", "takes", ("/src/deps",)),
        ("mix compile", "-", ("/src/_build",)),
        ("mix do deps.get, compile", "fills", ("/src/deps", "/src/_build")),
        ("mix local.hex --force", None, ()),
        ("mix format", None, ()),
    ],
)
def test_flow(tmp_path: Path, command: str, expected: str | None, leaves: tuple[str, ...]) -> None:
    use = UseCase(tmp_path, ecosystem, IMAGE).use(command)
    assert flow(use) == expected
    assert (use.leaves if use is not None else ()) == leaves


@pytest.mark.parametrize(
    ("image", "above", "command", "expected"),
    [
        ("elixir:1.18", "", "mix deps.get", ("/root/.hex/packages",)),
        ("elixir:1.18", "ENV HEX_HOME=/h", "mix deps.get", ("/h/packages",)),
        ("elixir:1.18", "USER app", "mix deps.get", ()),
    ],
)
def test_stores(tmp_path: Path, image: str, above: str, command: str, expected: tuple[str, ...]) -> None:
    use = UseCase(tmp_path, ecosystem, image).use(command, above)
    assert use is not None
    assert use.stores == expected


@pytest.mark.parametrize(
    ("command", "offline", "without"),
    [
        ("HEX_OFFLINE=1 mix deps.get", "HEX_OFFLINE=1", "mix deps.get"),
    ],
)
def test_online(tmp_path: Path, command: str, offline: str, without: str) -> None:
    assert UseCase(tmp_path, ecosystem, IMAGE).online(command) == (offline, without)


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("mix deps.get", ""),
        ("mix deps.update --all", "unpinned"),
        ("mix deps.get && rm -rf /root/.hex", "defeated"),
    ],
)
def test_words(tmp_path: Path, command: str, expected: str) -> None:
    use = UseCase(tmp_path, ecosystem, IMAGE).use(command)
    assert use is not None
    told = ("nominal", "defeated", "unpinned", "redundant")
    assert " ".join(name for name in told if getattr(use, name) is not None) == expected
