"""How the calls of NuGet (.NET) are read."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

from dockerlayer.api import (
    NOT_IN_CONTEXT,
    NOTHING,
    Call,
    Effect,
    Fetch,
    Refusal,
    Scene,
    Split,
    Word,
    is_within,
    join,
    path_of,
)
from dockerlayer_rules._msbuild import PROJECTS, SETTINGS, SOLUTIONS, closure_of, projects_in
from dockerlayer_rules._pipcall import source
from dockerlayer_rules.dotnet import ecosystem

BUILDS = frozenset(["build", "publish", "test", "pack", "run"])
QUIET = frozenset(["--info", "--version", "--list-sdks", "--list-runtimes", "--help", "-h"])
# An option's value that a restore takes as well, under the name that it has there.
CARRIED = {
    "-r": "-r", "--runtime": "-r", "-a": "-a", "--arch": "-a", "--os": "--os", "-s": "-s", "--source": "-s",
    "--configfile": "--configfile", "-c": "-p:Configuration=", "--configuration": "-p:Configuration=",
    "--packages": "--packages", "--lock-file-path": "--lock-file-path",
}  # fmt: skip
DROPPED = frozenset(
    """-o --output -f --framework -v --verbosity --version-suffix --manifest -l --logger --filter --results-directory
    --collect -d --diag --test-adapter-path --settings --launch-profile --project --tl --blame-hang-timeout""".split()
)
FLAGS = frozenset(
    """--nologo --no-incremental --no-dependencies --force --interactive --no-logo --disable-build-servers
    --include-symbols --include-source --serviceable --no-launch-profile --list-tests -t --blame --blame-crash
    --blame-hang --locked-mode --no-cache --ignore-failed-sources --force-evaluate --disable-parallel --no-http-cache
    -q -m --no-self-contained --self-contained --sc --use-current-runtime --ucr""".split()
)
_SWITCH = re.compile(
    r"[-/]{1,2}(?:p|property|t|target|v|verbosity|m|maxcpucount|nologo|clp|consoleloggerparameters|bl|binarylogger|nr|"
    r"nodereuse|noWarn|warnaserror|restore|tl|flp|fl)(?::|=|$)",
    re.IGNORECASE,
)
_PROPERTY = re.compile(r"[-/]{1,2}(?:p|property):(.+)", re.IGNORECASE | re.DOTALL)
# Commands that only change the shell: they are repeated before the download.
REPEATED = frozenset([".", "source", "cd", "export", "set", "umask"])
READ = ("/root/.nuget", "/root/.dotnet", "/usr/share/dotnet", "/usr/lib/dotnet")
UNTRIED = (
    "a restore reads no files but these: so it is with the .NET SDK 3.1 that this was tried with, and in Microsoft's"
    " own samples for later ones"
)
ONLINE = "what restores below the source is left as it is: it does nothing where that has been done"


class Asked(NamedTuple):
    """A dotnet command: its verb, the operands, and the options, each with its value and words."""

    verb: str
    operands: tuple[str, ...]
    options: tuple[tuple[str, str, tuple[Word, ...]], ...]

    def value(self, *names: str) -> str | None:
        """The last value of an option."""
        return next((value for name, value, _ in reversed(self.options) if name in names), None)

    def has(self, *names: str) -> bool:
        """Whether an option is given."""
        return any(name in names for name, _, _ in self.options)


def ask(call: Call) -> Asked:
    """The words of a call; those behind ``--`` are the program's own."""
    words: list[str] = []
    options: list[tuple[str, str, tuple[Word, ...]]] = []
    waiting: Word | None = None
    for word in call.words[1:]:
        text = word.text
        name, equals, value = text.partition("=")
        if text == "--":
            break
        if waiting is not None:
            options.append((waiting.text, text, (waiting, word)))
            waiting = None
        elif (
            text in CARRIED
            or text in DROPPED
            or text in {"--tool-path", "--add-source", "--version", "--tool-manifest"}
        ):
            waiting = word
        elif _SWITCH.match(text):
            options.append((text, "", (word,)))
        elif equals and name.startswith("-"):
            options.append((name, value, (word,)))
        elif text.startswith("-"):
            options.append((text, "", (word,)))
        else:
            words.append(text)
    if waiting is not None:
        options.append((waiting.text, "", (waiting,)))
    return Asked(words[0] if words else "", tuple(words[1:]), tuple(options))


