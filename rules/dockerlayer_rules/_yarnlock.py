"""yarn.lock, line by line: the format of Yarn 1 and the one of Yarn 2 and later, which a ``__metadata`` entry tells."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

LIMIT = 64 * 1024 * 1024
_FIELD = re.compile(r'  (?:"([^"]+)"|([^\s:"]+)):? +(.*)')
_BY_PATH = re.compile(r"@(?:file:|link:|\.{0,2}/)")
_DEPENDENCY = re.compile(r'    (?:"([^"]+)"|([^\s:"]+)): +(.*)')


class Locked(NamedTuple):
    """What a lockfile says. ``version`` is 1 for Yarn 1's format, else that of ``__metadata``; None when unreadable.

    ``keys`` are the descriptors (``name@range``), ``archives`` is how many an install on linux/x64 downloads,
    ``workspaces`` maps the directory of each workspace to its dependencies (Yarn 2 and later).
    """

    version: int | None
    keys: frozenset[str] = frozenset()
    archives: int = 0
    workspaces: Mapping[str, Mapping[str, str]] = MappingProxyType({})

    @property
    def is_berry(self) -> bool:
        """Whether Yarn 2 or later has written it."""
        return self.version is not None and self.version > 1

    def names(self) -> frozenset[str]:
        """The names of the packages."""
        return frozenset(key[: key.index("@", 1)] for key in self.keys if "@" in key[1:])


def is_berry_text(data: bytes) -> bool:
    """Whether a lockfile is of Yarn 2 or later."""
    return data.startswith(b"__metadata:") or b"\n__metadata:" in data


def read_lock(data: bytes) -> Locked:
    """Read a lockfile; one that cannot be read has no version."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return Locked(None)
    if "<<<<<<<" in text:
        return Locked(None)
    if is_berry_text(data):
        return _berry(text)
    return _classic(text)


def _keys(line: str) -> list[str]:
    return [part.strip().strip('"') for part in line.rstrip(":").split(", ")]


def _classic(text: str) -> Locked:
    keys: set[str] = set()
    archives: set[str] = set()
    address = ""
    for line in text.splitlines():
        if not line or line.startswith("#"):
            continue
        if not line[0].isspace():
            if not line.endswith(":") or "@" not in line:
                return Locked(None)
            listed = _keys(line)
            keys.update(listed)
            # What is resolved within the project has no address; nor has anything where people left them out.
            address = "" if any(_BY_PATH.search(key) for key in listed) else line
            archives.add(address)
        elif line.startswith("  resolved "):
            archives.discard(address)
            archives.add(line[11:].strip().strip('"'))
    if not keys and "yarn lockfile v1" not in text:
        return Locked(None)
    return Locked(1, frozenset(keys), len(archives - {""}))


def _berry(text: str) -> Locked:
    version: int | None = None
    keys: set[str] = set()
    archives: set[str] = set()
    workspaces: dict[str, dict[str, str]] = {}
    heading, resolution, fits = "", "", True
    wanted: dict[str, str] | None = None
    listing: dict[str, str] | None = None

    def close() -> None:
        if "@workspace:" in resolution:
            workspaces[resolution.partition("@workspace:")[2]] = wanted or {}
        elif "@npm:" in resolution and "@patch:" not in resolution and fits:
            archives.add(resolution)

    for line in text.splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        if not line[0].isspace():
            close()
            heading, resolution, fits, wanted, listing = line, "", True, None, None
            if not line.endswith(":"):
                return Locked(None)
            if heading != "__metadata:":
                keys.update(_keys(line))
        elif line.startswith("    "):
            match = _DEPENDENCY.match(line) if listing is not None else None
            if match and listing is not None:
                listing[match[1] or match[2]] = match[3].strip().strip('"')
        else:
            listing = None
            match = _FIELD.match(line)
            name = (match[1] or match[2]) if match else line.strip().rstrip(":")
            value = match[3].strip().strip('"') if match else ""
            if heading == "__metadata:" and name == "version" and value.isdigit():
                version = int(value[:6])
            elif name == "resolution":
                resolution = value
            elif name == "conditions":
                fits = _fits(value)
            elif name == "dependencies":
                listing = wanted = {}
    close()
    if version is None:
        return Locked(None)
    return Locked(max(version, 2), frozenset(keys), len(archives), workspaces)


def _fits(conditions: str) -> bool:
    """Whether a package is for linux/x64, by ``os=linux & cpu=x64 & libc=glibc``."""
    for name, value in (("os", "linux"), ("cpu", "x64"), ("libc", "glibc")):
        if f"{name}=" in conditions and not re.search(rf"\b{name}={value}\b", conditions):
            return False
    return True
