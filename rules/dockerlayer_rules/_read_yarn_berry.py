"""What Yarn 2 and later fetch: their installs, when they may move or be split, and why not."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping
from dataclasses import replace

from dockerlayer.api import (
    NOT_IN_CONTEXT,
    SYSTEM_WRITES,
    Call,
    Edit,
    Effect,
    Fetch,
    Refusal,
    Scene,
    Split,
    join,
    prefix,
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
    pinned_release,
    project_of,
    ranges,
    reader_of,
    resolutions,
    script_needs,
    yarn_path,
)
from dockerlayer_rules._yarncall import (
    SETTINGS,
    Asked,
    ask,
    in_cache_mount,
    installed,
    is_of_project,
    lead_of,
    number_of,
    settings_effect,
)
from dockerlayer_rules._yarnlock import Locked
from dockerlayer_rules._yarnrc import OWN_PLUGINS, berry_settings, plugins_of, scalars, settings_needs
from dockerlayer_rules.yarn_berry import ecosystem

ADDS = frozenset({"add", "up", "remove", "dedupe", "link", "unplug"})
SCRIPTS = ("preinstall", "install", "postinstall")
DROPPED = frozenset(
    """--immutable --frozen-lockfile --immutable-cache --inline-builds --json --network-timeout --silent
    --non-interactive --no-progress""".split()
)
# The version of the lockfile that a release writes, measured; another one is rewritten, which --immutable forbids.
WRITES = {5: ((3, 1), (3, 1)), 6: ((3, 2), (3, 8)), 8: ((4, 0), (4, 12)), 9: ((4, 14), (4, 14)), 10: ((4, 16), (4, 18))}
FOLDERS = (".yarn/releases", ".yarn/plugins", ".yarn/patches")
OFF = frozenset({"0", "false"})
ON = frozenset({"1", "true"})


def read(call: Call, scene: Scene) -> Fetch | None:
    """What a command of Yarn 2 or later takes from the registry, given what stands in the image when it runs."""
    asked = ask(call)
    directory, line = asked.directory, call.step.line
    if call.program == "corepack" or is_of_project(call) or directory is None or not is_berry(call, scene, directory):
        return None
    focus = asked.verb == "workspaces" and asked.operands[:1] == ("focus",)
    if asked.verb in ADDS and asked.operands:
        what = f"yarn {asked.verb} changes the project's own packages"
        return Fetch(call, "install", directory, blocked=Refusal("named-packages", what, line))
    if not focus and (asked.verb != "install" or asked.operands or asked.value("--mode") == "update-lockfile"):
        return None
    if asked.has("--help") or (call.value("YARN_ENABLE_NETWORK") or "") in OFF:
        return None
    origin = scene.project(directory, "package.json")
    if origin is None:
        blocked = Refusal(NOT_IN_CONTEXT, f"no COPY brings a package.json of the build context to {directory}", line)
        return Fetch(call, "install", directory, blocked=blocked)
    root = enclosing_root(scene, directory, origin)
    if root is not None:
        directory, origin = root
    project = project_of(call, scene, directory, origin)
    if isinstance(project, Refusal):
        return Fetch(call, "install", directory, origin, blocked=project)
    settings = berry_settings(scene, directory)
    if settings is None:
        blocked = Refusal("bad-settings", f"{project.path('.yarnrc.yml')} cannot be read as YAML", line)
        return Fetch(call, "install", directory, origin, blocked=blocked)
    folder = settings.get("cacheFolder")
    if settings.get("enableNetwork") is False or in_cache_mount(
        asked, scene, folder if isinstance(folder, str) else None
    ):
        return None
    return _install(asked, project, settings, focus=focus)


def release_of(project: Project) -> tuple[int, int | None] | None:
    """The version of yarn, where the file or the project says it."""
    path = posixpath.basename(yarn_path(project.scene, project.directory))
    if path:
        return number_of(path.removeprefix("yarn-"))
    found = installed(project.call, project.scene)
    return (pinned_release(project.manifest) if found in {"", "corepack"} else None) or number_of(found)


def _has_zips(project: Project, settings: Mapping[str, object], locked: Locked | None) -> bool:
    """Whether the archives come with the source (zero-install)."""
    release = release_of(project)
    major = release[0] if release else 4 if locked is not None and (locked.version or 0) > 7 else 3
    if settings.get("enableGlobalCache", major > 3) is not False:
        return False
    folder = settings.get("cacheFolder")
    path = join(project.directory, folder if isinstance(folder, str) else ".yarn/cache")
    place = project.scene.origin(path)
    return place is not None and any(name.endswith(".zip") for name in project.scene.context.names(place))


def is_immutable(asked: Asked, settings: Mapping[str, object]) -> bool:
    """Whether the install may not change the lockfile."""
    if any(name in {"--immutable", "--frozen-lockfile"} for name, _ in asked.options):
        return asked.has("--immutable", "--frozen-lockfile")
    if asked.has("--no-immutable"):
        return False
    value = asked.call.value("YARN_ENABLE_IMMUTABLE_INSTALLS")
    if value is not None:
        return value in ON
    return settings.get("enableImmutableInstalls") is True


def _install(asked: Asked, project: Project, settings: Mapping[str, object], *, focus: bool) -> Fetch | None:
    call, scene, directory = asked.call, project.scene, project.directory
    lock, locked = lock_of(project)
    count = locked.archives if locked is not None and locked.is_berry else None
    if not any(has_dependencies(inner) for _, inner in project.manifests) or count == 0:
        return None
    if _has_zips(project, settings, locked):
        return None
    manifests = [*manifests_of(project), *(["yarn.lock"] if locked is not None else [])]
    for other in earlier_installs(project, manifests):
        whole = ask(other).verb == "install" and ask(other).value("--mode") != "update-lockfile"
        if not ecosystem.cached_by(other.step) and (whole or other.arguments == call.arguments):
            return None
    immutable = is_immutable(asked, settings) and not focus
    own = list(settings_needs(scene, directory, project.origin))
    parts = list(_parts(project, settings))
    local = list(local_needs(project))
    scripts = list(script_needs(project, SCRIPTS))
    patches = [path for path in _paths(local) if not path.startswith(".yarn/patches/")]
    needs = tuple(dict.fromkeys([*manifests, *_paths(own), *_paths(parts), *patches]))
    modules = settings.get("nodeLinker", "pnp") != "pnp"
    places = [posixpath.join(place, "node_modules") for place in ("", *project.members)] if modules else [".pnp.cjs"]
    fetch = Fetch(
        call,
        "install",
        directory,
        project.origin,
        tuple(dict.fromkeys([*needs, *_paths(scripts)])),
        tuple(
            join(directory, place) for place in (*places, ".yarn/cache", ".yarn/unplugged", ".yarn/install-state.gz")
        ),
        None if focus else count,
        "packages",
        lock,
        reads=(*(join(directory, name) for name in (".yarnrc.yml", "yarn.lock", ".yarn")), *SETTINGS),
        members=member_manifests(project),
        without_member=_without_member(immutable=immutable, focus=focus) if project.members else "",
    )
    refusals = (*_obstacles(project, settings, locked), *own, *parts, *local)
    blocked = lock_obstacle(project, lock, locked) or next(
        (item for item in refusals if isinstance(item, Refusal)), None
    )
    if blocked is None and modules:
        blocked = modules_in_context(project)
    if blocked is not None:
        return replace(fetch, blocked=blocked._replace(line=call.step.line))
    if asked.value("--mode") == "skip-build" and not is_covered(project):
        return replace(fetch, kind="download")
    rooted = next((item for item in scripts if isinstance(item, Refusal)), None) or reader_of(project, locked)
    if settings.get("enableConstraintsChecks") is True:
        rooted = rooted or project.refusal("constraints", "the install checks constraints, which are source")
    rooted = rooted or (bin_of(project) if modules else None)
    unsettled = None if immutable or focus else unsettled_by(project, locked)
    assumed = list(_foreign_plugins(settings))
    if unsettled is not None:
        rewritten = f"{getattr(unsettled, 'message', '')}: yarn rewrites it, and COPY brings the old one back"
        assumed.append(unsettled if isinstance(unsettled, str) else rewritten)
    fetch = replace(fetch, no_narrow=rooted, assumptions=tuple(assumed))
    if focus:
        refusal = project.refusal("no-split", "yarn workspaces focus has no mode that only downloads")
        return replace(fetch, no_split=refusal if rooted is not None else None)
    outdated = unsettled if isinstance(unsettled, Refusal) else None
    split = outdated or cleaned_after(project) or _split(asked, project, needs)
    if isinstance(split, Split):
        return replace(fetch, split=split)
    return replace(fetch, no_split=split._replace(line=call.step.line))


def _paths(found: list[str | Refusal]) -> list[str]:
    return [item for item in found if isinstance(item, str)]


def _without_member(*, immutable: bool, focus: bool) -> str:
    if focus:
        return "leaves it out and exits 0"
    return "fails (YN0028)" if immutable else "takes it out of yarn.lock and exits 0"


def _parts(project: Project, settings: Mapping[str, object]) -> Iterator[str | Refusal]:
    """Releases, plugins, patches, and every other file that the settings name."""
    scene = project.scene
    for folder in FOLDERS:
        if scene.origin(join(project.directory, folder)) == project.path(folder) and scene.context.is_dir(
            project.path(folder)
        ):
            yield folder
    named = [yarn_path(scene, project.directory), *(path for path, _ in plugins_of(settings))]
    others = [text for name, text in scalars(settings) if name not in {"plugins", "yarnPath"} and "\n" not in text]
    for path in (*filter(None, named), *others):
        target = posixpath.normpath(path)
        if path in named and (target.startswith(("..", "/")) or not scene.context.is_file(project.path(target))):
            what = f"{path}, which .yarnrc.yml names, is not in the build context"
            yield project.refusal("release-missing", what)
        elif not target.startswith(FOLDERS) and scene.context.is_file(project.path(target)):
            yield target
        elif path.startswith(("./", "../")) and path not in named and not _is_folder(project, target):
            yield project.refusal("settings-path", f".yarnrc.yml names {path}, which is not in the build context")
    for name in (".env.yarn",):
        if scene.origin(join(project.directory, name)) == project.path(name):
            yield name


def _is_folder(project: Project, target: str) -> bool:
    return target.startswith(".yarn") or project.scene.context.is_dir(project.path(target))


def _foreign_plugins(settings: Mapping[str, object]) -> Iterator[str]:
    for path, name in plugins_of(settings):
        if not OWN_PLUGINS.match(name):
            yield f"the plugin {name or path} reads nothing of the source during the download"


def _obstacles(project: Project, settings: Mapping[str, object], locked: Locked | None) -> Iterator[Refusal]:
    """Why a download cannot be told from the rest, or nothing can be said."""
    path = project.path("yarn.lock")
    if locked is None or locked.version is None:
        return
    if not locked.is_berry:
        yield project.refusal("classic-lockfile", f"{path} is of Yarn 1: Yarn 2 and later resolve it anew")
        return
    release = release_of(project)
    if (release is not None and release[0] < 3) or (release is None and locked.version < 5):
        yield project.refusal("old-yarn", "Yarn 2 has no --mode=skip-build (it is there since Yarn 3)")
    missing = next((place for place in locked.workspaces if place != "." and place not in project.inner), None)
    if missing is not None:
        what = f"{path} lists the workspace {missing}, whose package.json does not reach the image"
        yield project.refusal("workspaces-differ", what)
    added = next((place for place in project.inner if place not in locked.workspaces), None)
    if added is not None:
        yield project.refusal("workspaces-differ", f"{path} does not list the workspace {added}")


def unsettled_by(project: Project, locked: Locked | None) -> Refusal | str | None:
    """Why an install without ``--immutable`` changes the lockfile (a refusal), or may change it for all we know."""
    major, minor = release_of(project) or (0, None)
    version = (locked.version or 0) if locked is not None else 0
    written = [key for key, (low, high) in WRITES.items() if minor is not None and low <= (major, minor) <= high]
    path = project.path("yarn.lock")
    if written and written != [version]:
        return project.refusal("lockfile-outdated", f"{path} is not of the version that the image's yarn writes")
    for place, manifest in project.manifests:
        recorded = locked.workspaces.get(place or ".", {}) if locked is not None else {}
        wanted = {name: _bare(text) for name, text in ranges(manifest)}
        if wanted != {name: _bare(text) for name, text in recorded.items()}:
            what = f"{path} does not say what {project.path(place, 'package.json')} does"
            return project.refusal("lockfile-outdated", what)
    if not written or resolutions(project.manifest):
        return f"the image's yarn leaves {path} as it is (yarn install --immutable succeeds)"
    return None


def _bare(text: str) -> str:
    return text.removeprefix("npm:").partition("::")[0]


def _split(asked: Asked, project: Project, needs: tuple[str, ...]) -> Split | Refusal:
    """The download and linking without builds, from the manifests; then the command as it was, without the network."""
    call = asked.call
    lead = lead_of(call)
    if isinstance(lead, Refusal):
        return lead
    unknown = next((name for name, _ in asked.options if name not in DROPPED | {"--mode"}), None)
    if unknown is not None:
        return project.refusal("unknown-option", f"what {unknown} means for a download is not known")
    if len(call.words) == len(call.command.words):
        edit = prefix(call, "YARN_ENABLE_NETWORK=0")
    else:
        start = call.command.words[0].start
        edit = Edit(start, start, b"YARN_ENABLE_NETWORK=0 ")
    verb = " install" if any(word.text == "install" for word in call.words) else ""
    return Split(
        f"{lead}{verb} --immutable --mode=skip-build",
        (edit,),
        directory=project.directory,
        writes=tuple(join(project.directory, name) for name in (".yarn", "node_modules", ".pnp.cjs")),
        needs=needs,
    )


def effect(call: Call, scene: Scene) -> Effect | None:
    """What the commands of Yarn 2 and later that fetch nothing read and write."""
    asked = ask(call)
    if call.program == "corepack" or asked.directory is None or not is_berry(call, scene, asked.directory):
        return None
    if asked.verb == "help":
        return Effect((*SYSTEM_WRITES, *(join(asked.directory, name) for name in (".yarnrc.yml", ".yarn"))))
    return settings_effect(call, berry=True)
