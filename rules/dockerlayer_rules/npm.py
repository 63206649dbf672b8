"""npm: ``npm ci`` from package.json, package-lock.json and .npmrc alone, where nothing in them reaches for the source.

npm has no command that only downloads. What makes the narrow install unsafe is silent: with workspace manifests or a
patches directory missing it installs less and exits 0, so each of these is looked for in the real context.
"""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace

from dockerlayer.api import (
    NOT_IN_CONTEXT,
    SYSTEM_WRITES,
    Call,
    Ecosystem,
    Effect,
    Example,
    Fetch,
    Lock,
    Practice,
    Refusal,
    Registry,
    Scene,
    join,
)
from dockerlayer_rules._node import count_locked, lifecycle_needs, local_packages, workspace_members

# npm's own aliases (its cmd-list); any unambiguous prefix works too, but nobody writes those in a Dockerfile.
INSTALL = frozenset("install i in ins inst insta instal isnt isnta isntal isntall add".split())
CI = frozenset(["ci", "clean-install", "ic", "install-clean", "isntall-clean"])
AND_TEST = frozenset("install-test it install-ci-test cit clean-install-test sit".split())
HARMLESS = frozenset("""config set get cache root prefix bin help whoami ping doctor -v --version""".split())
VALUE_OPTIONS = frozenset(
    """--prefix -C --cache --registry --loglevel --userconfig --globalconfig --omit --only --include -w
        --workspace --location --fetch-retries --fetch-timeout --fetch-retry-mintimeout
        --fetch-retry-maxtimeout --maxsockets --tag --target --arch --platform --network-timeout --jobs
        --python --before --install-strategy --cpu --os --libc""".split()
)
_NAMES_PATH = re.compile(r"\.{0,2}/|.*(?:--require|--import|--loader|--env-file)\b")
SETTINGS = ("/root/.npmrc", "/root/.npm", "/home/node/.npmrc")
LOCKFILES = ("npm-shrinkwrap.json", "package-lock.json")


def read(call: Call, scene: Scene) -> Fetch | None:
    """What an npm command takes from the registry, given what stands in the image when it runs."""
    verb, operands, directory = _parse(call)
    if verb not in INSTALL | CI | AND_TEST or _is_offline(call):
        return None
    if directory is None or (call.has("--prefer-offline") and _has_filled_cache(call, scene)):
        return None
    line = call.step.line
    if operands:
        if any(word.startswith((".", "/", "~", "file:", "$")) for word in operands):
            blocked = Refusal("local-path", f"npm installs from a path or variable: {' '.join(operands)}", line)
            return Fetch(call, "install", directory, blocked=blocked)
        if _is_global(call):
            return Fetch(call, "tool", directory, count=None)
        blocked = Refusal("named-packages", f"npm adds {' '.join(operands)} to the project's own packages", line)
        return Fetch(call, "install", directory, blocked=blocked)
    if _is_global(call):
        return None
    origin = scene.project(directory, "package.json")
    if origin is None:
        blocked = Refusal(NOT_IN_CONTEXT, f"no COPY brings a package.json of the build context to {directory}", line)
        return Fetch(call, "install", directory, blocked=blocked)
    fetch = _of_project(call, scene, directory, origin)
    if fetch is not None and verb in AND_TEST and fetch.blocked is None:
        return replace(fetch, blocked=Refusal("runs-tests", f"npm {verb} runs the project's tests as well", line))
    return fetch


def _parse(call: Call) -> tuple[str, list[str], str | None]:
    directory = call.cwd
    words: list[str] = []
    option = ""
    for word in call.arguments:
        if option:
            if option in {"--prefix", "-C"}:
                directory = join(directory, word) if directory is not None else None
            option = ""
        elif word.startswith("-") and word not in {"-v", "--version"}:
            name, equals, value = word.partition("=")
            if name in {"--prefix", "-C"} and equals:
                directory = join(directory, value) if directory is not None else None
            option = word if word in VALUE_OPTIONS else ""
        else:
            words.append(word)
    return (words[0] if words else ""), words[1:], directory


def _is_global(call: Call) -> bool:
    return call.has("-g", "--global") or "--location=global" in call.arguments


def _is_offline(call: Call) -> bool:
    return call.has("--offline", "--dry-run", "--package-lock-only") or any(
        (call.value(name) or "").lower() == "true" for name in ("npm_config_offline", "NPM_CONFIG_OFFLINE")
    )


def _has_filled_cache(call: Call, scene: Scene) -> bool:
    return any(other.program == "npm" and other.arguments[:2] == ("cache", "add") for other in scene.before(call))


def _omits_dev(call: Call) -> bool:
    text = " ".join(call.arguments)
    named = re.search(r"--omit[= ]dev\b|--production\b(?!=false)|--only[= ]prod", text)
    return bool(named) or call.value("NODE_ENV") == "production"


