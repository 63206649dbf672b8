"""How the calls of Pipenv (Python) are read."""

from __future__ import annotations

import hashlib
import json
import posixpath
from collections.abc import Iterator, Mapping
from dataclasses import replace

from dockerlayer.api import (
    NOT_IN_CONTEXT,
    SYSTEM_WRITES,
    Call,
    Effect,
    Fetch,
    Lock,
    Refusal,
    Scene,
    join,
    path_of,
)
from dockerlayer_rules._pyproject import parse_toml, table_of
from dockerlayer_rules._pytool import (
    Spelling,
    Told,
    is_on,
    locate,
    lock_of,
    own_places,
    present,
    removes_cache,
    tell,
)

SPELLING = Spelling(
    frozenset(
        """--python --pypi-mirror --extra-pip-args --resolver --categories --extras --config-settings --index
        --requirements --editable""".split()
    ),
    {"d": "--dev", "r": "--requirements", "e": "--editable", "i": "--index", "h": "--help", "v": "--verbose",
     "q": "--quiet", "c": "--code"},
)  # fmt: skip
INSTALL = frozenset({"install", "sync"})
RELOCKS = frozenset({"lock", "update", "upgrade", "uninstall"})
ADVICE = "pipenv lock writes Pipfile.lock; commit it, copy it beside the Pipfile, and install with --deploy"
SECTIONS = frozenset({"source", "packages", "dev-packages", "requires", "scripts", "pipfile", "pipenv"})
LOCAL = frozenset({"path", "file", "editable"})
VCS = frozenset({"git", "hg", "svn", "bzr"})
LOCK_LIMIT = 64 * 1024 * 1024


def read(call: Call, scene: Scene) -> Fetch | None:
    """What a Pipenv command takes from PyPI, given what stands in the image when it runs."""
    told = tell(call, "pipenv", SPELLING)
    if told is None or told.has("--help", "--version") or told.verb not in INSTALL | {"update", "upgrade"}:
        return None
    pipfile = call.value("PIPENV_PIPFILE")
    named = path_of(call, pipfile) if pipfile else None
    directory = posixpath.dirname(named) if named else call.cwd
    if directory is None:
        return None
    line = call.step.line
    if pipfile and (named is None or posixpath.basename(named) != "Pipfile"):
        what = f"PIPENV_PIPFILE names {pipfile}, which is no Pipfile that can be told"
        return Fetch(call, "install", directory, blocked=Refusal("named-pipfile", what, line))
    place = locate(scene, directory, "Pipfile")
    if told.unknown:
        what = f"{told.unknown} is not known before the build: it may hold options"
        return Fetch(call, "install", directory, blocked=Refusal("unknown-words", what, line))
    if told.verb == "install" and (told.operands or told.has("--requirements", "--editable")):
        what = "pipenv install with packages adds them to the Pipfile and chooses versions anew"
        return Fetch(call, "install", directory, blocked=Refusal("named-packages", what, line))
    if place is None:
        what = f"no COPY brings a Pipfile of the build context to {directory}"
        return Fetch(call, "install", directory, blocked=Refusal(NOT_IN_CONTEXT, what, line))
    if told.verb not in INSTALL:
        what = f"pipenv {told.verb} chooses versions anew and writes Pipfile.lock"
        return Fetch(call, "install", *place, blocked=Refusal("resolves-anew", what, line))
    return None if _is_installed(told, scene) else _of_project(told, scene, *place)


def _is_installed(told: Told, scene: Scene) -> bool:
    """Whether the same command has run before, as when another puts the result elsewhere."""
    earlier = (tell(call, "pipenv", SPELLING) for call in scene.before(told.call) if call.cwd == told.call.cwd)
    return any(
        other is not None and other.verb in INSTALL and other.call.always and other.options == told.options
        for other in earlier
    )


def _of_project(told: Told, scene: Scene, directory: str, origin: str) -> Fetch:
    call, line = told.call, told.call.step.line
    lock = lock_of(scene, directory, origin, "Pipfile", "Pipfile.lock", ADVICE)
    if told.has("--skip-lock") or is_on(told, "PIPENV_SKIP_LOCK"):
        lock = Lock("Pipfile", "Pipfile.lock", "off")
    elif lock.state in {"ok", "missing"} and any(_relocks(other) for other in scene.before(call)):
        lock = Lock("Pipfile", "Pipfile.lock", "made")
    names = ("Pipfile", "Pipfile.lock", ".env", ".python-version", "pylock.toml")
    needs = present(scene, directory, origin, names)
    reads = tuple(join(directory, name) for name in (*names[1:], ".venv"))
    writes = _writes(told, directory)
    fetch = Fetch(call, "install", directory, origin, needs, writes, None, "packages", lock, reads=reads)
    data = scene.context.read(posixpath.join(origin, "Pipfile"))
    pipfile = parse_toml(data) if data is not None else None
    if pipfile is None:
        what = f"the Pipfile of {directory} cannot be read as TOML"
        return replace(fetch, blocked=Refusal("bad-manifest", what, line))
    locked = _locked(scene, posixpath.join(origin, "Pipfile.lock")) if lock.state == "ok" else None
    fetch = replace(fetch, count=_count(told, locked) if locked is not None else None)
    refusal = next(_obstacles(told, scene, fetch, pipfile, locked), None)
    if refusal is not None or locked is None:
        return replace(fetch, blocked=refusal)
    checked = told.verb == "sync" or told.has("--deploy", "--ignore-pipfile")
    if not checked and table_of(locked, "_meta", "hash").get("sha256") != hash_of(pipfile):
        stale = "Pipfile.lock does not belong to the Pipfile: Pipenv locks anew, and COPY brings the old one back"
        return replace(fetch, assumptions=(stale,))
    return fetch


