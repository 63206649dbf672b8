"""Which configuration file is nearest to a directory.

As ruff has it: ``.dockerlayer.toml`` counts before ``dockerlayer.toml`` and that before a shared file with a table of
ours, in the directory itself, else in the one above it, up to the root. Files are not merged but by ``extend``.
"""

from __future__ import annotations

import os

from dockerlayer.config.document import SHARED_NAME, Document, read_shared
from dockerlayer.errors import ConfigError

NAMES = (".dockerlayer.toml", "dockerlayer.toml")


class Finder:
    """Looks for files, and into each directory once; ``read`` are those that had to be read for that, by path."""

    def __init__(self) -> None:
        self.read: dict[str, Document] = {}
        self._nearest: dict[str, str | None] = {}

    def nearest(self, directory: str) -> str | None:
        """The path of the file that holds for an absolute directory, whether or not it is of use."""
        passed: list[str] = []
        found: str | None = None
        while True:
            if directory in self._nearest:
                found = self._nearest[directory]
                break
            passed.append(directory)
            found = self._file_in(directory)
            above = os.path.dirname(directory)
            if found is not None or above == directory:
                break
            directory = above
        self._nearest.update(dict.fromkeys(passed, found))
        return found

    def _file_in(self, directory: str) -> str | None:
        for name in NAMES:
            path = os.path.join(directory, name)
            # What has the name and cannot be read is for the reader to report: it must not be passed over.
            if os.path.lexists(path):
                return path
        path = os.path.join(directory, SHARED_NAME)
        try:
            document = read_shared(path)
        except ConfigError:
            return path
        if document is None:
            return None
        self.read[path] = document
        return path
