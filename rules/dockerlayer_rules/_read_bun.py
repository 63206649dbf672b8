"""How the calls of Bun are read."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple

from dockerlayer.api import (
    NOT_IN_CONTEXT,
    SYSTEM_WRITES,
    Call,
    Effect,
    Fetch,
    Refusal,
    Scene,
    Split,
    insert_after,
    is_within,
    join,
)
from dockerlayer_rules._bunimage import FETCH, OFFLINE, bun_of
from dockerlayer_rules._bunlock import agrees, count_locked, local_paths, patch_files, read_lock, strange
from dockerlayer_rules._bunreasons import rooted, unreadable
from dockerlayer_rules._node import (
    asks_for_lock,
    find_lock,
    is_covered,
    lifecycle_needs,
    names_dependencies,
    own_environment,
    read_json,
    workspace_members,
)
from dockerlayer_rules.bun import ecosystem

INSTALL = frozenset({"install", "i", "ci"})
ADD = frozenset({"add", "a"})
LOCKFILES = ("bun.lock", "bun.lockb")
SETTINGS = ("/root/.npmrc", "/root/.bunfig.toml", "/root/.bun")
ADVICE = "bun install --lockfile-only writes bun.lock; commit it, copy it, and install with --frozen-lockfile"
VALUE_OPTIONS = frozenset(
    """--cwd -c --config --registry --cache-dir --filter -F --omit --backend --linker --network-concurrency
    --concurrent-scripts --ca --cafile --cpu --os --minimum-release-age""".split()
)
# Options that a download has no use for; with any other there is no split.
OF_INSTALL = frozenset(
    """--frozen-lockfile --production -p --no-save --ignore-scripts --omit --silent --quiet --verbose --no-progress
    --no-summary --prefer-offline --linker --backend --save-text-lockfile --trust --concurrent-scripts --cwd""".split()
)
WITHOUT_MEMBER = "installs nothing for it and exits 0 (Bun 1.4; an older one stops)"


class Parsed(NamedTuple):
    """A bun command: its verb (``pm fetch`` is one), operands, and the directory that it works in."""

    verb: str
    operands: tuple[str, ...]
    directory: str | None


def parse(call: Call) -> Parsed:
    """What a bun command asks for."""
    directory, words, option = call.cwd, [], ""
    for word in call.arguments:
        name, equals, value = word.partition("=")
        if option:
            directory = join(directory, word) if option == "--cwd" and directory is not None else directory
            option = ""
        elif name == "--cwd" and equals:
            directory = join(directory, value) if directory is not None else None
        elif word.startswith("-") and len(word) > 1:
            option = word if word in VALUE_OPTIONS else ""
        else:
            words.append(word)
    taken = 2 if words[:1] == ["pm"] else 1
    return Parsed(" ".join(words[:taken]), tuple(words[taken:]), directory)


def read(call: Call, scene: Scene) -> Fetch | None:
    """What a bun command takes from the registry, given what stands in the image when it runs."""
    verb, operands, directory = parse(call)
    line = call.step.line
    if call.program != "bun" or verb not in INSTALL | ADD | {"pm fetch"} or directory is None:
        return None
    if call.has("--dry-run", "--lockfile-only", "--help", "-h") or _is_offline(call, scene):
        return None
    if call.has("-g", "--global"):
        return Fetch(call, "tool", directory, writes=("/root/.bun",)) if operands else None
    if operands and verb != "pm fetch":
        what = f"bun adds {' '.join(operands)} to the project's own packages"
        return Fetch(call, "install", directory, blocked=Refusal("named-packages", what, line))
    kind = "download" if verb == "pm fetch" else "install"
    if kind == "install" and _has_filled_cache(call, scene, directory):
        return None
    origin = scene.project(directory, "package.json")
    if origin is None:
        what = f"no COPY brings a package.json of the build context to {directory}"
        return Fetch(call, kind, directory, blocked=Refusal(NOT_IN_CONTEXT, what, line))
    manifest = read_json(scene.context, posixpath.join(origin, "package.json"))
    if manifest is None:
        what = f"{posixpath.join(origin, 'package.json')} is not valid JSON"
        return Fetch(call, kind, directory, origin, blocked=Refusal("bad-manifest", what, line))
    return _of_project(call, scene, kind, directory, origin, manifest)


def _is_offline(call: Call, scene: Scene) -> bool:
    return call.has("--offline") and bun_of(call, scene).most >= OFFLINE


def _has_filled_cache(call: Call, scene: Scene, directory: str) -> bool:
    """Whether an earlier command has downloaded the project's packages, in a layer that still has them."""
    if any(re.search(r"/\.bun(?:/install(?:/cache)?)?/?\Z", path) for path in scene.received):
        return True
    filled = False
    for other in scene.before(call):
        if _empties_cache(other):
            filled = False
        if other.program != "bun" or ecosystem.cached_by(other.step):
            continue
        verb, operands, where = parse(other)
        if where != directory or operands or other.has("-g", "--global") or not other.always:
            continue
        whole = verb == "pm fetch" or not (other.has("--production", "-p", "--omit", "--filter", "-F"))
        filled = filled or (verb in INSTALL | {"pm fetch"} and (whole or set(other.arguments) == set(call.arguments)))
    return filled


