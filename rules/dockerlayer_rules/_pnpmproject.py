"""A pnpm project in the build context: where its root is, its settings, its members and the files that each step reads.

Settings: https://pnpm.io/settings. Up to pnpm 10 they stand in .npmrc (kebab-case) and in the ``pnpm`` field of the
root's package.json, since pnpm 10 in pnpm-workspace.yaml (camel case).
"""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from dockerlayer.api import NOT_IN_CONTEXT, Call, Refusal, Scene, join
from dockerlayer_rules._node import LIFECYCLE, lifecycle_needs, workspace_members
from dockerlayer_rules._pnpmlock import Locked, read_lock, specifiers_of

LOCKFILE = "pnpm-lock.yaml"
WORKSPACE = "pnpm-workspace.yaml"
PNPMFILES = (".pnpmfile.cjs", ".pnpmfile.mjs")
_LIMIT = 64 * 1024 * 1024
# Settings under which fetch and install do not fit together, with the values that change nothing.
_UNFIT: Mapping[str, frozenset[str]] = {
    "node-linker": frozenset({"isolated"}),
    "virtual-store-dir": frozenset(),
    "modules-dir": frozenset({"node_modules"}),
    "lockfile-dir": frozenset(),
    "global-pnpmfile": frozenset(),
    "pnpmfile": frozenset(PNPMFILES),
    "config-dependencies": frozenset(),
    "enable-global-virtual-store": frozenset({"false"}),
    "enable-modules-dir": frozenset({"true"}),
    "shared-workspace-lockfile": frozenset({"true"}),
    "lockfile": frozenset({"true"}),
    "symlink": frozenset({"true"}),
    "git-branch-lockfile": frozenset({"false"}),
    "inject-workspace-packages": frozenset({"false"}),
    "frozen-lockfile": frozenset({"true"}),
    "prefer-frozen-lockfile": frozenset({"true"}),
}
_NAMES_PATH = re.compile(r"\.{1,2}/|/|.*(?:--require|--import|--loader|--env-file)\b")
_OWN_PATHS = frozenset({"store-dir", "cache-dir", "state-dir", "registry"})
# Install scripts that are known to read the project itself, and what makes them do so.
_READS_PROJECT = {"@prisma/client": "the schema", "puppeteer": "its configuration", "msw": "package.json"}


