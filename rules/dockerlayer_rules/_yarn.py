"""The project behind a yarn command: its root, workspaces, lockfile, local packages, scripts; shared by both yarns."""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import unquote

from dockerlayer.api import Call, Lock, Refusal, Scene, join
from dockerlayer_rules._node import lifecycle_needs, workspace_members
from dockerlayer_rules._yarncall import ask, cleans_cache, image_is_classic, inside, installed, number_of
from dockerlayer_rules._yarnlock import LIMIT, Locked, is_berry_text, read_lock
from dockerlayer_rules._yarnrc import berry_settings

DEPENDENCIES = ("dependencies", "devDependencies", "optionalDependencies")
# Packages whose own install script reads files of the project that depends on them.
READ_PROJECT = {
    "@prisma/client": re.compile(r""),
    "msw": re.compile(r"package\.json\Z"),
    "puppeteer": re.compile(r"\.puppeteerrc|puppeteer\.config"),
}
read_cached = lru_cache(maxsize=4)(read_lock)


class Project(NamedTuple):
    """A project: where it is in the image and in the context, its manifest, and its workspaces' by directory.

    ``inner`` are the workspaces whose manifest reaches the image, ``members`` all that the context has.
    """

    call: Call
    scene: Scene
    directory: str
    origin: str
    manifest: Mapping[str, object]
    members: tuple[str, ...]
    inner: Mapping[str, Mapping[str, object]]

    @property
    def manifests(self) -> Iterator[tuple[str, Mapping[str, object]]]:
        """Directory and manifest of the root and of every workspace."""
        yield "", self.manifest
        yield from self.inner.items()

    def refusal(self, code: str, message: str) -> Refusal:
        """A refusal at the line of the call."""
        return Refusal(code, message, self.call.step.line)

    def path(self, *parts: str) -> str:
        """A path of the project as a context path."""
        return inside(self.origin, posixpath.join(*parts))


def json_of(scene: Scene, path: str) -> Mapping[str, object] | None:
    """A JSON object of the context, or None."""
    data = scene.context.read(path)
    try:
        value = json.loads(data) if data is not None else None
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def project_of(call: Call, scene: Scene, directory: str, origin: str) -> Project | Refusal:
    """The project in a directory of the image, whose package.json lies in a directory of the context."""
    manifest = json_of(scene, inside(origin, "package.json"))
    if manifest is None:
        return Refusal("bad-manifest", f"{inside(origin, 'package.json')} is not valid JSON", call.step.line)
    members = _members(scene, origin, manifest)
    inner: dict[str, Mapping[str, object]] = {}
    for member in members:
        path = inside(origin, f"{member}/package.json")
        if scene.origin(join(directory, f"{member}/package.json")) == path:
            found = json_of(scene, path)
            if found is None:
                return Refusal("bad-manifest", f"{path} is not valid JSON", call.step.line)
            inner[member] = found
    return Project(call, scene, directory, origin, manifest, members, inner)


def _members(scene: Scene, origin: str, manifest: Mapping[str, object]) -> tuple[str, ...]:
    """The workspaces; those of Yarn 2 and later may have workspaces of their own."""
    found: dict[str, None] = {}
    pending = [("", manifest)]
    while pending:
        place, inner = pending.pop()
        for name in workspace_members(scene.context, inside(origin, place), inner):
            member = posixpath.normpath(posixpath.join(place, name))
            if member in found or member.startswith("..") or len(found) > 5000:
                continue
            found[member] = None
            declared = json_of(scene, inside(origin, f"{member}/package.json")) or {}
            if declared.get("workspaces"):
                pending.append((member, declared))
    return tuple(sorted(found))


def enclosing_root(scene: Scene, directory: str, origin: str) -> tuple[str, str] | None:
    """Image and context directory of the project that has this one as a workspace."""
    here, image = origin, directory
    while here:
        here, image = posixpath.dirname(here), posixpath.dirname(image)
        path = inside(here, "package.json")
        if not image or scene.origin(join(image, "package.json")) != path:
            continue
        manifest = json_of(scene, path)
        if manifest is not None and manifest.get("workspaces"):
            member = posixpath.relpath(origin, here or ".")
            if member in _members(scene, here, manifest):
                return image, here
    return None