def _json(scene: Scene, path: str) -> Mapping[str, object] | None:
    data = scene.context.read(path, 64 * 1024 * 1024)
    try:
        value = json.loads(data) if data is not None else None
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _of_project(call: Call, scene: Scene, directory: str, origin: str) -> Fetch | None:
    line = call.step.line
    manifest = _json(scene, posixpath.join(origin, "package.json"))
    if manifest is None:
        blocked = Refusal("bad-manifest", f"{posixpath.join(origin, 'package.json')} is not valid JSON", line)
        return Fetch(call, "install", directory, origin, blocked=blocked)
    members = tuple(workspace_members(scene.context, origin, manifest))
    enclosing = _enclosing_workspace(scene, directory, origin)
    lock, lockfile = (None, "") if enclosing else _lock(call, scene, directory, origin, manifest)
    locked = _json(scene, posixpath.join(origin, lockfile)) if lockfile else None
    if b"offline=true" in (scene.context.read(posixpath.join(origin, ".npmrc")) or b"").replace(b" ", b""):
        return None
    count = count_locked(locked, omit_dev=_omits_dev(call)) if locked is not None else None
    if count == 0 or (locked is None and not _has_dependencies(manifest) and not members):
        return None
    needs = ["package.json", *([lockfile] if lockfile else [])]
    if scene.context.is_file(posixpath.join(origin, ".npmrc")):
        needs.append(".npmrc")
    needs.extend(posixpath.join(member, "package.json") for member in members)
    writes = tuple(join(directory, posixpath.join(place, "node_modules")) for place in ("", *members))
    reads = (*(join(directory, name) for name in (".npmrc", "package-lock.json")), *SETTINGS)
    fetch = Fetch(call, "install", directory, origin, tuple(needs), writes, count, "packages", lock, reads=reads)
    refusal = next(_obstacles(fetch, scene, manifest, locked, members), None)
    if refusal is not None:
        return replace(fetch, blocked=refusal)
    extra = [*local_packages(locked or {}, members), *lifecycle_needs(scene.context, origin, manifest)]
    if call.has("--ignore-scripts"):
        extra = [*local_packages(locked or {}, members)]
    assumptions: tuple[str, ...] = ()
    if _parse(call)[0] in INSTALL and not _agrees(manifest, locked):
        assumptions = (
            f"{lockfile} does not agree with package.json: npm rewrites it, and COPY brings the old one back",
        )
    return replace(fetch, needs=tuple(dict.fromkeys([*needs, *map(str, extra)])), assumptions=assumptions)


def _obstacles(
    fetch: Fetch,
    scene: Scene,
    manifest: Mapping[str, object],
    locked: Mapping[str, object] | None,
    members: tuple[str, ...],
) -> Iterator[Refusal]:
    """Why an install from the narrow inputs would fail or, worse, silently do less."""
    call, context, origin = fetch.call, scene.context, fetch.origin or ""
    line = call.step.line
    if fetch.lock is not None and fetch.lock.state == "elsewhere":
        reason = f"package.json and {fetch.lock.lockfile} come from different directories of the context"
        yield Refusal("manifests-apart", reason, line)
    if fetch.lock is not None and fetch.lock.state != "ok":
        reason = f"no lockfile reaches {fetch.directory}: which versions the layer keeps would be chance"
        yield Refusal("no-lockfile", reason, line)
    if locked is None and fetch.lock is not None and fetch.lock.state == "ok":
        yield Refusal("bad-lockfile", f"{fetch.lock.lockfile} cannot be read as JSON", line)
    setting = _settings_path(context.read(posixpath.join(origin, ".npmrc")) or b"")
    if setting is not None:
        yield Refusal("settings-path", f"{posixpath.join(origin, '.npmrc')} names a file in {setting}", line)
    enclosing = _enclosing_workspace(scene, fetch.directory, origin)
    if enclosing is not None:
        yield Refusal("workspace-member", f"the package is a workspace of {enclosing}, which npm looks for", line)
    if not call.has("--ignore-scripts"):
        for need in lifecycle_needs(context, origin, manifest):
            if isinstance(need, Refusal):
                yield need._replace(line=line)
        if context.is_file(posixpath.join(origin, "binding.gyp")):
            yield Refusal("native-addon", "binding.gyp makes npm compile the project itself during the install", line)
    for member in members:
        path = posixpath.join(origin, member, "package.json")
        inner = _json(scene, path) or {}
        if _has_bin(inner):
            yield Refusal("workspace-bin", f"{path} has a bin: npm links it only if its file is there", line)
        if context.is_file(posixpath.join(origin, member, "binding.gyp")):
            yield Refusal("native-addon", f"{member}/binding.gyp makes npm compile it during the install", line)
        for need in lifecycle_needs(context, posixpath.join(origin, member), inner):
            message = need.message if isinstance(need, Refusal) else f"{path} has an install script that reads {need}"
            yield Refusal("workspace-script", message, line)
    for local in local_packages(locked or {}, members):
        if isinstance(local, Refusal):
            yield local._replace(line=line)
        elif any(lifecycle_needs(context, posixpath.join(origin, local), _json(scene, _inside(origin, local)) or {})):
            yield Refusal("local-package-script", f"{local}, a file: dependency, has install scripts", line)
        elif _has_bin(_json(scene, _inside(origin, local)) or {}):
            yield Refusal(
                "local-package-bin", f"{local}, a file: dependency, has a bin that npm makes executable", line
            )
        elif not context.exists(posixpath.normpath(posixpath.join(origin, local))):
            yield Refusal("local-package-missing", f"{local}, a file: dependency, is not in the build context", line)
    if any(context.exists(posixpath.join(origin, place, "node_modules")) for place in ("", *members)):
        reason = f"{posixpath.join(origin, 'node_modules')} is in the build context and would overwrite the install"
        yield Refusal("node-modules-in-context", reason, line)


