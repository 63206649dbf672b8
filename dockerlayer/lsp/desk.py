"""The open documents: what is examined when, and what of it still holds."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Sequence
from typing import NamedTuple

from dockerlayer.api import Ecosystem
from dockerlayer.baseline import read_baseline
from dockerlayer.discovery import is_dockerfile
from dockerlayer.engine import Options
from dockerlayer.errors import DockerlayerError
from dockerlayer.lsp.contexts import Contexts
from dockerlayer.lsp.examined import Document, Examined
from dockerlayer.lsp.worker import T, Worker

LANGUAGES = frozenset({"dockerfile", "containerfile"})
PAUSE = 0.15
"""Seconds without a key press before a text is examined."""


class Setting(NamedTuple):
    """What is in force for one Dockerfile.

    ``context`` is the directory of its build context, None is its own; ``baseline`` the file of findings that are left
    out. Of a file that is ``excluded`` nothing is said.
    """

    options: Options
    context: str | None = None
    baseline: str | None = None
    excluded: bool = False


Settle = Callable[[str | None], Setting]
"""Gives the setting for the Dockerfile of a path, or for a text without one; may raise DockerlayerError."""


class SupersededError(Exception):
    """Another version, or another context, took the place of the one that was being examined."""


class Plan(NamedTuple):
    """One examination of one version of a document."""

    document: Document
    found: asyncio.Task[Examined | None]


class Desk:
    """Examines documents on one thread, each version once, and shows what it found when nothing is typed any more.

    ``read`` gives an open document as the editor now has it, ``show`` what was found to the editor (None when the
    document could not be examined), ``tell`` the reason for that, and whether it is a bug of ours.
    """

    def __init__(
        self,
        read: Callable[[str], Document | None],
        show: Callable[[Document, Examined | None], None],
        tell: Callable[[str, bool], None],
    ) -> None:
        self.contexts = Contexts()
        self.settle: Settle = lambda path: Setting(Options(frozenset()))
        self.ecosystems: Sequence[Ecosystem] = ()
        self._read = read
        self._show = show
        self._tell = tell
        self._worker = Worker()
        self._plans: dict[str, Plan] = {}
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._shows: set[asyncio.Task[None]] = set()

    def changed(self, uri: str, pause: float = 0.0) -> None:
        """A document has another text, or another context: show what is to be found when the pause is over."""
        self._stop(uri)
        self._timers[uri] = asyncio.get_running_loop().call_later(pause, self._start, uri)

    def closed(self, uri: str) -> None:
        """A document is of no interest any more."""
        self._stop(uri)
        self._drop(uri)

    def refresh(self, pause: float = 0.0) -> None:
        """Files have changed: what was found no longer counts."""
        self.contexts.forget()
        for uri in tuple(self._plans):
            self._drop(uri)
            self.changed(uri, pause)

    def _stop(self, uri: str) -> None:
        timer = self._timers.pop(uri, None)
        if timer is not None:
            timer.cancel()

    def _drop(self, uri: str) -> None:
        plan = self._plans.pop(uri, None)
        if plan is not None:
            plan.found.cancel()

    def _start(self, uri: str) -> None:
        self._timers.pop(uri, None)
        task = asyncio.ensure_future(self._find_and_show(uri))
        self._shows.add(task)
        task.add_done_callback(self._shown)

    def _shown(self, task: asyncio.Task[None]) -> None:
        self._shows.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._tell(f"internal error: {type(error).__name__}: {error}; please report", True)

    async def _find_and_show(self, uri: str) -> None:
        document = self._read(uri)
        if document is None:
            return
        try:
            found = await self._examined(document)
        except SupersededError:
            return
        now = self._read(uri)
        if now is not None and now.version == document.version:
            self._show(document, found)

    async def ask(self, uri: str, question: Callable[[Examined], T]) -> T | None:
        """The answer to a question about a document as it now is; None when there can be none."""
        while (document := self._read(uri)) is not None:
            try:
                found = await self._examined(document)
            except SupersededError:
                continue
            return None if found is None else await self._answer(document, found, question)
        return None

    async def _answer(self, document: Document, found: Examined, question: Callable[[Examined], T]) -> T | None:
        return await self._careful(document.path or document.uri, lambda: question(found))

    async def _examined(self, document: Document) -> Examined | None:
        plan = self._plans.get(document.uri)
        if plan is None or plan.document.version != document.version:
            self._drop(document.uri)
            plan = Plan(document, asyncio.ensure_future(self._examine(document)))
            self._plans[document.uri] = plan
        try:
            # Several wait for it, and one who is no longer interested must not take it from the others.
            return await asyncio.shield(plan.found)
        except asyncio.CancelledError:
            if plan.found.cancelled():
                raise SupersededError from None
            raise

    async def _examine(self, document: Document) -> Examined | None:
        def work() -> Examined | None:
            setting = self.settle(document.path or None)
            if setting.excluded:
                return None
            known = None
            if setting.baseline is not None and document.path:
                known = read_baseline(setting.baseline).of(document.path)
            views = self.contexts.views(document.path, setting.context)
            return Examined(document, views[0].context, self.ecosystems, setting.options, known, views)

        return await self._careful(document.path or document.uri, work)

    async def _careful(self, name: str, work: Callable[[], T]) -> T | None:
        """What comes of some work; when it fails the reason is told, and None comes of it."""
        try:
            return await self._worker.do(work)
        except DockerlayerError as error:
            self._tell(f"{name}: {error}", False)
        except Exception as error:  # a bug met in one text must not end the server
            message = f"internal error in {name}: {type(error).__name__}: {error}; please report"
            if os.environ.get("DOCKERLAYER_DEBUG", "0") not in {"", "0"}:
                from traceback import format_exc

                message += f"\n{format_exc()}"
            self._tell(message, True)
        return None


def is_ours(language: str, name: str) -> bool:
    """Whether a document is a Dockerfile: by what the editor calls its language, else by its name."""
    return language.lower() in LANGUAGES or is_dockerfile(name)
