"""What Gradle commands do with the caches of its home, and what their words say of the network.

https://docs.gradle.org/current/userguide/directory_layout.html. In the official image root's home has a link to that
of the user gradle, so a mount over either serves root.
"""

from __future__ import annotations

import re

from dockerlayer.api import Call, Mend, Scene, Use, join
from dockerlayer_rules._home import home_of
from dockerlayer_rules._read_gradle import STOPS, _parse
from dockerlayer_rules._stored import below, emptied, given, without

_OFFICIAL = re.compile(r"(?:^|/)gradle(?:[:@]|\Z)")
_NOTHING = frozenset({"help", "tasks", "properties", "wrapper", "init", "clean"})


def use(call: Call, scene: Scene) -> Use | None:
    """What one Gradle command does with Gradle's home; None where it resolves nothing."""
    tasks, directory = _parse(call)
    if call.has(*(STOPS - {"--offline"})) or all(task in _NOTHING for task in tasks):
        return None
    offline = "--offline" if call.has("--offline") else ""
    homes = _homes(call, scene)
    stores = tuple(join(home, place) for home in homes for place in ("caches", "wrapper"))
    emptying = emptied(call, scene, stores)
    resolves_only = all(task in {"dependencies", "buildEnvironment", *_NOTHING} for task in tasks)
    return Use(
        stores,
        fills=not offline,
        takes=not resolves_only,
        leaves=(join(directory, "build"),) if directory is not None and not resolves_only else (),
        offline=offline,
        online=without(call, offline) if offline else (),
        defeated=Mend(f"{' '.join(emptying.argv)} removes Gradle's caches in the same RUN", by=emptying)
        if emptying
        else None,
    )


def _homes(call: Call, scene: Scene) -> tuple[str, ...]:
    option = re.search(r"(?:^| )(?:-g|--gradle-user-home)[ =](\S+)", " ".join(call.arguments))
    if option:
        place = below(call, option[1])
        return (place,) if place else ()
    named = given(call, "GRADLE_USER_HOME")
    if named is not None:
        return (named,) if named.startswith("/") else ()
    user = (call.user or "root").partition(":")[0]
    if "gradle.user.home" in f"{call.value('GRADLE_OPTS')}{call.value('JAVA_OPTS')}" or given(call, "HOME") is not None:
        return ()
    if _OFFICIAL.search(call.step.stage.base_image):
        if user in {"root", "0"}:
            return ("/home/gradle/.gradle", "/root/.gradle")
        return ("/home/gradle/.gradle",) if user in {"gradle", "1000"} else ()
    home = home_of(call, scene)
    return (join(home, ".gradle"),) if home else ()
