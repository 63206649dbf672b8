"""What Yarn Classic fetches: its installs, when they may move or be split, and why not."""

from __future__ import annotations

import posixpath
import shlex
from collections.abc import Iterator
from dataclasses import replace

from dockerlayer.api import (
    NOT_IN_CONTEXT,
    SYSTEM_WRITES,
    Call,
    Effect,
    Fetch,
    Refusal,
    Scene,
    Split,
    insert_after,
    join,
)
from dockerlayer_rules._yarn import (
    Project,
    bin_of,
    cleaned_after,
    earlier_installs,
    enclosing_root,
    has_dependencies,
    is_berry,
    is_covered,
    local_needs,
    lock_obstacle,
    lock_of,
    manifests_of,
    member_manifests,
    modules_in_context,
    project_of,
    ranges,
    reader_of,
    resolutions,
    script_needs,
)
from dockerlayer_rules._yarncall import (
    CACHES,
    SETTINGS,
    Asked,
    ask,
    corepack_effect,
    in_cache_mount,
    inside,
    is_of_project,
    lead_of,
    settings_effect,
)
from dockerlayer_rules._yarnlock import Locked
from dockerlayer_rules._yarnrc import classic_settings, named_path, settings_needs
from dockerlayer_rules.yarn import ecosystem

ADDS = frozenset({"add", "upgrade", "upgrade-interactive", "link", "remove"})
# Options of the install that its download has as well, and those that mean nothing there.
CARRIED = frozenset(
    """--production --prod --ignore-engines --ignore-platform --ignore-optional --non-interactive --no-progress --silent
    -s --verbose --network-timeout --network-concurrency --registry --cache-folder --mutex --no-bin-links
    --skip-integrity-check --proxy --https-proxy --no-emoji --emoji --no-default-rc""".split()
)
DROPPED = frozenset(
    """--frozen-lockfile --ignore-scripts --pure-lockfile --check-files --prefer-offline --immutable --force
    --no-cache""".split()
)
KNOWN_SETTINGS = frozenset({"yarn-path", "yarn-offline-mirror", "cache", "prefix", "lastUpdateCheck", "cache-folder"})
WITHOUT_MEMBER = "installs nothing for it and exits 0"


def read(call: Call, scene: Scene) -> Fetch | None:
    """What a command of Yarn Classic takes from the registry, given what stands in the image when it runs."""
    asked = ask(call)
    directory, line = asked.directory, call.step.line
    if call.program == "corepack" or is_of_project(call) or directory is None or is_berry(call, scene, directory):
        return None
    if asked.verb == "global" and asked.operands[:1] == ("add",):
        return _global(asked, directory)
    if asked.verb in ADDS and (asked.operands or asked.verb != "link"):
        what = f"yarn {asked.verb} changes the project's own packages"
        return Fetch(call, "install", directory, blocked=Refusal("named-packages", what, line))
    if asked.verb != "install" or asked.operands or _is_offline(asked, scene):
        return None
    if in_cache_mount(asked, scene, classic_settings(scene, directory).get("cache-folder")):
        return None
    origin = scene.project(directory, "package.json")
    if origin is None:
        blocked = Refusal(NOT_IN_CONTEXT, f"no COPY brings a package.json of the build context to {directory}", line)
        return Fetch(call, "install", directory, blocked=blocked)
    project = project_of(call, scene, directory, origin)
    if isinstance(project, Refusal):
        return Fetch(call, "install", directory, origin, blocked=project)
    return _install(asked, project)


def _global(asked: Asked, directory: str) -> Fetch:
    call, packages = asked.call, asked.operands[1:]
    if any(word.startswith((".", "/", "~", "file:", "$")) for word in packages):
        what = f"yarn installs from a path or variable: {' '.join(packages)}"
        return Fetch(call, "install", directory, blocked=Refusal("local-path", what, call.step.line))
    return Fetch(call, "tool", directory, writes=CACHES)


