"""What ``podman build`` and ``buildah build`` print, read into steps.

Both print the same (github.com/containers/buildah, imagebuildah/{executor,stage_executor}.go): ``[2/3] STEP 4/6: RUN
...`` for every instruction, without the bracket in a file of one stage; then what the step writes; then ``--> Using
cache <id>`` or ``--> <id>``, the latter behind the last line of the output if that does not end. Stages that the target
does not need are left out, and ``3`` is the number of stages up to the target. Stages begin in any order: a step that
needs another stage stops until that is done, and then goes on without a word. The total of a stage grows after its FROM
by what the base image does in ONBUILD, whose steps come first.
"""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from typing import NamedTuple

from dockerlayer.verify.progress import StepRun
from dockerlayer.verify.subject import Subject

_STEP = re.compile(
    r"(?:\[[a-z][^\]\s]*\] )?(?:\[(?P<stage>\d+)/\d+\] )?STEP (?P<index>\d+)/(?P<total>\d+): (?P<text>.*)"
)
_CACHED = re.compile(r"--> Using cache (?P<image>[0-9a-f]{64})$")
_STORED = re.compile(r"--> (?P<image>[0-9a-f]{11,64})$")
_LAYERS = frozenset({"run", "copy", "add", "workdir"})
_LOG_LIMIT = 64 * 1024


class Plan(NamedTuple):
    """A stage as the builder goes through it.

    ``places`` has, for each of its instructions, the number and the total that BuildKit gives it, None if it makes no
    layer there. ``total`` is for FROM; ``known`` says that ONBUILD is the file's own, and counted in the numbers.
    """

    label: str
    from_image: bool
    names: tuple[str, ...]
    places: tuple[tuple[int, int] | None, ...]
    total: int
    known: bool


def plans_of(subject: Subject) -> tuple[Plan, ...]:
    """The stages of a Dockerfile."""
    numbers = {layer.step: (layer.number, layer.total) for layer in subject.layers}
    found = []
    for stage in subject.survey.analysis.build.stages:
        places = tuple(map(numbers.get, stage.steps))
        first, total = next(filter(None, places), (2, 1))
        from_image = stage.parent is None and stage.image != "scratch" and first > 1
        names = tuple(step.name for step in stage.steps)
        found.append(Plan(stage.label, from_image, names, places, total, bool(stage.triggers)))
    return tuple(found)


class _Record:
    """An instruction as it is known so far; ``number`` counts it in its stage, from 1 for FROM."""

    def __init__(self, stage: int, number: int, text: str) -> None:
        self.stage = stage
        self.number = number
        self.text = text
        self.started = time.time()
        self.completed: float | None = None
        self.found = ""
        self.image = ""
        self.error = ""
        self.output = ""

    @property
    def cached(self) -> bool:
        """Whether what was found in the cache is the result."""
        return bool(self.found) and self.found.startswith(self.image)

    @property
    def name(self) -> str:
        """The keyword in lower case."""
        return self.text.partition(" ")[0].lower()


class Steps:
    """Takes the output line by line; times are those at which a line arrived."""

    def __init__(self, plans: Sequence[Plan]) -> None:
        self._plans = plans
        self._records: list[_Record] = []
        self._current: _Record | None = None
        self._totals: dict[int, int] = {}
        self._stray = ""

    def feed(self, line: str) -> None:
        """One line, without its end."""
        if self._begins(line):
            return
        now = self._current
        if now is None:
            self._stray += f"{line}\n"
        elif not now.output and (found := _CACHED.match(line)):
            now.found, now.completed = found["image"], time.time()
        else:
            stored = _STORED.search(line)
            if stored is None or stored.start():
                now.output = f"{now.output}{line}\n"[-_LOG_LIMIT:]
            if stored is not None:
                # Only the last one is the builder's own: a step may print what looks like it.
                now.image, now.completed = stored["image"], time.time()
                self._resume(now)

    def _begins(self, line: str) -> bool:
        """Whether a step begins here; a step may print what only looks like it."""
        found = _STEP.match(line)
        if found is None:
            return False
        stage, number, total = int(found["stage"] or 1) - 1, int(found["index"]), int(found["total"])
        before = next((record.number for record in reversed(self._records) if record.stage == stage), 0)
        if stage >= len(self._plans) or not number == before + 1 <= total:
            return False
        if number > 2 and total != self._totals[stage]:
            return False
        record = _Record(stage, number, found["text"])
        names = self._plans[stage].names
        own = number - 1 - (total - len(names))
        if record.name != ("from" if number == 1 else names[own] if own >= 0 else record.name):
            return False
        now = self._current
        if now is not None and (now.number == 1 or now.stage == stage):
            now.completed = now.completed or record.started
        self._totals[stage] = total
        self._records.append(record)
        self._current = record
        return True

    def _resume(self, done: _Record) -> None:
        """After the last step of a stage, go on with the one that had to wait for it."""
        if done.number < self._totals[done.stage]:
            return
        for record in reversed(self._records):
            if record.number > 1 and not record.image and record.stage != done.stage:
                record.started = time.time()
                self._current = record
                return

    def end(self, ok: bool) -> None:
        """The builder has ended; the step that has no result has failed unless all went well."""
        last = self._current
        if last is not None:
            last.completed = last.completed or time.time()
            if not ok and not last.image:
                said = [line for line in last.output.splitlines() if line.lower().startswith("error")]
                last.error = said[-1] if said else "failed"

    def steps(self) -> tuple[StepRun, ...]:
        """The steps so far that make a layer, and FROM where it names an image, in the order in which they began."""
        found = []
        for record in self._records:
            place = self._place(record)
            if place is not None:
                run = StepRun(self._plans[record.stage].label, *place, record.text, record.cached, record.started)
                found.append(run._replace(completed=record.completed, error=record.error, digest=record.image))
        return tuple(found)

    def _place(self, record: _Record) -> tuple[int, int] | None:
        """The number and the total of a step as BuildKit counts, None where it does not."""
        plan = self._plans[record.stage]
        added = [other for other in self._records if other.stage == record.stage and self._is_added(other)]
        more = 0 if plan.known else len(added)
        if record.number == 1:
            return (1, plan.total + more) if plan.from_image else None
        if (own := self._own(record)) < 0:
            return (plan.from_image + added.index(record) + 1, plan.total + more) if record in added else None
        place = plan.places[own]
        return (place[0] + more, place[1] + more) if place is not None else None

    def _own(self, record: _Record) -> int:
        """Which of its stage's own instructions a step is; negative for one of the base image's, and for FROM."""
        return record.number - 1 - (self._totals[record.stage] - len(self._plans[record.stage].names))

    def _is_added(self, record: _Record) -> bool:
        """Whether this is a layer that the base image adds."""
        return record.number > 1 and self._own(record) < 0 and record.name in _LAYERS

    def made(self) -> tuple[str, ...]:
        """The images that the steps have stored, oldest first; what is printed by a step may name another."""
        return tuple(record.image for record in self._records if record.image and not record.cached)

    def running(self) -> str:
        """The step that runs now."""
        last = self._current
        if last is None or last.completed is not None:
            return ""
        return f"[{self._plans[last.stage].label} {last.number}/{self._totals[last.stage]}] {last.text}"

    def log(self) -> str:
        """What was said before the first step, then what the failed step wrote, or else the last one."""
        last = self._current
        shown = f"{last.text}\n{last.output}" if last is not None and last.output else ""
        return f"{self._stray}{shown}".strip("\n")
