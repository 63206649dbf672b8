"""What may go wrong in a conversation: the server answers what it can, and ends when it should."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from editor import Editor, Talk, wait
from lsprotocol import types as lsp
from pygls.exceptions import JsonRpcRequestCancelled

# pygls 2.1 asks asyncio what inspect should be asked, of which Python 3.14 warns.
pytestmark = pytest.mark.filterwarnings("ignore:'asyncio.iscoroutinefunction' is deprecated:DeprecationWarning")
Converse = Callable[[Talk], None]

BAD = "FROM busybox\nWORKDIR /app\nCOPY . .\nRUN fakepm install\n"


def test_what_goes_wrong_with_one_text(converse: Converse, environment: dict[str, str], fake: Path) -> None:
    async def talk(editor: Editor) -> None:
        await editor.start(environment)
        uri = editor.open(fake / "Dockerfile", BAD)
        assert len(await editor.diagnostics(uri, 1)) == 1
        for version, word in ((2, "crash"), (3, "leave")):
            editor.change(uri, f"{BAD}RUN fakepm install {word}\n", version)
            assert await editor.diagnostics(uri, version) == (), "of a text that is not examined nothing is said"
            logged = await wait(editor.logged.get())
            assert logged.type == lsp.MessageType.Error
            assert logged.message.startswith(f"internal error in {fake / 'Dockerfile'}: ")
            assert await editor.hover(uri, 3, 5) == ""
            assert await editor.actions(uri, lsp.Range(lsp.Position(3, 0), lsp.Position(3, 9))) == []
            assert await editor.lenses(uri) == []
        editor.change(uri, f"{BAD}RUN fakepm install print\n", 4)
        assert len(await editor.diagnostics(uri, 4)) == 2, "the server goes on, and what a plugin prints does no harm"
        code, errors = await editor.end()
        assert code == 0
        assert set(errors.splitlines()) == {"Content-Length: 3"}

    converse(talk)


def test_documents_of_other_kinds_and_places(converse: Converse, environment: dict[str, str], fake: Path) -> None:
    async def talk(editor: Editor) -> None:
        await editor.start(environment)
        compose = editor.open(fake / "compose.yaml", "services: {}\n", language="dockercompose")
        ignore = editor.open(fake / "Dockerfile.dockerignore", "x\n", language="ignore")
        # A name or a language is enough; a document without a place has no context, a missing directory neither.
        for name in (fake / "api.dockerfile", fake / "gone" / "Containerfile"):
            uri = editor.open(name, "RUNN x\n", language="plaintext")
            assert [item.code for item in await editor.diagnostics(uri, 1)] == ["invalid-dockerfile"]
        for name in ("untitled:Untitled-1", (fake / "image").as_uri()):
            uri = editor.open(name, "RUNN x\n")
            assert [item.code for item in await editor.diagnostics(uri, 1)] == ["invalid-dockerfile"]
            assert await editor.hover(uri, 0, 0) != ""
        assert await editor.hover(compose, 0, 0) == ""
        assert await editor.lenses(ignore) == []
        assert await editor.end() == (0, "")

    converse(talk)


def test_the_server_does_not_outlive_the_editor(converse: Converse, environment: dict[str, str], fake: Path) -> None:
    async def gone(editor: Editor) -> None:
        await editor.start(environment)
        editor.open(fake / "Dockerfile", f"{BAD}RUN fakepm install sleep\n")
        errors = editor.process.stderr
        assert errors is not None
        assert await wait(errors.readline()) == b"READY\n", "the server is in the middle of its work"
        assert editor.process.stdin is not None
        editor.process.stdin.close()
        assert await editor.ended() == (1, "")

    converse(gone)

    async def impolite(editor: Editor) -> None:
        await editor.start(environment)
        editor.client.exit(None)
        assert await editor.ended() == (1, "")

    converse(impolite)


def test_a_question_while_another_text_is_examined(converse: Converse, environment: dict[str, str], fake: Path) -> None:
    async def talk(editor: Editor) -> None:
        await editor.start(environment)
        uri = editor.open(fake / "Dockerfile", f"{BAD}RUN fakepm install sleep\n")
        errors = editor.process.stderr
        assert errors is not None
        await wait(errors.readline())
        where = lsp.HoverParams(lsp.TextDocumentIdentifier(uri), lsp.Position(0, 0))
        asked = editor.client.protocol.send_request_async(lsp.TEXT_DOCUMENT_HOVER, where)
        # The server still listens: it says goodbye at once.
        assert await editor.end() == (0, "")
        with pytest.raises(JsonRpcRequestCancelled):
            await asked

    converse(talk)


def test_a_long_line(converse: Converse, environment: dict[str, str], project: Path) -> None:
    text = (project / "Dockerfile").read_text() + "# " + "\u20ac" * 1_700_000 + "\n"

    async def talk(editor: Editor) -> None:
        await editor.start(environment)
        uri = editor.open(project / "Dockerfile", text)
        codes = [item.code for item in await editor.diagnostics(uri, 1)]
        # BuildKit refuses a line of more than 64 KiB.
        assert codes == ["invalid-dockerfile"]
        assert await editor.hover(uri, 3, 5) == ""
        assert await editor.lenses(uri) == []
        assert await editor.actions(uri, lsp.Range(lsp.Position(0, 0), lsp.Position(9, 0))) == []
        assert await editor.end() == (0, "")

    converse(talk)


def test_what_no_editor_should_say(converse: Converse, environment: dict[str, str], project: Path) -> None:
    text = (project / "Dockerfile").read_text()

    async def talk(editor: Editor) -> None:
        await editor.start(environment)
        stdin = editor.process.stdin
        assert stdin is not None
        for body in (
            b"nope!",
            b"\xff\xfe",
            b"[]",
            b'{"jsonrpc": "2.0", "method": "textDocument/didOpen", "params": {}}',
        ):
            stdin.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
        gone = (project / "gone").as_uri()
        editor.change(gone, "FROM a\n", 2)
        editor.save(gone)
        assert await editor.hover(gone, 0, 0) == ""
        uri = editor.open(project / "Dockerfile", text)
        (found,) = await editor.diagnostics(uri, 1)
        assert await editor.hover(uri, 9999, 9999) == ""
        assert "RUN npm ci" in await editor.hover(uri, 3, 9999)
        backwards = lsp.Range(lsp.Position(9999, 0), lsp.Position(0, 0))
        assert [item.kind for item in await editor.actions(uri, backwards)] == ["source.fixAll.dockerlayer"]
        editor.open(project / "Dockerfile", text, version=2)
        assert await editor.diagnostics(uri, 2) == (found,)
        assert (await editor.end())[0] == 0

    converse(talk)