def pinned_release(manifest: Mapping[str, object]) -> tuple[int, int | None] | None:
    """The version of yarn that package.json's packageManager names."""
    name = manifest.get("packageManager")
    return number_of(name.removeprefix("yarn@")) if isinstance(name, str) and name.startswith("yarn@") else None


def yarn_path(scene: Scene, directory: str) -> str:
    """The release that the settings hand over to; Yarn Classic knows both settings files."""
    named = (berry_settings(scene, directory) or {}).get("yarnPath")
    if isinstance(named, str):
        return named
    text = (scene.read(join(directory, ".yarnrc")) or b"")[:65536].decode("utf-8", "replace")
    match = re.search(r'^yarn-path\s+"?([^"\n]+)', text, re.MULTILINE)
    return match[1].strip() if match else ""


def is_berry(call: Call, scene: Scene, directory: str) -> bool:
    """Whether Yarn 2 or later answers to a call: by the project's files, else by what the image was given.

    A project of Berry in an image that certainly has Classic is left to Classic, which refuses it.
    """
    release = posixpath.basename(yarn_path(scene, directory))
    if release:
        return not re.match(r"yarn-1\.|yarn-legacy", release)
    data = scene.read(join(directory, "package.json"))
    try:
        manifest = json.loads(data) if data is not None else {}
    except (ValueError, RecursionError):
        manifest = {}
    pinned = pinned_release(manifest) if isinstance(manifest, dict) else None
    origin = scene.origin(join(directory, "yarn.lock"))
    lock = scene.context.read(origin, LIMIT) if origin is not None else None
    if image_is_classic(call, scene):
        return False
    found = installed(call, scene)
    number = number_of(found)
    if number is not None or found == "berry":
        return number is None or number[0] > 1
    if pinned is not None:
        return pinned[0] > 1
    if lock is not None:
        return is_berry_text(lock)
    asked = ask(call)
    verbs = asked.verb in {"dlx", "up"} or (asked.verb == "workspaces" and asked.operands[:1] != ("run",))
    return verbs or scene.has(join(directory, ".yarnrc.yml")) or asked.has("--immutable", "--mode")


def lock_of(project: Project, *, off: bool = False) -> tuple[Lock, Locked | None]:
    """Whether yarn.lock pins the install, and what it says."""
    call, scene, directory = project.call, project.scene, project.directory
    if off:
        return Lock("package.json", "yarn.lock", "off"), None
    path = project.path("yarn.lock")
    placed = scene.origin(join(directory, "yarn.lock"))
    if placed is not None and placed != path:
        return Lock("package.json", "yarn.lock", "elsewhere"), None
    if scene.context.is_file(path):
        if scene.would_be(join(directory, "yarn.lock")) != path:
            advice = "copy it beside package.json; the image then gets the versions that it pins"
            return Lock("package.json", "yarn.lock", "uncopied", advice), None
        return Lock("package.json", "yarn.lock", "ok"), read_cached(scene.context.read(path, LIMIT) or b"\xff")
    if scene.context.hidden(path):
        return Lock("package.json", "yarn.lock", "hidden", "take yarn.lock out of the ignore file"), None
    made = any(
        other.program in {"yarn", "yarnpkg"}
        and ask(other).verb in {"install", "add", "import"}
        and ask(other).directory == directory
        for other in scene.before(call)
    )
    state = "made" if made else "missing" if any(has_dependencies(inner) for _, inner in project.manifests) else "ok"
    return Lock("package.json", "yarn.lock", state, "yarn install writes yarn.lock; commit it and copy it"), None


def has_dependencies(manifest: Mapping[str, object]) -> bool:
    """Whether a manifest names anything to install."""
    return any(manifest.get(key) for key in DEPENDENCIES)


