"""How the calls of pnpm are read."""

from __future__ import annotations

import posixpath
from dataclasses import replace

from dockerlayer.api import (
    SYSTEM_WRITES,
    Call,
    Effect,
    Fetch,
    Lock,
    Refusal,
    Scene,
    Split,
    is_within,
    join,
)
from dockerlayer_rules._pnpmcall import (
    ADD,
    ANEW,
    CLEAN,
    DEPLOY,
    FETCH,
    FILTERS,
    HARMLESS,
    INSTALL,
    PRODUCTION,
    SETTINGS,
    TESTS,
    TOOLS,
    Asked,
    Version,
    ask,
    pinned_of,
    version_of,
)
from dockerlayer_rules._pnpmlock import specifiers_of
from dockerlayer_rules._pnpmproject import LOCKFILE, WORKSPACE, Project, obstacles, project_of
from dockerlayer_rules._pnpmsplit import fetch_needs, narrow, split
from dockerlayer_rules.pnpm import ecosystem

_COREPACK = frozenset({"prepare", "install", "i"})


def read(call: Call, scene: Scene) -> Fetch | None:
    """What a pnpm or corepack command takes from the registry, given what stands in the image when it runs."""
    if call.program == "corepack":
        return _corepack(call, scene)
    asked = ask(call)
    if asked is None or asked.directory is None or _is_offline(asked):
        return None
    line = call.step.line
    if asked.is_global or asked.verb in TOOLS:
        tools = max(len(asked.operands), 1)
        named = asked.operands or asked.verb in TOOLS
        return (
            Fetch(call, "tool", asked.directory, count=tools) if named and asked.verb in INSTALL | ADD | TOOLS else None
        )
    if asked.verb in INSTALL | ADD and asked.operands:
        blocked = Refusal("named-packages", f"pnpm adds {' '.join(asked.operands)} to the project's own packages", line)
        return Fetch(call, "install", asked.directory, blocked=blocked)
    if asked.verb not in INSTALL | CLEAN | FETCH | TESTS | ANEW | DEPLOY:
        return None
    if asked.verb not in FETCH and _filled_before(asked, scene):
        return None
    project = project_of(call, scene, asked.directory, alone=asked.has("--ignore-workspace"))
    if isinstance(project, Refusal):
        return Fetch(call, "install", asked.directory, blocked=project)
    return _of_project(asked, scene, project)


def _is_offline(asked: Asked) -> bool:
    variables = ("npm_config_offline", "NPM_CONFIG_OFFLINE", "pnpm_config_offline", "PNPM_CONFIG_OFFLINE")
    return asked.has("--offline", "--lockfile-only", "--help", "-h", "--dry-run") or any(
        (asked.call.value(name) or "").lower() == "true" for name in variables
    )


def _filled_before(asked: Asked, scene: Scene) -> bool:
    """Whether a fetch, or an install that saw as much, has run for the same project in an earlier command."""
    for other in scene.before(asked.call):
        earlier = ask(other)
        if earlier is None or earlier.directory is None or earlier.is_global or earlier.operands:
            continue
        nested = is_within(asked.directory or "", earlier.directory) or is_within(
            earlier.directory, asked.directory or ""
        )
        if earlier.verb in FETCH and nested:
            return True
        if earlier.verb in INSTALL | CLEAN and nested and not _cut_short(earlier, asked):
            if asked.verb in DEPLOY:
                return not ecosystem.cached_by(other.step)
            if other.step is not asked.call.step and _saw_all(other, scene, asked):
                return True
    return False


def _cut_short(earlier: Asked, later: Asked) -> bool:
    """Whether the earlier command left out what the later one wants."""
    fewer = (*PRODUCTION, "--dev", "-D", *FILTERS, "--no-optional")
    return any(earlier.has(name) and not later.has(name) for name in fewer) and later.verb not in DEPLOY


def _saw_all(earlier: Call, scene: Scene, asked: Asked) -> bool:
    """Whether the manifests that a later install sees were there when an earlier one ran."""
    project = project_of(asked.call, scene, asked.directory or "", alone=asked.has("--ignore-workspace"))
    if isinstance(project, Refusal) or ecosystem.cached_by(earlier.step):
        return False
    above = [item for item in scene.placements if item.step.instruction.start < earlier.step.instruction.start]
    names = ["package.json", LOCKFILE, *(f"{place}/package.json" for place in project.members)]
    images = [join(project.directory, name) for name in names if project.reaches(name)]
    return all(any(item.origin(image) is not None for item in above) for image in images)


def _of_project(asked: Asked, scene: Scene, project: Project) -> Fetch | None:
    call, directory = asked.call, project.directory
    lock = lock_of(asked, scene, project)
    version = version_of(call, scene, project.manifest)
    count = project.lock.count(omit_dev=_omits_dev(asked, version)) if project.lock is not None else None
    manifests = (project.manifest, *project.inner.values())
    if project.problem is None and (count == 0 or (count is None and not any(map(specifiers_of, manifests)))):
        return None
    if project.settings.get("offline") == "true":
        return None
    if lock is not None and lock.state == "missing" and call.guards & {"if", "or"}:
        return None  # As in `if [ -f pnpm-lock.yaml ]`: the branch is for those that have one.
    fetched = fetch_needs(project, version)
    members = tuple(posixpath.join(place, "package.json") for place in project.members)
    reached = tuple(path for path in members if project.reaches(path))
    kind = "download" if asked.verb in FETCH else "build" if asked.verb in DEPLOY else "install"
    modules = tuple(join(directory, posixpath.join(place, "node_modules")) for place in ("", *project.members))
    reads = (*(join(directory, name) for name in (".npmrc", LOCKFILE, WORKSPACE, "package.json")), *SETTINGS)
    fetch = Fetch(
        call, kind, directory, project.origin, fetched, modules[:1], count, "packages", lock, reads=reads
    )  # fmt: skip
    if kind == "install":
        own = [name for name in ("package.json",) if project.reaches(name)]
        needs = tuple(dict.fromkeys([*own, *fetched, *reached]))
        # What a filter leaves out is left out on purpose.
        wanted = () if asked.has(*FILTERS) else members
        silent = "installs nothing for it and exits 0"
        fetch = replace(fetch, needs=needs, writes=modules, members=wanted, without_member=silent)
    refusal = _refused(asked, project, fetch) or next(obstacles(project, call, version.major), None)
    if refusal is not None:
        return replace(fetch, blocked=refusal)
    if kind == "download":
        return fetch
    fetch = narrow(asked, project, fetch, version)
    pair = split(asked, scene, project, version)
    return replace(fetch, split=pair) if isinstance(pair, Split) else replace(fetch, no_split=pair)


