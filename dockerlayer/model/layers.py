"""Analysis: a Dockerfile with its context, and what each layer's cache key depends on.

BuildKit's rules (docs.docker.com, "Build cache invalidation"): COPY and ADD by the content of the matched files; RUN
by its text, the visible ARG and ENV values, its mounts and its parent; LABEL, CMD, EXPOSE and the like change the
image but no later layer's key.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from types import MappingProxyType
from typing import NamedTuple

from dockerlayer.model.calls import Call, Run, run_of
from dockerlayer.model.context import Context
from dockerlayer.model.files import Placement, bind_placements, placement_of
from dockerlayer.model.scene import Received, Scene
from dockerlayer.model.stages import Build, Stage, Step, build_of
from dockerlayer.syntax.tree import Dockerfile


class Analysis:
    """The model of one Dockerfile; everything is derived at first use and kept. ``args`` are build arguments."""

    def __init__(
        self, dockerfile: Dockerfile, context: Context, args: Mapping[str, str] = MappingProxyType({})
    ) -> None:
        self.dockerfile = dockerfile
        self.context = context
        self.args = args
        self._runs: dict[Step, Run] = {}
        self._scenes: dict[Step, Scene] = {}
        self._placements: dict[Step, Placement | None] = {}

    @cached_property
    def build(self) -> Build:
        """The stages and steps."""
        return build_of(self.dockerfile, self.args)

    def run(self, step: Step) -> Run:
        """The calls of a RUN step."""
        if step not in self._runs:
            self._runs[step] = run_of(self.dockerfile.data, step)
        return self._runs[step]

    def placement(self, step: Step) -> Placement | None:
        """What a step takes from the context."""
        if step not in self._placements:
            self._placements[step] = placement_of(step, self.context)
        return self._placements[step]

    def above(self, step: Step) -> Iterator[Step]:
        """The steps whose result a step stands on, oldest first, its parent stages included."""
        for stage in reversed(tuple(step.stage.lineage())):
            yield from stage.steps if stage is not step.stage else stage.steps[: step.index]

    def scene(self, step: Step) -> Scene:
        """What a RUN step sees of the context."""
        if step not in self._scenes:
            self._scenes[step] = self._scene(step)
        return self._scenes[step]

    def _scene(self, step: Step) -> Scene:
        placements = tuple(found for earlier in self.above(step) if (found := self.placement(earlier)) is not None)
        mounted = tuple(bind_placements(step, self.context))
        copies = tuple(
            Received(
                self._base_of(origin, earlier),
                earlier.instruction.args[:-1],
                earlier.path(earlier.instruction.args[-1]),
            )
            for earlier in self.above(step)
            if earlier.name in {"copy", "add"} and (origin := earlier.flag("from")) is not None
        )
        received = tuple(copy.target for copy in copies)
        calls = self.run(step).calls
        handed = tuple(self._handed(step))
        return Scene(step, self.context, placements, mounted, self.earlier_calls, calls, received, copies, handed)

    def _handed(self, step: Step) -> Iterator[tuple[str, Call]]:
        """The calls of the stages that a step mounts something of, with the place of the mount."""
        for mount in step.mounts:
            stage = self.build.stage_named(mount.origin, step.stage.index) if mount.kind == "bind" else None
            for earlier in stage.steps if stage is not None and mount.origin else ():
                if earlier.name == "run":
                    yield from ((mount.target, call) for call in self.run(earlier).calls)

    def _base_of(self, origin: str, step: Step) -> str:
        """The image at the root of what ``--from`` names."""
        stage = self.build.stage_named(origin, step.stage.index)
        return stage.base_image if stage is not None else origin

    def earlier_calls(self, step: Step) -> tuple[Call, ...]:
        """Every call of the RUN steps above, oldest first."""
        return tuple(call for earlier in self.above(step) if earlier.name == "run" for call in self.run(earlier).calls)


class Input(NamedTuple):
    """One thing a layer's cache key depends on: ``kind`` is image, stage, files, argument, variable, mount or text."""

    kind: str
    what: str
    line: int
    why: str


_METADATA = frozenset(
    {"label", "cmd", "entrypoint", "expose", "healthcheck", "stopsignal", "volume", "maintainer", "onbuild"}
)


def inputs_of(analysis: Analysis, step: Step) -> Iterator[Input]:
    """What the layer of ``step`` depends on, from the base image down to the step's own text."""
    root = tuple(step.stage.lineage())[-1]
    yield Input("image", root.image, root.instruction.start_line, "the base image's content")
    for stage in reversed(tuple(step.stage.lineage())[:-1]):
        yield Input("stage", stage.image, stage.instruction.start_line, "this stage starts from that one's result")
    for earlier in analysis.above(step):
        if earlier.name in {"copy", "add", "run"}:
            yield from _own(analysis, earlier, parent=True)
    if step.name in {"run", "copy", "add", "workdir"}:
        yield from _scope(step)
        yield from _own(analysis, step, parent=False)
    elif step.name in _METADATA:
        yield Input("text", step.instruction.logical, step.line, "metadata: it changes the image, but no later layer")
    else:
        yield Input("text", step.instruction.logical, step.line, "its effect on later steps")


def _own(analysis: Analysis, step: Step, *, parent: bool) -> Iterator[Input]:
    prefix = "an earlier layer: " if parent else ""
    if step.name in {"copy", "add"}:
        origin = step.flag("from")
        if origin is not None:
            sources = " ".join(step.instruction.args[:-1])
            yield Input("stage", f"{sources} of {origin}", step.line, f"{prefix}the content of the copied files")
        placement = analysis.placement(step)
        if placement is not None:
            yield Input("files", _describe(placement), step.line, f"{prefix}the content of the copied context files")
        return
    yield Input("text", step.instruction.logical, step.line, f"{prefix}the command's text")
    for mount in step.mounts:
        if mount.kind == "bind":
            what = f"{mount.source or '.'} of {mount.origin or 'the context'}"
            yield Input("mount", what, step.line, f"{prefix}the content of the bind mount")


def _scope(step: Step) -> Iterator[Input]:
    if step.name == "run":
        for name, default in step.state.args.items():
            yield Input("argument", name, step.line, f"a build argument in scope (default: {default or 'none'})")
    for name, value in step.state.env.items():
        yield Input("variable", f"{name}={value}", step.line, "an environment variable in force")


def _describe(placement: Placement) -> str:
    sources = " ".join(placement.sources)
    if placement.opaque:
        return f"{sources} (cannot be told from the text)"
    if placement.blind:
        return f"{sources} (nothing in the context matches)"
    shown: list[str] = []
    for count, item in enumerate(placement.files()):
        if count < 3:
            shown.append(item.context)
        elif count >= 10_000:
            return f"{sources}: more than 10,000 files ({', '.join(shown)}, ...)"
    total = count + 1 if shown else 0
    more = ", ..." if total > len(shown) else ""
    return f"{sources}: {total} file{'s' if total != 1 else ''} ({', '.join(shown)}{more})"


def stage_of(analysis: Analysis, line: int) -> Stage | None:
    """The stage that a line of the file belongs to."""
    found = None
    for stage in analysis.build.stages:
        if stage.instruction.start_line <= line:
            found = stage
    return found
