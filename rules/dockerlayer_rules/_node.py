"""What package.json and package-lock.json say: members, local packages, lifecycle scripts, how much is downloaded."""

from __future__ import annotations

import json
import posixpath
import re
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence

from dockerlayer.api import Call, Context, Lock, Refusal, Scene, is_within, join

LIFECYCLE = tuple(
    """preinstall install postinstall prepublish preprepare prepare postprepare predependencies dependencies
    postdependencies""".split()
)
_SHELL_SYNTAX = re.compile(r"[|&$`<>\n\\]")
# Commands of lifecycle scripts that are known to need no file of the project, or to do without.
_HARMLESS = re.compile(
    r"""(?:npx\s+(?:--yes\s+|-y\s+)?only-allow\s+\w+ | husky(?:\s+install)?(?:\s+\.?[\w/.-]*)? | is-ci | echo\b.* | true
    | exit\s+0 | : | npx\s+husky(?:\s+install)? | patch-package(?:\s+--error-on-fail)? | node\s+-v | npx\s+patch-package
    | opencollective(?:-postinstall)?(?:\s.*)?)""",
    re.VERBOSE,
)


def workspace_members(context: Context, origin: str, manifest: Mapping[str, object]) -> Iterator[str]:
    """The directories, relative to ``origin``, of the workspaces that package.json names and the context has."""
    declared = manifest.get("workspaces")
    if isinstance(declared, dict):
        declared = declared.get("packages")
    if not isinstance(declared, list):
        return
    found: set[str] = set()
    for pattern in (item for item in declared if isinstance(item, str)):
        cleaned = posixpath.normpath(pattern.removeprefix("!"))
        matches = _matching(context, origin, cleaned)
        found = found - matches if pattern.startswith("!") else found | matches
    yield from sorted(found)


def _matching(context: Context, origin: str, pattern: str) -> set[str]:
    places = {""}
    for part in pattern.split("/"):
        if part == "**":
            places |= {posixpath.dirname(path) for place in places for path in _manifests(context, origin, place)}
            continue
        matcher = re.compile(re.escape(part).replace(r"\*", "[^/]*").replace(r"\?", "[^/]") + r"\Z")
        places = {
            posixpath.join(place, name)
            for place in places
            for name in context.names(posixpath.join(origin, place))
            if matcher.match(name) and name != "node_modules"
        }
    return {place for place in places if place and context.is_file(posixpath.join(origin, place, "package.json"))}


def _manifests(context: Context, origin: str, place: str) -> Iterator[str]:
    top = posixpath.join(origin, place)
    for path in context.walk(top):
        if posixpath.basename(path) == "package.json" and "node_modules" not in path.split("/"):
            yield posixpath.relpath(path, origin) if origin else path


def lifecycle_needs(context: Context, origin: str, manifest: Mapping[str, object]) -> Iterator[str | Refusal]:
    """What the package's own install scripts read, relative to ``origin``; a refusal where that is not known."""
    scripts = manifest.get("scripts")
    if not isinstance(scripts, dict):
        return
    path = posixpath.join(origin, "package.json")
    for name in LIFECYCLE:
        text = scripts.get(name)
        if not isinstance(text, str):
            continue
        for command in re.split(r"&&|\|\||;", text):
            words = command.strip()
            if not words:
                continue
            if words.startswith(("husky", "npx husky")) and context.exists(posixpath.join(origin, ".git")):
                yield Refusal("lifecycle-script", f"{path} runs {name!r} ({_short(text)}), which changes .git")
                break
            if "patch-package" in words and context.is_dir(posixpath.join(origin, "patches")):
                yield "patches"
            schema = _prisma_schema(context, origin, words)
            if schema:
                yield schema
            elif _SHELL_SYNTAX.search(words) or not _HARMLESS.fullmatch(words):
                yield Refusal("lifecycle-script", f"{path} runs {name!r} ({_short(text)}), which may need the source")
                break


# Packages whose own install script reads files of the project: what it says of them, and which files are meant.
_READ_PROJECT = {
    "@prisma/client": ("its schema", re.compile(r"")),
    "msw": ("package.json, and writes into the project", re.compile(r"package\.json\Z")),
    "puppeteer": ("its configuration", re.compile(r"\.puppeteerrc|puppeteer\.config")),
}


