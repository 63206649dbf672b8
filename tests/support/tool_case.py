"""What a plugin for Python's project tools makes of one command, in the context of its small project."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

from dockerlayer.api import Ecosystem, Fetch
from dockerlayer.checks.survey import Survey
from dockerlayer.engine import Options, default_rules, repair
from dockerlayer.model.context import Context
from dockerlayer.model.layers import Analysis
from dockerlayer.syntax.parser import parse

FIXTURES = Path(__file__).parents[2] / "fixtures"
HOSTILE = (
    b"",
    b"\xff\xfe\x00",
    b"[[package]]\n",
    b"[package\n",
    b'[[package]]\nname = 1\ngroups = 1\n[package.source]\ntype = "directory"\nurl = "../../x"\n[metadata]\n',
    b'[[package]]\nname = "a"\npath = "/\\u0000"\n[package.source]\ntype = "file"\nurl = "\xff"\n[metadata]\n',
    b"project = 1\ntool = 1\nbuild-system = 1\npackages = 1\n",
    b"[project]\nname = 1\ndynamic = 1\ndependencies = 1\noptional-dependencies = 1\n[tool]\npoetry = 1\npdm = 1\n",
    b"[tool.poetry]\ngroup = 1\nname = 1\nbuild = 1\nrequires-plugins = 1\n[tool.poetry.dependencies]\na = 1\n",
    b"[tool.poetry.group]\nmain = 1\n[tool.poetry.group.dev]\ndependencies = 1\noptional = 1\n",
    b"[tool.pdm]\nsource = 1979-05-27\nplugins = 1\nscripts = 1\ndev-dependencies = 1\n[dependency-groups]\na = 1\n",
    b"[virtualenvs]\npath = 1\nin-project = 'x'\n[packages]\na = 1\nb = []\n[source]\n",
    b'{"_meta": 1, "default": 1}',
    b'{"_meta": {"hash": 1}, "default": [1], "develop": {"a": 1, "b": {"path": 1, "git": []}}}',
    b'{"_meta": {"hash": {"sha256": 1}}, "default": {"\\ud800": {"editable": true}}}',
    b"[1]",
    b"a = " + b"[" * 100_000,
    b'{"a":' * 100_000,
    b"x" * 5_000_000,
    b'a = "' + b"x" * 5_000_000 + b'"\n',
)
"""Manifests, lockfiles and settings that no tool wrote."""


def dockerfile(run: str, first: str = "COPY . .") -> bytes:
    """A file whose only download is ``run``."""
    return f"FROM python:3.13-slim\nWORKDIR /app\n{first}\nRUN {run}\n".encode()


class ToolCase:
    """The small project of an ecosystem, copied to a folder, with some files put beside its own."""

    def __init__(self, root: Path, ecosystem: Ecosystem, files: Mapping[str, str | bytes] | None = None) -> None:
        self.root = root
        self.ecosystem = ecosystem
        naive = FIXTURES / ecosystem.name / "naive"
        shutil.copytree(naive, root, ignore=shutil.ignore_patterns("expected"), dirs_exist_ok=True)
        for name, content in (files or {}).items():
            (root / name).write_bytes(content if isinstance(content, bytes) else content.encode())

    def fetches(self, run: str, first: str = "COPY . .") -> list[Fetch]:
        """What the commands of a RUN take."""
        survey = Survey(Analysis(parse(dockerfile(run, first)), Context.open(self.root)), [self.ecosystem])
        steps = [step for step in survey.steps() if step.name == "run"]
        return [seen.fetch for step in steps for seen in survey.sightings(step)]

    def outcome(self, run: str, first: str = "COPY . .") -> str | None:
        """Kind of the last fetch, and why it is refused or what is downloaded first; None when there is none."""
        found = self.fetches(run, first)
        if not found:
            return None
        fetch = found[-1]
        reason = fetch.blocked or fetch.no_split
        if reason is not None:
            return f"{fetch.kind}: {reason.code}"
        return f"{fetch.kind}: {fetch.split.download}" if fetch.split is not None else fetch.kind

    def repaired(self, run: str) -> bytes:
        """The file after all fixes, the unsafe ones included."""
        options = Options(default_rules([self.ecosystem]), "split", True)
        return repair(dockerfile(run), Context.open(self.root), [self.ecosystem], options).data


def looped(root: Path, ecosystem: Ecosystem, run: str, *names: str) -> bool:
    """Whether a file stays as it is where manifests are symbolic links to themselves."""
    case = ToolCase(root, ecosystem)
    for name in names:
        (root / name).unlink(missing_ok=True)
        (root / name).symlink_to(name)
    return case.repaired(run) == dockerfile(run)
