"""One task over many files: in this process for few, in several for many; results come in order."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Generator, Iterator, Sequence

from dockerlayer.cli.terminal import is_terminal
from dockerlayer.cli.work import Result, Source, Task, failed, work

FEW = 16
"""Up to so many files, starting processes takes longer than it saves."""

BAR_AFTER = 1.0
"""Seconds before a progress bar is shown."""

_task: Task | None = None


def results(task: Task, sources: Sequence[Source]) -> Generator[Result, None, None]:
    """The result for every source, in order. Closing the iterator stops what is still at work."""
    workers = min(os.cpu_count() or 1, len(sources))
    if len(sources) <= FEW or workers < 2 or not hasattr(os, "fork"):
        for source in sources:
            yield work(task, source)
        return
    yield from _parallel(task, sources, workers)


def _parallel(task: Task, sources: Sequence[Source], workers: int) -> Generator[Result, None, None]:
    import multiprocessing
    from concurrent.futures import ProcessPoolExecutor
    from concurrent.futures.process import BrokenProcessPool

    # The workers inherit the task: ecosystems hold functions and need not be picklable.
    pool = ProcessPoolExecutor(workers, multiprocessing.get_context("fork"), _adopt, (task,))
    size = max(1, min(16, len(sources) // (4 * workers)))
    # Not pool.map: it cancels what is pending when it is interrupted, and the pool's own thread then fails with a
    # traceback on each cancelled future (InvalidStateError, seen with Python 3.11).
    waiting = [pool.submit(_work_adopted, sources[at : at + size]) for at in range(0, len(sources), size)]
    done = 0
    finished = False
    try:
        for chunk in waiting:
            for result in chunk.result():
                done += 1
                yield result
        finished = True
    except BrokenProcessPool:
        for source in sources[done:]:
            yield failed(source, "not checked, because a worker process died", internal=True)
    finally:
        # Not waiting at the end of a run: the pool's own thread then closes what the interpreter's exit writes to
        # (OSError: Bad file descriptor, seen with Python 3.11 on a busy machine).
        pool.shutdown(wait=finished)
        if not finished:
            for child in multiprocessing.active_children():
                child.terminate()


def _adopt(task: Task) -> None:
    import signal

    global _task
    _task = task
    # Ctrl-C reaches every process of the group; a worker holds nothing that it would have to put away.
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def _work_adopted(sources: Sequence[Source]) -> list[Result]:
    assert _task is not None
    return [work(_task, source) for source in sources]


def watched(found: Iterator[Result], total: int) -> Iterator[Result]:
    """The same results, with a progress bar on standard error when that is a terminal and it takes long.

    While the bar is shown results are held back, so that nothing is printed across it.
    """
    started = time.monotonic()
    for done, result in enumerate(found, 1):
        yield result
        if done < total and time.monotonic() - started > BAR_AFTER and is_terminal(sys.stderr):
            yield from _behind_bar(found, done, total)
            return


def _behind_bar(found: Iterator[Result], done: int, total: int) -> Iterator[Result]:
    from rich.console import Console
    from rich.progress import Progress

    held: list[Result] = []
    try:
        with Progress(console=Console(stderr=True), transient=True) as bar:
            files = bar.add_task("Dockerfiles", total=total, completed=done)
            for result in found:
                held.append(result)
                bar.advance(files)
    finally:
        yield from held
