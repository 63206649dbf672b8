"""How the calls of Bundler are read."""

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
    Effect,
    Fetch,
    Lock,
    Refusal,
    Scene,
    join,
    path_of,
)
from dockerlayer_rules._gemfile import needs_of
from dockerlayer_rules._gemlock import Locked, read_lock
from dockerlayer_rules.bundler import ecosystem

INSTALL = frozenset({"", "install", "i"})
CACHE = frozenset({"cache", "package", "pack"})
ANEW = frozenset({"update", "lock", "add", "inject", "remove"})
GEM_INSTALL = frozenset({"install", "i", "update", "fetch", "specific_install"})
VALUE_OPTIONS = frozenset(
    "--gemfile --path --jobs -j --retry -r --binstubs --shebang --trust-policy --cache-path --target-rbconfig".split()
)
GEM_HOMES = ("/usr/local/bundle", "/var/lib/gems", "/root/.bundle", "/root/.gem", "/root/.local/share/gem")
SETTINGS = ("/root/.bundle", "/usr/local/bundle/config", "/root/.gemrc", "/root/.gem")
# Settings that change neither which files an install reads nor where it writes (bundler.io/man/bundle-config.1).
PLAIN = re.compile(
    r"(?:without|with|only|frozen|deployment|jobs|retry|clean|no_prune|timeout|redirect|prefer_patch|force_ruby_platform"
    r"|silence_\w+|ignore_\w+|ssl_\w+|user_agent|auto_install|specific_platform|disable_\w+|no_install|cache_all\w*"
    r"|build[._].*|mirror[._].*|version|github\.https|path\.system|system_bindir|app_config|global_gem_cache"
    r"|\w+(?:__\w+)+|[\w-]+\.[\w.-]+|https?[:_].*)\Z"
)


def read(call: Call, scene: Scene) -> Fetch | None:
    """What a bundle or gem command takes from RubyGems, given what stands in the image when it runs."""
    if call.program == "gem":
        return _tool(call)
    verb, gemfile = _parse(call)
    if verb not in INSTALL | CACHE | ANEW or call.has("--local", "--help", "-h", "--version", "-v", "--print"):
        return None
    line = call.step.line
    found = _manifest(call, scene, gemfile)
    if found is None:
        return None
    directory, manifest, origin = found
    if origin is None:
        blocked = Refusal(NOT_IN_CONTEXT, f"no COPY brings a Gemfile of the build context to {directory}", line)
        return Fetch(call, "install", directory, unit="gems", blocked=blocked)
    fetch = Fetch(call, "install", directory, origin, unit="gems")
    if verb in ANEW:
        words = " ".join(call.arguments[:3])
        return replace(fetch, blocked=Refusal("resolves-anew", f"bundle {words} chooses versions anew", line))
    return _of_project(fetch, scene, manifest, verb)


def _tool(call: Call) -> Fetch | None:
    words = [word for word in call.arguments if not word.startswith("-")]
    verb = words[0] if words else ""
    if verb not in GEM_INSTALL or call.has("--local", "-l", "--help", "-h"):
        return None
    line, directory = call.step.line, call.cwd or ""
    if any(word.endswith(".gem") or word.startswith((".", "/")) for word in words[1:]):
        blocked = Refusal("local-path", f"gem installs from a path: {' '.join(words[1:])}", line)
        return Fetch(call, "install", directory, unit="gems", blocked=blocked)
    if call.has("-g", "--file", "--install-dir", "-i") or (verb == "update" and not call.has("--system")):
        blocked = Refusal("gem-options", f"what gem {verb} needs or writes here is not known", line)
        return Fetch(call, "install", directory, unit="gems", blocked=blocked)
    return Fetch(call, "tool", directory, writes=GEM_HOMES, unit="gems")


