"""The progress bar, and that it neither loses nor reorders results."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator

import pytest

from dockerlayer.cli import pool
from dockerlayer.cli.work import Result, Source


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def watch(
    monkeypatch: pytest.MonkeyPatch, found: Iterator[Result], *, after: float = -1.0, stream: io.StringIO | None = None
) -> tuple[list[str], str]:
    """Everything that comes out, and what was written to the terminal meanwhile."""
    # Not in a fixture: pytest puts its own stream back before the test begins.
    stream = stream or Terminal()
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setattr(pool, "BAR_AFTER", after)
    monkeypatch.setenv("TERM", "xterm")
    seen: list[str] = []
    try:
        seen.extend(result.source.path for result in pool.watched(found, 50))
    except KeyboardInterrupt:
        seen.append("interrupted")
    return seen, stream.getvalue()


def results(number: int, error: BaseException | None = None) -> Iterator[Result]:
    for index in range(number):
        if error is not None and index == number - 1:
            raise error
        yield Result(Source(str(index)))


ALL = list(map(str, range(50)))


def test_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    seen, shown = watch(monkeypatch, results(50))
    assert seen == ALL
    assert "Dockerfiles" in shown


def test_no_bar_for_a_quick_run(monkeypatch: pytest.MonkeyPatch) -> None:
    assert watch(monkeypatch, results(50), after=60.0) == (ALL, "")


def test_no_bar_without_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    assert watch(monkeypatch, results(50), stream=io.StringIO()) == (ALL, "")


def test_what_is_held_back_comes_out_when_interrupted(monkeypatch: pytest.MonkeyPatch) -> None:
    seen, _ = watch(monkeypatch, results(50, KeyboardInterrupt()))
    assert seen == [*ALL[:-1], "interrupted"]
