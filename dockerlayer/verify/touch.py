"""The one edit between two builds: a source file that the image takes from the context, changed without harm."""

from __future__ import annotations

import os
import posixpath
import secrets
from collections.abc import Iterator
from pathlib import Path

from dockerlayer.checks.survey import is_source_file, needed_paths
from dockerlayer.errors import UsageError
from dockerlayer.model.context import Context
from dockerlayer.verify.subject import Subject

_LOOKED_AT = 5000
_READ = 1 << 20
_LINES = 48
# Files that the builder or the version control reads, not the project.
_OTHERS = frozenset({"Dockerfile", "Containerfile", ".dockerignore", ".gitignore", ".gitattributes"})


def source_file(subject: Subject, context: Context, wanted: str | None = None) -> str | None:
    """The context path of the file to edit, None if no source reaches the image. ``wanted`` is the user's choice.

    What a download stands on without need comes first, since that is what an edit must not touch off.
    """
    if wanted is not None:
        path = posixpath.normpath(wanted.replace(os.sep, "/")).lstrip("/")
        if not context.is_file(path):
            why = "kept out by the ignore file" if context.hidden(path) else "no file in the build context"
            raise UsageError(f"--touch {wanted}: {why} {context.root}")
        return path
    found = ""
    for path in _candidates(subject):
        if is_source_file(path) and _is_text(context, path):
            return path
        if not found and posixpath.basename(path) not in _OTHERS and _is_text(context, path):
            found = path
    return found or None


def _candidates(subject: Subject) -> Iterator[str]:
    survey = subject.survey
    needed: set[str] = set()
    runs = [step for step in survey.steps() if survey.sightings(step)]
    for step in runs:
        needed.update(path for seen in survey.sightings(step) for path in needed_paths(seen.fetch))
    placements = [placement for step in runs for placement in survey.exposed(step)[1]]
    placements += [
        placement for layer in subject.layers if (placement := survey.analysis.placement(layer.step)) is not None
    ]
    count = 0
    for placement in placements:
        for item in placement.others(frozenset(needed)):
            yield item.context
            count += 1
            if count >= _LOOKED_AT:
                return


def _is_text(context: Context, path: str) -> bool:
    data = context.read(path, _READ)
    return bool(data) and b"\0" not in (data or b"")


class Edited:
    """A file of the copied context with something new at its end, as a context manager; restored at the end.

    What is added is space at the ends of empty lines: nothing in source, and never the same twice, so that no earlier
    build of anybody's has it in its cache.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._data = file.read_bytes()

    def __enter__(self) -> Edited:
        bits = secrets.randbits(_LINES)
        tail = "\n" + "".join(" \n" if bits >> at & 1 else "\n" for at in range(_LINES))
        self._write(self._data + tail.encode())
        return self

    def __exit__(self, *error: object) -> None:
        self._write(self._data)

    def _write(self, data: bytes) -> None:
        mode = self._file.stat().st_mode
        self._file.chmod(mode | 0o200)
        self._file.write_bytes(data)
        self._file.chmod(mode)
