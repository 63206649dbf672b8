"""The editor's side of the Language Server Protocol: a real client, and edits made as the specification says."""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from lsprotocol import types as lsp
from pygls.lsp.client import LanguageClient
from pygls.uris import to_fs_path

ABLE = lsp.ClientCapabilities(
    workspace=lsp.WorkspaceClientCapabilities(
        workspace_edit=lsp.WorkspaceEditClientCapabilities(
            document_changes=True, resource_operations=[lsp.ResourceOperationKind.Create]
        ),
        did_change_watched_files=lsp.DidChangeWatchedFilesClientCapabilities(dynamic_registration=True),
        code_lens=lsp.CodeLensWorkspaceClientCapabilities(refresh_support=True),
    ),
    text_document=lsp.TextDocumentClientCapabilities(
        hover=lsp.HoverClientCapabilities(content_format=[lsp.MarkupKind.Markdown]),
        publish_diagnostics=lsp.PublishDiagnosticsClientCapabilities(related_information=True),
    ),
)
"""What VS Code can do, as far as the server asks for it."""

PATIENCE = 60.0
_CODECS = {"utf-8": "utf-8", "utf-16": "utf-16-le", "utf-32": "utf-32-le"}
_UNITS = {"utf-8": 1, "utf-16": 2, "utf-32": 4}


class Editor:
    """A client at the other end of the real server; what the server sends is waited for, never slept for."""

    def __init__(self) -> None:
        self.client = LanguageClient("editor", "1")
        self.published: asyncio.Queue[lsp.PublishDiagnosticsParams] = asyncio.Queue()
        self.logged: asyncio.Queue[lsp.LogMessageParams] = asyncio.Queue()
        self.shown: asyncio.Queue[lsp.ShowMessageParams] = asyncio.Queue()
        self.registered: asyncio.Queue[lsp.RegistrationParams] = asyncio.Queue()
        self.refreshed: asyncio.Queue[None] = asyncio.Queue()
        self.encoding = "utf-16"
        feature = self.client.feature
        feature(lsp.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS)(lambda params: self.published.put_nowait(params))
        feature(lsp.WINDOW_LOG_MESSAGE)(lambda params: self.logged.put_nowait(params))
        feature(lsp.WINDOW_SHOW_MESSAGE)(lambda params: self.shown.put_nowait(params))
        feature(lsp.CLIENT_REGISTER_CAPABILITY)(lambda params: self.registered.put_nowait(params))
        feature(lsp.WORKSPACE_CODE_LENS_REFRESH)(lambda params: self.refreshed.put_nowait(None))

    async def start(
        self,
        environment: Mapping[str, str],
        *arguments: str,
        able: lsp.ClientCapabilities = ABLE,
        options: object = None,
    ) -> lsp.InitializeResult:
        """Start the server, in the home directory, and shake hands with it."""
        words = ("-m", "dockerlayer", "lsp", *arguments)
        await self.client.start_io(sys.executable, *words, env=dict(environment), cwd=environment["HOME"])
        made = lsp.InitializeParams(capabilities=able, initialization_options=options)
        result = await wait(self.client.initialize_async(made))
        self.encoding = str(getattr(result.capabilities.position_encoding, "value", "utf-16"))
        self.client.initialized(lsp.InitializedParams())
        return result

    async def end(self) -> tuple[int | None, str]:
        """Shut the server down in good order; its exit code, and what it wrote to standard error."""
        await wait(self.client.shutdown_async(None))
        self.client.exit(None)
        return await self.ended()

    async def ended(self) -> tuple[int | None, str]:
        """Wait for the end of the server's process."""
        process = self.process
        assert process.stderr is not None
        await wait(process.wait())
        text = (await wait(process.stderr.read())).decode()
        await wait(self.client.stop())
        return process.returncode, text

    @property
    def process(self) -> asyncio.subprocess.Process:
        """The server's process."""
        process = self.client._server
        assert process is not None
        return process

    def open(self, path: Path | str, text: str, version: int = 1, language: str = "dockerfile") -> str:
        """Open a document; its URI."""
        uri = path.as_uri() if isinstance(path, Path) else path
        item = lsp.TextDocumentItem(uri, language, version, text)
        self.client.text_document_did_open(lsp.DidOpenTextDocumentParams(item))
        return uri

    def change(self, uri: str, text: str, version: int) -> None:
        """Say that a document has another text."""
        whole = lsp.TextDocumentContentChangeWholeDocument(text)
        where = lsp.VersionedTextDocumentIdentifier(version, uri)
        self.client.text_document_did_change(lsp.DidChangeTextDocumentParams(where, [whole]))

    def save(self, uri: str) -> None:
        """Say that a document was saved."""
        self.client.text_document_did_save(lsp.DidSaveTextDocumentParams(lsp.TextDocumentIdentifier(uri)))

    def close(self, uri: str) -> None:
        """Close a document."""
        self.client.text_document_did_close(lsp.DidCloseTextDocumentParams(lsp.TextDocumentIdentifier(uri)))

    async def diagnostics(self, uri: str, version: int | None) -> Sequence[lsp.Diagnostic]:
        """The next diagnostics of a version of a document; nothing else may come before them but older ones."""
        while True:
            params = await wait(self.published.get())
            assert params.uri == uri
            if params.version == version:
                return params.diagnostics

    async def actions(self, uri: str, place: lsp.Range, only: Sequence[str] | None = None) -> list[lsp.CodeAction]:
        """The code actions for a place."""
        context = lsp.CodeActionContext([], only=only)
        params = lsp.CodeActionParams(lsp.TextDocumentIdentifier(uri), place, context)
        found = await wait(self.client.text_document_code_action_async(params))
        return [item for item in found or () if isinstance(item, lsp.CodeAction)]

    async def hover(self, uri: str, line: int, character: int) -> str:
        """What is shown at a position; "" for nothing."""
        params = lsp.HoverParams(lsp.TextDocumentIdentifier(uri), lsp.Position(line, character))
        found = await wait(self.client.text_document_hover_async(params))
        return "" if found is None else found.contents.value

    async def lenses(self, uri: str) -> list[tuple[int, str]]:
        """Line and title of each code lens."""
        found = await wait(
            self.client.text_document_code_lens_async(lsp.CodeLensParams(lsp.TextDocumentIdentifier(uri)))
        )
        return [(item.range.start.line, item.command.title) for item in found or ()]


