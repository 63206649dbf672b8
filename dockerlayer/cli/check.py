"""``dockerlayer check``."""

from __future__ import annotations

from typing import Annotated

import typer

from dockerlayer.cli.choices import Colour
from dockerlayer.cli.options import (
    AddIgnore,
    BaselineOption,
    ColourOption,
    ConfigOption,
    ContextDirectory,
    ExitZero,
    FailOnOption,
    ForceExclude,
    Ignore,
    Isolated,
    OutputOption,
    Paths,
    PatternOption,
    ProfileOption,
    ReportFormatOption,
    Select,
    Statistics,
    StdinName,
)
from dockerlayer.errors import UsageError


def check(
    paths: Paths = None,
    stdin_filename: StdinName = None,
    context: ContextDirectory = None,
    select: Select = None,
    ignore: Ignore = None,
    pattern: PatternOption = None,
    profile: ProfileOption = None,
    config: ConfigOption = None,
    isolated: Isolated = False,
    force_exclude: ForceExclude = False,
    baseline: BaselineOption = None,
    write_baseline: Annotated[
        str | None,
        typer.Option(
            "--write-baseline", metavar="FILE", help="List in FILE what is found, and report only what it cannot list."
        ),
    ] = None,
    diff_base: Annotated[
        str | None,
        typer.Option(
            "--diff-base",
            metavar="REV",
            help="Report only what came in since the commit that HEAD and REV have in common.",
        ),
    ] = None,
    add_ignore: AddIgnore = None,
    report: ReportFormatOption = None,
    output: OutputOption = None,
    statistics: Statistics = False,
    color: ColourOption = Colour.AUTO,
    fail_on: FailOnOption = None,
    exit_zero: ExitZero = False,
) -> None:
    """Report the layers that download more often than they must, and whether they can be fixed.

    Below directories, files called Dockerfile, Dockerfile.*, Dockerfile-*, *.Dockerfile and Containerfile* are
    checked, less what git ignores; a file that is named is checked whatever its name.
    """
    from dockerlayer.cli.batch import check_files
    from dockerlayer.cli.request import Request

    others = {"--baseline": baseline, "--diff-base": diff_base, "--add-ignore": add_ignore}
    other = next((name for name, value in others.items() if value is not None), None)
    if write_baseline is not None and other is not None:
        raise UsageError(f"--write-baseline lists all that is found: {other} cannot be given with it")
    request = Request(
        "check",
        paths or (),
        select,
        ignore,
        context,
        pattern,
        profile,
        format=report,
        color=color,
        stdin_filename=stdin_filename,
        add_ignore=add_ignore,
        config=config or (),
        isolated=isolated,
        force_exclude=force_exclude,
        baseline=baseline,
        write_baseline=write_baseline,
        diff_base=diff_base,
        outputs=output or (),
        fail_on=fail_on,
        exit_zero=exit_zero,
        statistics=statistics,
    )
    raise typer.Exit(check_files(request))
