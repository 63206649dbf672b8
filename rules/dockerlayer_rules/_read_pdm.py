"""How the calls of PDM (Python) are read."""

from __future__ import annotations

import hashlib
import json
import posixpath
import re
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
from dockerlayer_rules._pylocks import Locked, read_locked
from dockerlayer_rules._pyproject import decode, parse_toml, table_of
from dockerlayer_rules._pytool import (
    Spelling,
    Told,
    is_on,
    locate,
    lock_of,
    overwritten,
    own_places,
    present,
    project_of,
    reads_project,
    runs_installer,
    sets,
    setting,
    tell,
    unsplit,
    with_options,
)

SPELLING = Spelling(
    frozenset(
        """--project --group --with --without --override --lockfile --skip --config-setting --format --output
        --config --python""".split()
    ),
    {"p": "--project", "G": "--group", "L": "--lockfile", "k": "--skip", "C": "--config-setting", "d": "--dev",
     "g": "--global", "h": "--help", "V": "--version", "o": "--output", "f": "--format", "x": "--fail-fast",
     "c": "--config", "r": "--reinstall"},
)  # fmt: skip
INSTALL = frozenset({"install", "sync"})
RELOCKS = frozenset({"lock", "update", "add", "remove"})
CHOOSING = {"--with": "--group", "--production": "--prod"}
CHOICES = frozenset("--group --without --no-default --dev --prod".split())
HOOKS = frozenset("pre_lock post_lock pre_install post_install post_use pre_invoke".split())
ADVICE = "pdm lock writes pdm.lock; commit it, and copy it beside pyproject.toml"
LOCK_LIMIT = 64 * 1024 * 1024
INSTALLER = r"pdm-project|install-pdm"


def read(call: Call, scene: Scene) -> Fetch | None:
    """What a PDM command takes from PyPI, given what stands in the image when it runs."""
    told = tell(call, "pdm", SPELLING)
    if told is None or told.has("--help", "--version", "--dry-run", "--global"):
        return None
    directory = _directory(told)
    if told.verb in {"self", "plugin"} and told.operands[:1] in {("add",), ("update",)}:
        return Fetch(call, "tool", directory or "/", count=max(len(told.operands) - 1, 1))
    if directory is None or told.verb not in INSTALL | {"update", "add"}:
        return None
    found = project_of(told, "pdm", scene, directory, INSTALL)
    if isinstance(found, Fetch):
        return found
    place, table = found
    return None if _is_installed(told, scene, place[0]) else _of_project(told, scene, *place, table)


def _directory(told: Told) -> str | None:
    named = [*told.values("--project"), *filter(None, [told.call.value("PDM_PROJECT")])]
    return path_of(told.call, named[0]) if named else told.call.cwd


def _choice(told: Told) -> frozenset[tuple[str, str]]:
    named = ((CHOOSING.get(name, name), value) for name, value in told.options)
    return frozenset((name, value) for name, value in named if name in CHOICES)


def _is_installed(told: Told, scene: Scene, directory: str) -> bool:
    """Whether an earlier command has installed all that this one would download, but for what builds the project."""
    for call in scene.before(told.call):
        other = tell(call, "pdm", SPELLING)
        if other is None or other.verb not in INSTALL or other.has("--dry-run", "--plugins") or not call.always:
            continue
        place = locate(scene, _directory(other) or "", "pyproject.toml")
        same = place is not None and place[0] == directory and call.user == told.call.user
        if same and _choice(other) == _choice(told) and not told.has("--reinstall", "--plugins"):
            return True
    return False


