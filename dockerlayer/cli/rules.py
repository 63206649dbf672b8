"""``dockerlayer rules``."""

from __future__ import annotations

import sys

from dockerlayer.cli.choices import Colour, Format
from dockerlayer.cli.options import ColourOption, FormatOption


def rules(output: FormatOption = Format.TEXT, color: ColourOption = Colour.AUTO) -> None:
    """List every rule, those of plugins included."""
    from dockerlayer.checks.rules import rules_of
    from dockerlayer.cli.request import plugins
    from dockerlayer.cli.terminal import put, wants_colour
    from dockerlayer.report.rules import rules_json, rules_text
    from dockerlayer.report.visible import ansi, plain

    known = list(rules_of(plugins()).values())
    if output is Format.JSON:
        put(rules_json(known))
    else:
        put(rules_text(known, ansi if wants_colour(color, sys.stdout) else plain))
