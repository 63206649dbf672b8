"""The guard: a rewritten file is read again from its bytes, and must still be the same build.

What it holds the rewrite to: no new error; the finding is gone and no other appeared; every stage keeps its
configuration, its files and its commands, each command in the state it ran in; comments survive, and those that tools
bind to an instruction still stand on one of its kind. What fails is not offered.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence

from dockerlayer.checks import order, overwrite, redundant
from dockerlayer.checks.rules import candidates, check_syntax, told_rules
from dockerlayer.checks.suppressions import parted
from dockerlayer.checks.survey import Allowance, Candidate, Survey
from dockerlayer.checks.volatile import mentions
from dockerlayer.findings import Applicability, Fix, Refusal, apply
from dockerlayer.model.context import Context
from dockerlayer.model.files import Placed
from dockerlayer.model.layers import Analysis
from dockerlayer.model.paths import is_within
from dockerlayer.model.stages import Stage
from dockerlayer.model.suppressions import IGNORE, suppressions_of
from dockerlayer.rewrite.chains import Chain, own_flags, paired, problem_of
from dockerlayer.rewrite.chunks import PRAGMA
from dockerlayer.rewrite.plan import STAGE
from dockerlayer.syntax.parser import parse
from dockerlayer.syntax.tree import Instruction, Trivia

_CONFIGURATION = """from arg env user workdir label cmd entrypoint expose healthcheck stopsignal volume shell maintainer
    onbuild""".split()


def subjects(
    found: Iterable[Candidate], numbered: Callable[[int], int] = lambda number: number, *, words_change: bool = False
) -> Counter[tuple[str, str]]:
    """What the findings are about, call by call; a download that a split made stands for the call it came from.

    ``numbered`` gives the number to take for that of a stage. With ``words_change`` a call is told by its stage and
    ecosystem alone, since the fix gives it other words.
    """
    counted: Counter[tuple[str, str]] = Counter()
    for item in found:
        for subject in item.finding.subject.splitlines() or [""]:
            number, colon, rest = subject.partition(":")
            if number.isdigit():
                subject = f"{numbered(int(number))}{colon}{rest}"
            exact = item.finding.rule == order.NAME and not words_change
            where = subject if exact else ":".join(subject.split(":")[:2])
            counted[(item.finding.rule, where)] += 1
    return counted


def _told(
    found: Sequence[Candidate],
    survey: Survey,
    numbered: Callable[[int], int] = lambda number: number,
    *,
    words_change: bool,
) -> tuple[Counter[tuple[str, str]], Counter[tuple[str, str]]]:
    """What the findings are about: those that are told, and those that a comment leaves alone."""
    comments = suppressions_of(survey.analysis.dockerfile)
    told, hidden = parted(found, comments)
    return (
        subjects(told, numbered, words_change=words_change),
        subjects(hidden, numbered, words_change=words_change),
    )


def rewritten(before: Survey, fix: Fix) -> bytes:
    """The text after the fix."""
    return apply(before.analysis.dockerfile.data, fix.edits)


def guard(
    before: Survey, found: Sequence[Candidate], candidate: Candidate, fix: Fix, rules: frozenset[str] = frozenset()
) -> Refusal | None:
    """Why the fix must not be offered, or None when the result holds.

    ``rules`` are those that are selected: none but those that are told on request only may find more than before.
    """
    data = rewritten(before, fix)
    dockerfile = parse(data)
    complaint = next(check_syntax(dockerfile), None)
    if complaint is not None:
        return _broken(f"the result would not parse: {complaint.message}")
    vanished = _kept_out(before.analysis.context, candidate, fix)
    if vanished is not None:
        return _broken(f"{vanished} would be kept out of the build context")
    analysis = Analysis(dockerfile, before.analysis.context.ignoring(fix.ignore))
    after = Survey(analysis, before.ecosystems, before.asked_builder)
    told = told_rules(before.ecosystems)
    held = (rules & told) | frozenset(item.finding.rule for item in found) | {candidate.finding.rule}
    pairs = paired(before.analysis.build, analysis.build)
    if pairs is None or (pairs.is_cut and fix.pattern != STAGE):
        return _broken("the stages would change")
    words_change = bool(candidate.allows.calls)
    foreseen = [item for item in candidates(after, held) if not _is_foretold(item, fix)]
    # Two downloads that are written alike only now were two before.
    wanted = told - {redundant.NAME} | {candidate.finding.rule}
    now = [item for item in foreseen if item.finding.rule in wanted]
    old, hidden = _told(found, before, words_change=words_change)
    new, hidden_now = _told(now, after, pairs.number_before, words_change=words_change)
    # What is wrong with the words of a call is wrong with those of the download that is split off it as well.
    worse = [key for key in new - old if key[0] == order.NAME or key not in old or hidden[key] > hidden_now[key]]
    if worse:
        return _broken(f"the result would bring another finding: {worse[0][0]}")
    fixed = subjects([candidate], words_change=words_change)
    if not any(old[item] + hidden[item] > new[item] + hidden_now[item] for item in fixed):
        return _broken("the finding would still be there")
    if dockerfile.directives != before.analysis.dockerfile.directives:
        return _broken("the parser directives would change")
    problem = problem_of(before.analysis.build, analysis.build, pairs)
    if problem:
        return _broken(problem)
    for one, other in pairs.chains:
        problem = _configuration(one, other) or _files(before.analysis, one, analysis, other, candidate)
        problem = problem or _commands(before.analysis, one, analysis, other, candidate, pairs.beside(other))
        if problem:
            return _broken(problem)
    return _comments(before.analysis, analysis)


def _kept_out(context: Context, candidate: Candidate, fix: Fix) -> str | None:
    """A path that the fix keeps out of the context, for every stage and mount, though it is not allowed to."""
    if not fix.ignore:
        return None
    after = context.ignoring(fix.ignore)
    for path, _ in context.entries():
        if after.hidden(path) and not any(is_within(path, allowed) for allowed in candidate.allows.ignored):
            return path
    return None


def _is_foretold(found: Candidate, fix: Fix) -> bool:
    """Whether a finding says no more than what the fix itself names as its assumption."""
    told = found.finding.rule == overwrite.NAME and fix.applicability is not Applicability.SAFE
    return told and all(overwrite.assumption(path) in fix.assumptions for path in found.allows.ignored)


def _broken(message: str) -> Refusal:
    return Refusal("guard", message)


def _configuration(before: Stage, after: Chain) -> str | None:
    if _origin(before.instruction) != _origin(after.top.instruction):
        return "a FROM would change"
    if after.top is after.stage and before.instruction.logical != after.stage.instruction.logical:
        return "a FROM would change"
    for name in _CONFIGURATION:
        old = [step.instruction.logical for step in before.steps if step.name == name]
        new = [step.instruction.logical for step in after.steps if step.name == name]
        # Where an ARG or ENV stands matters to the commands only, and those are compared with the state they run in.
        if old != new and (name not in {"arg", "env"} or Counter(old) != Counter(new)):
            return f"{name.upper()} would change"
    if before.final != after.final:
        return "the environment at the end would change"
    return None


def _origin(instruction: Instruction) -> tuple[object, ...]:
    return instruction.flags, instruction.args[0]


def _placed(analysis: Analysis, stage: Stage | Chain) -> list[Placed]:
    found: list[Placed] = []
    for step in stage.steps:
        placement = analysis.placement(step)
        if placement is not None:
            found.extend(placement.placed)
    return found


def _other_copies(analysis: Analysis, stage: Stage | Chain, drops: frozenset[str]) -> Counter[tuple[str, ...]]:
    copies: Counter[tuple[str, ...]] = Counter()
    for step in stage.steps:
        if step.name in {"copy", "add"}:
            placement = analysis.placement(step)
            if placement is not None and {source.lstrip("/") for source in placement.sources} <= drops:
                continue
            if placement is None or not placement.placed:
                target = step.path(step.instruction.args[-1]) if step.instruction.args else ""
                copies[(*step.instruction.flags, *step.instruction.args[:-1], target)] += 1
    return copies


def _files(one: Analysis, before: Stage, other: Analysis, after: Chain, candidate: Candidate) -> str | None:
    old, new = _placed(one, before), _placed(other, after)
    lost = Counter(old) - Counter(new)
    if lost:
        return f"{next(iter(lost)).image} would not be copied"
    for item in (Counter(new) - Counter(old)).elements():
        if item.context not in candidate.adds and _last(old, item.image, one.context) != item.context:
            return f"{item.image} would come from another place"
    if [item for item in new if item in set(old)] != old and _ambiguous(old):
        return "copies onto the same place would change their order"
    if _other_copies(one, before, candidate.drops) != _other_copies(other, after, candidate.drops):
        return "a COPY from elsewhere would change"
    return None


def _last(placed: Sequence[Placed], image: str, context: Context) -> str | None:
    for item in reversed(placed):
        if item.image == image:
            return item.context
        if item.is_dir and image.startswith(item.image.rstrip("/") + "/"):
            path = f"{item.context}/{image[len(item.image.rstrip('/')) + 1 :]}".lstrip("/")
            if context.exists(path):
                return path
    return None


def _ambiguous(placed: Sequence[Placed]) -> bool:
    seen: dict[str, str] = {}
    return any(seen.setdefault(item.image, item.context) != item.context for item in placed)


_Running = tuple[object, ...]


def _running(
    analysis: Analysis, stage: Stage | Chain, allows: Allowance, aside: Mapping[int, Stage]
) -> Counter[_Running]:
    commands: Counter[_Running] = Counter()
    changed = {step.instruction.args for step in allows.steps}
    for step in stage.steps:
        if step.name != "run":
            continue
        run = analysis.run(step)
        kinds = allows.flags if step.instruction.args in changed else frozenset()
        flags = tuple(flag for flag in own_flags(step, aside) if not kinds & _kinds(flag))
        # A command that names a variable must not lose it.
        free = {name for name in allows.variables if not mentions(step, frozenset({name}))}
        env = tuple(sorted(item for item in step.state.env.items() if item[0] not in free))
        args = tuple(sorted(name for name in step.state.args if name not in free))
        state = (step.state.user, step.state.shell, env, flags)
        if not run.script.known:
            commands[(step.instruction.args, step.state.workdir, state)] += 1
        for call in run.calls:
            arguments = tuple(sorted(call.env.items()))
            commands[(call.argv, call.cwd, call.user, arguments, state, args)] += 1
    return commands


def _kinds(flag: str) -> set[str]:
    """What an allowance may call a flag of a RUN."""
    name, _, value = flag[2:].lower().partition("=")
    return {name, "cache-mount"} if name == "mount" and "type=cache" in value.split(",") else {name}


def _commands(
    one: Analysis, before: Stage, other: Analysis, after: Chain, candidate: Candidate, aside: Mapping[int, Stage]
) -> str | None:
    old, new = _running(one, before, candidate.allows, {}), _running(other, after, candidate.allows, aside)
    fetching = {call.argv for call in candidate.allows.calls}
    # Where only variables come later, the downloads stay as they are.
    fetching |= set() if candidate.allows.variables else {seen.call.argv for seen in candidate.sightings}
    for gone in old - new:
        if gone[0] not in fetching:
            return f"a command would no longer run as it did: {' '.join(map(str, gone[0]))[:60]}"  # type: ignore[call-overload]
    return None


def _comments(one: Analysis, other: Analysis) -> Refusal | None:
    before, after = _remarks(one), _remarks(other)
    lost = before[0] - after[0]
    if lost:
        return _broken(f"a comment would be lost: {next(iter(lost)).decode('utf-8', 'replace')}")
    unbound = before[1] - after[1]
    if unbound:
        return _broken("a comment for another tool would no longer stand on its instruction")
    if _left_alone(one) - _left_alone(other):
        return _broken("a comment for dockerlayer would no longer stand on its instruction")
    return None


def _left_alone(analysis: Analysis) -> set[tuple[str, str, str]]:
    """What the comments of ours say, rule by rule, and the kind of instruction that they stand on.

    One for a stage may become one for the instruction that is all it was about.
    """
    found: set[tuple[str, str, str]] = set()
    for item in suppressions_of(analysis.dockerfile):
        if item.problem:
            continue
        found.update((name, item.reason, "") for name in item.rules)
        if item.scope == IGNORE and item.target is not None:
            found.update((name, item.reason, item.target.name) for name in item.rules)
    return found


def _remarks(analysis: Analysis) -> tuple[Counter[bytes], Counter[tuple[bytes, str]]]:
    """The comments, and those for other tools with the kind of instruction that they stand on; ours are left out."""
    comments: Counter[bytes] = Counter()
    bound: Counter[tuple[bytes, str]] = Counter()
    data = analysis.dockerfile.data
    ours = {item.start for item in suppressions_of(analysis.dockerfile) if not item.problem}
    above: list[bytes] = []
    for item in analysis.dockerfile.items:
        if isinstance(item, Instruction):
            comments.update(data[start:end].strip() for start, end in item.inner_comments if start not in ours)
            bound.update((text, item.name) for text in above)
            above = []
        elif isinstance(item, Trivia) and item.kind == "comment":
            text = data[item.start : item.end]
            if item.start + len(text) - len(text.lstrip()) in ours:
                continue
            comments[text.strip()] += 1
            if PRAGMA.match(text) or above:
                above.append(text.strip())
        else:
            above = []
    return comments, bound
