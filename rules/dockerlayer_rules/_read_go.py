"""How the calls of Go modules are read."""

from __future__ import annotations

import posixpath
import re
import shlex
from dataclasses import replace

from dockerlayer.api import (
    NOT_IN_CONTEXT,
    NOTHING,
    SYSTEM_WRITES,
    Call,
    Effect,
    Fetch,
    Hybrid,
    Lock,
    Refusal,
    Scene,
    Split,
    is_within,
    join,
    prefix,
)
from dockerlayer_rules._gomod import (
    flags_of,
    members_of,
    module_root,
    needs_of,
    recorded,
    replaced,
    requirements_of,
    shares_workspace,
    text_of,
)
from dockerlayer_rules._home import runs_as_root
from dockerlayer_rules.go import ecosystem

# Verbs that fetch what is missing from the module cache, by what they need beside go.mod and go.sum.
MOUNT = "/tmp/go-modules"
_GO_IMAGE = re.compile(r"(?:docker\.io/)?(?:library/)?golang(?:[:@].*)?\Z")
BUILDS = frozenset({"build", "install", "test", "run", "vet", "list", "generate", "get", "fmt"})
DOWNLOADS = frozenset({"download"})
# Verbs that are known to need nothing from the network once `go mod download` ran (Go 1.19 to 1.24, measured).
OFFLINE_VERBS = frozenset({"build", "install", "test", "vet"})
VALUE_FLAGS = frozenset(
    """-o -C -p -mod -modfile -overlay -tags -ldflags -gcflags -asmflags -gccgoflags -trimpath -buildmode
        -compiler -installsuffix -pkgdir -run -bench -timeout -count -cover -coverprofile -coverpkg -covermode
        -exec -toolexec -f -asan -pgo -cpuprofile -memprofile""".split()
) - {"-trimpath", "-cover", "-asan"}
# Environment that a download must see as well, where it is set for the build command alone.
CARRIED = ("GOPROXY", "GOPRIVATE", "GONOSUMDB", "GONOPROXY", "GONOSUMCHECK", "GOSUMDB", "GOINSECURE", "GOFLAGS",
           "GOTOOLCHAIN", "GOPATH", "GOMODCACHE", "GOVCS", "GO111MODULE", "GOWORK")  # fmt: skip


def read(call: Call, scene: Scene) -> Fetch | None:
    """What a go command takes from the module proxy, given what stands in the image when it runs."""
    verb, operands, directory = _parse(call)
    if verb is None or directory is None or call.words[0].text.startswith("."):
        return None
    remote = [word for word in operands if _is_remote(word) and (verb == "get" or "@" in word)]
    adds = verb == "get" and scene.has(join(directory, "go.mod"))
    if verb in {"install", "run", "get"} and remote and not adds:
        gopath = call.value("GOPATH") or "/go"
        writes = tuple(join(gopath, place) for place in ("src", "bin", "pkg"))
        return Fetch(call, "tool", directory, writes=writes, count=len(remote), unit="modules")
    if verb == "get" and (remote or call.has("-u")):
        anew = Refusal("resolves-anew", "go get chooses versions anew and changes go.mod", call.step.line)
        return Fetch(call, "build", directory, unit="modules", blocked=anew)
    if verb not in BUILDS and verb not in DOWNLOADS:
        return None
    if verb in BUILDS and (_is_offline(call) or _downloaded_before(call, scene, directory)):
        return None
    if any(re.search(pattern, path) for path in scene.received for pattern in CACHES):
        return None
    if _is_vendored(call, scene, directory) and verb != "download":
        return None
    kind = "download" if verb in DOWNLOADS else "build"
    root = module_root(scene, directory)
    files_only = bool(operands) and all(word.endswith(".go") for word in operands)
    if root is None and kind == "build" and (files_only or _too_old(call, directory)):
        return None
    if root is None:
        missing = Refusal(
            NOT_IN_CONTEXT, f"no COPY brings a go.mod of the build context to {directory}", call.step.line
        )
        return Fetch(call, kind, directory, unit="modules", blocked=missing)
    directory, origin = root
    needs, blocked = needs_of(scene, directory, origin, call)
    modules = requirements_of(scene, origin, needs)
    if not modules and blocked is None:
        return None
    lock = _lock(scene, directory, origin, bool(modules))
    if blocked is None:
        blocked = _too_old(call, directory) or _settings_made(call, scene)
    if blocked is None and lock is not None and lock.state != "ok":
        blocked = Refusal("no-lockfile", f"no go.sum reaches {directory}: the build needs it as well", call.step.line)
    reads = (*(join(directory, name) for name in ("go.mod", "go.sum", "go.work", "vendor")), "/go/pkg", "/root/go")
    count = len(modules) or None
    fetch = Fetch(
        call, kind, directory, origin, needs, (), count, "modules", lock, blocked=blocked, reads=reads,
        members=members_of(needs), without_member="fails without it",
    )  # fmt: skip
    if kind == "download":
        return fetch
    return _with_split(fetch, verb, operands, scene, modules)


