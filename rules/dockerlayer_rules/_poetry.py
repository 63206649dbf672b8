"""Poetry's own view of a command: which groups it means, where it installs to, and which Poetry runs it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from dockerlayer.api import Call, Scene, join, path_of
from dockerlayer_rules._pipcall import ask
from dockerlayer_rules._pyproject import parse_toml, table_of
from dockerlayer_rules._pytool import (
    Spelling,
    Told,
    installed_version,
    is_on,
    own_places,
    runs_installer,
    sets,
    setting,
    tell,
)

SPELLING = Spelling(
    frozenset("--extras --with --without --only --directory --project --format --output --source --python".split()),
    {"E": "--extras", "C": "--directory", "P": "--project", "n": "--no-interaction", "q": "--quiet", "h": "--help",
     "V": "--version", "v": "--verbose", "f": "--format", "o": "--output"},
)  # fmt: skip
INSTALL = frozenset({"install", "sync"})
RELOCKS = frozenset({"lock", "update", "add", "remove"})
FALSE = frozenset({"false", "0", "no", "off"})
INSTALLER = r"python-poetry|get-poetry|install-poetry"
# Plugins that leave an install as it is; of any other it is not known which files it reads.
PLUGINS = frozenset(
    """poetry-core poetry-plugin-export poetry-plugin-shell poetry-plugin-bundle poetry-plugin-up
    poetry-plugin-pypi-mirror""".split()
)


def directory_of(told: Told) -> str | None:
    named = told.values("--directory", "--project")
    return path_of(told.call, named[-1]) if named else told.call.cwd


def groups_of(told: Told, table: Mapping[str, object]) -> frozenset[str]:
    """The dependency groups that a command installs."""
    poetry = table_of(table, "tool", "poetry")
    named = {name: value for name, value in table_of(poetry, "group").items() if isinstance(value, dict)}
    every = {"main", *named, *table_of(table, "dependency-groups"), *(["dev"] if "dev-dependencies" in poetry else [])}
    if only := told.words_of("--only"):
        return only
    if told.has("--no-dev"):
        return frozenset({"main"})
    if told.has("--all-groups"):
        return frozenset(every)
    default = {name for name in every if not table_of(named, name).get("optional")}
    return frozenset((default | told.words_of("--with")) - told.words_of("--without"))


def extras_of(told: Told) -> frozenset[str]:
    return frozenset({"*"}) if told.has("--all-extras") else told.words_of("--extras")


def relocks(call: Call) -> bool:
    told = tell(call, "poetry", SPELLING)
    return told is not None and told.verb in RELOCKS and not told.has("--check", "--dry-run", "--help")


def version_of(told: Told, scene: Scene) -> tuple[int, ...] | None:
    """The version of Poetry in the image: ``()`` for the newest, None when the file does not tell."""
    found = installed_version(scene, told.call, "poetry")
    earlier = scene.before(told.call)
    for other in earlier:
        if runs_installer(other, earlier, INSTALLER):
            words = " ".join(other.arguments)
            match = re.search(r"--version[= ](\d+(?:\.\d+)*)", words)
            named = match[1] if match else other.value("POETRY_VERSION") or ""
            found = tuple(map(int, named.split("."))) if re.fullmatch(r"\d+(?:\.\d+)*", named) else None
            found = () if not named and "$" not in words else found
    return found


def plugins_of(told: Told, scene: Scene, table: Mapping[str, object]) -> Iterator[str]:
    names = list(table_of(table, "tool", "poetry", "requires-plugins"))
    for other in scene.before(told.call):
        asked, own = ask(other), tell(other, "poetry", SPELLING)
        if asked is not None and asked.verb == "install":
            names += [text for text in asked.specs if text.startswith("poetry-")]
        elif own is not None and own.verb == "self" and own.operands[:1] == ("add",):
            names += own.operands[1:]
        elif other.program == "pipx" and "inject" in other.arguments:
            names += [word for word in other.arguments if word.startswith("poetry-")]
    for text in names:
        match = re.match(r"[A-Za-z0-9][\w.-]*", text)
        name = match[0].lower() if match else text
        if name not in PLUGINS and not (name == "poetry-dynamic-versioning" and _bypassed(told)):
            yield name
    if table_of(table, "tool", "poetry-dynamic-versioning").get("enable") and not _bypassed(told):
        yield "poetry-dynamic-versioning"


def _bypassed(told: Told) -> bool:
    return bool(told.call.value("POETRY_DYNAMIC_VERSIONING_BYPASS"))


def is_external(told: Told, scene: Scene) -> bool:
    """Whether Poetry installs into the environment that it finds, and makes none of its own."""
    value = (told.call.value("POETRY_VIRTUALENVS_CREATE") or "").lower()
    if not value and told.call.value("VIRTUAL_ENV"):
        return True
    return (value or setting(scene, told.call, "poetry", "virtualenvs.create")) in FALSE


def writes_of(told: Told, scene: Scene, directory: str) -> tuple[str, ...]:
    """Image paths beside those of the system that an install fills."""
    found = list(own_places(told.call, "POETRY_CACHE_DIR", "POETRY_VIRTUALENVS_PATH", "VIRTUAL_ENV"))
    settings = parse_toml(scene.read(join(directory, "poetry.toml")) or b"") or {}
    virtualenvs = table_of(settings, "virtualenvs")
    inside = is_on(told, "POETRY_VIRTUALENVS_IN_PROJECT") or sets(scene, told.call, "poetry", "virtualenvs.in-project")
    if inside or virtualenvs.get("in-project") is True:
        found.append(join(directory, ".venv"))
    named = (place for place in (virtualenvs.get("path"), settings.get("cache-dir")) if isinstance(place, str))
    found += [directory if "{" in place or place.startswith("~") else join(directory, place) for place in named]
    return tuple(dict.fromkeys(found))
