"""How the calls of Maven are read."""

from __future__ import annotations

import posixpath
import re
import shlex
from dataclasses import replace
from typing import NamedTuple

from dockerlayer.api import (
    NOT_IN_CONTEXT,
    NOTHING,
    Call,
    Effect,
    Fetch,
    Refusal,
    Scene,
    Split,
    Word,
    is_within,
    join,
    path_of,
)
from dockerlayer_rules._pipcall import source
from dockerlayer_rules._pom import Reactor, reactor_of
from dockerlayer_rules.maven import ecosystem

PHASES = tuple(
    """validate initialize generate-sources process-sources generate-resources process-resources compile
    process-classes generate-test-sources process-test-sources generate-test-resources process-test-resources
    test-compile process-test-classes test prepare-package package pre-integration-test integration-test
    post-integration-test verify install deploy pre-site site post-site site-deploy""".split()
)
CLEANING = frozenset({"pre-clean", "clean", "post-clean"})
_DOWNLOADS = re.compile(
    r"(?:dependency|org\.apache\.maven\.plugins:maven-dependency-plugin(?::[\w.-]+)?):(?:go-offline|resolve|"
    r"resolve-plugins)|de\.qaware\.maven:go-offline-maven-plugin(?::[\w.-]+)?:resolve-dependencies"
)
# Goals that need no project: what they take is named on the command line.
_NAMED = re.compile(
    r"(?:.*[:-])?(?:help|archetype|wrapper|versions|scm)(?:-maven-plugin|-plugin)?(?::.*)?|.*:(?:get|help)|"
    r"(?:install|deploy):\w+-file"
)
_GET = re.compile(r"dependency:get|org\.apache\.maven\.plugins:maven-dependency-plugin(?::[\w.-]+)?:get")
VALUE_OPTIONS = frozenset(
    """-f --file -s --settings -gs --global-settings -P --activate-profiles -pl --projects -rf --resume-from -T
    --threads -D --define -l --log-file -b --builder -t --toolchains -gt --global-toolchains -ep --encrypt-password
    -emp --encrypt-master-password --color""".split()
)
FLAGS = frozenset(
    """-B --batch-mode -q --quiet -e --errors -X --debug -U --update-snapshots -N --non-recursive -am --also-make
    -amd --also-make-dependents -ntp --no-transfer-progress -nsu --no-snapshot-updates -C --strict-checksums -c
    --lax-checksums -fae --fail-at-end -ff --fail-fast -fn --fail-never -V --show-version -llr --legacy-local-repository
    -cpu --check-plugin-updates -up --update-plugins -npu --no-plugin-updates -npr --no-plugin-registry""".split()
)
_MAVEN_CONFIG = re.compile(r"-(?:-?(?:o|s|gs|f|t|gt)$|-(?:offline|file|settings|global|toolchains))")
# What becomes of a failed module, and where a build goes on or writes its log, is no matter of the download.
DROPPED = frozenset("-fae --fail-at-end -ff --fail-fast -fn --fail-never -rf --resume-from -l --log-file".split())
SETTINGS = frozenset("-s --settings -gs --global-settings -t --toolchains -gt --global-toolchains".split())
ENVIRONMENT = ("MAVEN_OPTS", "MAVEN_ARGS", "JAVA_HOME", "JAVA_TOOL_OPTIONS")
READ = ("/root/.m2", "/root/.mavenrc", "/usr/share/maven", "/etc/maven")
NOT_ALL = "go-offline leaves out what plugins fetch while they run, such as test providers: the build downloads those"
TOO_MUCH = "it also fetches what the site and the deployment would need: some 30 MB more than the build, once"
NEVER_FAILS = "-fn: what the download cannot resolve is left to the build, which says so if it needs it"


class Asked(NamedTuple):
    """The words of a call: its goals and options, each option with its value and the words that it is written in."""

    goals: tuple[str, ...]
    options: tuple[tuple[str, str, tuple[Word, ...]], ...]
    plain: bool

    def value(self, *names: str) -> str | None:
        """The last value of an option."""
        return next((value for name, value, _ in reversed(self.options) if name in names), None)

    def has(self, *names: str) -> bool:
        """Whether an option is given."""
        return any(name in names for name, _, _ in self.options)


def ask(call: Call) -> Asked:
    """The words of a call, variables that the file knows replaced; not ``plain`` where one stands for several."""
    goals: list[str] = []
    options: list[tuple[str, str, tuple[Word, ...]]] = []
    waiting: tuple[str, Word] | None = None
    plain = True
    for word in call.words[1:]:
        text = _known(call, word.text)
        whole = re.fullmatch(r"\$(?:\{\w+\}|\w+)", word.text)
        plain = plain and not whole
        for part in text.split() if whole else [text]:
            joined = re.match(r"(-D|-P|-T|-f(?![aefn]+$)|--[\w-]+=)(.+)", part, re.DOTALL)
            if waiting is not None:
                name, first = waiting
                options.append((name, part, (first,) if first is word else (first, word)))
                waiting = None
            elif part in VALUE_OPTIONS:
                waiting = (part, word)
            elif joined:
                options.append((joined[1].rstrip("="), joined[2], (word,)))
            elif part.startswith("-"):
                options.append((part, "", (word,)))
            else:
                goals.append(part)
    return Asked(tuple(goals), tuple(options), plain)


