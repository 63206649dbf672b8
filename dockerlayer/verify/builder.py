"""Builders: what one is asked, what it answers, and which one is there."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from textwrap import indent
from typing import IO, NamedTuple, Protocol

from dockerlayer.errors import DockerlayerError
from dockerlayer.verify.progress import Progress, StepRun
from dockerlayer.verify.traffic import Traffic


class BuilderError(DockerlayerError):
    """There is no builder, or it cannot do what is asked of it."""


class NoBuilderError(BuilderError):
    """No builder answers: a line for each, with its reason."""

    several_lines = True


class Request(NamedTuple):
    """One build. ``args``, ``secrets``, ``ssh`` and ``contexts`` are option values as a user writes them.

    The image is stored under ``tag``; without a tag nothing is stored.
    """

    dockerfile: Path
    context: Path
    tag: str = ""
    target: str | None = None
    platform: str | None = None
    args: Sequence[str] = ()
    secrets: Sequence[str] = ()
    ssh: Sequence[str] = ()
    contexts: Sequence[str] = ()
    network: str | None = None
    no_cache: bool = False


class Built(NamedTuple):
    """What came of a build. ``received`` is what the whole machine received meanwhile, in bytes; None if not known."""

    ok: bool
    steps: tuple[StepRun, ...]
    seconds: float
    received: int | None
    log: str
    tag: str


Watcher = Callable[[str], None]


class Builder(Protocol):
    """A program that builds images, and keeps them."""

    name: str
    version: str
    can_cut_network: bool
    keys_are_buildkits: bool

    def build(self, request: Request, watch: Watcher | None = None) -> Built:
        """Build; ``watch`` is told of each step that begins. Raises BuilderError if the builder did not even start."""

    def inspect(self, tag: str) -> Mapping[str, object]:
        """``Size`` in bytes and ``Config`` of a stored image, in the terms of ``docker image inspect``."""

    def export(self, tag: str) -> AbstractContextManager[IO[bytes]]:
        """The image's files as an uncompressed tar archive, to be read once from front to back."""

    def remove(self, tag: str) -> None:
        """Forget a stored image; it is no error if there is none."""


def find_builder(name: str | None = None) -> Builder:
    """The builder of that name (docker, podman, buildah), or the first that answers.

    Raises BuilderError with what each of them said.
    """
    from dockerlayer.verify.buildah import Buildah
    from dockerlayer.verify.buildx import Buildx

    known: dict[str, Callable[[str], Builder]] = {"docker": Buildx, "podman": Buildah, "buildah": Buildah}
    if name is not None and name not in known:
        raise BuilderError(f"there is no builder {name!r}; known are {', '.join(known)}")
    reasons = []
    for program in (name,) if name is not None else known:
        if shutil.which(program) is None:
            reasons.append(f"{program}: not installed")
            continue
        try:
            return known[program](program)
        except BuilderError as error:
            reasons.append(f"{program}: {error}")
    # A reason is what a program said: each of its lines is set in, so that none begins a line of ours.
    raise NoBuilderError("\n".join(("no builder can be used", *(indent(reason, "  ") for reason in reasons))))


def ask(*command: str, timeout: float = 60) -> str:
    """The standard output of a short command; raises BuilderError with what it said if it fails."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=timeout, check=False)
    except subprocess.TimeoutExpired as error:
        raise BuilderError(f"`{' '.join(command)}` does not answer within {timeout:.0f} seconds") from error
    except OSError as error:
        raise BuilderError(f"{command[0]} cannot be run: {error.strerror}") from error
    if done.returncode:
        raise BuilderError((done.stderr or done.stdout).strip() or f"`{' '.join(command)}` failed")
    return done.stdout


@contextmanager
def streamed(*command: str) -> Iterator[IO[bytes]]:
    """The standard output of a command as it comes; raises BuilderError if the command fails."""
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        try:
            yield process.stdout
            while process.stdout.read(1 << 20):
                pass
            said = process.stderr.read().decode("utf-8", "replace").strip()
            if process.wait():
                raise BuilderError(said or f"`{' '.join(command)}` failed")
        finally:
            if process.poll() is None:
                process.kill()


def watch_build(command: Sequence[str], progress: Progress, watch: Watcher | None, traffic: Traffic) -> int:
    """Run a build to its end, feeding all that it prints to ``progress``; the exit code.

    When this process is interrupted, the build is told to stop, and is waited for.
    """
    shown = ""
    with traffic:
        process = None
        try:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                encoding="utf-8",
                errors="replace",
            )
            assert process.stdout is not None
            for line in process.stdout:
                progress.feed(line.rstrip("\r\n"))
                if watch is not None and (now := progress.running()) and now != shown:
                    shown = now
                    watch(now)
            return process.wait()
        except OSError as error:
            raise BuilderError(f"{command[0]} cannot be run: {error.strerror}") from error
        finally:
            if process is not None:
                _end(process)


def _end(process: subprocess.Popen[str]) -> None:
    if process.stdout is not None:
        process.stdout.close()
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def shares(steps: Sequence[StepRun], traffic: Traffic) -> tuple[StepRun, ...]:
    """The steps with the bytes that came in while each of them ran."""
    return tuple(
        step if step.cached else step._replace(received=traffic.between(step.started, step.completed)) for step in steps
    )