def _empties_cache(call: Call) -> bool:
    if call.program == "rm":
        return any(re.search(r"\.bun\b|/root/?\*?$", word) for word in call.arguments)
    return call.program == "bun" and parse(call)[:2] == ("pm cache", ("rm",))


def _of_project(
    call: Call, scene: Scene, kind: str, directory: str, origin: str, manifest: Mapping[str, object]
) -> Fetch | None:
    context = scene.context
    members = tuple(workspace_members(context, origin, manifest))
    required = names_dependencies(manifest) or bool(members)
    lock, lockfile = find_lock(scene, directory, origin, LOCKFILES, ADVICE, required=required)
    if lock.state == "missing":
        if asks_for_lock(call, scene, LOCKFILES):
            return None
        lock = lock._replace(lockfile="bun.lock")
    locked = read_lock(context, posixpath.join(origin, lockfile)) if lockfile == "bun.lock" else None
    count = count_locked(locked) if locked is not None else None
    if count == 0 or (not lockfile and not required):
        return None
    inside = [name for name in (".npmrc", "bunfig.toml") if context.is_file(posixpath.join(origin, name))]
    if lockfile == "bun.lock" and context.is_file(posixpath.join(origin, "bun.lockb")):
        inside.append("bun.lockb")  # which is the one that Bun 1.1 reads
    base = ["package.json", *([lockfile] if lockfile else []), *inside, *patch_files(manifest)]
    manifests = tuple(posixpath.join(member, "package.json") for member in members)
    archives = [path for path in local_paths(locked, manifest) if context.is_file(posixpath.join(origin, path))]
    base.extend(path for path in archives if not path.startswith(("..", "/")))
    writes = tuple(join(directory, posixpath.join(place, "node_modules")) for place in ("", *members))
    fetch = Fetch(
        call,
        kind,
        directory,
        origin,
        tuple(dict.fromkeys(base)),
        () if kind == "download" else writes,
        count,
        lock=lock,
        reads=(*(join(directory, name) for name in (".npmrc", "bunfig.toml", *LOCKFILES)), *SETTINGS),
        members=manifests if kind == "install" else (),
        without_member=WITHOUT_MEMBER if members and kind == "install" else "",
    )
    blocked = next(unreadable(fetch, scene, manifest, locked), None)
    if blocked is not None:
        # A member's lockfile is that of the workspace.
        lock_of_its_own = lock if blocked.code != "workspace-member" else None
        return replace(fetch, needs=(*fetch.needs, *manifests), blocked=blocked, lock=lock_of_its_own)
    if kind == "download":
        return fetch
    places = {
        "": manifest,
        **{item: read_json(context, posixpath.join(origin, item, "package.json")) or {} for item in members},
    }
    synced = locked is None or all(agrees(locked, place, text) for place, text in places.items())
    frozen = call.has("--frozen-lockfile") or parse(call).verb == "ci"
    split = _split(fetch, scene, locked, strict=frozen or (locked is not None and synced))
    fetch = replace(fetch, needs=(*fetch.needs, *manifests))
    if not frozen and not synced:
        late = f"{lockfile} does not agree with package.json: Bun rewrites it, and downloads what it lacks"
        fetch = replace(fetch, assumptions=(late,))
    reason = next(rooted(fetch, scene, places, locked), None)
    if reason is None:
        scripts = () if call.has("--ignore-scripts") else lifecycle_needs(context, origin, manifest)
        needs = dict.fromkeys([*fetch.needs, *local_paths(locked, manifest), *map(str, scripts)])
        fetches = isinstance(split, Split) and not split.assumptions
        return replace(fetch, needs=tuple(needs), split=split if isinstance(split, Split) and fetches else None)
    if not is_covered(scene, directory):
        return replace(fetch, blocked=reason)
    if isinstance(split, Refusal):
        return replace(fetch, no_narrow=reason, no_split=split)
    return replace(fetch, no_narrow=reason, split=split)


