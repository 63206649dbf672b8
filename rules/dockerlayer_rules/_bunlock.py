"""What bun.lock and bunfig.toml say: packages, members, local packages, settings that a download would need.

bun.lock is JSON with trailing commas (bun.com/docs/pm/lockfile); bun.lockb is binary, and only package.json tells then.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping

from dockerlayer.api import Context
from dockerlayer_rules._node import fits

_LIMIT = 64 * 1024 * 1024
_TRAILING = re.compile(r'("(?:[^"\\]|\\.)*+")|,(?=\s*[}\]])')
_LOCAL = re.compile(r"(?:file:|link:|\.{1,2}/|/)(.*)", re.DOTALL)
_OF_PROJECT = re.compile(r"workspace:|root:")
_GROUPS = ("dependencies", "devDependencies", "optionalDependencies", "peerDependencies")
# What [install] may say without naming a file, a lockfile elsewhere, or a program that is run.
_PLAIN_SETTINGS = frozenset(
    """registry scopes optional dev peer production exact auto frozenLockfile saveTextLockfile linker minimumReleaseAge
    minimumReleaseAgeExcludes ignoreScripts concurrentScripts logLevel linkWorkspacePackages hoistPattern
    publicHoistPattern prefer""".split()
)
_ENV_SETTING = re.compile(rb"^\s*(?:export\s+)?(?:BUN_|npm_|NPM_|XDG_|HTTPS?_PROXY|https?_proxy)", re.MULTILINE)


def read_lock(context: Context, path: str) -> Mapping[str, object] | None:
    """bun.lock as an object with ``workspaces`` and ``packages``; None when it cannot be read."""
    data = context.read(path, _LIMIT)
    try:
        text = data.decode("utf-8") if data is not None else ""
        value = json.loads(_TRAILING.sub(lambda found: found[1] or "", text))
    except (ValueError, RecursionError):
        return None
    whole = isinstance(value, dict) and isinstance(value.get("workspaces"), dict)
    return value if whole and isinstance(value.get("packages", {}), dict) else None


def specs(lock: Mapping[str, object]) -> Iterator[tuple[str, str, Mapping[str, object]]]:
    """Name, what it was resolved to, and the other facts of each package."""
    packages = lock.get("packages")
    for entry in packages.values() if isinstance(packages, dict) else ():
        first = entry[0] if isinstance(entry, list) and entry and isinstance(entry[0], str) else ""
        name, _, spec = first[1:].partition("@")
        facts = next((item for item in entry if isinstance(item, dict)), {}) if isinstance(entry, list) else {}
        yield first[:1] + name, spec, facts


def count_locked(lock: Mapping[str, object]) -> int:
    """How many archives an install on linux/x64 downloads."""
    return len(
        {
            (name, spec)
            for name, spec, facts in specs(lock)
            if not _OF_PROJECT.match(spec)
            and not _LOCAL.match(spec)
            and fits(_listed(facts.get("os")), "linux")
            and fits(_listed(facts.get("cpu")), "x64")
        }
    )


def _listed(value: object) -> object:
    return [value] if isinstance(value, str) else value


def strange(lock: Mapping[str, object]) -> str:
    """A package that is neither of a registry, nor an archive by address, nor of the project; "" for none."""
    for name, spec, _ in specs(lock):
        if not re.match(r"\d|https?://", spec) and not _OF_PROJECT.match(spec) and not _LOCAL.match(spec):
            return f"{name}@{spec}"[:80]
    return ""


def local_paths(lock: Mapping[str, object] | None, manifest: Mapping[str, object]) -> Iterator[str]:
    """The local packages that lock or manifest name, as paths relative to the project or absolute."""
    named = [spec for _, spec, _ in specs(lock)] if lock is not None else []
    for group in _GROUPS:
        wanted = manifest.get(group)
        named += [item for item in wanted.values() if isinstance(item, str)] if isinstance(wanted, dict) else []
    for spec in dict.fromkeys(named):
        local = _LOCAL.match(spec)
        if local is not None:
            yield local[1] if spec.startswith(("file:", "link:")) else spec


def patch_files(manifest: Mapping[str, object]) -> tuple[str, ...]:
    """The patches that package.json applies to packages."""
    patched = manifest.get("patchedDependencies")
    return tuple(str(path) for path in patched.values()) if isinstance(patched, dict) else ()


def agrees(lock: Mapping[str, object], place: str, manifest: Mapping[str, object]) -> bool:
    """Whether the lockfile was written for this manifest, of the root ("") or of a member."""
    workspaces = lock["workspaces"]
    known = workspaces.get(place) if isinstance(workspaces, dict) else None
    return isinstance(known, dict) and all((manifest.get(key) or {}) == (known.get(key) or {}) for key in _GROUPS)


def version_of(lock: Mapping[str, object]) -> int:
    """The version of the lockfile's format; 0 when it does not say."""
    version = lock.get("lockfileVersion")
    return version if isinstance(version, int) else 0


def odd_setting(data: bytes) -> str:
    """A setting of bunfig.toml with which an install was not tried from some files alone; "" when there is none."""
    import tomllib

    try:
        settings = tomllib.loads(data.decode("utf-8"))
    except (ValueError, RecursionError):
        return "something that is not valid TOML"
    install = settings.get("install", {})
    if not isinstance(install, dict):
        return "install"
    return next((f"install.{name}" for name in install if name not in _PLAIN_SETTINGS), "")


def sets_install(data: bytes) -> bool:
    """Whether a .env file, which bun reads in the project's directory, says how to install."""
    return _ENV_SETTING.search(data) is not None
