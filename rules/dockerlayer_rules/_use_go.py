"""What go commands do with the module cache, and what their words say of the network.

https://go.dev/ref/mod#module-cache and https://go.dev/ref/mod#environment-variables; measured with
Go 1.19, 1.24 and 1.26.
The build cache (GOCACHE) holds what was compiled and no download.
"""

from __future__ import annotations

import posixpath
import re

from dockerlayer.api import Call, Fetch, Mend, Scene, Use, join, prefix
from dockerlayer_rules._gomod import (
    flags_of,
    module_root,
    needs_of,
    requirements_of,
    text_of,
    workspace_of,
)
from dockerlayer_rules._home import home_of
from dockerlayer_rules._read_go import (
    _downloaded_before,
    _is_remote,
    _is_vendored,
    _lock,
    _offline_reason,
    _parse,
    _settings_made,
)
from dockerlayer_rules._stored import below, emptied, given, succeeded, unset
from dockerlayer_rules.go import ecosystem

_OFFICIAL = re.compile(r"(?:^|/)golang(?:[:@]|\Z)")
_TAKES = frozenset("build install test run vet list generate get".split())
_READONLY = re.compile(r"(?:^|\s)-mod=readonly(?:\s|$)")
# What uses the module cache although vendor/ is there, or may.
_BESIDE = re.compile(
    r"-mod[= ](?:mod|readonly)|GOFLAGS|GOWORK|\bgo\s+(?:mod|get|list|run|generate|work|env|tool)\b|@|\bmake\b|\.sh\b"
    r"|\b(?:just|task|mage|goreleaser|pkg/mod|GOMODCACHE|golangci-lint|xx-go)\b"
)


def use(call: Call, scene: Scene) -> Use | None:
    """What one go command does with the module cache; None where it is not about modules."""
    if call.words[0].text.startswith("."):
        return None
    verb, operands, directory = _parse(call)
    words = [word for word in call.arguments if not word.startswith("-")]
    stores = _stores(call, scene)
    if words[:1] == ["mod"] and verb is None:
        what = words[1] if len(words) > 1 else ""
        if what not in {"tidy", "vendor", "verify", "graph", "why"}:
            return None
        vendor = join(call.cwd, "vendor") if what == "vendor" and call.cwd is not None else ""
        online = what != "verify" and given(call, "GOPROXY") != "off"
        return Use(stores, fills=online, takes=True, leaves=(vendor,) if vendor else ())
    if verb is None or verb not in {*_TAKES, "download"} or given(call, "GO111MODULE") == "off":
        return None
    offline = _offline(call)
    emptying = emptied(call, scene, stores) or _cleaned(call, scene)
    defeated = None
    if emptying is not None:
        defeated = Mend(f"{' '.join(emptying.argv)} empties the module cache in the same RUN", by=emptying)
    if verb == "download":
        return Use(
            stores, fills=not offline, offline=offline, online=unset(call, "GOPROXY") if offline else (),
            defeated=defeated, redundant=_redundant(call, scene, directory),
        )  # fmt: skip
    remote = any(_is_remote(word) for word in operands)
    vendored = directory is not None and not remote and _is_vendored(call, scene, directory)
    vendored = vendored or "-mod=vendor" in flags_of(call)
    return Use(
        stores,
        fills=not offline and not vendored,
        takes=not vendored,
        leaves=_leaves(call, verb),
        offline=offline,
        online=unset(call, "GOPROXY") if offline.startswith("GOPROXY") else (),
        nominal=_nominal(call, scene, verb, operands, directory) if not offline and not vendored else None,
        defeated=defeated,
        unpinned=_unpinned(call, scene, verb, directory) if not remote else None,
    )


def _stores(call: Call, scene: Scene) -> tuple[str, ...]:
    """The module cache: GOMODCACHE, else pkg/mod in the first directory of GOPATH, which golang images set to /go."""
    if any(other.program == "go" and other.arguments[:2] == ("env", "-w") for other in scene.before(call)):
        return ()
    cache, path = given(call, "GOMODCACHE"), given(call, "GOPATH")
    if cache is not None:
        return (join("/", cache),) if cache.startswith("/") else ()
    if path is not None:
        first = path.partition(":")[0]
        return (join(first, "pkg/mod"),) if first.startswith("/") else ()
    if _OFFICIAL.search(call.step.stage.base_image):
        return ("/go/pkg/mod",)
    home = home_of(call, scene)
    return (join(home, "go/pkg/mod"),) if home else ()


def _offline(call: Call) -> str:
    if given(call, "GOPROXY") == "off":
        return "GOPROXY=off"
    if "-mod=vendor" in flags_of(call):
        return "-mod=vendor"
    return ""


