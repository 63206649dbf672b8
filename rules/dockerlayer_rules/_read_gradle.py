"""How the calls of Gradle are read."""

from __future__ import annotations

import posixpath
import re
from dataclasses import replace

from dockerlayer.api import (
    NOT_IN_CONTEXT,
    NOTHING,
    Call,
    Effect,
    Fetch,
    Refusal,
    Scene,
    is_within,
    join,
    path_of,
)
from dockerlayer_rules.gradle import ecosystem

VALUE_OPTIONS = frozenset(
    """-p --project-dir -b --build-file -c --settings-file -g --gradle-user-home -I --init-script -x --exclude-task
    --console --max-workers --tests --include-build --warning-mode --configuration -F --dependency-verification
    --priority --gradle-version --distribution-type --project-cache-dir --write-verification-metadata -M""".split()
)
# Tasks that download no jar of the project.
QUIET = frozenset(
    """help tasks projects properties dependencies dependencyInsight buildEnvironment components model outgoingVariants
    resolvableConfigurations javaToolchains wrapper init clean prepareKotlinBuildScriptModel""".split()
)
STOPS = frozenset(["--version", "-v", "--help", "-h", "-?", "--stop", "--status", "--offline", "--dry-run", "-m"])
SCRIPTS = ("settings.gradle", "settings.gradle.kts", "build.gradle", "build.gradle.kts")
BUILD_FILES = (*SCRIPTS, "gradle.properties", "gradle.lockfile", "gradlew", "gradle", "buildSrc", "build-logic")


def read(call: Call, scene: Scene) -> Fetch | None:
    """What a Gradle build takes from the registries, given what stands in the image when it runs."""
    tasks, directory = _parse(call)
    if directory is None or all(task in QUIET for task in tasks) or call.has(*STOPS):
        return None
    if any(re.search(r"/\.gradle\b", path) for path in scene.received) or _downloaded_before(call, scene, directory):
        return None
    line = call.step.line
    fetch = Fetch(call, "build", directory, unit="artifacts", writes=(_home(call),), system=False)
    origin = scene.project(directory, *SCRIPTS)
    if origin is None:
        missing = f"no COPY brings a build.gradle or settings.gradle of the build context to {directory}"
        return replace(fetch, blocked=Refusal(NOT_IN_CONTEXT, missing, line))
    needs = tuple(name for name in BUILD_FILES if scene.origin(join(directory, name)) == posixpath.join(origin, name))
    return replace(
        fetch, origin=origin, needs=needs, no_split=Refusal("no-download-command", _advice(call, scene), line)
    )


def _parse(call: Call) -> tuple[list[str], str | None]:
    """The tasks of a call, each without the path of its project, and the directory of the build."""
    tasks: list[str] = []
    directory = call.cwd
    option = ""
    for word in call.arguments:
        name, _, value = word.partition("=")
        if option:
            name, value, option = option, word, ""
        elif word in VALUE_OPTIONS:
            option = word
            continue
        elif not word.startswith("-"):
            tasks.append(word.rpartition(":")[2])
            continue
        if name in {"-p", "--project-dir"} and value:
            directory = path_of(call, value)
        elif name in {"-b", "--build-file", "-c", "--settings-file"} and value:
            path = path_of(call, value)
            directory = posixpath.dirname(path) if path is not None else None
    return tasks, directory


def _home(call: Call) -> str:
    """Where Gradle keeps what it downloads. In the official image root's home has a link to that of its user."""
    given = call.value("GRADLE_USER_HOME")
    if given:
        return join("/", given)
    user = (call.user or "root").partition(":")[0]
    official = re.search(r"(?:^|/)gradle(?:[:@]|\Z)", call.step.stage.base_image)
    if official or user not in {"root", "0"}:
        return join("/home", f"{'gradle' if official else user}/.gradle")
    return "/root/.gradle"


def _owner(call: Call) -> str:
    """What makes a cache mount the user's own, who is 1000 in the official image; the default is root."""
    user = (call.user or "root").partition(":")[0]
    number = {"root": "", "0": "", "gradle": "1000"}.get(user, user)
    return f",uid={number}" if number.isdigit() else ""


def _downloaded_before(call: Call, scene: Scene, directory: str) -> bool:
    """Whether an earlier build of the project has filled Gradle's home, in a layer."""
    for earlier in scene.before(call):
        if not ecosystem.answers_to.match(earlier.program) or ecosystem.cached_by(earlier.step):
            continue
        tasks, other = _parse(earlier)
        if other is None or earlier.has(*STOPS) or all(task in QUIET for task in tasks):
            continue
        if is_within(directory, other) or is_within(other, directory):
            return True
    return False


def _advice(call: Call, scene: Scene) -> str:
    told = "Gradle has no command that downloads what a build needs"
    for earlier in scene.before(call):
        if ecosystem.answers_to.match(earlier.program) and "dependencies" in _parse(earlier)[0]:
            told += f" (`dependencies` on line {earlier.step.line} fetches metadata and no jars)"
            break
    told += f"; RUN --mount=type=cache,target={_home(call)}{_owner(call)},sharing=locked keeps it between builds"
    if call.program == "gradlew" and not any(other.program == "gradlew" for other in scene.before(call)):
        told += ", and gradlew, gradle/wrapper and RUN ./gradlew --version above the source keep the distribution"
    return told


def effect(call: Call, scene: Scene) -> Effect | None:
    """What the Gradle commands that fetch nothing read and write."""
    return NOTHING if call.program == "gradle" and call.arguments in {("--version",), ("-v",)} else None
