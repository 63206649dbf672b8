"""From a Dockerfile to the settings that are in force for it."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterable

from dockerlayer.config.configuration import Configuration
from dockerlayer.config.document import Document, absolute, here, parsed, read_document
from dockerlayer.config.fields import wrongs_of
from dockerlayer.config.find import Finder
from dockerlayer.config.kinds import Known
from dockerlayer.errors import ConfigError, UsageError

INLINE = "--config"


class Resolver:
    """Finds, reads and checks each configuration file once.

    ``config`` are the values of ``--config``: a file, which then is the only one, and texts like ``fail-on = "never"``,
    which count more than files. With ``isolated`` no file is looked for. ``over`` counts more than everything. Raises
    ConfigError or UsageError for what ``config`` names.
    """

    def __init__(
        self,
        known: Known,
        finder: Finder,
        config: Iterable[str] = (),
        isolated: bool = False,
        over: Document | None = None,
    ) -> None:
        self._known = known
        self._finder = finder
        self._documents: dict[str, Document] = {}
        self._configurations: dict[str | None, Configuration | ConfigError] = {}
        self._left_out: dict[tuple[str, str], bool] = {}
        self._searches = not isolated
        self._below: tuple[Document, ...] = ()
        self._above: tuple[Document, ...] = ()
        current = here()
        for word in config:
            if "=" in word and not os.path.lexists(word):
                inline = Document(INLINE, "", current, word, parsed(word, INLINE))
                self._above += self._with_extended(inline)
            elif isolated:
                raise UsageError(f"--isolated reads no file, and --config names {word}")
            elif self._below:
                raise UsageError("--config names more than one file")
            else:
                *extended, document = self._with_extended(self._read(absolute(word)))
                # As ruff has it: what is given for every file speaks of paths below the current directory.
                self._below = (*extended, document._replace(directory=current))
                self._searches = False
        if over is not None:
            self._above += (over,)

    def configuration(self, directory: str) -> Configuration:
        """What holds for the Dockerfiles of an absolute directory; raises ConfigError for a file of no use."""
        found = self._found(directory)
        if isinstance(found, ConfigError):
            raise found
        return found

    def excludes(self, path: str, root: str) -> bool:
        """Whether a file that was found below the directory ``root`` is to be left out; both are absolute.

        A directory that is left out is not asked for a configuration of its own, and one of no use leaves out nothing.
        """
        pending: list[str] = []
        while path != root and path.startswith(os.path.join(root, "")) and (path, root) not in self._left_out:
            pending.append(path)
            path = os.path.dirname(path)
        left_out = self._left_out.get((path, root), False)
        for inside in reversed(pending):
            left_out = left_out or self._leaves_out(inside)
            self._left_out[(inside, root)] = left_out
        return left_out

    def forces_out(self, path: str) -> bool:
        """Whether an absolute path that was named is to be left out all the same."""
        while True:
            if self._leaves_out(path, forced=True):
                return True
            above = os.path.dirname(path)
            if above == path:
                return False
            path = above

    def _leaves_out(self, path: str, *, forced: bool = False) -> bool:
        found = self._found(os.path.dirname(path))
        if isinstance(found, ConfigError) or (forced and not found.found("force-exclude").value):
            return False
        return found.excludes(path)

    def _found(self, directory: str) -> Configuration | ConfigError:
        path = self._finder.nearest(directory) if self._searches else None
        if path not in self._configurations:
            self._configurations[path] = self._load(path)
        return self._configurations[path]

    def _load(self, path: str | None) -> Configuration | ConfigError:
        try:
            found = self._below if path is None else self._with_extended(self._read(path))
        except ConfigError as error:
            return error
        return Configuration((*found, *self._above))

    def _read(self, path: str) -> Document:
        if path not in self._documents:
            self._documents[path] = self._finder.read.get(path) or read_document(path)
        return self._documents[path]

    def _with_extended(self, document: Document) -> tuple[Document, ...]:
        """A document behind those that it extends, all without fault."""
        chain = [document]
        seen = {os.path.realpath(document.path)} if document.path else set()
        while True:
            last = chain[-1]
            remark = f" ({' -> '.join(item.name for item in chain)})" if len(chain) > 1 else ""
            wrongs = wrongs_of(last.table, self._known)
            first = next(wrongs, None)
            if first is not None:
                raise last.error(itertools.chain((first,), wrongs), remark)
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
