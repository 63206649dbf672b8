"""What an editor says that it can do."""

from __future__ import annotations

from typing import Any

from lsprotocol.types import ClientCapabilities, MarkupKind, ResourceOperationKind


class Client:
    """The few abilities that the server's answers depend on; without capabilities it has none of them."""

    def __init__(self, capabilities: ClientCapabilities | None = None) -> None:
        said = capabilities or ClientCapabilities()
        edit = _of(said, "workspace", "workspace_edit")
        self.versions = bool(_of(edit, "document_changes"))
        self.creates = ResourceOperationKind.Create in (_of(edit, "resource_operations") or ())
        self.watches = bool(_of(said, "workspace", "did_change_watched_files", "dynamic_registration"))
        self.refreshes_lenses = bool(_of(said, "workspace", "code_lens", "refresh_support"))
        self.relates = bool(_of(said, "text_document", "publish_diagnostics", "related_information"))
        formats = _of(said, "text_document", "hover", "content_format")
        # Who says nothing has been shown Markdown since before it could be said.
        self.markdown = formats is None or MarkupKind.Markdown in formats


def _of(value: Any, *names: str) -> Any:
    for name in names:
        value = getattr(value, name, None)
    return value