def _relocks(call: Call) -> bool:
    told = tell(call, "pipenv", SPELLING)
    return told is not None and told.verb in RELOCKS and not told.has("--help", "--requirements")


def _locked(scene: Scene, path: str) -> Mapping[str, object] | None:
    data = scene.context.read(path, LOCK_LIMIT)
    try:
        value = json.loads(data) if data is not None else None
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) and isinstance(value.get("_meta"), dict) else None


def hash_of(pipfile: Mapping[str, object]) -> str:
    """The hash that Pipfile.lock keeps of a Pipfile: its sections as sorted JSON.

    Without a ``source`` table it cannot be told, since Pipenv puts in its default.
    """
    data: dict[str, object] = {
        "_meta": {"sources": pipfile.get("source"), "requires": pipfile.get("requires", {})},
        "default": pipfile.get("packages", {}),
        "develop": pipfile.get("dev-packages", {}),
    }
    data.update((name, value) for name, value in pipfile.items() if name not in SECTIONS)
    text = json.dumps(data, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _obstacles(
    told: Told, scene: Scene, fetch: Fetch, pipfile: Mapping[str, object], locked: Mapping[str, object] | None
) -> Iterator[Refusal]:
    """Why an install from the narrow inputs would fail or do something else."""
    call, line = told.call, told.call.step.line
    state = fetch.lock.state if fetch.lock is not None else ""
    if state == "elsewhere":
        yield Refusal("manifests-apart", "Pipfile and Pipfile.lock come from different directories", line)
    if state == "made":
        yield Refusal("resolves-anew", "an earlier command writes Pipfile.lock: what it chooses is not pinned", line)
    if state != "ok":
        yield Refusal("no-lockfile", f"no Pipfile.lock reaches {fetch.directory}: Pipenv resolves anew", line)
    if locked is None:
        yield Refusal("bad-lockfile", "Pipfile.lock is not as Pipenv writes it", line)
    for name, entry in (*_entries(locked or {}), *_entries(pipfile)):
        keys = entry.keys()
        if keys & LOCAL and not keys & VCS:
            yield Refusal("path-dependency", f"{name} is installed from a path, which needs the source", line)
        if keys & VCS:
            yield Refusal("vcs-dependency", f"{name} comes from version control, with which this was not tried", line)
    system = told.has("--system") or is_on(told, "PIPENV_SYSTEM", "PIPENV_USE_SYSTEM")
    if not system and scene.has(join(fetch.directory, ".venv")):
        yield Refusal("venv-in-context", "the build context has a .venv, which would overwrite what is installed", line)
    for other in scene.siblings:
        words = [word for word in other.arguments if not word.startswith("-")]
        if other.program == "rm" and removes_cache(other, "pipenv") and None in [path_of(other, w) for w in words]:
            what = f"{' '.join(other.argv)!r} must stay in the layer of what it removes"
            yield Refusal("cleanup-in-same-run", what, call.step.line)


def _entries(table: Mapping[str, object]) -> Iterator[tuple[str, Mapping[str, object]]]:
    """Every package of a Pipfile or Pipfile.lock that is described by a table, whatever its category."""
    for section, packages in table.items():
        if section in {"_meta", "source", "requires", "scripts", "pipenv"} or not isinstance(packages, dict):
            continue
        for name, entry in packages.items():
            if isinstance(entry, dict):
                yield name, entry


def _count(told: Told, locked: Mapping[str, object]) -> int:
    sections = {"default", *(["develop"] if told.has("--dev") or is_on(told, "PIPENV_DEV") else [])}
    if told.has("--all", "--categories", "--extras"):
        sections = locked.keys() - {"_meta"}
    return sum(len(table_of(locked, name)) for name in sections)


def _writes(told: Told, directory: str) -> tuple[str, ...]:
    """Image paths beside those of the system that an install fills."""
    found = list(own_places(told.call, "PIPENV_CACHE_DIR", "WORKON_HOME", "VIRTUAL_ENV"))
    if is_on(told, "PIPENV_VENV_IN_PROJECT"):
        found.append(join(directory, ".venv"))
    return tuple(dict.fromkeys(found))


def effect(call: Call, scene: Scene) -> Effect | None:
    """What the Pipenv commands that fetch nothing read and write."""
    told = tell(call, "pipenv", SPELLING)
    if told is None:
        return None
    own = own_places(call, "PIPENV_CACHE_DIR", "WORKON_HOME")
    if told.has("--version", "--help"):
        return Effect(SYSTEM_WRITES)
    if told.verb == "" and told.has("--clear"):
        return Effect(SYSTEM_WRITES, (*own, *SYSTEM_WRITES))
    if told.verb == "requirements" and call.cwd is not None and not call.value("PIPENV_PIPFILE"):
        names = ("Pipfile", "Pipfile.lock", ".env", "pylock.toml")
        return Effect((*(join(call.cwd, name) for name in names), *SYSTEM_WRITES), (*own, *SYSTEM_WRITES))
    return None
