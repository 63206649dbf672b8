"""Mix: how its commands are spelled, and what the Elixir of mix.exs and the terms of mix.lock say."""

from __future__ import annotations

from pathlib import Path

import pytest

from dockerlayer.api import Context, Fetch, Refusal
from dockerlayer.checks.survey import Survey
from dockerlayer.engine import context_for
from dockerlayer.model.layers import Analysis
from dockerlayer.syntax.parser import parse
from dockerlayer_rules._mixexs import _satisfies, locked_of, needs_of
from dockerlayer_rules.mix import ecosystem

FIXTURES = Path(__file__).parents[2] / "fixtures/mix"
NAIVE = FIXTURES / "naive"
HEAD = "defmodule A.MixProject do\n  use Mix.Project\n"


def fetch(command: str, folder: Path = NAIVE) -> Fetch | None:
    """What a command fetches in the project of a folder."""
    text = f"FROM elixir:1.18\nWORKDIR /app\nCOPY . .\nRUN {command}\n"
    survey = Survey(Analysis(parse(text.encode()), context_for(folder / "Dockerfile", folder)), [ecosystem])
    found = [seen.fetch for step in survey.steps() for seen in survey.sightings(step)]
    return found[0] if found else None


def context(tmp_path: Path, files: dict[str, str | bytes]) -> Context:
    """A build context with these files."""
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return Context.open(tmp_path)


@pytest.mark.parametrize(
    ("command", "kind"),
    [
        ("mix deps.get", "download"),
        ("mix deps.get --only prod --check-locked", "download"),
        ("MIX_ENV=prod mix deps.get --only $MIX_ENV", "download"),
        ("mix do deps.get", "download"),
        ("mix do local.hex --force, local.rebar --force, deps.get", "download"),
        ("mix do local.hex --force + deps.get", "download"),
        ("mix do deps.get, compile", "build"),
        ("mix do deps.get --only prod + deps.compile + release", "build"),
        ("mix local.hex --force", "tool"),
        ("mix do local.hex --force, local.rebar --force", "tool"),
        ("mix local.rebar --force --if-missing", "tool"),
        ("mix archive.install hex phx_new --force", "tool"),
        ("mix escript.install hex ex_doc", "tool"),
        ("mix compile", None),
        ("mix deps.compile", None),
        ("mix release", None),
        ("mix assets.deploy", None),
        ("mix", None),
        ("mix do", None),
        ("mix --version", None),
        ("mix help deps.get", None),
        ("mix deps.get --help", None),
        ("HEX_OFFLINE=1 mix deps.get", None),
    ],
)
def test_spellings(command: str, kind: str | None) -> None:
    found = fetch(command)
    assert (found.kind if found is not None else None) == kind
    assert found is None or found.blocked is None


@pytest.mark.parametrize(
    ("command", "code"),
    [
        ("mix deps.update --all", "resolves-anew"),
        ("mix archive.install ./tool.ez", "local-path"),
        ("mix deps.get --only $WHICH", "variable-options"),
        ("MIX_EXS=other.exs mix deps.get", "custom-paths"),
        ("cd other && mix deps.get", "not-in-context"),
    ],
)
def test_refusals(command: str, code: str) -> None:
    found = fetch(command)
    assert found is not None
    assert found.blocked is not None
    assert found.blocked.code == code


def test_umbrella() -> None:
    found = fetch("mix deps.get", FIXTURES / "umbrella")
    assert found is not None
    assert found.members == ("apps/core/mix.exs", "apps/web/mix.exs")
    assert found.without_member == "downloads nothing for it and exits 0"


def test_lockfile() -> None:
    text = (NAIVE / "mix.lock").read_text()
    assert locked_of(text) == {"doubler": ("hex", "0.2.0"), "greeting": ("hex", "1.1.0")}
    git = '%{\n  "a": {:git, "https://example.com/a.git", "0123", [branch: "main"]},\n}\n'
    assert locked_of(git).keys() == {"a"}