def reads_project(
    context: Context, origin: str, manifest: Mapping[str, object], installed: Iterable[str]
) -> Iterator[Refusal]:
    """Why an install above the source would silently do less: a package with a script that reads the project."""
    scripts = manifest.get("scripts")
    texts = [str(scripts.get(name, "")) for name in LIFECYCLE] if isinstance(scripts, dict) else []
    for name in sorted(_READ_PROJECT.keys() & set(installed)):
        what, files = _READ_PROJECT[name]
        generates = name == "@prisma/client" and re.search(r"\bprisma\s+generate\b", " ".join(texts))
        if generates or (name == "msw" and "msw" not in manifest):
            continue
        if any(files.match(item) for item in context.names(origin)):
            yield Refusal("script-reads-project", f"the install script of {name} reads {what}: it is not there yet")


def has_scripts(manifest: Mapping[str, object]) -> bool:
    """Whether an install runs scripts of this package's own."""
    scripts = manifest.get("scripts")
    return isinstance(scripts, dict) and any(name in scripts for name in LIFECYCLE)


def _prisma_schema(context: Context, origin: str, command: str) -> str | None:
    if not re.fullmatch(r"(?:npx\s+)?prisma\s+generate(?:\s+--no-hints)?", command):
        return None
    return "prisma" if context.is_file(posixpath.join(origin, "prisma/schema.prisma")) else None


def _short(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:57]}..."


def local_packages(locked: Mapping[str, object], members: tuple[str, ...]) -> Iterator[str | Refusal]:
    """The ``file:`` dependencies of a lockfile as paths relative to it; a refusal where they leave the project."""
    packages = locked.get("packages")
    if isinstance(packages, dict):
        for key, entry in packages.items():
            if not isinstance(key, str) or not isinstance(entry, dict):
                continue
            resolved = entry.get("resolved")
            path = key if key and "node_modules/" not in f"{key}/" else None
            if path is None and isinstance(resolved, str) and resolved.startswith("file:"):
                path = resolved.removeprefix("file:")
            if path is None or path in members:
                continue
            if path.startswith(("..", "/")):
                yield Refusal("local-package-outside", f"{path}, a file: dependency, lies outside the project")
            else:
                yield path
        return
    for _, version in _version_one(locked):
        if version.startswith("file:"):
            yield Refusal("local-package", f"the lockfile (version 1) has a local package, {version}")