def _parse(call: Call) -> tuple[str, str | None]:
    """The verb, and the Gemfile that the command or its environment names."""
    gemfile = call.value("BUNDLE_GEMFILE")
    verb = ""
    option = ""
    for word in call.arguments:
        if option:
            gemfile = word if option == "--gemfile" else gemfile
            option = ""
        elif word.startswith("-"):
            name, equals, value = word.partition("=")
            gemfile = value if name == "--gemfile" and equals else gemfile
            option = word if word in VALUE_OPTIONS else ""
        elif not verb:
            verb = word
    return verb, gemfile or None


def _manifest(call: Call, scene: Scene, gemfile: str | None) -> tuple[str, str, str | None] | None:
    """Directory and name of the Gemfile, and the context directory behind it; Bundler looks for it upwards."""
    if call.cwd is None or (gemfile is not None and re.search(r"[$`~]", gemfile)):
        return None
    if gemfile is not None:
        path = join(call.cwd, gemfile)
        directory, name = posixpath.split(path)
        return directory, name, scene.project(directory, name)
    here = call.cwd
    while True:
        for name in ("Gemfile", "gems.rb"):
            origin = scene.project(here, name)
            if origin is not None:
                return here, name, origin
        above = posixpath.dirname(here)
        if above == here or not above:
            return call.cwd, "Gemfile", None
        here = above


def _of_project(fetch: Fetch, scene: Scene, manifest: str, verb: str) -> Fetch | None:
    call, context, origin = fetch.call, scene.context, fetch.origin or ""
    lockname = "gems.locked" if manifest == "gems.rb" else f"{manifest}.lock"
    lock = _lock(fetch, scene, manifest, lockname)
    data = context.read(posixpath.join(origin, lockname), 16 * 1024 * 1024) if lock.state == "ok" else None
    locked = read_lock(data) if data is not None else None
    if locked is not None and not locked.gems and not locked.git:
        return None
    if locked is not None and (_has_all(scene, fetch.directory, locked) or _installed_before(call, scene)):
        return None
    settings = _settings(call, scene)
    groups = {name for name in settings if name in {"without", "with", "only"}} or call.has("--without", "--with")
    count = len(locked.gems) + locked.git if locked is not None and not groups else None
    reads = (*(join(fetch.directory, name) for name in (".bundle", lockname, "vendor/cache")), *SETTINGS)
    writes = tuple(dict.fromkeys(_writes(fetch, verb, settings)))
    fetch = replace(fetch, needs=(manifest,), count=count, lock=lock, reads=reads, writes=writes)
    refusal = next(_obstacles(fetch, scene, locked, settings), None)
    if refusal is not None or locked is None:
        return replace(fetch, blocked=refusal)
    needs, paths, refusal = needs_of(fetch, scene, manifest, locked)
    if refusal is not None:
        return replace(fetch, blocked=refusal._replace(line=call.step.line))
    assumptions: tuple[str, ...] = ()
    text = (context.read(posixpath.join(origin, manifest)) or b"").decode("utf-8", "replace")
    named = re.findall(r"^[ \t]*gem[ \t(]+[\"']([\w.-]+)[\"']", text, re.MULTILINE)
    states_ruby = re.search(r"^[ \t]*ruby\b", text, re.MULTILINE) is not None
    if not set(named) <= locked.dependencies or (states_ruby and not locked.ruby):
        assumptions = (
            f"{lockname} does not agree with {manifest}: Bundler rewrites it, and COPY brings the old one back",
        )
    needs = tuple(dict.fromkeys((manifest, lockname, *needs)))
    missing = "stops, since it is not where the Gemfile says" if paths else ""
    return replace(fetch, needs=needs, members=paths, without_member=missing, assumptions=assumptions)


