"""What bundle and gem commands do with the gems that are kept, and what their words say of the network.

Gems are downloaded to ``cache`` in the directory that they are installed to, and taken from there again
(Bundler::Source::Rubygems#fetch_gem), but not with --local, which knows installed gems and vendor/cache alone
(measured, 2.3 to 4.0). The official images set GEM_HOME=/usr/local/bundle (docker-library/ruby). ~/.bundle/cache has
the index of the registry alone.
"""

from __future__ import annotations

import re

from dockerlayer.api import Call, Mend, Scene, Use, join
from dockerlayer_rules._read_bundler import ANEW, CACHE, GEM_INSTALL, INSTALL, _manifest, _parse, _settings
from dockerlayer_rules._stored import below, emptied, given, without

_OFFICIAL = re.compile(r"(?:^|/)ruby(?:[:@]|\Z)")


def use(call: Call, scene: Scene) -> Use | None:
    """What one command does with gems; None where it is about none."""
    if call.has("--help", "-h", "--version", "-v"):
        return None
    if call.program == "gem":
        words = [word for word in call.arguments if not word.startswith("-")]
        if words[:1] == [] or words[0] not in GEM_INSTALL or call.has("-i", "--install-dir", "-g", "--file"):
            return None
        return _used(call, scene, _gem_home(call), offline="--local" if call.has("--local") else "")
    verb, gemfile = _parse(call)
    if verb not in INSTALL | CACHE | ANEW:
        return None
    home, path = _gem_home(call), None
    settings = _settings(call, scene)
    option = re.search(r"--path[ =](\S+)", " ".join(call.arguments))
    found = _manifest(call, scene, gemfile)
    named = option[1] if option else settings.get("path", "")
    if named:
        path = below(call, named)
    elif {"deployment", "path.system", "path__system"} & settings.keys() or call.has("--deployment", "--system"):
        path = join(found[0], "vendor/bundle") if found is not None and "path" not in "".join(settings) else None
    else:
        used = _used(call, scene, home, offline="--local" if call.has("--local") else "")
        nominal, unpinned = _words(call, scene, verb, found)
        return used._replace(nominal=nominal, unpinned=unpinned)
    # Below a path of its own stands the version of Ruby, which the file does not tell.
    offline = "--local" if call.has("--local") else ""
    use = Use(
        (), not offline, not offline, (path,) if path else (), offline, without(call, "--local") if offline else ()
    )
    nominal, unpinned = _words(call, scene, verb, found)
    return use._replace(nominal=nominal, unpinned=unpinned)


def _gem_home(call: Call) -> str | None:
    named = given(call, "GEM_HOME")
    if named is not None:
        return named if named.startswith("/") else None
    return "/usr/local/bundle" if _OFFICIAL.search(call.step.stage.base_image) else None


def _used(call: Call, scene: Scene, home: str | None, offline: str) -> Use:
    stores = (join(home, "cache"),) if home else ()
    emptying = emptied(call, scene, stores)
    return Use(
        stores,
        fills=not offline,
        takes=not offline,
        leaves=(home,) if home else (),
        offline=offline,
        online=without(call, offline) if offline else (),
        defeated=Mend(f"{' '.join(emptying.argv)} removes the downloaded gems in the same RUN", by=emptying)
        if emptying
        else None,
    )


def _words(
    call: Call, scene: Scene, verb: str, found: tuple[str, str, str | None] | None
) -> tuple[Mend | None, Mend | None]:
    """What is wrong with the words of a bundle command."""
    nominal = unpinned = None
    if verb in INSTALL and call.has("--prefer-local") and not call.has("--local"):
        # Measured with 2.3 and 2.6.
        nominal = Mend("--prefer-local still asks the registry, and downloads what is not installed")
    if verb in ANEW and found is not None:
        lock = "gems.locked" if found[1] == "gems.rb" else f"{found[1]}.lock"
        if verb == "update" and scene.has(join(found[0], lock)):
            unpinned = Mend(f"bundle update chooses versions anew and changes {lock} in the image alone")
    return nominal, unpinned
