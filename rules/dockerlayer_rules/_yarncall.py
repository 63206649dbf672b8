"""What a yarn command asks for, and which yarn answers to it: Classic (1.x) or Berry (2 and later)."""

from __future__ import annotations

import posixpath
import re
import shlex
from typing import NamedTuple

from dockerlayer.api import SYSTEM_WRITES, Call, Effect, Refusal, Scene, Word, is_within, join, path_of

# Options of both generations that take the next word as their value (yarn 1.22 `install --help`, yarn 4 docs).
VALUE_OPTIONS = frozenset(
    """--cwd --cache-folder --modules-folder --preferred-cache-folder --global-folder --link-folder --registry --mutex
    --network-timeout --network-concurrency --otp --proxy --https-proxy --prefix --use-yarnrc --mode
    --audit-level""".split()
)
HOME = ("/root", "/home/node", "/usr/local/share")
SETTINGS = tuple(join(home, name) for home in HOME for name in (".npmrc", ".yarnrc", ".yarnrc.yml", ".yarn"))
CACHES = ("/usr/local/share/.cache/yarn", "/root/.cache/yarn", "/home/node/.cache/yarn")
# Commands of both generations that fetch nothing and touch nothing of the project.
QUIET = frozenset("help cache bin versions version-check".split())
_SEMVER = re.compile(r"(\d+)(?:\.(\d+))?")
_OFFICIAL_NODE = re.compile(
    r"(?:(?:docker\.io|index\.docker\.io|public\.ecr\.aws/docker)/)?(?:library/)?node(?:[:@].*)?\Z"
)


class Asked(NamedTuple):
    """A yarn command: ``verb`` (``install`` for the bare command), the word that options go behind, its own options.

    ``directory`` is where it works, None when that is not known.
    """

    call: Call
    verb: str
    operands: tuple[str, ...]
    options: tuple[tuple[str, str | None], ...]
    behind: Word
    directory: str | None
    literal: bool

    def has(self, *names: str) -> bool:
        """Whether one of the options is given, and not as ``--option=false``."""
        return any(name in names and value != "false" for name, value in self.options)

    def value(self, name: str) -> str | None:
        """The value of an option."""
        return next((value for key, value in self.options if key == name), None)


def ask(call: Call) -> Asked:
    """Read a command line of yarn."""
    directory = call.cwd
    verb, behind = "", call.words[-1]
    operands: list[str] = []
    options: list[tuple[str, str | None]] = []
    words = list(call.words[1:])
    while words:
        word = words.pop(0)
        if word.text.startswith("-") and len(word.text) > 1:
            name, equals, text = word.text.partition("=")
            value = text if equals else words.pop(0).text if name in VALUE_OPTIONS and words else None
            if name == "--cwd" and value is not None:
                unknown = directory is None or "$" in value or "`" in value
                directory = None if unknown else join(directory or "/", value)
            else:
                options.append((name, value))
        elif verb == "install" and word.text.startswith("$"):
            options.append((word.text, None))
        elif not verb:
            verb, behind = word.text, word
        else:
            operands.append(word.text)
    named = any(name in {"-v", "--version", "-h", "--help"} for name, _ in options)
    verb = verb or ("help" if named else "install")
    literal = all(word.literal for word in call.words)
    return Asked(call, verb, tuple(operands), tuple(options), behind, directory, literal)


def is_of_project(call: Call) -> bool:
    """Whether the program itself is a file of the project, such as ``node_modules/.bin/yarn``."""
    return "/" in call.words[0].text and not call.words[0].text.startswith("/")


def lead_of(call: Call) -> str | Refusal:
    """What stands in front of the program: corepack, and variables of the command's own; a refusal for all else."""
    wrappers = [word.text for word in call.command.words[: len(call.command.words) - len(call.words)]]
    if wrappers not in ([], ["corepack"]) or call.words[0].text not in {"yarn", "yarnpkg"}:
        return Refusal("wrapped", f"yarn is run through {' '.join([*wrappers, call.words[0].text])}", call.step.line)
    if re.search(r"\byarn(?:pkg)?\b[^&|;]*\|\|", call.step.instruction.logical):
        return Refusal("conditional", "the command may fail (||), which a download before it may not", call.step.line)
    own = []
    for item in call.command.assignments:
        if not item.value.literal:
            return Refusal("variable-environment", f"the command's own {item.name} is not literal", call.step.line)
        own.append(f"{item.name}={shlex.quote(item.value.text)}")
    return " ".join([*own, *wrappers, call.words[0].text])


def number_of(text: str) -> tuple[int, int | None] | None:
    """Major and minor version of a version or range; names such as ``stable`` have none."""
    match = _SEMVER.match(text.lstrip("^~v=>< "))
    return (int(match[1][:6]), int(match[2][:6]) if match[2] else None) if match else None


