"""What is kept of documents and contexts, and for how long."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from pathlib import Path

import pytest
from editor import wait
from lsprotocol import types as lsp

from dockerlayer.api import Ecosystem
from dockerlayer.baseline import baseline_text, known_of
from dockerlayer.engine import Options
from dockerlayer.errors import InputError
from dockerlayer.lsp.capabilities import Client
from dockerlayer.lsp.contexts import FRESH, Contexts
from dockerlayer.lsp.desk import Desk, Setting, is_ours
from dockerlayer.lsp.examined import Document, Examined
from dockerlayer.lsp.positions import Text
from dockerlayer.lsp.worker import Worker


@pytest.mark.parametrize("watched", [False, True])
def test_a_context_is_kept_for_a_while(tmp_path: Path, watched: bool) -> None:
    now = 100.0
    contexts = Contexts(lambda: now)
    contexts.watched = watched
    path = str(tmp_path / "Dockerfile")
    first = contexts.context(path, None)
    now += FRESH / 2
    assert contexts.context(path, None) is first
    assert contexts.context(path, str(tmp_path)) is not first
    now += FRESH
    assert (contexts.context(path, None) is first) == watched
    contexts.forget()
    assert contexts.context(path, None) is not first


def test_contexts_that_are_not_there(tmp_path: Path) -> None:
    contexts = Contexts()
    assert not contexts.context("", None).exists("")
    assert contexts.context("", str(tmp_path)).root == tmp_path
    gone = tmp_path / "gone"
    path = str(gone / "Dockerfile")
    assert not contexts.context(path, None).exists("")
    gone.mkdir()
    (gone / "a").write_text("")
    assert contexts.context(path, None).exists("a"), "it is there now"
    with pytest.raises(InputError):
        contexts.context(path, str(tmp_path / "nowhere"))


def test_context_of_a_build(tmp_path: Path) -> None:
    contexts = Contexts()
    contexts.watched = True
    path = str(tmp_path / "docker" / "Dockerfile")
    (tmp_path / ".git").mkdir()
    (tmp_path / "docker").mkdir()
    Path(path).write_text("FROM scratch\n")
    compose = tmp_path / "compose.yaml"
    compose.write_text("services: {a: {build: {context: ., dockerfile: docker/Dockerfile}, image: x}}")
    assert [view.context.root for view in contexts.views(path, None)] == [tmp_path]
    assert [view.context.root for view in contexts.views(path, str(tmp_path / "docker"))] == [tmp_path / "docker"]
    compose.write_text("services: {}")
    assert [view.context.root for view in contexts.views(path, None)] == [tmp_path]
    contexts.forget()
    assert [view.context.root for view in contexts.views(path, None)] == [tmp_path / "docker"]


@pytest.mark.parametrize(
    ("language", "name", "ours"),
    [
        ("dockerfile", "anything", True),
        ("containerfile", "anything", True),
        ("Dockerfile", "", True),
        ("plaintext", "Containerfile.dev", True),
        ("", "api.dockerfile", True),
        ("ignore", "Dockerfile.dockerignore", False),
        ("dockercompose", "compose.yaml", False),
        ("yaml", "docker-compose.yml", False),
        ("", "", False),
    ],
)
def test_what_is_a_dockerfile(language: str, name: str, ours: bool) -> None:
    assert is_ours(language, name) == ours


def test_an_editor_that_says_nothing_can_do_nothing() -> None:
    client = Client(lsp.ClientCapabilities(workspace=lsp.WorkspaceClientCapabilities()))
    said = (client.versions, client.creates, client.watches, client.refreshes_lenses, client.relates)
    assert not any(said)
    assert client.markdown
    plain = lsp.HoverClientCapabilities(content_format=[lsp.MarkupKind.PlainText])
    text = lsp.TextDocumentClientCapabilities(hover=plain)
    assert not Client(lsp.ClientCapabilities(text_document=text)).markdown


def test_work_that_is_no_longer_wanted_is_left_out() -> None:
    async def talk() -> None:
        worker, gate, done = Worker(), threading.Event(), []
        held = worker.do(gate.wait)
        unwanted = worker.do(lambda: done.append("unwanted"))
        wanted = worker.do(lambda: done.append("wanted"))
        unwanted.cancel()
        await asyncio.sleep(0)  # the cancellation reaches the queue in the loop's next turn
        gate.set()
        await wait(held)
        await wait(wanted)
        assert done == ["wanted"]

    asyncio.run(talk())


class _Editor:
    """An editor with one document, for a desk; the engine stands still while ``gate`` is closed."""

    def __init__(self, tmp_path: Path, ecosystems: Sequence[Ecosystem]) -> None:
        self.text, self.version = "FROM scratch\n", 1
        self.path = str(tmp_path / "Dockerfile")
        self.shown: asyncio.Queue[tuple[int | None, Examined | None]] = asyncio.Queue()
        self.told: list[str] = []
        self.gate = threading.Event()
        self.started = threading.Event()
        self.settled = 0
        self.setting = Setting(Options(frozenset({"invalid-dockerfile", "missing-lockfile"})))
        self.desk = Desk(
            lambda uri: Document(uri, self.version, self.path, Text(self.text)) if self.version else None,
            lambda document, found: self.shown.put_nowait((document.version, found)),
            lambda message, bug: self.told.append(message),
        )
        self.desk.settle = self.settle
        self.desk.ecosystems = ecosystems

    def settle(self, path: str | None) -> Setting:
        self.settled += 1
        self.started.set()
        assert self.gate.wait(60)
        return self.setting


def test_what_is_overtaken_is_not_shown(tmp_path: Path, ecosystems: tuple[Ecosystem, ...]) -> None:
    async def talk() -> None:
        editor = _Editor(tmp_path, ecosystems)
        editor.desk.changed("uri")
        await asyncio.to_thread(editor.started.wait)
        question = asyncio.ensure_future(editor.desk.ask("uri", lambda found: found.document.version))
        editor.version, editor.text = 2, "RUNN\n"
        editor.desk.changed("uri")
        editor.gate.set()
        version, found = await wait(editor.shown.get())
        assert version == 2
        assert found is not None
        assert [item.rule for item in found.findings] == ["invalid-dockerfile"]
        assert await wait(question) == 2, "a question that was overtaken is asked again"
        assert editor.settled == 2
        assert await wait(editor.desk.ask("uri", lambda found: found.document.version)) == 2
        assert editor.settled == 2, "each version is examined once"
        editor.desk.refresh()
        assert (await wait(editor.shown.get()))[0] == 2
        assert editor.settled == 3
        assert editor.shown.empty()
        assert not editor.told

    asyncio.run(talk())


def test_a_document_that_is_closed_meanwhile(tmp_path: Path, ecosystems: tuple[Ecosystem, ...]) -> None:
    async def talk() -> None:
        editor = _Editor(tmp_path, ecosystems)
        editor.desk.changed("uri")
        await asyncio.to_thread(editor.started.wait)
        question = asyncio.ensure_future(editor.desk.ask("uri", lambda found: 1))
        await asyncio.sleep(0)
        editor.version = 0
        editor.desk.closed("uri")
        editor.gate.set()
        assert await wait(question) is None
        assert await wait(editor.desk.ask("uri", lambda found: 1)) is None
        assert editor.shown.empty()
        assert not editor.told

    asyncio.run(talk())


def test_what_the_user_can_put_right(tmp_path: Path, ecosystems: tuple[Ecosystem, ...]) -> None:
    async def talk() -> None:
        editor = _Editor(tmp_path, ecosystems)

        def settle(path: str | None) -> Setting:
            raise InputError("line 3 is wrong")

        editor.desk.settle = settle
        editor.desk.changed("uri")
        assert await wait(editor.shown.get()) == (1, None)
        assert editor.told == [f"{editor.path}: line 3 is wrong"]

    asyncio.run(talk())


def test_what_is_left_out(tmp_path: Path, ecosystems: tuple[Ecosystem, ...]) -> None:
    baseline = tmp_path / "baseline.json"

    async def talk() -> None:
        editor = _Editor(tmp_path, ecosystems)
        editor.gate.set()
        (tmp_path / "package.json").write_text('{"dependencies": {"a": "1.0.0"}}')
        editor.text = "FROM node:22\nWORKDIR /app\nCOPY package.json .\nRUN npm install\n"
        editor.desk.changed("uri")
        _, found = await wait(editor.shown.get())
        assert found is not None
        assert [item.rule for item in found.findings] == ["missing-lockfile"]

        baseline.write_text(baseline_text({"Dockerfile": known_of(found.findings)}))
        editor.setting = editor.setting._replace(baseline=str(baseline))
        editor.desk.refresh()
        _, found = await wait(editor.shown.get())
        assert found is not None
        assert found.findings == ()

        baseline.write_text("{")
        editor.desk.refresh()
        assert await wait(editor.shown.get()) == (1, None)
        assert str(baseline) in editor.told.pop()

        editor.setting = editor.setting._replace(excluded=True)
        editor.desk.refresh()
        assert await wait(editor.shown.get()) == (1, None)
        assert not editor.told

    asyncio.run(talk())
