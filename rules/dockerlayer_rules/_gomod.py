"""Readers of go.mod, go.sum and go.work: the modules of a build, where they are, and what pins them."""

from __future__ import annotations

import posixpath
import re

from dockerlayer.api import Call, Refusal, Scene, join

_REPLACE = re.compile(r"^\s*(?:replace\s+)?[^\s=]+(?:\s+v\S+)?\s*=>\s*(\.{1,2}(?:/\S*)?)\s*(?://.*)?$", re.MULTILINE)
_LOCAL = re.compile(r"^\s*(?:replace\s+)?([^\s=()]+)(?:\s+v\S+)?\s*=>\s*\.{1,2}(?:/|\s|$)", re.MULTILINE)
_USE = re.compile(r"^\s*(?:use\s+)?(\.{1,2}(?:/\S*)?)\s*(?://.*)?$", re.MULTILINE)
_REQUIRE = re.compile(r"^\s*(?:require\s+)?([^\s()]+\.[^\s()]+)\s+(v\S+)", re.MULTILINE)


def flags_of(call: Call) -> str:
    """The flags of a go command, those of its environment included."""
    return f"{call.value('GOFLAGS') or ''} {' '.join(call.arguments)}"


def module_root(scene: Scene, directory: str) -> tuple[str, str] | None:
    """The nearest directory upwards with a go.mod or go.work of the context: image path and context path."""
    here = directory
    while True:
        origin = scene.project(here, "go.mod", "go.work")
        if origin is not None:
            return here, origin
        above = posixpath.dirname(here)
        if above == here or not above:
            return None
        here = above


def shares_workspace(scene: Scene, origin: str) -> bool:
    """Whether a module is part of a workspace."""
    return workspace_of(scene, origin) is not None


def workspace_of(scene: Scene, origin: str) -> str | None:
    """The context directory of the go.work that covers a module, if the context has one."""
    here = origin
    while True:
        if scene.context.is_file(posixpath.join(here, "go.work")):
            return here
        if not here:
            return None
        here = posixpath.dirname(here)


def needs_of(scene: Scene, directory: str, origin: str, call: Call) -> tuple[tuple[str, ...], Refusal | None]:
    """The files that ``go mod download`` reads, relative to ``origin``, or why they are not all there."""
    line = call.step.line
    context = scene.context
    if "-modfile" in flags_of(call) or "-overlay" in flags_of(call):
        return (), Refusal("modfile", "-modfile or -overlay replaces go.mod", line)
    modules = [origin]
    found: list[str] = []
    work = workspace_of(scene, origin) if call.value("GOWORK") != "off" else None
    if work is not None and _reaches(scene, directory, origin, work):
        text = text_of(scene, posixpath.join(work, "go.work"))
        modules = [posixpath.normpath(posixpath.join(work, member)) for member in _USE.findall(text)] or modules
        modules = ["" if member == "." else member for member in modules]
        found.extend(posixpath.join(work, name) for name in ("go.work", "go.work.sum"))
    seen: set[str] = set()
    while modules:
        module = modules.pop(0)
        if module in seen:
            continue
        seen.add(module)
        manifest = posixpath.join(module, "go.mod")
        if module.startswith("..") or not context.is_file(manifest):
            where = manifest if not module.startswith("..") else f"{manifest} (outside the build context)"
            return (), Refusal("local-module-missing", f"a local module is not in the build context: {where}", line)
        found.append(manifest)
        found.append(posixpath.join(module, "go.sum"))
        for target in _REPLACE.findall(text_of(scene, manifest)):
            other = posixpath.normpath(posixpath.join(module, target))
            modules.append("" if other == "." else other)
    needs = tuple(posixpath.relpath(path, origin or ".") for path in found if context.is_file(path))
    return needs, None


def members_of(needs: tuple[str, ...]) -> tuple[str, ...]:
    """The go.mod files of the other modules of a workspace, among what the download reads."""
    if not any(posixpath.basename(need) == "go.work" for need in needs):
        return ()
    return tuple(need for need in needs if need.endswith("/go.mod"))


def _reaches(scene: Scene, directory: str, origin: str, work: str) -> bool:
    image = join(directory, posixpath.relpath(work or ".", origin or "."))
    return scene.origin(join(image, "go.work")) == posixpath.join(work, "go.work")


def text_of(scene: Scene, path: str) -> str:
    """A context file as text; empty when there is none."""
    return (scene.context.read(path) or b"").decode("utf-8", "replace")


def requirements_of(scene: Scene, origin: str, needs: tuple[str, ...]) -> set[tuple[str, str]]:
    """The modules with their versions that the go.mod files among the needs require, less those in directories."""
    found: set[tuple[str, str]] = set()
    local: set[str] = set()
    for need in needs:
        if posixpath.basename(need) == "go.mod":
            path = posixpath.normpath(posixpath.join(origin, need))
            whole = text_of(scene, path)
            text = re.sub(r"^\s*(?:replace|exclude|retract)\b(?:\s*\([^)]*\))?.*$", "", whole, flags=re.M)
            found.update(_REQUIRE.findall(text))
            local.update(_LOCAL.findall(whole))
    return {(module, version) for module, version in found if module not in local}


def replaced(scene: Scene, origin: str, needs: tuple[str, ...]) -> set[str]:
    """The modules for which go.mod names a replacement."""
    found: set[str] = set()
    for need in needs:
        if need.endswith("go.mod"):
            text = text_of(scene, posixpath.normpath(posixpath.join(origin, need)))
            found.update(re.findall(r"^\s*(?:replace\s+)?([^\s=()]+)(?:\s+v\S+)?\s*=>", text, re.MULTILINE))
    return found


def recorded(scene: Scene, origin: str, needs: tuple[str, ...]) -> set[str]:
    """The ``module version`` pairs whose content go.sum pins."""
    found: set[str] = set()
    for need in needs:
        if need.endswith(("go.sum", "go.work.sum")):
            text = text_of(scene, posixpath.normpath(posixpath.join(origin, need)))
            found.update(" ".join(line.split()[:2]) for line in text.splitlines())
    return found