def _split(fetch: Fetch, scene: Scene, locked: Mapping[str, object] | None, *, strict: bool) -> Split | Refusal:
    """``bun pm fetch`` and an install from the cache; an install that may change the lockfile keeps its network."""
    call, line = fetch.call, fetch.call.step.line
    bun = bun_of(call, scene)
    if bun.most < FETCH:
        what = f"Bun {'.'.join(map(str, bun.least))} has no command that only downloads: 1.4.4 has `bun pm fetch`"
        return Refusal("old-bun", what, line)
    if locked is None:
        what = "bun.lockb does not say what is in it: bun install --save-text-lockfile writes a bun.lock, which does"
        return Refusal("binary-lockfile", what, line)
    foreign = strange(locked)
    if foreign:
        return Refusal("git-dependency", f"{foreign} is no archive of a registry: it was not tried offline", line)
    if call.has("--filter", "-F"):
        return Refusal("partial-install", "bun pm fetch would download what all workspaces need", line)
    for word in call.arguments:
        name = word.partition("=")[0]
        if word.startswith("-") and name not in OF_INSTALL:
            return Refusal("untried-option", f"{name} was not tried with a download of its own", line)
    if any(_empties_cache(other) for other in scene.siblings):
        what = "the RUN removes Bun's cache again; a download of its own would leave it in the image"
        return Refusal("cleanup-in-same-run", what, line)
    if is_within(_home(call), fetch.directory):
        return Refusal("cache-in-project", f"Bun's cache, {_home(call)}, lies in the project", line)
    if call.words[0].text != "bun":
        return Refusal("another-bun", f"{call.words[0].text} may not be the bun of the image", line)
    carried = own_environment(call)
    if isinstance(carried, Refusal):
        return carried
    at = next(word for word in call.words[1:] if word.text == parse(call).verb)
    image = scene.step.stage.base_image
    download = " ".join([*carried, "bun pm fetch"])
    return Split(
        download,
        (insert_after(at, "--offline"),) if strict and not call.has("--prefer-offline") else (),
        () if bun.fetches else (f"the Bun in {image} is 1.4.4 or newer, which the file does not say",),
        ("the packages stay in Bun's cache as well, in a layer of its own",),
        directory=fetch.directory,
        writes=(_home(call),),
        needs=fetch.needs,
        elsewhere=f"{download} --cwd {{}}" if call.has("--cwd") else "",
    )


def _home(call: Call) -> str:
    """The directory that Bun keeps its cache in, or below."""
    for name in ("BUN_INSTALL_CACHE_DIR", "BUN_INSTALL", "XDG_CACHE_HOME"):
        if call.value(name):
            return join(call.cwd or "/", call.value(name) or "")
    user = (call.user or call.step.state.user or "root").partition(":")[0]
    return join(call.value("HOME") or ("/root" if user in {"root", "0", ""} else f"/home/{user}"), ".bun")


def effect(call: Call, scene: Scene) -> Effect | None:
    """What the bun commands that fetch nothing read and write, with the install that a split leaves below."""
    verb, operands, directory = parse(call)
    if call.program != "bun" or directory is None:
        return None
    if verb in INSTALL and not operands and not call.has("-g", "--global"):
        return Effect((directory, *SYSTEM_WRITES, *SETTINGS), (directory, _home(call), *SYSTEM_WRITES))
    if call.arguments in {("--version",), ("-v",), ("--revision",)} or verb in {"pm bin", "pm hash", "pm whoami"}:
        return Effect(reads=SYSTEM_WRITES)
    return None
