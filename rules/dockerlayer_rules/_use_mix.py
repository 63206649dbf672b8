"""What mix commands do with the packages that Hex keeps, and what their words say of the network.

Hex keeps the archives in ``packages`` of HEX_HOME, which is ~/.hex (https://hexdocs.pm/hex/Mix.Tasks.Hex.Config.html).
"""

from __future__ import annotations

from dockerlayer.api import Call, Mend, Scene, Use, join
from dockerlayer_rules._home import home_of
from dockerlayer_rules._read_mix import _tasks
from dockerlayer_rules._stored import emptied, given, unset

_COMPILES = frozenset({"compile", "deps.compile", "release", "test", "phx.digest", "assets.deploy"})


def use(call: Call, scene: Scene) -> Use | None:
    """What one mix command does with packages; None where it is about none."""
    verbs = {task[0] for task in _tasks(call) if task}
    gets, anew = "deps.get" in verbs, "deps.update" in verbs
    compiles = bool(verbs & _COMPILES)
    if not (gets or anew or compiles):
        return None
    value = given(call, "HEX_OFFLINE")
    offline = f"HEX_OFFLINE={value}" if value in {"1", "true"} and (gets or anew) else ""
    stores = _stores(call, scene)
    emptying = emptied(call, scene, stores)
    unpinned = None
    if anew and call.cwd is not None and scene.has(join(call.cwd, "mix.lock")):
        unpinned = Mend("mix deps.update chooses versions anew and changes mix.lock in the image alone")
    return Use(
        stores,
        fills=(gets or anew) and not offline,
        takes=bool(offline),
        leaves=_leaves(call, gets=gets or anew, compiles=compiles),
        offline=offline,
        online=unset(call, "HEX_OFFLINE") if offline else (),
        defeated=Mend(f"{' '.join(emptying.argv)} removes Hex's packages in the same RUN", by=emptying)
        if emptying
        else None,
        unpinned=unpinned,
    )


def _stores(call: Call, scene: Scene) -> tuple[str, ...]:
    named = given(call, "HEX_HOME")
    if named is not None:
        return (join(named, "packages"),) if named.startswith("/") else ()
    home = home_of(call, scene) if given(call, "MIX_XDG") is None else None
    return (join(home, ".hex/packages"),) if home else ()


def _leaves(call: Call, *, gets: bool, compiles: bool) -> tuple[str, ...]:
    if call.cwd is None:
        return ()
    found = []
    for wanted, name, default in ((gets, "MIX_DEPS_PATH", "deps"), (compiles, "MIX_BUILD_ROOT", "_build")):
        place = given(call, name)
        if wanted and place != "":
            found.append(join(call.cwd, place or default))
    return tuple(found)
