"""Which files a Gemfile and the gemspecs of local gems make an install read."""

from __future__ import annotations

import posixpath
import re

from dockerlayer.api import Fetch, Refusal, Scene
from dockerlayer_rules._gemlock import Locked
from dockerlayer_rules._ruby import LocalGem, reads_of


def needs_of(
    fetch: Fetch, scene: Scene, manifest: str, locked: Locked
) -> tuple[tuple[str, ...], tuple[str, ...], Refusal | None]:
    """What the Gemfile and the gemspecs of local gems read, relative to the project, and those gemspecs."""
    context, origin = scene.context, fetch.origin or ""
    needs: list[str] = []
    gemspecs: dict[str, None] = {}
    local = [LocalGem(posixpath.normpath(posixpath.join(origin, path))) for path in locked.paths]
    pending = [(posixpath.join(origin, manifest), origin)]
    seen: set[str] = set()
    while pending or local:
        if not pending:
            found = _gemspecs(scene, local.pop())
            if isinstance(found, Refusal):
                return (), (), found
            pending.extend((path, posixpath.dirname(path)) for path in found if path not in seen)
            gemspecs.update(dict.fromkeys(found))
            needs.extend(found)
            continue
        path, directory = pending.pop()
        if path in seen:
            continue
        seen.add(path)
        if path.endswith(".gemspec"):
            runs = _runs(scene, path)
            if isinstance(runs, Refusal):
                return (), (), runs
            needs.extend(runs)
        for item in reads_of(context, path, directory=directory):
            if isinstance(item, Refusal):
                return (), (), item
            if isinstance(item, LocalGem):
                local.extend(
                    [item] if item not in local and item.directory not in map(posixpath.dirname, gemspecs) else []
                )
            else:
                needs.append(item)
    if fetch.call.cwd != fetch.directory and needs:
        return (), (), Refusal("other-directory", f"Bundler runs in {fetch.call.cwd}, not beside {manifest}")
    relative = [posixpath.relpath(path, origin or ".") for path in needs]
    return tuple(relative), tuple(posixpath.relpath(path, origin or ".") for path in gemspecs), None


def _gemspecs(scene: Scene, gem: LocalGem) -> list[str] | Refusal:
    """The gemspecs that Bundler looks for in a directory: there and up to two levels below (``path:`` in gemfile.5)."""
    context = scene.context
    if gem.directory.startswith(".."):
        return Refusal("local-gem-outside", f"a local gem in {gem.directory} lies outside of the build context")
    directory = "" if gem.directory == "." else gem.directory
    levels = [directory]
    found: list[str] = []
    for _ in range(3):
        below = []
        for place in levels:
            for name in context.names(place):
                path = posixpath.join(place, name)
                if (
                    name.endswith(".gemspec")
                    and context.is_file(path)
                    and gem.named in {"", name.removesuffix(".gemspec")}
                ):
                    found.append(path)
                elif context.is_dir(path) and not name.startswith("."):
                    below.append(path)
        levels = below[:500]
    return found or Refusal("local-gem-missing", f"{directory or '.'} has no gemspec in the build context")


def _runs(scene: Scene, path: str) -> list[str] | Refusal:
    """What an install of a local gem takes of it: its programs, which it makes wrappers for."""
    text = (scene.context.read(path) or b"").decode("utf-8", "replace")
    if re.search(r"\.extensions\b", text):
        return Refusal("local-gem-native", f"{path} has extensions, which the install compiles from the source")
    if not re.search(r"\.executables?\b", text):
        return []
    if "git ls-files" in text:
        return Refusal("local-gem-programs", f"{path} asks git for the gem's programs")
    here = posixpath.dirname(path)
    places = (posixpath.join(here, name) for name in ("bin", "exe"))
    return [place for place in places if scene.context.is_dir(place)]
