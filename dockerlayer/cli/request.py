"""What the user asks for on the command line, and what follows from it for each file."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from dockerlayer.api import Ecosystem
from dockerlayer.cli.choices import Colour, FailOn, Pattern, Profile, context_directory
from dockerlayer.cli.select import selected_rules
from dockerlayer.cli.terminal import say
from dockerlayer.config.document import absolute, here
from dockerlayer.config.find import Finder
from dockerlayer.engine import Options
from dockerlayer.registry import installed

if TYPE_CHECKING:
    from dockerlayer.cli.configured import Configured


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
    fail_on: FailOn | None = None
    exit_zero: bool = False
    statistics: bool = False
    config: Sequence[str] = ()
    isolated: bool = False
    force_exclude: bool = False


class Settings(NamedTuple):
    """What is in force for one Dockerfile. ``context`` is the directory of its build context, None is its own.

    ``baseline`` is the file of findings that are left out, ``fail_on`` the least severity that makes the run fail.
    """

    options: Options = Options(frozenset())
    context: str | None = None
    baseline: str | None = None
    fail_on: FailOn = FailOn.INFO


class Settler:
    """Tells the settings of each file; raises UsageError for a request that asks for what does not exist.

    Where no configuration file has a say, nothing is imported that reads them.
    """

    def __init__(self, request: Request, ecosystems: Sequence[Ecosystem]) -> None:
        self._request = request
        self._ecosystems = ecosystems
        self._finder = Finder()
        pattern = request.pattern or Pattern.SPLIT
        rules = selected_rules(ecosystems, request.select, request.ignore)
        options = Options(rules, pattern.value, request.unsafe, request.profile or "")
        fail_on = request.fail_on or FailOn.INFO
        self.plain = Settings(options, context_directory(request.context), request.baseline, fail_on)
        """What the command line alone asks for."""
        if request.config:
            self.settings(None)  # what --config names must be of use, whatever files there are

    def settings(self, path: str | None) -> Settings:
        """The settings for the Dockerfile of a path, or for a text without one.

        Raises ConfigError where a configuration file is of no use.
        """
        return self._configured.settings(path) if self._is_configured(path) else self.plain

    def excludes(self, path: str, root: str) -> bool:
        """Whether a file that was found below a directory is to be left out."""
        return self._is_configured(path) and self._configured.excludes(path, root)

    def forces_out(self, path: str) -> bool:
        """Whether a file or directory that was named is to be left out all the same."""
        return self._is_configured(path) and self._configured.forces_out(path)

    def _is_configured(self, path: str | None) -> bool:
        if self._request.config or self._request.isolated:
            return bool(self._request.config)
        directory = os.path.dirname(absolute(path)) if path else here()
        return self._finder.nearest(directory) is not None

    @cached_property
    def _configured(self) -> Configured:
        from dockerlayer.cli.configured import Configured

        return Configured(self._request, self._ecosystems, self._finder)


def plugins() -> Sequence[Ecosystem]:
    """The installed ecosystems; a plugin that does not load is told about and left out."""
    ecosystems, broken = installed()
    for message in broken:
        say(f"warning: {message}")
    return ecosystems
