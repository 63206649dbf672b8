"""How the calls of Poetry (Python) are read."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from dockerlayer.api import (
    SYSTEM_WRITES,
    Call,
    Effect,
    Fetch,
    Lock,
    Refusal,
    Scene,
    Split,
    join,
    path_of,
)
from dockerlayer_rules._poetry import (
    INSTALL,
    INSTALLER,
    SPELLING,
    directory_of,
    extras_of,
    groups_of,
    is_external,
    plugins_of,
    relocks,
    version_of,
    writes_of,
)
from dockerlayer_rules._pylocks import Locked, read_locked
from dockerlayer_rules._pyproject import table_of
from dockerlayer_rules._pytool import (
    Told,
    locate,
    lock_of,
    overwritten,
    own_places,
    present,
    project_of,
    reads_project,
    removes_cache,
    runs_installer,
    tell,
    unsplit,
    with_options,
)

ADVICE = "poetry lock writes poetry.lock; commit it, and copy it beside pyproject.toml"
LOCK_LIMIT = 64 * 1024 * 1024


def read(call: Call, scene: Scene) -> Fetch | None:
    """What a Poetry command takes from PyPI, given what stands in the image when it runs."""
    told = tell(call, "poetry", SPELLING)
    if told is None or told.has("--help", "--version", "--dry-run", "--only-root"):
        return None
    directory = directory_of(told)
    if told.verb == "self" and told.operands[:1] in {("add",), ("update",), ("install",)}:
        return Fetch(call, "tool", directory or "/", count=max(len(told.operands) - 1, 1))
    if directory is None or told.verb not in INSTALL | {"update", "add"}:
        return None
    found = project_of(told, "poetry", scene, directory, INSTALL)
    if isinstance(found, Fetch):
        return found
    place, table = found
    return None if _is_installed(told, scene, place[0], table) else _of_project(told, scene, *place, table)


def _is_installed(told: Told, scene: Scene, directory: str, table: Mapping[str, object]) -> bool:
    """Whether an earlier command has installed all that this one would download."""
    groups, extras = groups_of(told, table), extras_of(told)
    for call in scene.before(told.call):
        other = tell(call, "poetry", SPELLING)
        if other is None or other.verb not in INSTALL or other.has("--only-root", "--dry-run") or not call.always:
            continue
        place = locate(scene, directory_of(other) or "", "pyproject.toml")
        if place is None or place[0] != directory or call.user != told.call.user:
            continue
        if groups <= groups_of(other, table) and (extras <= extras_of(other) or "*" in extras_of(other)):
            return True
    return False


def _of_project(told: Told, scene: Scene, directory: str, origin: str, table: Mapping[str, object]) -> Fetch:
    call, line = told.call, told.call.step.line
    lock = lock_of(scene, directory, origin, "pyproject.toml", "poetry.lock", ADVICE)
    relocked = next((other for other in scene.before(call) if relocks(other)), None)
    if lock.state in {"ok", "missing"} and relocked is not None:
        lock = Lock("pyproject.toml", "poetry.lock", "made")
    names = ("pyproject.toml", "poetry.lock", "poetry.toml", ".python-version")
    needs = present(scene, directory, origin, names)
    data = scene.context.read(posixpath.join(origin, "poetry.lock"), LOCK_LIMIT) if lock.state == "ok" else None
    locked = read_locked(data) if data is not None else None
    reads = tuple(join(directory, name) for name in (*names[1:], ".venv"))
    writes = writes_of(told, scene, directory)
    count = _count(locked, told, table) if locked is not None else None
    fetch = Fetch(call, "install", directory, origin, needs, writes, count, "packages", lock, reads=reads)
    refusal = next(_obstacles(told, scene, fetch, locked, table), None)
    if refusal is not None or locked is None:
        return replace(fetch, blocked=refusal)
    files: list[str] = []
    for item in locked:
        if item.source != "file":
            continue
        path = posixpath.normpath(posixpath.join(origin, item.place))
        if scene.origin(join(directory, item.place)) != path:
            what = f"poetry.lock installs {item.place}, which is not in the build context beside it"
            return replace(fetch, blocked=Refusal("local-archive", what, line))
        files.append(item.place)
    fetch = replace(fetch, needs=(*needs, *files))
    outside = _leaves_out(told, scene, locked, table)
    return _with_split(told, scene, fetch, locked, table, outside) if outside else fetch


def _leaves_out(
    told: Told, scene: Scene, locked: Sequence[Locked], table: Mapping[str, object]
) -> list[tuple[str, str]]:
    """What a command installs out of the source, as pairs of an option that leaves it out and words for it."""
    found = []
    version = version_of(told, scene)
    mode = table_of(table, "tool", "poetry").get("package-mode")
    if not told.has("--no-root") and (mode is not False or (version and version < (1, 8))):
        name = table_of(table, "project").get("name") or table_of(table, "tool", "poetry").get("name")
        found.append(("--no-root", f"the project itself, {name or 'which has no name'}"))
    directories = [item.place for item in locked if item.source == "directory"]
    if directories and not told.has("--no-directory"):
        found.append(("--no-directory", f"the path dependency {directories[0]}"))
    return found


def _with_split(
    told: Told,
    scene: Scene,
    fetch: Fetch,
    locked: Sequence[Locked],
    table: Mapping[str, object],
    outside: Sequence[tuple[str, str]],
) -> Fetch:
    line = told.call.step.line
    what = f"poetry {told.verb} installs {' and '.join(text for _, text in outside)}, which needs the source"
    fetch = replace(fetch, no_narrow=Refusal("installs-source", what, line))
    options = [option for option, _ in outside]
    version = version_of(told, scene)
    if "--no-directory" in options and version and version < (1, 5):
        old = f"Poetry {'.'.join(map(str, version))} cannot leave path dependencies out (--no-directory)"
        return replace(fetch, no_split=Refusal("old-poetry", old, line))
    refusal = unsplit(told, scene, "poetry")
    if refusal is not None:
        return replace(fetch, no_split=refusal)
    download = with_options(told, *options)
    if download is None:
        odd = "the words of the command cannot be told apart safely"
        return replace(fetch, no_split=Refusal("odd-words", odd, line))
    unproven = ""
    if "--no-directory" in options and version is None:
        unproven = "the Poetry in the image knows --no-directory (1.5 and later)"
    notes = tuple(_online(table, options, locked))
    return replace(
        fetch,
        unproven=unproven,
        split=Split(download, (), overwritten(scene, fetch.writes), notes, writes=fetch.writes),
    )


def _online(table: Mapping[str, object], options: Sequence[str], locked: Sequence[Locked]) -> Iterator[str]:
    """What the command still downloads below the source."""
    backend = str(table_of(table, "build-system").get("build-backend") or "poetry.core")
    if "--no-root" in options and not backend.startswith("poetry.core"):
        yield f"what builds the project ({backend}) is still downloaded on a source edit"
    elif "--no-root" in options and "build" in table_of(table, "tool", "poetry"):
        yield "what the build script of the project takes is still downloaded on a source edit"
    directory = next((item.place for item in locked if item.source == "directory"), "")
    if "--no-directory" in options:
        yield f"what builds {directory}, a path dependency, is still downloaded on a source edit"


def _obstacles(
    told: Told, scene: Scene, fetch: Fetch, locked: Sequence[Locked] | None, table: Mapping[str, object]
) -> Iterator[Refusal]:
    """Why an install from the narrow inputs would fail or do something else."""
    call, line = told.call, told.call.step.line
    state = fetch.lock.state if fetch.lock is not None else ""
    if told.unknown:
        yield Refusal("unknown-words", f"{told.unknown} is not known before the build: it may hold options", line)
    if state == "elsewhere":
        yield Refusal("manifests-apart", "pyproject.toml and poetry.lock come from different directories", line)
    if state == "made":
        yield Refusal("resolves-anew", "an earlier command writes poetry.lock: what it chooses is not pinned", line)
    if state != "ok":
        yield Refusal(
            "no-lockfile", f"no poetry.lock reaches {fetch.directory}: Poetry resolves anew, and exits 0", line
        )
    if locked is None:
        yield Refusal("bad-lockfile", "poetry.lock is not as Poetry writes it", line)
    plugin = next(plugins_of(told, scene, table), None)
    if plugin is not None:
        yield Refusal("plugin", f"{plugin} is a plugin of Poetry, and which files it reads is not known", line)
    if not is_external(told, scene) and scene.has(join(fetch.directory, ".venv")):
        yield Refusal("venv-in-context", "the build context has a .venv, which would overwrite what is installed", line)
    unclear = next((other for other in scene.siblings if _removes_unknown(other, call)), None)
    if unclear is not None:
        yield Refusal(
            "cleanup-in-same-run", f"{' '.join(unclear.argv)!r} must stay in the layer of what it removes", line
        )


def _removes_unknown(other: Call, call: Call) -> bool:
    words = [word for word in other.arguments if not word.startswith("-")]
    return (
        other.start > call.start
        and removes_cache(other, "poetry")
        and other.program == "rm"
        and any(path_of(other, word) is None for word in words)
    )


def _count(locked: Sequence[Locked], told: Told, table: Mapping[str, object]) -> int:
    """How many packages of the lockfile a command installs, at most: markers are not evaluated."""
    groups, extras = groups_of(told, table), bool(extras_of(told))
    grouped = told.has("--with", "--only", "--all-groups")  # before Poetry 2, `optional` may be that of a group
    chosen = (
        item for item in locked if not item.local and (extras or not item.optional or (grouped and not item.groups))
    )
    return sum(not item.groups or bool(groups & set(item.groups)) for item in chosen)


def effect(call: Call, scene: Scene) -> Effect | None:
    """What the Poetry commands that fetch nothing read and write, and the installer of Poetry itself."""
    told = tell(call, "poetry", SPELLING)
    if told is None:
        if not runs_installer(call, scene.siblings, INSTALLER):
            return None
        return Effect(SYSTEM_WRITES, (*SYSTEM_WRITES, *own_places(call, "POETRY_HOME", "POETRY_CACHE_DIR")))
    directory = directory_of(told)
    own = own_places(call, "POETRY_CACHE_DIR", "POETRY_CONFIG_DIR", "POETRY_HOME")
    if told.has("--version", "--help") or told.verb in {"", "about", "list", "help"}:
        return Effect(SYSTEM_WRITES)
    if directory is None:
        return None
    if told.verb == "config":
        local = (join(directory, "poetry.toml"),) if told.has("--local") else ()
        return Effect((*local, *SYSTEM_WRITES), (*own, *local, *SYSTEM_WRITES))
    if told.verb == "cache":
        return Effect(SYSTEM_WRITES, (*own, *SYSTEM_WRITES))
    manifests = tuple(join(directory, name) for name in ("pyproject.toml", "poetry.lock", "poetry.toml"))
    if told.verb == "export":
        written = [path_of(call, path) or "/" for path in told.values("--output")]
        return Effect((*manifests, *SYSTEM_WRITES), (*own, *written, *SYSTEM_WRITES))
    if told.verb in INSTALL:
        return reads_project(directory, writes_of(told, scene, directory))
    return None
