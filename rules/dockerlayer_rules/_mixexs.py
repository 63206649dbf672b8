"""What mix.exs and mix.lock say. A mix.exs is Elixir, which is never run here: only what its text shows counts."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator

from dockerlayer.api import Context, Refusal

_LIMIT = 256 * 1024
_DEPTH = 8
_SIGIL = r"~[a-zA-Z](?:\([^)]*\)|\[[^\]]*\]|\{[^}]*\}|\"[^\"]*\"|/[^/]*/|\|[^|]*\|)"
_STRING = rf"\"\"\"(?:[^\"]|\"(?!\"\"))*\"\"\"|\"(?:\\.|[^\"\\])*\"|{_SIGIL}"
_COMMENTED = re.compile(rf"({_STRING})|#[^\n]*", re.DOTALL)
_TEXT = re.compile(_STRING, re.DOTALL)
_HERE = re.compile(r"Path\.(?:join\(\s*__DIR__\s*,\s*(\"[^\"#]+\")|expand\(\s*(\"[^\"#]+\")\s*,\s*__DIR__)\s*\)")
_READ = re.compile(r"\bFile\.(?:read!?|stream!|exists\?|regular\?)\(\s*\"([^\"#]+)\"\s*\)")
_READ_PIPED = re.compile(r"\"([^\"#\n]+)\"\s*\|>\s*File\.(?:read!?|exists\?)\(\)")
_CALLED = re.compile(
    r"(?<![\w.:])((?:[A-Z]\w*\.)+)([a-z_]\w*[?!]?)|(?<![\w:]):(\w+)\.([a-z]\w*)\(|\b(apply|import_config|import|use|eval_\w+)\b\(?\s*([A-Z][\w.]*)?"
)
_MODULES = frozenset(
    "Mix Keyword Enum List Map MapSet String Regex Version Integer Atom Tuple Path System IO Kernel Module".split()
)
_FUNCTIONS = {
    "Mix": frozenset({"env", "target", "shell", "raise", "compilers"}),
    "Mix.Project": frozenset({"config", "deps_path", "build_path"}),
    "System": frozenset({"get_env", "fetch_env", "fetch_env!", "version", "otp_release", "build_info"}),
    "Path": frozenset({"join", "expand", "basename", "dirname", "extname", "absname", "rootname"}),
    "IO": frozenset({"puts", "warn", "inspect"}),
    "Kernel": frozenset({"to_string", "inspect", "if", "is_nil"}),
}
_DEPENDENCY = re.compile(r"\{\s*:(\w+)\s*,([^{}]*(?:\{[^{}]*\}[^{}]*)*)\}")
_LOCKED = re.compile(r"^\s*\"?(\w+)\"?(?::|\s*=>)\s*\{:(hex|git)\b[^\"]*(?:\"([^\"]*)\")?", re.MULTILINE)


def locked_of(text: str) -> dict[str, tuple[str, str]]:
    """The packages of mix.lock: their kind, hex or git, and for hex the version."""
    return {name: (kind, version) for name, kind, version in _LOCKED.findall(text)}


def text_of(context: Context, path: str) -> str | None:
    """The text of an Elixir file without its comments; None when it is not there or too large."""
    data = context.read(path, _LIMIT)
    if data is None or max(map(len, data.splitlines()), default=0) > 20_000:
        return None
    return _COMMENTED.sub(lambda found: found[1] or "", data.decode("utf-8", "replace"))


def needs_of(context: Context, directory: str) -> Iterator[str | Refusal]:
    """The context paths that ``mix deps.get`` reads in a project; a refusal where they are not known."""
    yield from _project(context, directory, directory, set(), 0)


def _project(context: Context, directory: str, root: str, seen: set[str], depth: int) -> Iterator[str | Refusal]:
    path = posixpath.join(directory, "mix.exs")
    if path in seen:
        return
    seen.add(path)
    text = text_of(context, path)
    if text is None or depth > _DEPTH:
        yield Refusal("local-dependency", f"{path} is not in the build context, too large or too deep to be read")
        return
    if "Mix.Project" not in text:
        yield Refusal("bad-manifest", f"{path} defines no project")
    yield path
    text = _HERE.sub(lambda found: found[1] or found[2], text)
    for pattern in (_READ, _READ_PIPED):
        for found in pattern.finditer(text):
            other = posixpath.normpath(posixpath.join(directory, found[1]))
            if context.is_file(other):
                yield other
            elif "exists" not in found[0] and "regular" not in found[0]:
                yield Refusal("manifest-reads", f"{path} reads {found[1]}, which the build context does not have")
        text = pattern.sub('""', text)
    yield from _unknown(path, text)
    custom = (
        None if directory == root else re.search(r"\b(?:deps_path|lockfile|config_path):\s*+(?!\"\.\./\.\./)", text)
    )
    if custom is not None or (directory == root and has_custom_paths(text)):
        yield Refusal("custom-paths", f"{path} puts its dependencies or its lockfile elsewhere")
    apps = re.search(r"\bapps_path:\s*(\"([^\"#]+)\")?", text)
    if apps is not None and apps[2] is None:
        yield Refusal("manifest-reads", f"{path} computes where the applications of the umbrella are")
    elif apps is not None:
        for member in members_of(context, directory, apps[2]):
            yield from _project(context, posixpath.normpath(posixpath.join(directory, member)), root, seen, depth + 1)
    for name, options in _DEPENDENCY.findall(text):
        local = re.search(r"\bpath:\s*(?:\"([^\"#]+)\")?", options)
        if local is not None and not local[1]:
            yield Refusal("manifest-reads", f"{path} computes where {name} is")
        elif local is not None:
            place = posixpath.normpath(posixpath.join(directory, local[1]))
            yield from _project(context, place, root, seen, depth + 1)
        elif "in_umbrella:" in options and directory == root:
            yield Refusal("umbrella-member", f"{path} is an application of an umbrella, which Mix looks for above")


def has_custom_paths(text: str) -> bool:
    """Whether a project keeps its dependencies, lockfile or settings elsewhere, as applications of an umbrella do."""
    return re.search(r"\b(?:deps_path|lockfile|config_path):", text) is not None


def members_of(context: Context, directory: str, apps: str) -> list[str]:
    """The applications of an umbrella, relative to its directory."""
    place = posixpath.normpath(posixpath.join(directory, apps))
    names = context.names(place)
    return [posixpath.join(apps, name) for name in names if context.is_file(posixpath.join(place, name, "mix.exs"))]


def apps_path_of(context: Context, directory: str) -> str | None:
    """Where the applications of an umbrella are; None for a project that is none."""
    found = re.search(r"\bapps_path:\s*\"([^\"#]+)\"", text_of(context, posixpath.join(directory, "mix.exs")) or "")
    return found[1] if found is not None else None


def _unknown(path: str, text: str) -> Iterator[Refusal]:
    """A refusal for the first call that may read something, or that changes what ``deps.get`` is."""
    if re.search(r"\"deps\.get\"\s*(?::|=>)|\"?deps\.get\"?:", text):
        yield Refusal("alias", f"{path} has an alias for deps.get, which may run anything")
    inner = " ".join(code for found in _TEXT.findall(text) for code in re.findall(r"(?<!\\)#\{([^}]*)\}", found))
    for found in _CALLED.finditer(f"{_TEXT.sub(' ', text)} {inner}"):
        module, function = (found[1] or "").removesuffix("."), found[2]
        if found[3]:
            yield Refusal("manifest-reads", f"{path} is Elixir that may read other files: :{found[3]}.{found[4]}")
            return
        known = module in {*_MODULES, *_FUNCTIONS} and function in _FUNCTIONS.get(module, {function})
        if found[5]:
            known = found[5] == "use" and found[6] == "Mix.Project"
        if not known:
            what = found[0].strip() if found[5] else f"{module}.{function}"
            yield Refusal("manifest-reads", f"{path} is Elixir that may read other files: {what}")
            return


def stale(context: Context, manifests: tuple[str, ...], locked: dict[str, tuple[str, str]]) -> str | None:
    """A dependency that mix.lock does not hold as the manifests want it; Mix would then write the lockfile anew."""
    for manifest in manifests:
        for name, options in _DEPENDENCY.findall(text_of(context, manifest) or ""):
            asked = re.match(r"\s*\"([^\"]*)\"", options)
            if asked is None and not re.search(r"\b(?:git|github):", options):
                continue
            if name not in locked:
                return str(name)
            kind, version = locked[name]
            if asked is not None and kind == "hex" and not _satisfies(version, asked[1]):
                return str(name)
    return None


def _satisfies(version: str, requirement: str) -> bool:
    """Whether a version meets ``~> 1.2``, ``>= 1.2.0`` and the like; anything harder to read counts as met."""
    have = [int(part) for part in re.findall(r"\d+", version.partition("-")[0])]
    for alternative in re.split(r"\s+or\s+", requirement):
        if all(_meets(have, part.strip()) for part in re.split(r"\s+and\s+", alternative)):
            return True
    return False


def _meets(have: list[int], condition: str) -> bool:
    found = re.fullmatch(r"(~>|>=|==|<=|<|>)?\s*(\d+(?:\.\d+)*)", condition)
    if found is None:
        return True
    want = [int(part) for part in found[2].split(".")]
    operator = found[1] or "=="
    if operator == "~>":
        return have >= want and have[: len(want) - 1] == want[:-1]
    padded = want + [0] * (len(have) - len(want))
    return {">=": have >= padded, "==": have == padded, "<=": have <= padded, "<": have < padded, ">": have > padded}[
        operator
    ]
