"""``dockerlayer ecosystems``."""

from __future__ import annotations

from dockerlayer.cli.choices import Format
from dockerlayer.cli.options import FormatOption


def ecosystems(output: FormatOption = Format.TEXT) -> None:
    """List the package managers that are known: who pays for their downloads, and how to separate these.

    The table is Markdown as well.
    """
    from dockerlayer.cli.terminal import put, say
    from dockerlayer.registry import installed
    from dockerlayer.report.ecosystems import ecosystems_json, ecosystems_text

    known, broken = installed()
    for message in broken:
        say(f"warning: {message}")
    put(ecosystems_json(known) if output is Format.JSON else ecosystems_text(known))