def read(call: Call, scene: Scene) -> Fetch | None:
    """What a dotnet command takes from NuGet, given what stands in the image when it runs."""
    asked = ask(call)
    if call.cwd is None or asked.has("--no-restore", "--no-build", "-h", "--help"):
        return None
    if asked.verb in {"tool", "workload"}:
        return _tool(call, asked, scene)
    if asked.verb != "restore" and asked.verb not in BUILDS:
        return None
    if any(operand.endswith((".dll", ".exe")) for operand in asked.operands):
        return None
    if any(re.search(r"/\.nuget\b", path) for path in scene.received):
        return None
    if asked.verb in BUILDS and _restored_before(call, asked, scene):
        return None
    kind = "install" if asked.verb == "restore" else "build"
    home = join(_home(call), ".nuget")
    packages = asked.value("--packages") or call.value("NUGET_PACKAGES")
    kept = path_of(call, packages) or "/" if packages else home
    fetch = Fetch(call, kind, call.cwd, writes=(kept,), reads=READ, system=False)
    image = _project(call, asked, scene)
    if isinstance(image, Refusal):
        return replace(fetch, blocked=image)
    return _of_project(fetch, image, asked, scene, kept)


def _home(call: Call) -> str:
    user = (call.user or "root").partition(":")[0]
    return call.value("HOME") or ("/root" if user in {"root", "0"} else f"/home/{user}")


def _operand(asked: Asked) -> str | None:
    if asked.verb == "run":
        return asked.value("--project", "-p")
    return asked.operands[0] if asked.operands else None


def _project(call: Call, asked: Asked, scene: Scene) -> str | Refusal:
    """The image path of the project or solution that a command works on."""
    line = call.step.line
    operand = _operand(asked)
    path = path_of(call, operand) if operand is not None else call.cwd
    if path is None or (operand is not None and re.search(r"[*?$`{]", operand)):
        return Refusal("unknown-project", f"which project {operand} is cannot be told", line)
    if path.endswith(PROJECTS + SOLUTIONS):
        if scene.origin(path) is None:
            return Refusal(NOT_IN_CONTEXT, f"no COPY brings {path}", line)
        return path
    found = projects_in(scene, path)
    if not found:
        return Refusal(NOT_IN_CONTEXT, f"no COPY brings a project or solution of the build context to {path}", line)
    if len(found) > 1:
        names = ", ".join(map(posixpath.basename, found))
        return Refusal("several-projects", f"{path} has {names}: name the one that is meant", line)
    return found[0]


def _restored_before(call: Call, asked: Asked, scene: Scene) -> bool:
    """Whether an earlier command of the same image has restored this project, or one above or below it, in a layer."""
    mine = _place(call, asked)
    for earlier in scene.before(call):
        if earlier.program != "dotnet" or ecosystem.cached_by(earlier.step):
            continue
        other = ask(earlier)
        if other.verb == "restore" or (other.verb in BUILDS and not other.has("--no-restore", "--no-build")):
            there = _place(earlier, other)
            if mine is None or there is None or is_within(mine, there) or is_within(there, mine):
                return True
    return False


def _place(call: Call, asked: Asked) -> str | None:
    operand = _operand(asked)
    path = path_of(call, operand) if operand is not None else call.cwd
    return posixpath.dirname(path) if path is not None and path.endswith(PROJECTS + SOLUTIONS) else path


