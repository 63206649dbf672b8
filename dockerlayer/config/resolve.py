"""From a Dockerfile to the settings that are in force for it."""

from __future__ import annotations

import os
from collections.abc import Iterable

from dockerlayer.config.document import Document, parsed, read_document
from dockerlayer.config.fields import wrongs_of
from dockerlayer.config.find import Finder
from dockerlayer.config.kinds import Known
from dockerlayer.config.settings import Settings
from dockerlayer.errors import ConfigError

INLINE = "--config"


class Resolver:
    """Finds, reads and checks each configuration file once.

    ``config`` are the values of ``--config``: a file, which then is the only one, and texts like ``fail-on = "never"``,
    which count more than files. With ``isolated`` no file is looked for. ``over`` counts more than everything. Raises
    ConfigError for what ``config`` names.
    """

    def __init__(
        self, known: Known, config: Iterable[str] = (), isolated: bool = False, over: Document | None = None
    ) -> None:
        self._known = known
        self._finder = Finder()
        self._documents: dict[str, Document] = {}
        self._settings: dict[str | None, Settings | ConfigError] = {}
        self._left_out: dict[tuple[str, str], bool] = {}
        self._searches = not isolated
        self._below: tuple[Document, ...] = ()
        self._above: tuple[Document, ...] = ()
        here = os.getcwd()
        files = 0
        for word in config:
            if "=" in word and not os.path.lexists(word):
                inline = Document(INLINE, "", here, word, parsed(word, INLINE))
                self._above += self._with_extended(inline)
            elif isolated:
                raise ConfigError(f"--isolated reads no file, and --config names {word}")
            elif files:
                raise ConfigError("--config names more than one file")
            else:
                files += 1
                *extended, document = self._with_extended(self._read(word))
                # As ruff has it: what is given for every file speaks of paths below the current directory.
                self._below = (*extended, document._replace(directory=here))
                self._searches = False
        if over is not None:
            self._above += (over,)

    def settings(self, directory: str) -> Settings:
        """What holds for the Dockerfiles of a directory.

        Raises ConfigError for a file of no use, and the same error again each time that the file is met.
        """
        path = self._finder.nearest(os.path.abspath(directory)) if self._searches else None
        if path not in self._settings:
            self._settings[path] = self._load(path)
        found = self._settings[path]
        if isinstance(found, ConfigError):
            raise found
        return found

    def excludes(self, path: str, root: str) -> bool:
        """Whether the settings leave out a file, or a directory that it lies in below ``root``.

        Raises ConfigError like ``settings``; directories that are left out are not asked for their own settings.
        """
        path, root = os.path.abspath(path), os.path.abspath(root)
        directory = os.path.dirname(path)
        return self._leaves_out(directory, root) or self.settings(directory).excludes(path)

    def _leaves_out(self, directory: str, root: str) -> bool:
        pending: list[str] = []
        while directory.startswith(os.path.join(root, "")) and (directory, root) not in self._left_out:
            pending.append(directory)
            directory = os.path.dirname(directory)
        left_out = self._left_out.get((directory, root), False)
        for inside in reversed(pending):
            left_out = left_out or self.settings(os.path.dirname(inside)).excludes(inside)
            self._left_out[(inside, root)] = left_out
        return left_out

    def _load(self, path: str | None) -> Settings | ConfigError:
        try:
            found = self._below if path is None else self._with_extended(self._read(path))
        except ConfigError as error:
            return error
        return Settings((*found, *self._above))

    def _read(self, path: str) -> Document:
        real = os.path.realpath(path)
        if real not in self._documents:
            self._documents[real] = self._finder.read.get(path) or read_document(path)
        return self._documents[real]

    def _with_extended(self, document: Document) -> tuple[Document, ...]:
        """A document behind those that it extends, all without fault."""
        chain = [document]
        seen = {os.path.realpath(document.path)}
        while True:
            last = chain[-1]
            remark = f" ({' -> '.join(item.name for item in chain)})" if len(chain) > 1 else ""
            wrongs = list(wrongs_of(last.table, self._known))
            if wrongs:
                raise last.error(wrongs, remark)
            extend = last.table.get("extend")
            if extend is None:
                return tuple(reversed(chain))
            beside = os.path.dirname(last.path) if last.path else last.directory
            path = os.path.normpath(os.path.join(beside, os.path.expanduser(extend)))
            real = os.path.realpath(path)
            if real in seen:
                circle = " -> ".join([*(item.name for item in chain), self._read(path).name])
                raise last.error([(("extend",), f"extend goes in a circle: {circle}")])
            seen.add(real)
            try:
                chain.append(self._read(path))
            except ConfigError as error:
                raise last.error([(("extend",), f"extend = {extend!r}: {error}")], remark) from error
