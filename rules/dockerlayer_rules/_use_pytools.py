"""What the commands of Poetry, PDM and Pipenv do with the packages that these keep."""

from __future__ import annotations

import posixpath
import re

from dockerlayer.api import Call, Mend, Scene, Use, join, path_of
from dockerlayer_rules import _poetry, _read_pdm, _read_pipenv
from dockerlayer_rules._home import home_of
from dockerlayer_rules._pyproject import parse_toml, table_of
from dockerlayer_rules._pytool import Told, is_on, locate, lock_of, setting, tell
from dockerlayer_rules._pyuse import cache_of, emptied, is_plain, unset, without

_LOCK_LIMIT = 64 * 1024 * 1024


def use_poetry(call: Call, scene: Scene) -> Use | None:
    """What ``poetry install``, ``sync``, ``update`` and ``add`` fill and leave.

    A virtualenv of Poetry's own lies in the directory of its cache, which a mount over that would hide (measured,
    Poetry 2.5.1): the archives are then in two directories below.
    """
    told = tell(call, "poetry", _poetry.SPELLING)
    if told is None or told.verb not in _poetry.INSTALL | {"update", "add"} or not _runs(told, "--only-root", "--lock"):
        return None
    directory = _poetry.directory_of(told)
    place = locate(scene, directory, "pyproject.toml") if directory is not None else None
    here = place[0] if place is not None else directory
    local = parse_toml(scene.read(join(here, "poetry.toml")) or b"") or {} if here is not None else {}
    named = call.value("POETRY_CACHE_DIR") or setting(scene, call, "poetry", "cache-dir") or local.get("cache-dir")
    store = cache_of(call, scene, "pypoetry", (str(named) if named else None,)) if is_plain(call) else None
    stores, leaves = _of_poetry(told, scene, here, store, local)
    defeated = _turned_off(told, scene, "Poetry", r"poetry(?: -\S+)* cache clear", store)
    unpinned = None
    if told.verb == "update" and place is not None and _locked(scene, place, "pyproject.toml", "poetry.lock"):
        unpinned = Mend("poetry update chooses versions anew, whatever poetry.lock says")
    if call.step.flag("network") == "none":
        return Use(stores, False, True, leaves, "--network=none", defeated=defeated)
    return Use(stores, True, False, leaves, defeated=defeated, unpinned=unpinned)


