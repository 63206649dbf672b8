"""``dockerlayer fix``."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from dockerlayer.cli.choices import Colour
from dockerlayer.cli.options import (
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


def fix(
    paths: Paths = None,
    stdin_filename: StdinName = None,
    diff: Annotated[bool, typer.Option("--diff", help="Write nothing; show what would change as a diff.")] = False,
    unsafe: Annotated[
        bool, typer.Option("--unsafe", help="Make fixes that rest on an assumption as well, and name it.")
    ] = False,
    context: ContextDirectory = None,
    select: Select = None,
    ignore: Ignore = None,
    pattern: PatternOption = None,
    profile: ProfileOption = None,
    config: ConfigOption = None,
    isolated: Isolated = False,
    force_exclude: ForceExclude = False,
    baseline: BaselineOption = None,
    report: ReportFormatOption = None,
    output: OutputOption = None,
    statistics: Statistics = False,
    color: ColourOption = Colour.AUTO,
    fail_on: FailOnOption = None,
    exit_zero: ExitZero = False,
) -> None:
    """Rewrite Dockerfiles so that downloads keep their layer when the source is edited.

    Only what is proven is done, unless --unsafe is given; what a baseline lists is fixed like all else. With the
    path - the fixed text goes to standard output and the report to standard error, and so it does with --diff. The
    reports of --format and --output are on what is left; those that point at places in files do not go with --diff.
    """
    from dockerlayer.cli.batch import run
    from dockerlayer.cli.outputs import BESIDE_DIFF, format_of
    from dockerlayer.cli.request import Request
    from dockerlayer.cli.sources import STDIN
    from dockerlayer.cli.terminal import put, put_aside

    if STDIN in (paths or ()) and len(paths or ()) > 1:
        raise UsageError("fix takes - alone: the fixed text goes to standard output")
    request = Request(
        "diff" if diff else "fix",
        paths or (),
        select,
        ignore,
        context,
        pattern,
        profile,
        unsafe,
        report,
        color,
        stdin_filename,
        config=config or (),
        isolated=isolated,
        force_exclude=force_exclude,
        baseline=baseline,
        outputs=output or (),
        fail_on=fail_on,
        exit_zero=exit_zero,
        statistics=statistics,
    )
    aside = format_of(request) in BESIDE_DIFF if diff else STDIN in request.paths
    write, stream = (put_aside, sys.stderr) if aside else (put, sys.stdout)
    raise typer.Exit(run(request, write, stream, os.path.realpath))
