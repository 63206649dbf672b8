"""What ``verify`` does with one file, from its text to the report and the exit code."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import NamedTuple

from dockerlayer.cli.choices import Format, Pattern, Profile
from dockerlayer.cli.terminal import is_terminal, say
from dockerlayer.cli.work import open_buildable
from dockerlayer.engine import repair
from dockerlayer.report.verify import proof_json, proof_text
from dockerlayer.verify.builder import Request, find_builder
from dockerlayer.verify.trial import Tell, prove
from dockerlayer.verify.verdict import Outcome, verdict_of

_EXIT = {Outcome.PROVEN: 0, Outcome.NOT_PROVEN: 1, Outcome.NOT_RUN: 2}


class Wanted(NamedTuple):
    """The options that are not the builder's."""

    context: str | None
    as_is: bool
    touch: str | None
    select: Sequence[str] | None
    ignore: Sequence[str] | None
    pattern: Pattern
    unsafe: bool
    output: Format
    colour: bool
    profile: Profile | None = None


def prove_file(path: str, wanted: Wanted, program: str | None, request: Request) -> tuple[str, int]:
    """The report and the exit code; raises DockerlayerError when it could not run.

    ``program`` names the builder, None is the first that answers.
    """
    from dockerlayer.cli.batch import task_of

    task = task_of(
        "fix",
        wanted.select,
        wanted.ignore,
        wanted.context,
        wanted.pattern,
        wanted.output,
        wanted.colour,
        wanted.unsafe,
        wanted.profile,
    )
    if os.path.isdir(path):
        path = os.path.join(path, "Dockerfile")
    dockerfile, context = open_buildable(path, task.context)
    texts = [dockerfile.data]
    ignore: tuple[str, ...] = ()
    if not wanted.as_is:
        outcome = repair(dockerfile.data, context, task.ecosystems, task.options)
        if outcome.made:
            texts.append(outcome.data)
            ignore = outcome.ignore
        elif outcome.report.findings:
            say(f"fix changes nothing here; `dockerlayer check {path}` says why")
    builder = find_builder(program)
    with _stopped_politely(), _told() as tell:
        proof = prove(path, texts, context, task.ecosystems, builder, request, wanted.touch, tell, ignore)
    verdict = verdict_of(proof)
    name = f"{builder.name} ({builder.version})"
    if task.as_json:
        return proof_json(proof, verdict, name), _EXIT[verdict.outcome]
    return proof_text(proof, verdict, name, task.paint), _EXIT[verdict.outcome]


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