def installed(call: Call, scene: Scene) -> str:
    """The yarn that an earlier command has put in place: a version, ``berry``, ``corepack`` (decides by package.json).

    Empty when none has.
    """
    found = "corepack" if call.command.words[0].text == "corepack" else ""
    for other in scene.before(call):
        words = [word for word in other.arguments if not word.startswith("-")]
        if other.program == "npm" and other.has("-g", "--global", "--location"):
            for word in words[1:]:
                name, _, version = word.rpartition("@") if "@" in word[1:] else (word, "", "")
                if name == "@yarnpkg/cli-dist":
                    found = version if number_of(version) else "berry"
                elif name == "yarn":
                    found = version if number_of(version) else "2" if version == "berry" else "1"
        elif other.program == "corepack" and words:
            spec = next((word for word in words if word.startswith("yarn@")), "")
            version = spec.removeprefix("yarn@").partition("+")[0]
            found = (version if number_of(version) else "berry") if spec else found or "corepack"
        elif other.program in {"yarn", "yarnpkg"} and words[:1] == ["set"] and words[1:2] == ["version"]:
            found = words[2] if len(words) > 2 and number_of(words[2]) else "1" if "classic" in words else "berry"
        elif other.program in {"yarn", "yarnpkg"} and words[:2] == ["policies", "set-version"]:
            found = words[2] if len(words) > 2 and number_of(words[2]) else "1"
    return found


def image_is_classic(call: Call, scene: Scene) -> bool:
    """Whether the program is Yarn Classic for certain: Node's own images bring it, and nothing has replaced it."""
    found = installed(call, scene)
    if found:
        number = number_of(found)
        return number is not None and number[0] < 2
    return bool(_OFFICIAL_NODE.match(call.step.stage.base_image))


def in_cache_mount(asked: Asked, scene: Scene, *places: str | None) -> bool:
    """Whether the cache was put where a cache mount of the step is, by a variable, an option or a setting."""
    call = asked.call
    targets = [mount.target for mount in call.step.mounts if mount.kind == "cache"]
    if not targets:
        return False
    wanted = [call.value(name) for name in ("YARN_CACHE_FOLDER", "XDG_CACHE_HOME", "YARN_GLOBAL_FOLDER")]
    wanted += [asked.value("--cache-folder"), *places]
    for other in scene.before(call):
        if other.program in {"yarn", "yarnpkg"} and other.arguments[:2] == ("config", "set"):
            wanted.extend(other.arguments[3:4])
    paths = [path for text in wanted if text and (path := path_of(call, text)) is not None]
    return any(is_within(path, target) or is_within(target, path) for path in paths for target in targets)


def cleans_cache(call: Call) -> bool:
    """Whether a command empties yarn's cache."""
    if call.program in {"yarn", "yarnpkg"}:
        return ask(call).verb == "cache" and "clean" in call.arguments
    return call.program == "rm" and any(re.search(r"cache|\.yarn|yarn$|~$|/root$", word) for word in call.arguments)


def corepack_effect(call: Call) -> Effect | None:
    """What corepack's own commands read and write: shims for its programs, and the managers that it downloads."""
    words = [word for word in call.arguments if not word.startswith("-")]
    writes = (*SYSTEM_WRITES, "/home/node/.cache/node")
    if words[:1] in (["enable"], ["disable"]):
        return Effect(SYSTEM_WRITES, writes)
    named = any(re.match(r"\w+@", word) for word in words)
    if words[:1] in (["prepare"], ["install"]) and call.cwd is not None:
        return Effect((*SYSTEM_WRITES, *(() if named else (join(call.cwd, "package.json"),))), writes)
    return Effect(SYSTEM_WRITES) if not words else None


def settings_effect(call: Call, *, berry: bool) -> Effect | None:
    """What ``yarn config``, ``yarn cache`` and the like read and write; None for every other command."""
    asked = ask(call)
    writes = (*SYSTEM_WRITES, *SETTINGS, *CACHES)
    if asked.verb in QUIET:
        return Effect((*SYSTEM_WRITES, *SETTINGS), writes)
    if asked.verb == "config":
        project = berry and not call.has("--home", "-H") and asked.operands[:1] in (("set",), ("unset",))
        if project and asked.directory is None:
            return None
        own = tuple(join(asked.directory or "/", name) for name in (".yarnrc.yml",)) if project else ()
        return Effect((*SYSTEM_WRITES, *SETTINGS, *own), (*writes, *own))
    return None


def inside(origin: str, path: str) -> str:
    """A path relative to a directory of the context as a context path."""
    return posixpath.normpath(posixpath.join(origin, path)) if origin or path else ""