def _of_project(fetch: Fetch, image: str, asked: Asked, scene: Scene, kept: str) -> Fetch:
    call, line = fetch.call, fetch.call.step.line
    closure = closure_of(scene, image, call.cwd or "/", line)
    directory = posixpath.dirname(image)
    origin = posixpath.dirname(scene.origin(image) or "")
    needs = tuple(posixpath.relpath(context, origin or ".") for _, context in closure.files)
    outputs = tuple(join(posixpath.dirname(project), "obj") for project in closure.projects)
    fetch = replace(
        fetch,
        directory=directory,
        origin=origin,
        needs=needs,
        count=closure.packages,
        writes=(kept, *outputs),
        members=tuple(need for need in needs if need.endswith(PROJECTS) and join(directory, need) != image),
        without_member="skips it with a warning and exits 0; only a solution's is an error",
        unproven=closure.doubt,
    )
    refusal = closure.obstacle
    if any(join(directory, need) != path for need, (path, _) in zip(needs, closure.files, strict=True)):
        refusal = Refusal("scattered-files", "the projects lie apart differently in the image and the context", line)
    option = asked.value("--configfile")
    if refusal is None and option is not None and scene.has(path_of(call, option) or "/"):
        what = f"--configfile names {option}, whose sources are not read"
        refusal = Refusal("settings-file", what, line) if path_of(call, option) not in dict(closure.files) else None
    if asked.has("--packages", "--lock-file-path") or (kept != join(_home(call), ".nuget") and _in_source(kept, call)):
        refusal = refusal or Refusal("packages-elsewhere", f"the packages are kept in {kept}", line)
    if fetch.kind == "install":
        return replace(fetch, blocked=refusal, assumptions=(UNTRIED,))
    built = next((place for place in outputs if scene.has(place)), None)
    if built is not None:
        refusal = refusal or Refusal(
            "obj-in-context", f"{built} comes with the source: put **/obj into the ignore file", line
        )
    split = refusal or _split(fetch, asked, scene)
    if isinstance(split, Refusal):
        return replace(fetch, no_split=split)
    return replace(fetch, split=split._replace(writes=(kept, *outputs)))


def _first(call: Call, scene: Scene) -> list[Call]:
    """The commands above a call in its RUN."""
    return [other for other in scene.siblings if other.start < call.start]


def _in_source(path: str, call: Call) -> bool:
    return is_within(path, call.step.state.workdir)


def _split(fetch: Fetch, asked: Asked, scene: Scene) -> Split | Refusal:
    """The restore that a build does first, with the properties that the build is given."""
    call, line = fetch.call, fetch.call.step.line
    if any(_clears(other) for other in scene.siblings):
        return Refusal("cleanup-in-same-run", "the RUN removes the packages again", line)
    words = [source(call, call.words[0].start, call.words[0].end) or "", "restore"]
    operand = _operand(asked)
    if operand is not None:
        own = next(word for word in call.words[1:] if word.text in {operand, f"--project={operand}"})
        words.append((source(call, own.start, own.end) or "").removeprefix("--project="))
    for name, _, parts in asked.options:
        text = " ".join(source(call, part.start, part.end) or "" for part in parts)
        if name in CARRIED and len(parts) == 2:
            value = source(call, parts[1].start, parts[1].end) or ""
            words.append(f"{CARRIED[name]}{value}" if CARRIED[name].endswith("=") else f"{CARRIED[name]} {value}")
        elif _PROPERTY.match(name):
            words.append(text)
        elif name in {"--self-contained", "--sc"}:
            words.append("-p:SelfContained=" + (parts[0].text.partition("=")[2] or "true"))
        elif name == "--no-self-contained":
            words.append("-p:SelfContained=false")
        elif name in {"--use-current-runtime", "--ucr"}:
            words.append("-p:UseCurrentRuntimeIdentifier=true")
        elif name not in FLAGS | DROPPED and not _SWITCH.match(name):
            return Refusal("unknown-option", f"what {name} means for a restore is not known", line)
    if len(asked.operands) > (asked.verb != "run"):
        return Refusal("unknown-option", f"what {asked.operands[-1]} means for a restore is not known", line)
    text = " ".join(words)
    known = set(call.step.state.exported)
    named = set(re.findall(r"\$\{?(\w+)", text))
    first = _first(call, scene)
    if all(other.program in REPEATED and "substitution" not in other.guards for other in first):
        known |= named if any(other.program in {".", "source"} for other in first) else call.env.keys()
    if re.search(r"`|\$\(", text) or not named <= known:
        return Refusal("variable-options", "an option holds a variable that only the RUN itself knows", line)
    return Split(text, (), assumptions=(UNTRIED,), notes=(ONLINE,))


