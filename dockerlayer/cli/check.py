"""``dockerlayer check``."""

from __future__ import annotations

import typer

from dockerlayer.cli.choices import Colour, Format
from dockerlayer.cli.options import (
    AddIgnore,
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


def check(
    paths: Paths = None,
    context: ContextDirectory = None,
    select: Select = None,
    ignore: Ignore = None,
    pattern: PatternOption = None,
    profile: ProfileOption = None,
    output: FormatOption = Format.TEXT,
    color: ColourOption = Colour.AUTO,
    stdin_filename: StdinName = None,
    add_ignore: AddIgnore = None,
) -> None:
    """Report the layers that download more often than they must, and whether they can be fixed.

    Below directories, files called Dockerfile, Dockerfile.*, Dockerfile-*, *.Dockerfile and Containerfile* are
    checked, less what git ignores; a file that is named is checked whatever its name.
    """
    from dockerlayer.cli.batch import check_files
    from dockerlayer.cli.request import Request

    request = Request(
        "check",
        paths or (),
        select,
        ignore,
        context,
        pattern,
        profile,
        format=output,
        color=color,
        stdin_filename=stdin_filename,
        add_ignore=add_ignore,
    )
    raise typer.Exit(check_files(request))
