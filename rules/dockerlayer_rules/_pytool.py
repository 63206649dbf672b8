"""What the project tools of Python have in common: their command lines, where their project is, and their lockfile."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from dockerlayer.api import (
    NOT_IN_CONTEXT,
    SYSTEM_WRITES,
    Call,
    Effect,
    Fetch,
    Lock,
    Refusal,
    Scene,
    is_within,
    join,
    path_of,
)
from dockerlayer_rules._pipcall import TRUE, ask, known, module_of, written
from dockerlayer_rules._pyproject import parse_toml

_UNKNOWN = re.compile(r"[$`]")
_MAX_DEPTH = 5


@dataclass(slots=True, frozen=True)
class Spelling:
    """How a tool reads its options: those that take a value, and the long names of the short ones."""

    valued: frozenset[str]
    short: Mapping[str, str]


@dataclass(slots=True, frozen=True)
class Told:
    """A command as its tool reads it: ``options`` are pairs of long name and value, ``at`` is the place of the verb.

    ``unknown`` is the first word that may hold options which only the build will know.
    """

    call: Call
    verb: str
    at: int
    operands: tuple[str, ...]
    options: tuple[tuple[str, str], ...]
    unknown: str = ""

    def has(self, *names: str) -> bool:
        """Whether one of the options is given."""
        return any(name in names for name, _ in self.options)

    def values(self, *names: str) -> list[str]:
        """The values of some options."""
        return [value for name, value in self.options if name in names]

    def words_of(self, *names: str) -> frozenset[str]:
        """The names in the values of some options, which commas or spaces separate."""
        return frozenset(word for value in self.values(*names) for word in re.split(r"[\s,]+", value) if word)


def tell(call: Call, tool: str, spelling: Spelling) -> Told | None:
    """The command of a tool that a call is, ``python -m TOOL`` included; None when it is another's."""
    first = _first_argument(call, tool)
    if not first:
        return None
    operands: list[tuple[int, str]] = []
    options: list[tuple[str, str]] = []
    unknown = pending = ""
    for at, word in enumerate(call.words[first:], first):
        text = word.text if word.literal else known(call, word.text)
        open_ended = not word.literal and (bool(_UNKNOWN.search(text)) or (text != word.text and " " in text))
        if pending:
            options.append((pending, text))
            pending = ""
        elif text.startswith("--") and text != "--":
            name, equals, value = text.partition("=")
            pending = name if name in spelling.valued and not equals else ""
            options += [] if pending else [(name, value)]
        elif text.startswith("-") and text not in {"-", "--"}:
            pending = _cluster(text[1:], spelling, options)
        elif text != "--":
            operands.append((at, text))
            unknown = unknown or (word.text if open_ended else "")
    verb_at, verb = operands[0] if operands else (0, "")
    return Told(call, verb, verb_at, tuple(text for _, text in operands[1:]), tuple(options), unknown)


def project_of(
    told: Told, tool: str, scene: Scene, directory: str, installing: frozenset[str]
) -> tuple[tuple[str, str], Mapping[str, object]] | Fetch:
    """Where the pyproject.toml of a command is, in the image and in the context, and what it holds.

    A fetch that is blocked where there is none, where it is not TOML, or where the command is none of ``installing``
    and so chooses other versions than the lockfile has.
    """
    call, line = told.call, told.call.step.line
    place = locate(scene, directory, "pyproject.toml")
    if place is None:
        what = f"no COPY brings a pyproject.toml of the build context to {directory}"
        return Fetch(call, "install", directory, blocked=Refusal(NOT_IN_CONTEXT, what, line))
    if told.verb not in installing:
        what = f"{tool} {told.verb} chooses versions anew and writes {tool}.lock"
        return Fetch(call, "install", *place, blocked=Refusal("resolves-anew", what, line))
    data = scene.context.read(posixpath.join(place[1], "pyproject.toml"))
    table = parse_toml(data) if data is not None else None
    if table is None:
        what = f"the pyproject.toml of {place[0]} cannot be read as TOML"
        return Fetch(call, "install", *place, blocked=Refusal("bad-manifest", what, line))
    return place, table


