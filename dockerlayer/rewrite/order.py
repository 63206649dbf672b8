"""Which steps must stay above the download, and whether they may pass the copies that go below it."""

from __future__ import annotations

from collections.abc import Sequence

from dockerlayer.api import SYSTEM_WRITES, Refusal
from dockerlayer.checks.survey import Sighting, Survey, image_needs
from dockerlayer.model.calls import Call
from dockerlayer.model.effects import EVERYTHING, NOTHING, Effect, effect_of, redirections
from dockerlayer.model.files import Placement
from dockerlayer.model.paths import join, overlap
from dockerlayer.model.stages import Step, defined
from dockerlayer.model.variables import VOLATILE, references

STATE = frozenset({"env", "arg", "user", "workdir", "shell"})
_INERT = frozenset(
    {"label", "cmd", "entrypoint", "expose", "healthcheck", "stopsignal", "maintainer", "onbuild", "volume"}
)


class Effects:
    """The effects of steps and calls, with the plugins' knowledge of their own programs."""

    def __init__(self, survey: Survey) -> None:
        self.survey = survey
        self.analysis = survey.analysis

    def of_call(self, call: Call) -> Effect:
        """What a command reads and writes."""
        for seen in self.survey.sightings(call.step):
            if seen.call is call:
                return _of_fetch(seen) | redirections(call)
        for ecosystem in self.survey.ecosystems:
            if ecosystem.effect is not None and ecosystem.answers_to.match(call.program):
                known = ecosystem.effect(call, self.analysis.scene(call.step))
                if known is not None:
                    return known | redirections(call)
        return effect_of(call)

    def of_run(self, step: Step) -> Effect:
        """What a whole RUN reads and writes."""
        run = self.analysis.run(step)
        if not run.script.known or any(mount.kind == "bind" for mount in step.mounts):
            return EVERYTHING
        effect = NOTHING
        for call in run.calls:
            effect |= self.of_call(call)
        return effect

    def of_step(self, step: Step) -> Effect:
        """What any step reads and writes; the state that it changes is not part of this."""
        if step.name == "run":
            return self.of_run(step)
        if step.name in {"copy", "add"}:
            placement = self.analysis.placement(step)
            if placement is not None:
                return Effect(writes=placement.roots())
            return Effect(writes=(step.path(step.instruction.args[-1]),))
        if step.name in STATE or step.name in _INERT:
            return NOTHING
        return EVERYTHING

    def passes(self, effect: Effect, broad: Sequence[Placement], kept: Sequence[Placement]) -> bool:
        """Whether something with this effect may come before the broad copies instead of after them.

        What it reads must not come from them, unless ``kept`` copies bring the same file; what it writes they must not
        write again.
        """
        if effect.everything:
            return False
        for placement in broad:
            for path in effect.reads:
                if placement.brings(path) and not _is_kept(path, placement, kept):
                    return False
            if any(placement.brings(path) for path in effect.writes):
                return False
        return True


def _of_fetch(seen: Sighting) -> Effect:
    fetch = seen.fetch
    if fetch.blocked is not None or fetch.no_narrow is not None or fetch.kind == "build":
        return EVERYTHING
    # Every program and its settings come from the system.
    return Effect(image_needs(fetch) + SYSTEM_WRITES, fetch.writes + (SYSTEM_WRITES if fetch.system else ()))


def _is_kept(path: str, placement: Placement, kept: Sequence[Placement]) -> bool:
    origin = placement.origin(path)
    return origin is not None and any(other.origin(path) == origin for other in kept)


