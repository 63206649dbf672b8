"""What a builder prints while it builds, read into steps: BuildKit's ``rawjson`` and ``plain`` progress.

``rawjson`` is a stream of client.SolveStatus values (github.com/moby/buildkit, client/graph.go): one JSON object a
line, or one indented over many lines, as in buildx 0.13. Vertices are named ``[stage 2/5] RUN ...`` by the Dockerfile
frontend; steps of equal content in two stages are one vertex, and stages that the target does not need have none.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
import time
from contextlib import suppress
from datetime import datetime
from typing import Any, NamedTuple, Protocol

_VERTEX = re.compile(
    r"\[(?:(?P<platform>\S+/\S+) )?(?:(?P<stage>\S+) )? *(?P<number>\d+)/(?P<total>\d+)\] (?P<text>.*)", re.DOTALL
)
_PLAIN = re.compile(r"#(?P<number>\d+) (?:(?P<mark>CACHED|DONE|ERROR|CANCELED)\b[: ]*)?(?P<rest>.*)")
_TIMED = re.compile(r"\d+\.\d+ (.*)")
_LOG_LIMIT = 64 * 1024
STOPPED = "context canceled"
"""Is part of the error of a step that was stopped because another one failed."""


class StepRun(NamedTuple):
    """What became of one step. ``stage`` is its name or ``stage-N``, empty in a file of one nameless stage.

    ``number`` of ``total`` counts FROM (an image's, not a stage's), RUN, COPY, ADD and WORKDIR. Times are seconds since
    the epoch, None for what never ran; ``received`` is in bytes, None where that cannot be told.
    """

    stage: str
    number: int
    total: int
    text: str
    cached: bool = False
    started: float | None = None
    completed: float | None = None
    error: str = ""
    digest: str = ""
    received: int | None = None

    @property
    def ran(self) -> bool:
        """Whether the step was run to its end in this build."""
        return not self.cached and self.completed is not None and not self.error

    @property
    def is_base(self) -> bool:
        """Whether this is a FROM, which is resolved in every build and has no layer of its own."""
        return self.text.startswith("FROM ")

    @property
    def seconds(self) -> float:
        """How long the step ran."""
        return max(0.0, self.completed - self.started) if self.started and self.completed else 0.0


class Progress(Protocol):
    """Takes a builder's output line by line."""

    def feed(self, line: str) -> None:
        """One line, without its end."""

    def steps(self) -> tuple[StepRun, ...]:
        """The Dockerfile's steps so far, in the order in which they were announced."""

    def running(self) -> str:
        """The step that runs now, for people; empty between steps."""

    def log(self) -> str:
        """What the failed step wrote, then what the builder itself said last."""


class _Record:
    """A vertex as it is known so far."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.cached = False
        self.started: float | None = None
        self.completed: float | None = None
        self.error = ""
        self.output = ""

    def write(self, text: str) -> None:
        """Keep the end of what the step wrote."""
        self.output = (self.output + text)[-_LOG_LIMIT:]

    def step(self, digest: str) -> StepRun | None:
        """The vertex as a step of the Dockerfile, None if it is none."""
        found = _VERTEX.match(self.name)
        if found is None:
            return None
        number, total = int(found["number"]), int(found["total"])
        stage, text = found["stage"] or "", found["text"]
        return StepRun(stage, number, total, text, self.cached, self.started, self.completed, self.error, digest)


class _Recorded:
    """What both formats share: vertices by key, in order, and the lines that belong to none."""

    def __init__(self) -> None:
        self._records: dict[str, _Record] = {}
        self._stray = ""

    def steps(self) -> tuple[StepRun, ...]:
        """The Dockerfile's steps so far."""
        found = (record.step(key) for key, record in self._records.items())
        return tuple(step for step in found if step is not None)

    def running(self) -> str:
        """The step that runs now."""
        for record in reversed(self._records.values()):
            if record.started and not record.completed and _VERTEX.match(record.name):
                return record.name.partition("\n")[0]
        return ""

    def log(self) -> str:
        """What failed, and what the builder said of it."""
        failed = (record for record in self._records.values() if record.error and STOPPED not in record.error)
        output = "".join(f"{record.name}\n{record.output.rstrip()}\n" for record in failed)
        return f"{output}{self._stray}".strip("\n")

    def _say(self, line: str) -> None:
        self._stray = (self._stray + line + "\n")[-_LOG_LIMIT:]


class RawJson(_Recorded):
    """Reads ``--progress=rawjson``."""

    def __init__(self) -> None:
        super().__init__()
        self._open: list[str] = []

    def feed(self, line: str) -> None:
        """One line of a JSON object, or of the plain text that follows a failure."""
        if self._open and not line.startswith((" ", "}")):
            self._give_up()
        if not self._open and not line.startswith("{"):
            if line:
                self._say(line)
            return
        self._open.append(line)
        if line == "}" or len(self._open) == 1:
            try:
                status = json.loads("\n".join(self._open))
            except ValueError:
                if line == "}":
                    self._give_up()
                return
            self._open.clear()
            with suppress(AttributeError, KeyError, TypeError):  # an object of another kind
                self._take(status)

    def _give_up(self) -> None:
        """What looked like an object is text."""
        for line in self._open:
            self._say(line)
        self._open.clear()

    def _take(self, status: dict[str, Any]) -> None:
        for vertex in status.get("vertexes") or ():
            record = self._records.setdefault(vertex["digest"], _Record(vertex.get("name", "")))
            record.cached = record.cached or bool(vertex.get("cached"))
            record.error = vertex.get("error") or record.error
            # A step may be announced again once it is done: the work is from the first start to the last end.
            started, completed = _seconds(vertex.get("started")), _seconds(vertex.get("completed"))
            record.started = min(filter(None, (record.started, started)), default=None)
            record.completed = max(filter(None, (record.completed, completed)), default=None)
        for entry in status.get("logs") or ():
            if entry.get("vertex") in self._records:
                self._records[entry["vertex"]].write(_decoded(entry.get("data") or ""))


def _decoded(data: str) -> str:
    try:
        return base64.b64decode(data).decode("utf-8", "replace")
    except (binascii.Error, ValueError):
        return data


def _seconds(stamp: str | None) -> float | None:
    """An RFC 3339 time with nanoseconds, of which Python reads six digits."""
    if not stamp:
        return None
    try:
        return datetime.fromisoformat(re.sub(r"(\.\d{6})\d+", r"\1", stamp)).timestamp()
    except ValueError:
        return None


class Plain(_Recorded):
    """Reads ``--progress=plain``, for builders without rawjson; times are those at which a line arrived."""

    def feed(self, line: str) -> None:
        """One line of output."""
        found = _PLAIN.match(line)
        if found is None:
            if line.strip():
                self._say(line)
            return
        key, mark, rest, now = found["number"], found["mark"], found["rest"], time.time()
        record = self._records.get(key)
        if record is None:
            self._records[key] = record = _Record(rest)
        if mark == "CACHED":
            record.cached = True
        if mark in {"CACHED", "DONE"}:
            record.started = record.started or now
            record.completed = now
        elif mark:
            record.error, record.completed = rest or STOPPED, now
        else:
            record.started = record.started or now
            if rest != record.name and (text := _TIMED.match(rest)):
                record.write(text[1] + "\n")