@dataclass
class Project:
    """A project whose root is image directory ``directory`` and context directory ``origin``.

    ``here`` is where the call runs, relative to the root; ``problem`` says that its files are not to be relied on.
    """

    scene: Scene
    directory: str
    origin: str
    here: str
    manifest: Mapping[str, object]
    workspace: Mapping[str, object]
    problem: Refusal | None = None
    settings: dict[str, str] = field(default_factory=dict)

    def path(self, name: str) -> str:
        """A file of the project as a path of the context."""
        return posixpath.normpath(posixpath.join(self.origin, name))

    def reaches(self, name: str) -> bool:
        """Whether the image has a file of the project that the context has."""
        return self.scene.origin(join(self.directory, name)) == self.path(name)

    @cached_property
    def lock(self) -> Locked | None:
        """The lockfile, if it can be read."""
        data = self.scene.context.read(self.path(LOCKFILE), _LIMIT) if self.reaches(LOCKFILE) else None
        return read_lock(data) if data is not None else None

    @cached_property
    def members(self) -> tuple[str, ...]:
        """The directories of the workspace's members, by its globs and by the lockfile."""
        packages = self.workspace.get("packages")
        named = set(workspace_members(self.scene.context, self.origin, {"workspaces": packages}))
        if self.lock is not None and WORKSPACE in self.optional:
            named |= {place for place in self.lock.importers if place and not place.startswith("..")}
        return tuple(sorted(place for place in named if self.scene.context.is_file(self.path(f"{place}/package.json"))))

    @cached_property
    def inner(self) -> Mapping[str, Mapping[str, object]]:
        """The manifests of the members, by directory."""
        return {place: json_of(self.scene, self.path(f"{place}/package.json")) or {} for place in self.members}

    @cached_property
    def optional(self) -> tuple[str, ...]:
        """The settings files that reach the image."""
        return tuple(name for name in (WORKSPACE, ".npmrc", *PNPMFILES) if self.reaches(name))

    @cached_property
    def own(self) -> Mapping[str, object]:
        """The ``pnpm`` field of package.json."""
        found = self.manifest.get("pnpm")
        return found if isinstance(found, dict) else {}

    @cached_property
    def patches(self) -> tuple[str, ...]:
        """The patch files, as directories where nothing else is in them."""
        files = set(self.lock.patches) if self.lock is not None else set()
        for source in (self.own, self.workspace):
            listed = source.get("patchedDependencies")
            if isinstance(listed, dict):
                files |= {value for value in listed.values() if isinstance(value, str)}
        files = {posixpath.normpath(path) for path in files}
        found = set()
        for path in files:
            above = posixpath.dirname(path)
            beside = {posixpath.join(above, name) for name in self.scene.context.names(self.path(above))}
            alone = above and beside and all(other in files or other.endswith(".patch") for other in beside)
            found.add(above if alone else path)
        return tuple(sorted(found))

    @property
    def archives(self) -> tuple[str, ...]:
        """The ``file:`` dependencies that are archives."""
        return tuple(path for path, is_dir in self.lock.local.items() if not is_dir) if self.lock is not None else ()

    @cached_property
    def lifecycle(self) -> tuple[str | Refusal, ...]:
        """What the install scripts of the root and its members read; a refusal where that is not known."""
        found: list[str | Refusal] = []
        for place, manifest in {"": self.manifest, **self.inner}.items():
            scripts = manifest.get("scripts")
            if isinstance(scripts, dict) and "pnpm:devPreinstall" in scripts:
                what = f"{self.path(f'{place}/package.json')} runs 'pnpm:devPreinstall', which may need the source"
                found.append(Refusal("lifecycle-script", what))
            found.extend(
                need if isinstance(need, Refusal) else posixpath.normpath(posixpath.join(place, need))
                for need in lifecycle_needs(self.scene.context, self.path(place).removeprefix("."), manifest)
            )
            if self.scene.context.is_file(self.path(f"{place}/binding.gyp")):
                what = f"{self.path(f'{place}/binding.gyp')} makes pnpm compile the project during the install"
                found.append(Refusal("native-addon", what))
        return tuple(found)

    @property
    def has_scripts(self) -> bool:
        """Whether an install runs a script of the project's own."""
        names = {*LIFECYCLE, "pnpm:devPreinstall"}
        listed = (manifest.get("scripts") for manifest in (self.manifest, *self.inner.values()))
        return any(isinstance(scripts, dict) and names & scripts.keys() for scripts in listed) or any(
            isinstance(need, Refusal) for need in self.lifecycle
        )

    def agrees(self) -> bool:
        """Whether an install without --frozen-lockfile would leave the lockfile as it is."""
        lock = self.lock
        if lock is None or lock.extended or any(name in self.optional for name in PNPMFILES):
            return False
        manifests = {"": self.manifest, **self.inner}
        if any(specifiers_of(manifest) and place not in lock.importers for place, manifest in manifests.items()):
            return False
        overrides = self._table("overrides") | self._table("resolutions", self.manifest)
        patched = self._table("patchedDependencies")
        if overrides.keys() != lock.overrides or patched.keys() != lock.patched or self._table("packageExtensions"):
            return False
        changed = {re.sub(r"(?<=.)@.*", "", name.rpartition(">")[2]) for name in overrides}
        for place, manifest in manifests.items():
            asked = specifiers_of(manifest)
            peers = manifest.get("peerDependencies")
            loose = changed | (set(peers) if isinstance(peers, dict) else set())
            locked = lock.importers.get(place, {})
            for name in (asked.keys() | locked.keys()) - loose:
                if asked.get(name) != locked.get(name):
                    return False
        return self._catalogs_agree(lock)

    def _table(self, name: str, source: Mapping[str, object] | None = None) -> dict[str, object]:
        found: dict[str, object] = {}
        for place in (self.own, self.workspace) if source is None else (source,):
            listed = place.get(name)
            if isinstance(listed, dict):
                found.update(listed)
        return found

    def _catalogs_agree(self, lock: Locked) -> bool:
        named = self.workspace.get("catalogs")
        catalogs = dict(named) if isinstance(named, dict) else {}
        catalogs.setdefault("default", self.workspace.get("catalog"))
        for key, specifier in lock.catalogs.items():
            catalog, _, name = key.partition(":")
            entries = catalogs.get(catalog)
            if not isinstance(entries, dict) or str(entries.get(name)) != specifier:
                return False
        return True


