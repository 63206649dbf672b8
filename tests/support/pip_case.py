"""pip: what each command needs, what it is refused for, and how it is split."""

from __future__ import annotations

from pathlib import Path

from dockerlayer.api import Fetch
from dockerlayer.checks.survey import Survey
from dockerlayer.findings import apply
from dockerlayer.model.context import Context
from dockerlayer.model.effects import Effect
from dockerlayer.model.layers import Analysis
from dockerlayer.syntax.parser import parse
from dockerlayer_rules.pip import ecosystem

HASH = "--hash=sha256:" + 64 * "0"
PYPROJECT = """
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"
[project]
name = "app"
version = "1"
dependencies = ["flask", "click>=8"]
optional-dependencies.web = ["gunicorn"]
"""


class Case:
    """A Dockerfile in a context of small files, surveyed with the pip plugin alone."""

    def __init__(self, root: Path, dockerfile: str, files: dict[str, str | bytes]) -> None:
        for name, content in files.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
        self.data = dockerfile.encode()
        self.survey = Survey(Analysis(parse(self.data), Context.open(root)), [ecosystem])

    @property
    def fetches(self) -> list[Fetch]:
        steps = self.survey.analysis.build.steps()
        return [seen.fetch for step in steps if step.name == "run" for seen in self.survey.sightings(step)]

    @property
    def effects(self) -> list[Effect | None]:
        assert ecosystem.effect is not None
        analysis = self.survey.analysis
        return [
            ecosystem.effect(call, analysis.scene(step))
            for step in analysis.build.steps()
            if step.name == "run"
            for call in analysis.run(step).calls
            if ecosystem.answers_to.match(call.program)
        ]


def case(root: Path, run: str, files: dict[str, str | bytes] | None = None, *, image: str = "python:3.12") -> Case:
    """``run`` below ``COPY . .`` in /app."""
    files = {"requirements.txt": "flask==3.0\n", "app.py": "", **(files or {})}
    return Case(root, f"FROM {image}\nWORKDIR /app\nCOPY . .\n{run}\n", files)


def only(found: Case) -> Fetch:
    (fetch,) = found.fetches
    return fetch


def rewritten(found: Case) -> tuple[str, str]:
    """The download, and the last line of the file as it becomes."""
    split = found.fetches[-1].split
    assert split is not None, found.fetches[-1].no_split or found.fetches[-1].blocked
    return split.download, apply(found.data, split.edits).decode().rstrip().partition("COPY . .\n")[2]


# Nothing is fetched.
