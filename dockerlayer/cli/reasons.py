"""From a place in a file to what the layer there depends on."""

from __future__ import annotations

from dockerlayer.checks.survey import Survey
from dockerlayer.cli.terminal import say
from dockerlayer.cli.work import open_buildable
from dockerlayer.errors import InputError
from dockerlayer.model.layers import Analysis
from dockerlayer.registry import installed
from dockerlayer.why import Why, why


def reasons(path: str, line: int, directory: str | None) -> Why:
    """The answer for a 1-based line; raises InputError for a line that the file has not, or a file of no use."""
    dockerfile, views, _ = open_buildable(path, directory)
    lines = _line_count(dockerfile.data)
    if not 1 <= line <= lines:
        raise InputError(f"{path}: there is no line {line}, the file has {lines}")
    ecosystems, broken = installed()
    for message in broken:
        say(f"warning: {message}")
    return why(Survey(Analysis(dockerfile, views[0].context), ecosystems), path, line)


def _line_count(data: bytes) -> int:
    return data.count(b"\n") + (not data.endswith(b"\n") and bool(data))
