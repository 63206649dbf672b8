"""The survey of a file: which calls fetch from a registry, and which copies they stand on without need."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from dockerlayer.api import Call, Ecosystem, Fetch, Scene, Use, is_within, join
from dockerlayer.findings import Finding, Fix, Refusal
from dockerlayer.model.files import Placed, Placement
from dockerlayer.model.layers import Analysis
from dockerlayer.model.paths import overlap
from dockerlayer.model.stages import Step

if TYPE_CHECKING:
    from dockerlayer.model.builders import Profile

_SOURCE_SUFFIXES = frozenset(
    """.py .pyx .js .mjs .cjs .jsx .ts .mts .cts .tsx .vue .svelte .go .rs .rb .java .kt .scala .c .h .cc
        .cpp .cs .fs .php .ex .exs .erl .hs .ml .swift .dart .html .css .scss .sql .proto .graphql""".split()
)
_SCRIPTS = frozenset({"make", "just", "task", "mage", "invoke", "nox", "rake", "sh", "bash"})
_LOOKED_AT = 200
_UNCERTAIN = frozenset({"function", "background", "substitution"})


class Sighting(NamedTuple):
    """A call that fetches, with the ecosystem that recognised it."""

    ecosystem: Ecosystem
    fetch: Fetch

    @property
    def call(self) -> Call:
        """The call itself."""
        return self.fetch.call

    @property
    def subject(self) -> str:
        """What the call is, wherever it stands: stage and command line."""
        return f"{self.call.step.stage.index}:{self.ecosystem.name}:{' '.join(self.call.argv)}"


class Used(NamedTuple):
    """A call that works with packages, with the ecosystem that says how."""

    ecosystem: Ecosystem
    call: Call
    use: Use


class Allowance(NamedTuple):
    """What a fix may change although the guard holds every other fix to it.

    ``calls`` are commands whose words may change, or that may go. ``flags`` are kinds of RUN flags ("mount",
    "cache-mount", "network") that may change in ``steps``. ``variables`` are ARGs and ENVs that may come into force
    later than before. ``ignored`` are paths of the context that, with all below them, need no longer reach the image.
    """

    calls: tuple[Call, ...] = ()
    flags: frozenset[str] = frozenset()
    steps: tuple[Step, ...] = ()
    variables: frozenset[str] = frozenset()
    ignored: frozenset[str] = frozenset()


class Candidate(NamedTuple):
    """A finding with what the planner and the guard need to know about it.

    ``broad`` are the copies that need not be above. ``adds`` are the context files that a fix may bring in beside what
    is copied today, ``drops`` those that it need not bring because the context has them not. ``offer`` is the fix that
    the rule itself wrote, or why there is none; ``allows`` is what that may change.
    """

    finding: Finding
    step: Step
    sightings: tuple[Sighting, ...]
    broad: tuple[Placement, ...] = ()
    adds: frozenset[str] = frozenset()
    drops: frozenset[str] = frozenset()
    offer: Fix | Refusal | None = None
    allows: Allowance = Allowance()


class Survey:
    """One file's fetching calls, step by step; derived once and shared by the rules and the planner.

    ``builder`` is the profile that the user names; without one it is inferred when it is first asked for.
    """

    def __init__(self, analysis: Analysis, ecosystems: Sequence[Ecosystem], builder: str = "") -> None:
        self.analysis = analysis
        self.ecosystems = ecosystems
        self.asked_builder = builder
        self._seen: dict[Step, tuple[Sighting, ...]] = {}
        self._used: dict[Step, tuple[Used, ...]] = {}

    @cached_property
    def builder(self) -> str:
        """The builder that the user names, else the one that the file and the CI files near it speak for."""
        if self.asked_builder:
            return self.asked_builder
        from dockerlayer.model.builders import inferred

        context = self.analysis.context
        path = context.dockerfile
        root = context.root if context.is_dir("") else None
        return inferred(self.analysis.dockerfile, root, path.name if path is not None else "Dockerfile")

    @cached_property
    def profile(self) -> Profile:
        """What the builder understands of this file: to be asked before a fix writes what not every builder has."""
        from dockerlayer.model.builders import profile_of

        return profile_of(self.builder, self.analysis.dockerfile)

    @cached_property
    def mentions(self) -> re.Pattern[bytes]:
        """Matches text in which some ecosystem's program is named: most RUNs need no shell parsing at all."""
        names = "|".join(f"(?:{ecosystem.programs})" for ecosystem in self.ecosystems)
        return re.compile(rf"(?<![\w.-])(?:{names})(?![\w-])".encode())

    def steps(self) -> Iterator[Step]:
        """The RUN steps that may hold a fetching call."""
        if not self.ecosystems or not self.mentions.search(self.analysis.dockerfile.data):
            return
        for step in self.analysis.build.steps():
            if self._may_fetch(step):
                yield step

    def _may_fetch(self, step: Step) -> bool:
        instruction, data = step.instruction, self.analysis.dockerfile.data
        return step.name == "run" and self.mentions.search(data, instruction.start, instruction.end) is not None

    def sightings(self, step: Step) -> tuple[Sighting, ...]:
        """The fetching calls of a step, in order."""
        if step not in self._seen:
            self._seen[step] = tuple(self._look(step))
        return self._seen[step]

    def _look(self, step: Step) -> Iterator[Sighting]:
        run = self.analysis.run(step)
        if not run.script.known or step.flag("network") == "none":
            return
        scene: Scene | None = None
        for call in run.calls:
            if call.guards & _UNCERTAIN:
                continue
            for ecosystem in self.ecosystems:
                if not ecosystem.answers_to.match(call.program):
                    continue
                scene = scene or self.analysis.scene(step)
                fetch = ecosystem.read(call, scene)
                if fetch is not None:
                    yield Sighting(ecosystem, fetch)

    def uses(self, step: Step) -> tuple[Used, ...]:
        """The calls of a step that work with packages, in order; those of a background or a function are left out."""
        if step not in self._used:
            self._used[step] = tuple(self._look_at_uses(step)) if self._may_fetch(step) else ()
        return self._used[step]

    def _look_at_uses(self, step: Step) -> Iterator[Used]:
        run = self.analysis.run(step)
        for call in run.calls if run.script.known else ():
            if call.guards & _UNCERTAIN:
                continue
            for ecosystem in self.ecosystems:
                if ecosystem.use is None or not ecosystem.answers_to.match(call.program):
                    continue
                use = ecosystem.use(call, self.analysis.scene(step))
                if use is not None:
                    yield Used(ecosystem, call, use)

    def exposed(self, step: Step) -> tuple[tuple[Sighting, ...], tuple[Placement, ...]]:
        """The fetching calls of a step that no cache mount serves, and the copies they stand on without need."""
        sightings = tuple(seen for seen in self.sightings(step) if not seen.ecosystem.cached_by(step))
        if not sightings:
            return (), ()
        scene = self.analysis.scene(step)
        needed = frozenset(path for seen in sightings for path in needed_paths(seen.fetch)) | self._manifests(step)
        broad = tuple(
            placement
            for placement in (*scene.placements, *scene.mounted)
            if all(_is_broad(placement, seen.fetch, needed) for seen in sightings if seen.fetch.kind != "tool")
            and any(_is_broad(placement, seen.fetch, needed) for seen in sightings)
        )
        if broad and self._prepared(step, sightings, broad):
            return sightings, ()
        return sightings, broad

    def _manifests(self, step: Step) -> frozenset[str]:
        """The single files that downloads above need: whatever they are called, they are not source."""
        found: set[str] = set()
        for earlier in self.analysis.above(step):
            for seen in self.sightings(earlier) if self._may_fetch(earlier) else ():
                found.update(path for path in needed_paths(seen.fetch) if self.analysis.context.is_file(path))
        return frozenset(found)

    def _prepared(self, step: Step, sightings: Sequence[Sighting], broad: Sequence[Placement]) -> bool:
        """Whether a script above the source, which has all the manifests already, may have downloaded everything."""
        above = [placement for placement in self.analysis.scene(step).placements if placement not in broad]
        first = min((placement.step for placement in broad), key=lambda item: item.instruction.start)
        needs = [path for seen in sightings for path in image_needs(seen.fetch)]
        early = [item for item in above if item.step.instruction.start < first.instruction.start]
        if not needs or not all(any(item.origin(path) is not None for item in early) for path in needs):
            return False
        return any(
            call.program in _SCRIPTS or call.words[0].text.startswith("./")
            for earlier in self.analysis.above(first)
            if earlier.name == "run"
            for call in self.analysis.run(earlier).calls
        )


