"""What a plugin for Node's package managers reads from one command below ``COPY . .``."""

from __future__ import annotations

import json
from pathlib import Path

from dockerlayer.api import Ecosystem, Effect, Fetch
from dockerlayer.checks.survey import Survey
from dockerlayer.findings import apply
from dockerlayer.model.context import Context
from dockerlayer.model.layers import Analysis
from dockerlayer.syntax.parser import parse


class NodeCase:
    """A Dockerfile in a context of small files, surveyed with one plugin alone."""

    def __init__(self, root: Path, ecosystem: Ecosystem, dockerfile: str, files: dict[str, str | bytes]) -> None:
        for name, content in files.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
        self.data = dockerfile.encode()
        self.ecosystem = ecosystem
        self.survey = Survey(Analysis(parse(self.data), Context.open(root)), [ecosystem])

    @property
    def fetches(self) -> list[Fetch]:
        """What the RUN steps fetch."""
        steps = self.survey.analysis.build.steps()
        return [seen.fetch for step in steps if step.name == "run" for seen in self.survey.sightings(step)]

    @property
    def effects(self) -> list[Effect | None]:
        """What the plugin says of its programs' calls."""
        analysis, effect = self.survey.analysis, self.ecosystem.effect
        assert effect is not None
        steps = [step for step in analysis.build.steps() if step.name == "run"]
        return [
            effect(call, analysis.scene(step))
            for step in steps
            for call in analysis.run(step).calls
            if self.ecosystem.answers_to.match(call.program)
        ]

    def outcome(self) -> str:
        """Kind of the last fetch, and why it is refused or how it is split."""
        if not self.fetches:
            return "nothing"
        fetch = self.fetches[-1]
        for reason in (fetch.blocked, fetch.no_split):
            if reason is not None:
                return f"{fetch.kind}: {reason.code}"
        return f"{fetch.kind}: split" if fetch.split is not None else fetch.kind

    def last_line(self) -> str:
        """The last line of the file, as the split changes it."""
        split = self.fetches[-1].split
        assert split is not None
        return apply(self.data, split.edits).decode().rstrip().rpartition("\n")[2]


def as_json(value: object) -> str:
    """Text for a manifest."""
    return json.dumps(value)
