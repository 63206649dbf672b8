"""useless-cache-mount: a cache mount that its tool does not use, or that is of no use to it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from dockerlayer.api import Applicability, Call, Fix, Mend, Refusal, Severity
from dockerlayer.checks.mounts import (
    ROOT,
    CacheMount,
    below,
    cache_mounts,
    covered,
    effect,
    meets,
    retargeted,
    short,
    sources,
    use_of,
    users,
)
from dockerlayer.checks.survey import Allowance, Candidate, Survey, Used
from dockerlayer.findings import Finding
from dockerlayer.model.stages import Step

NAME = "useless-cache-mount"


def check(survey: Survey) -> Iterator[Candidate]:
    """A cache mount is not where the tool keeps its downloads, or the tool is told to keep none.

    Why: where a tool keeps what it downloads depends on its version, on the user, and on variables and settings. A
    mount elsewhere stays empty, and an option that turns the cache off makes one in the right place useless: every
    build that runs the step downloads everything again, while the file looks as if it did not.

    Fix safety: safe for root. A mount for another user must belong to that user, and so must the directories above it,
    which the builder makes for root where they are missing: with the user's number the fix is unsafe, with a name alone
    it is only told. A mount stays where a later step takes from the layer what it would keep out. An option that turns
    the cache off is taken away where nothing else depends on it.

    References:
    - Docker, use cache mounts: https://docs.docker.com/build/cache/optimize/#use-cache-mounts
    - Dockerfile reference, cache mounts: https://docs.docker.com/reference/dockerfile/#run---mounttypecache
    """
    for step in survey.steps():
        mounts = cache_mounts(survey, step)
        for used in survey.uses(step) if mounts else ():
            if used.use.fills and used.use.stores and used.call.always:
                yield from _missed(survey, used, mounts)
                yield from _defeated(survey, used, mounts)


def _missed(survey: Survey, used: Used, mounts: Sequence[CacheMount]) -> Iterator[Candidate]:
    """The mount that is meant for the downloads of a call and lies elsewhere."""
    pattern = used.ecosystem.cache_names
    if not pattern or any(covered(used.call.step, store) for store in used.use.stores):
        return
    meant = [mount for mount in mounts if re.search(pattern, mount.target)]
    if len(meant) != 1 or _is_used(survey, meant[0], ()):
        return
    mount, store = meant[0], used.use.stores[0]
    who = f" as user {used.call.user}" if used.call.user not in ROOT else ""
    message = f"{short(used.call)} keeps its downloads in {store}{who}: the cache mount on {mount.target} stays empty"
    allows = Allowance(flags=frozenset({"cache-mount"}), steps=(used.call.step,))
    yield _candidate(used, mount, message, "", _moved(survey, used, mount), allows)


def _is_used(survey: Survey, mount: CacheMount, but: Sequence[Call]) -> bool:
    """Whether something beside some calls may work in a mount: by what it does, or because its place is named."""
    if users(survey, mount, but):
        return True
    step, data = mount.step, survey.analysis.dockerfile.data
    script = data[step.instruction.args_start : step.instruction.end].decode("utf-8", "surrogateescape")
    named = (script, *step.state.values.values())
    return any(mount.target in text for text in named)


def _moved(survey: Survey, used: Used, mount: CacheMount) -> Fix | Refusal:
    user, store = used.call.user, used.use.stores[0]
    later = _wanting(survey, mount.step, store)
    if later is not None:
        what = f"line {later.line} takes what is in {store} from the layer, where a mount would keep it out"
        return Refusal("wanted-later", what, later.line)
    title = f"put the cache mount on {store}"
    if user in ROOT and not mount.owned:
        edit = retargeted(survey, mount, store)
        return Fix(title, (edit,), Applicability.SAFE, "mount") if edit else _odd(mount)
    numbers = re.fullmatch(r"(\d+)(?::(\d+))?", user or "")
    if numbers is None:
        what = f"the mount must belong to {user}, whose number (uid=) the Dockerfile does not tell"
        return Refusal("unknown-owner", what, mount.step.line)
    owner = "" if mount.owned else f",uid={numbers[1]}" + (f",gid={numbers[2]}" if numbers[2] else "")
    edit = retargeted(survey, mount, store, owner)
    if edit is None:
        return _odd(mount)
    assumes = f"the directories above {store} are there and belong to {user}"
    return Fix(title, (edit,), Applicability.UNSAFE, "mount", (assumes,))


def _wanting(survey: Survey, step: Step, store: str) -> Step | None:
    """The first later step that takes from the layer what a step leaves at a path."""
    for later in survey.analysis.build.steps():
        for origin, source in sources(later):
            stage = survey.analysis.build.stage_named(origin, later.stage.index)
            if stage is not None and step.stage in stage.lineage() and ("$" in source or meets(source, store)):
                return later
    for later in below(survey, step):
        if later.name != "run" or covered(later, store):
            continue
        if later.flag("network") == "none":
            return later
        for used in survey.uses(later):
            if any(meets(place, store) for place in used.use.stores):
                return later
        for call in survey.analysis.run(later).calls:
            known = use_of(survey, call) is None and effect(survey, call)
            if known and not known.everything and any(meets(place, store) for place in known.reads):
                return later
    return None


def _odd(mount: CacheMount) -> Refusal:
    return Refusal("odd-mount", "the mount is read-only, or not written plainly enough to move it", mount.step.line)


def _defeated(survey: Survey, used: Used, mounts: Sequence[CacheMount]) -> Iterator[Candidate]:
    """The mount over the store of a call that makes no use of it."""
    mend, store = used.use.defeated, used.use.stores[0]
    mount = next((one for one in mounts if one.hides(store)), None)
    equals = _equals(survey, used)
    blamed = [other.use.defeated.by for other in equals if other.use.defeated is not None]
    if mend is None or mount is None:
        return
    if users(survey, mount, [*(other.call for other in equals), *(call for call in blamed if call is not None)]):
        return
    message = f"the cache mount on {mount.target} is of no use to {short(used.call)}: {mend.message}"
    # What is left of several commands that are defeated alike would use the mount, and hide what the others miss.
    fix, together = _mended(mend), [other for other in equals if meets(other.use.stores[0], store)]
    for other in together:
        more = _mended(other.use.defeated) if other.use.defeated is not None else None
        fix = _together(fix, more) if fix is not None and more is not None else fix
    blamed = [other.use.defeated.by for other in together if other.use.defeated is not None]
    calls = (*(other.call for other in together), *(call for call in blamed if call is not None))
    yield _candidate(used, mount, message, mend.help, fix, Allowance(calls=calls))


def _equals(survey: Survey, used: Used) -> list[Used]:
    """The calls of the RUN that are defeated as well, the call itself among them."""
    return [other for other in survey.uses(used.call.step) if other.use.defeated is not None and other.use.stores]


def _together(one: Fix, other: Fix) -> Fix:
    """Both fixes in one, where they do not get into each other's way."""
    more = tuple(edit for edit in other.edits if edit not in one.edits)
    if any(edit.start < mine.end and mine.start < edit.end for edit in more for mine in one.edits):
        return one
    return one._replace(
        edits=one.edits + more,
        applicability=max(one.applicability, other.applicability, key=list(Applicability).index),
        assumptions=tuple(dict.fromkeys(one.assumptions + other.assumptions)),
    )


def _mended(mend: Mend) -> Fix | None:
    if not mend.edits:
        return None
    applicability = Applicability.UNSAFE if mend.assumptions else Applicability.SAFE
    return Fix(mend.title, mend.edits, applicability, "words", mend.assumptions)


def _candidate(
    used: Used, mount: CacheMount, message: str, advice: str, offer: Fix | Refusal | None, allows: Allowance
) -> Candidate:
    call = used.call
    finding = Finding(
        rule=NAME,
        severity=Severity.WARNING,
        message=message,
        start=mount.start,
        end=mount.end,
        subject=f"{call.step.stage.index}:{used.ecosystem.name}:{' '.join(call.argv)}",
        help=advice,
        ecosystem=used.ecosystem.name,
    )
    return Candidate(finding, call.step, (), offer=offer, allows=allows)