def with_needs(seen: Sighting, needs: tuple[str, ...]) -> Sighting:
    """The same call with other needs."""
    return Sighting(seen.ecosystem, replace(seen.fetch, needs=needs))


def needed_paths(fetch: Fetch) -> tuple[str, ...]:
    """The needs of a fetch as context paths."""
    if fetch.origin is None:
        return ()
    return tuple(posixpath.normpath(posixpath.join(fetch.origin, need)) for need in fetch.needs)


def _is_broad(placement: Placement, fetch: Fetch, needed: frozenset[str]) -> bool:
    unknown = fetch.origin is None and fetch.kind != "tool"
    if placement.opaque or placement.blind or unknown:
        return placement.whole and overlap(placement.target.rstrip("/") or "/", fetch.directory)
    if fetch.blocked is not None and fetch.kind != "tool" and not _covers(placement, fetch):
        return False
    named = {item.context for item in placement.placed if not item.is_dir}
    others = placement.others(needed)
    target = placement.target.rstrip("/") or "/"
    if overlap(target, fetch.directory) or (fetch.call.cwd is not None and overlap(target, fetch.call.cwd)):
        return any(_is_source(item, named) for item in others)
    # Elsewhere in the image only what is plainly source counts; a directory of settings is changed rarely.
    return any(is_source_file(item.context) for item in islice(others, _LOOKED_AT))


def _covers(placement: Placement, fetch: Fetch) -> bool:
    return any(item.is_dir and is_within(fetch.directory, item.image) for item in placement.placed)


def _is_source(item: Placed, named: set[str]) -> bool:
    return item.context not in named or is_source_file(item.context)


def is_source_file(path: str) -> bool:
    """Whether a file is source by its name."""
    return posixpath.splitext(path)[1] in _SOURCE_SUFFIXES


def image_needs(fetch: Fetch) -> tuple[str, ...]:
    """The needs of a fetch as image paths."""
    return tuple(join(fetch.directory, need) for need in fetch.needs)
