# mypy: ignore-errors
"""Stand-in."""

from __future__ import annotations

from dockerlayer.api import Call, Edit, Mend, Scene, Use, join


def _home(call):
    return "/root" if call.user in (None, "root", "0") else f"/home/{call.user}"


def _drop(call, word):
    for i, w in enumerate(call.words):
        if w.text == word:
            return (Edit(call.words[i - 1].end, w.end, b""),)
    return ()


def go(call: Call, scene: Scene) -> Use | None:
    a = call.arguments
    gopath = call.value("GOPATH") or "/go"
    stores = (call.value("GOMODCACHE") or join(gopath, "pkg/mod"),)
    off = call.value("GOPROXY") == "off"
    online = ()
    for item in call.command.assignments:
        if item.name == "GOPROXY":
            online = (Edit(item.value.start - len("GOPROXY="), call.words[0].start, b""),)
    if a[:2] == ("mod", "download"):
        return Use(stores=stores, fills=not off, takes=off, offline="GOPROXY=off" if off else "")
    if a and a[0] in {"build", "test", "vet", "run", "install", "generate"}:
        return Use(stores=stores, fills=not off, takes=True, offline="GOPROXY=off" if off else "", online=online)
    return None


def cargo(call: Call, scene: Scene) -> Use | None:
    a = call.arguments
    home = call.value("CARGO_HOME") or "/usr/local/cargo"
    stores = (join(home, "registry"), join(home, "git"))
    off = next((w for w in ("--offline", "--frozen") if w in a), "")
    verb = a[0] if a else ""
    if verb == "fetch":
        return Use(stores=stores, fills=True)
    if verb in {"build", "test", "b", "check", "run"} and call.cwd:
        target = call.value("CARGO_TARGET_DIR") or "target"
        if "--target-dir" in a:
            target = a[a.index("--target-dir") + 1]
        return Use(
            stores=stores,
            fills=not off,
            takes=True,
            leaves=(join(call.cwd, target),),
            offline=off,
            online=_drop(call, off),
        )
    if verb == "install":
        return Use(stores=stores, fills=True, takes=True, leaves=(join(home, "bin"),))
    return None


def pip(call: Call, scene: Scene) -> Use | None:
    a = call.arguments
    if not a:
        return None
    xdg = call.value("XDG_CACHE_HOME")
    store = call.value("PIP_CACHE_DIR") or (join(xdg, "pip") if xdg else join(_home(call), ".cache/pip"))
    stores = (store,)
    if a[0] in {"wheel", "download"}:
        d = None
        for o in ("-w", "--wheel-dir", "-d", "--dest"):
            if o in a and a.index(o) + 1 < len(a):
                d = a[a.index(o) + 1]
        leaves = (join(call.cwd, d),) if d and call.cwd else ()
        return Use(stores=stores, fills=True, leaves=leaves)
    if a[0] == "install":
        if "--no-index" in a:
            links = tuple(join(call.cwd or "/", a[i + 1]) for i, w in enumerate(a[:-1]) if w in ("-f", "--find-links"))
            return Use(
                stores=links,
                takes=True,
                offline="--no-index",
                online=_drop(call, "--no-index"),
                leaves=("/usr/local/lib/python3/site-packages",),
            )
        defeated = None
        if "--no-cache-dir" in a:
            defeated = Mend(
                "--no-cache-dir turns pip's cache off", "take off --no-cache-dir", _drop(call, "--no-cache-dir")
            )
        return Use(stores=stores, fills=True, takes=True, defeated=defeated)
    return None


def npm(call: Call, scene: Scene) -> Use | None:
    a = call.arguments
    if a[:1] in (("ci",), ("install",), ("i",)):
        store = call.value("npm_config_cache") or join(_home(call), ".npm")
        off = "--offline" if "--offline" in a else ""
        return Use(
            stores=(store,),
            fills=not off,
            takes=True,
            offline=off,
            online=_drop(call, off) if off else (),
            leaves=(join(call.cwd, "node_modules"),) if call.cwd else (),
        )
    if a[:2] == ("cache", "add"):
        store = call.value("npm_config_cache") or join(_home(call), ".npm")
        return Use(stores=(store,), fills=True)
    return None
