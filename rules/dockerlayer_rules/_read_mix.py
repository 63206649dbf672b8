"""How the calls of Mix are read."""

from __future__ import annotations

import posixpath
import re
import shlex
from collections.abc import Iterator
from dataclasses import replace

from dockerlayer.api import (
    NOT_IN_CONTEXT,
    SYSTEM_WRITES,
    Call,
    Edit,
    Effect,
    Fetch,
    Lock,
    Refusal,
    Scene,
    Split,
    join,
    prefix,
)
from dockerlayer_rules._mixexs import apps_path_of, has_custom_paths, locked_of, members_of, needs_of, stale, text_of
from dockerlayer_rules.mix import ecosystem

TOOLS = frozenset({"local.hex", "local.rebar", "archive.install", "escript.install"})
ANEW = frozenset({"deps.update"})
HOMES = ("/root/.mix", "/root/.hex", "/root/.cache")
_PATH = re.compile(r"\.{0,2}/|.*\.ez\Z")


def read(call: Call, scene: Scene) -> Fetch | None:
    """What a mix command takes from Hex, given what stands in the image when it runs."""
    tasks = _tasks(call)
    verbs = [task[0] for task in tasks]
    line = call.step.line
    if call.cwd is None or call.has("--help", "-h") or call.value("HEX_OFFLINE") in {"1", "true"}:
        return None
    if verbs and TOOLS.issuperset(verbs):
        local = [word for task in tasks for word in task[1:] if _PATH.match(word) and "://" not in word]
        if local:
            blocked = Refusal("local-path", f"mix {verbs[0]} installs from a path: {local[0]}", line)
            return Fetch(call, "install", call.cwd, blocked=blocked)
        return Fetch(call, "tool", call.cwd, writes=(*_homes(call), *HOMES))
    found = next((verb for verb in verbs if verb == "deps.get" or verb in ANEW), None)
    if found is None:
        return None
    origin = scene.project(call.cwd, "mix.exs")
    if origin is None:
        blocked = Refusal(NOT_IN_CONTEXT, f"no COPY brings a mix.exs of the build context to {call.cwd}", line)
        return Fetch(call, "download", call.cwd, blocked=blocked)
    fetch = Fetch(call, "download", call.cwd, origin)
    if found in ANEW:
        return replace(fetch, blocked=Refusal("resolves-anew", f"mix {found} chooses versions anew", line))
    if _is_done(call, scene):
        return None
    return _of_project(fetch, scene, tasks)


def _tasks(call: Call) -> list[list[str]]:
    """The tasks that a command runs, with their arguments; ``mix do`` runs several, apart by ``,`` or ``+``."""
    words = list(call.arguments)
    if not words or words[0] != "do":
        return [words] if words else []
    tasks: list[list[str]] = [[]]
    for word in words[1:]:
        if word in {"+", ","}:
            tasks.append([])
            continue
        tasks[-1].append(word.removesuffix(","))
        if word.endswith(","):
            tasks.append([])
    return [task for task in tasks if task]


def _homes(call: Call) -> Iterator[str]:
    for name in ("MIX_HOME", "HEX_HOME"):
        place = call.value(name)
        if place is not None and place.startswith("/"):
            yield place


def _getting(call: Call) -> list[str]:
    return next((task for task in _tasks(call) if task[0] == "deps.get"), [])


def _is_done(call: Call, scene: Scene) -> bool:
    """Whether an earlier command of the image has downloaded the same, in a layer."""
    wanted = _getting(call)
    for other in scene.before(call):
        if other.program != "mix" or other.cwd != call.cwd or other.step is call.step or not other.always:
            continue
        found = _getting(other)
        if found and (found == wanted or "--only" not in found) and not ecosystem.cached_by(other.step):
            return True
    return False


def _of_project(fetch: Fetch, scene: Scene, tasks: list[list[str]]) -> Fetch | None:
    call, context, origin, directory = fetch.call, scene.context, fetch.origin or "", fetch.directory
    line = call.step.line
    if has_custom_paths(text_of(context, posixpath.join(origin, "mix.exs")) or ""):
        what = "mix.exs keeps its dependencies or its lockfile elsewhere, as applications of an umbrella do"
        return replace(fetch, blocked=Refusal("custom-paths", what, line))
    lock = _lock(scene, directory, origin)
    text = (context.read(posixpath.join(origin, "mix.lock")) or b"").decode("utf-8", "replace")
    locked = locked_of(text) if lock.state == "ok" else {}
    deps = call.value("MIX_DEPS_PATH") or "deps"
    brought = scene.origin(join(directory, deps))
    if lock.state == "ok" and (not locked or (brought is not None and locked.keys() <= set(context.names(brought)))):
        return None
    arguments = next(task for task in tasks if task[0] == "deps.get")
    apps = apps_path_of(context, origin)
    members = tuple(posixpath.join(app, "mix.exs") for app in members_of(context, origin, apps)) if apps else ()
    fetch = replace(
        fetch,
        needs=("mix.exs", *(["mix.lock"] if lock.state == "ok" else []), *members),
        writes=(join(directory, deps), *_homes(call), *HOMES),
        count=len(locked) or None if "--only" not in arguments else None,
        lock=lock,
        reads=(*(join(directory, name) for name in ("mix.exs", "mix.lock", deps)), *_homes(call), *HOMES),
        members=members,
        without_member="downloads nothing for it and exits 0" if apps else "",
    )
    found = list(needs_of(context, origin))
    refusal = next(_obstacles(fetch, scene, found, locked, brought), None)
    if refusal is not None:
        return replace(fetch, blocked=refusal._replace(line=line))
    needs = [posixpath.relpath(str(path), origin or ".") for path in found]
    fetch = replace(fetch, needs=tuple(dict.fromkeys(["mix.exs", "mix.lock", *needs])))
    verbs = [task[0] for task in tasks]
    if TOOLS.issuperset(verb for verb in verbs if verb != "deps.get"):
        return fetch
    return _with_split(replace(fetch, kind="build"), tasks, arguments)