Talk = Callable[[Editor], Awaitable[None]]


async def wait(awaitable: Any) -> Any:
    """What is awaited, in time."""
    return await asyncio.wait_for(awaitable, PATIENCE)


def lines_of(text: str) -> list[str]:
    """The lines of a document as the specification counts them, each with its end."""
    return re.findall(r"[^\r\n]*(?:\r\n|\n|\r)|[^\r\n]+\Z|\Z(?<=[\r\n])|\A\Z", text)


def index_of(text: str, position: lsp.Position, encoding: str = "utf-16") -> int:
    """The index of a position in the text."""
    lines = lines_of(text)
    if position.line >= len(lines):
        return len(text)
    content = lines[position.line].rstrip("\r\n")
    units = content.encode(_CODECS[encoding])[: position.character * _UNITS[encoding]]
    return sum(map(len, lines[: position.line])) + len(units.decode(_CODECS[encoding]))


def edited(text: str, edits: Sequence[Any], encoding: str = "utf-16") -> str:
    """The text after edits, all of which speak of the text as it was and none of which overlap."""
    places = [
        (index_of(text, edit.range.start, encoding), index_of(text, edit.range.end, encoding), edit.new_text)
        for edit in edits
    ]
    places.sort(key=lambda place: place[:2])
    for (_, end, _), (start, _, _) in pairwise(places):
        assert end <= start, "edits overlap"
    for start, end, new in reversed(places):
        text = text[:start] + new + text[end:]
    return text


def applied(
    edit: lsp.WorkspaceEdit | None, open_texts: Mapping[str, tuple[int, str]], encoding: str = "utf-16"
) -> dict[str, str]:
    """The texts, by URI, after an edit of open documents (with their versions), and of files on disk."""
    assert edit is not None
    texts: dict[str, str] = {}
    for change in edit.document_changes or ():
        if isinstance(change, lsp.CreateFile):
            path = Path(to_fs_path(change.uri) or "")
            assert not path.exists()
            texts[change.uri] = ""
            continue
        assert isinstance(change, lsp.TextDocumentEdit)
        document = change.text_document
        if document.uri in open_texts:
            version, text = open_texts[document.uri]
            assert document.version == version
        else:
            assert document.version is None, "of a file that is not open the version is not known"
            text = texts.get(document.uri) if document.uri in texts else _read(document.uri)
        texts[document.uri] = edited(text or "", change.edits, encoding)
    for uri, edits in (edit.changes or {}).items():
        texts[uri] = edited(open_texts[uri][1] if uri in open_texts else _read(uri), edits, encoding)
    return texts


def _read(uri: str) -> str:
    return Path(to_fs_path(uri) or "").read_bytes().decode()
