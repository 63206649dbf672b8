"""``dockerlayer explain``."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from dockerlayer.cli.choices import Colour, PageFormat
from dockerlayer.cli.options import ColourOption
from dockerlayer.errors import UsageError


def explain(
    rule: Annotated[
        str, typer.Argument(metavar="RULE", help="A rule, as `dockerlayer rules` lists it, `all`, or `patterns`.")
    ],
    output: Annotated[PageFormat, typer.Option("--format", help="How to write the page.")] = PageFormat.TEXT,
    color: ColourOption = Colour.AUTO,
) -> None:
    """Show what a rule is about, why, and how what it finds is fixed; or compare the patterns of fixes."""
    from dockerlayer.checks.rules import rules_of
    from dockerlayer.cli.request import plugins
    from dockerlayer.cli.select import unknown_rule
    from dockerlayer.cli.terminal import put, wants_colour
    from dockerlayer.report.visible import ansi, plain

    ecosystems = plugins()
    colour = ansi if wants_colour(color, sys.stdout) else plain
    if rule == "patterns":
        from dockerlayer.report.patterns import patterns_markdown, patterns_text

        if output is PageFormat.JSON:
            raise UsageError("the page of the patterns is text or markdown: --format json is for rules")
        put(patterns_markdown(ecosystems) if output is PageFormat.MARKDOWN else patterns_text(ecosystems, colour))
        return
    known = rules_of(ecosystems)
    if rule not in known and rule != "all":
        raise UsageError(unknown_rule(rule, known))
    wanted = list(known.values()) if rule == "all" else [known[rule]]
    if output is PageFormat.JSON:
        from dockerlayer.report.rules import rules_json

        put(rules_json(wanted))
    elif output is PageFormat.MARKDOWN:
        from dockerlayer.report.pages import page_markdown

        put("\n".join(map(page_markdown, wanted)))
    else:
        from dockerlayer.report.rules import page_text

        put("\n".join(page_text(item, colour) for item in wanted))