@pytest.mark.parametrize(
    ("version", "requirement", "met"),
    [
        ("1.4.0", "~> 1.0", True),
        ("2.0.0", "~> 1.0", False),
        ("1.4.9", "~> 1.4.1", True),
        ("1.5.0", "~> 1.4.1", False),
        ("1.4.0", "~> 1.4.1", False),
        ("1.4.0", ">= 1.4.0 and < 2.0.0", True),
        ("2.1.0", ">= 1.4.0 and < 2.0.0", False),
        ("2.1.0", "~> 1.0 or ~> 2.0", True),
        ("1.0.0", "1.0.0", True),
        ("1.0.1", "== 1.0.0", False),
        ("1.0.0-rc.1", "~> 1.0.0-rc", True),
        ("1.0.0", "> 0.0.0", True),
        ("1.0.0", ">= 0.0.0", True),
    ],
)
def test_requirements(version: str, requirement: str, met: bool) -> None:
    assert _satisfies(version, requirement) is met


@pytest.mark.parametrize(
    ("body", "needs"),
    [
        ('def project, do: [version: System.get_env("V") || "1"]', set()),
        ('# File.read!(name)\ndef x, do: "File.read!(name)"', set()),
        ('def x, do: File.read!("VERSION")', {"VERSION"}),
        ('def x, do: "VERSION" |> File.read!() |> String.trim()', {"VERSION"}),
        ('def x, do: File.read!(Path.join(__DIR__, "VERSION"))', {"VERSION"}),
        ('def x, do: if(File.exists?("absent"), do: 1)', set()),
        ('def deps, do: [{:lib, path: "lib", only: [:dev]}, {:a, "~> 1.0", opts: {:b, 1}}]', {"lib/mix.exs"}),
        ('def deps, do: [{:lib, [path: "./lib"]}]', {"lib/mix.exs"}),
    ],
)
def test_reads(body: str, needs: set[str], tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {"VERSION": "1", "lib/mix.exs": f"{HEAD}end\n", "mix.exs": f"{HEAD}{body}\nend\n"}
    assert set(needs_of(context(tmp_path, files), "")) == {"mix.exs", *needs}


@pytest.mark.parametrize(
    "body",
    [
        "def x, do: File.read!(name())",
        'def x, do: File.read!("absent")',
        'def x, do: "#{File.read!(name())}"',
        'Code.require_file("x.exs")',
        'def x, do: System.cmd("git", [])',
        "def x, do: :os.cmd('ls')",
        'def x, do: Path.wildcard("*")',
        "def deps, do: [{:lib, path: place()}]",
        'def deps, do: [{:lib, path: "../lib"}]',
        "import Other",
        "use Other.Thing",
        'def x, do: apply(File, :read, ["a"])',
        'def project, do: [aliases: ["deps.get": ["cmd x"]]]',
        'def project, do: [lockfile: "other.lock"]',
        "def project, do: [apps_path: apps()]",
    ],
)
def test_refused(body: str, tmp_path: Path) -> None:
    found = list(needs_of(context(tmp_path, {"mix.exs": f"{HEAD}{body}\nend\n"}), ""))
    assert any(isinstance(item, Refusal) for item in found)


HOSTILE = [
    b"",
    b"\0" * 1000,
    b"\xff\xfe\xfd",
    b'"' * 50_001,
    b'"""' * 20_000,
    b"~s(" * 20_000,
    b"{:a, " * 30_000,
    b"{" * 100_000,
    b"#{" * 50_000,
    b'"#{' * 20_000,
    b'{:a, path: "."},\n' * 5_000,
    b"A." * 20_000,
    b"x" * 5_000_000,
]


@pytest.mark.parametrize("data", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_manifests(data: bytes, tmp_path: Path) -> None:
    lock = (NAIVE / "mix.lock").read_bytes()
    context(tmp_path, {"mix.exs": data, "mix.lock": lock})
    found = fetch("mix deps.get", tmp_path)
    assert found is not None
    assert found.blocked is not None
    context(tmp_path, {"mix.exs": HEAD.encode() + data, "mix.lock": lock})
    fetch("mix deps.get", tmp_path)
    context(tmp_path, {"mix.exs": (NAIVE / "mix.exs").read_bytes(), "mix.lock": data})
    fetch("mix deps.get", tmp_path)