def _parse(call: Call) -> tuple[str | None, list[str], str | None]:
    """Verb, operands and working directory of a go command; ``go mod download`` has the verb ``download``."""
    directory = call.cwd
    words = list(call.arguments)
    while words and words[0].startswith("-"):
        flag = words.pop(0)
        if flag == "-C" and words:
            directory = join(directory, words.pop(0)) if directory is not None else None
    if not words:
        return None, [], directory
    verb = words.pop(0)
    if verb == "mod":
        verb = words.pop(0) if words else ""
        if verb != "download":
            return None, [], directory
    operands: list[str] = []
    skip = False
    for word in words:
        if skip:
            skip = False
        elif word == "-C" and directory is not None and words[0] == "-C":
            directory = join(directory, words[1])
            skip = True
        elif word.startswith("-"):
            skip = word in VALUE_FLAGS
        else:
            operands.append(word)
    return verb, operands, directory


def _is_remote(word: str) -> bool:
    """Whether a package is named by the address of its module, as in ``example.com/tool@v1``."""
    path = word.partition("@")[0]
    return "." in path.partition("/")[0] and "/" in path and not word.startswith((".", "/", "$"))


def _is_offline(call: Call) -> bool:
    flags = flags_of(call)
    proxy = call.value("GOPROXY") or ""
    return proxy == "off" or proxy.startswith("file:") or "-mod=vendor" in flags or call.value("GO111MODULE") == "off"


def _is_vendored(call: Call, scene: Scene, directory: str) -> bool:
    flags = flags_of(call)
    if "-mod=mod" in flags or "-mod=readonly" in flags:
        return False
    root = module_root(scene, directory)
    if root is None:
        return scene.has(join(directory, "vendor/modules.txt"))
    # Below 1.14 the go line of go.mod leaves vendor/ alone (go.dev/doc/go1.14#vendor).
    stated = re.search(r"^go\s+1\.(\d+)", text_of(scene, posixpath.join(root[1], "go.mod")), re.MULTILINE)
    return scene.has(join(root[0], "vendor/modules.txt")) and (stated is None or int(stated[1]) >= 14)


def _downloaded_before(call: Call, scene: Scene, directory: str) -> bool:
    """Whether an earlier command of the same image has filled the module cache for this module, in a layer."""
    root = module_root(scene, directory)
    for earlier in scene.before(call):
        if earlier.program != "go" or ecosystem.cached_by(earlier.step):
            continue
        verb, operands, where = _parse(earlier)
        if verb not in DOWNLOADS | BUILDS or where is None or any(_is_remote(word) for word in operands):
            continue
        other = module_root(scene, where)
        if verb in DOWNLOADS and (root is None or other is None or root == other or shares_workspace(scene, root[1])):
            return True
        if verb in BUILDS and earlier.step is call.step and root is not None and root == other:
            return False
    return False


def _settings_made(call: Call, scene: Scene) -> Refusal | None:
    """``go env -w`` changes what every later go command does, where the file of the Dockerfile does not show it."""
    for other in scene.before(call):
        text = " ".join(other.arguments)
        if other.program == "go" and text.startswith("env -") and re.search(r"GOFLAGS|GOWORK|GO111MODULE", text):
            return Refusal("settings-made", f"line {other.step.line} changes go's own settings", call.step.line)
    return None


def _too_old(call: Call, directory: str) -> Refusal | None:
    """``go mod`` is there since Go 1.11, and on by default everywhere since Go 1.13 (go.dev/doc/go1.13)."""
    tag = re.search(r"(?:^|/)golang:(?:go)?(\d+)\.(\d+)", call.step.stage.base_image)
    if tag is None or call.value("GO111MODULE") in {"on", "auto"}:
        return None
    version = (int(tag[1]), int(tag[2]))
    if (
        version < (1, 11)
        or (version < (1, 13) and not directory.startswith("/"))
        or (version < (1, 13) and is_within(directory, "/go/src"))
    ):
        return Refusal("old-go", f"Go {tag[1]}.{tag[2]} does not use modules here", call.step.line)
    return None


