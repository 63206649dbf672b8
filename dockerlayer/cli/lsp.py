"""``dockerlayer lsp``."""

from __future__ import annotations

from typing import Annotated

import typer

from dockerlayer.cli.options import (
    BaselineOption,
    ConfigOption,
    ContextDirectory,
    Ignore,
    Isolated,
    PatternOption,
    ProfileOption,
    Select,
)


def lsp(
    context: ContextDirectory = None,
    select: Select = None,
    ignore: Ignore = None,
    pattern: PatternOption = None,
    profile: ProfileOption = None,
    config: ConfigOption = None,
    isolated: Isolated = False,
    baseline: BaselineOption = None,
    stdio: Annotated[
        bool,
        typer.Option("--stdio", help="Talk over standard input and output, as it does anyway.", show_default=False),
    ] = True,
) -> None:
    """Serve an editor: diagnostics while typing, fixes, what a layer depends on, and what it costs.

    An editor starts this, and speaks the Language Server Protocol over standard input and output. It needs
    pip install 'dockerlayer[lsp]'.
    """
    from dockerlayer.cli.editor import serve
    from dockerlayer.cli.request import Request

    request = Request(
        "check",
        (),
        select,
        ignore,
        context,
        pattern,
        profile,
        baseline=baseline,
        config=config or (),
        isolated=isolated,
    )
    raise typer.Exit(serve(request))
