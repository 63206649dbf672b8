"""One thread that does all the work of the engine, so that the server answers while a text is examined."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future
from queue import SimpleQueue
from typing import TypeVar

T = TypeVar("T")


class Worker:
    """Does what it is handed in order. Work that is cancelled before its turn is left out.

    The thread never holds up the end of the process: an editor that goes away leaves nothing behind.
    """

    def __init__(self) -> None:
        self._queue: SimpleQueue[Callable[[], None]] = SimpleQueue()
        threading.Thread(target=self._work, name="dockerlayer", daemon=True).start()

    def _work(self) -> None:
        while True:
            self._queue.get()()

    def do(self, task: Callable[[], T]) -> asyncio.Future[T]:
        """Hand over a task; its result or its error is that of the future."""
        future: Future[T] = Future()

        def run() -> None:
            if future.set_running_or_notify_cancel():
                try:
                    future.set_result(task())
                except Exception as error:
                    future.set_exception(error)
                except BaseException as error:  # a plugin that ends the program must not end this thread
                    future.set_exception(RuntimeError(f"{type(error).__name__}: {error}"))

        self._queue.put(run)
        return asyncio.wrap_future(future)