def _first_argument(call: Call, tool: str) -> int:
    """Where the arguments of a tool begin, which may run as a module of Python; 0 when it is not this tool."""
    if call.program == tool:
        return 1
    module, at = module_of(call) if call.program.startswith("python") else ("", 0)
    return at if module == tool else 0


def _cluster(letters: str, spelling: Spelling, options: list[tuple[str, str]]) -> str:
    """Read ``-nvE``; the long name of an option whose value is the next word."""
    for place, letter in enumerate(letters, 1):
        name = spelling.short.get(letter, f"-{letter}")
        if name in spelling.valued:
            value = letters[place:].removeprefix("=")
            options += [(name, value)] if value else []
            return "" if value else name
        options.append((name, ""))
    return ""


def is_on(told: Told, *names: str) -> bool:
    """Whether one of some variables is set to something true."""
    return any((told.call.value(name) or "").lower() in TRUE for name in names)


def with_options(told: Told, *options: str) -> str | None:
    """The command as it is written, with options behind its verb; None where the words cannot be told apart."""
    call = told.call
    verb = call.words[told.at]
    parts = [(f"{item.name}=", item.value) for item in call.command.assignments]
    parts += [("", word) for word in call.command.words]
    found: list[str] = []
    for name, word in parts:
        text = written(call, word)
        if text is None:
            return None
        found.append(name + text)
        found.extend(options if word is verb else ())
    return " ".join(found)


def locate(scene: Scene, start: str, manifest: str) -> tuple[str, str] | None:
    """Image and context directory of the project that a tool finds from ``start`` upwards."""
    here = start
    for _ in range(_MAX_DEPTH):
        origin = scene.project(here, manifest)
        if origin is not None:
            return here, origin
        parent = posixpath.dirname(here)
        if parent in {here, ""}:
            break
        here = parent
    return None


def present(scene: Scene, directory: str, origin: str, names: Iterable[str]) -> tuple[str, ...]:
    """Those of some files beside the manifest that the image gets from beside it."""
    return tuple(name for name in names if scene.origin(join(directory, name)) == posixpath.join(origin, name))


def lock_of(scene: Scene, directory: str, origin: str, manifest: str, lockfile: str, advice: str) -> Lock:
    """What the lockfile of a project is worth where a command looks for it."""
    path = posixpath.normpath(posixpath.join(origin, lockfile))
    placed = scene.origin(join(directory, lockfile))
    if placed is not None and placed != path:
        return Lock(manifest, lockfile, "elsewhere")
    if scene.context.is_file(path):
        copied = scene.would_be(join(directory, lockfile)) == path
        text = "copy it beside the manifest; the image then gets the versions that it pins"
        return Lock(manifest, lockfile, "ok" if copied else "uncopied", text)
    if scene.context.hidden(path):
        return Lock(manifest, lockfile, "hidden", f"take {lockfile} out of the ignore file")
    return Lock(manifest, lockfile, "missing", advice)


def installed_version(scene: Scene, call: Call, tool: str) -> tuple[int, ...] | None:
    """The version of a tool that the file installs with pip or pipx: ``()`` for the newest, None when not told."""
    found: tuple[int, ...] | None = None
    for other in scene.before(call):
        asked = ask(other)
        specs = asked.specs if asked is not None and asked.verb == "install" else ()
        if other.program == "pipx" and "install" in other.arguments:
            specs = [word for word in other.arguments if not word.startswith("-")]
        for text in specs:
            match = re.fullmatch(rf"{tool}(?:\[[^\]]*\])?\s*(.*)", known(other, text).strip(), re.IGNORECASE)
            if match is not None:
                pinned = re.fullmatch(r"[=~]=\s*v?(\d+(?:\.\d+)*)(?:\.\*)?(?:[a-z].*)?", match[1])
                found = tuple(map(int, pinned[1].split("."))) if pinned else None if match[1] else ()
    return found


