"""offline-fed-by-cache-mount: an offline install whose packages are in a cache mount, which may be empty."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import takewhile

from dockerlayer.api import Applicability, Edit, Fix, Refusal, Severity
from dockerlayer.checks.mounts import CacheMount, cache_mounts, call_brings, may_bring, meets, short, use_of
from dockerlayer.checks.shadow import filled_above
from dockerlayer.checks.survey import Allowance, Candidate, Survey, Used
from dockerlayer.findings import Finding
from dockerlayer.model.stages import Step

NAME = "offline-fed-by-cache-mount"
_CUT = "--network=none"
_FLAG = re.compile(rb"--network=none(?:[ \t]+|(?=\\\r?\n))")


def check(survey: Survey) -> Iterator[Candidate]:
    """An install that may not use the network takes its packages from a cache mount.

    Why: a cache mount is kept by one builder, until it is pruned. The layer that filled it stays in the cache longer,
    and reaches other machines where the mount does not: it is then not run again, the mount is empty, and the build
    fails without having been changed.

    Fix safety: safe. The install may use the network again, so that it gets what the mount has not; where it was the
    flags of the RUN that kept it off, they go. Where a variable of the image keeps it off, that is for you to change.
    To stay offline, download into a layer, without the mount, as the good example does.

    References:
    - Dockerfile reference, cache mounts: https://docs.docker.com/reference/dockerfile/#run---mounttypecache
    - Docker, garbage collection of the cache: https://docs.docker.com/build/cache/garbage-collection/
    """
    for step in survey.steps():
        mounts = cache_mounts(survey, step)
        cut = step.flag("network") == "none"
        for used in survey.uses(step) if mounts else ():
            # A call that would download finds the network cut off all the same.
            if not (used.use.takes and used.use.offline) and not (cut and (used.use.takes or used.use.fills)):
                continue
            mount = _feeding(survey, used, mounts)
            if mount is not None:
                yield _candidate(survey, used, mount, cut)


def _feeding(survey: Survey, used: Used, mounts: tuple[CacheMount, ...]) -> CacheMount | None:
    """The mount that an offline call has all its packages from, unless something puts them there first."""
    call, use = used.call, used.use
    if not use.stores or not call.always or _has_another_way(survey, used):
        return None
    mount = next((one for one in mounts if one.hides(use.stores[0])), None)
    if mount is None or mount.seeded:
        return None
    # What a mount of another kind shows there is there in every build.
    if any(one.kind != "cache" and meets(one.target, store) for one in call.step.mounts for store in use.stores):
        return None
    # Nor does an install fail that also looks where a step above has put something.
    seen = [store for store in use.stores[1:] if not any(one.hides(store) for one in mounts)]
    if any(_placed(survey, step, store) for step in survey.analysis.above(call.step) for store in seen):
        return None
    before = takewhile(lambda other: other is not call, survey.analysis.run(call.step).calls)
    if any(call_brings(survey, other, use.stores[0]) for other in before):
        return None
    filler = _filler(survey, mount, use.stores[0])
    if filler is not None and _leaves_more(survey, filler):
        return None
    # Packages that are in the layer, behind the mount, are another rule's.
    return mount if filled_above(survey, mount, used) is None else None


def _placed(survey: Survey, step: Step, store: str) -> bool:
    """Whether a step puts something at an image path that no tool has downloaded there."""
    if step.name != "run":
        return may_bring(survey, step, store)
    calls = survey.analysis.run(step).calls
    return any(use_of(survey, call) is None and call_brings(survey, call, store) for call in calls)


def _leaves_more(survey: Survey, filler: Used) -> bool:
    """Whether what fills the mount leaves something in its layer too, which may be all that the install needs."""
    step = filler.call.step
    sightings = survey.sightings(step)
    written = [path for seen in sightings if seen.call is filler.call for path in seen.fetch.writes]
    return any(
        not any(one.kind == "cache" and meets(path, one.target) for one in step.mounts)
        and not any(meets(path, store) for store in filler.use.stores)
        for path in (*written, *filler.use.leaves)
    )


def _has_another_way(survey: Survey, used: Used) -> bool:
    """Whether a failure of the call is met by what follows it."""
    calls = survey.analysis.run(used.call.step).calls
    return any("or" in other.guards and other.segment == used.call.segment for other in calls)


def _candidate(survey: Survey, used: Used, mount: CacheMount, cut: bool) -> Candidate:
    call = used.call
    offline = used.use.offline or _CUT
    filler = _filler(survey, mount, used.use.stores[0])
    then = f"stays cached when the mount on {mount.target} is pruned, and then {short(call)} fails"
    message = (
        f"with {offline} all packages must come from the cache mount on {mount.target}, which nothing fills: "
        f"{short(call)} fails"
        if filler is None
        else f"{short(filler.call)} on line {filler.call.step.line} {then}, for {offline} keeps it off the network"
    )
    finding = Finding(
        rule=NAME,
        severity=Severity.ERROR if filler is None else Severity.WARNING,
        message=message,
        start=call.start,
        end=call.end,
        subject=f"{call.step.stage.index}:{used.ecosystem.name}:{' '.join(call.argv)}",
        help="a cache mount may be empty in any build: what is needed offline belongs into a layer",
        ecosystem=used.ecosystem.name,
    )
    flags = frozenset({"network"}) if cut else frozenset()
    steps = (call.step,) if cut else ()
    allows = Allowance(calls=(call,), flags=flags, steps=steps)
    return Candidate(finding, call.step, (), offer=_offer(survey, used, cut), allows=allows)


def _filler(survey: Survey, mount: CacheMount, path: str) -> Used | None:
    """The call of another step that fills the mount."""
    for step in survey.analysis.build.steps():
        if step is mount.step or not any(one.kind == "cache" and one.target == mount.target for one in step.mounts):
            continue
        for used in survey.uses(step):
            use = used.use
            if any(meets(path, place) for place in (*(use.stores if use.fills else ()), *use.leaves)):
                return used
    return None


def _offer(survey: Survey, used: Used, cut: bool) -> Fix | Refusal:
    edits = used.use.online
    if used.use.offline not in {"", _CUT} and not edits:
        what = f"what keeps {short(used.call)} off the network ({used.use.offline}) is not in its own words"
        return Refusal("not-in-the-call", what, used.call.step.line)
    if cut:
        edits += _without_network(survey, used.call.step)
    title = f"let {short(used.call)} download what the mount has not"
    return Fix(title, edits, Applicability.SAFE, "online")


def _without_network(survey: Survey, step: Step) -> tuple[Edit, ...]:
    data, instruction = survey.analysis.dockerfile.data, step.instruction
    for found in _FLAG.finditer(data, instruction.start, instruction.args_start):
        if not any(start <= found.start() < end for start, end in instruction.inner_comments):
            return (Edit(*found.span(), b""),)
    return ()
