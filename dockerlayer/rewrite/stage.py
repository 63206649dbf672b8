"""The stage pattern: the download gets a stage of its own, and the install takes it by a bind mount.

The stage of the file is cut in two, with the download on the side: what both need stays above in a stage that gets a
name, the download is built on it, and so is what is left, which keeps the old name. A chain is right whatever the upper
part holds: measured with BuildKit, a stage built on another has its WORKDIR, USER, SHELL, ENV and ARGs. Nothing that is
downloaded is in the image, unlike with ``split``; and where the install needs no source, it stands above the source, so
that an edit repeats nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from dockerlayer.api import Edit, Handover, Refusal
from dockerlayer.checks.survey import Candidate, Survey, with_needs
from dockerlayer.findings import Fix
from dockerlayer.model.files import Placement
from dockerlayer.model.stages import Stage, Step
from dockerlayer.rewrite.chains import origins
from dockerlayer.rewrite.chunks import Chunk, chunks_of, region_edits, stage_pragmas
from dockerlayer.rewrite.copies import narrow_copies
from dockerlayer.rewrite.order import hoisted
from dockerlayer.rewrite.plan import STAGE, Planner, named_files, start_of
from dockerlayer.rewrite.runs import RunText, newline_of
from dockerlayer.rewrite.shapes import Shape
from dockerlayer.rewrite.spacing import set_apart

BUILDERS = frozenset({"buildkit", "buildah"})
"""The builder profiles that have ``RUN --mount=type=bind,from=STAGE``; only the first lets a RUN write there."""


def stage(survey: Survey, candidate: Candidate, *, crowded: bool = False) -> Fix | tuple[Refusal, ...]:
    """A fix for a source-before-download finding, or every reason why there is none.

    ``crowded`` says that another download stands below in the same stage.
    """
    return StagePlanner(survey, STAGE, crowded=crowded).plan(candidate)


class StagePlanner(Planner):
    """Plans the stage pattern for one version of one file."""

    def __init__(self, survey: Survey, pattern: str = STAGE, *, crowded: bool = False) -> None:
        super().__init__(survey, pattern)
        self.crowded = crowded

    def plan(self, candidate: Candidate) -> Fix | tuple[Refusal, ...]:
        """A fix that cuts the stage, or every reason why there is none."""
        step, broad = candidate.step, candidate.broad
        refusal = self._precondition(candidate) or self._uncut(step, min(item.step.index for item in broad))
        if refusal is not None:
            return (refusal,)
        text, kept = self._text(step), self._kept(step, broad, ())
        download = self.shaper.split(candidate, text, kept)
        if not isinstance(download, Shape):
            return download
        handover = self._handover(candidate)
        if isinstance(handover, Refusal):
            return (handover,)
        refusals: list[Refusal] = []
        for shape in self._shapes(candidate, text, kept, download):
            result = self._cut(candidate, text, download, shape, handover)
            if isinstance(result, Fix):
                return result
            refusals.extend(result)
        return tuple(dict.fromkeys(refusals))

    def _uncut(self, step: Step, first: int) -> Refusal | None:
        """Why the stage of a step cannot be cut at its step ``first``, or why nothing is gained."""
        mine = step.stage
        if self.survey.builder not in BUILDERS:
            what = f"{self.survey.builder} has no bind mount from another stage"
            return Refusal("builder-without-mounts", what, step.line)
        stages = self.analysis.build.stages
        if not any(mine in other.lineage() for other in stages[-1:]):
            what = f"the image that is built is not made of {mine.label}: what is downloaded there is not in it"
            return Refusal("not-shipped", what, mine.instruction.start_line)
        above = mine.steps[:first]
        trigger = next((item for item in above if item.name == "onbuild"), None)
        if trigger is not None:
            return Refusal("onbuild-above", "an ONBUILD above the cut would run in the new stages", trigger.line)
        if self.survey.builder == "buildah" and any(item.name == "arg" for item in above):
            return Refusal(
                "arg-above", "with Buildah a stage does not see the ARGs of the one it is built on", step.line
            )
        command = next((item for item in above if item.name == "cmd"), None)
        if command is not None and any(item.name == "entrypoint" for item in mine.steps[first:]):
            # An ENTRYPOINT takes back the CMD of the image that its stage is built on.
            return Refusal("cmd-above", "an ENTRYPOINT below the cut would take back the CMD above it", command.line)
        for other in self.analysis.build.steps():
            for name, _ in origins(other):
                named = any(one.name == name.lower() for one in stages)
                if name.isdigit() and not named and mine.index <= int(name) < len(stages):
                    what = f"line {other.line} names a stage by its number, which would be another"
                    return Refusal("numbered-stage", what, other.line)
        return None

    def _handover(self, candidate: Candidate) -> tuple[Handover, ...] | Refusal:
        """What the installs of a step need of their download."""
        found: dict[Handover, None] = {}
        for seen in candidate.sightings:
            if seen.fetch.split is None:
                continue
            if not seen.fetch.split.handover:
                what = f"what {seen.call.program} downloads cannot be mounted: the install leaves it where it is"
                return Refusal("no-handover", what, seen.call.step.line)
            found.update(dict.fromkeys(seen.fetch.split.handover))
        for item in found:
            if not re.fullmatch(r"/[\w./@+-]+", item.path):
                return Refusal("odd-name", f"{item.path} cannot be written in a mount", candidate.step.line)
            if item.writable and self.survey.builder != "buildkit":
                what = f"the install writes to {item.path}, and a writable mount was tried with BuildKit only"
                return Refusal("writable-mount", what, candidate.step.line)
        return tuple(found)

    def _shapes(
        self, candidate: Candidate, text: RunText, kept: Sequence[Placement], download: Shape
    ) -> Iterator[Shape | tuple[Refusal, ...]]:
        """What may become of the install, best first: above the source, or where it is."""
        mains = [seen for seen in candidate.sightings if seen.fetch.split is not None]
        early = all(seen.fetch.kind == "install" and seen.fetch.no_narrow is None for seen in mains)
        shape = self.shaper.narrow(candidate, text, kept) if early else None
        if isinstance(shape, Shape) and all(seen in shape.sightings for seen in mains):
            yield shape._replace(
                effect=shape.effect | download.effect, assumptions=download.assumptions, notes=download.notes
            )
        if self.crowded:
            what = "the install stays below the source, and the next download would be moved above it"
            yield (Refusal("next-download", what, candidate.step.line),)
        else:
            yield download

    def _cut(
        self,
        candidate: Candidate,
        text: RunText,
        download: Shape,
        shape: Shape | tuple[Refusal, ...],
        handover: tuple[Handover, ...],
    ) -> Fix | tuple[Refusal, ...]:
        """The fix for one place of the install."""
        if not isinstance(shape, Shape):
            return shape
        step, broad = candidate.step, candidate.broad
        early = shape is not download
        between = step.stage.steps[min(placement.step.index for placement in broad) : step.index]
        first_kept = self._kept(step, broad, ())
        above = hoisted(
            self.effects, between[1:], broad, first_kept, shape.sightings, shape.effect, download_only=False
        )
        if isinstance(above, Refusal):
            return (above,)
        named = next(named_files(shape, broad), None)
        if named is not None:
            return (named,)
        kept = self._kept(step, broad, above)
        copies = narrow_copies(step, download.sightings, broad, kept, step.state.workdir)
        more: list[str] | Refusal = []
        if early:
            brought = {(id(seen.call), need) for seen in download.sightings for need in seen.fetch.needs}
            left = [
                with_needs(seen, tuple(need for need in seen.fetch.needs if (id(seen.call), need) not in brought))
                for seen in shape.sightings
            ]
            more = narrow_copies(step, left, broad, kept, step.state.workdir)
        if isinstance(copies, Refusal) or isinstance(more, Refusal):
            return tuple(item for item in (copies, more) if isinstance(item, Refusal))
        return self._write_stages(candidate, text, download, shape, above, (copies, more), handover)

    def _write_stages(
        self,
        candidate: Candidate,
        text: RunText,
        download: Shape,
        shape: Shape,
        above: Sequence[Step],
        copies: tuple[list[str], list[str]],
        handover: tuple[Handover, ...],
    ) -> Fix | tuple[Refusal, ...]:
        step, early = candidate.step, shape is not download
        newline = newline_of(self.data, step.instruction)
        first = min(placement.step.index for placement in candidate.broad)
        old = chunks_of(self.analysis.dockerfile, step.stage.steps[first : step.index + 1])
        own = old[-1]
        staying = self._staying(old[:-1], above, newline)
        if isinstance(staying, Refusal):
            return (staying,)
        base, fetched = self._new_names(step.stage)
        inline = bool(text.instruction.heredocs)
        flags = _mounts(handover, fetched, b" " if inline else text.line_end)
        end = shape.cut if early else len(text.segments)
        command = text.part(download.first, end, download.state, _within(download.edits, text, end), flags)
        remarks = own.lead.lstrip(b"\r\n") if early and not copies[1] else own.lead
        install = [Chunk(remarks, own.comments, own.pragmas, command)]
        new = [chunk for chunk in old if chunk.step in above]
        if download.before:
            new.append(Chunk(b"", b"", own.repeated, download.before))
        indent = own.body[: len(own.body) - len(own.body.lstrip(b" \t"))]
        sinking = {placement.step for placement in candidate.broad}
        pragmas = next((chunk.foreign for chunk in old if chunk.step in sinking), b"")
        written = [
            [Chunk(b"", b"", pragmas, indent + line.encode("utf-8", "surrogateescape") + newline) for line in lines]
            for lines in copies
        ]
        new += written[0]
        new.append(self._from(step.stage, base, fetched, newline))
        new.append(Chunk(b"", b"", own.repeated, download.above))
        new.append(self._from(step.stage, base, "".join(step.stage.instruction.args[2:]), newline))
        if early:
            new += [*written[1], *install, *staying]
            if shape.below:
                new.append(Chunk(b"", shape.below_comments, own.repeated, shape.below))
        else:
            new += [*staying, *install]
        new = set_apart(self.analysis.dockerfile, old, new, newline)
        edits = (self._renamed(step.stage, base), *region_edits(start_of(old[0]), old, new, newline))
        names = " and ".join(dict.fromkeys(seen.ecosystem.registry.name for seen in shape.sightings))
        where = "before the source is copied" if early else "after the source is copied"
        title = f"download from {names} in a stage of its own, install from there {where}"
        return self._fix(candidate, above, shape, edits, title)._replace(pattern=STAGE)

    def _new_names(self, mine: Stage) -> tuple[str, str]:
        """Names for the two new stages that nothing in the file means yet."""
        build = self.analysis.build
        taken = {one.name for one in build.stages} | {one.image.lower() for one in build.stages}
        taken |= {name.lower() for step in build.steps() for name, _ in origins(step)}
        lead = f"{mine.name}-" if mine.name else ""
        for number in range(1, len(taken) + 2):
            last = f"-{number}" if number > 1 else ""
            names = f"{lead}base{last}", f"{lead}download{last}"
            if not taken & set(names):
                return names
        raise AssertionError(taken)

    def _from(self, mine: Stage, base: str, name: str, newline: bytes) -> Chunk:
        keyword = mine.instruction.keyword
        words = [keyword, base, *([_as(keyword), name] if name else [])]
        pragmas = stage_pragmas(self.analysis.dockerfile, mine.instruction, newline)
        return Chunk(newline, pragmas, b"", " ".join(words).encode() + newline)

    def _renamed(self, mine: Stage, name: str) -> Edit:
        """The edit that gives the FROM of the stage its new name."""
        end = mine.instruction.args_end
        if len(mine.instruction.args) == 3:
            return Edit(end - len(mine.instruction.args[2].encode()), end, name.encode())
        return Edit(end, end, f" {_as(mine.instruction.keyword)} {name}".encode())


def _as(keyword: str) -> str:
    """``AS`` in the letters of its FROM (BuildKit's check FromAsCasing)."""
    return "as" if keyword.islower() else "AS"


def _mounts(handover: Sequence[Handover], origin: str, room: bytes) -> bytes:
    """The flags that mount a download, each with the room before the next."""
    flags = (
        f"--mount=type=bind,from={origin},source={item.path},target={item.path}{',rw' if item.writable else ''}"
        for item in handover
    )
    return b"".join(flag.encode() + room for flag in flags)


def _within(edits: Sequence[Edit], text: RunText, until: int) -> list[Edit]:
    """The edits in the segments before ``until``."""
    if until == len(text.segments):
        return list(edits)
    return [edit for edit in edits if edit.end <= text.segments[until - 1].end]
