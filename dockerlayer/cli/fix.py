"""``dockerlayer fix``."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from dockerlayer.cli.choices import Colour, Format, Pattern
from dockerlayer.cli.options import (
    ColourOption,
    ContextDirectory,
    FormatOption,
    Ignore,
    Paths,
    PatternOption,
    ProfileOption,
    Select,
    StdinName,
)
from dockerlayer.errors import UsageError


def fix(
    paths: Paths = None,
    context: ContextDirectory = None,
    select: Select = None,
    ignore: Ignore = None,
    pattern: PatternOption = Pattern.SPLIT,
    profile: ProfileOption = None,
    output: FormatOption = Format.TEXT,
    color: ColourOption = Colour.AUTO,
    diff: Annotated[bool, typer.Option("--diff", help="Write nothing; show what would change as a diff.")] = False,
    unsafe: Annotated[
        bool, typer.Option("--unsafe", help="Make fixes that rest on an assumption as well, and name it.")
    ] = False,
    stdin_filename: StdinName = None,
) -> None:
    """Rewrite Dockerfiles so that downloads keep their layer when the source is edited.

    Only what is proven is done, unless --unsafe is given. With the path - the fixed text goes to standard output and
    the report to standard error, and so it does with --diff.
    """
    from dockerlayer.cli.batch import STDIN, run, sources_of, task_of
    from dockerlayer.cli.terminal import put, put_aside, wants_colour

    if STDIN in (paths or ()) and len(paths or ()) > 1:
        raise UsageError("fix takes - alone: the fixed text goes to standard output")
    aside = output is Format.TEXT if diff else STDIN in (paths or ())
    colour = wants_colour(color, sys.stderr if aside else sys.stdout)
    task = task_of("diff" if diff else "fix", select, ignore, context, pattern, output, colour, unsafe, profile)
    sources, failures = sources_of(paths, stdin_filename, os.path.realpath)
    raise typer.Exit(run(task, sources, failures, put_aside if aside else put))
