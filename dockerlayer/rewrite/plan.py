"""The planner: from a finding to a fix, or to a typed refusal.

A fix keeps the order of everything but the copies that need not come first: the steps that the download stands on stay
above it, then come the narrow COPY and the download, then the rest. ``split`` leaves the install where it is and makes
it offline; ``narrow`` moves the install itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from dockerlayer.api import NOT_IN_CONTEXT, SYSTEM_WRITES, Edit, Refusal, is_within, join, relative
from dockerlayer.checks.overwrite import assumption
from dockerlayer.checks.survey import Candidate, Sighting, Survey, image_needs
from dockerlayer.findings import Applicability, Fix, apply
from dockerlayer.model.files import Placement
from dockerlayer.model.paths import overlap
from dockerlayer.model.stages import Step
from dockerlayer.model.variables import references, substitute
from dockerlayer.rewrite.chunks import Chunk, blank_only, chunks_of, region_edits
from dockerlayer.rewrite.copies import narrow_copies
from dockerlayer.rewrite.order import Effects, absolute_target, hoisted
from dockerlayer.rewrite.runs import RunText, newline_of
from dockerlayer.rewrite.shapes import Shape, Shaper
from dockerlayer.rewrite.spacing import set_apart

_PATHLIKE = re.compile(r"(?<![\w./-])\.{0,2}/[\w./@+-]+")
SPLIT, NARROW, STAGE, HYBRID = PATTERNS = ("split", "narrow", "stage", "hybrid")


class Planner:
    """Plans fixes for one version of one file."""

    def __init__(self, survey: Survey, pattern: str = "split") -> None:
        self.survey = survey
        self.pattern = pattern
        self.analysis = survey.analysis
        self.data = survey.analysis.dockerfile.data
        self.effects = Effects(survey)
        self.shaper = Shaper(self.effects)

    def plan(self, candidate: Candidate) -> Fix | tuple[Refusal, ...]:
        """A fix for a source-before-download finding, or every reason why there is none."""
        step, broad = candidate.step, candidate.broad
        refusal = self._precondition(candidate)
        if refusal is not None:
            return (refusal,)
        first = min(placement.step.index for placement in broad)
        between = step.stage.steps[first : step.index]
        shape = self._shape(candidate)
        if not isinstance(shape, Shape):
            return shape
        only = shape.pattern == "split" and shape.builds
        first_kept = self._kept(step, broad, ())
        above = hoisted(self.effects, between[1:], broad, first_kept, shape.sightings, shape.effect, download_only=only)
        if isinstance(above, Refusal):
            return (above,)
        named = next(named_files(shape, broad), None)
        if named is not None:
            return (named,)
        workdir = _workdir_below(shape, above)
        if workdir:
            above, shape = above[: above.index(workdir[0])], shape._replace(above=shape.bare)
        kept = self._kept(step, broad, above)
        place = shape.place if workdir else step.state.workdir
        copies = narrow_copies(step, shape.sightings, broad, kept, place)
        if isinstance(copies, Refusal):
            return (copies,)
        return self._write(candidate, between, above, shape, copies)

    def split_in_place(self, candidate: Candidate) -> Fix | tuple[Refusal, ...]:
        """A fix for a combined-download-install finding: the download gets a RUN of its own above the install."""
        step = candidate.step
        refusal = self._precondition(candidate)
        if refusal is not None:
            return (refusal,)
        shape = self.shaper.split(candidate, self._text(step), ())
        if not isinstance(shape, Shape):
            return shape
        return self._write(candidate, [], [], shape._replace(joined=b""), [])

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
                what = f"which files the COPY on line {line} brings (--exclude, **, a variable) is not read"
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
        newline = newline_of(self.data, step.instruction)
        return RunText(self.data, self.analysis.run(step), newline, self.analysis.dockerfile.escape)

    def _shape(self, candidate: Candidate) -> Shape | tuple[Refusal, ...]:
        text = self._text(candidate.step)
        kept = self._kept(candidate.step, candidate.broad, ())
        builds = any(seen.fetch.kind == "build" for seen in candidate.sightings)
        rooted = tuple(seen.fetch.no_narrow for seen in candidate.sightings if seen.fetch.no_narrow is not None)
        refusals: list[Refusal] = []
        splits = any(seen.fetch.split is not None or seen.fetch.no_split is not None for seen in candidate.sightings)
        if builds or ((self.pattern == SPLIT or rooted) and splits):
            shape = self.shaper.split(candidate, text, kept)
            if isinstance(shape, Shape):
                return shape
            refusals.extend(shape)
        refusals.extend(rooted)
        if not builds and not rooted:
            shape = self.shaper.narrow(candidate, text, kept)
            if isinstance(shape, Shape):
                return shape
            refusals.extend(shape)
        return tuple(refusals)

    def _write(
        self, candidate: Candidate, between: Sequence[Step], above: Sequence[Step], shape: Shape, copies: list[str]
    ) -> Fix | tuple[Refusal, ...]:
        step = candidate.step
        newline = newline_of(self.data, step.instruction)
        old = chunks_of(self.analysis.dockerfile, [*between, step])
        own = old[-1]
        new = [chunk for chunk in old if chunk.step in above]
        # A banner, or a remark about a build, is about what stays below.
        split = bool(between) and shape.pattern == "split"
        stays = split and shape.builds
        remarks = b"" if stays else own.comments
        lead = blank_only(own.lead, newline) if split else own.lead
        if shape.before and not (shape.joined and not copies):
            new.append(Chunk(lead, remarks, own.repeated, shape.before))
            lead, remarks = b"", b""
        indent = own.body[: len(own.body) - len(own.body.lstrip(b" \t"))]
        if copies:
            # A pragma of the broad COPY is about the one line below it, so that each narrow COPY has it.
            sinking = {placement.step for placement in candidate.broad}
            pragmas = next((chunk.foreign for chunk in old if chunk.step in sinking), b"")
            lines = [indent + line.encode("utf-8", "surrogateescape") + newline for line in copies]
            new.append(Chunk(lead, remarks, pragmas, pragmas.join(lines)))
            lead, remarks = b"", b""
        pragmas = own.repeated if shape.below else own.pragmas
        command = shape.joined if shape.joined and not copies else shape.above
        new.append(Chunk(lead, remarks, pragmas, command, None if shape.below else step))
        staying = self._staying(old[:-1], above, newline)
        if isinstance(staying, Refusal):
            return (staying,)
        new.extend(staying)
        if shape.below:
            lead = (own.lead if split else blank_only(own.lead, newline)) if between else b""
            remarks = own.comments if stays else b""
            new.append(Chunk(lead, remarks + shape.below_comments, own.pragmas, shape.below))
        new = set_apart(self.analysis.dockerfile, old, new, newline)
        edits = region_edits(start_of(old[0]), old, new, newline)
        return self._fix(candidate, above, shape, edits, _title(shape))._replace(notes=shape.notes + shape.kept)

    def _staying(self, old: Sequence[Chunk], above: Sequence[Step], newline: bytes) -> list[Chunk] | Refusal:
        """The chunks that stay below the download."""
        found = []
        moved_workdir = any(item.name == "workdir" for item in above)
        for chunk in old:
            if chunk.step in above:
                continue
            if moved_workdir and chunk.step is not None:
                settled = self._settle(chunk, above)
                if isinstance(settled, Refusal):
                    return settled
                chunk = settled
            found.append(chunk._replace(lead=blank_only(chunk.lead, newline)) if chunk.step is old[0].step else chunk)
        return found

    def _fix(
        self, candidate: Candidate, above: Sequence[Step], shape: Shape, edits: tuple[Edit, ...], title: str
    ) -> Fix:
        """The edits as a fix, with what they assume when the steps ``above`` and what ``shape`` moves change places."""
        commands = [item for item in above if item.name == "run"]
        written = [*shape.effect.writes, *(path for item in commands for path in self.effects.of_step(item).writes)]
        assumptions = tuple(
            dict.fromkeys(
                (
                    *shape.assumptions,
                    *(note for seen in shape.sightings for note in seen.fetch.assumptions),
                    *_loose(written, candidate.broad),
                    *_changeable(shape.sightings, candidate.broad),
                )
            )
        )
        unproven = tuple(dict.fromkeys(seen.fetch.unproven for seen in shape.sightings if seen.fetch.unproven))
        applicability = Applicability.UNSAFE if assumptions else Applicability.SAFE
        applicability = Applicability.MANUAL if unproven else applicability
        return Fix(title, edits, applicability, shape.pattern, (*unproven, *assumptions), shape.notes)

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
        slash = b"/" if written.endswith((b"/", b".")) and target != "/" else b""
        edit = Edit(end - len(written), end, target.encode() + slash)
        return chunk._replace(body=apply(self.data, (edit,), step.instruction.start, step.instruction.end))


def _workdir_below(shape: Shape, above: Sequence[Step]) -> list[Step]:
    """The WORKDIRs at the end of ``above`` that can stay below, since the download runs where it does without them."""
    found: list[Step] = []
    for step in reversed(above):
        if step.name != "workdir":
            break
        found.insert(0, step)
    return next((found[at:] for at, step in enumerate(found) if shape.bare and step.state.workdir == shape.place), [])


def start_of(chunk: Chunk) -> int:
    """Where the edits of a region begin that this chunk is the first of."""
    return chunk.step.instruction.start - len(chunk.comments) - len(chunk.pragmas) if chunk.step else 0


def _fills_system(placement: Placement, sightings: Sequence[Sighting]) -> bool:
    """Whether a copy brings something, outside of the projects themselves, that an install may read."""
    return any(
        any(overlap(root, place) for place in SYSTEM_WRITES)
        and not any(is_within(root, seen.fetch.directory) for seen in sightings)
        for root in placement.roots()
    )


def named_files(shape: Shape, broad: Sequence[Placement]) -> Iterator[Refusal]:
    """Files of the source that the environment or an option names, though they are not among the needs."""
    for seen in shape.sightings:
        call, needs = seen.call, frozenset(image_needs(seen.fetch))
        variables = {**call.step.state.values, **call.env}
        homes = {"/root", f"/home/{call.user or call.step.state.user}", variables.get("HOME") or "/root"}
        for path in (join(home, name) for home in sorted(homes) for name in seen.ecosystem.home_files):
            origins = (placement.origin(path) for placement in broad)
            if path not in needs and any(origin and broad[0].context.exists(origin) for origin in origins):
                what = f"{path}, which {call.program} reads, comes with the source"
                yield Refusal("settings-in-source", what, call.step.line)
        texts = {f"${name}": value for name, value in variables.items() if name != "PATH"}
        if shape.pattern == "narrow":
            texts.update({word: word.partition("=")[2] or word for word in call.arguments})
        for name, text in texts.items():
            for word in _PATHLIKE.findall(text) if name.startswith("$") else [text]:
                path = join(call.cwd or "/", word)
                origins = (placement.origin(path) for placement in broad)
                if path not in needs and any(origin and broad[0].context.is_file(origin) for origin in origins):
                    yield Refusal("names-source", f"{name} names {word}, which comes with the source", call.step.line)


def _changeable(sightings: Sequence[Sighting], broad: Sequence[Placement]) -> Iterator[str]:
    """Build arguments that decide which files are meant: the narrow COPY is written for their defaults."""
    names: set[str] = set()
    for placement in broad:
        step = placement.step
        elsewhere = relative(placement.target, step.state.workdir) is None
        words = step.instruction.args if elsewhere else placement.raw_sources
        names |= references(" ".join(words)) & step.state.soft
    for seen in sightings:
        state, needs = seen.call.step.state, image_needs(seen.fetch)
        for word in seen.call.arguments:
            path = substitute(word.partition("=")[2] or word, state.values)
            if references(word) and join(seen.call.cwd or "/", path) in needs:
                names |= references(word) & state.soft
    for name in sorted(names):
        yield f"the build argument {name} keeps its default, which the narrow COPY is written for"


def _loose(paths: Iterable[str], broad: Sequence[Placement]) -> Iterator[str]:
    """What is now written into the project before the copy, and would be overwritten if the context had it one day."""
    for path in paths:
        for placement in broad:
            origin = placement.origin(path)
            if origin and not placement.context.keeps_out(origin):
                yield assumption(origin)


def _title(shape: Shape) -> str:
    names = " and ".join(dict.fromkeys(seen.ecosystem.registry.name for seen in shape.sightings))
    if shape.pattern == "split":
        after = "build" if shape.builds else "install"
        return f"download from {names} in a layer of its own, {after} after the source is copied"
    return f"install from {names} before the source is copied"
