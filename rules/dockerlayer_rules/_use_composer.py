"""What Composer commands do with its cache, and what their words say of the network.

Where the cache is: https://getcomposer.org/doc/06-config.md#cache-dir. Without any variable it depends on /etc/xdg,
which the Dockerfile does not show; the official image sets COMPOSER_HOME=/tmp.
"""

from __future__ import annotations

import posixpath
import re

from dockerlayer.api import Call, Mend, Scene, Use, join
from dockerlayer_rules._composercall import Spelling, spelling
from dockerlayer_rules._composerlock import json_of, table
from dockerlayer_rules._read_composer import INSTALL, NAMED, UPDATE
from dockerlayer_rules._stored import below, emptied, given, unset, without

_OFFICIAL = re.compile(r"(?:^|/)composer(?:[:@]|\Z)")
_DEBIAN = re.compile(r"(?:docker\.io/)?(?:library/)?(?:debian|ubuntu)(?:[:@].*)?")
_PHP = re.compile(r"(?:php[\d.]*(?:-cli)?|composer)(?:=.*)?")
_CLEARS = frozenset({"clear-cache", "clearcache", "cc"})


def use(call: Call, scene: Scene) -> Use | None:
    """What one Composer command does with its cache; None where it is about no packages."""
    spelled = spelling(call)
    if spelled is None or {"--dry-run", "--help", "-h"} & set(spelled.options):
        return None
    if spelled.verb not in INSTALL | UPDATE | NAMED | {"create-project", "global"}:
        return None
    if spelled.verb == "global" and spelled.operands[:1] not in (("require",), ("install",), ("update",)):
        return None
    value = given(call, "COMPOSER_DISABLE_NETWORK")
    disabled = value is not None and value not in {"", "0", "prime"}
    nominal = _without_curl(call, scene) if disabled else None
    offline = f"COMPOSER_DISABLE_NETWORK={value}" if disabled and nominal is None else ""
    stores = _stores(call)
    downloads = "--download-only" in spelled.options
    return Use(
        stores,
        fills=not offline,
        takes=not downloads,
        leaves=() if downloads else _leaves(call, scene, spelled),
        offline=offline,
        online=unset(call, "COMPOSER_DISABLE_NETWORK") if offline else (),
        nominal=nominal,
        defeated=_defeated(call, scene, spelled, stores),
        unpinned=_unpinned(scene, spelled),
    )


def _stores(call: Call) -> tuple[str, ...]:
    for name, below_it in (("COMPOSER_CACHE_DIR", ""), ("COMPOSER_HOME", "cache")):
        place = given(call, name)
        if place is not None:
            return (join(place, below_it or "."),) if place.startswith("/") and place != "/dev/null" else ()
    return ("/tmp/cache",) if _OFFICIAL.search(call.step.stage.base_image) else ()


def _leaves(call: Call, scene: Scene, spelled: Spelling) -> tuple[str, ...]:
    if spelled.directory is None or spelled.verb in {"create-project", "global"}:
        return ()
    origin = scene.project(spelled.directory, "composer.json")
    manifest = json_of(scene.context, posixpath.join(origin, "composer.json")) if origin is not None else None
    named = given(call, "COMPOSER_VENDOR_DIR")
    vendor = named if named is not None else str(table(manifest or {}, "config").get("vendor-dir") or "vendor")
    return (join(spelled.directory, vendor),) if vendor and below(call, vendor) else ()


def _defeated(call: Call, scene: Scene, spelled: Spelling, stores: tuple[str, ...]) -> Mend | None:
    if "--no-cache" in spelled.options:
        return Mend("--no-cache turns Composer's cache off", "take --no-cache away", without(call, "--no-cache"))
    if given(call, "COMPOSER_CACHE_DIR") == "/dev/null":
        return Mend("COMPOSER_CACHE_DIR=/dev/null turns Composer's cache off")
    for other in scene.siblings:
        later = spelling(other) if other.start > call.start and other.program.startswith(("composer", "php")) else None
        if later is not None and later.verb in _CLEARS and other.always:
            return Mend(f"{' '.join(other.argv)} empties Composer's cache in the same RUN")
    emptying = emptied(call, scene, stores)
    return (
        Mend(f"{' '.join(emptying.argv)} removes Composer's cache in the same RUN", by=emptying) if emptying else None
    )


def _without_curl(call: Call, scene: Scene) -> Mend | None:
    """COMPOSER_DISABLE_NETWORK is read by the download of PHP's curl alone (measured, 2.8.8 on Debian without it)."""
    if not _DEBIAN.fullmatch(call.step.stage.base_image) or scene.received:
        return None
    words = [word for other in scene.before(call) if other.program in {"apt-get", "apt"} for word in other.arguments]
    has_php = any(_PHP.fullmatch(word) for word in words)
    if not has_php or any(re.search(r"^php.*(?:curl|all)|[$`*]", word) for word in words):
        return None
    return Mend(
        "COMPOSER_DISABLE_NETWORK has no effect without PHP's curl: Composer downloads what its cache lacks",
        help="install php-curl",
    )


def _unpinned(scene: Scene, spelled: Spelling) -> Mend | None:
    if spelled.verb not in UPDATE or spelled.operands or spelled.directory is None:
        return None
    if {"--lock", "--no-install"} & set(spelled.options) or not scene.has(join(spelled.directory, "composer.lock")):
        return None
    return Mend("composer update chooses versions anew and changes composer.lock in the image alone")
