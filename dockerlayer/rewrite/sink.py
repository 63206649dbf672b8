"""Moving an ARG that changes with each build, and what is made of it, below the downloads that do not use it."""

from __future__ import annotations

from dockerlayer.api import Ecosystem, Refusal
from dockerlayer.checks.survey import Candidate, Survey
from dockerlayer.checks.volatile import METADATA, labels_only, mentions
from dockerlayer.findings import Applicability, Fix
from dockerlayer.model.stages import Step, defined
from dockerlayer.model.variables import changes_each_build
from dockerlayer.rewrite.chunks import chunks_of, region_edits
from dockerlayer.rewrite.order import Effects
from dockerlayer.rewrite.plan import start_of
from dockerlayer.rewrite.runs import newline_of
from dockerlayer.rewrite.spacing import set_apart

PATTERN = "sink"


def sink(survey: Survey, candidate: Candidate) -> Fix | Refusal:
    """The ARG moved to directly below the last of the candidate's downloads, or why it must stay."""
    step, names = candidate.step, candidate.allows.variables
    if step.name != "arg":
        return Refusal("not-a-variable", f"line {step.line} brings files: whether all below do without is not proven")
    last = candidate.sightings[-1].call.step
    if last.stage is not step.stage:
        where = last.stage.label
        return Refusal("other-stage", f"the download is in stage {where}, which starts from this one", step.line)
    end = last.index + 1
    while end < len(step.stage.steps) and _is_sunk(step.stage.steps[end]):
        end += 1
    passed = step.stage.steps[step.index + 1 : end]
    moving = [step, *(later for later in passed if _goes_along(later, passed, names))]
    for one in moving:
        if one.name in {"arg", "env"} and len(defined(one)) > 1:
            return Refusal("several-variables", f"line {one.line} sets several variables at once", one.line)
    effects = Effects(survey)
    assumptions: dict[str, None] = {}
    for one in passed:
        if one in moving:
            continue
        if one.name == "run" and effects.of_run(one).everything:
            if not labels_only(step, names):
                return Refusal("unknown-step-between", f"line {one.line} may read the variable", one.line)
            assumptions[f"nothing that line {one.line} runs reads {' or '.join(sorted(names))}"] = None
        if one.name in {"shell", "onbuild"} or (one.name not in METADATA and mentions(one, names)):
            return Refusal("variable-between", f"line {one.line} may use the variable", one.line)
        for ecosystem in _told_by_any(survey, one, names):
            assumptions[f"{ecosystem.title} does not read {' or '.join(sorted(names))} when it installs"] = None
    old = chunks_of(survey.analysis.dockerfile, [step, *passed])
    newline = newline_of(survey.analysis.dockerfile.data, step.instruction)
    staying = [chunk for chunk in old if chunk.step not in moving]
    sunk = [chunk for chunk in old if chunk.step in moving]
    sunk[0] = sunk[0]._replace(lead=b"")
    new = set_apart(survey.analysis.dockerfile, old, [*staying, *sunk], newline)
    edits = region_edits(start_of(old[0]), old, new, newline)
    title = f"move {', '.join(sorted(names))} below the download"
    applicability = Applicability.UNSAFE if assumptions else Applicability.SAFE
    return Fix(title, edits, applicability, PATTERN, tuple(assumptions))


def _is_sunk(step: Step) -> bool:
    """Whether an ARG stands where this fix puts one: the next goes below it, so that they keep their order."""
    words = [word.partition("=") for word in step.instruction.args] if step.name == "arg" else []
    return bool(words) and all(changes_each_build(name, value if equals else None) for name, equals, value in words)


def _goes_along(step: Step, passed: list[Step], names: frozenset[str]) -> bool:
    """Whether a step is made of the variables; the labels below one that is follow, so that they keep their order."""
    if step.name == "env":
        return bool(defined(step) & names)
    return step.name == "label" and any(
        mentions(other, names) for other in passed if other.name == "label" and other.index <= step.index
    )


def _told_by_any(survey: Survey, step: Step, names: frozenset[str]) -> list[Ecosystem]:
    """The tools of a RUN that may be told by a variable of any name."""
    seen = survey.sightings(step) if step.name == "run" else ()
    return [one.ecosystem for one in seen if any(one.ecosystem.configured_by.match(name) for name in names)]
