"""What a plugin says of the last command of a Dockerfile, in the context of its small project."""

from __future__ import annotations

import shutil
from pathlib import Path

from dockerlayer.api import Ecosystem, Edit, Use
from dockerlayer.checks.survey import Survey
from dockerlayer.model.context import Context
from dockerlayer.model.layers import Analysis
from dockerlayer.syntax.parser import parse

FIXTURES = Path(__file__).parents[2] / "fixtures"


class UseCase:
    """The small project of an ecosystem in a folder, with some files beside its own, below one base image."""

    def __init__(self, root: Path, ecosystem: Ecosystem, image: str, files: dict[str, str] | None = None) -> None:
        self.root = root
        self.ecosystem = ecosystem
        self.image = image
        naive = FIXTURES / ecosystem.name / "naive"
        shutil.copytree(naive, root, ignore=shutil.ignore_patterns("expected"), dirs_exist_ok=True)
        for name, content in (files or {}).items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(content)

    def text(self, run: str, above: str = "") -> bytes:
        """The Dockerfile around one RUN."""
        middle = f"{above}\n" if above else ""
        return f"FROM {self.image}\nWORKDIR /src\nCOPY . .\n{middle}RUN {run}\n".encode()

    def uses(self, run: str, above: str = "") -> list[Use]:
        """What the commands of the last RUN do."""
        data = self.text(run, above)
        survey = Survey(Analysis(parse(data), Context.open(self.root)), [self.ecosystem])
        steps = [step for step in survey.steps() if step.name == "run"]
        return [used.use for used in survey.uses(steps[-1])] if steps else []

    def use(self, run: str, above: str = "") -> Use | None:
        """What the first command of the last RUN does."""
        found = self.uses(run, above)
        return found[0] if found else None

    def edited(self, run: str, edits: tuple[Edit, ...], above: str = "") -> str:
        """The RUN with edits made."""
        data = self.text(run, above)
        for edit in sorted(edits, reverse=True):
            data = data[: edit.start] + edit.text + data[edit.end :]
        return data.decode().rstrip("\n").rpartition("RUN ")[2]

    def online(self, run: str, above: str = "") -> tuple[str, str]:
        """The words that keep the first command offline, and the RUN without them."""
        use = self.use(run, above)
        assert use is not None
        return use.offline, self.edited(run, use.online, above)


def flow(use: Use | None) -> str | None:
    """Whether a command fills, takes or both, in one word."""
    if use is None:
        return None
    return "+".join(word for word, holds in (("fills", use.fills), ("takes", use.takes)) if holds) or "-"
