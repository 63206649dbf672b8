"""Ecosystem plugins, found as entry points of the group ``dockerlayer.ecosystems``: shipped and third-party alike.

The entry points are read from the ``*.dist-info/entry_points.txt`` files on ``sys.path`` (the format is fixed by the
packaging specification "Entry points"). importlib.metadata reads the same files, but importing it costs a third of
the time that a run on one file takes.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from functools import lru_cache
from importlib import import_module
from typing import NamedTuple

from dockerlayer.api import Ecosystem
from dockerlayer.errors import PluginError

GROUP = "dockerlayer.ecosystems"


class Plugin(NamedTuple):
    """One entry point: its name, ``module:attribute``, and the distribution it came from."""

    name: str
    value: str
    distribution: str


@lru_cache(maxsize=1)
def installed() -> tuple[tuple[Ecosystem, ...], tuple[str, ...]]:
    """Every ecosystem that loads, by name, and a sentence for each plugin that does not."""
    return load(discover(sys.path))


def discover(places: Iterable[str]) -> Iterator[Plugin]:
    """The plugins of the distributions installed in some directories; the first of a distribution's copies counts."""
    seen: set[str] = set()
    for place in places:
        try:
            with os.scandir(place or ".") as entries:
                names = sorted(entry.name for entry in entries if entry.name.endswith(".dist-info"))
        except OSError:
            continue
        for name in names:
            distribution = name.partition("-")[0].replace("_", "-").lower()
            if distribution in seen:
                continue
            seen.add(distribution)
            yield from _declared(os.path.join(place or ".", name, "entry_points.txt"), distribution)


def _declared(path: str, distribution: str) -> Iterator[Plugin]:
    try:
        with open(path, encoding="utf-8") as file:
            text = file.read()
    except (OSError, ValueError):
        return
    if GROUP not in text:
        return
    section = ""
    for line in map(str.strip, text.splitlines()):
        if line.startswith("["):
            section = line.strip("[] ")
        elif section == GROUP and "=" in line and not line.startswith(("#", ";")):
            name, _, value = line.partition("=")
            yield Plugin(name.strip(), value.partition("[")[0].strip(), distribution)


def load(plugins: Iterable[Plugin]) -> tuple[tuple[Ecosystem, ...], tuple[str, ...]]:
    """Load plugins; a broken one is reported and left out, never fatal for the others."""
    found: dict[str, Ecosystem] = {}
    broken: list[str] = []
    for plugin in plugins:
        try:
            found[plugin.name] = _load_one(plugin)
        except PluginError as error:
            broken.append(str(error))
    return tuple(found[name] for name in sorted(found)), tuple(broken)


def _load_one(plugin: Plugin) -> Ecosystem:
    what = f"plugin {plugin.name} (from {plugin.distribution})"
    module, _, attribute = plugin.value.partition(":")
    try:
        ecosystem = getattr(import_module(module), attribute)
    except Exception as error:  # a plugin may fail in any way; the failure is named and the plugin left out
        raise PluginError(f"{what}: {type(error).__name__}: {error}") from error
    if not isinstance(ecosystem, Ecosystem):
        raise PluginError(f"{what}: {plugin.value} is not an Ecosystem")
    return ecosystem
