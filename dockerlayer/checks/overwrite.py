"""context-overwrites-install: a copy of the context brings a directory that the tool has just made in the image."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from typing import NamedTuple

from dockerlayer.api import Call, Context, Refusal, is_within
from dockerlayer.checks.survey import Allowance, Candidate, Sighting, Survey
from dockerlayer.findings import Applicability, Finding, Fix, Severity, listed
from dockerlayer.model.effects import path_of
from dockerlayer.model.files import Placement, bind_placements
from dockerlayer.model.stages import Step

NAME = "context-overwrites-install"
_MOVING = frozenset({"rm", "mv", "cp", "ln", "rsync"})
_SHOWN = 3


class _Made(NamedTuple):
    """An image path that a call fills, by an ecosystem's name."""

    ecosystem: str
    call: Call
    path: str


def check(survey: Survey) -> Iterator[Candidate]:
    """A COPY brings a directory of the build context over what an earlier step installed.

    Why: where a developer builds, the directory that the tool fills is there too, made for another system or by another
    lockfile. Nothing keeps it out of the build context, so `COPY . .` puts it over what the image has just installed.
    The build succeeds, and the image holds what happened to lie on one machine; on a fresh clone nothing of this shows.
    It is reported where `.gitignore` names the directory, be it there now or not; what it does not name is taken for
    source. Where the context has neither `.gitignore` nor `.git`, it is reported if it is there now. Nothing is said
    where a step below the COPY installs again, or where the COPY names the directory itself.

    Fix safety: unsafe. A line at the end of the ignore file keeps the directory out of every image that is built from
    this directory: the fix assumes that none is meant to get it from there.

    References:
    - Docker, .dockerignore files: https://docs.docker.com/build/concepts/context/#dockerignore-files
    - docker/docs#20148: https://github.com/docker/docs/pull/20148
    """
    told: set[tuple[Step, str]] = set()
    for step in survey.steps():
        made = tuple(_made_by(survey, step))
        for later in _below(survey, step) if made else ():
            placement = survey.analysis.placement(later)
            if placement is None or placement.opaque or placement.blind:
                continue
            for ecosystem in dict.fromkeys(item.ecosystem for item in made):
                mine = [item for item in made if item.ecosystem == ecosystem]
                brought = {path: item for item in mine if (path := _brought(survey, placement, item)) is not None}
                fresh = {path: item for path, item in brought.items() if (placement.step, path) not in told}
                told.update((placement.step, path) for path in fresh)
                if fresh:
                    yield _candidate(survey, placement, fresh)


def assumption(path: str) -> str:
    """What a fix that leaves a directory to be overwritten, if there ever is one, has to say."""
    return (
        f"{path} is not in the ignore file: if it exists where the image is built, COPY puts it over what was installed"
    )


def _made_by(survey: Survey, step: Step) -> Iterator[_Made]:
    """What a step leaves in its layer; what it writes to a mount is not there."""
    found = [
        _Made(seen.ecosystem.name, seen.call, path)
        for seen in survey.sightings(step)
        if seen.fetch.kind in {"install", "build"}
        for path in seen.fetch.writes
        if is_within(path, seen.fetch.directory) and path != seen.fetch.directory
    ]
    found += [_Made(used.ecosystem.name, used.call, path) for used in survey.uses(step) for path in used.use.leaves]
    for item in found:
        if not any(is_within(item.path, mount.target) for mount in step.mounts):
            yield item


def _below(survey: Survey, step: Step) -> Iterator[Step]:
    """The steps that stand on the result of a step."""
    for later in survey.analysis.build.steps():
        same = later.stage is step.stage and later.index > step.index
        if same or (later.stage is not step.stage and step.stage in later.stage.lineage()):
            yield later


def _brought(survey: Survey, placement: Placement, made: _Made) -> str | None:
    """The context directory that a copy puts over what was made, where that is not meant and is not mended."""
    path = placement.origin(made.path)
    named = {item.context for item in placement.placed}
    context = placement.context
    if path is None or path in named or context.keeps_out(path) or context.lets_in_some(path):
        return None
    if not any(is_within(path, item) if item else True for item in named):
        return None
    git = context.git_ignores(path)
    here = next(context.walk(path), None) is not None
    if not git and (not here or git is False):
        return None
    if not _is_of(survey, path, made):
        return None
    step = placement.step
    for later in (*survey.analysis.above(step), *step.stage.steps[step.index + 1 :]):
        below = later.stage is step.stage and later.index > step.index
        if below and (
            any(is_within(made.path, item.path) for item in _made_by(survey, later))
            or any(seen.ecosystem.name == made.ecosystem and seen.fetch.kind != "tool" for seen in _seen(survey, later))
        ):
            return None
        after = below or later.instruction.start >= made.call.step.instruction.start
        if after and later.name == "run" and any(_moves(call, made) for call in survey.analysis.run(later).calls):
            return None
    return path


