"""network-in-install: a step needs no network, and is not cut off from it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from dockerlayer.checks.mended import subject_of
from dockerlayer.checks.survey import Allowance, Candidate, Survey, Used
from dockerlayer.findings import Applicability, Edit, Finding, Fix, Refusal, Severity
from dockerlayer.model.effects import stays_local
from dockerlayer.model.stages import Step

NAME = "network-in-install"
_WINDOWS = re.compile(r"windowsservercore|nanoserver|/windows(?:[/:@]|\Z)")
_SCRIPTS = "no script that runs during the install asks the network"


def check(survey: Survey) -> Iterator[Candidate]:
    """A step installs offline, but whatever it runs may still ask the network.

    Why: the tool's own option keeps the tool off the network, and not the scripts of the packages that it installs or
    the project's own build. With ``RUN --network=none`` the builder cuts off the whole step: a script that phones home
    fails, and a download that was left out by mistake is seen at once. This is told on request only.

    Fix safety: safe where the step runs no code of packages; else unsafe, since it assumes that no script asks
    the network for a good reason. Only where the builder has the flag (see ``--profile``).

    References:
    - Dockerfile reference, RUN --network: https://docs.docker.com/reference/dockerfile/#run---network
    """
    for step in survey.steps():
        if (
            _WINDOWS.search(step.stage.base_image)
            or step.flag("network") is not None
            or step.flag("security") is not None
        ):
            continue
        installs = _installs(survey, step)
        if installs:
            yield Candidate(
                _finding(installs[0]),
                step,
                (),
                offer=_offer(survey, step, installs),
                allows=Allowance(flags=frozenset({"network"}), steps=(step,)),
            )


def _installs(survey: Survey, step: Step) -> tuple[Used, ...]:
    """The offline calls of a RUN; none where any other of its commands may need the network."""
    run = survey.analysis.run(step)
    if not run.script.known or any(mount.kind == "ssh" for mount in step.mounts):
        return ()
    offline = tuple(used for used in survey.uses(step) if used.use.offline and not used.use.fills)
    walled = {id(used.call) for used in offline}
    return offline if all(id(call) in walled or stays_local(call) for call in run.calls) else ()


def _finding(used: Used) -> Finding:
    return Finding(
        rule=NAME,
        severity=Severity.INFO,
        message=f"this RUN installs offline ({used.use.offline}), but what it runs can still reach the network",
        start=used.call.start,
        end=used.call.end,
        subject=subject_of(used),
        help="with --network=none the builder cuts off all that runs here, the packages' own scripts included",
        ecosystem=used.ecosystem.name,
    )


def _offer(survey: Survey, step: Step, installs: tuple[Used, ...]) -> Fix | Refusal:
    support = survey.profile.network
    if support is None:
        older = survey.builder == "buildkit"
        builder = "the version that the # syntax= line names" if older else survey.builder
        return Refusal("builder-lacks-it", f"{builder} has no RUN --network=none", step.line)
    assumptions = ((_SCRIPTS,) if any(used.use.scripts for used in installs) else ()) + ((support,) if support else ())
    at = step.instruction.start + len("RUN")
    return Fix(
        "cut the step off from the network",
        (Edit(at, at, b" --network=none"),),
        Applicability.UNSAFE if assumptions else Applicability.SAFE,
        "network",
        assumptions,
    )
