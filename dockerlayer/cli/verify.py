"""``dockerlayer verify``."""

from __future__ import annotations

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

_PASSED_ON = "Passed on to the builder; may be given more than once."


def verify(
    path: Annotated[str, typer.Argument(metavar="[FILE]", help="The Dockerfile, or its directory.")] = "Dockerfile",
    context: ContextDirectory = None,
    as_is: Annotated[bool, typer.Option("--as-is", help="Build only what is there, without any fix.")] = False,
    touch: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="The file to edit between the builds, relative to the build context."),
    ] = None,
    target: Annotated[str | None, typer.Option(metavar="STAGE", help="Passed on to the builder.")] = None,
    platform: Annotated[str | None, typer.Option(metavar="PLATFORM", help="Passed on to the builder.")] = None,
    network: Annotated[str | None, typer.Option(metavar="MODE", help="Passed on to the builder.")] = None,
    build_arg: Annotated[list[str] | None, typer.Option(metavar="NAME[=VALUE]", help=_PASSED_ON)] = None,
    build_context: Annotated[list[str] | None, typer.Option(metavar="NAME=WHERE", help=_PASSED_ON)] = None,
    secret: Annotated[list[str] | None, typer.Option(metavar="SECRET", help=_PASSED_ON)] = None,
    ssh: Annotated[list[str] | None, typer.Option(metavar="SSH", help=_PASSED_ON)] = None,
    builder: Annotated[
        str | None,
        typer.Option(metavar="PROGRAM", help="docker, podman or buildah.  [default: the first that answers]"),
    ] = None,
    reuse_cache: Annotated[
        bool, typer.Option("--reuse-cache", help="Let the first builds use what earlier builds have cached.")
    ] = False,
    select: Select = None,
    ignore: Ignore = None,
    pattern: PatternOption = None,
    profile: ProfileOption = None,
    unsafe: Annotated[bool, typer.Option("--unsafe", help="Make fixes that rest on an assumption as well.")] = False,
    config: ConfigOption = None,
    isolated: Isolated = False,
    output: FormatOption = Format.TEXT,
    color: ColourOption = Colour.AUTO,
) -> None:
    """Prove by real builds that the downloads stay cached: as the Dockerfile is, and as fix would make it.

    Each of the two is built from nothing, built again after an edit of one source file, and, where a step installs
    what an earlier one downloaded, built with the network off for that step. This runs the project's own build, in a
    temporary copy of the build context. No file, image or tag of yours is changed and the images made are removed;
    what the builds put into docker's build cache stays there, as after any build.

    \b
    Exit codes:
      0    proven
      1    not proven: the report says what failed
      2    could not run: no builder, the Dockerfile does not build as it is, or nothing in it downloads
      130  interrupted; 143 or 129 when told to end
    """
    from dockerlayer.cli.proving import prove_file
    from dockerlayer.cli.request import Request
    from dockerlayer.cli.terminal import put
    from dockerlayer.verify.builder import Request as BuildRequest
    from dockerlayer.verify.workspace import NOWHERE

    build = BuildRequest(
        NOWHERE,
        NOWHERE,
        target=target,
        platform=platform,
        network=network,
        args=build_arg or (),
        contexts=build_context or (),
        secrets=secret or (),
        ssh=ssh or (),
        no_cache=not reuse_cache,
    )
    request = Request(
        "fix",
        (path,),
        select,
        ignore,
        context,
        pattern,
        profile,
        unsafe,
        output,
        color,
        config=config or (),
        isolated=isolated,
    )
    report, code = prove_file(request, build, as_is=as_is, touch=touch, program=builder)
    put(report)
    raise typer.Exit(code)
