"""The options that commands share, and what their values mean."""

from __future__ import annotations

from typing import Annotated

import typer

from dockerlayer.cli.choices import Colour, FailOn, Format, Pattern, Profile, ReportFormat

Paths = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[PATHS]...",
        help="Dockerfiles, directories to look for them in, or - for standard input.  [default: .]",
        show_default=False,
    ),
]
ContextDirectory = Annotated[
    str | None,
    typer.Option(
        "--context",
        metavar="DIR",
        help="The build context.  [default: what Compose and Bake files say, else each Dockerfile's directory]",
    ),
]
Select = Annotated[
    list[str] | None,
    typer.Option("--select", metavar="RULE[,RULE]", help="Run exactly these rules; `all` stands for every one."),
]
Ignore = Annotated[
    list[str] | None,
    typer.Option("--ignore", metavar="RULE[,RULE]", help="Leave these rules out."),
]
PatternOption = Annotated[
    Pattern | None,
    typer.Option(
        "--pattern",
        help="Which rewrite to prefer: a download of its own (split), the whole install moved up (narrow), a stage for "
        "the download (stage), or a download that is kept and an install that is not (hybrid).  [default: split]",
        show_default=False,
    ),
]
ProfileOption = Annotated[
    Profile | None,
    typer.Option(
        "--profile",
        help="The builder that a fix must be good for; legacy is docker without BuildKit.  "
        "[default: what the file and the CI files near it speak for]",
        show_default=False,
    ),
]
ConfigOption = Annotated[
    list[str] | None,
    typer.Option(
        "--config",
        metavar="FILE|KEY=VALUE",
        help="The configuration file for every Dockerfile, or a value over those of files (TOML); may be repeated.  "
        "[default: the file nearest to each Dockerfile]",
        show_default=False,
    ),
]
Isolated = Annotated[bool, typer.Option("--isolated", help="Read no configuration file.")]
ForceExclude = Annotated[
    bool, typer.Option("--force-exclude", help="Leave out what the configuration excludes even when it is named.")
]
FormatOption = Annotated[Format, typer.Option("--format", help="How to write the report.")]
ReportFormatOption = Annotated[
    ReportFormat | None,
    typer.Option("--format", help="How to write the report.  [default: text]", show_default=False),
]
OutputOption = Annotated[
    list[str] | None,
    typer.Option(
        "--output",
        metavar="FORMAT=FILE",
        help="Write a report to a file as well, in any format of --format; may be repeated.",
    ),
]
FailOnOption = Annotated[
    FailOn | None,
    typer.Option(
        "--fail-on",
        help="The least severity of a finding that makes the exit code 1.  [default: info]",
        show_default=False,
    ),
]
ExitZero = Annotated[bool, typer.Option("--exit-zero", help="Exit with 0 whatever is found; an error is still 2.")]
Statistics = Annotated[
    bool,
    typer.Option(
        "--statistics",
        help="Count instead: findings by rule, and what is downloaded again. The json report has it beside the rest.",
    ),
]
ColourOption = Annotated[Colour, typer.Option("--color", help="When to colour the report.")]
AddIgnore = Annotated[
    str | None,
    typer.Option(
        "--add-ignore",
        metavar="[=REASON]",
        help="Write comments into the files that leave alone what is found today, each with the reason.",
        show_default=False,
    ),
]
StdinName = Annotated[
    str | None,
    typer.Option("--stdin-filename", metavar="NAME", help="What to call standard input, and where it belongs."),
]
BaselineOption = Annotated[
    str | None,
    typer.Option("--baseline", metavar="FILE", help="Leave out what FILE lists; check --write-baseline writes one."),
]
