"""Whether package-lock.json is in step with package.json, as ``npm ci`` asks it (docs.npmjs.com, package-lock.json)."""

from __future__ import annotations

import re
from collections.abc import Mapping

_RANGE = re.compile(r"(\^|~|>=|=)?\s*v?(\d{1,9})(?:\.(\d{1,9}|x|\*))?(?:\.(\d{1,9}|x|\*))?\Z")
_GROUPS = ("dependencies", "devDependencies", "optionalDependencies", "peerDependencies")


def proof_of(locked: Mapping[str, object], places: Mapping[str, Mapping[str, object]]) -> str:
    """``agrees`` when ``npm ci`` will take the lockfile, ``apart`` when it will not, ``unknown`` when that is open.

    ``places`` are the manifests of the root ("") and of the workspaces, by directory.
    """
    packages = locked.get("packages")
    if not isinstance(packages, dict):
        return "unknown"
    for place, manifest in places.items():
        entry = packages.get(place)
        if not isinstance(entry, dict):
            return "unknown"
        if any((manifest.get(group) or {}) != (entry.get(group) or {}) for group in _GROUPS):
            return "apart" if not place else "unknown"
    if places[""].get("overrides"):
        return "unknown"
    return "agrees" if all(_is_closed(str(key), entry, packages) for key, entry in packages.items()) else "unknown"


def _is_closed(key: str, entry: object, packages: Mapping[str, object]) -> bool:
    """Whether all that a package asks for is in the lockfile, where the package would look for it."""
    if not isinstance(entry, dict):
        return False
    if entry.get("link") or entry.get("inBundle"):
        return True
    lax = entry.get("peerDependenciesMeta")
    optional = {name for name, meta in lax.items() if meta} if isinstance(lax, dict) else set()
    groups = _GROUPS if "node_modules/" not in key else tuple(group for group in _GROUPS if group != "devDependencies")
    for group in groups:
        wanted = entry.get(group)
        for name, text in wanted.items() if isinstance(wanted, dict) else ():
            if group == "peerDependencies" and name in optional:
                continue
            version = _found(key, str(name), packages)
            if version is None or not satisfies(version, str(text)):
                return False
    return True


def _found(key: str, name: str, packages: Mapping[str, object]) -> str | None:
    """The version of the package that another one gets by a name, or None when there is none to tell."""
    place = key
    while True:
        entry = packages.get(f"{place}/node_modules/{name}".lstrip("/"))
        if isinstance(entry, dict):
            return str(entry.get("version", ""))
        if not place:
            return None
        head, separator, _ = place.rpartition("/node_modules/")
        place = head if separator else "" if place.startswith("node_modules/") else place.rpartition("/")[0]


def satisfies(version: str, wanted: str) -> bool:
    """Whether a released version is certainly in a range (semver's own syntax; what is not plain counts as not)."""
    match = re.fullmatch(r"(\d{1,9})\.(\d{1,9})\.(\d{1,9})", version)
    if match is None:
        return version == wanted != ""
    have = tuple(map(int, match.groups()))
    return any(_in_range(have, part.strip()) for part in wanted.split("||"))


def _in_range(have: tuple[int, ...], wanted: str) -> bool:
    match = _RANGE.match(wanted)
    if match is None:
        return wanted in {"", "*", "x"}
    operator = match[1] or ""
    given = [int(part) for part in match.groups()[1:] if part is not None and part.isdigit()]
    floor = tuple(given + [0] * (3 - len(given)))
    if operator == ">=":
        return have >= floor
    kept = len(given)
    if operator == "~":
        kept = min(kept, 2)
    elif operator == "^":
        first = next((number for number, part in enumerate(given) if part), len(given) - 1)
        kept = min(first + 1, len(given))
    return have >= floor and have[:kept] == floor[:kept]