def _clears(call: Call) -> bool:
    if call.program == "dotnet":
        return call.arguments[:2] == ("nuget", "locals")
    return call.program == "rm" and any(".nuget" in word or "NUGET_PACKAGES" in word for word in call.arguments)


def _tool(call: Call, asked: Asked, scene: Scene) -> Fetch | None:
    verb = asked.operands[0] if asked.operands else ""
    directory = call.cwd or "/"
    if verb not in {"install", "restore", "update"}:
        return None
    if asked.value("--add-source") is not None and "://" not in (asked.value("--add-source") or ""):
        return None
    named = [
        join(here, name) for here in _upwards(directory) for name in SETTINGS if name.lower().startswith(("nu", "gl"))
    ]
    writes: tuple[str, ...] = (join(_home(call), ".nuget"), join(_home(call), ".dotnet"))
    if asked.value("--tool-path") is not None:
        writes += (path_of(call, asked.value("--tool-path") or "") or "/",)
    settings = next((path for path in named if scene.has(path)), None)
    if verb == "restore":
        return _tool_manifest(call, asked, scene, directory, writes)
    if asked.verb == "tool" and not asked.has("-g", "--global", "--tool-path"):
        what = "the tool is written into the project's own manifest"
        return Fetch(call, "install", directory, blocked=Refusal("named-packages", what, call.step.line))
    if settings is not None:
        what = f"{settings}, which dotnet reads, comes with the source"
        return Fetch(call, "install", directory, blocked=Refusal("settings-in-source", what, call.step.line))
    return Fetch(call, "tool", directory, count=len(asked.operands) - 1, writes=writes, reads=READ)


def _upwards(directory: str) -> Iterator[str]:
    while directory:
        yield directory
        above = posixpath.dirname(directory)
        if above == directory:
            return
        directory = above


def _tool_manifest(call: Call, asked: Asked, scene: Scene, directory: str, writes: tuple[str, ...]) -> Fetch | None:
    line = call.step.line
    if asked.verb == "workload":
        what = "the workloads that a project needs are found by evaluating it"
        return Fetch(call, "install", directory, blocked=Refusal("named-packages", what, line))
    manifest = scene.project(directory, ".config/dotnet-tools.json", "dotnet-tools.json")
    if manifest is None:
        what = f"no COPY brings a .config/dotnet-tools.json of the build context to {directory}"
        return Fetch(call, "install", directory, blocked=Refusal(NOT_IN_CONTEXT, what, line))
    names = (".config/dotnet-tools.json", "dotnet-tools.json", *SETTINGS[-4:])
    needs = tuple(name for name in names if scene.origin(join(directory, name)) == posixpath.join(manifest, name))
    above = next((join(here, name) for here in list(_upwards(directory))[1:] for name in SETTINGS[-4:]
                  if scene.has(join(here, name))), None)  # fmt: skip
    blocked = Refusal("settings-above", f"{above}, which dotnet reads, comes with the source", line) if above else None
    return Fetch(call, "install", directory, manifest, needs, writes, unit="tools", blocked=blocked, reads=READ,
                 assumptions=(UNTRIED,))  # fmt: skip


def effect(call: Call, scene: Scene) -> Effect | None:
    """What the dotnet commands that fetch nothing read and write."""
    return NOTHING if call.arguments and set(call.arguments) <= QUIET else None
