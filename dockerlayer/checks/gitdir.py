"""git-directory-copied: the repository itself comes with the source, and changes when no source does."""

from __future__ import annotations

from collections.abc import Iterator

from dockerlayer.checks.overwrite import keep_out
from dockerlayer.checks.survey import Allowance, Candidate, Survey
from dockerlayer.findings import Finding, Severity
from dockerlayer.model.files import Placement
from dockerlayer.model.stages import Step

NAME = "git-directory-copied"
_GIT = ".git"


def check(survey: Survey) -> Iterator[Candidate]:
    """A COPY of the source brings the context's own `.git` directory.

    Why: each commit, fetch and checkout changes what is in it, and no two clones of one commit hold the same bytes: the
    layers below are built anew although no file of the source is another. The image then also holds the history.

    Bad::

        FROM debian:trixie
        WORKDIR /src
        COPY . .
        RUN make

    Good::

        FROM debian:trixie
        WORKDIR /src
        COPY Makefile *.c ./
        RUN make

    Fix safety: unsafe. A line at the end of the ignore file keeps the directory out: the fix assumes that nothing reads
    it, as tools do that take a version from the last tag. Where git itself is called below nothing is reported.

    References:
    - Docker, keep the context small: https://docs.docker.com/build/cache/optimize/#keep-the-context-small
    - postmanlabs/httpbin#495: https://github.com/postmanlabs/httpbin/pull/495
    """
    context = survey.analysis.context
    if not context.is_dir(_GIT):
        return
    for stage in survey.analysis.build.stages:
        for step in stage.steps:
            placement = survey.analysis.placement(step)
            if placement is None or not _brings_repository(placement):
                continue
            below = [later for later in stage.steps[step.index + 1 :] if later.name == "run"]
            if below and not any(_calls_git(survey, later) for later in below):
                yield _candidate(survey, step, below[0])
            break


def _brings_repository(placement: Placement) -> bool:
    return not placement.opaque and any(item.is_dir and not item.context for item in placement.placed)


def _calls_git(survey: Survey, step: Step) -> bool:
    run = survey.analysis.run(step)
    return not run.script.known or any(call.program == "git" for call in run.calls)


def _candidate(survey: Survey, step: Step, first: Step) -> Candidate:
    start = step.instruction.start
    keyword = step.name.upper()
    finding = Finding(
        rule=NAME,
        severity=Severity.INFO,
        message=f"{keyword} brings .git, which differs from clone to clone and with every fetch: "
        f"line {first.line} and all below it run again though no source changed",
        start=start,
        end=survey.analysis.dockerfile.line_end(start),
        subject=f"{step.stage.index}:git:{_GIT}",
    )
    offer = keep_out(survey.analysis.context, (_GIT,), "nothing that is built from this context reads .git")
    return Candidate(finding, step, (), offer=offer, allows=Allowance(ignored=frozenset({_GIT})))
