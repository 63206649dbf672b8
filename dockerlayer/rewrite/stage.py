"""The stage pattern: the download gets a stage of its own, and the install takes it by a bind mount."""

from __future__ import annotations

from dockerlayer.api import Refusal
from dockerlayer.checks.survey import Candidate, Survey
from dockerlayer.findings import Fix


def stage(survey: Survey, candidate: Candidate) -> Fix | tuple[Refusal, ...]:
    """A fix for a source-before-download finding, or every reason why there is none."""
    what = "no install in this step is known to work from a download that is mounted"
    return (Refusal("no-stage", what, candidate.step.line),)
