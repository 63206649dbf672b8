"""Two images compared: size, configuration, files."""

from __future__ import annotations

import hashlib
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from dockerlayer.verify.builder import Builder, BuilderError

# What a container's start-up puts into every file system.
_NOT_OF_THE_IMAGE = ("proc", "sys", "dev", "run", ".dockerenv", "etc/hosts", "etc/hostname", "etc/resolv.conf")
# Where programs leave what nobody counts on.
_PASSING = ("tmp", "var/tmp", "var/log", "var/cache", "var/lib/apt")
_CHUNK = 1 << 20
_SETTINGS = """Entrypoint Cmd User WorkingDir Env ExposedPorts Volumes Labels Healthcheck StopSignal Shell
    OnBuild""".split()


class Image(NamedTuple):
    """An image as it is compared. ``files`` maps a path to what it is; empty when the files were not read."""

    size: int
    config: Mapping[str, object]
    files: Mapping[str, str] = {}


class Difference(NamedTuple):
    """What sets the second image apart. ``settings`` are names of the configuration, the others sorted paths."""

    settings: tuple[str, ...]
    missing: tuple[str, ...]
    added: tuple[str, ...]
    changed: tuple[str, ...]


def image_of(builder: Builder, tag: str) -> Image:
    """Read a stored image; raises BuilderError."""
    found = builder.inspect(tag)
    config, size = found.get("Config"), found.get("Size")
    return Image(
        size if isinstance(size, int) else 0,
        config if isinstance(config, dict) else {},
        dict(_files(builder, tag)),
    )


def _files(builder: Builder, tag: str) -> Iterator[tuple[str, str]]:
    try:
        with builder.export(tag) as stream, tarfile.open(fileobj=stream, mode="r|") as archive:
            for member in archive:
                path = member.name.removeprefix("./").rstrip("/")
                if path and not _is_below(path, _NOT_OF_THE_IMAGE):
                    yield path, _what(archive, member)
    except tarfile.TarError as error:
        raise BuilderError(f"the files of the image cannot be read: {error}") from error


def _is_below(path: str, places: Sequence[str]) -> bool:
    return any(path == place or path.startswith(f"{place}/") for place in places)


def _what(archive: tarfile.TarFile, member: tarfile.TarInfo) -> str:
    content = member.linkname
    if member.isreg():
        digest = hashlib.blake2b(digest_size=16)
        file = archive.extractfile(member)
        while file is not None and (chunk := file.read(_CHUNK)):
            digest.update(chunk)
        content = digest.hexdigest()
    return f"{member.type!r} {member.mode:o} {member.uid}:{member.gid} {content}"


def content_of(text: bytes) -> str:
    """How a regular file of this content ends in ``Image.files``."""
    return hashlib.blake2b(text, digest_size=16).hexdigest()


def compare(before: Image, again: Image | None, after: Image, texts: tuple[bytes, bytes]) -> Difference:
    """What sets ``after`` apart from ``before``.

    ``again`` is ``before`` built once more: what differs between these two differs by itself, and does not count, nor
    do the ``texts`` of the Dockerfiles where they were copied into the images.
    """
    settings = tuple(
        name for name in _SETTINGS if (before.config.get(name) or None) != (after.config.get(name) or None)
    )
    paths = before.files.keys() | after.files.keys()
    if again is not None:
        paths = {path for path in paths if before.files.get(path) == again.files.get(path) or path not in before.files}
    ends = content_of(texts[0]), content_of(texts[1])
    missing, added, changed = [], [], []
    for path in sorted(paths):
        old, new = before.files.get(path), after.files.get(path)
        if old is None:
            added.append(path)
        elif old == new or _is_below(path, _PASSING):
            continue
        elif new is None:
            missing.append(path)
        elif not (old.endswith(ends[0]) and new.endswith(ends[1])):
            changed.append(path)
    return Difference(settings, tuple(missing), tuple(added), tuple(changed))


def topmost(paths: Sequence[str]) -> Iterator[str]:
    """The paths that are not below another one of them."""
    all_of_them = set(paths)
    for path in paths:
        if not any(path[:at] in all_of_them for at, char in enumerate(path) if char == "/"):
            yield path
