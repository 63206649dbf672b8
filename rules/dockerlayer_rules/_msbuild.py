"""What MSBuild reads before it restores: a project, those that it refers to, and the settings in every directory above.

Measured with the .NET SDK 3.1: a reference whose project is missing is skipped with a warning and exit code 0, a
solution's missing project is an error (MSB3202). Which files are looked for in the directories above is in the pages
"Customize your build" (MSBuild) and "nuget.config reference" (NuGet).
"""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from dockerlayer.api import NOT_IN_CONTEXT, Refusal, Scene, join
from dockerlayer_rules._xml import name_of, parse_xml

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

PROJECTS = (".csproj", ".fsproj", ".vbproj")
SOLUTIONS = (".sln", ".slnx")
# Looked for in the directory of each project and, of some, the nearest one above; a restore may read any of them.
SETTINGS = tuple(
    """Directory.Build.props Directory.Build.targets Directory.Packages.props Directory.Build.rsp
    Directory.Solution.props Directory.Solution.targets MSBuild.rsp nuget.config NuGet.config NuGet.Config
    global.json""".split()
)
MOST_PROJECTS = 1000
_IN_SOLUTION = re.compile(r'^\s*Project\("\{([\w-]+)\}"\)\s*=\s*"[^"]*",\s*"([^"]+)"', re.MULTILINE)
_FOLDER = "2150E333-8FDC-42A3-9474-1A3956D46DE8"
_ABOVE = re.compile(r"\$\(\[MSBuild\]::GetPathOfFileAbove\('?Directory\.[\w.]+'?\s*,")
_READS_FILES = re.compile(r"\bExists\s*\(|\$\(\[System\.IO|GetDirectoryNameOfFileAbove")
_BEFORE = re.compile(r"\b(?:Restore|CollectPackage|_Generate(?:Restore|Project)|ResolveProjectRef)\w*", re.IGNORECASE)
_PLACES = frozenset(
    """BaseIntermediateOutputPath MSBuildProjectExtensionsPath RestorePackagesPath ArtifactsPath UseArtifactsOutput
    RestoreOutputPath NuGetLockFilePath RestoreConfigFile""".split()
)


class Closure(NamedTuple):
    """The files of one restore as pairs of image and context path; ``projects`` are those of the project files.

    ``obstacle`` says why they are not all known, ``doubt`` what may still depend on the source.
    """

    files: tuple[tuple[str, str], ...]
    projects: tuple[str, ...]
    packages: int | None
    obstacle: Refusal | None
    doubt: str


def closure_of(scene: Scene, image: str, cwd: str, line: int) -> Closure:
    """What a restore of the project or solution at an image path reads."""
    reader = _Reader(scene, line)
    reader.settings_above(cwd)
    reader.read(image)
    return Closure(
        tuple(reader.files.items()),
        tuple(reader.projects),
        len(reader.packages) if reader.packages and reader.locked == len(reader.projects) else None,
        next(iter(reader.obstacles), None),
        next(iter(reader.doubts), ""),
    )


def projects_in(scene: Scene, directory: str) -> list[str]:
    """The projects and solutions of an image directory; dotnet takes the one that is there when none is named."""
    origin = scene.origin(directory)
    names = scene.context.names(origin) if origin is not None else []
    paths = [join(directory, name) for name in names if name.endswith(PROJECTS + SOLUTIONS)]
    return [path for path in paths if scene.has(path)]