def json_of(scene: Scene, path: str) -> Mapping[str, object] | None:
    """A JSON object of the context; None when it is missing or none."""
    data = scene.context.read(path, _LIMIT)
    try:
        value = json.loads(data) if data is not None else None
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _yaml_of(scene: Scene, path: str) -> Mapping[str, object] | None:
    """A YAML mapping that people write by hand; None when it is none, or none to be trusted."""
    data = scene.context.read(path, 1024 * 1024)
    if data is None or (b"&" in data.replace(b"&&", b"") and re.search(rb"(?:^|[\s\[{,])[&*]\w", data)):
        return None  # Anchors can make a small file a huge one.
    import yaml

    try:
        value = yaml.load(data, getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except (yaml.YAMLError, ValueError, RecursionError):
        return None
    return {} if value is None else value if isinstance(value, dict) else None


def project_of(call: Call, scene: Scene, directory: str, *, alone: bool) -> Project | Refusal:
    """The project that a command works on: that of its directory, or the workspace above which it is a member of."""
    line = call.step.line
    root, here = directory, ""
    while not alone and not scene.has(join(root, WORKSPACE)):
        above = posixpath.dirname(root)
        if above == root or not above:
            root = directory
            break
        root = above
    here = posixpath.relpath(directory, root) if root != directory else ""
    origin = scene.project(root, "package.json", LOCKFILE, WORKSPACE)
    if origin is None:
        return Refusal(NOT_IN_CONTEXT, f"no COPY brings a package.json of the build context to {directory}", line)
    manifest_path = posixpath.join(origin, "package.json")
    manifest = json_of(scene, manifest_path) if scene.origin(join(root, "package.json")) == manifest_path else {}
    project = Project(scene, root, origin, here, manifest or {}, {})
    if manifest is None:
        project.problem = Refusal("bad-manifest", f"{manifest_path} is not valid JSON", line)
        return project
    if project.reaches(WORKSPACE) and not alone:
        workspace = _yaml_of(scene, project.path(WORKSPACE))
        if workspace is None:
            project.problem = Refusal("bad-workspace", f"{project.path(WORKSPACE)} cannot be read as settings", line)
            return project
        project.workspace = workspace
    if here and here not in project.members:
        what = f"{directory} is no member of the workspace of {project.path(WORKSPACE)}"
        project.problem = Refusal("outside-workspace", what, line)
    elif here and scene.has(join(directory, ".npmrc")):
        project.problem = Refusal("settings-path", f"{here} has an .npmrc of its own beside that of the root", line)
    project.settings = dict(_settings(project, call))
    return project


def _settings(project: Project, call: Call) -> Iterator[tuple[str, str]]:
    """The settings that count for a call, the strongest last."""
    for source in (project.own, project.workspace):
        for name, value in source.items():
            text = str(value).lower() if isinstance(value, bool) else value if isinstance(value, str) else "..."
            yield re.sub(r"(?<=[a-z])(?=[A-Z])", "-", str(name)).lower(), text
    npmrc = project.scene.context.read(project.path(".npmrc")) if ".npmrc" in project.optional else None
    for line in (npmrc or b"").decode("utf-8", "replace").splitlines():
        name, equals, value = (part.strip() for part in line.partition("="))
        if equals and not name.startswith(("#", ";")):
            yield name.removesuffix("[]"), value.strip("'\"")
    for name, value in {**call.step.state.values, **call.env}.items():
        match = re.fullmatch(r"(?i:p?npm_config_)(\w+)", name)
        if match is not None:
            yield match[1].lower().replace("_", "-"), value


def obstacles(project: Project, call: Call, major: int | None) -> Iterator[Refusal]:
    """Why neither a fetch nor an install from narrow inputs is known to do the same as the install after the copy."""
    line = call.step.line
    if project.problem is not None:
        yield project.problem
    for name, value in project.settings.items():
        if name in _UNFIT and value not in _UNFIT[name]:
            yield Refusal("unfit-setting", f"the setting {name} ({_short(value)}) does not go with pnpm fetch", line)
        elif name not in _OWN_PATHS and _NAMES_PATH.match(value) and not value.startswith("//"):
            yield Refusal("settings-path", f"the setting {name} names a file or directory: {_short(value)}", line)
        elif name == "store-dir" and not value.startswith(("/", "~")):
            yield Refusal("unfit-setting", f"the setting store-dir ({_short(value)}) lies in the project", line)
    for name in (name for name in project.optional if name in PNPMFILES):
        text = project.scene.context.read(project.path(name)) or b""
        if re.search(rb"""(?:require|import|from)\b[\s(]*['"`](?:\.|/)|\breadFile|__dirname|\bcwd\(""", text):
            yield Refusal("pnpmfile-imports", f"{project.path(name)} reads other files of the project", line)
    lock = project.lock
    if lock is None:
        return
    if lock.injected:
        yield Refusal("injected-dependency", "a member of the workspace is injected: pnpm copies its source", line)
    for path, is_dir in lock.local.items():
        if is_dir:
            yield Refusal("local-package", f"{path}, a file: dependency, is a directory that pnpm copies", line)
    for path in (*project.patches, *project.archives):
        if path.startswith(("..", "/")) or not project.reaches(path):
            yield Refusal("file-missing", f"{path}, which {LOCKFILE} or a setting names, is not in the image", line)
    yield from _reads_project(project, call, lock, major)
    known = {5: (6, 7), 6: (8, 9), 9: (9, 99)}.get(lock.major)
    if known is None or (major is None and lock.major < 9) or not known[0] <= (major or 9) <= known[1]:
        who = f"pnpm {major}" if major is not None else "the pnpm of the image, whose version is not known"
        yield Refusal(
            "lockfile-version", f"{LOCKFILE} has version {lock.major}, which {who} may not use as it is", line
        )


def _reads_project(project: Project, call: Call, lock: Locked, major: int | None) -> Iterator[Refusal]:
    """Dependencies whose install scripts do something else, silently, when the source is not there yet."""
    if call.has("--ignore-scripts") or project.settings.get("ignore-scripts") == "true":
        return
    names = project.scene.context.names(project.origin)
    for name in sorted(lock.names & _READS_PROJECT.keys()):
        if lock.scripted is not None and name not in lock.scripted:
            continue
        if name == "@prisma/client" and re.search(r"\bprisma\s+generate\b", _lifecycle_text(project)):
            continue
        if name == "msw" and "msw" not in project.manifest:
            continue
        if name == "puppeteer" and not any(re.match(r"\.puppeteerrc|puppeteer\.config", item) for item in names):
            continue
        if major is not None and major >= 10 and not _may_build(project, name):
            continue
        what = f"the install script of {name} reads {_READS_PROJECT[name]} of the project, which is not there yet"
        yield Refusal("script-reads-project", what, call.step.line)


def _lifecycle_text(project: Project) -> str:
    scripts = project.manifest.get("scripts")
    return " ".join(str(scripts.get(name, "")) for name in LIFECYCLE) if isinstance(scripts, dict) else ""


def _may_build(project: Project, name: str) -> bool:
    """Whether pnpm 10 or later runs the install script of a dependency."""
    for source in (project.own, project.workspace):
        if source.get("dangerouslyAllowAllBuilds") or source.get("onlyBuiltDependenciesFile"):
            return True
        only, allowed = source.get("onlyBuiltDependencies"), source.get("allowBuilds")
        if isinstance(only, list) and any(str(item).startswith(name) for item in only):
            return True
        if isinstance(allowed, dict) and any(str(item).startswith(name) and value for item, value in allowed.items()):
            return True
    return False


def _short(text: str) -> str:
    return text if len(text) <= 40 else f"{text[:37]}..."
