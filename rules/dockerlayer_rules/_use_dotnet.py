"""What dotnet commands do with the packages folder, and what their words say of the network.

https://learn.microsoft.com/nuget/consume-packages/managing-the-global-packages-and-cache-folders.
"""

from __future__ import annotations

import posixpath

from dockerlayer.api import Call, Mend, Scene, Use, join
from dockerlayer_rules._home import home_of
from dockerlayer_rules._read_dotnet import BUILDS, Asked, _place, ask
from dockerlayer_rules._stored import below, emptied, given, without

_CONFIGS = ("nuget.config", "NuGet.config", "NuGet.Config")


def use(call: Call, scene: Scene) -> Use | None:
    """What one dotnet command does with packages; None where it is about none."""
    asked = ask(call)
    if asked.has("-h", "--help") or asked.verb not in {"restore", *BUILDS}:
        return None
    if any(operand.endswith((".dll", ".exe")) for operand in asked.operands):
        return None
    stores = _stores(call, scene, asked)
    emptying = emptied(call, scene, stores)
    restore = asked.verb == "restore"
    built = asked.has("--no-build")
    offline = "" if restore else "--no-build" if built else "--no-restore" if asked.has("--no-restore") else ""
    return Use(
        stores,
        fills=not offline,
        takes=not restore and not built,
        leaves=_leaves(call, asked),
        offline=offline,
        online=without(call, offline) if offline == "--no-restore" else (),
        defeated=Mend(f"{' '.join(emptying.argv)} removes the packages in the same RUN", by=emptying)
        if emptying
        else None,
    )


def _stores(call: Call, scene: Scene, asked: Asked) -> tuple[str, ...]:
    option = asked.value("--packages")
    if option is not None:
        place = below(call, option)
        return (place,) if place else ()
    named = given(call, "NUGET_PACKAGES")
    if named is not None:
        return (named,) if named.startswith("/") else ()
    here = call.cwd
    while here is not None:
        if any(b"globalPackagesFolder" in (scene.read(join(here, name)) or b"") for name in _CONFIGS):
            return ()
        above = posixpath.dirname(here)
        here = None if above == here or not above else above
    home = home_of(call, scene)
    return (join(home, ".nuget/packages"),) if home and call.cwd is not None else ()


def _leaves(call: Call, asked: Asked) -> tuple[str, ...]:
    place = _place(call, asked)
    found = [] if place is None else [join(place, "obj")]
    if asked.verb != "restore":
        output = asked.value("-o", "--output")
        path = below(call, output) if output is not None else None if place is None else join(place, "bin")
        found += [path] if path else []
    return tuple(found)
