"""The planner: from a finding to a fix, or to a typed refusal.

A fix keeps the order of everything but the copies that need not come first: the steps that the download stands on stay
above it, then come the narrow COPY and the download, then the rest. ``split`` leaves the install where it is and makes
it offline; ``narrow`` moves the install itself.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Sequence
from typing import NamedTuple

from dockerlayer.api import NOT_IN_CONTEXT, SYSTEM_WRITES, Call, Edit, Refusal, is_within, relative
from dockerlayer.checks.survey import Candidate, Sighting, Survey, image_needs
from dockerlayer.findings import Applicability, Fix
from dockerlayer.model.calls import SUCCESS_ONLY
from dockerlayer.model.effects import cleans_up, installs
from dockerlayer.model.files import Placement
from dockerlayer.model.paths import overlap
from dockerlayer.model.stages import Step
from dockerlayer.rewrite.chunks import Chunk, blank_only, chunks_of, region_edits
from dockerlayer.rewrite.copies import narrow_copies
from dockerlayer.rewrite.order import Effects, absolute_target, hoisted
from dockerlayer.rewrite.runs import RunText, apply

PATTERNS = ("split", "narrow")


class _Shape(NamedTuple):
    """What becomes of the RUN: what stands before the narrow copies, what fetches, and what stays below the others."""

    pattern: str
    before: bytes
    above: bytes
    below: bytes
    below_comments: bytes
    assumptions: tuple[str, ...]
    notes: tuple[str, ...]


class Planner:
    """Plans fixes for one version of one file."""

    def __init__(self, survey: Survey, pattern: str = "split") -> None:
        self.survey = survey
        self.pattern = pattern
        self.analysis = survey.analysis
        self.data = survey.analysis.dockerfile.data
        self.effects = Effects(survey)

    def plan(self, candidate: Candidate) -> Fix | tuple[Refusal, ...]:
        """A fix for a source-before-download finding, or every reason why there is none."""
        step, broad = candidate.step, candidate.broad
        refusal = self._precondition(candidate)
        if refusal is not None:
            return (refusal,)
        first = min(placement.step.index for placement in broad)
        between = step.stage.steps[first : step.index]
        shape = self._shape(candidate)
        if not isinstance(shape, _Shape):
            return shape
        only = shape.pattern == "split" and all(seen.fetch.kind == "build" for seen in candidate.sightings)
        above = hoisted(
            self.effects, between[1:], broad, self._kept(step, broad, ()), candidate.sightings, download_only=only
        )
        if isinstance(above, Refusal):
            return (above,)
        kept = self._kept(step, broad, above)
        copies = narrow_copies(step, candidate.sightings, broad, kept)
        if isinstance(copies, Refusal):
            return (copies,)
        return self._write(candidate, between, above, shape, copies)

    def split_in_place(self, candidate: Candidate) -> Fix | tuple[Refusal, ...]:
        """A fix for a combined-download-install finding: the download gets a RUN of its own above the install."""
        step = candidate.step
        refusal = self._precondition(candidate)
        if refusal is not None:
            return (refusal,)
        shape = self._split(candidate, self._text(step))
        if not isinstance(shape, _Shape):
            return shape
        return self._write(candidate, [], [], shape, [])

    def _precondition(self, candidate: Candidate) -> Refusal | None:
        step = candidate.step
        for seen in candidate.sightings:
            if seen.fetch.blocked is not None:
                return self._unread_copy(seen) or self._with_hint(seen.fetch.blocked)
        if any(placement.step is step for placement in candidate.broad):
            return Refusal("bind-mounted-source", "the source comes in by a bind mount of this step", step.line)
        foreign = [placement for placement in candidate.broad if placement.step.stage is not step.stage]
        if foreign:
            stage = foreign[0].step.stage
            name = stage.name or f"stage {stage.index}"
            return Refusal("source-in-parent", f"the source is copied in {name}, which this stage starts from")
        for placement in candidate.broad:
            if placement.opaque or placement.blind:
                return Refusal(
                    "context-unknown",
                    f"nothing in {self.analysis.context.root} matches the COPY on line {placement.step.line}; "
                    "is this the directory the image is built from? (--context DIR)",
                    placement.step.line,
                )
        for placement in candidate.broad:
            if _fills_system(placement, candidate.sightings):
                line, keyword = placement.step.line, placement.step.name.upper()
                what = f"the {keyword} on line {line} fills places that programs and settings live in"
                return Refusal("copies-into-system", what, line)
        if not step.state.shell and self.analysis.dockerfile.escape == "`":
            return Refusal("windows", "the file looks like one for Windows, whose shell is not read")
        return None

    def _with_hint(self, refusal: Refusal) -> Refusal:
        """A manifest that is missing often means that the image is built from another directory."""
        if refusal.code != NOT_IN_CONTEXT:
            return refusal
        hint = f"if the image is not built from {self.analysis.context.root}, name the directory with --context"
        return refusal._replace(message=f"{refusal.message}; {hint}")

    def _unread_copy(self, seen: Sighting) -> Refusal | None:
        """When a project was not found because a COPY's files cannot be told, that is the reason to give."""
        if seen.fetch.origin is not None:
            return None
        for placement in self.analysis.scene(seen.call.step).placements:
            if placement.opaque and overlap(placement.target.rstrip("/") or "/", seen.fetch.directory):
                line = placement.step.line
                what = f"which files the COPY on line {line} brings (--parents, --exclude, a variable) is not read"
                return Refusal("copy-not-read", what, line)
        return None

    def _kept(self, step: Step, broad: Sequence[Placement], above: Sequence[Step]) -> list[Placement]:
        first = min(placement.step.index for placement in broad)
        kept = []
        for placement in self.analysis.scene(step).placements:
            same = placement.step.stage is step.stage
            if not same or placement.step.index < first or placement.step in above:
                kept.append(placement)
        return kept

    def _text(self, step: Step) -> RunText:
        return RunText(self.data, self.analysis.run(step), self._newline(step))

    def _newline(self, step: Step) -> bytes:
        text = self.data[step.instruction.start : step.instruction.end]
        if b"\n" not in text:
            text = self.data
        return b"\r\n" if b"\r\n" in text else b"\n"

    def _shape(self, candidate: Candidate) -> _Shape | tuple[Refusal, ...]:
        text = self._text(candidate.step)
        builds = any(seen.fetch.kind == "build" for seen in candidate.sightings)
        refusals: list[Refusal] = []
        splits = any(seen.fetch.split is not None or seen.fetch.no_split is not None for seen in candidate.sightings)
        if builds or (self.pattern == "split" and splits):
            shape = self._split(candidate, text)
            if isinstance(shape, _Shape):
                return shape
            refusals.extend(shape)
        if not builds:
            shape = self._narrow(candidate, text)
            if isinstance(shape, _Shape):
                return shape
            refusals.extend(shape)
        return tuple(refusals)

    def _split(self, candidate: Candidate, text: RunText) -> _Shape | tuple[Refusal, ...]:
        mains = [seen for seen in candidate.sightings if seen.fetch.kind in {"install", "build"}]
        splits = [seen.fetch.split for seen in mains if seen.fetch.split is not None]
        line = text.run.step.line
        if not mains or len(splits) != len(mains):
            stated = tuple(seen.fetch.no_split for seen in mains if seen.fetch.no_split is not None)
            return stated or (Refusal("no-split", "nothing in this step can be split", line),)
        places = {split.directory or seen.call.cwd or "" for seen, split in zip(mains, splits, strict=True)}
        if any(mount.kind == "tmpfs" for mount in text.run.step.mounts):
            return (Refusal("tmpfs", "what is downloaded under a tmpfs mount is not in the layer", line),)
        if len({split.download for split in splits}) > 1 or len(places) > 1:
            return (Refusal("several-downloads", "the step holds several different downloads", line),)
        for seen in mains:
            if seen.call.user != text.run.step.state.user:
                return (Refusal("other-user", f"{seen.call.program} runs as another user than the step", line),)
            if seen.call.guards - {"and"}:
                return (Refusal("conditional", f"{seen.call.program} runs under a condition or inside another", line),)
        before = mains[0].call.segment
        prefix = [index for index in range(before) if not text.is_pure_state(index)]
        moved = text.calls(prefix)
        kept = self._kept(text.run.step, candidate.broad, ()) if candidate.broad else []
        for call in moved:
            if not self.effects.passes(self.effects.of_call(call), candidate.broad, kept):
                return (Refusal("unknown-command-before", f"{call.program} runs first and may need the source", line),)
        if prefix and (refusal := _separates_cleanup(text, before)):
            return (refusal,)
        problems = [text.can_cut(before) if prefix else None, self._places(candidate, moved)]
        state, above_state = text.state(before), text.state(before, directory=False)
        go_to = _change_directory(next(iter(places)), text.run.step.state.workdir)
        problems.extend(item for item in (state, above_state, go_to) if isinstance(item, Refusal))
        refusals = tuple(item for item in problems if item is not None)
        if refusals or isinstance(state, Refusal) or isinstance(above_state, Refusal) or isinstance(go_to, Refusal):
            return refusals
        edits = tuple(edit for split in splits for edit in split.edits) if text.run.script.kind != "exec" else ()
        instruction = text.instruction
        if prefix:
            below = text.tail(before, state, edits)
        else:
            below = apply(self.data, edits, instruction.start, instruction.end)
        return _Shape(
            "split",
            text.head(prefix[-1] + 1) + text.newline if prefix else b"",
            text.new_run([*above_state, *go_to], splits[0].download),
            below,
            text.gap_comments(before) if prefix else b"",
            tuple(note for split in splits for note in split.assumptions),
            tuple(dict.fromkeys(note for split in splits for note in split.notes)),
        )

    def _places(self, candidate: Candidate, calls: Sequence[Call]) -> Refusal | None:
        """Whether the directories that moved commands run in are there before the source is."""
        step = candidate.step
        kept = [step.state.workdir]
        for seen in candidate.sightings:
            kept.extend(posixpath.dirname(path) for path in image_needs(seen.fetch))
        for call in calls:
            if call.cwd is None:
                return Refusal("directory-unknown", f"where {call.program} runs is not known", step.line)
            if any(is_within(place, call.cwd) for place in kept):
                continue
            if any(placement.brings(call.cwd) for placement in candidate.broad):
                return Refusal("directory-missing", f"{call.cwd} is not there before the source is copied", step.line)
        return None

    def _narrow(self, candidate: Candidate, text: RunText) -> _Shape | tuple[Refusal, ...]:
        step = candidate.step
        fetching = {id(seen.call) for seen in candidate.sightings}
        first = min(seen.call.segment for seen in candidate.sightings)
        for seen in candidate.sightings:
            if not seen.call.always and not seen.call.guards <= SUCCESS_ONLY | {"subshell"}:
                return (
                    Refusal("conditional", f"{seen.call.program} runs under a condition, or its failure is hidden"),
                )
        for seen in candidate.sightings:
            for path in seen.fetch.writes:
                if any(placement.brings(path) for placement in candidate.broad):
                    what = f"the COPY brings something to {path}, which the install writes"
                    return (Refusal("would-be-overwritten", what, step.line),)
        kept = self._kept(step, candidate.broad, ())
        cut = len(text.segments)
        for call in text.run.calls:
            if id(call) in fetching or self.effects.passes(self.effects.of_call(call), candidate.broad, kept):
                continue
            if call.segment <= first:
                what = f"{call.program} runs first in the RUN and may need the source"
                return (Refusal("unknown-command-before", what, step.line),)
            cut = min(cut, call.segment)
        last = max(seen.call.segment for seen in candidate.sightings if seen.call.segment < cut)
        if cut < len(text.segments):
            while cut - 1 > last and text.only_prepares(cut - 1):
                cut -= 1
        missing = self._places(candidate, text.calls(range(cut)))
        if missing is not None:
            return (missing,)
        instruction = step.instruction
        if cut == len(text.segments):
            return _Shape("narrow", b"", self.data[instruction.start : instruction.end], b"", b"", (), ())
        refusal, state = text.can_cut(cut) or _separates_cleanup(text, cut), text.state(cut)
        if refusal is not None or isinstance(state, Refusal):
            return tuple(item for item in (refusal, state) if isinstance(item, Refusal))
        return _Shape("narrow", b"", text.head(cut), text.tail(cut, state), text.gap_comments(cut), (), ())

    def _write(
        self, candidate: Candidate, between: Sequence[Step], above: Sequence[Step], shape: _Shape, copies: list[str]
    ) -> Fix | tuple[Refusal, ...]:
        step = candidate.step
        newline = self._newline(step)
        old = chunks_of(self.analysis.dockerfile, [*between, step])
        own = old[-1]
        new = [chunk for chunk in old if chunk.step in above]
        # A banner, or a remark about a build, is about what stays below.
        split = bool(between) and shape.pattern == "split"
        stays = split and all(seen.fetch.kind == "build" for seen in candidate.sightings)
        remarks = b"" if stays else own.comments
        lead = blank_only(own.lead, newline) if split else own.lead
        if shape.before:
            new.append(Chunk(lead, remarks, own.pragmas, shape.before))
            lead, remarks = b"", b""
        indent = own.body[: len(own.body) - len(own.body.lstrip(b" \t"))]
        lines = b"".join(indent + line.encode("utf-8", "surrogateescape") + newline for line in copies)
        if lines:
            sinking = {placement.step for placement in candidate.broad}
            pragmas = next((chunk.pragmas for chunk in old if chunk.step in sinking), b"")
            new.append(Chunk(lead, remarks, pragmas if len(copies) == 1 else b"", lines))
            new.append(Chunk(b"", b"", own.pragmas, shape.above))
        else:
            new.append(Chunk(lead, remarks, own.pragmas, shape.above))
        moved_workdir = any(item.name == "workdir" for item in above)
        for chunk in old[:-1]:
            if chunk.step in above:
                continue
            if moved_workdir and chunk.step is not None:
                settled = self._settle(chunk, above)
                if isinstance(settled, Refusal):
                    return (settled,)
                chunk = settled
            if chunk is old[0]:
                chunk = chunk._replace(lead=blank_only(chunk.lead, newline))
            new.append(chunk)
        if shape.below:
            lead = (own.lead if split else blank_only(own.lead, newline)) if between else b""
            remarks = own.comments if stays else b""
            new.append(Chunk(lead, remarks + shape.below_comments, own.pragmas, shape.below))
        start = old[0].step.instruction.start - len(old[0].comments) - len(old[0].pragmas) if old[0].step else 0
        assumptions = tuple(
            dict.fromkeys(
                (*shape.assumptions, *(note for seen in candidate.sightings for note in seen.fetch.assumptions))
            )
        )
        return Fix(
            title=_title(shape, candidate.sightings),
            edits=region_edits(start, old, new, newline),
            applicability=Applicability.UNSAFE if assumptions else Applicability.SAFE,
            pattern=shape.pattern,
            assumptions=assumptions,
            notes=shape.notes,
        )

    def _settle(self, chunk: Chunk, above: Sequence[Step]) -> Chunk | Refusal:
        """A copy that passes a WORKDIR keeps its place: its relative destination becomes absolute."""
        step = chunk.step
        assert step is not None
        passed = [item for item in above if item.name == "workdir" and item.index > step.index]
        if not passed or step.name not in {"copy", "add"} or step.instruction.args[-1].startswith("/"):
            return chunk
        target = absolute_target(step)
        if step.instruction.json or not target.startswith("/") or "$" in target:
            return Refusal("workdir-between", f"line {passed[0].line} changes the directory that a COPY is relative to")
        written = step.instruction.args[-1].encode("utf-8", "surrogateescape")
        end = step.instruction.args_end
        if self.data[end - len(written) : end] != written:
            return Refusal("workdir-between", f"line {passed[0].line} changes the directory that a COPY is relative to")
        slash = b"/" if not target.endswith("/") else b""
        edit = Edit(end - len(written), end, target.encode() + slash)
        return chunk._replace(body=apply(self.data, (edit,), step.instruction.start, step.instruction.end))


