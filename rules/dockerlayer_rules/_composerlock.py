"""What composer.json and composer.lock say: how much is downloaded, and what an install needs of the source."""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from dockerlayer.api import Context, Refusal

Json = Mapping[str, object]
PLATFORM = re.compile(r"(?:php(?:-\w+)?|hhvm|ext-.*|lib-.*|composer(?:-\w+)*)\Z")
# The events of an install, in their order (getcomposer.org/doc/articles/scripts.md#event-names).
EVENTS = """pre-install-cmd pre-package-install post-package-install pre-operations-exec pre-pool-create
    pre-file-download post-file-download pre-autoload-dump post-autoload-dump post-install-cmd""".split()
# Plugins that ask no network for more than Composer itself does.
QUIET_PLUGINS = frozenset(
    """composer/installers phpstan/extension-installer dealerdirect/phpcodesniffer-composer-installer
    pestphp/pest-plugin symfony/runtime composer/package-versions-deprecated drupal/core-project-message
    drupal/core-composer-scaffold ergebnis/composer-normalize bamarni/composer-bin-plugin
    yiisoft/yii2-composer""".split()
)
_ARCHIVES = frozenset({"zip", "tar", "gzip", "xz", "rar", "phar"})
# Scripts that are run without Composer's own network: PHP programs, and Laravel's, which deletes a file.
_QUIET_SCRIPT = re.compile(
    r"(?:@?php\s+(?!.*composer).*|Illuminate\\Foundation\\ComposerScripts::\w+|@putenv\s.*|echo\b.*|Composer\\Config::\w+"
    r"|@(?:auto-scripts)|(?:cache:clear|assets:install\s.*))"
)


class Packages(NamedTuple):
    """The locked packages that one install takes: archives, local directories, and what comes from a repository."""

    archives: int
    local: tuple[str, ...]
    sources: tuple[str, ...]
    files: tuple[str, ...]
    plugins: tuple[str, ...]
    names: frozenset[str]


def json_of(context: Context, path: str) -> Json | None:
    """A JSON object of the context, or None."""
    data = context.read(path, 32 * 1024 * 1024)
    try:
        value = json.loads(data) if data is not None else None
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def table(value: Json, key: str) -> Json:
    """The object below a key, empty if there is none."""
    found = value.get(key)
    return found if isinstance(found, dict) else {}


def packages_of(locked: Json, *, dev: bool) -> Packages:
    """What composer.lock lists."""
    archives = 0
    local: list[str] = []
    sources: list[str] = []
    files: list[str] = []
    plugins: list[str] = []
    names: set[str] = set()
    for key in ("packages", "packages-dev") if dev else ("packages",):
        listed = locked.get(key)
        for package in listed if isinstance(listed, list) else ():
            if not isinstance(package, dict) or package.get("type") == "metapackage":
                continue
            name, dist = str(package.get("name")), table(package, "dist")
            kind, url = dist.get("type"), str(dist.get("url", ""))
            names.add(name)
            if package.get("type") == "composer-plugin":
                plugins.append(name)
            if kind == "path":
                local.append(url)
            elif kind in _ARCHIVES and re.match(r"https?://", url):
                archives += 1
            elif kind in _ARCHIVES:
                files.append(url)
            else:
                sources.append(name)
    return Packages(archives, tuple(local), tuple(sources), tuple(files), tuple(plugins), frozenset(names))


def has_dependencies(manifest: Json, *, dev: bool) -> bool:
    """Whether composer.json asks for any package."""
    keys = ("require", "require-dev") if dev else ("require",)
    return any(not PLATFORM.match(str(name)) for key in keys for name in table(manifest, key))


def scripts_of(manifest: Json) -> Iterator[tuple[str, str]]:
    """The commands that an install runs, with the events they are for; references between them are followed."""
    scripts = table(manifest, "scripts")
    for event in EVENTS:
        pending = [scripts.get(event)]
        seen: set[str] = set()
        while pending:
            value = pending.pop(0)
            if isinstance(value, dict):
                pending.extend(f"{key}" for key in value)
            elif isinstance(value, list):
                pending.extend(value)
            elif isinstance(value, str) and value not in seen:
                seen.add(value)
                name = value.removeprefix("@")
                if value.startswith("@") and name in scripts:
                    pending.append(scripts[name])
                else:
                    yield event, value


def asks_network(manifest: Json, packages: Packages, *, scripts: bool, plugins: bool) -> bool:
    """Whether scripts or plugins of an install may ask Composer for more than what the lockfile lists."""
    if plugins and not QUIET_PLUGINS.issuperset(packages.plugins):
        return True
    return scripts and any(_QUIET_SCRIPT.fullmatch(text) is None for _, text in scripts_of(manifest))


def needs_source(manifest: Json, packages: Packages, words: frozenset[str]) -> Refusal | None:
    """Why an install cannot be made from composer.json and composer.lock alone; ``words`` are its options."""
    config = table(manifest, "config")
    optimized = words & {"-o", "-a", "--optimize-autoloader", "--classmap-authoritative", "--apcu-autoloader"}
    if "--no-autoloader" not in words:
        if optimized or config.get("optimize-autoloader") or config.get("classmap-authoritative"):
            return Refusal("autoloader-of-source", "the optimized autoloader is made from the classes of the source")
        for key in ("autoload", "autoload-dev"):
            for kind in ("classmap", "files"):
                if table(manifest, key).get(kind):
                    return Refusal("autoloader-of-source", f"composer.json has an {key}.{kind}, which is in the source")
    if "--no-scripts" not in words:
        for event, text in scripts_of(manifest):
            shown = text if len(text) <= 60 else f"{text[:57]}..."
            return Refusal("scripts", f"composer.json runs {event!r} ({shown}), which may need the source")
    if packages.plugins and "--no-plugins" not in words:
        return Refusal("plugins", f"{packages.plugins[0]} is a plugin, which may read or write in the project")
    if packages.local:
        return Refusal("local-packages", f"{packages.local[0]} is a package of the project, which is linked or copied")
    return None


def local_manifests(context: Context, origin: str, paths: tuple[str, ...]) -> tuple[str, ...] | Refusal:
    """The composer.json of each local package, relative to the project; Composer asks for the directory alone."""
    found = []
    for path in paths:
        manifest = posixpath.normpath(posixpath.join(path, "composer.json"))
        if path.startswith("/") or not context.is_file(posixpath.join(origin, manifest)):
            return Refusal("local-package-missing", f"{path}, a package of the project, is not in the build context")
        found.append(manifest)
    return tuple(found)
