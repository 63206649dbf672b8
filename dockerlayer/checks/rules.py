"""The rules: those that hold for every ecosystem, and those that plugins bring along."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from dockerlayer.api import Ecosystem
from dockerlayer.checks import (
    drift,
    fed,
    gitdir,
    hermetic,
    lockfile,
    nominal,
    order,
    overwrite,
    redundant,
    shadow,
    split,
    suppressions,
    unpinned,
    useless,
    volatile,
)
from dockerlayer.checks.survey import Allowance, Candidate, Survey
from dockerlayer.errors import PluginError
from dockerlayer.findings import Finding, Severity
from dockerlayer.syntax.tree import Dockerfile
from dockerlayer.syntax.validate import whole_file_problem

SYNTAX = "invalid-dockerfile"


class RuleInfo(NamedTuple):
    """A rule as users see it. ``default`` rules run unless they are ignored; the others when they are selected."""

    name: str
    severity: Severity
    page: str
    ecosystem: str
    default: bool
    fixable: bool

    @property
    def summary(self) -> str:
        """The first line of the page."""
        return self.page.partition("\n")[0]


_SHARED: tuple[tuple[str, Severity, Callable[[Survey], Iterator[Candidate]], bool], ...] = (
    (order.NAME, Severity.WARNING, order.check, True),
    (split.NAME, Severity.INFO, split.check, True),
    (drift.NAME, Severity.WARNING, drift.check, True),
    (overwrite.NAME, Severity.WARNING, overwrite.check, True),
    (gitdir.NAME, Severity.INFO, gitdir.check, True),
    (lockfile.MISSING, Severity.WARNING, lockfile.check_missing, False),
    (lockfile.IGNORED, Severity.WARNING, lockfile.check_ignored, False),
    (shadow.NAME, Severity.WARNING, shadow.check, True),
    (fed.NAME, Severity.WARNING, fed.check, True),
    (useless.NAME, Severity.WARNING, useless.check, True),
    (nominal.NAME, Severity.WARNING, nominal.check, True),
    (unpinned.NAME, Severity.WARNING, unpinned.check, True),
    (redundant.NAME, Severity.WARNING, redundant.check, True),
    (volatile.NAME, Severity.WARNING, volatile.check, True),
    (hermetic.NAME, Severity.INFO, hermetic.check, True),
)


_COMMENTS: dict[str, Callable[..., object]] = {
    suppressions.INVALID: suppressions.check_invalid,
    suppressions.UNUSED: suppressions.check_unused,
}
"""The rules about our own comments: they are asked last, about what the others found."""

PLANNED = frozenset({order.NAME, split.NAME, drift.NAME, volatile.NAME})
"""The rules whose fixes are planned when the finding is there; others bring their fix along, if they have one."""


def check_syntax(dockerfile: Dockerfile) -> Iterator[Finding]:
    """BuildKit refuses the file.

    Why: nothing that is said about the layers of a file that cannot be built is worth anything, so nothing else is
    reported for it, and it is never rewritten.

    Bad::

        FROM python:3.12
        RUNN pip install flask

    Good::

        FROM python:3.12
        RUN pip install flask

    Fix safety: manual.

    References:
    - Dockerfile reference, format: https://docs.docker.com/reference/dockerfile/#format
    """
    problems = list(dockerfile.problems)
    if not problems:
        whole = whole_file_problem(dockerfile)
        problems = [whole] if whole else []
    for problem in problems[:1]:
        start = dockerfile.line_offset(problem.start_line)
        yield Finding(SYNTAX, Severity.ERROR, problem.message, start, dockerfile.line_end(start), problem.message)


def rule_names(ecosystems: Sequence[Ecosystem]) -> frozenset[str]:
    """The names of all rules."""
    own = (rule.name for ecosystem in ecosystems for rule in ecosystem.rules)
    return frozenset((SYNTAX, *_COMMENTS, *(name for name, *_ in _SHARED), *own))


def told_rules(ecosystems: Sequence[Ecosystem]) -> frozenset[str]:
    """The names of the rules that run when nothing is selected: all that are not told on request only."""
    own = ((rule.name, rule.severity) for ecosystem in ecosystems for rule in ecosystem.rules)
    shared = ((name, severity) for name, severity, _, _ in _SHARED)
    told = frozenset(name for name, severity in (*shared, *own) if severity is not Severity.INFO)
    return told | {SYNTAX, *_COMMENTS}


def rules_of(ecosystems: Sequence[Ecosystem]) -> dict[str, RuleInfo]:
    """Every rule by name."""
    from dockerlayer.checks.pages import page_of

    told = told_rules(ecosystems)
    found = {SYNTAX: RuleInfo(SYNTAX, Severity.ERROR, page_of(check_syntax, SYNTAX, ()), "", True, False)}
    for name, severity, check, fixable in _SHARED:
        page = page_of(check, name, ecosystems)
        found[name] = RuleInfo(name, severity, page, "", name in told, fixable)
    for name, about in _COMMENTS.items():
        found[name] = RuleInfo(name, Severity.WARNING, page_of(about, name, ()), "", True, name == suppressions.UNUSED)
    for ecosystem in ecosystems:
        for rule in ecosystem.rules:
            page = page_of(rule.check, rule.name, [ecosystem])
            found[rule.name] = RuleInfo(rule.name, rule.severity, page, ecosystem.name, rule.name in told, rule.fixable)
    return found


def candidates(survey: Survey, selected: frozenset[str]) -> Iterator[Candidate]:
    """What the selected rules find, rule by rule."""
    for name, _, check, _ in _SHARED:
        if name in selected:
            yield from check(survey)
    for ecosystem in survey.ecosystems:
        for rule in ecosystem.rules:
            if rule.name not in selected:
                continue
            for step in survey.steps():
                scene = None
                for call in survey.analysis.run(step).calls:
                    if not ecosystem.answers_to.match(call.program):
                        continue
                    scene = scene or survey.analysis.scene(step)
                    try:
                        for finding in rule.check(call, scene):
                            allows = Allowance(calls=(call,))
                            yield Candidate(finding, step, (), offer=finding.fix, allows=allows)
                    except Exception as error:  # a plugin may fail in any way; its name must be in the message
                        raise PluginError(f"rule {rule.name}: {type(error).__name__}: {error}") from error
