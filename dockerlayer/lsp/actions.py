"""Fixes as code actions: edits of the very version of the document that they were made for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from lsprotocol.types import (
    CodeAction,
    CodeActionKind,
    CreateFile,
    CreateFileOptions,
    Diagnostic,
    OptionalVersionedTextDocumentIdentifier,
    Range,
    TextDocumentEdit,
    TextEdit,
    WorkspaceEdit,
)

from dockerlayer.checks.rules import SYNTAX
from dockerlayer.checks.suppressions import NAMES
from dockerlayer.findings import Applicability, Finding, Fix, apply
from dockerlayer.lsp.diagnostics import diagnostic
from dockerlayer.lsp.examined import Document, Examined
from dockerlayer.report.visible import shown
from dockerlayer.rewrite.comments import suppressing
from dockerlayer.rewrite.ignore_lines import with_lines
from dockerlayer.syntax.parser import parse

FIX_ALL = f"{CodeActionKind.SourceFixAll.value}.dockerlayer"
KINDS = (CodeActionKind.QuickFix, FIX_ALL)

Lookup = Callable[[str], Document | None]
"""Gives a file by its path, as the editor has it, else as it is on disk; None if it is of no use.

A file that is yet to be made is a document without a path.
"""


class Abilities(NamedTuple):
    """What the editor can do: ``versioned`` edits of documents, the creation of files, related places."""

    versioned: bool = True
    creates: bool = True
    related: bool = True


class Wanted(NamedTuple):
    """What is asked for: a place, and the kinds of actions (None: all)."""

    range: Range
    only: Sequence[str] | None = None

    def takes(self, kind: str) -> bool:
        """Whether actions of a kind are wanted: a kind stands for all those below it."""
        return self.only is None or any(kind == item or kind.startswith(f"{item}.") for item in self.only)


def actions(examined: Examined, wanted: Wanted, abilities: Abilities, lookup: Lookup) -> list[CodeAction]:
    """The actions for a place: one for each fix that can be made there, and all safe ones at once."""
    found: list[CodeAction] = []
    if wanted.takes(CodeActionKind.QuickFix.value):
        start, end = examined.text.offset(wanted.range.start), examined.text.offset(wanted.range.end)
        here = [finding for finding in examined.findings if finding.start <= end and start <= finding.end]
        for finding in here:
            found += _quick_fixes(examined, finding, abilities, lookup)
        for finding in here:
            found += _leave_alone(examined, finding, abilities, lookup)
    if wanted.takes(FIX_ALL):
        found += _fix_all(examined, abilities, lookup)
    return found


def _quick_fixes(examined: Examined, finding: Finding, abilities: Abilities, lookup: Lookup) -> Iterator[CodeAction]:
    fix = finding.fix
    if fix is None or fix.applicability is Applicability.MANUAL:
        return
    edit = _edit(examined, apply(examined.text.data, fix.edits), fix.ignore, abilities, lookup)
    if edit is not None:
        at: list[Diagnostic] = [diagnostic(examined, finding, related=abilities.related)]
        safe = fix.applicability is Applicability.SAFE
        yield CodeAction(
            title=_title(fix), kind=CodeActionKind.QuickFix, diagnostics=at, is_preferred=safe or None, edit=edit
        )


def _leave_alone(examined: Examined, finding: Finding, abilities: Abilities, lookup: Lookup) -> Iterator[CodeAction]:
    """The comment that says that a finding is as it should be, where there can be one."""
    if finding.rule == SYNTAX or finding.rule in NAMES:
        return
    dockerfile = examined.report.dockerfile
    new = apply(dockerfile.data, suppressing(dockerfile, [finding]))
    if new == dockerfile.data or parse(new).meaning != dockerfile.meaning:
        return
    edit = _edit(examined, new, (), abilities, lookup)
    if edit is not None:
        at: list[Diagnostic] = [diagnostic(examined, finding, related=abilities.related)]
        title = f"Ignore {finding.rule} for this instruction"
        yield CodeAction(title=title, kind=CodeActionKind.QuickFix, diagnostics=at, edit=edit)


def _title(fix: Fix) -> str:
    title = shown(fix.title)
    if fix.applicability is Applicability.UNSAFE:
        return f"{title} (unsafe: {shown('; '.join(fix.assumptions))})"
    return title


def _fix_all(examined: Examined, abilities: Abilities, lookup: Lookup) -> Iterator[CodeAction]:
    if not any(item.fix is not None and item.fix.applicability is Applicability.SAFE for item in examined.findings):
        return
    outcome = examined.repaired
    if outcome.made:
        edit = _edit(examined, outcome.data, outcome.ignore, abilities, lookup)
        if edit is not None:
            yield CodeAction(title="Make all safe fixes of dockerlayer", kind=FIX_ALL, edit=edit)


def _edit(
    examined: Examined, new: bytes, ignore: Sequence[str], abilities: Abilities, lookup: Lookup
) -> WorkspaceEdit | None:
    """The change as edits; None where this editor, or this document, cannot have it."""
    changes: list[tuple[Document, list[TextEdit]]] = []
    create: str | None = None
    try:
        if ignore:
            if not examined.document.path:
                return None
            path = str(examined.context.ignore_target)
            file = lookup(path)
            if file is None:
                return None
            create = file.uri if not file.path else None
            edits = file.text.edits(with_lines(file.text.data, ignore))
            if edits:
                changes.append((file, edits))
        edits = examined.text.edits(new)
    except UnicodeDecodeError:
        return None
    if edits:
        changes.append((examined.document, edits))
    return _workspace_edit(changes, create, abilities)


def _workspace_edit(
    changes: Sequence[tuple[Document, list[TextEdit]]], create: str | None, abilities: Abilities
) -> WorkspaceEdit | None:
    if not abilities.versioned:
        # Such an editor makes the edits at once or not at all, and no files.
        return None if create else WorkspaceEdit(changes={document.uri: edits for document, edits in changes})
    if create and not abilities.creates:
        return None
    made = [CreateFile(create, options=CreateFileOptions(ignore_if_exists=True))] if create else []
    return WorkspaceEdit(
        document_changes=[
            *made,
            *(
                TextDocumentEdit(OptionalVersionedTextDocumentIdentifier(document.uri, document.version), list(edits))
                for document, edits in changes
            ),
        ]
    )