def _version_one(locked: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    pending = [locked.get("dependencies")]
    while pending:
        tree = pending.pop()
        if not isinstance(tree, dict):
            continue
        for name, entry in tree.items():
            if isinstance(entry, dict):
                if not entry.get("bundled"):
                    yield str(name), str(entry.get("version", ""))
                pending.append(entry.get("dependencies"))


def count_locked(locked: Mapping[str, object], *, omit_dev: bool) -> int:
    """How many archives an install on linux/x64 downloads; no lockfile says how large they are."""
    packages = locked.get("packages")
    if not isinstance(packages, dict):
        return len({item for item in _version_one(locked) if not item[1].startswith(("file:", "git"))})
    found: set[str] = set()
    for key, entry in packages.items():
        if not isinstance(entry, dict) or "node_modules/" not in str(key):
            continue
        if entry.get("link") or entry.get("inBundle") or (omit_dev and entry.get("dev")):
            continue
        if not fits(entry.get("os"), "linux") or not fits(entry.get("cpu"), "x64"):
            continue
        resolved = entry.get("resolved")
        if isinstance(resolved, str) and resolved.startswith(("file:", "git")):
            continue
        name = entry.get("name") or str(key).rpartition("node_modules/")[2]
        found.add(str(resolved or f"{name}@{entry.get('version')}"))
    return len(found)


def fits(allowed: object, value: str) -> bool:
    """Whether a package's list of systems or processors has one."""
    if not isinstance(allowed, list) or not allowed:
        return True
    return f"!{value}" not in allowed and (value in allowed or all(str(item).startswith("!") for item in allowed))


def read_json(context: Context, path: str) -> Mapping[str, object] | None:
    """A JSON object of the context; None when there is none, or it cannot be read."""
    data = context.read(path, 64 * 1024 * 1024)
    try:
        value = json.loads(data) if data is not None else None
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


OFFICIAL = r"(?:(?:(?:index\.)?docker\.io|mirror\.gcr\.io|public\.ecr\.aws/docker)/)?(?:library/)?"
_NODE_IMAGE = re.compile(rf"{OFFICIAL}node(?::([^@/]*))?(?:@.*)?\Z")
# The names of Node's long-term releases, which tags begin with as well (github.com/nodejs/Release).
_NAMES = "argon boron carbon dubnium erbium fermium gallium hydrogen iron".split()
_RELEASES = dict(zip(_NAMES, range(4, 21, 2), strict=True))


def node_image(image: str) -> int | None:
    """The major version of an official node image, where no number means a new one; None for any other image."""
    match = _NODE_IMAGE.match(image)
    if match is None or "$" in image:
        return None
    number = re.match(r"v?(\d+)", match[1] or "")
    return int(number[1]) if number else _RELEASES.get(re.split(r"[^a-z]", match[1] or "")[0], 99)


_SETTINGS = re.compile(
    r"(?i)(?:npm|bun|yarn|pnpm)_.*|node_(?!env\Z).*|.*(?:proxy|token|auth|password|registry|ssl|cert).*|home|path"
)


def own_environment(call: Call) -> list[str] | Refusal:
    """The settings in front of this command alone, as shell words for a download; refused where not literal."""
    wrapper = call.command.words[: len(call.command.words) - len(call.words)]
    if any("=" in word.text for word in wrapper):
        return Refusal("wrapped", f"{wrapper[0].text} sets variables for the command", call.step.line)
    words = []
    for item in call.command.assignments:
        if _SETTINGS.fullmatch(item.name):
            if not item.value.literal:
                what = f"the command's own {item.name} is not literal"
                return Refusal("variable-environment", what, call.step.line)
            words.append(f"{item.name}={shlex.quote(item.value.text)}")
    return words


def find_lock(
    scene: Scene, directory: str, origin: str, names: Sequence[str], advice: str, *, required: bool
) -> tuple[Lock, str]:
    """The lockfile beside package.json, the first of some names, and its name where it reaches the image.

    ``required`` says whether the project is unpinned without one.
    """
    for name in names:
        path = posixpath.join(origin, name)
        placed = scene.origin(join(directory, name))
        if placed is not None and placed != path:
            return Lock("package.json", name, "elsewhere"), ""
        if scene.context.is_file(path):
            copied = scene.would_be(join(directory, name)) == path
            text = "copy it beside package.json; the image then gets the versions that it pins"
            return Lock("package.json", name, "ok" if copied else "uncopied", text), name if copied else ""
        if scene.context.hidden(path):
            return Lock("package.json", name, "hidden", f"take {name} out of the ignore file"), ""
    return Lock("package.json", names[-1], "missing" if required else "ok", advice), ""


def asks_for_lock(call: Call, scene: Scene, names: Sequence[str]) -> bool:
    """Whether a command stands under a condition, and the RUN looks for one of some lockfiles to choose a tool by."""
    if call.always:
        return False
    tests = [other for other in scene.siblings if other.program in {"[", "test", "[["} and other.start < call.start]
    return any(posixpath.basename(word) in names for other in tests for word in other.arguments)


def is_covered(scene: Scene, directory: str) -> bool:
    """Whether a copy brings all of a directory, and not just single files that its author has chosen."""
    return any(
        item.is_dir and is_within(directory, item.image) for placement in scene.placements for item in placement.placed
    )


def names_dependencies(manifest: Mapping[str, object]) -> bool:
    """Whether a manifest names anything to install."""
    return any(manifest.get(key) for key in ("dependencies", "devDependencies", "optionalDependencies"))


def has_bin(manifest: Mapping[str, object]) -> bool:
    """Whether a package has programs of its own, which are linked where their files are there."""
    directories = manifest.get("directories")
    return bool(manifest.get("bin")) or (isinstance(directories, dict) and bool(directories.get("bin")))


def enclosing_workspace(scene: Scene, directory: str, origin: str) -> str | None:
    """The manifest above a package that has it as a workspace, in the context and in the image."""
    here = origin
    while here:
        here = posixpath.dirname(here)
        path = posixpath.join(here, "package.json")
        manifest = read_json(scene.context, path)
        image = join(directory, posixpath.relpath(path, origin))
        if manifest is not None and manifest.get("workspaces") and scene.origin(image) == path:
            members = tuple(workspace_members(scene.context, here, manifest))
            if posixpath.relpath(origin, here or ".") in members:
                return path
    return None
