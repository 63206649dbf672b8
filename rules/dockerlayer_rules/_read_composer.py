"""How the calls of Composer are read."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from dataclasses import replace

from dockerlayer.api import (
    NOT_IN_CONTEXT,
    NOTHING,
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
from dockerlayer_rules._composercall import Spelling, download_of, is_known_new, spelling
from dockerlayer_rules._composerlock import (
    Json,
    Packages,
    asks_network,
    has_dependencies,
    json_of,
    local_manifests,
    needs_source,
    packages_of,
    table,
)
from dockerlayer_rules.composer import ecosystem

INSTALL = frozenset({"install", "i"})
UPDATE = frozenset({"update", "u", "upgrade"})
NAMED = frozenset({"require", "r", "remove", "rm"})
HOMES = ("/tmp/cache", "/root/.composer", "/root/.config/composer", "/root/.cache/composer")
SETTINGS = ("/tmp/config.json", "/tmp/auth.json", *HOMES)
EXTENSIONS = frozenset({"docker-php-ext-install", "docker-php-ext-configure", "docker-php-ext-enable", "pecl"})
VERSION = "the image's Composer is version 2.5 or newer, the first that has --download-only"
USER = "the base image runs as a user who may write Composer's cache, in which the archives stay"
_OFFICIAL = re.compile(r"(?:^|/)(?:php|composer|debian|ubuntu|alpine|frankenphp|fedora)(?:[:@]|\Z)")
_CLEANUP = re.compile(r"composer|\.cache|/tmp(?:/\*|/cache|/?\Z)|HOME|~/?\Z|/root/?\*?\Z")


def read(call: Call, scene: Scene) -> Fetch | None:
    """What a composer command takes from Packagist, given what stands in the image when it runs."""
    spelled = spelling(call)
    if spelled is None or "--dry-run" in spelled.options or "--help" in spelled.options or "-h" in spelled.options:
        return None
    directory, line = spelled.directory, call.step.line
    if spelled.verb == "global" and spelled.operands[:1] in (("require",), ("r",)):
        return Fetch(call, "tool", call.cwd or "", writes=HOMES)
    if directory is None:
        return None
    if spelled.verb == "create-project" and len(spelled.operands) > 1:
        return Fetch(call, "tool", directory, writes=(join(directory, spelled.operands[1]), *HOMES))
    if spelled.verb not in INSTALL | UPDATE | NAMED or call.value("COMPOSER_DISABLE_NETWORK") or _is_done(call, scene):
        return None
    manifest = call.value("COMPOSER") or "composer.json"
    origin = scene.project(directory, manifest)
    if origin is None and spelled.verb in NAMED and not scene.has(directory):
        writes = tuple(join(directory, name) for name in ("composer.json", "composer.lock", "vendor"))
        return Fetch(call, "tool", directory, writes=(*writes, *HOMES))
    if origin is None:
        missing = Refusal(NOT_IN_CONTEXT, f"no COPY brings a {manifest} of the build context to {directory}", line)
        return Fetch(call, "install", directory, blocked=missing)
    fetch = Fetch(call, "install", directory, origin)
    if spelled.verb in UPDATE:
        return replace(fetch, blocked=Refusal("resolves-anew", "composer update chooses versions anew", line))
    if spelled.verb in NAMED:
        what = f"composer {spelled.verb} changes the project's own packages: {' '.join(spelled.operands)}"
        return replace(fetch, blocked=Refusal("named-packages", what, line))
    return _of_project(fetch, scene, spelled, manifest)


def _is_done(call: Call, scene: Scene) -> bool:
    """Whether an earlier command of the image has downloaded the same, in a layer."""
    spelled = spelling(call)
    for other in scene.before(call):
        earlier = spelling(other) if ecosystem.answers_to.match(other.program) else None
        if earlier is None or spelled is None or earlier.verb not in INSTALL or earlier.directory != spelled.directory:
            continue
        covers = "--no-dev" not in earlier.options or "--no-dev" in spelled.options
        kept = "--download-only" not in earlier.options or "--no-cache" not in earlier.options
        if covers and kept and other.always and other.step is not call.step and not ecosystem.cached_by(other.step):
            return True
    return False


def _of_project(fetch: Fetch, scene: Scene, spelled: Spelling, name: str) -> Fetch | None:
    call, context, origin, directory = fetch.call, scene.context, fetch.origin or "", fetch.directory
    line = call.step.line
    dev = "--no-dev" not in spelled.options
    manifest = json_of(context, posixpath.join(origin, name))
    if manifest is None:
        return replace(
            fetch, blocked=Refusal("bad-manifest", f"{posixpath.join(origin, name)} is not valid JSON", line)
        )
    lockname = name.removesuffix(".json") + ".lock"
    lock = _lock(fetch, scene, name, lockname, required=has_dependencies(manifest, dev=dev))
    locked = json_of(context, posixpath.join(origin, lockname)) if lock.state == "ok" else None
    packages = packages_of(locked or {}, dev=dev)
    vendor = str(call.value("COMPOSER_VENDOR_DIR") or table(manifest, "config").get("vendor-dir") or "vendor")
    if not has_dependencies(manifest, dev=dev) or (locked is not None and not packages.names):
        return None
    if locked is not None and (
        not packages.archives + len(packages.sources) or _has_all(scene, directory, vendor, packages)
    ):
        return None
    needs = [name, *([lockname] if lock.state == "ok" else [])]
    needs += [other for other in ("auth.json",) if context.is_file(posixpath.join(origin, other))]
    script = join(call.cwd or "/", spelled.script) if spelled.script else ""
    if script and scene.has(script):
        needs.append(posixpath.relpath(script, directory))
    found = local_manifests(context, origin, packages.local)
    members = () if isinstance(found, Refusal) else found
    kind = "download" if "--download-only" in spelled.options else "install"
    reads = (*(join(directory, other) for other in (name, lockname, "auth.json", vendor)), *SETTINGS)
    fetch = replace(
        fetch,
        kind=kind,
        needs=tuple(dict.fromkeys([*needs, *members])),
        writes=(join(directory, vendor), *HOMES),
        count=packages.archives + len(packages.sources) or None,
        lock=lock,
        reads=(*reads, *([script] if script else [])),
        members=members,
        without_member="stops, since the package's directory is not there" if packages.local else "",
    )
    refusal = next(_obstacles(fetch, scene, spelled, locked, packages, vendor), None)
    if refusal is None and isinstance(found, Refusal):
        refusal = found._replace(line=line)
    if refusal is not None or kind == "download":
        return replace(fetch, blocked=refusal)
    return _with_split(fetch, scene, spelled, manifest, packages)


def _lock(fetch: Fetch, scene: Scene, manifest: str, lockname: str, *, required: bool) -> Lock:
    path = posixpath.join(fetch.origin or "", lockname)
    image = join(fetch.directory, lockname)
    placed = scene.origin(image)
    if placed is not None and placed != path:
        return Lock(manifest, lockname, "elsewhere")
    if scene.context.is_file(path):
        state = "ok" if scene.would_be(image) == path else "uncopied"
        return Lock(manifest, lockname, state, f"copy it beside {manifest}; the image then gets the versions it pins")
    if scene.context.hidden(path):
        return Lock(manifest, lockname, "hidden", f"take {lockname} out of the ignore file")
    advice = f"composer update --no-install writes {lockname}; commit it and copy it with {manifest}"
    return Lock(manifest, lockname, "missing" if required else "ok", advice)


def _has_all(scene: Scene, directory: str, vendor: str, packages: Packages) -> bool:
    """Whether the context brings a vendor directory in which every locked package is installed."""
    path = scene.origin(join(directory, posixpath.join(vendor, "composer/installed.json")))
    installed = json_of(scene.context, path) if path is not None else None
    listed = installed.get("packages") if installed is not None else None
    names = {str(item.get("name")) for item in listed if isinstance(item, dict)} if isinstance(listed, list) else set()
    return packages.names <= names and bool(names)


def _obstacles(
    fetch: Fetch, scene: Scene, spelled: Spelling, locked: Json | None, packages: Packages, vendor: str
) -> Iterator[Refusal]:
    """Why nothing can be done for an install."""
    lock, line = fetch.lock, fetch.call.step.line
    assert lock is not None
    if lock.state == "elsewhere":
        yield Refusal("manifests-apart", f"{lock.manifest} and {lock.lockfile} come from different directories", line)
    if lock.state != "ok":
        reason = f"no {lock.lockfile} reaches {fetch.directory}: Composer would choose versions anew"
        yield Refusal("no-lockfile", reason, line)
    if locked is None and lock.state == "ok":
        yield Refusal("bad-lockfile", f"{lock.lockfile} is not valid JSON", line)
    unknown = next((option for option in (*spelled.options, *spelled.operands) if re.search(r"[$`]", option)), None)
    if unknown is not None:
        yield Refusal("variable-options", f"what {unknown} stands for is not known", line)
    if scene.has(join(fetch.directory, vendor)):
        yield Refusal("vendor-in-context", f"{vendor} of the build context has some of the packages, but not all", line)
    if packages.files:
        yield Refusal("local-archive", f"{packages.files[0]} is an archive of the project", line)


def _with_split(fetch: Fetch, scene: Scene, spelled: Spelling, manifest: Json, packages: Packages) -> Fetch:
    call, line = fetch.call, fetch.call.step.line
    no_narrow = needs_source(manifest, packages, frozenset(spelled.options))
    if no_narrow is None and "version" not in manifest and _has_git(scene, fetch.directory):
        no_narrow = Refusal("version-from-git", "the project's own version, which is installed too, is asked of git")
    fetch = replace(fetch, no_narrow=no_narrow._replace(line=line) if no_narrow is not None else None)
    no_split = next(_no_split(call, scene, spelled, manifest, packages), None)
    if no_split is not None:
        return replace(fetch, no_split=no_split._replace(line=line))
    is_new = is_known_new(call, scene)
    if is_new is False:
        return replace(fetch, no_split=Refusal("old-composer", "Composer has --download-only since 2.5 alone", line))
    if is_new is None and no_narrow is None:
        return fetch
    download = download_of(call, spelled)
    if download is None:
        return replace(fetch, no_split=Refusal("variable-environment", "the command's words are not literal", line))
    edits: tuple[Edit, ...] = ()
    words = frozenset(spelled.options)
    scripts, plugins = "--no-scripts" not in words, "--no-plugins" not in words
    if not asks_network(manifest, packages, scripts=scripts, plugins=plugins) and "--audit" not in words:
        env = "" if call.words == call.command.words else "env "
        edits = (prefix(call, f"{env}COMPOSER_DISABLE_NETWORK=1"),)
    known = call.step.state.user or _OFFICIAL.search(call.step.stage.base_image)
    assumptions = () if known else (USER,)
    elsewhere = f"{download} --working-dir={{}}" if call.has("-d", "--working-dir") else ""
    split = Split(download, edits, assumptions, directory=fetch.directory, writes=HOMES, elsewhere=elsewhere)
    return replace(fetch, split=split, unproven=VERSION if is_new is None else "")


def _no_split(call: Call, scene: Scene, spelled: Spelling, manifest: Json, packages: Packages) -> Iterator[Refusal]:
    """Why a download of its own would not serve the install."""
    if "--no-cache" in spelled.options or call.value("COMPOSER_CACHE_DIR") == "/dev/null":
        yield Refusal("no-cache", "the install uses no cache, from which alone it could take what was downloaded")
    for name in table(manifest, "config"):
        if name.startswith("cache-"):
            yield Refusal("cache-settings", f"composer.json sets {name} for Composer's cache")
    if _has_cache_settings(call, scene):
        yield Refusal("cache-settings", "Composer's settings in the image say something of its cache")
    if packages.sources:
        yield Refusal("source-packages", f"{packages.sources[0]} comes from a repository, not from an archive")
    if call.has("--prefer-source") or "source" in str(table(manifest, "config").get("preferred-install", "")):
        yield Refusal("source-packages", "packages are taken from repositories, not from archives")
    if call.user not in {None, "root", "0", "root:root", "0:0", "root:0"}:
        yield Refusal("other-user", f"whether {call.user} may write Composer's cache is not known")
    for other in scene.siblings:
        clears = (found := spelling(other)) is not None and found.verb in {"clear-cache", "clearcache", "cc"}
        removes = other.program == "rm" and any(_CLEANUP.search(word) for word in other.arguments)
        if clears or removes:
            yield Refusal("cleanup-in-same-run", f"'{' '.join(other.argv)}' takes away what a download would leave")


def _has_cache_settings(call: Call, scene: Scene) -> bool:
    """Whether config.json of Composer's home is brought, or written by `composer config --global`, with cache-dir."""
    home = call.value("COMPOSER_HOME")
    for place in ("/tmp", *HOMES, *([home] if home else [])):
        origin = scene.origin(join(place, "config.json"))
        if origin is not None and b'"cache-' in (scene.context.read(origin) or b""):
            return True
    made = (other for other in scene.before(call) if other.program == "composer" and other.has("-g", "--global"))
    return any(word.startswith("cache-") for other in made for word in other.arguments)


def _has_git(scene: Scene, directory: str) -> bool:
    while True:
        if scene.has(join(directory, ".git")):
            return True
        above = posixpath.dirname(directory)
        if above == directory or not above:
            return False
        directory = above


def effect(call: Call, scene: Scene) -> Effect | None:
    """What Composer's commands that fetch no packages, and those that install PHP's extensions, read and write."""
    if call.program in EXTENSIONS:
        return (
            None if any("/" in word for word in call.arguments) else Effect(SYSTEM_WRITES, (*SYSTEM_WRITES, "/usr/src"))
        )
    spelled = spelling(call)
    if spelled is None or (spelled.script and scene.has(join(call.cwd or "/", spelled.script))):
        return None
    if call.arguments[-1:] in (("--version",), ("-V",), ("about",)) or spelled.verb == "about":
        return NOTHING
    if spelled.verb in {"clear-cache", "clearcache", "cc"}:
        return Effect(writes=HOMES)
    if spelled.verb in {"self-update", "selfupdate"}:
        return Effect(writes=(*SYSTEM_WRITES, *HOMES))
    if spelled.verb == "config" and ("-g" in spelled.options or "--global" in spelled.options):
        return Effect(writes=(*SYSTEM_WRITES, *SETTINGS))
    return None