def _is_offline(asked: Asked, scene: Scene) -> bool:
    """Whether nothing is downloaded: by an option, or since a mirror of all archives comes with the source."""
    if asked.has("--offline", "--help") or asked.directory is None:
        return True
    settings = classic_settings(scene, asked.directory)
    if settings.get("--install.offline") == "true" or settings.get("--offline") == "true":
        return True
    mirror = settings.get("yarn-offline-mirror", "")
    place = scene.origin(join(asked.directory, mirror)) if mirror and mirror != "false" else None
    return place is not None and any(name.endswith(".tgz") for name in scene.context.names(place))


def _omits_dev(asked: Asked) -> bool:
    if any(name in {"--production", "--prod"} for name, _ in asked.options):
        return asked.has("--production", "--prod")
    return asked.call.value("NODE_ENV") == "production"


def _install(asked: Asked, project: Project) -> Fetch | None:
    call, scene, directory = asked.call, project.scene, project.directory
    lock, locked = lock_of(project, off=asked.has("--no-lockfile"))
    count = locked.archives if locked is not None and locked.version == 1 else None
    if not any(has_dependencies(inner) for _, inner in project.manifests) or count == 0:
        return None
    manifests = [*manifests_of(project), *(["yarn.lock"] if locked is not None else [])]
    for other in earlier_installs(project, manifests):
        if not ecosystem.cached_by(other.step) and (_omits_dev(asked) or not _omits_dev(ask(other))):
            return None
    settings = list(settings_needs(scene, directory, project.origin))
    local = list(local_needs(project))
    scripts = [] if asked.has("--ignore-scripts") else list(script_needs(project))
    needs = [*manifests, *_paths(settings), *_settings_files(project), *_paths(local)]
    writes = tuple(join(directory, posixpath.join(place, "node_modules")) for place in ("", *project.members))
    mirror = classic_settings(scene, directory).get("yarn-offline-mirror", "false")
    folders = (asked.value("--modules-folder"), None if mirror == "false" else mirror)
    fetch = Fetch(
        call,
        "install",
        directory,
        project.origin,
        tuple(dict.fromkeys([*needs, *_paths(scripts)])),
        (*writes, *CACHES, *(join(directory, folder) for folder in folders if folder)),
        count,
        "packages",
        None if _membership(project) else lock,
        reads=(*(join(directory, name) for name in (".npmrc", ".yarnrc", "yarn.lock")), *SETTINGS),
        members=member_manifests(project),
        without_member=WITHOUT_MEMBER if project.members else "",
    )
    apart = drift(project, locked)
    frozen = asked.has("--frozen-lockfile")
    obstacles = (*_obstacles(project, locked), *settings, *local, apart if frozen else None)
    blocked = (
        _membership(project)
        or lock_obstacle(project, lock, locked)
        or next((item for item in obstacles if isinstance(item, Refusal)), None)
    )
    if blocked is not None:
        return replace(fetch, blocked=blocked._replace(line=call.step.line))
    if frozen and asked.has("--ignore-scripts") and not is_covered(project):
        return replace(fetch, kind="download")
    if apart is not None:
        fetch = replace(fetch, assumptions=(f"{apart.message}: yarn rewrites it, and COPY brings the old one back",))
    rooted = next((item for item in scripts if isinstance(item, Refusal)), None) or bin_of(project)
    rooted = rooted or (None if asked.has("--ignore-scripts") else reader_of(project, locked))
    fetch = replace(fetch, no_narrow=rooted)
    if rooted is None:
        return fetch
    split = apart or cleaned_after(project) or _split(asked, project, tuple(dict.fromkeys(needs)))
    if isinstance(split, Split):
        return replace(fetch, split=split)
    return replace(fetch, no_split=split._replace(line=call.step.line))


def _paths(found: list[str | Refusal]) -> list[str]:
    return [item for item in found if isinstance(item, str)]


def _settings_files(project: Project) -> Iterator[str]:
    """What the settings and the package itself have the install read."""
    release = classic_settings(project.scene, project.directory).get("yarn-path", "")
    names = [".yarnclean", *([posixpath.normpath(release)] if release else [])]
    for name in names:
        if project.scene.origin(join(project.directory, name)) == project.path(name):
            yield name


