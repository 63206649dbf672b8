"""Why an install by Bun needs more than the manifests, or cannot be read at all."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping

from dockerlayer.api import Fetch, Refusal, Scene
from dockerlayer_rules._bunimage import bun_of
from dockerlayer_rules._bunlock import local_paths, odd_setting, patch_files, sets_install, specs, version_of
from dockerlayer_rules._node import enclosing_workspace, has_bin, lifecycle_needs, read_json, reads_project

DOTENV = tuple(f".env{kind}{own}" for kind in ("", ".development", ".production") for own in ("", ".local"))


def unreadable(
    fetch: Fetch, scene: Scene, manifest: Mapping[str, object], locked: Mapping[str, object] | None
) -> Iterator[Refusal]:
    """Why neither the install nor a download can be told from the project's files."""
    call, context, origin = fetch.call, scene.context, fetch.origin or ""
    line = call.step.line
    enclosing = enclosing_workspace(scene, fetch.directory, origin)
    if enclosing is not None:
        yield Refusal("workspace-member", f"the package is a workspace of {enclosing}, which Bun looks for", line)
    assert fetch.lock is not None
    if fetch.lock.state == "elsewhere":
        what = f"package.json and {fetch.lock.lockfile} come from different directories of the context"
        yield Refusal("manifests-apart", what, line)
    if fetch.lock.state != "ok":
        what = f"no lockfile reaches {fetch.directory}: which versions the layer keeps would be chance"
        yield Refusal("no-lockfile", what, line)
    if locked is None and fetch.lock.lockfile == "bun.lock" and fetch.lock.state == "ok":
        yield Refusal("bad-lockfile", "bun.lock cannot be read", line)
    version = version_of(locked) if locked is not None else 0
    if version > 1 and bun_of(call, scene).most < (1, 4):
        what = f"bun.lock is of version {version}, which the Bun of the image cannot read: it would be ignored"
        yield Refusal("lockfile-too-new", what, line)
    settings = context.read(posixpath.join(origin, "bunfig.toml"))
    odd = odd_setting(settings) if settings is not None else ""
    if odd:
        yield Refusal("settings", f"{posixpath.join(origin, 'bunfig.toml')} has {odd}", line)
    npmrc = context.read(posixpath.join(origin, ".npmrc")) or b""
    if re.search(rb"(?m)^\s*(?:ca|cafile|cache|key|cert)\s*=", npmrc):
        yield Refusal("settings", f"{posixpath.join(origin, '.npmrc')} says where Bun keeps or reads files", line)
    for name in DOTENV:
        data = context.read(posixpath.join(origin, name))
        if data is not None and (sets_install(data) or b"$" in npmrc + (settings or b"")):
            yield Refusal("settings-in-env", f"{posixpath.join(origin, name)}, which Bun reads, has settings", line)
    for path in patch_files(manifest):
        if path.startswith(("..", "/")) or not context.is_file(posixpath.join(origin, path)):
            yield Refusal("patch-missing", f"{path}, a patch that package.json names, is not in the context", line)


def rooted(
    fetch: Fetch,
    scene: Scene,
    places: Mapping[str, Mapping[str, object]],
    locked: Mapping[str, object] | None,
) -> Iterator[Refusal]:
    """Why an install from the manifests alone would fail or silently do less."""
    call, context, origin = fetch.call, scene.context, fetch.origin or ""
    line = call.step.line
    for place, manifest in places.items():
        path = posixpath.join(origin, place, "package.json")
        if place and has_bin(manifest):
            yield Refusal("workspace-bin", f"{path} has a bin: Bun links it only if its file is there", line)
        if call.has("--ignore-scripts"):
            continue
        for need in lifecycle_needs(context, posixpath.join(origin, place), manifest):
            if isinstance(need, Refusal):
                yield need._replace(line=line)
            elif place:
                yield Refusal("workspace-script", f"{path} has an install script that reads {need}", line)
        if context.is_file(posixpath.join(origin, place, "binding.gyp")):
            what = f"{posixpath.join(place, 'binding.gyp')} may make Bun compile the project during the install"
            yield Refusal("native-addon", what, line)
    if not call.has("--ignore-scripts"):
        for refusal in reads_project(context, origin, places[""], (name for name, *_ in specs(locked or {}))):
            yield refusal._replace(line=line)
    hidden = locked is None and any(place and any(local_paths(None, item)) for place, item in places.items())
    if hidden:
        yield Refusal("local-package", "a member has a local package, and bun.lockb does not say where", line)
    for path in local_paths(locked, places[""]):
        where = posixpath.normpath(posixpath.join(origin, path))
        inner = read_json(context, posixpath.join(where, "package.json")) or {}
        if path.startswith(("..", "/")):
            yield Refusal("local-package-outside", f"{path}, a local package, lies outside the project", line)
        elif not context.exists(where):
            yield Refusal("local-package-missing", f"{path}, a local package, is not in the build context", line)
        elif has_bin(inner) or any(lifecycle_needs(context, where, inner)):
            yield Refusal("local-package-script", f"{path}, a local package, has programs or install scripts", line)
    if any(context.exists(posixpath.join(origin, place, "node_modules")) for place in places):
        what = f"{posixpath.join(origin, 'node_modules')} is in the build context and would overwrite the install"
        yield Refusal("node-modules-in-context", what, line)
