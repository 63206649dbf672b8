"""The settings of each file where configuration files have a say; imported only when there is one."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from dockerlayer.api import Ecosystem
from dockerlayer.checks.rules import SYNTAX, rule_names
from dockerlayer.cli.choices import FailOn, Pattern, context_directory
from dockerlayer.cli.request import Request, Settings
from dockerlayer.cli.select import known_names
from dockerlayer.config.configuration import DEFAULT, Configuration
from dockerlayer.config.document import Document, absolute, here
from dockerlayer.config.find import Finder
from dockerlayer.config.kinds import Known
from dockerlayer.config.resolve import Resolver
from dockerlayer.engine import Options, default_rules

COMMAND_LINE = "the command line"


def known_to(ecosystems: Sequence[Ecosystem]) -> Known:
    """The names that configuration files may use."""
    return Known(sorted(rule_names(ecosystems)), [item.name for item in ecosystems], [item.value for item in Pattern])


class Configured:
    """Tells what is in force for a file, from configuration files and from the options of a request over them."""

    def __init__(self, request: Request, ecosystems: Sequence[Ecosystem], finder: Finder) -> None:
        known = known_to(ecosystems)
        self._every = frozenset(known.rules)
        self._default = default_rules(ecosystems)
        over = Document(COMMAND_LINE, "", here(), "", _said(request, known))
        self._resolver = Resolver(known, finder, request.config, request.isolated, over)
        self._options: dict[Configuration, Options] = {}

    def configuration(self, path: str | None) -> Configuration:
        """What holds for the Dockerfile of a path, or for a text without one."""
        return self._resolver.configuration(os.path.dirname(absolute(path)) if path else here())

    def rules(self, configuration: Configuration) -> frozenset[str]:
        """The names of the rules to run."""
        return configuration.rules(self._every, self._default, frozenset({SYNTAX}))

    def settings(self, path: str | None) -> Settings:
        """As of Settler; raises ConfigError for a context that is not there, too."""
        found = self.configuration(path)
        if found not in self._options:
            self._options[found] = self._options_of(found)
        directory = found.context(absolute(path) if path else None).value
        return Settings(
            self._options[found],
            _near(directory),
            _near(found.file("baseline")),
            FailOn(found.found("fail-on").value),
        )

    def excludes(self, path: str, root: str) -> bool:
        """As of Settler."""
        return self._resolver.excludes(absolute(path), absolute(root))

    def forces_out(self, path: str) -> bool:
        """As of Settler."""
        return self._resolver.forces_out(absolute(path))

    def _options_of(self, found: Configuration) -> Options:
        patterns = {ecosystem: said.value for ecosystem, said in found.patterns().items()}
        return Options(
            self.rules(found),
            patterns.pop(DEFAULT),
            unsafe=found.found("unsafe-fixes").value,
            builder=found.found("builder").value or "",
            severities={rule: said.value for rule, said in found.severities().items()},
            patterns=patterns,
        )


def _said(request: Request, known: Known) -> dict[str, Any]:
    """What the command line says, in the terms of a configuration file."""
    said = {
        "select": None if request.select is None else known_names("--select", request.select, known.rules, ("all",)),
        "ignore": None if request.ignore is None else known_names("--ignore", request.ignore, known.rules),
        "pattern": request.pattern and request.pattern.value,
        "builder": request.profile and request.profile.value,
        "context": context_directory(request.context),
        "unsafe-fixes": request.unsafe or None,
        "fail-on": request.fail_on and request.fail_on.value,
        "baseline": request.baseline,
        "force-exclude": request.force_exclude or None,
    }
    return {key: value for key, value in said.items() if value is not None}


def _near(path: str | None) -> str | None:
    """A path as people would call it: relative where that does not lead upwards."""
    if path is None:
        return None
    relative = os.path.relpath(path, here())
    return path if relative.split(os.sep)[0] == os.pardir else relative
