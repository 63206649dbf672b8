"""volatile-input-above-download: what changes with each build stands above a download, which is then made again."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from dockerlayer.checks.order import cost, costs
from dockerlayer.checks.survey import Allowance, Candidate, Sighting, Survey
from dockerlayer.findings import Finding, Severity
from dockerlayer.model.calls import Call
from dockerlayer.model.effects import effect_of
from dockerlayer.model.stages import Step, defined
from dockerlayer.model.variables import changes_each_build, references

NAME = "volatile-input-above-download"
_DOWNLOADS = frozenset({"install", "download", "build"})
METADATA = frozenset({"label", "cmd", "entrypoint", "healthcheck", "maintainer"})
"""What is set down in the image alone: no later layer's key has it."""
_REMOTE = re.compile(r"https?://", re.IGNORECASE)
_MOVING = re.compile(
    r"/(?:master|main|head|develop|trunk|nightly|latest)(?:[/.]|\Z)|refs/heads/|//api\.|/latest[-_/.]", re.IGNORECASE
)
_FIXED = re.compile(r"\d+\.\d+|[0-9a-f]{12,}|\$", re.IGNORECASE)


class Volatile(NamedTuple):
    """A step whose part in the key changes with each build; ``what`` it is in words, ``names`` the variables."""

    step: Step
    what: str
    detail: str
    names: frozenset[str] = frozenset()


def check(survey: Survey) -> Iterator[Candidate]:
    """What changes with each build stands above a download, which is then made again each time.

    Why: the builder puts every build argument that has a value, and every variable, into the key of all RUNs below
    it, whether they use it or not (Dockerfile reference, "Impact on build caching"). The commit, the date or the number
    of the build as an ARG above a download so throws the download away with each commit. A copy of ``.git``, and a
    file fetched from a place whose content moves, do the same. A LABEL alone does not.

    Fix safety: safe when nothing that the ARG or ENV is moved past can use it, by what is known of the commands and
    their tools; unsafe when a tool may be told by any variable, or when a variable that only labels are written with
    passes a command that nothing is known of. A copy of ``.git`` and a fetched file are reported only.

    References:
    - Dockerfile reference, impact on build caching: https://docs.docker.com/reference/dockerfile/#impact-on-build-caching
    """
    if not survey.ecosystems or not any(True for _ in survey.steps()):
        return
    for stage in survey.analysis.build.stages:
        for step in stage.steps:
            for volatile in _volatile(survey, step):
                downloads = tuple(_below(survey, volatile))
                if downloads:
                    yield _candidate(volatile, downloads)


def _candidate(volatile: Volatile, downloads: tuple[Sighting, ...]) -> Candidate:
    step = volatile.step
    last = downloads[-1].call.step
    finding = Finding(
        rule=NAME,
        severity=Severity.WARNING,
        message=f"{volatile.what}, and line {last.line} downloads {cost(downloads)} again",
        start=step.instruction.start,
        end=step.instruction.end,
        subject=f"{step.stage.index}:{downloads[0].ecosystem.name}:{volatile.detail}",
        help=f"it is not needed above: put it below line {last.line}",
        ecosystem=downloads[0].ecosystem.name,
        cost=costs(downloads),
    )
    # The downloads are those of the finding, not commands that the fix may change.
    return Candidate(finding, step, downloads, allows=Allowance(variables=volatile.names))


def _volatile(survey: Survey, step: Step) -> Iterator[Volatile]:
    if step.name == "arg":
        for name, default in _arguments(step, survey.analysis.build.globals):
            if changes_each_build(name, default) and not _names_an_image(survey, name) and _is_used(survey, step, name):
                names = frozenset({name}) | _made_of(step, name)
                yield Volatile(step, f"each build with another {name} throws the layers below away", name, names)
    elif step.name == "copy" and step.flag("from") is None:
        for word in step.instruction.args[:-1]:
            plain = word.removeprefix("./").lstrip("/")
            if plain == ".git" or plain.startswith(".git/"):
                yield Volatile(step, "each commit changes .git, which throws the layers below away", plain)
    elif step.name == "add" and step.flag("checksum") is None:
        for word in step.instruction.args[:-1]:
            if _REMOTE.match(word) and _MOVING.search(word) and not _FIXED.search(word):
                yield Volatile(step, "what this address holds may change, which throws the layers below away", word)


