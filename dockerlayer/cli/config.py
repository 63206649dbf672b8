"""``dockerlayer config``."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from dockerlayer.cli.choices import Colour, Format
from dockerlayer.cli.options import (
    ColourOption,
    ConfigOption,
    ContextDirectory,
    FormatOption,
    Ignore,
    Isolated,
    PatternOption,
    ProfileOption,
    Select,
)


def config(
    path: Annotated[str, typer.Argument(metavar="[FILE]", help="A Dockerfile, or a directory of some.")] = ".",
    schema: Annotated[
        bool, typer.Option("--schema", help="Print the JSON schema of configuration files instead.")
    ] = False,
    context: ContextDirectory = None,
    select: Select = None,
    ignore: Ignore = None,
    pattern: PatternOption = None,
    profile: ProfileOption = None,
    config: ConfigOption = None,
    isolated: Isolated = False,
    output: FormatOption = Format.TEXT,
    color: ColourOption = Colour.AUTO,
) -> None:
    """Show what is in force for a Dockerfile, and where each value was said.

    The nearest .dockerlayer.toml, dockerlayer.toml or pyproject.toml with a table [tool.dockerlayer] holds: in the
    directory of the Dockerfile, else in the one above, up to the root.
    """
    from dockerlayer.cli.request import Request, plugins
    from dockerlayer.cli.settled import schema_text, settled
    from dockerlayer.cli.terminal import put, wants_colour
    from dockerlayer.report.config import config_json, config_text
    from dockerlayer.report.visible import ansi, plain

    ecosystems = plugins()
    if schema:
        put(schema_text(ecosystems))
        return
    request = Request(
        "config", (path,), select, ignore, context, pattern, profile, config=config or (), isolated=isolated
    )
    answer = settled(request, ecosystems)
    if output is Format.JSON:
        put(config_json(answer))
    else:
        put(config_text(answer, ansi if wants_colour(color, sys.stdout) else plain))
