"""Whether package-lock.json is in step with package.json, as ``npm ci`` asks it (docs.npmjs.com, package-lock.json)."""

from __future__ import annotations

from collections.abc import Mapping

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
        for name in wanted if isinstance(wanted, dict) else ():
            if not (group == "peerDependencies" and name in optional) and not _found(key, str(name), packages):
                return False
    return True


def _found(key: str, name: str, packages: Mapping[str, object]) -> bool:
    place = key
    while True:
        if f"{place}/node_modules/{name}".lstrip("/") in packages:
            return True
        if not place:
            return False
        head, separator, _ = place.rpartition("/node_modules/")
        place = head if separator else "" if place.startswith("node_modules/") else place.rpartition("/")[0]
