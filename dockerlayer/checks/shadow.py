"""mount-shadows-layer: what a step needs of the layer, or leaves in it for others, is hidden by a cache mount."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from typing import NamedTuple

from dockerlayer.api import Applicability, Fix, Refusal, Severity, is_within, join
from dockerlayer.checks.mounts import (
    ROOT,
    CacheMount,
    below,
    cache_mounts,
    call_brings,
    covered,
    effect,
    may_bring,
    meets,
    names,
    retargeted,
    short,
    sources,
    stage_steps,
    use_of,
    users,
    without,
)
from dockerlayer.checks.survey import Allowance, Candidate, Survey, Used
from dockerlayer.findings import Finding
from dockerlayer.model.stages import Stage, Step

NAME = "mount-shadows-layer"
_TAKERS = frozenset({"cp", "mv", "install", "strip"})
_WILD = re.compile(r"[*?\[]")


class Hidden(NamedTuple):
    """Why a mount is in the way: ``path`` is what is missed, ``by`` the call that made it.

    ``before`` says that earlier steps made it: ``by`` is then the call of the mount's RUN that wants it.
    """

    path: str
    by: Used
    severity: Severity
    message: str
    before: bool = False


def check(survey: Survey) -> Iterator[Candidate]:
    """A cache mount hides what is meant to be in the layer.

    Why: what a RUN writes below a cache mount is on the builder alone: it is neither in the layer, nor in the image,
    nor there for the next RUN or for `COPY --from`. And what earlier steps put there is not seen by a RUN with such a
    mount. The build fails then, or downloads again what it had.

    Fix safety: the fix takes the mount off the RUN, so that the layer holds the content; where only a file of settings
    is hidden, the mount is put over the packages alone. It is safe where root runs the command and nothing else in the
    RUN works in the mount, else unsafe. It is refused where the place would then hold what other steps put there. A
    mount of build results is worth more beside a `cp` that brings the result out of it in the same RUN, but which
    files that are only you know.

    References:
    - Dockerfile reference, cache mounts: https://docs.docker.com/reference/dockerfile/#run---mounttypecache
    - moby/buildkit#2147: https://github.com/moby/buildkit/issues/2147
    """
    for step in survey.steps():
        for mount in cache_mounts(survey, step) if survey.uses(step) else ():
            hidden = _missed_later(survey, mount) or _hidden_before(survey, mount)
            if hidden is not None:
                yield _candidate(survey, mount, hidden)


def _missed_later(survey: Survey, mount: CacheMount) -> Hidden | None:
    """What the RUN leaves below its mount and a later step wants from the layer."""
    for used in survey.uses(mount.step):
        use = used.use
        for path in use.leaves:
            if mount.hides(path):
                found = (
                    _copied(survey, mount, used, path)
                    or _started(survey, mount, used, path)
                    or _wanted(survey, mount, used, path)
                )
                if found is not None:
                    return found
        if only_fills(survey, used) and mount.hides(use.stores[0]):
            found = _wanted(survey, mount, used, use.stores[0])
            if found is not None:
                return found
    return None


def _copied(survey: Survey, mount: CacheMount, used: Used, path: str) -> Hidden | None:
    """A ``COPY --from``, or a bind mount from the stage, of what lies below the mount."""
    for later in survey.analysis.build.steps():
        for origin, source in sources(later):
            stage = survey.analysis.build.stage_named(origin, later.stage.index)
            if stage is None or mount.step.stage not in stage.lineage() or "$" in source:
                continue
            wild = _WILD.search(source)
            place = posixpath.dirname(source[: wild.start()]) if wild else source
            if not mount.hides(place) or not meets(place, path) or _comes_otherwise(survey, stage, mount, place):
                continue
            what = "has nothing to copy" if later.name != "run" else "has nothing to mount"
            message = (
                f"what {short(used.call)} leaves in {path} is only in the cache mount on {mount.target}: "
                f"line {later.line} {what} at {source}"
            )
            return Hidden(path, used, Severity.ERROR, message)
    return None


def _comes_otherwise(survey: Survey, stage: Stage, mount: CacheMount, path: str) -> bool:
    """Whether another step of a stage may have put something at a path, or a later one is meant to."""
    steps = tuple(stage_steps(stage))
    later = steps[steps.index(mount.step) + 1 :]
    return any(step is not mount.step and may_bring(survey, step, path) for step in steps) or any(
        meets(path, place) for step in later for used in survey.uses(step) for place in used.use.leaves
    )


def _started(survey: Survey, mount: CacheMount, used: Used, path: str) -> Hidden | None:
    """A CMD or ENTRYPOINT of the image that names what lies below the mount."""
    stage = survey.analysis.build.stages[-1]
    if mount.step.stage not in stage.lineage() or _comes_otherwise(survey, stage, mount, path):
        return None
    last = {step.name: step for step in stage_steps(stage) if step.name in {"cmd", "entrypoint"}}
    for step in last.values():
        words = step.instruction.args if step.instruction.json else step.instruction.logical.split()[1:]
        for word in words:
            place = join(stage.final.workdir, word) if "/" in word and "$" not in word else ""
            if place != path and mount.hides(place) and is_within(place, path):
                message = (
                    f"what {short(used.call)} leaves in {path} is only in the cache mount on {mount.target}: "
                    f"the image has no {word}, which line {step.line} starts"
                )
                return Hidden(path, used, Severity.ERROR, message)
    return None


def _wanted(survey: Survey, mount: CacheMount, used: Used, path: str) -> Hidden | None:
    """A later RUN without such a mount that takes what lies below this one."""
    for later in below(survey, mount.step):
        if later.name != "run":
            if may_bring(survey, later, path):
                return None
            continue
        if covered(later, path):
            return None
        run = survey.analysis.run(later)
        if not run.script.known:
            return None
        uses = {id(other.call): other for other in survey.uses(later)}
        for call in run.calls:
            other = uses.get(id(call))
            if (
                other is None
                and call.program in _TAKERS
                and any(names(call, word, path) for word in _taken(call.arguments))
            ):
                message = (
                    f"what {short(used.call)} leaves in {path} is only in the cache mount on {mount.target}: "
                    f"{short(call)} on line {later.line} does not see it"
                )
                return Hidden(path, used, Severity.ERROR, message)
            if other is not None and _takes(survey, used, other, path):
                return _starved(mount, used, other, path)
            if call_brings(survey, call, path):
                return None
    return None


def _takes(survey: Survey, used: Used, other: Used, path: str) -> bool:
    """Whether a call works from what another one put at a path."""
    if only_fills(survey, other) or not any(meets(store, path) for store in other.use.stores):
        return False
    related = other.ecosystem is used.ecosystem or bool(other.use.offline)
    return related and (other.use.takes or other.use.fills)


def _taken(arguments: tuple[str, ...]) -> tuple[str, ...]:
    operands = tuple(word for word in arguments if not word.startswith("-"))
    return operands[:-1] if len(operands) > 1 else operands


def _starved(mount: CacheMount, used: Used, other: Used, path: str) -> Hidden:
    offline = other.use.offline or ("--network=none" if other.call.step.flag("network") == "none" else "")
    start = f"what {short(used.call)} gets is only in the cache mount on {mount.target}: "
    who = f"{short(other.call)} on line {other.call.step.line}"
    if offline:
        message = f"{start}{who} does not see it and, with {offline}, fails"
        return Hidden(path, used, Severity.ERROR, message)
    if not other.use.fills:
        return Hidden(path, used, Severity.ERROR, f"{start}{who} does not see it and fails")
    return Hidden(path, used, Severity.WARNING, f"{start}{who} does not see it and downloads it again")


def _hidden_before(survey: Survey, mount: CacheMount) -> Hidden | None:
    """What is in the layer, below the mount, and wanted by the RUN."""
    if mount.seeded:
        return None
    for used in survey.uses(mount.step):
        use, call = used.use, used.call
        if not call.always or not any(meets(place, mount.target) for place in (*use.stores, *use.leaves)):
            continue
        if any(earlier.start < call.start for earlier in users(survey, mount, (call,))):
            return None
        wants = (use.takes or use.fills) and not only_fills(survey, used)
        if wants and use.stores and mount.hides(use.stores[0]):
            filled = filled_above(survey, mount, used)
            if filled is not None:
                return _unseen(mount, used, filled)
        placed = _placed(survey, mount)
        if placed is not None:
            step, path = placed
            message = f"the cache mount on {mount.target} hides {path}, which line {step.line} put there, from "
            return Hidden(path, used, Severity.WARNING, f"{message}{short(call)}", before=True)
    return None


def filled_above(survey: Survey, mount: CacheMount, wanting: Used) -> Used | None:
    """The call above that downloaded into the layer, where a mount hides it now, what a call wants."""
    path = wanting.use.stores[0]
    for step in reversed(tuple(survey.analysis.above(mount.step))):
        if step.name != "run" or any(one.kind == "cache" and meets(path, one.target) for one in step.mounts):
            continue
        for used in survey.uses(step):
            fills = only_fills(survey, used) and meets(used.use.stores[0], path)
            related = used.ecosystem is wanting.ecosystem or bool(wanting.use.offline)
            if related and used.call.always and (fills or any(meets(place, path) for place in used.use.leaves)):
                return used
    return None


def only_fills(survey: Survey, used: Used) -> bool:
    """Whether a call downloads for others and does nothing else."""
    use = used.use
    if not use.fills or not use.stores or use.leaves:
        return False
    return any(seen.call is used.call and seen.fetch.kind == "download" for seen in survey.sightings(used.call.step))


def _unseen(mount: CacheMount, used: Used, filled: Used) -> Hidden:
    offline = used.use.offline or ("--network=none" if mount.step.flag("network") == "none" else "")
    start = (
        f"the cache mount on {mount.target} hides what {short(filled.call)} on line {filled.call.step.line} put into "
        f"the layer: {short(used.call)} "
    )
    store = used.use.stores[0]
    if offline:
        message = f"{start}fails when the mount is empty, for it has {offline}"
        return Hidden(store, used, Severity.ERROR, message, before=True)
    message = f"{start}downloads it again when the mount is empty"
    return Hidden(store, used, Severity.WARNING, message, before=True)


def _placed(survey: Survey, mount: CacheMount) -> tuple[Step, str] | None:
    """A file or directory that a COPY named for a place below the mount, and that no mount brings back."""
    for placement in survey.analysis.scene(mount.step).placements:
        for item in placement.placed:
            back = any(one.kind != "cache" and meets(item.image, one.target) for one in mount.step.mounts)
            if mount.hides(item.image) and not back and not is_within(mount.step.state.workdir, item.image):
                return placement.step, item.image
    return None


def _candidate(survey: Survey, mount: CacheMount, hidden: Hidden) -> Candidate:
    used = hidden.by
    finding = Finding(
        rule=NAME,
        severity=hidden.severity,
        message=hidden.message,
        start=mount.start,
        end=mount.end,
        subject=f"{mount.step.stage.index}:{used.ecosystem.name}:{mount.target}",
        help="what a RUN writes below a cache mount is not in the layer, and what the layer has there it does not see",
        ecosystem=used.ecosystem.name,
    )
    allows = Allowance(flags=frozenset({"cache-mount"}), steps=(mount.step,))
    return Candidate(finding, mount.step, (), offer=_offer(survey, mount, hidden), allows=allows)


def _offer(survey: Survey, mount: CacheMount, hidden: Hidden) -> Fix | Refusal:
    store = next(iter(hidden.by.use.stores), "")
    if hidden.before and store != mount.target and mount.hides(store) and not meets(store, hidden.path):
        edit = retargeted(survey, mount, store)
        if edit is not None and mount.step.state.user in ROOT:
            return Fix(f"mount {store} alone", (edit,), Applicability.SAFE, "mount")
    line = mount.step.line
    is_made = any(meets(hidden.path, place) for place in hidden.by.use.leaves)
    if is_made and not hidden.before:
        above = (step for step in survey.analysis.above(mount.step) if may_bring(survey, step, mount.target))
        other = next(above, None)
        if other is not None:
            return Refusal("other-content", f"line {other.line} may put something into {mount.target} as well", line)
    return _taken_off(survey, mount, hidden)


def _taken_off(survey: Survey, mount: CacheMount, hidden: Hidden) -> Fix | Refusal:
    """The RUN without the mount; what its commands leave there is in the layer then."""
    step, assumptions = mount.step, []
    if step.state.user not in ROOT or mount.owned:
        assumptions.append(f"{step.state.user or 'the user'} may write to {mount.target}")
    for call in users(survey, mount, (hidden.by.call,)):
        use = use_of(survey, call)
        if use is None and effect(survey, call).everything:
            assumptions.append(f"{short(call)} needs nothing that the mount kept")
        elif use is not None and use.offline and not hidden.before:
            return Refusal("needs-mount", f"{short(call)} takes what it needs from the mount", step.line)
    in_image = survey.analysis.build.stages[-1].lineage()
    where = "in the image" if step.stage in in_image else "in the layer, not in the image"
    note = f"what is left in {mount.target} is then {where}, and all of it is made anew when the layer is"
    applicability = Applicability.UNSAFE if assumptions else Applicability.SAFE
    title = f"take the cache mount off {mount.target}"
    return Fix(title, (without(survey, mount),), applicability, "mount", tuple(assumptions), (note,))
