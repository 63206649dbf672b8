"""Findings as diagnostics."""

from __future__ import annotations

import re
from collections.abc import Iterator

from lsprotocol.types import (
    Diagnostic,
    DiagnosticRelatedInformation,
    DiagnosticSeverity,
    DiagnosticTag,
    Location,
)

from dockerlayer.checks import redundant, suppressions
from dockerlayer.findings import Applicability, Finding, Refusal, Severity
from dockerlayer.lsp.examined import Examined
from dockerlayer.report.visible import decodable

SOURCE = "dockerlayer"
_SEVERITY = {
    Severity.ERROR: DiagnosticSeverity.Error,
    Severity.WARNING: DiagnosticSeverity.Warning,
    Severity.INFO: DiagnosticSeverity.Information,
}
# What such a finding stands on could go: editors show it faded.
_UNNECESSARY = frozenset({redundant.NAME, suppressions.UNUSED})


def diagnostics(examined: Examined, *, related: bool = True) -> list[Diagnostic]:
    """One diagnostic for each finding; ``related`` says that the editor shows places beside a diagnostic's own."""
    return [diagnostic(examined, finding, related=related) for finding in examined.findings]


def diagnostic(examined: Examined, finding: Finding, *, related: bool = True) -> Diagnostic:
    """The finding as a diagnostic; the message has a line for each reason why it is not fixed."""
    return Diagnostic(
        range=examined.text.range(finding.start, finding.end),
        message=decodable("\n".join([finding.message, *unfixed(examined, finding)])),
        severity=_SEVERITY[finding.severity],
        code=finding.rule,
        source=SOURCE,
        tags=[DiagnosticTag.Unnecessary] if finding.rule in _UNNECESSARY else None,
        related_information=(list(_related(examined, finding)) or None) if related else None,
    )


def unfixed(examined: Examined, finding: Finding) -> Iterator[str]:
    """Why there is no fix that can be made at a key press, and what a person could do."""
    fix = finding.fix
    if fix is None:
        for refusal in finding.refusals:
            yield f"no fix: {refused(examined, finding, refusal)}"
    elif fix.applicability is Applicability.MANUAL:
        because = f"; not made by itself, because {'; '.join(fix.assumptions)}" if fix.assumptions else ""
        yield f"fix by hand: {fix.title}{because}"


def refused(examined: Examined, finding: Finding, refusal: Refusal) -> str:
    """A refusal as a sentence, with its line where that is not the finding's, and not said yet."""
    elsewhere = refusal.line not in {None, examined.line_of(finding.start)}
    told = re.search(rf"\bline {refusal.line}\b", refusal.message) is not None
    return refusal.message + (f" (line {refusal.line})" if elsewhere and not told else "")


def _related(examined: Examined, finding: Finding) -> Iterator[DiagnosticRelatedInformation]:
    """The other lines that a fix fails on."""
    dockerfile = examined.report.dockerfile
    for refusal in finding.refusals if finding.fix is None else ():
        if refusal.line is not None and refusal.line != examined.line_of(finding.start):
            start = dockerfile.line_offset(refusal.line)
            place = Location(examined.document.uri, examined.text.range(start, dockerfile.line_end(start)))
            yield DiagnosticRelatedInformation(place, decodable(refusal.message))
