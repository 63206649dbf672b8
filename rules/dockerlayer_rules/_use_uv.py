"""What a uv command does with the packages that uv keeps."""

from __future__ import annotations

import posixpath
import re

from dockerlayer.api import Call, Mend, Scene, Use, Word, insert_after, join, path_of
from dockerlayer_rules._home import home_of
from dockerlayer_rules._pipcall import TRUE
from dockerlayer_rules._pyproject import parse_toml, table_of
from dockerlayer_rules._pyuse import cache_of, emptied, installed_to, is_plain, unset, without
from dockerlayer_rules._requirements import kind_of
from dockerlayer_rules._uvcall import Asked, ask
from dockerlayer_rules._uvpip import venv_of
from dockerlayer_rules._uvproject import find_root, lock_of
from dockerlayer_rules._uvsync import RESOLVING, environment_of

VERBS = frozenset({"sync", "run", "pip install", "pip sync", "tool install", "tool run"})
_CLEAN = r"(?:^|/)uv(?: -\S+)* (?:cache )?clean\b"
_FALSE = frozenset({"", "0", "false", "f", "no", "n", "off"})


def use(call: Call, scene: Scene) -> Use | None:
    """What the commands of uv that install something fill, take and leave.

    Measured with uv 0.13.9: UV_NO_CACHE and UV_OFFLINE are off with ``0``, and an empty value is an error; uv reads
    neither PIP_NO_INDEX nor UV_NO_INDEX; with UV_LINK_MODE=symlink what is installed points into the cache.
    """
    if call.program == "uvx":
        return None
    asked = ask(call)
    if asked is None or asked.verb not in VERBS or asked.has("--help", "--dry-run", "--check") or not call.always:
        return None
    if asked.verb == "run" and (asked.on("--no-sync") or asked.on("--no-project") or asked.has("--script")):
        return None
    store, defeated = _cache(asked, scene)
    stores = (store,) if store else ()
    leaves = _leaves(asked, scene)
    if leaves and store and _links(asked) == "symlink":
        leaves = (*leaves, store)
    options = [option for option in asked.options if option.name == "--offline"]
    if options:
        words = [word for option in options for word in option.words]
        return Use(stores, False, True, leaves, "--offline", without(call, words), defeated=defeated)
    value = call.value("UV_OFFLINE") or ""
    if value.lower() not in _FALSE and is_plain(call):
        return Use(
            stores, False, True, leaves, f"UV_OFFLINE={value}", unset(call, "UV_OFFLINE", "0"), defeated=defeated
        )
    alone = [option for option in asked.options if option.name == "--no-index"]
    if alone:
        words = [word for option in alone for word in option.words]
        return Use(_find_links(asked), False, True, leaves, "--no-index", without(call, words))
    if call.step.flag("network") == "none":
        return Use(stores, False, True, leaves, "--network=none", defeated=defeated)
    nominal, unpinned = _nominal(asked), _unpinned(asked, scene)
    return Use(stores, True, False, leaves, nominal=nominal, defeated=defeated, unpinned=unpinned)


def _links(asked: Asked) -> str:
    given = asked.values("--link-mode")
    return given[-1] if given else asked.call.value("UV_LINK_MODE") or ""


def _find_links(asked: Asked) -> tuple[str, ...]:
    named = [*asked.values("--find-links"), *re.split(r"[\s,]+", asked.call.value("UV_FIND_LINKS") or "")]
    paths = [path_of(asked.call, text.removeprefix("file://")) for text in named if text and "://" not in text[5:]]
    return tuple(dict.fromkeys(path for path in paths if path and "$" not in path))


def _leaves(asked: Asked, scene: Scene) -> tuple[str, ...]:
    """Where a command installs to; empty when that is not known."""
    call = asked.call
    found: str | None = None
    if asked.verb in {"sync", "run"}:
        root = find_root(scene, asked.directory) if asked.directory is not None else None
        found = environment_of(asked, root) if root is not None else None
    elif asked.verb == "tool install":
        home = home_of(call, scene)
        named = call.value("UV_TOOL_DIR")
        found = path_of(call, named) if named else join(home, ".local/share/uv/tools") if home else None
    elif asked.verb != "tool run":
        given = asked.values("--target", "--prefix")
        if given:
            found = path_of(call, given[-1])
        elif asked.on("--system", "UV_SYSTEM_PYTHON"):
            return installed_to(call, scene)
        elif not asked.has("--python"):
            made = [venv_of(other) for other in map(ask, scene.before(call)) if other and other.verb == "venv"]
            active = call.value("VIRTUAL_ENV")
            found = path_of(call, active) if active else made[-1] if made else None
    return (found,) if found and found != "/" and "$" not in found else ()


