"""What a plugin says of the last command of a file, in a context of small files."""

from __future__ import annotations

from pathlib import Path

from dockerlayer.api import Ecosystem, Mend, Use
from dockerlayer.checks.survey import Survey
from dockerlayer.findings import apply
from dockerlayer.model.context import Context
from dockerlayer.model.layers import Analysis
from dockerlayer.syntax.parser import parse


class UseCase:
    """A Dockerfile whose last command the ecosystem is asked about; ``steps`` stand between FROM and it."""

    def __init__(self, root: Path, ecosystem: Ecosystem, files: dict[str, str | bytes] | None = None) -> None:
        self.root = root
        self.ecosystem = ecosystem
        for name, content in (files or {}).items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_bytes(content if isinstance(content, bytes) else content.encode())

    def text(self, run: str, steps: str = "", image: str = "python:3.13-slim") -> bytes:
        """The whole file."""
        return f"FROM {image}\nWORKDIR /app\n{steps}RUN {run}\n".encode()

    def use(self, run: str, steps: str = "", image: str = "python:3.13-slim") -> Use | None:
        """What is said of the last command, None where nothing is."""
        survey = Survey(Analysis(parse(self.text(run, steps, image)), Context.open(self.root)), [self.ecosystem])
        found = survey.uses(list(survey.analysis.build.steps())[-1])
        return found[-1].use if found else None

    def mended(self, mend: Mend | None, run: str, steps: str = "", image: str = "python:3.13-slim") -> str | None:
        """The RUN after the edits of a mend; None where there are none."""
        if mend is None or not mend.edits:
            return None
        data = self.text(run, steps, image)
        return apply(data, mend.edits, data.rindex(b"RUN ") + 4, len(data)).decode().rstrip("\n")

    def online(self, run: str, steps: str = "") -> str | None:
        """The RUN when what keeps it off the network is taken back."""
        use = self.use(run, steps)
        return self.mended(Mend("", "", use.online) if use is not None else None, run, steps)