def _known(call: Call, text: str) -> str:
    return re.sub(r"\$(?:\{(\w+)\}|(\w+))", lambda match: _value(call, match), text)


def _value(call: Call, match: re.Match[str]) -> str:
    value = call.value(match[1] or match[2])
    return match[0] if value is None else value


def read(call: Call, scene: Scene) -> Fetch | None:
    """What an mvn command takes from Maven Central, given what stands in the image when it runs."""
    asked = ask(call)
    goals = [goal for goal in asked.goals if goal not in CLEANING]
    if not goals or asked.has("-o", "--offline", "-h", "--help", "-v", "--version"):
        return None
    place = _place(call, asked)
    if place is None:
        return None
    directory, manifest = place
    origin = scene.project(directory, manifest)
    repository = _repository(call, asked)
    if all(_NAMED.fullmatch(goal) for goal in goals):
        if any(_GET.fullmatch(goal) for goal in goals) and not scene.has(join(directory, manifest)):
            return Fetch(call, "tool", directory, unit="artifacts", writes=(repository,), system=False)
        return None
    if any(re.search(r"/\.m2\b|/m2/repo|/repository\b", path) for path in scene.received):
        return None
    if scene.has(join(repository, "repository")):
        return None
    download = all(_DOWNLOADS.fullmatch(goal) for goal in goals)
    if not download and _downloaded_before(call, scene, place):
        return None
    kind = "download" if download else "build"
    fetch = Fetch(call, kind, directory, origin, unit="artifacts", reads=READ, writes=(repository,), system=False)
    if origin is None:
        missing = f"no COPY brings a {manifest} of the build context to {directory}"
        return replace(fetch, blocked=Refusal(NOT_IN_CONTEXT, missing, call.step.line))
    reactor = reactor_of(scene, directory, origin, manifest, call.step.line)
    program = _program_files(call, scene, directory, origin)
    settings = _settings(call, scene, asked, directory, origin)
    extra = [path for paths in (program, settings) if not isinstance(paths, Refusal) for path in paths]
    needs = tuple(dict.fromkeys((*reactor.needs, *extra)))
    fetch = replace(fetch, needs=needs, members=reactor.members, without_member="stops: the module's pom is missing")
    refusal = next((item for item in (reactor.obstacle, program, settings) if isinstance(item, Refusal)), None)
    if download:
        return replace(fetch, blocked=refusal or _built_before(call, scene, reactor, origin))
    if refusal is not None:
        return replace(fetch, no_split=refusal)
    split = _split(call, scene, asked, repository)
    if isinstance(split, Refusal):
        return replace(fetch, no_split=split)
    return replace(fetch, split=split, unproven=_doubt(call, reactor))


def _place(call: Call, asked: Asked) -> tuple[str, str] | None:
    """The image directory of the project and the name of its pom; None where the file does not tell."""
    if call.cwd is None:
        return None
    named = asked.value("-f", "--file")
    if named is None:
        return call.cwd, "pom.xml"
    path = path_of(call, named)
    if path is None or "$" in path:
        return None
    return posixpath.split(path) if path.endswith(".xml") else (path, "pom.xml")


def _home(call: Call) -> str:
    user = (call.user or "root").partition(":")[0]
    return "/root" if user in {"root", "0"} else "/" if user.isdigit() else f"/home/{user}"


def _repository(call: Call, asked: Asked) -> str:
    """The local repository, as an image path."""
    for name, value, _ in reversed(asked.options):
        if name in {"-D", "--define"} and value.startswith("maven.repo.local="):
            return path_of(call, value.partition("=")[2]) or "/"
    return join(_home(call), ".m2")


def _downloaded_before(call: Call, scene: Scene, place: tuple[str, str]) -> bool:
    """Whether an earlier command of the same image has filled the local repository for this project, in a layer."""
    for earlier in scene.before(call):
        if not ecosystem.answers_to.match(earlier.program) or ecosystem.cached_by(earlier.step):
            continue
        asked = ask(earlier)
        goals = [goal for goal in asked.goals if goal not in CLEANING and not _NAMED.fullmatch(goal)]
        other = _place(earlier, asked)
        if not goals or other is None or other[1] != place[1]:
            continue
        if is_within(place[0], other[0]) or is_within(other[0], place[0]):
            return True
    return False


