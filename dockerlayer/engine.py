"""One file from bytes to findings, and from findings to a rewritten text."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from dockerlayer.api import Ecosystem
from dockerlayer.checks.rules import PLANNED, SYNTAX, candidates, check_syntax, rule_names, told_rules
from dockerlayer.checks.suppressions import INVALID, UNUSED, check_invalid, check_unused, parted, reads_the_same
from dockerlayer.checks.survey import Candidate, Survey
from dockerlayer.findings import Applicability, Finding, Fix, Refusal, Severity, identities
from dockerlayer.model.context import Context
from dockerlayer.model.layers import Analysis
from dockerlayer.model.suppressions import Suppression, is_suppressed, suppressions_of
from dockerlayer.syntax.parser import parse
from dockerlayer.syntax.tree import Dockerfile

PASSES = 50
"""Fixes made to one file at the most; each pass makes one and reads the file again."""


class Options(NamedTuple):
    """``rules`` are the names of the rules to run, ``pattern`` which fix is preferred.

    ``builder`` is a profile, or empty when it is to be inferred. ``ignores`` says whether the ignore file may be
    changed; else fixes that do are told and not made. ``severities`` are those of rules that have another one than
    their own, ``patterns`` those of ecosystems for which another one is preferred.
    """

    rules: frozenset[str]
    pattern: str = "split"
    unsafe: bool = False
    builder: str = ""
    ignores: bool = True
    severities: Mapping[str, Severity] = {}
    patterns: Mapping[str, str] = {}


class Report(NamedTuple):
    """What was found in one text, in order of place; ``suppressed`` is what comments in it leave alone."""

    dockerfile: Dockerfile
    findings: tuple[Finding, ...]
    suppressed: tuple[Finding, ...] = ()


class Made(NamedTuple):
    """A fix that was made, with the line that its finding stood on when it was made."""

    finding: Finding
    fix: Fix
    line: int


class Outcome(NamedTuple):
    """The text after all fixes, what was done, and the findings that are left.

    ``ignore`` are the lines that the fixes add to the ignore file; ``context`` is what the build sees with them.
    """

    data: bytes
    made: tuple[Made, ...]
    report: Report
    context: Context
    ignore: tuple[str, ...] = ()


def default_rules(ecosystems: Sequence[Ecosystem]) -> frozenset[str]:
    """The names of the rules that run when nothing is selected."""
    return told_rules(ecosystems)


def context_for(dockerfile: Path, directory: Path | None, near: Context | None = None) -> Context:
    """The build context of a Dockerfile: the directory given, else the one it stands in.

    ``near`` is the context of a file just dealt with: thousands of Dockerfiles in one directory list it once.
    """
    return Context.open(directory if directory is not None else dockerfile.parent, dockerfile, near)


def examine(data: bytes, context: Context, ecosystems: Sequence[Ecosystem], options: Options) -> Report:
    """The findings of a text, each with its fix or the reasons why there is none."""
    report = examine_once(data, context, ecosystems, options)
    return foretold(report, repair(data, context, ecosystems, options).report) if is_waiting(report) else report


def is_waiting(report: Report) -> bool:
    """Whether a finding without a fix may have one when the others are fixed."""
    findings = report.findings
    return any(item.fix is not None for item in findings) and any(
        item.refusals and item.fix is None for item in findings
    )


def foretold(report: Report, repaired: Report) -> Report:
    """The report, saying of what is gone when all is repaired that it can be fixed later."""
    left = {identities(item) for item in repaired.findings}
    later = Refusal(
        "after-another-fix", "it can be fixed when the ones above are: one run of `dockerlayer fix` does all"
    )
    findings = tuple(
        item._replace(refusals=(later,))
        if item.fix is None and item.refusals and identities(item) not in left
        else item
        for item in report.findings
    )
    return report._replace(findings=findings)


def examine_once(data: bytes, context: Context, ecosystems: Sequence[Ecosystem], options: Options) -> Report:
    """The findings of a text as it is, each with its fix or the reasons why there is none now."""
    dockerfile = parse(data)
    wrong = tuple(_judged(finding, options) for finding in check_syntax(dockerfile))
    if wrong:
        return Report(dockerfile, wrong)
    survey = Survey(Analysis(dockerfile, context), ecosystems, options.builder)
    found = list(candidates(survey, options.rules))
    comments = suppressions_of(dockerfile)
    shown, hidden = parted(found, comments)
    findings = [_with_fix(survey, found, shown, candidate, options) for candidate in shown]
    suppressed = [item.finding for item in hidden]
    if comments:
        told, left = _about(comments, survey, suppressed, options)
        findings, suppressed = [*findings, *told], [*suppressed, *left]
    return Report(dockerfile, _in_order(findings, options), _in_order(suppressed, options))


def _in_order(findings: Iterable[Finding], options: Options) -> tuple[Finding, ...]:
    return tuple(_judged(item, options) for item in sorted(findings, key=lambda item: (item.start, item.rule)))


def _about(
    comments: Sequence[Suppression], survey: Survey, suppressed: Sequence[Finding], options: Options
) -> tuple[list[Finding], list[Finding]]:
    """What is wrong with the comments themselves: what is told, and what a comment leaves alone."""
    dockerfile = survey.analysis.dockerfile
    found: list[tuple[Suppression, Finding]] = []
    if INVALID in options.rules:
        found.extend(check_invalid(dockerfile, comments, rule_names(survey.ecosystems), SYNTAX))
    # Without the context much is not found that the comments may be about.
    if UNUSED in options.rules and survey.analysis.context.is_dir(""):
        found.extend(check_unused(dockerfile, comments, suppressed, options.rules - {SYNTAX}))
    covering = [item for item in comments if item.rules & {INVALID, UNUSED}]
    told: list[Finding] = []
    left: list[Finding] = []
    for item, finding in found:
        (left if is_suppressed(finding.rule, item.place, covering) else told).append(finding)
    return told, left


def _judged(finding: Finding, options: Options) -> Finding:
    severity = options.severities.get(finding.rule)
    return finding if severity is None else finding._replace(severity=severity)


def repair(data: bytes, context: Context, ecosystems: Sequence[Ecosystem], options: Options) -> Outcome:
    """Make one fix after another, each on the text as it then is, until nothing more can be made."""
    return repaired(data, [context], options, lambda text, seen: examine_once(text, seen[0], ecosystems, options))


def repaired(
    data: bytes, contexts: Sequence[Context], options: Options, look: Callable[[bytes, Sequence[Context]], Report]
) -> Outcome:
    """The same for what ``look`` finds in a text that is built from one or several contexts."""
    from dockerlayer.findings import apply

    made: list[Made] = []
    ignore: tuple[str, ...] = ()
    seen = {(data, ignore)}
    report = look(data, contexts)
    for _ in range(PASSES):
        step = _next_fix(report, options)
        if step is None:
            break
        steps = _together(step, report)
        edits = [edit for one in steps for edit in one.fix.edits]
        after = apply(data, edits), (*ignore, *(line for line in step.fix.ignore if line not in ignore))
        if after in seen:
            break
        contexts = [context.ignoring(after[1][len(ignore) :]) for context in contexts]
        data, ignore = after
        seen.add(after)
        made.extend(steps)
        report = look(data, contexts)
    return Outcome(data, tuple(made), report, contexts[0], ignore)


def _next_fix(report: Report, options: Options) -> Made | None:
    # What a comment leaves alone may be there only after another fix.
    for finding in sorted(report.findings, key=lambda item: item.rule == UNUSED):
        fix = finding.fix
        if fix is not None and fix.ignore and not options.ignores:
            continue
        if fix is not None and (fix.applicability is Applicability.SAFE or (options.unsafe and not _is_manual(fix))):
            return Made(finding, fix, report.dockerfile.position(finding.start)[0])
    return None


def _together(step: Made, report: Report) -> list[Made]:
    """The fix with those that are made at the same time: comments that are not needed go all at once."""
    if step.finding.rule != UNUSED:
        return [step]
    idle = [(item, item.fix) for item in report.findings if item.rule == UNUSED and item.fix is not None]
    made = [Made(item, fix, report.dockerfile.position(item.start)[0]) for item, fix in idle]
    return made if reads_the_same(report.dockerfile, [edit for _, fix in idle for edit in fix.edits]) else [step]


def _is_manual(fix: Fix) -> bool:
    return fix.applicability is Applicability.MANUAL


def _with_fix(
    survey: Survey, found: Sequence[Candidate], shown: Sequence[Candidate], candidate: Candidate, options: Options
) -> Finding:
    """The finding of a candidate with its fix; ``shown`` are those of ``found`` that no comment leaves alone."""
    finding = candidate.finding
    if candidate.offer is None and finding.rule not in PLANNED:
        return finding
    from dockerlayer.rewrite.guard import guard
    from dockerlayer.rewrite.offers import offers

    refusals: list[Refusal] = []
    pattern = options.patterns.get(finding.ecosystem, options.pattern)
    for offer in offers(survey, shown, candidate, pattern):
        if not isinstance(offer, Fix):
            refusals.extend(offer)
            continue
        if suppressions_of(survey.analysis.dockerfile):
            from dockerlayer.rewrite.comments import settled

            offer = settled(survey, found, candidate, offer)
        refusal = guard(survey, found, candidate, offer, options.rules)
        if refusal is None:
            return finding._replace(fix=offer, refusals=_distinct(refusals))
        refusals.append(refusal._replace(pattern=offer.pattern))
    return finding._replace(fix=None, refusals=_distinct(refusals))


def _distinct(refusals: Sequence[Refusal]) -> tuple[Refusal, ...]:
    """The refusals, of those that say the same the first."""
    return tuple({refusal._replace(pattern=""): refusal for refusal in reversed(refusals)}.values())[::-1]