def _obstacles(project: Project, locked: Locked | None) -> Iterator[Refusal]:
    """Why narrow inputs are not enough, or nothing can be said."""
    path = project.path("yarn.lock")
    if locked is not None and locked.is_berry:
        what = f"{path} is of Yarn 2 or later, but the yarn of {project.call.step.stage.base_image} is Classic"
        yield project.refusal("berry-lockfile", f"{what}: it refuses the lockfile, or overwrites it")
    setting = named_path(classic_settings(project.scene, project.directory), KNOWN_SETTINGS)
    if setting is not None:
        yield project.refusal("settings-path", f"the settings of yarn name a file in {setting}")
    own = project.manifest.get("installConfig")
    if isinstance(own, dict) and own.get("pnp"):
        yield project.refusal("plug-n-play", "package.json turns Plug'n'Play of Yarn 1 on")
    modules = modules_in_context(project)
    if modules is not None:
        yield modules


def _membership(project: Project) -> Refusal | None:
    root = enclosing_root(project.scene, project.directory, project.origin)
    if root is None:
        return None
    what = f"the package is a workspace of {inside(root[1], 'package.json')}, beside which yarn looks for the lockfile"
    return project.refusal("workspace-member", what)


def drift(project: Project, locked: Locked | None) -> Refusal | None:
    """A range that the lockfile does not know; Yarn 1 itself overlooks those of workspaces (yarnpkg/yarn#5840)."""
    names = {inner.get("name") for _, inner in project.manifests}
    forced = {key.rpartition("/")[2] for key in resolutions(project.manifest)}
    for place, manifest in project.manifests:
        for name, text in ranges(manifest):
            known = locked is not None and (f"{name}@{text}" in locked.keys or (not text and f"{name}@" in locked.keys))
            if not (known or name in names or name in forced or text.startswith("link:")):
                what = f"yarn.lock has no {name}@{text}, which {project.path(place, 'package.json')} asks for"
                return project.refusal("lockfile-outdated", what)
    return None


def _split(asked: Asked, project: Project, needs: tuple[str, ...]) -> Split | Refusal:
    """The download without scripts, from the manifests; then the command as it was, offline.

    Without ``--force`` it would build only what it copies anew, which is nothing: no dependency's install script would
    run. And a command that ignores scripts itself would find all in order, and link no program of a workspace.
    """
    lead = lead_of(asked.call)
    if isinstance(lead, Refusal):
        return lead
    if not asked.literal:
        return project.refusal("variable-options", "the options of the command are not literal")
    carried = []
    for name, value in asked.options:
        if name in CARRIED:
            carried.append(f"{name}={shlex.quote(value)}" if value is not None else name)
        elif name not in DROPPED:
            return project.refusal("unknown-option", f"what {name} means for a download is not known")
    words = [word.text for word in asked.call.words]
    verb = ["install"] if "install" in words else []
    download = " ".join([lead, *verb, "--frozen-lockfile --ignore-scripts", *carried])
    added = [name for name in ("--offline", "--force", "--frozen-lockfile") if not asked.has(name)]
    note = "packages are linked, and their install scripts run, on every source edit; yarn itself needs no network then"
    return Split(
        download,
        (insert_after(asked.behind, " ".join(added)),),
        notes=(note,),
        directory=project.directory,
        writes=(join(project.directory, "node_modules"), *CACHES),
        needs=needs,
    )


def effect(call: Call, scene: Scene) -> Effect | None:
    """What corepack, and the commands of Yarn Classic that fetch nothing, read and write."""
    if call.program == "corepack":
        return corepack_effect(call)
    asked = ask(call)
    if asked.directory is None or is_berry(call, scene, asked.directory):
        return None
    modules = join(asked.directory, "node_modules")
    if asked.verb == "autoclean":
        own = join(asked.directory, ".yarnclean")
        return Effect((own, modules, *SYSTEM_WRITES), (own, modules))
    if asked.verb == "install" and not asked.operands and asked.has("--ignore-scripts") and asked.has("--offline"):
        return Effect((asked.directory, *SYSTEM_WRITES), (modules, *SYSTEM_WRITES, *CACHES))
    return settings_effect(call, berry=False)