def _lock(scene: Scene, directory: str, origin: str) -> Lock:
    path = posixpath.join(origin, "mix.lock")
    placed = scene.origin(join(directory, "mix.lock"))
    if placed is not None and placed != path:
        return Lock("mix.exs", "mix.lock", "elsewhere")
    if scene.context.is_file(path):
        state = "ok" if scene.would_be(join(directory, "mix.lock")) == path else "uncopied"
        return Lock("mix.exs", "mix.lock", state, "copy it with mix.exs; the image then gets the versions it pins")
    if scene.context.hidden(path):
        return Lock("mix.exs", "mix.lock", "hidden", "take mix.lock out of the ignore file")
    text = (scene.context.read(posixpath.join(origin, "mix.exs")) or b"").decode("utf-8", "replace")
    required = re.search(r"\{\s*:\w+\s*,\s*(?:\"|git|hex)|apps_path:", text) is not None
    return Lock("mix.exs", "mix.lock", "missing" if required else "ok", "mix deps.get writes mix.lock; commit it")


def _obstacles(
    fetch: Fetch, scene: Scene, found: list[str | Refusal], locked: dict[str, tuple[str, str]], brought: str | None
) -> Iterator[Refusal]:
    """Why a download from the narrow inputs would fail or, worse, silently do less."""
    call, lock = fetch.call, fetch.lock
    assert lock is not None
    if lock.state == "elsewhere":
        yield Refusal("manifests-apart", "mix.exs and mix.lock come from different directories of the context")
    if lock.state != "ok":
        yield Refusal("no-lockfile", f"no mix.lock reaches {fetch.directory}: Mix would choose versions anew")
    if call.value("MIX_EXS"):
        yield Refusal("custom-paths", "MIX_EXS names another mix.exs")
    yield from (item for item in found if isinstance(item, Refusal))
    manifests = tuple(item for item in found if isinstance(item, str) and item.endswith("mix.exs"))
    missing = stale(scene.context, manifests, locked)
    if missing is not None:
        what = (
            f"mix.lock does not hold {missing} as mix.exs wants it: Mix rewrites it, and COPY brings the old one back"
        )
        yield Refusal("lockfile-stale", what)
    if brought is not None:
        yield Refusal("deps-in-context", f"{brought} of the build context would overwrite what was downloaded")
    if any(re.search(r"[$`]", word) and "MIX_ENV" not in word for word in _getting(call)):
        yield Refusal("variable-options", "what deps.get is asked for is not literal")


def _with_split(fetch: Fetch, tasks: list[list[str]], arguments: list[str]) -> Fetch:
    """``mix do`` that also compiles: the download before the source, the command as it is after it, without Hex."""
    call, line = fetch.call, fetch.call.step.line
    if any(task[0] in TOOLS for task in tasks) or tasks[0][0] != "deps.get":
        what = f"mix do runs {tasks[0][0]} before deps.get, or installs Hex; write them as commands of their own"
        return replace(fetch, no_split=Refusal("several-tasks", what, line))
    own = [item.name for item in call.command.assignments]
    if len(call.words) != len(call.command.words):
        own = list(dict.fromkeys([*own, *call.env]))
    if any(re.search(r"[$`]", call.env[name]) for name in own):
        return replace(
            fetch, no_split=Refusal("variable-environment", "the command's environment is not literal", line)
        )
    variables = [f"{name}={shlex.quote(call.env[name])}" for name in own]
    words = [word if re.fullmatch(r"\$\{?MIX_ENV\}?", word) else shlex.quote(word) for word in arguments]
    download = " ".join([*variables, "mix", *words])
    offline = "HEX_OFFLINE=1" if len(call.words) == len(call.command.words) else "env HEX_OFFLINE=1"
    edits: tuple[Edit, ...] = (prefix(call, offline),)
    return replace(fetch, split=Split(download, edits, directory=fetch.directory, writes=fetch.writes))


def effect(call: Call, scene: Scene) -> Effect | None:
    """What mix commands that need no project read and write."""
    verb = call.arguments[0] if call.arguments else ""
    if verb in {"--version", "-v", "help"}:
        return Effect()
    if verb.startswith(("hex.organization", "hex.repo", "hex.config", "hex.user")):
        return Effect(writes=(*SYSTEM_WRITES, *_homes(call), *HOMES))
    return None