def _lock(fetch: Fetch, scene: Scene, manifest: str, lockname: str) -> Lock:
    path = posixpath.join(fetch.origin or "", lockname)
    image = join(fetch.directory, lockname)
    advice = f"bundle lock writes {lockname}; commit it and copy it with {manifest}"
    placed = scene.origin(image)
    if placed is not None and placed != path:
        return Lock(manifest, lockname, "elsewhere")
    if scene.context.is_file(path):
        return Lock(
            manifest, lockname, "ok" if scene.would_be(image) == path else "uncopied", f"copy it with {manifest}"
        )
    if scene.context.hidden(path):
        return Lock(manifest, lockname, "hidden", f"take {lockname} out of the ignore file")
    made = any(
        other.program in {"bundle", "bundler"} and _parse(other)[0] in INSTALL | ANEW
        for other in scene.before(fetch.call)
    )
    return Lock(manifest, lockname, "made" if made else "missing", advice)


def _has_all(scene: Scene, directory: str, locked: Locked) -> bool:
    """Whether vendor/cache of the context has every gem, so that nothing is downloaded."""
    path = scene.origin(join(directory, "vendor/cache"))
    names = scene.context.names(path) if path is not None else []
    archives = [name for name in names if name.endswith(".gem")]
    return bool(archives) and all(any(item.startswith(f"{gem}-") for item in archives) for gem in locked.gems)


def _installed_before(call: Call, scene: Scene) -> bool:
    """Whether an earlier command of the image has installed the same, in a layer."""
    groups = [word for word in call.arguments if word.startswith("--with") or "=" in word]
    for other in scene.before(call):
        if other.program not in {"bundle", "bundler"} or other.cwd != call.cwd or ecosystem.cached_by(other.step):
            continue
        verb, _ = _parse(other)
        same = [word for word in other.arguments if word.startswith("--with") or "=" in word] == groups
        if verb in INSTALL | CACHE and same and other.always and other.step is not call.step:
            return True
    return False


def _settings(call: Call, scene: Scene) -> dict[str, str]:
    """Bundler's settings as far as variables and earlier commands set them."""
    variables = {**call.step.state.values, **call.env}
    found = {
        name.removeprefix("BUNDLE_").lower(): value for name, value in variables.items() if name.startswith("BUNDLE_")
    }
    for other in scene.before(call):
        words = [word for word in other.arguments if word not in {"--local", "--global", "set"}]
        if other.program in {"bundle", "bundler"} and words[:1] == ["config"] and len(words) > 2:
            found[words[1].lower()] = " ".join(words[2:])
    return found


def _writes(fetch: Fetch, verb: str, settings: dict[str, str]) -> Iterator[str]:
    call, directory = fetch.call, fetch.directory
    yield from GEM_HOMES
    yield from (place for place in [call.value("GEM_HOME")] if place)
    words = " ".join(call.arguments)
    option = re.search(r"--path[ =](\S+)", words)
    path = option[1] if option else settings.get("path", "")
    if path:
        yield path_of(call, path) or join(directory, path)
    elif "deployment" in settings or "--deployment" in words:
        yield join(directory, "vendor/bundle")
    if re.search(r"--(?:path|without|with|deployment|frozen|binstubs|shebang|standalone|system)\b", words):
        yield from _local_settings(call, directory)
    if "--standalone" in words:
        yield join(directory, "bundle")
    binstubs = re.search(r"--binstubs(?:[ =]([^\s-]\S*))?", words)
    if binstubs or "bin" in settings:
        yield join(directory, (binstubs[1] if binstubs else settings.get("bin")) or "bin")
    if verb in CACHE:
        cached = re.search(r"--cache-path[ =](\S+)", words)
        yield join(directory, cached[1] if cached else "vendor/cache")


def _local_settings(call: Call, directory: str) -> tuple[str, ...]:
    """Where Bundler keeps a project's settings; the official images set BUNDLE_APP_CONFIG (docker-library/ruby)."""
    official = re.search(r"(?:^|/)j?ruby(?:[:@]|\Z)", call.step.stage.base_image)
    return () if official or call.value("BUNDLE_APP_CONFIG") else (join(directory, ".bundle"),)