def _of_project(told: Told, scene: Scene, directory: str, origin: str, table: Mapping[str, object]) -> Fetch:
    call, line = told.call, told.call.step.line
    lockfile = (told.values("--lockfile") or [told.call.value("PDM_LOCKFILE") or "pdm.lock"])[-1]
    lock = lock_of(scene, directory, origin, "pyproject.toml", lockfile, ADVICE)
    if lock.state in {"ok", "missing"} and any(_relocks(other) for other in scene.before(call)):
        lock = Lock("pyproject.toml", lockfile, "made")
    names = ("pyproject.toml", lockfile, "pdm.toml", ".python-version")
    path = posixpath.normpath(posixpath.join(origin, lockfile))
    data = scene.context.read(path, LOCK_LIMIT) if lock.state == "ok" else None
    locked = read_locked(data) if data is not None else None
    needs = present(scene, directory, origin, names)
    reads = tuple(join(directory, name) for name in (*names[1:], ".venv", ".pdm-python"))
    writes = _writes(told, scene, directory)
    count = _count(locked, told, table) if locked is not None else None
    fetch = Fetch(call, "install", directory, origin, needs, writes, count, "packages", lock, reads=reads)
    refusal = next(_obstacles(told, scene, fetch, locked, table), None)
    if refusal is not None or data is None:
        return replace(fetch, blocked=refusal)
    stale: tuple[str, ...] = ()
    if told.verb == "install" and not _leaves_lock(told) and not is_fresh(table, data):
        stale = (f"{lockfile} does not belong to pyproject.toml: PDM locks anew, and COPY brings the old one back",)
    fetch = replace(fetch, assumptions=stale)
    if told.has("--no-self", "--no-default") or is_on(told, "PDM_NO_SELF") or not _is_distribution(table):
        return fetch
    name = table_of(table, "project").get("name")
    what = f"pdm {told.verb} installs the project itself, {name}, which needs the source"
    fetch = replace(fetch, no_narrow=Refusal("installs-source", what, line))
    refusal = unsplit(told, scene, "pdm")
    if refusal is not None:
        return replace(fetch, no_split=refusal)
    download = with_options(told, "--no-self")
    if download is None:
        odd = "the words of the command cannot be told apart safely"
        return replace(fetch, no_split=Refusal("odd-words", odd, line))
    backend = table_of(table, "build-system").get("build-backend") or "setuptools"
    note = f"what builds the project ({backend}) is still downloaded on a source edit"
    return replace(fetch, split=Split(download, (), overwritten(scene, writes), (note,), writes=writes))


def _relocks(call: Call) -> bool:
    told = tell(call, "pdm", SPELLING)
    return told is not None and told.verb in RELOCKS and not told.has("--check", "--dry-run", "--help")


def _leaves_lock(told: Told) -> bool:
    return told.has("--check", "--frozen-lockfile", "--no-lock") or is_on(told, "PDM_FROZEN_LOCKFILE")


def is_fresh(table: Mapping[str, object], data: bytes) -> bool:
    """Whether a lockfile belongs to a pyproject.toml, by the hash that PDM keeps of it (2.26 and 2.29)."""
    settings, project = table_of(table, "tool", "pdm"), table_of(table, "project")
    groups: dict[str, list[object]] = {}
    for named in (table_of(table, "dependency-groups"), table_of(settings, "dev-dependencies")):
        for name, listed in named.items():
            group = groups.setdefault(re.sub(r"[^a-z0-9]+", "-", name.lower()), [])
            group.extend(listed if isinstance(listed, list) else ())
    content = {
        "sources": settings.get("source", []),
        "dependencies": project.get("dependencies", []),
        "dev-dependencies": groups,
        "optional-dependencies": project.get("optional-dependencies", {}),
        "requires-python": project.get("requires-python", ""),
        "resolution": settings.get("resolution", {}),
    }
    text = json.dumps(content, sort_keys=True, default=str).encode("utf-8", "surrogatepass")
    kept = re.search(r'^content_hash\s*=\s*"sha256:(\w+)"', decode(data), re.MULTILINE)
    return kept is not None and kept[1] == hashlib.sha256(text).hexdigest()


def _is_distribution(table: Mapping[str, object]) -> bool:
    settings = table_of(table, "tool", "pdm")
    if not table_of(table, "project").get("name"):
        return False
    if "package-type" in settings:
        return settings["package-type"] == "library"
    return settings.get("distribution") is not False


