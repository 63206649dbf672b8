"""What a pip command does with the packages that pip keeps."""

from __future__ import annotations

import posixpath
import re

from dockerlayer.api import Call, Edit, Mend, Scene, Use, Word, insert_after, join, path_of
from dockerlayer_rules._home import home_of
from dockerlayer_rules._pipcall import TRUE, Argument, Asked, ask, asked_files, is_built, known, virtualenv_of
from dockerlayer_rules._pyuse import cache_of, emptied, installed_to, is_plain, unset, without
from dockerlayer_rules._requirements import kind_of

VERBS = frozenset({"install", "wheel", "download"})
_SETTINGS = (".config/pip/pip.conf", ".pip/pip.conf")
_PURGE = r"(?:^|/)pip[\d.]*(?: -\S+)* cache (?:purge|remove)|-m pip(?: -\S+)* cache (?:purge|remove)"


def use(call: Call, scene: Scene) -> Use | None:
    """What ``pip install``, ``wheel`` and ``download`` fill, take and leave.

    Measured with pip 23.2 and 26.3: PIP_NO_CACHE_DIR turns the cache off whatever its value, ``0`` and ``off``
    included, unless it is empty; the last of ``--no-cache-dir`` and ``--cache-dir`` counts, and before the variable.
    """
    asked = ask(call)
    if asked is None or asked.verb not in VERBS or asked.has("--help", "--dry-run") or not call.always:
        return None
    files, specs = asked_files(asked), [*asked.specs, *asked.values("--editable")]
    if not files and not specs:
        return None
    leaves = _leaves(asked, scene)
    offline, online = _offline(asked)
    if offline:
        return Use(_links(asked), False, True, leaves, offline, online)
    built = [text for text in specs if is_built(text)]
    if built and len(built) == len(specs) and not files:
        alone = next((item for item in asked.args if item.name in {"--no-deps", "--no-dependencies"}), None)
        names = tuple(dict.fromkeys(path_of(call, posixpath.dirname(text)) or "" for text in built))
        stores = names if all(names) and "$" not in "".join(names) else ()
        return Use(stores, False, True, leaves, " ".join([*built, alone.name]) if alone else "")
    store, defeated = _cache(asked, scene)
    stores = (store,) if store else ()
    return Use(
        stores,
        True,
        False,
        leaves,
        nominal=_nominal(asked, scene),
        defeated=defeated,
        unpinned=_unpinned(asked, scene),
        redundant=_redundant(asked, scene, defeated is not None),
    )


def _leaves(asked: Asked, scene: Scene) -> tuple[str, ...]:
    call = asked.call
    if asked.verb != "install":
        given = asked.values("--wheel-dir", "--dest", "--download")
        value = given[-1] if given else call.value("PIP_WHEEL_DIR" if asked.verb == "wheel" else "PIP_DEST")
        path = path_of(call, value or ".")
        return (path,) if path and "$" not in path else ()
    given = asked.values("--target", "--prefix", "--root")
    given = given or [value for name in ("PIP_TARGET", "PIP_PREFIX", "PIP_ROOT") if (value := call.value(name))]
    if given:
        path = path_of(call, given[-1])
        return (path,) if path and "$" not in path else ()
    user = (call.user or "root").partition(":")[0]
    if virtualenv_of(call, scene) is None and (asked.has("--user") or user not in {"root", "0"}):
        home = home_of(call, scene)
        return (join(home, ".local"),) if home else ()
    return installed_to(call, scene)


def _offline(asked: Asked) -> tuple[str, tuple[Edit, ...]]:
    """The words that keep a command off the network, and the edits that take them back."""
    call = asked.call
    found = [item for item in asked.args if item.name == "--no-index"]
    if found:
        words = _words(asked, found)
        return "--no-index", () if words is None else without(call, words)
    value = call.value("PIP_NO_INDEX")
    if value and value.lower() in TRUE and is_plain(call):
        return f"PIP_NO_INDEX={value}", unset(call, "PIP_NO_INDEX", "0")
    return ("--network=none", ()) if call.step.flag("network") == "none" else ("", ())


def _words(asked: Asked, items: list[Argument]) -> list[Word] | None:
    """The words that options are made of; None where one shares a word with others."""
    words = [asked.words[at] for item in items for at in item.at]
    alone = all(item.own for item in items) and all(
        sum((word.start, word.end) == (other.start, other.end) for other in asked.words) == 1 for word in words
    )
    return words if alone and all(word.end > word.start for word in words) else None


def _links(asked: Asked) -> tuple[str, ...]:
    """The directories that an offline install looks in."""
    call = asked.call
    named = [*asked.values("--find-links"), *(call.value("PIP_FIND_LINKS") or "").split()]
    named += [posixpath.dirname(text) for text in asked.specs if is_built(text)]
    paths = [path_of(call, text.removeprefix("file://")) for text in named if not re.match(r"https?:", text)]
    return tuple(dict.fromkeys(path for path in paths if path and "$" not in path))


