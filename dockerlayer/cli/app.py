"""The Typer application: one command per module of this package."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from dockerlayer import __version__
from dockerlayer.cli.check import check
from dockerlayer.cli.config import config
from dockerlayer.cli.ecosystems import ecosystems
from dockerlayer.cli.explain import explain
from dockerlayer.cli.fix import fix
from dockerlayer.cli.lsp import lsp
from dockerlayer.cli.optional import OptionalReason
from dockerlayer.cli.rules import rules
from dockerlayer.cli.terminal import say_error
from dockerlayer.cli.verify import verify
from dockerlayer.cli.why import why
from dockerlayer.errors import DockerlayerError

app = typer.Typer(
    name="dockerlayer",
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    add_completion=False,
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command(cls=OptionalReason, short_help="Report layers that download more often than they must.")(check)
app.command(short_help="Rewrite Dockerfiles so that downloads keep their layer.")(fix)
app.command(short_help="Prove by real builds that downloads stay cached.")(verify)
app.command(short_help="Show what the layer on a line depends on.")(why)
app.command(short_help="Show the settings that are in force, and where each was said.")(config)
app.command(short_help="Show what a rule is about.")(explain)
app.command(short_help="List every rule.")(rules)
app.command(short_help="Serve an editor.")(lsp)
app.command(short_help="List every package manager, and who pays for its downloads.")(ecosystems)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"dockerlayer {__version__}")
        raise typer.Exit


@app.callback()
def dockerlayer(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Find and rewrite Dockerfile layers that download the same dependencies again on every source edit.

    Nothing is built and nothing is asked over the network, but by verify.

    \b
    Exit codes:
      0    nothing found; for fix: everything that was found is fixed
      1    something found (see --fail-on); for fix: left; for fix --diff: left or about to be changed
      2    an error: usage, a file that cannot be read or written, a failing plugin
      130  interrupted; 141 when whoever reads the output has gone away

    \b
    Environment:
      NO_COLOR, FORCE_COLOR  never or always colour, unless --color says otherwise
      DOCKERLAYER_DEBUG=1    show the traceback of an internal error
    """


def run() -> None:
    """Parse the arguments of the process, run the command and exit; errors that have a message show only that."""
    try:
        app(prog_name="dockerlayer")
    except DockerlayerError as error:
        say_error(error)
        sys.exit(error.exit_code)
