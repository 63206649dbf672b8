"""What the user asks for on the command line, and what follows from it for each file."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from dockerlayer.api import Ecosystem
from dockerlayer.cli.choices import Colour, FailOn, Pattern, Profile, context_directory
from dockerlayer.cli.select import selected_rules
from dockerlayer.cli.terminal import say
from dockerlayer.engine import Options
from dockerlayer.registry import installed


class Request(NamedTuple):
    """The options of ``check``, ``fix`` and ``verify``; None where nothing was said. ``command`` may be diff, too.

    ``add_ignore`` is the reason for comments that leave alone what is found; empty for comments without one.
    """

    command: str
    paths: Sequence[str] = ()
    select: Sequence[str] | None = None
    ignore: Sequence[str] | None = None
    context: str | None = None
    pattern: Pattern | None = None
    profile: Profile | None = None
    unsafe: bool = False
    format: str | None = None
    color: Colour = Colour.AUTO
    stdin_filename: str | None = None
    add_ignore: str | None = None
    baseline: str | None = None
    write_baseline: str | None = None
    diff_base: str | None = None
    outputs: Sequence[str] = ()
    fail_on: FailOn = FailOn.INFO
    exit_zero: bool = False
    statistics: bool = False


class Settings(NamedTuple):
    """What is in force for one Dockerfile. ``context`` is the directory of its build context, None is its own.

    ``baseline`` is the file of findings that are left out.
    """

    options: Options = Options(frozenset())
    context: str | None = None
    baseline: str | None = None


class Settler:
    """Tells the settings of each file; raises UsageError for a request that asks for what does not exist."""

    def __init__(self, request: Request, ecosystems: Sequence[Ecosystem]) -> None:
        pattern = request.pattern or Pattern.SPLIT
        rules = selected_rules(ecosystems, request.select, request.ignore)
        options = Options(rules, pattern.value, request.unsafe, request.profile or "")
        self._settings = Settings(options, context_directory(request.context), request.baseline)

    def settings(self, path: str | None) -> Settings:
        """The settings for the Dockerfile of a path, or for a text without one."""
        return self._settings


def plugins() -> Sequence[Ecosystem]:
    """The installed ecosystems; a plugin that does not load is told about and left out."""
    ecosystems, broken = installed()
    for message in broken:
        say(f"warning: {message}")
    return ecosystems