def _fills_system(placement: Placement, sightings: Sequence[Sighting]) -> bool:
    """Whether a copy brings something, outside of the projects themselves, that an install may read."""
    return any(
        any(overlap(root, place) for place in SYSTEM_WRITES)
        and not any(is_within(root, seen.fetch.directory) for seen in sightings)
        for root in placement.roots()
    )


def _separates_cleanup(text: RunText, cut: int) -> Refusal | None:
    """A RUN is not cut between what installs system packages and what removes them: they would stay in the image."""
    removing = [call for call in text.calls(range(cut, len(text.segments))) if cleans_up(call)]
    if removing and any(installs(call) for call in text.calls(range(cut))):
        what = " ".join(removing[0].argv)
        return Refusal("cleanup-in-same-run", f"{what!r} must stay in the layer of what it removes", text.run.step.line)
    return None


def _change_directory(directory: str, workdir: str) -> list[bytes] | Refusal:
    """The ``cd`` that a RUN needs to work in an image directory."""
    inside = relative(directory, workdir)
    if inside == "":
        return []
    if inside is None and not directory.startswith("/"):
        return Refusal("directory-unknown", f"{directory} cannot be written as a path")
    place = inside if inside is not None else directory
    if not re.fullmatch(r"[\w./@+-]+", place):
        return Refusal("odd-name", f"{place} would have to be quoted for the shell")
    return [f"cd {place}".encode()]


def _title(shape: _Shape, sightings: Sequence[Sighting]) -> str:
    names = " and ".join(dict.fromkeys(seen.ecosystem.registry.name for seen in sightings))
    if shape.pattern == "split":
        after = "build" if all(seen.fetch.kind == "build" for seen in sightings) else "install"
        return f"download from {names} in a layer of its own, {after} after the source is copied"
    return f"install from {names} before the source is copied"