def _omits_dev(asked: Asked, version: Version) -> bool:
    if asked.has(*PRODUCTION):
        return all(value != "false" for name, value in asked.options if name in PRODUCTION)
    # From version 10 on pnpm takes no notice of NODE_ENV.
    return asked.call.value("NODE_ENV") == "production" and version.major is not None and version.major < 10


def _refused(asked: Asked, project: Project, fetch: Fetch) -> Refusal | None:
    line = asked.call.step.line
    lock = fetch.lock
    if asked.verb in TESTS:
        return Refusal("runs-tests", f"pnpm {asked.verb} runs the project's tests as well", line)
    if asked.verb in ANEW:
        return Refusal("resolves-anew", f"pnpm {asked.verb} chooses versions anew and changes {LOCKFILE}", line)
    if asked.verb in DEPLOY:
        return Refusal(
            "pnpm-deploy", "pnpm deploy copies the source and asks the registry about it (up to pnpm 10)", line
        )
    if project.problem is not None:
        return project.problem
    if lock is not None and lock.state == "elsewhere":
        return Refusal("manifests-apart", f"package.json and {LOCKFILE} come from different directories", line)
    if lock is not None and lock.state != "ok":
        reason = f"no lockfile reaches {fetch.directory}: which versions the layer keeps would be chance"
        return Refusal("no-lockfile", reason, line)
    if project.lock is None:
        return Refusal("bad-lockfile", f"{project.path(LOCKFILE)} cannot be read", line)
    if project.scene.has(join(project.directory, "node_modules")):
        what = f"{project.path('node_modules')} is in the build context and would overwrite what is fetched"
        return Refusal("node-modules-in-context", what, line)
    if any(is_within(path, join(fetch.directory, "node_modules")) for path in project.scene.received):
        return Refusal("modules-received", "node_modules is copied from another stage before the install", line)
    return None


def lock_of(asked: Asked, scene: Scene, project: Project) -> Lock | None:
    """What pins the install of a project."""
    if project.settings.get("lockfile") == "false" or asked.has("--no-lockfile"):
        return Lock("package.json", LOCKFILE, "off")
    path, image = project.path(LOCKFILE), join(project.directory, LOCKFILE)
    advice = "pnpm install --lockfile-only writes pnpm-lock.yaml (pnpm import makes it of another lockfile); commit it"
    placed = scene.origin(image)
    if placed is not None and placed != path:
        return Lock("package.json", LOCKFILE, "elsewhere")
    if scene.context.is_file(path):
        text = "copy it beside package.json; the image then gets the versions that it pins"
        return Lock("package.json", LOCKFILE, "ok" if scene.would_be(image) == path else "uncopied", text)
    if scene.context.hidden(path):
        return Lock("package.json", LOCKFILE, "hidden", f"take {LOCKFILE} out of the ignore file")
    needed = any(map(specifiers_of, (project.manifest, *project.inner.values())))
    return Lock("package.json", LOCKFILE, "missing" if needed else "ok", advice)


def _corepack(call: Call, scene: Scene) -> Fetch | None:
    """``corepack prepare`` and ``install`` without a name download the pnpm that package.json names."""
    words = [word for word in call.arguments if not word.startswith("-")]
    if len(words) != 1 or words[0] not in _COREPACK or call.cwd is None:
        return None
    project = project_of(call, scene, call.cwd, alone=True)
    if isinstance(project, Refusal) or not pinned_of(project.manifest).startswith("pnpm@"):
        return None
    return Fetch(call, "download", project.directory, project.origin, ("package.json",), count=1, reads=SETTINGS)


def effect(call: Call, scene: Scene) -> Effect | None:
    """What the commands read and write that fetch nothing: settings, and an install of what was fetched."""
    system = (*SYSTEM_WRITES, *SETTINGS)
    if call.program == "corepack":
        words = [word for word in call.arguments if not word.startswith("-")]
        named = bool(words[1:]) and words[0] in _COREPACK  # The package manager of the image, not of the project.
        return Effect(writes=system) if named or words[:1] in (["enable"], ["disable"]) else None
    asked = ask(call)
    if asked is None or asked.directory is None:
        return Effect(writes=system) if call.arguments in {("-v",), ("--version",)} else None
    if asked.verb in HARMLESS:
        own = asked.has("--location") or asked.verb not in {"config", "c", "set"}
        return Effect(writes=(*system, join(asked.directory, ".npmrc")) if own else system)
    if asked.verb not in INSTALL or asked.operands:
        return None
    project = project_of(call, scene, asked.directory, alone=asked.has("--ignore-workspace"))
    if isinstance(project, Refusal) or project.problem is not None or project.has_scripts:
        return None
    modules = (join(project.directory, posixpath.join(place, "node_modules")) for place in ("", *project.members))
    return Effect((project.directory, *system), (*modules, *system))