def _lock(scene: Scene, directory: str, origin: str, required: bool) -> Lock | None:
    path = posixpath.join(origin, "go.sum")
    if not scene.context.is_file(posixpath.join(origin, "go.mod")):
        return None
    if scene.context.is_file(path):
        copied = scene.would_be(join(directory, "go.sum")) == path
        state = "ok" if copied else "uncopied"
    elif scene.context.hidden(path):
        state = "hidden"
    else:
        state = "missing" if required else "ok"
    return Lock("go.mod", "go.sum", state, "go mod tidy writes go.sum; commit it and copy it with go.mod")


def _with_split(fetch: Fetch, verb: str, operands: list[str], scene: Scene, modules: set[tuple[str, str]]) -> Fetch:
    call = fetch.call
    own = {item.name for item in call.command.assignments} | (
        call.env.keys() if call.words != call.command.words else set()
    )
    carried = " ".join(f"{name}={shlex.quote(call.env[name])}" for name in CARRIED if name in own)
    if "$" in carried or "`" in carried:
        refusal = Refusal("variable-environment", "the command's own GO... environment is not literal", call.step.line)
        return replace(fetch, no_split=refusal)
    if any(_removes_modules(other) for other in scene.siblings):
        reason = "the RUN removes the module cache again; a download of its own would leave it in the image"
        return replace(fetch, no_split=Refusal("cleanup-in-same-run", reason, call.step.line))
    download = f"{carried} go mod download".strip()
    offline = _offline_reason(fetch, verb, operands, scene, modules) is None
    edits = (prefix(call, "GOPROXY=off"),) if offline and len(call.words) == len(call.command.words) else ()
    if offline and not edits:
        edits = (prefix(call, "env GOPROXY=off"),)
    return replace(
        fetch,
        split=Split(
            download,
            edits,
            directory=fetch.directory,
            hybrid=_hybrid(call, scene, download),
            elsewhere=f"{carried} go -C {{}} mod download".strip() if call.has("-C") else "",
        ),
    )


def _hybrid(call: Call, scene: Scene, download: str) -> Hybrid | None:
    """The download through a cache mount: a module cache is a proxy as well, which the layer's own is filled from.

    GOPRIVATE and GONOPROXY name modules that are not asked of any proxy (go.dev/ref/mod, "GOMODCACHE" and "Private
    modules"; measured, Go 1.26). The official image keeps to its own toolchain.
    """
    image = call.step.stage.base_image
    private = any(call.value(name) for name in ("GOPRIVATE", "GONOPROXY", "GOTOOLCHAIN"))
    private = private or any(other.argv[1:3] == ("env", "-w") for other in scene.before(call))
    if private or download != "go mod download" or not _GO_IMAGE.match(image) or not runs_as_root(call):
        return None
    proxy = f"GOPROXY=file://{MOUNT}/cache/download"
    return Hybrid(MOUNT, f"GOMODCACHE={MOUNT} {download} && {proxy} {download}")


def _offline_reason(
    fetch: Fetch, verb: str, operands: list[str], scene: Scene, modules: set[tuple[str, str]]
) -> str | None:
    """Why the build cannot be shown to need nothing but the download; None when it can."""
    call = fetch.call
    flags = flags_of(call)
    if verb not in OFFLINE_VERBS or "-mod=mod" in flags or "all" in operands:
        return "the command may ask for more"
    if any("$" in word or "@" in word for word in operands) or "GOPROXY" in call.env:
        return "what it builds is not literal"
    if any(_edits_modules(other) for other in scene.before(call)):
        return "an earlier command may have changed go.mod"
    assert fetch.origin is not None
    sums = recorded(scene, fetch.origin, fetch.needs)
    locally = replaced(scene, fetch.origin, fetch.needs)
    for module, version in modules:
        if module not in locally and f"{module} {version}" not in sums:
            return f"go.sum has no entry for {module}"
    return None


def _edits_modules(call: Call) -> bool:
    words = [word for word in call.arguments if not word.startswith("-")]
    if _removes_modules(call):
        return True
    if call.program != "go" or not words or any("@" in word for word in words):
        return False
    return words[0] in {"get", "generate", "work"} or words[:2] in (["mod", "tidy"], ["mod", "edit"], ["mod", "vendor"])


def _removes_modules(call: Call) -> bool:
    if call.program == "rm":
        return any(re.search(r"(?:^|/)go/?\*?$|pkg/mod|GOPATH|GOMODCACHE", word) for word in call.arguments)
    return call.program == "go" and call.arguments[:1] == ("clean",) and call.has("-modcache", "--modcache")


def effect(call: Call, scene: Scene) -> Effect | None:
    """What the go commands that fetch nothing read and write."""
    verb = call.arguments[0] if call.arguments else ""
    if verb in {"env", "version", "clean"}:
        return Effect(writes=SYSTEM_WRITES) if verb == "env" else NOTHING
    return None


CACHES = (r"/pkg/mod\b", r"/go/?$", r"/go/pkg\b")