def home_of(call: Call) -> str:
    """The home directory of the user that a command runs as."""
    user = (call.user or "root").partition(":")[0]
    default = "/root" if user in {"root", "0"} else "/" if user.isdigit() else f"/home/{user}"
    return call.value("HOME") or default


def own_places(call: Call, *variables: str) -> tuple[str, ...]:
    """Image paths that some variables name, and the caches of a user whose home is no place of the system."""
    named = (path_of(call, value) or "/" for name in variables if (value := call.value(name)))
    cache = join(home_of(call), ".cache")
    extra = () if any(is_within(cache, place) for place in SYSTEM_WRITES) else (cache,)
    return tuple(dict.fromkeys((*named, *extra)))


def setting(scene: Scene, call: Call, tool: str, key: str) -> str:
    """What an earlier ``TOOL config KEY VALUE`` gives a call, in small letters; empty when there is none."""
    value = ""
    for other in scene.before(call):
        at = _first_argument(other, tool)
        words = [word for word in other.arguments[at - 1 :] if not word.startswith("-")] if at else []
        if words[:2] == ["config", key] and len(words) > 2:
            value = known(other, words[2]).lower()
    return value


def sets(scene: Scene, call: Call, tool: str, key: str) -> bool:
    """Whether an earlier ``TOOL config KEY true`` holds for a call, or one whose value only the build knows."""
    value = setting(scene, call, tool, key)
    return value in TRUE or bool(_UNKNOWN.search(value))


def removes_cache(call: Call, tool: str) -> bool:
    """Whether a command throws away what a tool has downloaded."""
    text = " ".join(call.arguments)
    if call.program == "rm":
        return bool(re.search(rf"\.cache|{tool}|{tool.upper()}_CACHE_DIR|cache-dir", text))
    return bool(_first_argument(call, tool)) and bool(re.match(r"(?:-\S+ )*cache\s+clear|.*--clear\b", text))


def reads_project(directory: str, writes: Sequence[str]) -> Effect:
    """The effect of a command that installs a project whose dependencies are there already."""
    return Effect((directory, *SYSTEM_WRITES), (*writes, *SYSTEM_WRITES))


def runs_installer(call: Call, calls: Iterable[Call], script: str) -> bool:
    """Whether a command is the Python of ``curl SCRIPT | python3 -``, where a pattern tells the script.

    ``calls`` are those that stand beside it.
    """
    if not call.program.startswith("python") or call.arguments[:1] not in {(), ("-",)}:
        return False
    piped = (other for other in calls if other.step is call.step and other.segment == call.segment)
    return any(other.program in {"curl", "wget"} and re.search(script, " ".join(other.arguments)) for other in piped)


def overwritten(scene: Scene, writes: Iterable[str]) -> tuple[str, ...]:
    """What a copy would put over a download, if the context had it one day: the assumptions of a split."""
    found = ((path, scene.would_be(path)) for path in writes)
    return tuple(
        f"{origin} is not in the ignore file: "
        "if it exists where the image is built, COPY puts it over what was installed"
        for path, origin in found
        if origin and not scene.context.keeps_out(origin)
    )


def unsplit(told: Told, scene: Scene, tool: str) -> Refusal | None:
    """Why a command cannot get a download of its own, whatever its project is."""
    call, line = told.call, told.call.step.line
    beside = [other for other in scene.siblings if other.segment == call.segment and other.start > call.start]
    if any("or" in other.guards for other in beside):
        what = f"the failure of {tool} is hidden, and that of a download of its own would not be"
        return Refusal("conditional", what, line)
    if any(removes_cache(other, tool) for other in scene.siblings):
        what = f"the RUN removes the cache of {tool} again; a download of its own would leave it in the image"
        return Refusal("cleanup-in-same-run", what, line)
    return None
