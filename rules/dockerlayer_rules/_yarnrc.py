"""The settings files that yarn reads beside and above package.json: .npmrc, .yarnrc and .yarnrc.yml."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping

from dockerlayer.api import Refusal, Scene, join
from dockerlayer_rules._yarncall import inside

LIMIT = 256 * 1024
NAMES = (".npmrc", ".yarnrc", ".yarnrc.yml")
_NAMES_PATH = re.compile(r"(?:\.{0,2}/|file:)(?!/)")
# Plugins of Yarn's own, which are known to read manifests only.
OWN_PLUGINS = re.compile(
    r"@yarnpkg/plugin-(?:workspace-tools|interactive-tools|typescript|version|exec|stage|compat)\Z"
)


def settings_needs(scene: Scene, directory: str, origin: str) -> Iterator[str | Refusal]:
    """The settings files that reach the project's directory and those above it, relative to the project."""
    here, above = "", directory
    while True:
        for name in NAMES:
            path = posixpath.normpath(posixpath.join(here, name))
            placed = scene.origin(join(directory, path))
            if placed is None or not scene.context.is_file(placed):
                continue
            if not origin.startswith("..") and placed == inside(origin, path):
                yield path
            else:
                yield Refusal("settings-elsewhere", f"{placed}, which yarn reads, comes from another directory")
        parent = posixpath.dirname(above)
        if parent == above or not parent:
            return
        here, above = posixpath.join(here, ".."), parent


def classic_settings(scene: Scene, directory: str) -> dict[str, str]:
    """The settings of .yarnrc and .npmrc in a directory of the image, by name."""
    found: dict[str, str] = {}
    for name, separator in ((".npmrc", r"\s*=\s*"), (".yarnrc", r"\s+")):
        text = (scene.read(join(directory, name)) or b"")[:LIMIT].decode("utf-8", "replace")
        for line in text.splitlines():
            words = re.split(separator, line.strip(), maxsplit=1)
            if len(words) == 2 and not words[0].startswith(("#", ";")):
                found[words[0].strip('"')] = words[1].strip().strip('"')
    return found


def named_path(settings: Mapping[str, str], known: frozenset[str]) -> str | None:
    """A setting, not one of the known ones, that names a file or directory of the project."""
    return next((name for name, value in settings.items() if name not in known and _NAMES_PATH.match(value)), None)


def berry_settings(scene: Scene, directory: str) -> Mapping[str, object] | None:
    """The settings of .yarnrc.yml; empty when there is none, None when it cannot be read."""
    path = join(directory, ".yarnrc.yml")
    data = scene.read(path)
    if data is None:
        return None if scene.has(path) else {}
    if len(data) > LIMIT:
        return None
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        value = yaml.load(data, loader)
    except (yaml.YAMLError, ValueError, RecursionError, TypeError, AttributeError):
        return None
    if value is None:
        return {}
    return value if isinstance(value, dict) else None


def scalars(settings: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    """Every text in the settings with the name of the top-level setting it belongs to."""
    seen: set[int] = set()
    pending: list[tuple[str, object]] = [(str(name), value) for name, value in settings.items()]
    while pending:
        name, value = pending.pop()
        if isinstance(value, str):
            yield name, value
        elif isinstance(value, (dict, list)) and id(value) not in seen:
            seen.add(id(value))
            pending.extend((name, item) for item in (value.values() if isinstance(value, dict) else value))


def plugins_of(settings: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    """Path and name of the plugins that .yarnrc.yml lists."""
    listed = settings.get("plugins")
    for item in listed if isinstance(listed, list) else ():
        if isinstance(item, str):
            yield item, ""
        elif isinstance(item, dict) and isinstance(item.get("path"), str):
            yield item["path"], str(item.get("spec", ""))
