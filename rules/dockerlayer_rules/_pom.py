"""What pom.xml files say: the modules and parents of a build, and what a download without the source cannot do."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from dockerlayer.api import Refusal, Scene, join
from dockerlayer_rules._xml import child, children, name_of, parse_xml, text_at

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

MOST_MODULES = 1000


class Reactor(NamedTuple):
    """The poms that one mvn command reads.

    ``needs`` are their paths relative to the project, ``members`` those of its modules among them. ``obstacle`` says
    why the poms alone do not tell what is downloaded, ``doubt`` what is not known of where it comes from.
    """

    needs: tuple[str, ...]
    members: tuple[str, ...]
    obstacle: Refusal | None = None
    doubt: str = ""


def reactor_of(scene: Scene, directory: str, origin: str, manifest: str, line: int) -> Reactor:
    """The poms of the project in an image directory: its own, its modules' and the parents that lie in the context."""
    reader = _Reader(scene, directory, origin, line)
    reader.read(manifest)
    needs = tuple(dict.fromkeys(reader.found))
    members = (*(path for path in needs if path in reader.modules), *reader.absent)
    return Reactor(needs, members, next(iter(reader.obstacles), None), next(iter(reader.doubts), ""))


class _Reader:
    def __init__(self, scene: Scene, directory: str, origin: str, line: int) -> None:
        self.scene = scene
        self.directory = directory
        self.origin = origin
        self.line = line
        self.found: list[str] = []
        self.modules: set[str] = set()
        self.absent: list[str] = []
        self.obstacles: list[Refusal] = []
        self.doubts: list[str] = []

    def read(self, manifest: str) -> None:
        pending = [(manifest, True)]
        seen: set[str] = set()
        while pending:
            path, with_modules = pending.pop(0)
            if path in seen:
                continue
            seen.add(path)
            if len(seen) > MOST_MODULES:
                self.refuse("too-many-modules", f"the project has more than {MOST_MODULES} modules")
                return
            shown = posixpath.normpath(posixpath.join(self.origin, path))
            data = self.scene.context.read(shown)
            pom = parse_xml(data)
            if data is None or pom is None or name_of(pom) != "project":
                self.refuse("bad-manifest", f"{shown} cannot be read as a pom")
                continue
            self.found.append(path)
            self._judge(pom, shown)
            if b"${env." in data:
                self.doubts.append(f"{shown} reads variables of the environment")
            parent = self._parent(pom, path)
            if parent is not None:
                pending.append((parent, False))
            if with_modules:
                pending.extend((module, True) for module in self._modules(pom, path))

    def refuse(self, code: str, message: str) -> None:
        self.obstacles.append(Refusal(code, message, self.line))

    def here(self, path: str) -> bool:
        """Whether a pom, by its path from the project, stands at that place in the image and in the context."""
        shown = posixpath.normpath(posixpath.join(self.origin, path))
        if shown.startswith("..") or not self.scene.context.is_file(shown):
            return False
        return self.scene.origin(join(self.directory, path)) == shown

    def _parent(self, pom: Element, path: str) -> str | None:
        parent = child(pom, "parent")
        if parent is None:
            return None
        place = text_at(parent, "relativePath")
        place = "../pom.xml" if place is None else place
        if not place or "$" in place:
            return None
        other = posixpath.normpath(posixpath.join(posixpath.dirname(path), place))
        other = other if other.endswith(".xml") else posixpath.join(other, "pom.xml")
        return other if self.here(other) else None

    def _modules(self, pom: Element, path: str) -> Iterator[str]:
        for part, own in ((pom, True), *((profile, False) for profile in _profiles(pom))):
            for module in children(child(part, "modules"), "module"):
                name = (module.text or "").strip()
                place = posixpath.normpath(posixpath.join(posixpath.dirname(path), name))
                other = place if place.endswith(".xml") else posixpath.normpath(posixpath.join(place, "pom.xml"))
                if name and self.here(other):
                    self.modules.add(other)
                    yield other
                elif own:
                    shown = posixpath.normpath(posixpath.join(self.origin, other))
                    if self.scene.context.is_file(shown):
                        self.absent.append(other)
                    self.refuse("module-missing", f"{path} names the module {name}, but no COPY brings {shown}")

    def _judge(self, pom: Element, shown: str) -> None:
        if text_at(pom, "modelVersion") not in {None, "4.0.0"}:
            self.refuse("new-model", f"{shown} is written for Maven 4, which finds modules by itself")
        for part in (pom, *_profiles(pom)):
            if child(part, "activation", "file") is not None:
                self.doubts.append(f"{shown} has a profile that the existence of a file turns on")
            plugins = (*children(child(part, "build", "plugins"), "plugin"),)
            if child(part, "build", "extensions") is not None or any(
                text_at(plugin, "extensions") == "true" for plugin in plugins
            ):
                self.refuse("build-extension", f"{shown} loads a build extension, which may read the source")
            for dependency in _dependencies(part):
                if text_at(dependency, "systemPath") is not None or text_at(dependency, "scope") == "system":
                    what = f"{shown} takes {text_at(dependency, 'artifactId')} from a file of the project (systemPath)"
                    self.refuse("system-path", what)
            for repository in (
                *children(child(part, "repositories"), "repository"),
                *children(child(part, "pluginRepositories"), "pluginRepository"),
            ):
                url = text_at(repository, "url") or ""
                if url.startswith("file:") or "basedir" in url:
                    self.refuse("file-repository", f"{shown} has a repository in a directory of the image, {url}")
                elif text_at(repository, "id") == "central":
                    self.doubts.append(f"{shown} puts another repository in the place of Maven Central")


def _profiles(pom: Element) -> Iterator[Element]:
    yield from children(child(pom, "profiles"), "profile")


def _dependencies(part: Element) -> Iterator[Element]:
    yield from children(child(part, "dependencies"), "dependency")
    yield from children(child(part, "dependencyManagement", "dependencies"), "dependency")