def _leaves(call: Call, verb: str) -> tuple[str, ...]:
    """Where the command puts programs; what `go build` calls one without -o is not followed."""
    if verb == "install":
        own = given(call, "GOBIN")
        path = given(call, "GOPATH")
        if own is None and path is None and _OFFICIAL.search(call.step.stage.base_image):
            path = "/go"
        place = own or (join(path.partition(":")[0], "bin") if path else "")
        return (place,) if place.startswith("/") else ()
    if verb not in {"build", "test"}:
        return ()
    found = ""
    for at, word in enumerate(call.arguments):
        if word == "-o" and at + 1 < len(call.arguments):
            found = call.arguments[at + 1]
        elif word.startswith("-o="):
            found = word[3:]
    path = below(call, found) if found and not call.has("-C") else None
    return (path,) if path else ()


def _cleaned(call: Call, scene: Scene) -> Call | None:
    for other in scene.siblings:
        cleans = other.program == "go" and other.arguments[:1] == ("clean",) and other.has("-modcache", "--modcache")
        if cleans and other.start > call.start and other.always:
            return other
    return None


def _nominal(call: Call, scene: Scene, verb: str, operands: list[str], directory: str | None) -> Mend | None:
    """GOFLAGS=-mod=readonly keeps no command off the network (measured, Go 1.19, 1.24 and 1.26)."""
    if directory is None or not _READONLY.search(given(call, "GOFLAGS") or "") or verb not in {"build", "install"}:
        return None
    if any("@" in word for word in operands) or not _downloaded_before(call, scene, directory):
        return None
    message = (
        "GOFLAGS=-mod=readonly only keeps go.mod as it is, which go does by default: what is not in the module cache"
        " is still downloaded"
    )
    root = module_root(scene, directory)
    if root is None or ecosystem.cached_by(call.step) or _settings_made(call, scene) is not None:
        return Mend(message)
    needs, blocked = needs_of(scene, *root, call)
    modules = requirements_of(scene, root[1], needs)
    lock = _lock(scene, *root, bool(modules))
    stores = _stores(call, scene)
    same = any(
        succeeded(other, call, scene)
        and _parse(other)[:2] == ("download", [])
        and _stores(other, scene) == stores
        and not ecosystem.cached_by(other.step)
        for other in scene.before(call)
        if other.program == "go"
    )
    if blocked is not None or lock is None or lock.state != "ok" or not stores or not same:
        return Mend(message)
    fetch = Fetch(call, "build", root[0], root[1], needs)
    if _offline_reason(fetch, verb, operands, scene, modules) is not None:
        return Mend(message)
    wrapped = len(call.words) != len(call.command.words)
    edits = (prefix(call, "env GOPROXY=off" if wrapped else "GOPROXY=off"),)
    return Mend(message, "set GOPROXY=off for the build", edits)


def _unpinned(call: Call, scene: Scene, verb: str, directory: str | None) -> Mend | None:
    if verb == "get" and call.has("-u") and directory is not None and scene.has(join(directory, "go.sum")):
        return Mend("go get -u takes the newest versions and changes go.mod and go.sum in the image alone")
    return None


def _redundant(call: Call, scene: Scene, directory: str | None) -> Mend | None:
    """A download beside vendor/, from which every later build of the stage takes its modules (Go 1.14 and newer)."""
    root = module_root(scene, directory) if directory is not None else None
    if root is None or call.arguments != ("mod", "download") or flags_of(call).count("-mod"):
        return None
    tag = re.search(r"(?:^|/)golang:(?:go)?(\d+)\.(\d+)", call.step.stage.base_image)
    if tag is None or (int(tag[1]), int(tag[2])) < (1, 14):
        return None
    image, origin = root
    stated = re.search(r"^go\s+(\d+)\.(\d+)", text_of(scene, posixpath.join(origin, "go.mod")), re.MULTILINE)
    if stated is None or (int(stated[1]), int(stated[2])) < (1, 14) or workspace_of(scene, origin) is not None:
        return None
    if not scene.context.is_file(posixpath.join(origin, "vendor/modules.txt")):
        return None
    steps = call.step.stage.steps
    later = steps[steps.index(call.step) + 1 :]
    brought = scene.has(join(image, "vendor/modules.txt"))
    built = False
    for step in later:
        if step.name in {"env", "arg"} and re.search(r"GOFLAGS|GOWORK|GO111MODULE", step.instruction.logical):
            return None
        if step.name == "copy" and not step.flag("from"):
            whole = any(word in {".", "./", "vendor", "vendor/", "./vendor"} for word in step.instruction.args[:-1])
            brought = brought or (whole and origin == "")
        if step.name == "run":
            if _BESIDE.search(step.instruction.logical) or step.instruction.heredocs:
                return None
            building = re.search(r"\bgo\s+(?:build|install|test|vet)\b", step.instruction.logical)
            if building and not brought:
                return None
            built = built or bool(building)
    if not built or len(scene.siblings) != 1:
        return None
    return Mend("vendor/ has all modules, and go builds from it: what go mod download takes is never used")
