"""workspace-drift: the manifests of a workspace are copied by a list that is kept by hand, and the list is not true."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator

from dockerlayer.api import Fetch, Scene, join
from dockerlayer.checks.survey import Candidate, Sighting, Survey
from dockerlayer.findings import Finding, Severity, listed
from dockerlayer.model.calls import Call
from dockerlayer.model.files import Placement
from dockerlayer.model.paths import overlap
from dockerlayer.model.stages import Step

NAME = "workspace-drift"
_SWALLOWING = frozenset({"true", ":", "echo", "printf"})
_WILD = re.compile(r"[*?\[]")
_SHOWN = 3


def check(survey: Survey) -> Iterator[Candidate]:
    """A hand-kept list of manifest COPYs misses a member of the workspace, or names one that is gone.

    Why: most package managers install nothing for a member whose manifest is not there and still succeed. The list
    was right when it was written; since then a member was added, moved or removed, and the image lacks what it needs.

    Fix safety: unsafe. A member that is missing brings more packages into the image: the fix assumes that they can be
    had during the build. For a name that is gone it assumes that nothing makes the file before the image is built. A
    failure that is hidden by `|| true` is reported only.

    References:
    - LanternOps/breeze#2689: https://github.com/LanternOps/breeze/pull/2689
    - Deodat-Lawson/LaunchStack#370: https://github.com/Deodat-Lawson/LaunchStack/pull/370
    """
    for step in survey.steps():
        scene = survey.analysis.scene(step)
        gone: set[tuple[Step, str]] = set()
        for seen in survey.sightings(step):
            if seen.fetch.origin is None or not seen.fetch.members or _is_unreadable(scene, seen.fetch):
                continue
            yield from _missing(survey, step, seen)
            yield from _hidden(survey, step, seen)
            for placement, source in _absent(scene, seen):
                if (placement.step, source) not in gone:
                    gone.add((placement.step, source))
                    yield _gone(survey, seen, placement, source)


def _is_unreadable(scene: Scene, fetch: Fetch) -> bool:
    """Whether something fills the project that cannot be told from the text: a list may then be complete after all."""
    opaque = (placement.target.rstrip("/") or "/" for placement in scene.placements if placement.opaque)
    return any(overlap(path, fetch.directory) for path in (*opaque, *scene.received))


def _missing(survey: Survey, step: Step, seen: Sighting) -> Iterator[Candidate]:
    fetch, scene = seen.fetch, survey.analysis.scene(step)
    absent = [member for member in fetch.members if not scene.has(join(fetch.directory, member))]
    later = {member: _brought_later(survey, step, fetch, member) for member in absent}
    missed = [member for member in absent if later[member]]
    # A list with nobody on it is one only where the same stage gets the source: elsewhere a part may be all it wants.
    some = len(absent) < len(fetch.members)
    if not missed or not (some or any(other.stage is step.stage for other in later[missed[0]])):
        return
    paths = [_in_context(fetch, member) for member in missed]
    line = min(other.line for other in later[missed[0]])
    verb, those, they = ("is", "it", "its source comes") if len(paths) == 1 else ("are", "them", "their source comes")
    message = (
        f"{listed(paths, _SHOWN)} {verb} not there when {_short(seen.call)} runs, which {_consequence(fetch, those)}; "
        f"{they} on line {line}"
    )
    yield Candidate(
        _finding(seen, message, seen.call.start, seen.call.end, *(f"missing {path}" for path in paths)),
        step,
        (seen,),
        adds=frozenset(paths),
    )


def _consequence(fetch: Fetch, those: str) -> str:
    return re.sub(r"\bit\b", those, fetch.without_member or "does not see it")


def _brought_later(survey: Survey, step: Step, fetch: Fetch, member: str) -> list[Step]:
    """The copies that bring a member to its place where the call can no longer see it, in this stage or another."""
    image, path = join(fetch.directory, member), _in_context(fetch, member)
    above = {placement.step for placement in survey.analysis.scene(step).placements}
    found = []
    for other in survey.analysis.build.steps():
        placement = survey.analysis.placement(other)
        if placement is not None and other not in above and placement.origin(image) == path:
            found.append(other)
    return found


def _hidden(survey: Survey, step: Step, seen: Sighting) -> Iterator[Candidate]:
    call = seen.call
    for other in survey.analysis.run(step).calls:
        after = other.segment == call.segment and other.start > call.start and "or" in other.guards
        if after and (other.program in _SWALLOWING or other.argv[:2] == ("exit", "0")):
            message = f"{_short(call)} may fail unseen, since {' '.join(other.argv)!r} hides it: a member that is "
            message += "missing or broken is then simply not in the image"
            yield Candidate(_finding(seen, message, call.start, other.end, "hidden"), step, (seen,))
            return


def _absent(scene: Scene, seen: Sighting) -> Iterator[tuple[Placement, str]]:
    """The single files by the name of a member's manifest that a COPY names and the context has not."""
    names = {posixpath.basename(member) for member in seen.fetch.members}
    for placement in scene.placements:
        for source in () if placement.opaque else placement.sources:
            path = posixpath.normpath(source.lstrip("/"))
            if posixpath.basename(path) in names and not _WILD.search(path) and not scene.context.exists(path):
                yield placement, path


def _gone(survey: Survey, seen: Sighting, placement: Placement, source: str) -> Candidate:
    hidden = placement.context.hidden(source)
    why = "which the ignore file keeps out of the build context" if hidden else "which the build context has not"
    then = "it is passed over in silence" if "parents" in placement.step.flags else "the build stops here"
    message = f"{placement.step.name.upper()} names {source}, {why}: {then}"
    start = placement.step.instruction.start
    end = survey.analysis.dockerfile.line_end(start)
    drops = frozenset() if hidden else frozenset({source})
    return Candidate(_finding(seen, message, start, end, f"gone {source}"), placement.step, (seen,), drops=drops)


def _finding(seen: Sighting, message: str, start: int, end: int, *about: str) -> Finding:
    where = f"{seen.call.step.stage.index}:{seen.ecosystem.name}"
    return Finding(
        rule=NAME,
        severity=Severity.WARNING,
        message=message,
        start=start,
        end=end,
        subject="\n".join(f"{where}:{what}" for what in about),
        help="",
        ecosystem=seen.ecosystem.name,
    )


def _in_context(fetch: Fetch, member: str) -> str:
    return posixpath.normpath(posixpath.join(fetch.origin or "", member))


def _short(call: Call) -> str:
    text = " ".join(call.argv)
    return text if len(text) <= 40 else f"{text[:37]}..."