def _obstacles(
    told: Told, scene: Scene, fetch: Fetch, locked: Sequence[Locked] | None, table: Mapping[str, object]
) -> Iterator[Refusal]:
    """Why an install from the narrow inputs would fail or do something else."""
    line = told.call.step.line
    state = fetch.lock.state if fetch.lock is not None else ""
    settings = table_of(table, "tool", "pdm")
    if told.unknown:
        yield Refusal("unknown-words", f"{told.unknown} is not known before the build: it may hold options", line)
    if state == "elsewhere":
        yield Refusal("manifests-apart", "pyproject.toml and the lockfile come from different directories", line)
    if state == "made":
        yield Refusal("resolves-anew", "an earlier command writes the lockfile: what it chooses is not pinned", line)
    if state != "ok":
        yield Refusal("no-lockfile", f"no lockfile reaches {fetch.directory}: pdm install then resolves anew", line)
    if locked is None:
        yield Refusal("bad-lockfile", "the lockfile is not as PDM writes it", line)
    if told.has("--plugins") or settings.get("plugins"):
        yield Refusal("plugin", "plugins of PDM are installed, and which files they read is not known", line)
    hook = next((name for name in table_of(settings, "scripts") if name in HOOKS), None)
    if hook is not None and not told.words_of("--skip") & {":all", hook}:
        yield Refusal("lifecycle-script", f"pyproject.toml has the hook {hook}, which may read the source", line)
    if "workspace" in settings:
        yield Refusal("workspace", "pyproject.toml names members of a workspace, with which this was not tried", line)
    dynamic = table_of(table, "project").get("dynamic")
    if isinstance(dynamic, list) and {"dependencies", "optional-dependencies"} & set(map(str, dynamic)):
        yield Refusal("dynamic-dependencies", "pyproject.toml leaves the dependencies to the build backend", line)
    local = next((item for item in locked or () if item.local), None)
    if local is not None:
        yield Refusal("path-dependency", f"{local.place} is installed from a path, and PDM cannot leave it out", line)
    if is_on(told, "PDM_USE_UV") or sets(scene, told.call, "pdm", "use_uv"):
        yield Refusal("uses-uv", "PDM installs with uv here, with which this was not tried", line)
    for name in (".venv", "__pypackages__", ".pdm-python"):
        if scene.has(join(fetch.directory, name)):
            what = f"the build context has {name}, which would overwrite what PDM writes"
            yield Refusal("venv-in-context", what, line)


def _writes(told: Told, scene: Scene, directory: str) -> tuple[str, ...]:
    """Image paths beside those of the system that an install fills."""
    call = told.call
    found = list(own_places(call, "PDM_CACHE_DIR", "VIRTUAL_ENV"))
    if not call.value("VIRTUAL_ENV"):
        local = parse_toml(scene.read(join(directory, "pdm.toml")) or b"") or {}
        value = call.value("PDM_USE_VENV") or setting(scene, call, "pdm", "python.use_venv")
        off = (value or str(table_of(local, "python").get("use_venv", ""))).lower() in {"0", "false", "no"}
        found.append(join(directory, "__pypackages__" if off else ".venv"))
    return tuple(dict.fromkeys(found))


def _count(locked: Sequence[Locked], told: Told, table: Mapping[str, object]) -> int:
    """How many packages of the lockfile a command installs, at most: markers are not evaluated."""
    named = told.words_of("--group", "--with")
    if ":all" in named:
        left_out: set[str] = set()
    elif told.has("--prod", "--production"):
        left_out = {group for item in locked for group in item.groups} - {"default"} - named
    else:
        left_out = set(table_of(table, "project", "optional-dependencies")) - named
    return sum(not item.local and (not item.groups or not left_out.issuperset(item.groups)) for item in locked)


def effect(call: Call, scene: Scene) -> Effect | None:
    """What the PDM commands that fetch nothing read and write, and the installer of PDM itself."""
    told = tell(call, "pdm", SPELLING)
    if told is None:
        return Effect(SYSTEM_WRITES, SYSTEM_WRITES) if runs_installer(call, scene.siblings, INSTALLER) else None
    if told.has("--version", "--help"):
        return Effect(SYSTEM_WRITES)
    directory = _directory(told)
    if directory is None:
        return None
    own = own_places(call, "PDM_CACHE_DIR", "PDM_CONFIG_FILE")
    if told.verb == "config":
        local = (join(directory, "pdm.toml"),) if told.has("--local") or "-l" in call.arguments else ()
        return Effect((*local, *SYSTEM_WRITES), (*own, *local, *SYSTEM_WRITES))
    if told.verb == "cache":
        return Effect(SYSTEM_WRITES, (*own, *SYSTEM_WRITES))
    if told.verb == "export":
        manifests = (join(directory, name) for name in ("pyproject.toml", "pdm.lock", "pdm.toml", ".python-version"))
        written = [path_of(call, path) or "/" for path in told.values("--output")]
        return Effect((*manifests, *SYSTEM_WRITES), (*own, *written, join(directory, ".pdm-python"), *SYSTEM_WRITES))
    return reads_project(directory, _writes(told, scene, directory)) if told.verb in INSTALL else None
