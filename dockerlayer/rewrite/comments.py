"""Writing comments of ours: above an instruction that something is left alone on, and on what a fix makes of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import pairwise

from dockerlayer.checks.rules import candidates
from dockerlayer.checks.suppressions import removal, unused_names
from dockerlayer.checks.survey import Candidate, Survey
from dockerlayer.findings import Edit, Finding, Fix, apply
from dockerlayer.model.layers import Analysis
from dockerlayer.model.suppressions import DIRECTIVE, IGNORE, Name, Suppression, is_suppressed, suppressions_of
from dockerlayer.rewrite.chunks import PRAGMA, line_edits
from dockerlayer.rewrite.runs import newline_of
from dockerlayer.syntax.parser import parse
from dockerlayer.syntax.tree import Dockerfile, Instruction, Trivia

# BuildKit takes the last comment directly above these for a description (its check InvalidDefinitionDescription, whose
# page asks for an empty line below any other comment).
_DESCRIBED = frozenset({"from", "arg"})


def suppressing(dockerfile: Dockerfile, findings: Iterable[Finding], reason: str | None = None) -> tuple[Edit, ...]:
    """The edits that leave findings alone, each by a comment on the instruction that it starts in.

    A rule is added to the comment that the instruction has, if that has the same reason or none is given. What starts
    in no instruction is passed over.
    """
    present = suppressions_of(dockerfile)
    wanted: dict[int, list[str]] = {}
    starts = {item.start: item for item in dockerfile.instructions}
    for finding in findings:
        target = _instruction_at(dockerfile, finding.start)
        if target is not None and not is_suppressed(finding.rule, finding.start, present):
            rules = wanted.setdefault(target.start, [])
            if finding.rule not in rules:
                rules.append(finding.rule)
    return tuple(_comment(dockerfile, starts[start], rules, reason, present) for start, rules in wanted.items())


def _instruction_at(dockerfile: Dockerfile, offset: int) -> Instruction | None:
    return next((item for item in dockerfile.instructions if item.start <= offset < item.end), None)


def _comment(
    dockerfile: Dockerfile,
    target: Instruction,
    rules: Sequence[str],
    reason: str | None,
    present: Sequence[Suppression],
) -> Edit:
    for item in present:
        mine = item.target is not None and item.target.start == target.start and item.scope == IGNORE
        if mine and not item.problem and (reason is None or item.reason == reason):
            names = ", ".join((*(name.text for name in item.names), *rules))
            return Edit(item.list_start, item.list_end, names.encode("utf-8", "surrogateescape"))
    data = dockerfile.data
    newline = newline_of(data, target)
    line = data[target.start : target.end]
    indent = line[: len(line) - len(line.lstrip(b" \t"))]
    text = f"# dockerlayer: {IGNORE}[{', '.join(rules)}]" + (f" {reason}" if reason else "")
    written = indent + text.encode("utf-8", "surrogateescape") + newline
    at, block, above = _room(dockerfile, target)
    if target.name in _DESCRIBED and not block:
        written += newline
    # hadolint up to 2.15.1 cannot read a file that goes on directly below a here-document (its issue 960).
    if isinstance(above, Instruction) and above.heredocs:
        written = newline + written
    return Edit(at, at, written)


def _room(dockerfile: Dockerfile, target: Instruction) -> tuple[int, bool, Trivia | Instruction | None]:
    """Where a comment on an instruction goes, whether others follow it there, and what is directly above.

    Other tools' comments stay directly on their line, and nothing comes above a line that looks like a directive.
    """
    data = dockerfile.data
    index = next(index for index, item in enumerate(dockerfile.items) if item.start == target.start and item is target)
    first = index
    while first and _is_comment(dockerfile.items[first - 1], data):
        first -= 1
    block = dockerfile.items[first:index]
    if target.name not in _DESCRIBED:
        pragma = (at for at, item in enumerate(block) if PRAGMA.match(data, item.start, item.end))
        first += next(pragma, len(block))
    return dockerfile.items[first].start, first < index, dockerfile.items[first - 1] if first else None


def _is_comment(item: Trivia | Instruction, data: bytes) -> bool:
    comment = isinstance(item, Trivia) and item.kind == "comment" and not data.startswith(b"#!", item.start)
    return comment and not DIRECTIVE.match(data[item.start : item.end].lstrip())


def settled(before: Survey, found: Sequence[Candidate], candidate: Candidate, fix: Fix) -> Fix:
    """The fix with the comments of ours as what it makes of their instructions needs them.

    What is made of one instruction has all of its comments: each keeps the names that find something there, or that
    find nothing anywhere. What was left alone, or would have been on the instruction that is rewritten, and is found
    where no comment is, gets one.
    """
    comments = [item for item in suppressions_of(before.analysis.dockerfile) if not item.problem]
    if not comments:
        return fix
    old = before.analysis.dockerfile
    data = apply(old.data, fix.edits)
    dockerfile = parse(data)
    if dockerfile.problems:
        return fix
    rules = frozenset(rule for item in comments for rule in item.rules)
    after = Survey(Analysis(dockerfile, before.analysis.context.ignoring(fix.ignore)), before.ecosystems)
    after.asked_builder = before.asked_builder
    now = [item.finding for item in candidates(after, rules)]
    present = suppressions_of(dockerfile)
    hidden = [item for item in now if is_suppressed(item.rule, item.start, present)]
    surplus = _repeated(dockerfile, comments, present, hidden, old.data)
    edits: list[Edit] = []
    places = [candidate.step.instruction.start, *(item.step.instruction.start for item in candidate.broad)]
    told = {
        (item.finding.rule, item.finding.subject)
        for item in found
        if not is_suppressed(item.finding.rule, item.finding.start, comments)
    }
    left = [one for one in now if one not in hidden and (one.rule, one.subject) not in told]
    for item in comments:
        if any(item.reach[0] <= place < item.reach[1] for place in places):
            named = [one for one in left if one.rule in item.rules]
            if not named:
                continue
            edits.extend(suppressing(dockerfile, named, item.reason))
            left = [one for one in left if one not in named]
            text, moved = old.data[item.start : item.end], {one.rule for one in named}
            for other in present:
                if data[other.start : other.end] == text:
                    surplus.setdefault(other.start, set()).update(unused_names(other, hidden, moved))
    edits.extend(removal(dockerfile, one, tuple(surplus[one.start])) for one in present if surplus.get(one.start))
    edits.sort()
    if not edits or any(one.end > other.start for one, other in pairwise(edits)):
        return fix
    return fix._replace(edits=_between(old.data, apply(data, edits)))


def _repeated(
    dockerfile: Dockerfile,
    before: Iterable[Suppression],
    present: Iterable[Suppression],
    hidden: Sequence[Finding],
    old: bytes,
) -> dict[int, set[Name]]:
    """The names that comments hold for nothing which were repeated, where another of them is needed; by start."""
    data = dockerfile.data
    had = Counter(old[item.start : item.end] for item in before)
    groups: dict[bytes, list[Suppression]] = {}
    for item in present:
        groups.setdefault(data[item.start : item.end], []).append(item)
    surplus: dict[int, set[Name]] = {}
    for text, group in groups.items():
        if 0 < had[text] < len(group):
            idle = [(item, unused_names(item, hidden, item.rules)) for item in group]
            needed = {name.text for item, names in idle for name in item.names if name not in names}
            surplus.update({item.start: {name for name in names if name.text in needed} for item, names in idle})
    return surplus


def _between(old: bytes, new: bytes) -> tuple[Edit, ...]:
    """The edits, line by line, from one text to another."""
    one, other = old.splitlines(keepends=True), new.splitlines(keepends=True)
    same = 0
    while same < min(len(one), len(other)) and one[same] == other[same]:
        same += 1
    start = len(b"".join(one[:same]))
    return tuple(line_edits(start, b"".join(one[same:]), b"".join(other[same:])))
