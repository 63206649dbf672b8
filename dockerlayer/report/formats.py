"""The formats of a report: the part of each file is made where the file is examined, the rest at the end.

A module of this package that is a format has ``part``, ``whole`` and ``STREAMS``, as ``Style`` describes them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module
from typing import NamedTuple

from dockerlayer.api import Ecosystem
from dockerlayer.report.place import Root
from dockerlayer.report.record import FileRecord, Tally
from dockerlayer.report.visible import Paint, plain


class Run(NamedTuple):
    """The run that a report is about. ``command`` is check, fix or diff."""

    command: str
    ecosystems: Sequence[Ecosystem] = ()
    unsafe: bool = False
    paint: Paint = plain
    root: Root = Root()
    statistics: bool = False

    @property
    def fixing(self) -> bool:
        """Whether fixes are made or shown."""
        return self.command != "check"


class Style(NamedTuple):
    """How a format is written.

    ``part`` makes the part of one file. ``whole`` makes the document from all parts, in order, from the path and the
    cause of each failure and from the counts; where ``streams`` is true the parts are out already, and it makes only
    what closes the report.
    """

    part: Callable[[FileRecord, Run], str]
    whole: Callable[[Sequence[str], Sequence[tuple[str, str]], Tally, Run], str]
    streams: bool


def style_of(name: str) -> Style:
    """The format of a name; its module is imported only when it is used."""
    module = import_module(f"dockerlayer.report.{name}")
    return Style(module.part, module.whole, module.STREAMS)