def _inside(origin: str, local: str) -> str:
    return posixpath.normpath(posixpath.join(origin, local, "package.json"))


def _settings_path(text: bytes) -> str | None:
    """A setting of .npmrc that names a file or program of the project."""
    for line in text.decode("utf-8", "replace").splitlines():
        name, equals, value = (part.strip() for part in line.partition("="))
        if equals and not name.startswith(("#", ";")) and _NAMES_PATH.match(value) and not value.startswith("//"):
            return name
    return None


def _has_bin(manifest: Mapping[str, object]) -> bool:
    directories = manifest.get("directories")
    return bool(manifest.get("bin")) or (isinstance(directories, dict) and bool(directories.get("bin")))


def _agrees(manifest: Mapping[str, object], locked: Mapping[str, object] | None) -> bool:
    """Whether ``npm install`` would leave the lockfile as it is."""
    packages = locked.get("packages") if locked is not None else None
    root = packages.get("") if isinstance(packages, dict) else None
    if not isinstance(root, dict):
        return False
    compared = ("name", "version", "dependencies", "devDependencies", "optionalDependencies", "peerDependencies")
    return all((manifest.get(key) or None) == (root.get(key) or None) for key in compared)


def _enclosing_workspace(scene: Scene, directory: str, origin: str) -> str | None:
    """The manifest above a package that has it as a workspace, in the context and in the image."""
    here = origin
    while here:
        here = posixpath.dirname(here)
        path = posixpath.join(here, "package.json")
        manifest = _json(scene, path)
        image = join(directory, posixpath.relpath(path, origin))
        if manifest is not None and manifest.get("workspaces") and scene.origin(image) == path:
            members = tuple(workspace_members(scene.context, here, manifest))
            if posixpath.relpath(origin, here or ".") in members:
                return path
    return None


def _has_dependencies(manifest: Mapping[str, object]) -> bool:
    return any(manifest.get(key) for key in ("dependencies", "devDependencies", "optionalDependencies"))


def _lock(
    call: Call, scene: Scene, directory: str, origin: str, manifest: Mapping[str, object]
) -> tuple[Lock | None, str]:
    if call.has("--no-package-lock", "--no-shrinkwrap") or call.value("npm_config_package_lock") == "false":
        return Lock("package.json", "package-lock.json", "off"), ""
    advice = "npm install --package-lock-only writes package-lock.json; commit it, copy it, and install with npm ci"
    for name in LOCKFILES:
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
    made = any(
        other.program == "npm" and _parse(other)[0] in INSTALL and _parse(other)[2] == directory
        for other in scene.before(call)
    )
    state = "made" if made else "missing" if _has_dependencies(manifest) else "ok"
    return Lock("package.json", "package-lock.json", state, advice), ""


def effect(call: Call, scene: Scene) -> Effect | None:
    """What the npm commands that fetch nothing read and write."""
    if _parse(call)[0] not in HARMLESS:
        return None
    if call.has("--location", "-L", "--prefix", "--userconfig", "--globalconfig"):
        return Effect(writes=(*SYSTEM_WRITES, *SETTINGS, join(call.cwd, ".npmrc"))) if call.cwd else None
    return Effect(writes=(*SYSTEM_WRITES, *SETTINGS))


ecosystem = Ecosystem(
    name="npm",
    title="npm",
    docs="https://docs.npmjs.com/cli/commands/npm-ci",
    registry=Registry("npm", "GitHub (Microsoft)", donated=False),
    programs=r"npm",
    read=read,
    practice=Practice("none; `npm cache add` of what the lockfile lists", "`npm ci --offline`", "no"),
    effect=effect,
    other_caches=(r"/\.cache(?:/|$)",),
    home_files=(".npmrc", ".netrc", ".gitconfig"),
    examples=(
        Example(
            "source-before-download",
            """
            FROM node:22
            WORKDIR /app
            COPY . .
            RUN npm ci
            """,
            """
            FROM node:22
            WORKDIR /app
            COPY package.json package-lock.json ./
            RUN npm ci
            COPY . .
            """,
        ),
        Example(
            "missing-lockfile",
            """
            FROM node:22
            WORKDIR /app
            COPY package.json ./
            RUN npm install
            """,
            """
            FROM node:22
            WORKDIR /app
            COPY package.json package-lock.json ./
            RUN npm ci
            """,
        ),
        Example(
            "ignored-lockfile",
            """
            FROM node:22
            WORKDIR /app
            COPY package.json ./
            RUN npm install
            """,
            """
            FROM node:22
            WORKDIR /app
            COPY package.json package-lock.json ./
            RUN npm ci
            """,
        ),
    ),
)
