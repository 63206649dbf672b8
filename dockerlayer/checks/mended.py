"""Findings about the words of a call, from what its plugin says is wrong with them."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from dockerlayer.api import Mend, Use
from dockerlayer.checks.survey import Allowance, Candidate, Survey, Used
from dockerlayer.findings import Applicability, Finding, Fix, Severity
from dockerlayer.model.calls import SUCCESS_ONLY

_CERTAIN = SUCCESS_ONLY | {"subshell"}


def mended(survey: Survey, rule: str, wrong: Callable[[Use], Mend | None]) -> Iterator[Candidate]:
    """A warning for each call with which something is ``wrong``, and the plugin's own fix of it.

    Left out are calls that run under a condition or after a failure: there the other words may be the better half of a
    pair. A RUN without network downloads nothing, whatever its words.
    """
    for step in survey.steps():
        if step.flag("network") == "none":
            continue
        for used in survey.uses(step):
            mend = wrong(used.use)
            if mend is not None and used.call.guards <= _CERTAIN:
                yield Candidate(
                    _finding(rule, used, mend),
                    step,
                    (),
                    offer=_fix(mend),
                    allows=Allowance(calls=(used.call,)),
                )


def subject_of(used: Used) -> str:
    """What the call is, wherever it stands: stage and command line."""
    return f"{used.call.step.stage.index}:{used.ecosystem.name}:{' '.join(used.call.argv)}"


def _finding(rule: str, used: Used, mend: Mend) -> Finding:
    return Finding(
        rule=rule,
        severity=Severity.WARNING,
        message=mend.message,
        start=used.call.start,
        end=used.call.end,
        subject=subject_of(used),
        help=mend.help,
        ecosystem=used.ecosystem.name,
    )


def _fix(mend: Mend) -> Fix | None:
    if not mend.edits:
        return None
    applicability = Applicability.UNSAFE if mend.assumptions else Applicability.SAFE
    return Fix(mend.title, mend.edits, applicability, "words", mend.assumptions)