def _arguments(step: Step, outer: Mapping[str, str | None]) -> Iterator[tuple[str, str | None]]:
    for word in step.instruction.args:
        name, equals, default = word.partition("=")
        yield name, default if equals else outer.get(name)


def _names_an_image(survey: Survey, name: str) -> bool:
    """Whether a FROM uses it: then it is a version of something that is built upon."""
    return any(name in references(stage.instruction.logical) for stage in survey.analysis.build.stages)


def _is_used(survey: Survey, step: Step, name: str) -> bool:
    """Whether anything below is written with it; what nobody uses may be meant for a tool's eyes."""
    heirs = (stage for stage in survey.analysis.build.stages if step.stage in stage.lineage())
    below = (later for stage in heirs for later in stage.steps[step.index + 1 if stage is step.stage else 0 :])
    return any(mentions(later, frozenset({name})) for later in below)


def _made_of(step: Step, name: str) -> frozenset[str]:
    """The ENVs below in the stage whose value is made of a variable, directly or not."""
    names = {name}
    for later in step.stage.steps[step.index + 1 :]:
        if later.name == "env" and references(later.instruction.logical) & names:
            names |= defined(later)
    return frozenset(names)


def mentions(step: Step, names: frozenset[str]) -> bool:
    """Whether an instruction names one of the variables, here-documents included, with or without a dollar sign."""
    return any(re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text) for text in _texts(step) for name in names)


def _texts(step: Step) -> tuple[str, ...]:
    return step.instruction.logical, *(document.content for document in step.instruction.heredocs)


def _below(survey: Survey, volatile: Volatile) -> Iterator[Sighting]:
    """The downloads below that have no use for it, up to the first step that has or may have."""
    step = volatile.step
    pending = [(step.stage, step.index + 1)]
    while pending:
        stage, first = pending.pop(0)
        for later in stage.steps[first:]:
            if _needs(survey, later, volatile):
                break
            for seen in survey.sightings(later) if later.name == "run" else ():
                if seen.fetch.kind in _DOWNLOADS and not seen.ecosystem.cached_by(later):
                    yield seen
        else:
            if stage is not step.stage or volatile.names:
                pending += [(other, 0) for other in survey.analysis.build.stages if other.parent is stage]


def _needs(survey: Survey, step: Step, volatile: Volatile) -> bool:
    if step.name == "run" and not (_is_known(survey, step) or labels_only(volatile.step, volatile.names)):
        return True
    if not volatile.names:
        return step.name == "run" and _mentioned_file(step, volatile)
    if step.name in METADATA:
        return False
    if step.name == "env" and defined(step) <= volatile.names:
        return not references(step.instruction.logical) & volatile.names
    return mentions(step, volatile.names) or any(
        seen.ecosystem.environment and any(seen.ecosystem.configured_by.match(name) for name in volatile.names)
        for seen in (survey.sightings(step) if step.name == "run" else ())
    )


def labels_only(step: Step, names: frozenset[str]) -> bool:
    """Whether metadata of the image alone is written with the variables, so that no command is meant to read them."""
    below = (later for later in step.stage.steps[step.index + 1 :] if mentions(later, names))
    return bool(names) and {later.name for later in below} == {"label"}


def _mentioned_file(step: Step, volatile: Volatile) -> bool:
    source = volatile.step
    names = {word.rstrip("/").rpartition("/")[2] for word in (source.instruction.args[-1], volatile.detail)}
    if source.name == "copy":
        names.add("git")
    return any(name and name in text for name in names - {"."} for text in _texts(step))


def _is_known(survey: Survey, step: Step) -> bool:
    """Whether it is known what every command of a RUN does: one that is not may read whatever there is."""
    run = survey.analysis.run(step)
    if not run.script.known:
        return False
    fetches = {id(seen.call): seen.fetch for seen in survey.sightings(step)}
    for call in run.calls:
        fetch = fetches.get(id(call))
        if fetch is not None:
            # Code of the project itself runs where narrow inputs are not enough, and may read anything.
            if fetch.kind == "build" or fetch.blocked is not None or fetch.no_narrow is not None:
                return False
        elif effect_of(call).everything and not _is_told(survey, call):
            return False
    return True


def _is_told(survey: Survey, call: Call) -> bool:
    """Whether a plugin says what a command does."""
    for ecosystem in survey.ecosystems:
        if ecosystem.effect is not None and ecosystem.answers_to.match(call.program):
            known = ecosystem.effect(call, survey.analysis.scene(call.step))
            if known is not None:
                return not known.everything
    return False
