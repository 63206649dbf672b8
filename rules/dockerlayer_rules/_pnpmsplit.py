"""How one pnpm install becomes a fetch and an offline install, what it needs to move above the source, and why not."""

from __future__ import annotations

import shlex
from dataclasses import replace

from dockerlayer.api import Call, Fetch, Refusal, Scene, Split, insert_after, join, prefix
from dockerlayer_rules._pnpmcall import CARRIED, CLEAN, FILTERS, KEPT, SETTINGS, Asked, Version, ask, pinned_of
from dockerlayer_rules._pnpmproject import LOCKFILE, Project

_VALUED = frozenset({"--registry", "--store-dir"})


def fetch_needs(project: Project, version: Version) -> tuple[str, ...]:
    """The files that ``pnpm fetch`` reads, relative to the root of the project."""
    pinned = pinned_of(project.manifest).partition("+")[0]
    matters = bool(pinned) and pinned != version.exact
    matters = matters or any(project.manifest.get(name) for name in ("pnpm", "devEngines", "resolutions"))
    names = ["package.json"] if matters and project.reaches("package.json") else []
    return tuple(dict.fromkeys([*names, LOCKFILE, *project.optional, *project.archives, *project.patches]))


def narrow(asked: Asked, project: Project, fetch: Fetch, version: Version) -> Fetch:
    """What the install itself needs to run above the source, or why it cannot."""
    line = asked.call.step.line
    refusal: Refusal | None = None
    extra: list[str] = []
    if not asked.has("--ignore-scripts"):
        for need in project.lifecycle:
            if isinstance(need, Refusal):
                refusal = refusal or need._replace(line=line)
            else:
                extra.append(need)
    if version.major is None or version.major <= 10:
        for place, manifest in project.inner.items():
            if manifest.get("bin") or manifest.get("directories"):
                path = project.path(f"{place}/package.json")
                what = f"{path} has a bin: pnpm links it only if its file is there (up to pnpm 10)"
                refusal = refusal or Refusal("workspace-bin", what, line)
    beside = [place for place in project.members if project.scene.context.exists(project.path(f"{place}/node_modules"))]
    if beside:
        what = f"{project.path(beside[0])}/node_modules is in the build context and would overwrite the install"
        refusal = refusal or Refusal("node-modules-in-context", what, line)
    unsure = may_change_lock(asked, project, version)
    return replace(
        fetch,
        needs=tuple(dict.fromkeys([*fetch.needs, *extra])),
        no_narrow=refusal,
        assumptions=(unsure,) if unsure else (),
    )


