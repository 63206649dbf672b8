"""From a place in a file to what the layer there depends on."""

from __future__ import annotations

from dockerlayer.checks.survey import Survey
from dockerlayer.cli.request import Request, Settler, plugins
from dockerlayer.cli.work import open_buildable
from dockerlayer.errors import InputError
from dockerlayer.model.layers import Analysis
from dockerlayer.why import Why, why


def reasons(request: Request, line: int) -> Why:
    """The answer for a 1-based line of the one file of a request.

    Raises InputError for a line that the file has not or a file of no use, ConfigError for such a configuration.
    """
    path = request.paths[0]
    ecosystems = plugins()
    settings = Settler(request, ecosystems).settings(path)
    dockerfile, views, _ = open_buildable(path, settings.context)
    lines = _line_count(dockerfile.data)
    if not 1 <= line <= lines:
        raise InputError(f"{path}: there is no line {line}, the file has {lines}")
    return why(Survey(Analysis(dockerfile, views[0].context), ecosystems, settings.options.builder), path, line)


def _line_count(data: bytes) -> int:
    return data.count(b"\n") + (not data.endswith(b"\n") and bool(data))