def _program_files(call: Call, scene: Scene, directory: str, origin: str) -> tuple[str, ...] | Refusal:
    """The wrapper and the directory .mvn, by their paths from the project."""
    line = call.step.line
    found: list[str] = []
    if call.program == "mvnw":
        path = path_of(call, call.words[0].text)
        script = scene.origin(path) if path is not None else None
        if path is None or script is None:
            return Refusal(NOT_IN_CONTEXT, f"no COPY brings the mvnw of line {line}", line)
        found.append(posixpath.relpath(script, origin or "."))
    here, inside = directory, origin
    while True:
        if scene.origin(join(here, ".mvn")) == posixpath.join(inside, ".mvn"):
            place = posixpath.join(inside, ".mvn")
            if scene.context.exists(posixpath.join(place, "extensions.xml")):
                return Refusal("build-extension", f"{place}/extensions.xml loads extensions into Maven itself", line)
            config = scene.context.read(posixpath.join(place, "maven.config")) or b""
            if any(_MAVEN_CONFIG.match(word) for word in config.decode("utf-8", "replace").split()):
                return Refusal("maven-config", f"{place}/maven.config names settings, a pom or the offline mode", line)
            return (*found, posixpath.relpath(place, origin or "."))
        if not inside or here == "/":
            return tuple(found)
        here, inside = posixpath.dirname(here), posixpath.dirname(inside)


def _settings(call: Call, scene: Scene, asked: Asked, directory: str, origin: str) -> tuple[str, ...] | Refusal:
    """The settings files of the context that options name, by their paths from the project."""
    found = []
    for value in (value for name, value, _ in asked.options if name in SETTINGS):
        path = path_of(call, value)
        if path is None:
            return Refusal("unknown-file", f"where {value} is cannot be told", call.step.line)
        inside = scene.origin(path)
        if inside is not None:
            need = posixpath.relpath(inside, origin or ".")
            if join(directory, need) != path:
                return Refusal("scattered-files", f"{inside} lies elsewhere in the image", call.step.line)
            found.append(need)
    return tuple(found)


def _built_before(call: Call, scene: Scene, reactor: Reactor, origin: str) -> Refusal | None:
    """Modules that are in the context as they were built are taken for what the download would find without them."""
    for need in reactor.members:
        target = posixpath.normpath(posixpath.join(origin, posixpath.dirname(need), "target"))
        if scene.context.exists(target):
            return Refusal("target-in-context", f"{target} is in the build context: ignore it", call.step.line)
    return None


def _split(call: Call, scene: Scene, asked: Asked, repository: str) -> Split | Refusal:
    """The download with the options of the call, or why they cannot be carried over."""
    line = call.step.line
    if not asked.plain or any("$" in goal or "`" in goal for goal in asked.goals):
        return Refusal("variable-goals", "which goals the command runs is in a variable", line)
    if any(_removes(other, repository) for other in scene.siblings):
        reason = "the RUN removes the local repository again; a download of its own would leave it in the image"
        return Refusal("cleanup-in-same-run", reason, line)
    moved = repository != join(_home(call), ".m2")
    if moved and any(is_within(repository, place) for place in (call.step.state.workdir, call.cwd or "/")):
        return Refusal("repository-in-project", f"the local repository {repository} lies in the project", line)
    own = {item.name for item in call.command.assignments} | (
        call.env.keys() if call.words != call.command.words else set()
    )
    words = [f"{name}={shlex.quote(call.env[name])}" for name in ENVIRONMENT if name in own]
    program = source(call, call.words[0].start, call.words[0].end)
    words += [program or "", "-B"]
    for name, _, parts in asked.options:
        if name not in FLAGS | VALUE_OPTIONS:
            return Refusal("unknown-option", f"what {name} means for a download is not known", line)
        if name not in DROPPED | {"-B", "--batch-mode"}:
            words += [source(call, part.start, part.end) or "" for part in parts]
    text = " ".join((*words, "-fn", "dependency:go-offline"))
    if "" in words or "\n" in text:
        return Refusal("odd-words", "the words of the command cannot be told apart safely", line)
    known = call.step.state.exported.keys()
    if re.search(r"`|\$\(", text) or not set(re.findall(r"\$\{?(\w+)", text)) <= known:
        return Refusal("variable-options", "an option holds a variable that only the RUN itself knows", line)
    return Split(text, (), notes=(NOT_ALL, TOO_MUCH, NEVER_FAILS), writes=(repository,))


def _removes(call: Call, repository: str) -> bool:
    return call.program == "rm" and any(
        re.search(r"\.m2\b", word) or path_of(call, word) == repository for word in call.arguments
    )


def _doubt(call: Call, reactor: Reactor) -> str:
    """Why it is not certain that the download gets what the build needs; empty when it is."""
    if re.search(r"(?:^|/)maven:4", call.step.stage.base_image):
        return "the download was not tried with Maven 4"
    return reactor.doubt


def effect(call: Call, scene: Scene) -> Effect | None:
    """What the mvn commands that fetch nothing read and write."""
    asked = ask(call)
    if asked.has("-v", "--version", "-h", "--help"):
        return NOTHING
    return None