def split(asked: Asked, scene: Scene, project: Project, version: Version) -> Split | Refusal:
    """The pair of a fetch and an offline install, or why there is none."""
    call, line = asked.call, asked.call.step.line
    if asked.verb in CLEAN:
        return Refusal("clean-install", f"pnpm {asked.verb} removes what was fetched", line)
    if asked.has("--no-frozen-lockfile", "--fix-lockfile") or asked.value("--frozen-lockfile") == "false":
        return Refusal("not-frozen", "the install may change the lockfile, and asks the registry to do so", line)
    odd = next((name for name, _ in asked.options if name not in KEPT | CARRIED), None)
    if odd is not None:
        return Refusal("unknown-option", f"whether {odd} goes with pnpm fetch is not known", line)
    if call.step.instruction.json:
        return Refusal("exec-form", "a command that no shell reads cannot be given CI=true", line)
    if version.major is not None and version.major < 7:
        return Refusal("old-pnpm", f"pnpm fetch and install were not tried with pnpm {version.major}", line)
    later = next((other for other in scene.siblings if _empties(other, project)), None)
    if later is not None:
        what = f"{' '.join(later.argv)!r} removes what is fetched, which would stay in the image"
        return Refusal("cleanup-in-same-run", what, line)
    environment = _environment(call)
    if isinstance(environment, Refusal):
        return environment
    wrapped = call.words[0] is not call.command.words[0]
    program = call.words[0].text
    if wrapped and call.command.words[0].text.rpartition("/")[2] == "corepack":
        program = f"{call.command.words[0].text} {program}"
    carried = " ".join(f"{name} {value}".strip() if name in _VALUED else _joined(name, value)
                       for name, value in asked.options if name in CARRIED)  # fmt: skip
    if "$" in carried:
        return Refusal("unknown-option", f"the value of an option is not known before the build: {carried}", line)
    edits = [insert_after(asked.word, text)] if (text := _offline_flags(asked)) else []
    if not asked.has("--config.confirmModulesPurge", "--config.confirm-modules-purge") and "CI" not in call.env:
        # CI=true would reach the project's own scripts as well, which may do something else then.
        if wrapped or (project.has_scripts and not asked.has("--ignore-scripts")):
            text = f"{text} --config.confirmModulesPurge=false".strip()
            edits = [insert_after(asked.word, text)]
        else:
            edits.append(prefix(call, "CI=true"))
    assumptions = []
    brought = scene.would_be(join(project.directory, "node_modules"))
    if brought is not None and not scene.context.keeps_out(brought):
        assumptions.append(
            f"{brought} is not in the ignore file: "
            "if it exists where the image is built, COPY puts it over what was fetched"
        )
    notes = []
    if asked.has(*FILTERS):
        notes.append("pnpm fetch downloads all that the lockfile lists, not only what the install selects")
        if not _builds_nothing(project, version):
            assumptions.append("the packages that the filter leaves out can be installed in this image as well")
    if any(manifest.get("bin") for manifest in project.inner.values()):
        # Measured with pnpm 10: what fetch made hoists nothing, and the links to such programs then set no NODE_PATH.
        notes.append("the programs of workspace members find no packages but those that they declare")
    fetch, elsewhere = (
        " ".join(part for part in (environment, program, option, "fetch", carried) if part) for option in ("", "-C {}")
    )
    writes = (join(project.directory, "node_modules"), *SETTINGS)
    return Split(
        fetch,
        tuple(edits),
        tuple(assumptions),
        tuple(notes),
        project.directory,
        writes,
        fetch_needs(project, version),
        elsewhere=elsewhere if asked.has("-C", "--dir") else "",
    )


def may_change_lock(asked: Asked, project: Project, version: Version) -> str:
    """What has to hold for the install to leave the lockfile as it is; empty where that is known."""
    refused = asked.has("--no-frozen-lockfile") or asked.value("--frozen-lockfile") == "false"
    environment = {**asked.call.step.state.env, **asked.call.env}
    in_ci = environment.get("CI", "").lower() in {"true", "1"} or project.settings.get("frozen-lockfile") == "true"
    if not refused and (asked.has("--frozen-lockfile") or asked.verb in CLEAN or in_ci):
        return ""
    if not project.agrees():
        return f"{LOCKFILE} agrees with every package.json as it is"
    return "" if version.seen or version.major is not None else f"the pnpm of the image can read {LOCKFILE}"


def _joined(name: str, value: str) -> str:
    return f"{name}={value}" if value else name


def _offline_flags(asked: Asked) -> str:
    flags = [] if asked.has("--prefer-offline") else ["--offline"]
    return " ".join(flags if asked.has("--frozen-lockfile") else [*flags, "--frozen-lockfile"])


def _environment(call: Call) -> str | Refusal:
    """The environment of the command alone, which the fetch must have as well."""
    own = {item.name for item in call.command.assignments}
    if call.words[0] is not call.command.words[0]:
        own |= call.env.keys()
    text = " ".join(f"{name}={shlex.quote(call.env[name])}" for name in call.env if name in own)
    if "$" in text or "`" in text:
        return Refusal("variable-environment", "the command's own environment is not literal", call.step.line)
    return text


def _empties(call: Call, project: Project) -> bool:
    if call.program == "rm":
        return any(word.rstrip("/*").endswith(("node_modules", ".pnpm-store", "/pnpm", "/pnpm/store", "/.cache"))
                   for word in call.arguments)  # fmt: skip
    asked = ask(call)
    return asked is not None and asked.verb == "store" and asked.operands[:1] == ("prune",)


def _builds_nothing(project: Project, version: Version) -> bool:
    """Whether no dependency's install script runs, so that no package can fail to be installed."""
    lock = project.lock
    if lock is not None and lock.scripted is not None:
        return not lock.scripted
    allowed = ("onlyBuiltDependencies", "allowBuilds", "dangerouslyAllowAllBuilds", "onlyBuiltDependenciesFile")
    sources = (project.own, project.workspace)
    return (version.major or 0) >= 10 and not any(source.get(name) for source in sources for name in allowed)
