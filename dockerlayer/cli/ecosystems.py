"""``dockerlayer ecosystems``."""

from __future__ import annotations

from dockerlayer.cli.choices import Format
from dockerlayer.cli.options import FormatOption


def ecosystems(output: FormatOption = Format.TEXT) -> None:
    """List the package managers that are known: who pays for their downloads, and how to separate these.

    The table is Markdown as well.
    """
    from dockerlayer.cli.request import plugins
    from dockerlayer.cli.terminal import put
    from dockerlayer.report.ecosystems import ecosystems_json, ecosystems_text

    known = plugins()
    put(ecosystems_json(known) if output is Format.JSON else ecosystems_text(known))
