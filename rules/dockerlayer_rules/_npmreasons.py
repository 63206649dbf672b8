"""Why an install by npm needs more than the manifests, or cannot be read at all."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping

from dockerlayer.api import Fetch, Refusal, Scene
from dockerlayer_rules._node import (
    enclosing_workspace,
    has_bin,
    lifecycle_needs,
    local_packages,
    read_json,
    reads_project,
)

_NAMES_PATH = re.compile(r"\.{0,2}/|.*(?:--require|--import|--loader|--env-file)\b")
# Settings that name a file of the project, and that a download does not use: they are for scripts.
_FOR_SCRIPTS = frozenset({"node-options", "script-shell"})
SPLIT_HELPS = frozenset(
    """lifecycle-script native-addon workspace-bin workspace-script local-package-script local-package-bin
    local-package-outside node-modules-in-context settings-for-scripts runs-tests script-reads-project""".split()
)
"""Codes of what stands against an install from the manifests alone, and not against a download of its own."""


def obstacles(
    fetch: Fetch,
    scene: Scene,
    manifest: Mapping[str, object],
    locked: Mapping[str, object] | None,
    members: tuple[str, ...],
) -> Iterator[Refusal]:
    """Why an install from the narrow inputs would fail or, worse, silently do less."""
    call, context, origin = fetch.call, scene.context, fetch.origin or ""
    line = call.step.line
    if fetch.lock is not None and fetch.lock.state == "elsewhere":
        reason = f"package.json and {fetch.lock.lockfile} come from different directories of the context"
        yield Refusal("manifests-apart", reason, line)
    if fetch.lock is not None and fetch.lock.state != "ok":
        reason = f"no lockfile reaches {fetch.directory}: which versions the layer keeps would be chance"
        yield Refusal("no-lockfile", reason, line)
    if locked is None and fetch.lock is not None and fetch.lock.state == "ok":
        yield Refusal("bad-lockfile", f"{fetch.lock.lockfile} cannot be read as JSON", line)
    for setting in _settings_paths(context.read(posixpath.join(origin, ".npmrc")) or b""):
        code = "settings-for-scripts" if setting in _FOR_SCRIPTS else "settings-path"
        yield Refusal(code, f"{posixpath.join(origin, '.npmrc')} names a file in {setting}", line)
    enclosing = enclosing_workspace(scene, fetch.directory, origin)
    if enclosing is not None:
        yield Refusal("workspace-member", f"the package is a workspace of {enclosing}, which npm looks for", line)
    if not call.has("--ignore-scripts"):
        for need in lifecycle_needs(context, origin, manifest):
            if isinstance(need, Refusal):
                yield need._replace(line=line)
        for refusal in reads_project(context, origin, manifest, _scripted(locked or {})):
            yield refusal._replace(line=line)
        if context.is_file(posixpath.join(origin, "binding.gyp")):
            yield Refusal("native-addon", "binding.gyp makes npm compile the project itself during the install", line)
    for member in members:
        path = posixpath.join(origin, member, "package.json")
        inner = read_json(context, path) or {}
        if has_bin(inner):
            yield Refusal("workspace-bin", f"{path} has a bin: npm links it only if its file is there", line)
        if context.is_file(posixpath.join(origin, member, "binding.gyp")):
            yield Refusal("native-addon", f"{member}/binding.gyp makes npm compile it during the install", line)
        for need in lifecycle_needs(context, posixpath.join(origin, member), inner):
            message = need.message if isinstance(need, Refusal) else f"{path} has an install script that reads {need}"
            yield Refusal("workspace-script", message, line)
    for local in local_packages(locked or {}, members):
        if isinstance(local, Refusal):
            yield local._replace(line=line)
            continue
        inner = read_json(context, posixpath.normpath(posixpath.join(origin, local, "package.json"))) or {}
        if any(lifecycle_needs(context, posixpath.join(origin, local), inner)):
            yield Refusal("local-package-script", f"{local}, a file: dependency, has install scripts", line)
        elif has_bin(inner):
            yield Refusal(
                "local-package-bin", f"{local}, a file: dependency, has a bin that npm makes executable", line
            )
        elif not context.exists(posixpath.normpath(posixpath.join(origin, local))):
            yield Refusal("local-package-missing", f"{local}, a file: dependency, is not in the build context", line)
    if any(context.exists(posixpath.join(origin, place, "node_modules")) for place in ("", *members)):
        reason = f"{posixpath.join(origin, 'node_modules')} is in the build context and would overwrite the install"
        yield Refusal("node-modules-in-context", reason, line)


def _scripted(locked: Mapping[str, object]) -> Iterator[str]:
    """The names of the packages that the lockfile says have an install script; it says so since version 2."""
    packages = locked.get("packages")
    if not isinstance(packages, dict):
        yield from map(str, tree if isinstance(tree := locked.get("dependencies"), dict) else ())
        return
    for key, entry in packages.items():
        if isinstance(entry, dict) and entry.get("hasInstallScript"):
            yield str(entry.get("name") or str(key).rpartition("node_modules/")[2])


def _settings_paths(text: bytes) -> Iterator[str]:
    """Settings of .npmrc that name a file or program of the project."""
    for line in text.decode("utf-8", "replace").splitlines():
        name, equals, value = (part.strip() for part in line.partition("="))
        if equals and not name.startswith(("#", ";")) and _NAMES_PATH.match(value) and not value.startswith("//"):
            yield name
