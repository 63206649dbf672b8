"""What ``verify`` does with one file, from its text to the report and the exit code."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import FrameType

from dockerlayer.agreement import repair_all
from dockerlayer.builds.definition import is_remote
from dockerlayer.builds.places import Place
from dockerlayer.cli.choices import Format
from dockerlayer.cli.request import Request, Settler, plugins
from dockerlayer.cli.terminal import is_terminal, say, wants_colour
from dockerlayer.cli.work import open_buildable
from dockerlayer.report.verify import proof_json, proof_text
from dockerlayer.report.visible import ansi, plain
from dockerlayer.verify.builder import Request as BuildRequest
from dockerlayer.verify.builder import find_builder
from dockerlayer.verify.trial import Tell, prove
from dockerlayer.verify.verdict import Outcome, verdict_of

_EXIT = {Outcome.PROVEN: 0, Outcome.NOT_PROVEN: 1, Outcome.NOT_RUN: 2}


def prove_file(
    request: Request, build: BuildRequest, *, as_is: bool = False, touch: str | None = None, program: str | None = None
) -> tuple[str, int]:
    """The report on the one file of a request, and the exit code; raises DockerlayerError when it could not run.

    ``as_is`` builds only what is there. ``touch`` is the file to edit between the builds, ``program`` the builder;
    None is the first that answers.
    """
    ecosystems = plugins()
    path = request.paths[0]
    if os.path.isdir(path):
        path = os.path.join(path, "Dockerfile")
    settings = Settler(request, ecosystems).settings(path)
    dockerfile, views, places = open_buildable(path, settings.context)
    if places:
        build = as_defined(build, places[0])
    texts = [dockerfile.data]
    ignore: tuple[str, ...] = ()
    if not as_is:
        outcome = repair_all(dockerfile.data, views, ecosystems, settings.options)
        if outcome.made:
            texts.append(outcome.data)
            ignore = outcome.ignore
        elif outcome.report.findings:
            say(f"fix changes nothing here; `dockerlayer check {path}` says why")
    builder = find_builder(program)
    with _stopped_politely(), _told() as tell:
        proof = prove(path, texts, views[0].context, ecosystems, builder, build, touch, tell, ignore)
    verdict = verdict_of(proof)
    name = f"{builder.name} ({builder.version})"
    if request.format is Format.JSON:
        return proof_json(proof, verdict, name), _EXIT[verdict.outcome]
    paint = ansi if wants_colour(request.color, sys.stdout) else plain
    return proof_text(proof, verdict, name, paint), _EXIT[verdict.outcome]


def as_defined(request: BuildRequest, place: Place) -> BuildRequest:
    """The request with the target, arguments and named contexts that all builds of a place have, where it has none."""
    first, *others = place.builds
    target = first.target if all(build.target == first.target for build in others) else ""
    args = {name: value for name, value in first.args.items() if all(build.args.get(name) == value for build in others)}
    contexts = {
        name: os.path.abspath(value) if not is_remote(value) else value
        for name, value in first.contexts.items()
        if all(build.contexts.get(name) == value for build in others) and not value.startswith(("service:", "target:"))
    }
    return request._replace(
        target=request.target or target or None,
        args=(*_added(args, request.args), *request.args),
        contexts=(*_added(contexts, request.contexts), *request.contexts),
    )


def _added(defined: Mapping[str, str], given: Sequence[str]) -> list[str]:
    names = {value.partition("=")[0] for value in given}
    return [f"{name}={value}" for name, value in defined.items() if name not in names]


@contextmanager
def _stopped_politely() -> Iterator[None]:
    """SIGTERM, and SIGHUP of a closed terminal, unwind like an interrupt, so that what was made is removed."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise SystemExit(128 + number)

    numbers = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
    old = [signal.signal(number, stop) for number in numbers]
    try:
        yield
    finally:
        for number, handler in zip(numbers, old, strict=True):
            signal.signal(number, handler)


@contextmanager
def _told() -> Iterator[Tell]:
    """Where progress goes: one line that changes on a terminal, else a line on standard error for each build."""
    if not is_terminal(sys.stderr):
        said: set[str] = set()

        def tell(what: str) -> None:
            title = what.partition(":")[0]
            if title not in said:
                said.add(title)
                say(f"{title} ...")

        yield tell
        return
    from rich.console import Console
    from rich.text import Text

    console = Console(stderr=True)
    with console.status("") as status:
        yield lambda what: status.update(Text(what, overflow="ellipsis", no_wrap=True))
