"""Fixes for a list of manifest COPYs: a line for each member that it misses, without the names that are gone."""

from __future__ import annotations

import posixpath
from collections.abc import Sequence

from dockerlayer.api import Edit, Refusal, join
from dockerlayer.checks.survey import Candidate, Survey
from dockerlayer.findings import Applicability, Fix, apply
from dockerlayer.model.files import Placement
from dockerlayer.model.layers import Analysis
from dockerlayer.model.stages import Step
from dockerlayer.rewrite.copies import KEPT_FLAGS, copy_line, target_of
from dockerlayer.rewrite.runs import newline_of
from dockerlayer.syntax.parser import parse


def mend_list(survey: Survey, candidate: Candidate) -> Fix | tuple[Refusal, ...]:
    """The fix for a workspace-drift finding, or why there is none."""
    if candidate.drops:
        return _without(survey, candidate.step, candidate.drops)
    if candidate.adds:
        return _with(survey, candidate)
    return (Refusal("nothing-to-mend", "what to do about it is for the author to decide", candidate.step.line),)


def _with(survey: Survey, candidate: Candidate) -> Fix | tuple[Refusal, ...]:
    seen = candidate.sightings[0]
    fetch = seen.fetch
    anchor = _anchor(survey, candidate)
    if anchor is None:
        what = "no COPY of this stage brings the project's manifests, so there is no list to add to"
        return (Refusal("no-list", what, candidate.step.line),)
    state = anchor.step.state
    keyword = anchor.step.instruction.keyword
    flags = tuple(flag for flag in anchor.step.instruction.flags if flag.startswith(KEPT_FLAGS))
    lines = []
    assert fetch.origin is not None
    for path in sorted(candidate.adds):
        image = join(fetch.directory, posixpath.relpath(path, fetch.origin or "."))
        target = target_of(posixpath.dirname(image), state.workdir)
        if target is None:
            return (Refusal("place-unknown", f"where {path} goes cannot be written relative to the directory"),)
        lines.append(copy_line(keyword, flags, (path,), target))
    data = survey.analysis.dockerfile.data
    newline = newline_of(data, anchor.step.instruction)
    end = anchor.step.instruction.end
    closed = data[:end].endswith(b"\n")
    text = b"".join(line.encode("utf-8", "surrogateescape") + newline for line in lines)
    edit = Edit(end, end, text if closed else newline + text.removesuffix(newline))
    reason = _hindrance(survey, apply(data, (edit,)), seen.subject)
    if reason is not None:
        return (reason._replace(line=candidate.step.line),)
    ask = "asks" if len(lines) == 1 else "ask"
    assumption = f"what {_names(sorted(candidate.adds))} {ask} for can be had during the build"
    return Fix(
        f"copy the manifests of {len(lines)} more members" if len(lines) > 1 else f"copy {min(candidate.adds)} as well",
        (edit,),
        Applicability.UNSAFE,
        "manifests",
        (assumption,),
    )


def _hindrance(survey: Survey, data: bytes, subject: str) -> Refusal | None:
    """Why the call would not do with the manifests alone, once they are all there."""
    after = Survey(Analysis(parse(data), survey.analysis.context), survey.ecosystems, survey.asked_builder)
    fetches = (seen.fetch for step in after.steps() for seen in after.sightings(step) if seen.subject == subject)
    return next((reason for fetch in fetches if (reason := fetch.blocked or fetch.no_narrow)), None)


def _names(paths: Sequence[str]) -> str:
    return paths[0] if len(paths) == 1 else f"{paths[0]} and the others"


def _anchor(survey: Survey, candidate: Candidate) -> Placement | None:
    """The last COPY of the call's stage that brings a manifest of the workspace: new lines go below it."""
    fetch, step = candidate.sightings[0].fetch, candidate.step
    wanted = [join(fetch.directory, path) for path in (*fetch.members, *fetch.needs)]
    placements = survey.analysis.scene(step).placements
    own = [item for item in placements if item.step.stage is step.stage and item.step.index < step.index]
    return next((item for item in reversed(own) if any(item.origin(path) for path in wanted)), None)


def _without(survey: Survey, step: Step, drops: frozenset[str]) -> Fix | tuple[Refusal, ...]:
    data = survey.analysis.dockerfile.data
    instruction = step.instruction
    title = f"do not copy {', '.join(sorted(drops))}"
    assumption = f"nothing makes {', '.join(sorted(drops))} before the image is built"
    sources = {posixpath.normpath(word.lstrip("/")): word for word in instruction.args[:-1]}
    if not set(sources) - drops:
        edit = Edit(instruction.start, instruction.end, b"")
        return Fix(title, (edit,), Applicability.UNSAFE, "manifests", (assumption,))
    edits = []
    for path in drops:
        word = sources[path].encode("utf-8", "surrogateescape")
        text = data[instruction.args_start : instruction.args_end]
        if instruction.json or text.split().count(word) != 1:
            return (Refusal("not-plain", "the COPY is not written as plain words", step.line),)
        at = next(start for start in _starts(text, word)) + instruction.args_start
        edits.append(Edit(at, at + len(word) + 1, b""))
    # One source and a destination without a slash would make a file of it.
    if len(sources) - len(drops) == 1 and not instruction.args[-1].endswith(("/", ".")):
        return (Refusal("not-plain", "the COPY would then name its destination as a file", step.line),)
    return Fix(title, tuple(edits), Applicability.UNSAFE, "manifests", (assumption,))


def _starts(text: bytes, word: bytes) -> list[int]:
    found, at = [], text.find(word)
    while at >= 0:
        before, after = text[at - 1 : at], text[at + len(word) : at + len(word) + 1]
        if (not at or before.isspace()) and after.isspace():
            found.append(at)
        at = text.find(word, at + 1)
    return found
