"""One text of one document, examined: everything that an answer to an editor is made from."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import NamedTuple

from dockerlayer.agreement import View, examine_all, repair_all
from dockerlayer.api import Ecosystem
from dockerlayer.baseline import Known, split
from dockerlayer.checks.rules import SYNTAX, RuleInfo, rules_of
from dockerlayer.checks.survey import Survey
from dockerlayer.engine import Options, Outcome, Report
from dockerlayer.findings import Finding
from dockerlayer.lsp.positions import Text
from dockerlayer.model.context import Context
from dockerlayer.model.layers import Analysis


class Document(NamedTuple):
    """What the editor says of a document. ``path`` is where it is on disk, or "" for one that is not."""

    uri: str
    version: int | None
    path: str
    text: Text


class Examined:
    """A document with what was found in it; the rest is derived when it is first asked for.

    What is ``known`` of the file, from a baseline, is left out.
    ``views`` are the contexts that builds take it from, if any names it; ``context`` is the first of them.
    Errors of plugins and bugs of ours come out of the constructor and of every property.
    """

    def __init__(
        self,
        document: Document,
        context: Context,
        ecosystems: Sequence[Ecosystem],
        options: Options,
        known: Known | None = None,
        views: Sequence[View] = (),
    ) -> None:
        self.document = document
        self.text = document.text
        self.context = context
        self.views = views or [View(context)]
        self.ecosystems = ecosystems
        self.options = options
        report = examine_all(self.text.data, self.views, ecosystems, options)
        # Some findings are made whatever is selected.
        told = tuple(item for item in report.findings if item.rule in options.rules)
        if known is not None:
            told = split(told, known).new
        self.report: Report = report._replace(findings=told)
        self.buildable = not any(item.rule == SYNTAX for item in report.findings)

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What was found, in order of place."""
        return self.report.findings

    @cached_property
    def survey(self) -> Survey:
        """The calls that fetch; of use for a file that BuildKit accepts."""
        return Survey(Analysis(self.report.dockerfile, self.context), self.ecosystems, self.options.builder)

    @cached_property
    def repaired(self) -> Outcome:
        """The text after all safe fixes, as `dockerlayer fix` makes them."""
        options = self.options._replace(unsafe=False, ignores=bool(self.document.path))
        return repair_all(self.text.data, self.views, self.ecosystems, options)

    @cached_property
    def rules(self) -> dict[str, RuleInfo]:
        """Every rule by name."""
        return rules_of(self.ecosystems)

    def line_of(self, offset: int) -> int:
        """The 1-based line of the Dockerfile that a byte offset is on."""
        return self.report.dockerfile.position(offset)[0]