def _obstacles(fetch: Fetch, scene: Scene, locked: Locked | None, settings: dict[str, str]) -> Iterator[Refusal]:
    """Why an install from the narrow inputs would fail, or differ from that of the whole source."""
    call, context, origin, lock = fetch.call, scene.context, fetch.origin or "", fetch.lock
    line = call.step.line
    assert lock is not None
    if lock.state == "elsewhere":
        yield Refusal("manifests-apart", f"{lock.manifest} and {lock.lockfile} come from different directories", line)
    if lock.state != "ok":
        reason = f"no {lock.lockfile} reaches {fetch.directory}: which versions the layer keeps would be chance"
        yield Refusal("no-lockfile", reason, line)
    if locked is None and lock.state == "ok":
        yield Refusal("bad-lockfile", f"{lock.lockfile} is not what Bundler writes", line)
    if "/" in call.words[0].text and scene.has(join(call.cwd or "/", call.words[0].text)):
        yield Refusal("project-script", f"{call.words[0].text} is a file of the project", line)
    if locked is not None and not locked.suits(call.step.stage.base_image):
        what = f"{lock.lockfile} is for {', '.join(locked.platforms)} alone, so Bundler rewrites it in the image"
        yield Refusal("lockfile-platform", f"{what}; bundle lock --add-platform x86_64-linux adds Linux", line)
    if lock.manifest == "Gemfile" and context.is_file(posixpath.join(origin, "gems.rb")):
        yield Refusal("two-gemfiles", "there is a gems.rb beside the Gemfile", line)
    for name in settings:
        if name.startswith(("local.", "local__")) or (name not in {"path", "bin", "gemfile"} and not PLAIN.match(name)):
            yield Refusal("settings-made", f"the setting {name} may make Bundler read or write elsewhere", line)
    if any(path_of(call, settings[name]) is None for name in ("path", "bin") if name in settings):
        yield Refusal("settings-made", "where Bundler installs to is not literal", line)
    if context.exists(posixpath.join(origin, ".bundle/config")) and scene.has(join(fetch.directory, ".bundle/config")):
        yield Refusal("settings-in-context", ".bundle/config of a developer's machine is in the build context", line)
    if context.exists(posixpath.join(origin, "vendor/cache")) and context.names(posixpath.join(origin, "vendor/cache")):
        yield Refusal("vendored-partly", "vendor/cache in the build context has some of the gems, but not all", line)
    for other in scene.siblings:
        if other.start > call.start and other.program == "find":
            yield Refusal("cleanup-in-same-run", f"'{' '.join(other.argv[:3])}' must stay in the install's layer", line)


def effect(call: Call, scene: Scene) -> Effect | None:
    """What the bundle and gem commands that fetch nothing read and write."""
    words = call.arguments
    if words[:1] in (("-v",), ("--version",), ("version",), ("help",), ("env",), ("--help",)):
        return NOTHING
    if call.program == "gem":
        known = words[:1] in (("sources",), ("list",), ("cleanup",), ("environment",), ("config",), ("which",))
        return Effect(GEM_HOMES, (*SYSTEM_WRITES, *GEM_HOMES, "/root/.gemrc")) if known else None
    if words[:1] != ("config",) or call.cwd is None:
        return None
    found = _manifest(call, scene, None)
    if found is None or found[0] != call.cwd:
        return None
    words = tuple(word for word in words[1:] if word not in {"set", "get", "unset", "list"})
    places = () if call.has("--global") else _local_settings(call, call.cwd)
    # Without a scope the setting is the project's where there is a Gemfile, else the user's (measured with 2.6.7).
    beside = any(
        other.program != "gem" and _parse(other)[0] in INSTALL for other in scene.siblings if other is not call
    )
    scoped = call.has("--global", "--local") or beside
    reads = () if scoped else (join(call.cwd, "Gemfile"), join(call.cwd, "gems.rb"))
    return Effect(reads, (*SYSTEM_WRITES, *SETTINGS, *places)) if len(words) > 1 else Effect(reads)
