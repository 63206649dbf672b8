"""The hybrid pattern: a download in a layer of its own, and an install that need not be repeated after each edit."""

from __future__ import annotations

from dockerlayer.api import Refusal
from dockerlayer.checks.survey import Candidate, Survey
from dockerlayer.findings import Fix


def hybrid(survey: Survey, candidate: Candidate) -> Fix | tuple[Refusal, ...]:
    """A fix for a source-before-download finding, or every reason why there is none."""
    what = "no tool in this step has a download and an install of which one can be kept without the other"
    return (Refusal("no-hybrid", what, candidate.step.line),)