def _cache(asked: Asked, scene: Scene) -> tuple[str | None, Mend | None]:
    """Where the cache of a command is, and what turns it off."""
    call = asked.call
    if not is_plain(call):
        return None, None
    given = asked.values("--cache-dir")[-1:]
    named = (*given, call.value("UV_CACHE_DIR"))
    store = None if _is_set_elsewhere(asked, scene) and not any(named) else cache_of(call, scene, "uv", named)
    off = [option for option in asked.options if option.name == "--no-cache"]
    if off:
        words = [word for option in off for word in option.words]
        whole = all(re.fullmatch(r"-n|--no-cache(?:-dir)?", word.text) for word in words)
        edits = without(call, words) if whole and not asked.set("UV_NO_CACHE") else ()
        text = words[0].text if whole else "-n"
        message = f"{text} keeps uv from its cache: it uses a temporary one and throws it away"
        return store, Mend(message, f"take {text} off this command", edits)
    value = call.value("UV_NO_CACHE") or ""
    if value.lower() not in _FALSE:
        message = f"UV_NO_CACHE={value} keeps uv from its cache: it uses a temporary one and throws it away"
        return store, Mend(message, "let this command use its cache", unset(call, "UV_NO_CACHE", "0"))
    return store, emptied(call, scene, "uv", _CLEAN, store) if store else None


def _is_set_elsewhere(asked: Asked, scene: Scene) -> bool:
    """Whether a settings file speaks of the cache."""
    call = asked.call
    if call.value("UV_CONFIG_FILE") or asked.has("--config-file"):
        return True
    here = asked.directory or "/"
    home = home_of(call, scene) or "/root"
    files = [join(here, "uv.toml"), join(home, ".config/uv/uv.toml"), "/etc/uv/uv.toml"]
    own = table_of(parse_toml(scene.read(join(here, "pyproject.toml")) or b"") or {}, "tool", "uv")
    settings = [own, *(parse_toml(scene.read(path) or b"") or {} for path in files)]
    return any(keys.keys() & {"cache-dir", "no-cache"} for keys in settings)


def _nominal(asked: Asked) -> Mend | None:
    """Variables that are meant to keep an install off the index, and that uv does not read."""
    call = asked.call
    if asked.verb != "pip install" or not is_plain(call):
        return None
    name = next((name for name in ("UV_NO_INDEX", "PIP_NO_INDEX") if (call.value(name) or "").lower() in TRUE), None)
    if name is None:
        return None
    reads = "uv has no such variable" if name == "UV_NO_INDEX" else "uv reads none of pip's variables"
    message = f"{name}={call.value(name)} does not keep uv off the network: {reads}"
    links = "" if asked.has("--find-links") or call.value("UV_FIND_LINKS") else call.value("PIP_FIND_LINKS") or ""
    if not asked.has("--find-links") and not call.value("UV_FIND_LINKS") and not re.fullmatch(r"[\w./-]+", links):
        return Mend(message)
    words = f"--no-index --find-links {links}" if links else "--no-index"
    place = links or "the directory of --find-links"
    assumption = f"{place} holds all that this install needs, what builds source archives included"
    return Mend(message, "install with --no-index", (insert_after(asked.last, words),), (assumption,))


def _unpinned(asked: Asked, scene: Scene) -> Mend | None:
    """Why a command downloads other versions than uv.lock has."""
    call = asked.call
    if asked.verb in {"sync", "run"} and not asked.on("--frozen") and not asked.on("--locked"):
        root = find_root(scene, asked.directory) if asked.directory is not None else None
        if root is None or lock_of(scene, root, False).state != "ok":
            return None
        word = next((option for option in asked.options if option.name in RESOLVING), None)
        if word is not None:
            return Mend(f"{_written(word.words)} chooses versions anew, whatever uv.lock says")
        return None
    if asked.verb != "pip install" or asked.has("--no-deps", "--constraints") or call.value("UV_CONSTRAINT"):
        return None
    local = [text for text in (*asked.values("--editable"), *asked.operands) if kind_of(text) == "local"]
    places = [re.sub(r"\[[^\]]*\]\Z", "", text) for text in local]
    manifests = [path for path in asked.values("--requirements") if posixpath.basename(path) == "pyproject.toml"]
    for place in (*places, *(posixpath.dirname(path) or "." for path in manifests)):
        image = path_of(call, place)
        root = find_root(scene, image) if image is not None else None
        if root is not None and root.directory == image and lock_of(scene, root, False).state in {"ok", "uncopied"}:
            if any(ask(other) and ask(other).verb in {"sync", "export"} for other in scene.before(call)):  # type: ignore[union-attr]
                return None
            return Mend("uv pip install chooses versions anew from pyproject.toml, and does not read uv.lock")
    return None


def _written(words: tuple[Word, ...]) -> str:
    return " ".join(word.text for word in words)
