"""What mvn commands do with the local repository, and what their words say of the network.

https://maven.apache.org/settings.html. Java takes the home directory from the list of users, not from HOME.
"""

from __future__ import annotations

from dockerlayer.api import Call, Mend, Scene, Use, join, path_of
from dockerlayer_rules._home import home_of
from dockerlayer_rules._read_maven import _DOWNLOADS, _NAMED, CLEANING, SETTINGS, Asked, _place, ask
from dockerlayer_rules._stored import emptied, given, without
from dockerlayer_rules.maven import ecosystem

_NO_TARGET = frozenset({"validate", "initialize"})


def use(call: Call, scene: Scene) -> Use | None:
    """What one mvn command does with the local repository; None where it builds and downloads nothing."""
    asked = ask(call)
    goals = [goal for goal in asked.goals if goal not in CLEANING]
    if not goals or not ecosystem.answers_to.match(call.program) or asked.has("-h", "--help", "-v", "--version"):
        return None
    offline = next((name for name, _, _ in asked.options if name in {"-o", "--offline"}), "")
    downloads = all(_DOWNLOADS.fullmatch(goal) or _NAMED.fullmatch(goal) for goal in goals)
    place = _place(call, asked)
    builds = [goal for goal in goals if ":" not in goal and goal not in _NO_TARGET]
    stores = _stores(call, scene, asked)
    emptying = emptied(call, scene, stores)
    return Use(
        stores,
        fills=not offline,
        takes=not downloads,
        leaves=(join(place[0], "target"),) if place is not None and builds else (),
        offline=offline,
        online=without(call, offline) if offline else (),
        defeated=Mend(f"{' '.join(emptying.argv)} removes the local repository in the same RUN", by=emptying)
        if emptying
        else None,
    )


def _stores(call: Call, scene: Scene, asked: Asked) -> tuple[str, ...]:
    """The local repository; not known where settings may name it that are not read here."""
    for name, value, _ in reversed(asked.options):
        if name in {"-D", "--define"} and value.startswith("maven.repo.local="):
            path = path_of(call, value.partition("=")[2])
            return (path,) if path is not None and "$" not in path else ()
    said = "".join(given(call, name) or "" for name in ("MAVEN_OPTS", "MAVEN_ARGS", "MAVEN_CLI_OPTS"))
    if not asked.plain or asked.has(*SETTINGS) or "maven.repo" in said or given(call, "HOME") is not None:
        return ()
    home = home_of(call, scene)
    if home is None or call.cwd is None:
        return ()
    config = scene.read(join(call.cwd, ".mvn/maven.config")) or b""
    settings = scene.read(join(home, ".m2/settings.xml")) or b""
    system = scene.read("/usr/share/maven/conf/settings.xml") or b""
    if b"maven.repo" in config or b"-s" in config.split() or b"localRepository" in settings + system:
        return ()
    return (join(home, ".m2/repository"),)
