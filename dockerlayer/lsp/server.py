"""The server: what the editor says goes to the desk, what the desk finds goes to the editor."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, BinaryIO
from urllib.parse import unquote

from lsprotocol import types as lsp
from pygls.lsp.server import LanguageServer
from pygls.uris import from_fs_path, to_fs_path
from pygls.workspace import TextDocument

from dockerlayer import __version__
from dockerlayer.api import Ecosystem
from dockerlayer.errors import DockerlayerError
from dockerlayer.lsp.actions import KINDS, Abilities, Wanted, actions
from dockerlayer.lsp.capabilities import Client
from dockerlayer.lsp.desk import PAUSE, Desk, Settle, is_ours
from dockerlayer.lsp.diagnostics import diagnostics
from dockerlayer.lsp.examined import Document, Examined
from dockerlayer.lsp.hovers import hover
from dockerlayer.lsp.lenses import lenses
from dockerlayer.lsp.positions import Text

Begin = Callable[[Mapping[str, object]], Settle]
"""From the client's initialization options to what is in force, read afresh; raises DockerlayerError."""


class Server:
    """One conversation with an editor, over two streams."""

    def __init__(self, begin: Begin, ecosystems: Sequence[Ecosystem], complaints: Sequence[str]) -> None:
        self._begin = begin
        self._complaints = tuple(complaints)
        self._warned: set[str] = set()
        self._asked: Mapping[str, object] = {}
        self._client = Client()
        self._proper_end = False
        self._files_changed = False
        # Whole texts are sent: pygls 2.1 takes a form feed or U+2028 for the end of a line (str.splitlines), so that
        # its own idea of a text drifts away from the editor's when only changes are.
        self._pygls = LanguageServer("dockerlayer", __version__, lsp.TextDocumentSyncKind.Full)
        self._desk = Desk(self._read, self._show, self._tell)
        self._desk.ecosystems = ecosystems
        self._wire()

    def run(self, source: BinaryIO, sink: BinaryIO) -> int:
        """Talk until the editor ends it or goes away; the exit code is 0 if it said that it was about to."""
        self._pygls.start_io(source, sink)
        return 0 if self._proper_end else 1

    def _wire(self) -> None:
        said: dict[str, Callable[[Any], None]] = {
            lsp.INITIALIZE: self._on_initialize,
            lsp.INITIALIZED: self._on_initialized,
            lsp.SHUTDOWN: self._on_shutdown,
            lsp.TEXT_DOCUMENT_DID_OPEN: self._on_open,
            lsp.TEXT_DOCUMENT_DID_CHANGE: self._on_change,
            lsp.TEXT_DOCUMENT_DID_SAVE: self._on_save,
            lsp.TEXT_DOCUMENT_DID_CLOSE: self._on_close,
            lsp.WORKSPACE_DID_CHANGE_WATCHED_FILES: self._on_files,
            lsp.WORKSPACE_DID_CHANGE_CONFIGURATION: self._on_files,  # sent by some whether or not there is any
        }
        asked: dict[str, Callable[[Any], Awaitable[object]]] = {
            lsp.TEXT_DOCUMENT_CODE_ACTION: self._actions,
            lsp.TEXT_DOCUMENT_HOVER: self._hover,
            lsp.TEXT_DOCUMENT_CODE_LENS: self._lenses,
        }
        options = {lsp.TEXT_DOCUMENT_CODE_ACTION: lsp.CodeActionOptions(code_action_kinds=list(KINDS))}
        for name, listener in said.items():
            self._pygls.feature(name)(_listening(listener))
        for name, answerer in asked.items():
            self._pygls.feature(name, options.get(name))(_answering(answerer))

    # What the editor says

    def _on_initialize(self, params: lsp.InitializeParams) -> None:
        self._client = Client(params.capabilities)
        self._desk.contexts.watched = self._client.watches
        options = params.initialization_options
        if options is not None and not isinstance(options, Mapping):
            self._warn("initializationOptions is no object")
        else:
            self._asked = options or {}
        for complaint in self._complaints:
            self._warn(complaint)
        self._settle()

    def _settle(self) -> None:
        for options in (self._asked, {}):
            try:
                self._desk.settle = self._begin(options)
                return
            except DockerlayerError as error:
                self._warn(str(error))

    def _on_initialized(self, _: lsp.InitializedParams) -> None:
        if self._client.watches:
            pattern = lsp.FileSystemWatcher("**/*")
            options = lsp.DidChangeWatchedFilesRegistrationOptions([pattern])
            registration = lsp.Registration("files", lsp.WORKSPACE_DID_CHANGE_WATCHED_FILES, options)
            self._pygls.client_register_capability(lsp.RegistrationParams([registration]))

    def _on_shutdown(self, _: None) -> None:
        self._proper_end = True

    def _on_open(self, params: lsp.DidOpenTextDocumentParams) -> None:
        self._desk.changed(params.text_document.uri)

    def _on_change(self, params: lsp.DidChangeTextDocumentParams) -> None:
        self._desk.changed(params.text_document.uri, PAUSE)

    def _on_save(self, _: lsp.DidSaveTextDocumentParams) -> None:
        self._settle()
        self._desk.refresh()

    def _on_close(self, params: lsp.DidCloseTextDocumentParams) -> None:
        self._desk.closed(params.text_document.uri)
        self._publish(params.text_document.uri, None, [])

    def _on_files(self, _: lsp.DidChangeWatchedFilesParams | lsp.DidChangeConfigurationParams) -> None:
        self._files_changed = True
        self._settle()
        self._desk.refresh(PAUSE)

    # What the editor asks

    async def _actions(self, params: lsp.CodeActionParams) -> list[lsp.CodeAction] | None:
        only = params.context.only
        wanted = Wanted(params.range, None if only is None else [str(getattr(kind, "value", kind)) for kind in only])
        abilities = Abilities(self._client.versions, self._client.creates, self._client.relates)
        return await self._desk.ask(
            params.text_document.uri, lambda examined: actions(examined, wanted, abilities, self._file)
        )

    async def _hover(self, params: lsp.HoverParams) -> lsp.Hover | None:
        return await self._desk.ask(
            params.text_document.uri,
            lambda examined: hover(examined, params.position, markdown=self._client.markdown),
        )

    async def _lenses(self, params: lsp.CodeLensParams) -> list[lsp.CodeLens] | None:
        return await self._desk.ask(params.text_document.uri, lenses)

    # What the desk asks and says

    def _read(self, uri: str) -> Document | None:
        document = self._pygls.workspace.text_documents.get(unquote(uri))  # pygls 2.1 keeps them so
        if document is None or not is_ours(document.language_id or "", document.filename or ""):
            return None
        return self._document(document)

    def _document(self, document: TextDocument) -> Document:
        path = to_fs_path(document.uri) if document.uri.startswith("file:") else None
        # `file:///` is no file, and would have the whole disk for its context; a NUL is in no path.
        named = path is not None and os.path.basename(path) != "" and "\0" not in path
        return Document(
            document.uri, document.version, path if path and named else "", Text(document.source, self._encoding)
        )

    @property
    def _encoding(self) -> lsp.PositionEncodingKind:
        return lsp.PositionEncodingKind(self._pygls.workspace.position_encoding or lsp.PositionEncodingKind.Utf16)

    def _file(self, path: str) -> Document | None:
        """A file beside a Dockerfile, for a fix that changes it too."""
        for document in tuple(self._pygls.workspace.text_documents.values()):
            if document.path == path:
                return self._document(document)
        uri = from_fs_path(path)
        if uri is None:
            return None
        if not os.path.lexists(path):
            return Document(uri, None, "", Text("", self._encoding))
        try:
            with open(path, encoding="utf-8", newline="") as file:
                return Document(uri, None, path, Text(file.read().removeprefix("\ufeff"), self._encoding))
        except (OSError, ValueError):
            return None

    def _show(self, document: Document, found: Examined | None) -> None:
        if found is not None:
            name = document.path or document.uri
            self._warned = {message for message in self._warned if not message.startswith(f"{name}: ")}
        listed = [] if found is None else diagnostics(found, related=self._client.relates)
        self._publish(document.uri, document.version, listed)
        if self._files_changed and self._client.refreshes_lenses:
            # After a change of the text the editor asks by itself.
            self._files_changed = False
            self._pygls.workspace_code_lens_refresh(None)

    def _publish(self, uri: str, version: int | None, listed: list[lsp.Diagnostic]) -> None:
        self._pygls.text_document_publish_diagnostics(lsp.PublishDiagnosticsParams(uri, listed, version))

    def _tell(self, message: str, bug: bool) -> None:
        self._pygls.window_log_message(lsp.LogMessageParams(lsp.MessageType.Error, message))
        if not bug:
            self._warn(message)

    def _warn(self, message: str) -> None:
        """Show what the user can put right, once and not again at each key press."""
        if message not in self._warned:
            self._warned.add(message)
            self._pygls.window_show_message(lsp.ShowMessageParams(lsp.MessageType.Warning, f"dockerlayer: {message}"))


# pygls sets attributes on what it calls, and methods take none.


def _listening(listener: Callable[[Any], None]) -> Callable[[Any], None]:
    def listen(params: Any) -> None:
        listener(params)

    return listen


def _answering(answerer: Callable[[Any], Awaitable[object]]) -> Callable[[Any], Awaitable[object]]:
    async def answer(params: Any) -> object:
        return await answerer(params)

    return answer