def hoisted(
    effects: Effects,
    between: Sequence[Step],
    broad: Sequence[Placement],
    kept: Sequence[Placement],
    sightings: Sequence[Sighting],
    moving: Effect,
    *,
    download_only: bool,
) -> list[Step] | Refusal:
    """The steps between the first broad copy and the download that must come before the download, in order.

    A refusal when one of them cannot pass a broad copy. ``kept`` are the copies that stay above in any case,
    ``moving`` is the effect of the commands that move up with the download;
    ``download_only`` says that nothing of the project is built or installed above.
    """
    sinking = {placement.step for placement in broad}
    target = moving | Effect(
        tuple(path for seen in sightings for path in (*image_needs(seen.fetch), *seen.fetch.reads)) + SYSTEM_WRITES,
        tuple(path for seen in sightings for path in (*seen.fetch.writes, *_left(seen)))
        + (SYSTEM_WRITES if any(seen.fetch.system for seen in sightings) else ()),
    )
    chosen: list[Step] = []
    for step in reversed(between):
        if step in sinking:
            continue
        if step.name == "volume" and _volume_matters(step, sightings):
            return Refusal("volume-between", f"line {step.line} declares a volume over the project", step.line)
        if step.name in _INERT or _may_wait(step, chosen, sightings, download_only=download_only):
            continue
        if step.name in STATE or _depends(effects, step, target, chosen):
            chosen.append(step)
    chosen.reverse()
    for step in chosen:
        refusal = _may_pass(effects, step, broad, kept)
        if refusal is not None:
            return refusal
    return chosen


def _left(seen: Sighting) -> tuple[str, ...]:
    return seen.fetch.split.writes if seen.fetch.split is not None else ()


def _may_wait(step: Step, chosen: Sequence[Step], sightings: Sequence[Sighting], *, download_only: bool) -> bool:
    """Whether an ARG or ENV can stay below, since nothing above reads it: its value would be in the layers' keys."""
    if step.name not in {"arg", "env"} or any(later.name == "run" for later in chosen):
        return False
    names = defined(step)
    if any(references(later.instruction.logical) & names for later in chosen):
        return False
    if any(references(seen.fetch.split.download) & names for seen in sightings if seen.fetch.split is not None):
        return False
    if not (download_only and step.name == "arg"):
        used = references(" ".join(seen.call.step.instruction.logical for seen in sightings))
        if download_only:
            used = frozenset()
        if names & used or not all(VOLATILE.fullmatch(name) for name in names):
            return False
    return not any(seen.ecosystem.configured_by.match(name) for seen in sightings for name in names)


def _volume_matters(step: Step, sightings: Sequence[Sighting]) -> bool:
    paths = [step.path(word) for word in step.instruction.args]
    return any(overlap(path, seen.fetch.directory) for path in paths for seen in sightings)


def _depends(effects: Effects, step: Step, target: Effect, chosen: Sequence[Step]) -> bool:
    effect = effects.of_step(step)
    if not effect.commutes(target):
        return True
    for later in chosen:
        if later.name in STATE:
            if step.name == "run" or _reads_state(step, later):
                return True
        elif not effect.commutes(effects.of_step(later)):
            return True
    return False


def _reads_state(step: Step, state: Step) -> bool:
    if state.name == "workdir":
        return step.name in {"copy", "add"} and not step.instruction.args[-1].startswith("/")
    return bool(defined(state) & references(step.instruction.logical))


def _may_pass(effects: Effects, step: Step, broad: Sequence[Placement], kept: Sequence[Placement]) -> Refusal | None:
    passed = [placement for placement in broad if placement.step.index < step.index]
    if step.name in STATE:
        for placement in passed:
            if step.name != "workdir" and _reads_state(placement.step, step):
                names = ", ".join(sorted(defined(step)))
                return Refusal("variable-between", f"line {step.line} sets {names}, which a COPY uses", step.line)
        return None
    if effects.passes(effects.of_step(step), passed, kept) or _repeats(effects, step, passed):
        return None
    return Refusal(
        "unknown-step-between",
        f"line {step.line} ({_short(step)}) stands between the copy and the download and may need the source",
        step.line,
    )


def _repeats(effects: Effects, step: Step, passed: Sequence[Placement]) -> bool:
    """Whether a copy brings single files that the broad copies bring to the same place from the same place."""
    placement = effects.analysis.placement(step) if step.name in {"copy", "add"} else None
    if placement is None or not placement.placed:
        return False
    return all(
        not item.is_dir and (not other.brings(item.image) or other.origin(item.image) == item.context)
        for item in placement.placed
        for other in passed
    )


def _short(step: Step) -> str:
    text = " ".join(step.instruction.logical.split())
    return text if len(text) <= 48 else f"{text[:45]}..."


def absolute_target(step: Step) -> str:
    """Where a COPY or ADD goes, whatever the working directory is."""
    return join(step.state.workdir, step.instruction.args[-1])
