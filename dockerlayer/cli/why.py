"""``dockerlayer why``."""

from __future__ import annotations

import os
import re
import sys
from typing import Annotated

import typer

from dockerlayer.cli.choices import Colour, Format
from dockerlayer.cli.options import ColourOption, ConfigOption, ContextDirectory, FormatOption, Isolated
from dockerlayer.errors import UsageError


def why(
    place: Annotated[str, typer.Argument(metavar="FILE:LINE", help="A line of a Dockerfile.")],
    context: ContextDirectory = None,
    config: ConfigOption = None,
    isolated: Isolated = False,
    output: FormatOption = Format.TEXT,
    color: ColourOption = Colour.AUTO,
) -> None:
    """Show what the layer on a line depends on, and what a download in it would not need."""
    from dockerlayer.cli.reasons import reasons
    from dockerlayer.cli.request import Request
    from dockerlayer.cli.terminal import put, wants_colour
    from dockerlayer.report.visible import ansi, plain
    from dockerlayer.report.why import why_json, why_text

    path, line = split_place(place)
    answer = reasons(Request("why", (path,), context=context, config=config or (), isolated=isolated), line)
    if output is Format.JSON:
        put(why_json(answer))
    else:
        put(why_text(answer, ansi if wants_colour(color, sys.stdout) else plain))


def split_place(place: str) -> tuple[str, int]:
    """Path and line of ``FILE:LINE``; a column behind the line, as reports print it, does no harm."""
    for pattern in (r"(.+):(\d+)", r"(.+):(\d+):\d+"):
        found = re.fullmatch(pattern, place.rstrip(":"), re.DOTALL)
        if found and os.path.lexists(found[1]):
            return found[1], int(found[2])
    found = re.fullmatch(r"(.+?):(\d+)(?::\d+)?", place.rstrip(":"), re.DOTALL)
    if not found:
        raise UsageError(f"{place}: FILE:LINE is wanted, such as Dockerfile:5")
    return found[1], int(found[2])
