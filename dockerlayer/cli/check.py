"""``dockerlayer check``."""

from __future__ import annotations

import sys

import typer

from dockerlayer.cli.options import (
    Colour,
    ColourOption,
    ContextDirectory,
    Format,
    FormatOption,
    Ignore,
    Paths,
    Pattern,
    PatternOption,
    Select,
    StdinName,
)


def check(
    paths: Paths = None,
    context: ContextDirectory = None,
    select: Select = None,
    ignore: Ignore = None,
    pattern: PatternOption = Pattern.SPLIT,
    output: FormatOption = Format.TEXT,
    color: ColourOption = Colour.AUTO,
    stdin_filename: StdinName = None,
) -> None:
    """Report the layers that download more often than they must, and whether they can be fixed.

    Below directories, files called Dockerfile, Dockerfile.*, Dockerfile-*, *.Dockerfile and Containerfile* are
    checked, less what git ignores; a file that is named is checked whatever its name.
    """
    from dockerlayer.cli.batch import run, sources_of, task_of
    from dockerlayer.cli.terminal import put, wants_colour

    colour = wants_colour(color, sys.stdout)
    task = task_of("check", select, ignore, context, pattern, output, colour)
    sources, failures = sources_of(paths, stdin_filename)
    raise typer.Exit(run(task, sources, failures, put))