class _Reader:
    def __init__(self, scene: Scene, line: int) -> None:
        self.scene = scene
        self.line = line
        self.files: dict[str, str] = {}
        self.projects: dict[str, None] = {}
        self.locked = 0
        self.packages: set[tuple[str, str]] = set()
        self.obstacles: list[Refusal] = []
        self.doubts: list[str] = []
        self.looked: set[str] = set()

    def refuse(self, code: str, message: str) -> None:
        self.obstacles.append(Refusal(code, message, self.line))

    def read(self, image: str) -> None:
        pending = [image]
        seen: set[str] = set()
        while pending:
            path = pending.pop(0)
            if path in seen:
                continue
            seen.add(path)
            origin = self.scene.origin(path)
            if origin is None or not self.scene.context.is_file(origin):
                self.refuse(NOT_IN_CONTEXT, f"no COPY brings {path}")
                continue
            if len(seen) > MOST_PROJECTS:
                self.refuse("too-many-projects", f"more than {MOST_PROJECTS} projects belong together")
                return
            self.files[path] = origin
            self.settings_above(posixpath.dirname(path))
            if path.endswith(SOLUTIONS):
                pending.extend(self._solution(path, origin))
            else:
                pending.extend(self._project(path, origin))

    def settings_above(self, directory: str) -> None:
        """The settings in a directory and all above it, as far as the context brings them."""
        here = directory
        while here not in self.looked:
            self.looked.add(here)
            for name in SETTINGS:
                image = join(here, name)
                origin = self.scene.origin(image)
                if origin is not None and self.scene.context.is_file(origin) and image not in self.files:
                    self.files[image] = origin
                    self._setting(origin, name)
            here = posixpath.dirname(here)
            if not here:
                return

    def _setting(self, origin: str, name: str) -> None:
        if not name.lower().endswith((".props", ".targets", ".config")):
            return
        root = parse_xml(self.scene.context.read(origin))
        if root is None:
            self.refuse("bad-manifest", f"{origin} cannot be read as XML")
        elif name.lower() == "nuget.config":
            self._nuget(root, origin)
        else:
            self._evaluate(root, origin)

    def _nuget(self, root: Element, origin: str) -> None:
        for section in root:
            for entry in section:
                value = entry.get("value") or ""
                remote = value.startswith(("http:", "https:"))
                if name_of(section) == "packageSources" and value and not remote:
                    self.refuse("local-feed", f"{origin} takes packages from a directory, {value}")
                if name_of(section) in {"fallbackPackageFolders", "config"} and not remote and (
                    "folder" in (entry.get("key") or "").lower() or "path" in (entry.get("key") or "").lower()
                ):  # fmt: skip
                    self.refuse("packages-elsewhere", f"{origin} keeps packages in {value}")

    def _solution(self, path: str, origin: str) -> Iterator[str]:
        data = self.scene.context.read(origin) or b""
        if path.endswith(".slnx"):
            root = parse_xml(data)
            if root is None:
                self.refuse("bad-manifest", f"{origin} cannot be read as XML")
                return
            named = [item.get("Path") or "" for item in root.iter() if name_of(item) == "Project"]
        else:
            found = _IN_SOLUTION.findall(data.decode("utf-8-sig", "replace"))
            named = [place for kind, place in found if kind.upper() != _FOLDER]
        for place in named:
            if not place.endswith(PROJECTS):
                self.refuse("other-project", f"{origin} holds {place}, which is no C#, F# or Visual Basic project")
            else:
                yield join(posixpath.dirname(path), place.replace("\\", "/"))

    def _project(self, path: str, origin: str) -> Iterator[str]:
        root = parse_xml(self.scene.context.read(origin))
        if root is None or name_of(root) != "Project":
            self.refuse("bad-manifest", f"{origin} cannot be read as a project")
            return
        if not root.get("Sdk") and not any(name_of(item) == "Sdk" for item in root):
            self.refuse("old-project", f"{origin} names no Sdk: it is of the format before .NET Core")
            return
        self.projects[path] = None
        folder = posixpath.dirname(path)
        stem = posixpath.splitext(posixpath.basename(path))[0]
        for name in (f"{posixpath.basename(path)}.user", "packages.lock.json", f"packages.{stem}.lock.json"):
            extra = self.scene.origin(join(folder, name))
            if extra is not None and self.scene.context.is_file(extra):
                self.files[join(folder, name)] = extra
                if name.endswith(".json"):
                    self._count(extra)
        yield from self._evaluate(root, origin, folder)

    def _count(self, origin: str) -> None:
        try:
            value = json.loads(self.scene.context.read(origin) or b"")
            found = [pair for items in value["dependencies"].values() for pair in items.items()]
            self.packages |= {
                (name, str(item.get("resolved"))) for name, item in found if item.get("type") != "Project"
            }
        except (ValueError, RecursionError, KeyError, TypeError, AttributeError):
            return
        self.locked += 1

    def _evaluate(self, root: Element, origin: str, folder: str = "") -> list[str]:
        """Judge one file; the projects that it refers to."""
        found: list[str] = []
        for item in root.iter():
            name, text = name_of(item), " ".join((*item.attrib.values(), item.text or ""))
            if name == "Import" and not item.get("Sdk") and not _ABOVE.match(item.get("Project") or ""):
                self.refuse("import", f"{origin} imports {item.get('Project')}")
            elif name == "ProjectReference" and item.get("Include"):
                found.extend(self._references(item.get("Include") or "", origin, folder))
            elif name in _PLACES:
                self.refuse("packages-elsewhere", f"{origin} sets {name}")
            elif name == "RestoreSources" or name == "RestoreAdditionalProjectSources":
                self.refuse("local-feed", f"{origin} sets {name}")
            elif name == "Target" and _BEFORE.search(text):
                self.doubts.append(f"{origin} has a target that runs with the restore")
            elif name == "Project" and item.get("InitialTargets"):
                self.doubts.append(f"{origin} has targets that run first")
            elif _READS_FILES.search(text):
                self.doubts.append(f"{origin} asks whether a file exists, and a restore may depend on that")
        return found

    def _references(self, text: str, origin: str, folder: str) -> Iterator[str]:
        for place in (part.strip().replace("\\", "/") for part in text.split(";")):
            place = place.replace("$(MSBuildThisFileDirectory)", "").replace("$(MSBuildProjectDirectory)/", "")
            if not place:
                continue
            if not folder or re.search(r"[*?$%@]", place):
                self.refuse("project-reference", f"{origin} refers to projects by {place}")
            elif self.scene.has(join(folder, place)):
                yield join(folder, place)
            else:
                self.refuse("project-missing", f"{origin} refers to {place}, which no COPY brings")