def _is_of(survey: Survey, path: str, made: _Made) -> bool:
    """Whether a context directory is where the tool makes the same on a developer's machine.

    It is if the manifests came from beside it. Files for the image's root and the output of a build have a directory
    of that name for the image's sake.
    """
    step, context = made.call.step, survey.analysis.context
    above = [
        copied for other in survey.analysis.above(step) if (copied := survey.analysis.placement(other)) is not None
    ]
    above += bind_placements(step, context)
    target = made.path
    while path and posixpath.basename(path) == posixpath.basename(target):
        path, target = posixpath.dirname(path), posixpath.dirname(target)
        names = context.names(path)
        if any(
            item.origin(posixpath.join(target, name)) == posixpath.join(path, name) for item in above for name in names
        ):
            return True
    return False


def _seen(survey: Survey, step: Step) -> tuple[Sighting, ...]:
    return survey.sightings(step) if step.name == "run" else ()


def _moves(call: Call, made: _Made) -> bool:
    if call.program not in _MOVING or call.start < made.call.start:
        return False
    paths = [path_of(call, word) for word in call.arguments if not word.startswith("-")]
    return any(path is not None and (is_within(made.path, path) or is_within(path, made.path)) for path in paths)


def _candidate(survey: Survey, placement: Placement, brought: dict[str, _Made]) -> Candidate:
    context, step = placement.context, placement.step
    paths = tuple(brought)
    made = brought[paths[0]]
    here = [path for path in paths if next(context.walk(path), None) is not None]
    keyword, command = step.name.upper(), _short(made.call)
    over = f"over what {command} has made on line {made.call.step.line}"
    if here:
        message = f"{keyword} puts {listed(here, _SHOWN)} of the build context {over}: the image gets the host's copy"
    else:
        exists, them = ("it exists", "it") if len(paths) == 1 else ("they exist", "them")
        message = (
            f"git ignores {listed(paths, _SHOWN)} and the ignore file does not: "
            f"where {exists}, {keyword} puts {them} {over}"
        )
    start = step.instruction.start
    finding = Finding(
        rule=NAME,
        severity=Severity.WARNING,
        message=message,
        start=start,
        end=survey.analysis.dockerfile.line_end(start),
        subject="\n".join(f"{step.stage.index}:{made.ecosystem}:{path}" for path in paths),
        ecosystem=made.ecosystem,
    )
    return Candidate(
        finding, step, (), offer=_offer(survey, placement, brought), allows=Allowance(ignored=frozenset(paths))
    )


def _offer(survey: Survey, placement: Placement, brought: dict[str, _Made]) -> Fix | Refusal:
    paths = tuple(brought)
    assumption = f"nothing that is built from this context is meant to get {listed(paths, _SHOWN)} from it"
    return keep_out(placement.context, paths, assumption, _wanted(survey, placement, brought))


def keep_out(
    context: Context, paths: tuple[str, ...], assumption: str, hindrance: Refusal | None = None
) -> Fix | Refusal:
    """The fix that keeps paths of the context out of it by lines of the ignore file, or why there is none."""
    name = context.ignore_target.name
    if context.ignore_problems:
        number, problem = context.ignore_problems[0]
        where = f"line {number} of {name}: " if number else ""
        return Refusal("ignore-file-broken", f"{where}{problem}")
    if hindrance is not None:
        return hindrance
    if any(_is_odd(path) for path in paths):
        return Refusal("odd-name", f"{listed(paths, _SHOWN)} has a character that {name} reads as a pattern")
    return Fix(
        title=f"add {listed(paths, _SHOWN)} to {name}",
        edits=(),
        applicability=Applicability.UNSAFE,
        pattern="ignore",
        assumptions=(assumption,),
        ignore=paths,
    )


def _wanted(survey: Survey, placement: Placement, brought: dict[str, _Made]) -> Refusal | None:
    """Another step that takes one of the directories from the context, by its name or to where nothing makes it."""
    analysis = survey.analysis
    for step in analysis.build.steps():
        copied = analysis.placement(step)
        for other in (*((copied,) if copied is not None else ()), *bind_placements(step, analysis.context)):
            for path, made in brought.items():
                sources = [posixpath.normpath(source.lstrip("/") or ".") for source in other.sources]
                if any(is_within(source, path) for source in sources):
                    what = f"the {step.name.upper()} on line {step.line} takes {path} from the context by name"
                    return Refusal("wanted-elsewhere", what, step.line)
                elsewhere = other.step is not placement.step and not other.opaque
                if elsewhere and analysis.context.exists(path) and _brings(other, path, made) is False:
                    what = f"the {step.name.upper()} on line {step.line} takes {path} to where nothing installs it"
                    return Refusal("wanted-elsewhere", what, step.line)
    return None


def _brings(other: Placement, path: str, made: _Made) -> bool | None:
    """Whether a copy brings a context path to the place where it was made, or to another one; None if not at all."""
    if not any(item.is_dir and (not item.context or is_within(path, item.context)) for item in other.placed):
        return None
    return other.origin(made.path) == path


def _is_odd(line: str) -> bool:
    return any(mark in line for mark in "*?[]\\\n\r") or line != line.strip() or line.startswith(("!", "#"))


def _short(call: Call) -> str:
    text = " ".join(call.argv)
    return text if len(text) <= 40 else f"{text[:37]}..."
