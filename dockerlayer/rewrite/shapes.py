"""What can become of a RUN that fetches: a download split off it, or the whole of it moved up."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from dockerlayer.api import Call, Edit, Refusal, is_within, relative
from dockerlayer.checks.survey import Candidate, Sighting, image_needs, with_needs
from dockerlayer.findings import apply
from dockerlayer.model.calls import SUCCESS_ONLY
from dockerlayer.model.effects import NOTHING, Effect, cleans_up, installs, path_of
from dockerlayer.model.files import Placement
from dockerlayer.model.leftovers import empties_cache, names, removed
from dockerlayer.rewrite.order import Effects
from dockerlayer.rewrite.runs import RunText


class Shape(NamedTuple):
    """What becomes of the RUN: what stands before the narrow copies, what fetches, and what stays below the others.

    ``sightings`` are the calls that are fetched for above; ``effect`` is that of the commands that move above.
    ``kept`` says what stays in the image. The segments of the RUN from ``first`` up to ``cut`` are fetched for, after
    ``state`` and with ``edits`` made in them.

    ``joined`` is ``before`` and ``above`` as one RUN, where they can be one: hadolint's DL3059 asks for that when
    no COPY comes in between. ``bare`` is ``above`` as it is written where ``place`` is the working directory already.
    """

    pattern: str
    before: bytes
    above: bytes
    below: bytes
    below_comments: bytes
    sightings: tuple[Sighting, ...]
    effect: Effect
    assumptions: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()
    edits: tuple[Edit, ...] = ()
    first: int = 0
    cut: int = 0
    state: tuple[bytes, ...] = ()
    joined: bytes = b""
    bare: bytes = b""
    place: str = ""

    @property
    def builds(self) -> bool:
        """Whether what stays below is a build of the project, not an install."""
        return all(seen.fetch.kind == "build" for seen in self.sightings)


class Shaper:
    """Shapes the RUN of a finding; ``kept`` are the copies that stay above whatever is planned."""

    def __init__(self, effects: Effects) -> None:
        self.effects = effects

    def split(self, candidate: Candidate, text: RunText, kept: Sequence[Placement]) -> Shape | tuple[Refusal, ...]:
        """The download alone above the copies, the RUN below them with its installs offline."""
        mains = [seen for seen in candidate.sightings if seen.fetch.kind in {"install", "build"}]
        splits = [seen.fetch.split for seen in mains if seen.fetch.split is not None]
        line = text.run.step.line
        if not mains or len(splits) != len(mains):
            stated = tuple(seen.fetch.no_split for seen in mains if seen.fetch.no_split is not None)
            return stated or (Refusal("no-split", "nothing in this step can be split", line),)
        places = {split.directory or seen.call.cwd or "" for seen, split in zip(mains, splits, strict=True)}
        lossy = next((mount for mount in text.run.step.mounts if mount.lossy), None)
        if lossy is not None:
            kind = "tmpfs" if lossy.kind == "tmpfs" else "writable-bind"
            what = f"what is downloaded under a {lossy.kind} mount is not in the layer"
            return (Refusal(kind, what, line),)
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
        for call in moved:
            if not self.effects.passes(self.effects.of_call(call), candidate.broad, kept):
                return (Refusal("unknown-command-before", f"{call.program} runs first and may need the source", line),)
        for call in text.calls(range(before)):
            if call.program in {".", "source"}:
                places_read = [path_of(call, word) for word in call.arguments[:1]]
                if any(path is None or placement.brings(path) for path in places_read for placement in candidate.broad):
                    return (Refusal("unknown-command-before", "a script that is read first may be the source's", line),)
        if prefix and (refusal := _separates_cleanup(text, before)):
            return (refusal,)
        problems = [
            text.can_cut(before) if prefix else None,
            self._places(candidate, [*places, *(call.cwd for call in moved)]),
        ]
        state, above_state = text.state(before), text.state(before, directory=False)
        go_to = _change_directory(next(iter(places)), text.run.step.state.workdir)
        problems.extend(item for item in (state, above_state, go_to) if isinstance(item, Refusal))
        refusals = tuple(item for item in problems if item is not None)
        if refusals or isinstance(state, Refusal) or isinstance(above_state, Refusal) or isinstance(go_to, Refusal):
            return refusals
        download = splits[0].download
        if go_to and splits[0].elsewhere and len({split.elsewhere for split in splits}) == 1:
            download, go_to = splits[0].elsewhere.replace("{}", go_to[0].decode().removeprefix("cd ")), []
        edits = tuple(edit for split in splits for edit in split.edits) if text.run.script.kind != "exec" else ()
        instruction = text.instruction
        if prefix:
            below = text.tail(before, state, edits)
        else:
            below = apply(text.data, edits, instruction.start, instruction.end)
        return Shape(
            "split",
            text.head(prefix[-1] + 1) + text.newline if prefix else b"",
            text.new_run([*above_state, *go_to], download),
            below,
            text.gap_comments(before) if prefix else b"",
            tuple(map(_downloading, candidate.sightings)),
            self._effect(moved),
            tuple(note for split in splits for note in split.assumptions),
            tuple(dict.fromkeys(note for split in splits for note in split.notes)),
            tuple(dict.fromkeys(split.kept for split in splits if split.kept)),
            edits,
            before if prefix else 0,
            len(text.segments),
            tuple(state) if prefix else (),
            text.joined(prefix[-1] + 1, [*go_to, download.encode()]) if prefix and not state else b"",
            text.new_run([], splits[0].download) if not (prefix or state or text.run.step.mounts) else b"",
            next(iter(places)),
        )

    def narrow(self, candidate: Candidate, text: RunText, kept: Sequence[Placement]) -> Shape | tuple[Refusal, ...]:
        """The RUN itself above the copies, up to the first command that needs the source."""
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
        missing = self._places(candidate, (call.cwd for call in text.calls(range(cut))))
        if missing is not None:
            return (missing,)
        moved = tuple(seen for seen in candidate.sightings if seen.call.segment < cut)
        effect = self._effect(text.calls(range(cut)))
        instruction = step.instruction
        if cut == len(text.segments):
            whole = text.data[instruction.start : instruction.end]
            return Shape("narrow", b"", whole, b"", b"", moved, effect, cut=cut)
        refusal = text.can_cut(cut) or _separates_cleanup(text, cut) or _leaves_behind(candidate, text, cut)
        state = text.state(cut)
        if refusal is not None or isinstance(state, Refusal):
            return tuple(item for item in (refusal, state) if isinstance(item, Refusal))
        return Shape(
            "narrow", b"", text.head(cut), text.tail(cut, state), text.gap_comments(cut), moved, effect, cut=cut
        )

    def _effect(self, calls: Sequence[Call]) -> Effect:
        effect = NOTHING
        for call in calls:
            effect |= self.effects.of_call(call)
        return effect

    def _places(self, candidate: Candidate, directories: Iterable[str | None]) -> Refusal | None:
        """Whether the directories that moved commands run in are there before the source is."""
        step = candidate.step
        kept = [step.state.workdir]
        for seen in candidate.sightings:
            kept.extend(posixpath.dirname(path) for path in image_needs(seen.fetch))
        for directory in directories:
            if directory is None:
                return Refusal("directory-unknown", "the directory that a command runs in is not known", step.line)
            if any(is_within(place, directory) for place in kept):
                continue
            if any(placement.brings(directory) for placement in candidate.broad):
                return Refusal("directory-missing", f"{directory} is not there before the source is copied", step.line)
        return None


def _downloading(seen: Sighting) -> Sighting:
    """The fetch as far as its download goes, which may read less than the whole call."""
    split = seen.fetch.split
    return seen if split is None or split.needs is None else with_needs(seen, split.needs)


def _separates_cleanup(text: RunText, cut: int) -> Refusal | None:
    """A RUN is not cut between what installs system packages and what removes them: they would stay in the image."""
    removing = [call for call in text.calls(range(cut, len(text.segments))) if cleans_up(call)]
    if removing and any(installs(call) for call in text.calls(range(cut))):
        what = " ".join(removing[0].argv)
        return Refusal("cleanup-in-same-run", f"{what!r} must stay in the layer of what it removes", text.run.step.line)
    return None


def _leaves_behind(candidate: Candidate, text: RunText, cut: int) -> Refusal | None:
    """A RUN is not cut between an install and what removes its cache, or what it installed: both would stay."""
    written = [path for seen in candidate.sightings for path in seen.fetch.writes]
    below = list(text.calls(range(cut, len(text.segments))))
    for at, call in enumerate(below):
        gone = [path for path in removed(call) if path is None or not names(below[:at], path)]
        if empties_cache(call) or any(path is None or _is_left(candidate, call, path, written) for path in gone):
            what = f"{' '.join(call.argv)!r} must stay in the layer of what it removes"
            return Refusal("cleanup-in-same-run", what, text.run.step.line)
    return None


def _is_left(candidate: Candidate, call: Call, path: str, written: Iterable[str]) -> bool:
    """Whether what is at an image path comes from the install: it wrote there, or the place is not the project's."""
    if any(is_within(path, place) or is_within(place, path) for place in written):
        return True
    copied = any(placement.brings(path) for placement in candidate.broad)
    inside = call.cwd is not None and call.cwd != "/" and is_within(path, call.cwd)
    return not copied and not inside


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