def _cache(asked: Asked, scene: Scene) -> tuple[str | None, Mend | None]:
    """Where the cache of a command is, and what turns it off."""
    call = asked.call
    if not is_plain(call):
        return None, None
    said = [item for item in asked.args if item.name in {"--no-cache-dir", "--cache-dir"}]
    given = [item.value for item in said if item.name == "--cache-dir"][-1:]
    store = (
        None if _is_set_elsewhere(asked, scene) else cache_of(call, scene, "pip", (*given, call.value("PIP_CACHE_DIR")))
    )
    off = [item for item in said if item.name == "--no-cache-dir"]
    if off and said[-1].name == "--no-cache-dir":
        words = _words(asked, off)
        edits = () if words is None else without(call, words)
        edits = () if call.value("PIP_NO_CACHE_DIR") and not given else edits
        message = "--no-cache-dir keeps pip from its cache: nothing is read from it and nothing is put there"
        return store, Mend(message, "take --no-cache-dir off this command", edits)
    value = call.value("PIP_NO_CACHE_DIR")
    if value and not given:
        message = f"PIP_NO_CACHE_DIR={value} keeps pip from its cache, as every value does but an empty one"
        edits = unset(call, "PIP_NO_CACHE_DIR", "")
        return store, Mend(message, "let this command use its cache", edits)
    return store, emptied(call, scene, "pip", _PURGE, store) if store else None


def _is_set_elsewhere(asked: Asked, scene: Scene) -> bool:
    """Whether settings may move the cache: a file of pip's that cannot be read, or that speaks of it."""
    call = asked.call
    if asked.has("--isolated") or call.value("PIP_CONFIG_FILE") == "/dev/null":
        return asked.has("--isolated") and bool(call.value("PIP_CACHE_DIR"))
    if any(re.search(r"\bconfig\b.*\b(?:set|edit)\b.*cache", " ".join(other.argv)) for other in scene.before(call)):
        return True
    named = call.value("PIP_CONFIG_FILE")
    home = home_of(call, scene) or "/root"
    paths = [
        "/etc/pip.conf",
        *(join(home, name) for name in _SETTINGS),
        *([path_of(call, named) or "/"] if named else []),
    ]
    if named and not scene.has(paths[-1]):
        return True
    return any(b"cache" in (scene.read(path) or b"") for path in paths)


def _nominal(asked: Asked, scene: Scene) -> Mend | None:
    """``install --find-links DIR`` without ``--no-index``, where an earlier command of pip's filled DIR."""
    call = asked.call
    links = (
        set(_links(asked)) if asked.verb == "install" and not asked.has("--index-url", "--extra-index-url") else set()
    )
    for other in scene.before(call) if links else ():
        earlier = ask(other)
        if earlier is None or earlier.verb not in {"wheel", "download"} or not other.always:
            continue
        filled = set(_leaves(earlier, scene)) & links
        if filled and _wanted(earlier) >= _wanted(asked) and not asked.has("--editable"):
            place = min(filled)
            message = f"--find-links only adds {place} to where pip looks: without --no-index it asks the index as well"
            assumption = f"{place} holds all that this install needs, what builds source archives included"
            edits = (insert_after(call.words[asked.at], "--no-index"),)
            return Mend(message, "install with --no-index", edits, (assumption,))
    return None


def _wanted(asked: Asked) -> frozenset[str]:
    """The requirement files, as image paths, and the requirements that a command names."""
    files = {path_of(asked.call, path) or path for path, constraint in asked_files(asked) if not constraint}
    return frozenset(files | {known(asked.call, text) for text in asked.specs})


def _unpinned(asked: Asked, scene: Scene) -> Mend | None:
    """An install from the file that a compiled one beside it was made of."""
    for path, constraint in asked_files(asked):
        image = path_of(asked.call, path)
        if constraint or image is None or not image.endswith(".in"):
            continue
        origin = scene.origin(image)
        compiled = f"{origin[:-3]}.txt" if origin is not None else ""
        if compiled and scene.context.is_file(compiled) and not asked.has("--constraint"):
            return Mend(f"{path} is installed although {posixpath.basename(compiled)} pins what was compiled from it")
    return None


def _redundant(asked: Asked, scene: Scene, uncached: bool) -> Mend | None:
    """An install that downloads what an earlier ``pip wheel`` or ``download`` has, and does not look there."""
    call, wanted = asked.call, _wanted(asked)
    named = asked.values("--find-links") or call.value("PIP_FIND_LINKS")
    if asked.verb != "install" or not uncached or named or any(kind_of(text) == "local" for text in asked.specs):
        return None
    for other in scene.before(call):
        earlier = ask(other)
        if (
            earlier is not None
            and earlier.verb in {"wheel", "download"}
            and other.always
            and _wanted(earlier) == wanted
        ):
            place = next(iter(_leaves(earlier, scene)), "")
            where = f" into {place}" if place else ""
            message = f"pip {earlier.verb} on line {other.step.line} has downloaded this{where}, and pip does so again"
            edits: tuple[Edit, ...] = ()
            if place and earlier.verb == "wheel" and re.fullmatch(r"[\w./-]+", place):
                edits = (insert_after(call.words[asked.at], f"--no-index --find-links {place}"),)
            assumption = f"{place} holds all that this install needs, what builds source archives included"
            return Mend(message, f"install from {place}", edits, (assumption,) if edits else ())
    return None
