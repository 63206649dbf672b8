"""``dockerlayer explain``."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from dockerlayer.cli.choices import Colour
from dockerlayer.cli.options import ColourOption
from dockerlayer.errors import UsageError


def explain(
    rule: Annotated[
        str, typer.Argument(metavar="RULE", help="A rule, as `dockerlayer rules` lists it, or `patterns`.")
    ],
    color: ColourOption = Colour.AUTO,
) -> None:
    """Show what a rule is about, why, and how what it finds is fixed; or compare the patterns of fixes."""
    from dockerlayer.checks.rules import rules_of
    from dockerlayer.cli.select import unknown_rule
    from dockerlayer.cli.terminal import put, say, wants_colour
    from dockerlayer.registry import installed
    from dockerlayer.report.rules import page_text
    from dockerlayer.report.visible import ansi, plain

    ecosystems, broken = installed()
    for message in broken:
        say(f"warning: {message}")
    colour = ansi if wants_colour(color, sys.stdout) else plain
    if rule == "patterns":
        from dockerlayer.report.patterns import patterns_text

        put(patterns_text(ecosystems, colour))
        return
    known = rules_of(ecosystems)
    if rule not in known:
        raise UsageError(unknown_rule(rule, known))
    put(page_text(known[rule], colour))