def _of_poetry(
    told: Told, scene: Scene, here: str | None, store: str | None, local: object
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The stores of Poetry, and where its virtualenv is."""
    call = told.call
    virtualenvs = table_of(local if isinstance(local, dict) else {}, "virtualenvs")
    inside = [call.value("POETRY_VIRTUALENVS_IN_PROJECT"), setting(scene, call, "poetry", "virtualenvs.in-project")]
    inside.append(str(virtualenvs["in-project"]) if "in-project" in virtualenvs else None)
    said = next((value.lower() for value in inside if value), "")
    moved = call.value("POETRY_VIRTUALENVS_PATH") or setting(scene, call, "poetry", "virtualenvs.path")
    moved = moved or virtualenvs.get("path")  # type: ignore[assignment]
    if _poetry.is_external(told, scene) or virtualenvs.get("create") is False:
        venv = call.value("VIRTUAL_ENV")
        path = path_of(call, venv) if venv else None
        return (store,) if store else (), (path,) if path else ()
    if said in {"1", "true"}:
        return (store,) if store else (), (join(here, ".venv"),) if here is not None else ()
    if moved or "$" in said:
        return (store,) if store else (), ()
    if store is None:
        return (), ()
    return (join(store, "cache"), join(store, "artifacts")), (join(store, "virtualenvs"),)


def use_pdm(call: Call, scene: Scene) -> Use | None:
    """What ``pdm sync``, ``install``, ``update`` and ``add`` fill and leave."""
    told = tell(call, "pdm", _read_pdm.SPELLING)
    if told is None or told.verb not in _read_pdm.INSTALL | {"update", "add"} or not _runs(told, "--global", "-g"):
        return None
    directory = _read_pdm._directory(told)
    place = locate(scene, directory, "pyproject.toml") if directory is not None else None
    named = call.value("PDM_CACHE_DIR") or setting(scene, call, "pdm", "cache_dir")
    store = cache_of(call, scene, "pdm", (named,)) if is_plain(call) else None
    stores = (store,) if store else ()
    leaves: tuple[str, ...] = ()
    if place is not None and not call.value("VIRTUAL_ENV"):
        local = parse_toml(scene.read(join(place[0], "pdm.toml")) or b"") or {}
        value = call.value("PDM_USE_VENV") or setting(scene, call, "pdm", "python.use_venv")
        off = (value or str(table_of(local, "python").get("use_venv", ""))).lower() in {"0", "false", "no"}
        leaves = (join(place[0], "__pypackages__" if off else ".venv"),)
    defeated = _turned_off(told, scene, "PDM", r"pdm(?: -\S+)* cache clear", store)
    if call.step.flag("network") == "none":
        return Use(stores, False, True, leaves, "--network=none", defeated=defeated)
    return Use(stores, True, False, leaves, defeated=defeated, unpinned=_pdm_unpinned(told, scene, place))


def _pdm_unpinned(told: Told, scene: Scene, place: tuple[str, str] | None) -> Mend | None:
    lockfile = (told.values("--lockfile") or [told.call.value("PDM_LOCKFILE") or "pdm.lock"])[-1]
    if place is None or told.verb == "add" or not _locked(scene, place, "pyproject.toml", lockfile):
        return None
    if told.verb == "update":
        return Mend(f"pdm update chooses versions anew, whatever {lockfile} says")
    data = scene.context.read(posixpath.normpath(posixpath.join(place[1], lockfile)), _LOCK_LIMIT)
    table = parse_toml(scene.context.read(posixpath.join(place[1], "pyproject.toml")) or b"")
    if told.verb != "install" or _read_pdm._leaves_lock(told) or data is None or table is None:
        return None
    if b"content_hash" not in data or _read_pdm.is_fresh(table, data):
        return None
    return Mend(f"{lockfile} does not belong to pyproject.toml any more, and pdm install locks anew")


def use_pipenv(call: Call, scene: Scene) -> Use | None:
    """What ``pipenv sync``, ``install``, ``update`` and ``upgrade`` fill and leave.

    Pipenv runs pip, so that pip's variables about the cache hold for it (Pipenv 2026.10.3).
    """
    told = tell(call, "pipenv", _read_pipenv.SPELLING)
    if told is None or told.verb not in _read_pipenv.INSTALL | {"update", "upgrade"} or not _runs(told):
        return None
    pipfile = call.value("PIPENV_PIPFILE")
    named = path_of(call, pipfile) if pipfile else None
    directory = posixpath.dirname(named) if named else None if pipfile else call.cwd
    place = locate(scene, directory, "Pipfile") if directory is not None else None
    store = cache_of(call, scene, "pip", (call.value("PIP_CACHE_DIR"),)) if is_plain(call) else None
    own = cache_of(call, scene, "pipenv", (call.value("PIPENV_CACHE_DIR"),)) if is_plain(call) else None
    stores = tuple(path for path in (own, store) if path) if own and store else ()
    leaves = _of_pipenv(told, scene, place)
    defeated = _turned_off(told, scene, "Pipenv", r"pipenv(?: -\S+)* --clear\b", own)
    value = call.value("PIP_NO_INDEX")
    if value and value.lower() in {"1", "true", "yes", "on"} and is_plain(call):
        links = [path_of(call, text) for text in (call.value("PIP_FIND_LINKS") or "").split() if "://" not in text]
        paths = tuple(path for path in links if path and "$" not in path)
        return Use(paths, False, True, leaves, f"PIP_NO_INDEX={value}", unset(call, "PIP_NO_INDEX", "0"))
    if call.step.flag("network") == "none":
        return Use(stores, False, True, leaves, "--network=none", defeated=defeated)
    return Use(stores, True, False, leaves, defeated=defeated, unpinned=_pipenv_unpinned(told, scene, place))


def _of_pipenv(told: Told, scene: Scene, place: tuple[str, str] | None) -> tuple[str, ...]:
    """Where the virtualenv of Pipenv is; nothing for one that it finds, and for the system."""
    call = told.call
    if told.has("--system") or is_on(told, "PIPENV_SYSTEM", "PIPENV_USE_SYSTEM") or call.value("VIRTUAL_ENV"):
        return ()
    if is_on(told, "PIPENV_VENV_IN_PROJECT"):
        return (join(place[0], ".venv"),) if place is not None else ()
    home, named = home_of(call, scene), call.value("WORKON_HOME")
    path = path_of(call, named) if named else join(home, ".local/share/virtualenvs") if home else None
    return (path,) if path and "$" not in path else ()


def _pipenv_unpinned(told: Told, scene: Scene, place: tuple[str, str] | None) -> Mend | None:
    if place is None or told.operands or not _locked(scene, place, "Pipfile", "Pipfile.lock"):
        return None
    if told.verb in {"update", "upgrade"}:
        return Mend(f"pipenv {told.verb} chooses versions anew, whatever Pipfile.lock says")
    if told.verb != "install" or told.has("--requirements", "--editable"):
        return None
    if told.has("--skip-lock") or is_on(told, "PIPENV_SKIP_LOCK"):
        return Mend("--skip-lock installs from the Pipfile, whatever Pipfile.lock says")
    if told.has("--deploy", "--ignore-pipfile") or is_on(told, "PIPENV_IGNORE_PIPFILE", "PIPENV_DEPLOY"):
        return None
    pipfile = parse_toml(scene.context.read(posixpath.join(place[1], "Pipfile")) or b"")
    locked = _read_pipenv._locked(scene, posixpath.join(place[1], "Pipfile.lock"))
    kept = table_of(locked or {}, "_meta", "hash").get("sha256")
    if not isinstance(kept, str) or pipfile is None or "source" not in pipfile or kept == _read_pipenv.hash_of(pipfile):
        return None
    return Mend("Pipfile.lock does not belong to the Pipfile any more, and pipenv install locks anew")


def _runs(told: Told, *others: str) -> bool:
    return told.call.always and not told.has("--help", "--version", "--dry-run", *others)


def _locked(scene: Scene, place: tuple[str, str], manifest: str, lockfile: str) -> bool:
    return lock_of(scene, *place, manifest, lockfile, "").state == "ok"


def _turned_off(told: Told, scene: Scene, title: str, pattern: str, store: str | None) -> Mend | None:
    """What keeps a command from its cache, or throws that away."""
    call = told.call
    if not is_plain(call):
        return None
    words = [word for word in call.words[1:] if word.text == "--no-cache"]
    if words and told.has("--no-cache"):
        return Mend(
            f"--no-cache keeps {title} from its cache", "take --no-cache off this command", without(call, words)
        )
    if told.has("--clear") and title == "Pipenv":
        cleared = [word for word in call.words[1:] if word.text == "--clear"]
        message = "--clear throws away what Pipenv and pip keep, before it installs"
        return Mend(message, "take --clear off this command", without(call, cleared))
    for name in {"PDM": ("PDM_NO_CACHE",), "Pipenv": ("PIP_NO_CACHE_DIR",)}.get(title, ()):
        value = call.value(name)
        if value and (title == "Pipenv" or value.lower() in {"1", "true", "yes", "on"}):
            edits = unset(call, name, "" if title == "Pipenv" else "0")
            return Mend(f"{name}={value} keeps {title} from its cache", "let this command use its cache", edits)
    return emptied(call, scene, title, pattern, store) if store is not None and re.match(r"/", store) else None