def lock_obstacle(project: Project, lock: Lock, locked: Locked | None) -> Refusal | None:
    """Why a lockfile does not pin what a layer of its own would hold."""
    if lock.state == "elsewhere":
        return project.refusal("manifests-apart", "package.json and yarn.lock come from different directories")
    if lock.state != "ok":
        what = f"no yarn.lock reaches {project.directory}: which versions the layer keeps would be chance"
        return project.refusal("no-lockfile", what)
    if locked is not None and locked.version is None:
        return project.refusal("bad-lockfile", f"{project.path('yarn.lock')} cannot be read as a lockfile of yarn")
    return None


def ranges(manifest: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    """Names and ranges of what a manifest depends on; the first of several for one name counts."""
    for field in DEPENDENCIES:
        listed = manifest.get(field)
        for name, text in listed.items() if isinstance(listed, dict) else ():
            if isinstance(text, str):
                yield str(name), text


def resolutions(manifest: Mapping[str, object]) -> dict[str, str]:
    """The root's resolutions."""
    listed = manifest.get("resolutions")
    found = listed.items() if isinstance(listed, dict) else ()
    return {str(name): text for name, text in found if isinstance(text, str)}


def local_needs(project: Project) -> Iterator[str | Refusal]:
    """Files and directories that dependencies by path name, relative to the project; a refusal for what is unsafe."""
    for place, manifest in project.manifests:
        listed = [*ranges(manifest), *(resolutions(manifest).items() if not place else ())]
        for name, text in listed:
            if text.startswith("patch:"):
                yield from _patches(project, place, text)
                continue
            protocol, colon, path = text.partition(":")
            if protocol in {"link", "portal"} and colon:
                yield project.refusal("linked-package", f"{name} is a {protocol}: to {path}, whose files stay outside")
            elif protocol == "exec" and colon:
                yield project.refusal("exec-dependency", f"{name} is made by {path}, which may read anything")
            elif text.startswith(("file:", "./", "../", "/", "~/")):
                yield _local(project, place, name, text.removeprefix("file:").partition("#")[0].partition("::")[0])


def _local(project: Project, place: str, name: str, path: str) -> str | Refusal:
    target = posixpath.normpath(posixpath.join(place, path))
    if target.startswith(("..", "/", "~")) or target == ".":
        return project.refusal("local-package-outside", f"{name}, a file: dependency, lies outside of the project")
    if not project.scene.context.exists(project.path(target)):
        return project.refusal("local-package-missing", f"{target}, a file: dependency, is not in the build context")
    inner = json_of(project.scene, project.path(target, "package.json")) or {}
    if any(re.match(r"(?:file|link|portal|exec|patch):|\.{0,2}/", text) for _, text in ranges(inner)):
        return project.refusal("local-package-nested", f"{target}, a file: dependency, has dependencies by path itself")
    return target


def _patches(project: Project, place: str, text: str) -> Iterator[str | Refusal]:
    """``patch:ms@npm%3A2.1.3#~/.yarn/patches/ms.patch``: relative to the root with ``~/``, else to the manifest."""
    if re.match(r"patch:[^#]*@(?:file|link|portal|patch|exec)(?::|%3A)", text):
        yield project.refusal("patch-path", f"{text[:60]} patches a local package")
    for part in text.partition("#")[2].partition("::")[0].split("&"):
        path = unquote(part).removeprefix("optional!")
        if path.startswith(("builtin<", "~builtin<")) or not path:
            continue
        target = posixpath.normpath(path[2:] if path.startswith("~/") else posixpath.join(place, path))
        if target.startswith(("..", "/")) or not project.scene.context.is_file(project.path(target)):
            yield project.refusal("patch-path", f"the patch {path} is not in the build context")
        else:
            yield target


def script_needs(project: Project, names: tuple[str, ...] = ()) -> Iterator[str | Refusal]:
    """What install scripts of the root and the workspaces read; ``names`` are the scripts that run (default: all)."""
    for place, manifest in project.manifests:
        scripts = manifest.get("scripts")
        if names and isinstance(scripts, dict):
            manifest = {"scripts": {name: text for name, text in scripts.items() if name in names}}
        for need in lifecycle_needs(project.scene.context, project.path(place), manifest):
            if isinstance(need, Refusal):
                yield need._replace(line=project.call.step.line)
            elif place:
                what = f"{project.path(place, 'package.json')} has an install script that reads {need}"
                yield project.refusal("workspace-script", what)
            else:
                yield need
        if project.scene.context.is_file(project.path(place, "binding.gyp")):
            what = f"{project.path(place, 'binding.gyp')} makes yarn compile the package during the install"
            yield project.refusal("native-addon", what)


def reader_of(project: Project, locked: Locked | None) -> Refusal | None:
    """A dependency whose own install script looks for files of the project."""
    names = locked.names() if locked is not None else frozenset()
    for name in names & READ_PROJECT.keys():
        if name == "msw" and "msw" not in project.manifest:
            continue
        if any(READ_PROJECT[name].match(file) for file in project.scene.context.names(project.origin)):
            return project.refusal("dependency-reads-source", f"{name}'s install script reads files of the project")
    return None


def bin_of(project: Project) -> Refusal | None:
    """A package of the project with programs, which are linked only if their files are there."""
    for place, manifest in project.manifests:
        directories = manifest.get("directories")
        if manifest.get("bin") or (isinstance(directories, dict) and directories.get("bin")):
            what = f"{project.path(place, 'package.json')} has a bin: yarn links it only if its file is there"
            return project.refusal("workspace-bin", what)
    return None


def modules_in_context(project: Project) -> Refusal | None:
    """node_modules of the developer's machine that the COPY puts over the install."""
    for place in ("", *project.members):
        path = project.path(place, "node_modules")
        if project.scene.context.exists(path) and project.scene.would_be(
            join(project.directory, posixpath.join(place, "node_modules"))
        ):
            what = f"{path} is in the build context and would overwrite the install"
            return project.refusal("node-modules-in-context", what)
    return None


def manifests_of(project: Project) -> list[str]:
    """The manifests that reach the image, relative to the project."""
    return ["package.json", *(f"{place}/package.json" for place in project.inner)]


def member_manifests(project: Project) -> tuple[str, ...]:
    """The manifests of all workspaces that the context has."""
    return tuple(f"{place}/package.json" for place in project.members)


def is_covered(project: Project) -> bool:
    """Whether a copy brings all of the project, or of a workspace, and not single files that were chosen."""
    probes = (join(project.directory, posixpath.join(place, ".dockerlayer-probe")) for place in ("", *project.inner))
    return any(project.scene.would_be(probe) is not None for probe in probes)


def cleaned_after(project: Project) -> Refusal | None:
    """A command behind the install, in the same RUN, that removes the cache which a download layer would keep."""
    for other in project.scene.siblings:
        if other.start > project.call.start and cleans_cache(other):
            what = "the RUN empties yarn's cache again; a download of its own would leave it in the image"
            return project.refusal("cleanup-in-same-run", what)
    return None


def earlier_installs(project: Project, needs: list[str]) -> Iterator[Call]:
    """Installs of the same project that have run before with the same manifests, and whose downloads are still there.

    What ran behind a cache mount is found by the caller.
    """
    scene, call = project.scene, project.call
    before = scene.before(call)
    for number, other in enumerate(before):
        if other.program not in {"yarn", "yarnpkg"} or not other.always:
            continue
        asked = ask(other)
        if asked.verb not in {"install", "workspaces"} or asked.directory != project.directory:
            continue
        if any(cleans_cache(later) for later in before[number + 1 :]):
            continue
        seen = tuple(item for item in scene.placements if item.step.instruction.start < other.start)
        then = scene._replace(placements=seen, mounted=scene.mounted if other.step is call.step else ())
        if all(then.origin(join(project.directory, need)) == project.path(need) for need in needs):
            yield other
