"""How one pip command becomes a download (``pip wheel``) and an install from it, or why it does not."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping

from dockerlayer.api import (
    Edit,
    Handover,
    Hybrid,
    Refusal,
    Scene,
    Split,
    insert_after,
    is_within,
)
from dockerlayer_rules._home import runs_as_root
from dockerlayer_rules._pipcall import (
    Asked,
    ask,
    asked_files,
    carried_text,
    is_offline,
    official_tag,
    python_version,
    virtualenv_of,
    written,
)
from dockerlayer_rules._pyproject import Project
from dockerlayer_rules._requirements import Requirements, kind_of, name_of

# What `pip wheel` takes (20.0 to 26.3), and what concerns the installation alone and so stays out of the download.
CARRIED = frozenset(
    """--requirement --constraint --build-constraint --config-settings --index-url --pypi-url --extra-index-url
    --trusted-host --proxy --cert --client-cert --timeout --default-timeout --retries --resume-retries --cache-dir
    --no-cache-dir --pre --prefer-binary --only-binary --no-binary --no-deps --no-dependencies --require-hashes
    --no-build-isolation --use-pep517 --ignore-requires-python --progress-bar --quiet --verbose --isolated --no-input
    --no-color --disable-pip-version-check --no-python-version-warning --exists-action --use-feature --use-deprecated
    --keyring-provider --uploaded-prior-to --log --no-clean""".split()
)
INSTALL_ONLY = frozenset(
    """--user --target --prefix --root --upgrade --upgrade-strategy --force-reinstall --ignore-installed --compile
    --no-compile --break-system-packages --no-warn-script-location --no-warn-conflicts --root-user-action""".split()
)
# Settings under which the pair of download and install was not tried.
UNTRIED = """PIP_TARGET PIP_PREFIX PIP_ROOT PIP_REQUIREMENT PIP_EDITABLE PIP_PLATFORM PIP_PYTHON_VERSION PIP_ABI
    PIP_IMPLEMENTATION PIP_NO_BINARY PIP_FIND_LINKS PIP_REQUIRE_HASHES PIP_WHEEL_DIR PIP_PYTHON PIP_GROUP
    PIP_NO_BUILD_ISOLATION PIP_GLOBAL_OPTION PIP_BUILD_CONSTRAINT""".split()
# Tools that projects do not depend on: an image that has them is as good as new.
TOOLS = frozenset("pip setuptools wheel pip-tools pipenv poetry uv virtualenv build hatch pdm flit".split())
OTHER_INSTALLERS = frozenset("uv poetry conda mamba micromamba pipenv pdm easy_install".split())
# Build backends for which requires (and these) are all that a build takes from the network; editables for -e alone.
BACKENDS: Mapping[str, set[str]] = {
    "setuptools.build_meta": {"wheel"}, "hatchling.build": {"editables~=0.3"}, "flit_core.buildapi": set(),
    "poetry.core.masonry.api": set(), "pdm.backend": set(), "uv_build": set(),
}  # fmt: skip
WHEELS = "/tmp/wheels"
CACHE = "/root/.cache/pip"


def split_install(asked: Asked, scene: Scene, found: Requirements) -> Split | Refusal:
    """The pair of a download and an offline install, or why there is none."""
    call = asked.call
    kinds = {line.kind for line in found.lines} | {kind_of(text) for text in asked.specs}
    hashed = asked.has("--require-hashes") or any(line.hashed for line in found.lines)
    rebuilt = asked.has("--no-binary") or "--no-binary" in found.settings
    refusal = next(_obstacles(asked, found), None)
    # Installing the wheels by file name would do for these, but it leaves a direct_url.json with each package, so that
    # `pip freeze` names files instead of versions.
    if refusal is None and hashed:
        what = "requirements with hashes: what pip builds from a source archive has another hash, so both steps are one"
        refusal = Refusal("hashes", what, call.step.line)
    if refusal is None and (rebuilt or "url" in kinds):
        what = "--no-binary and URL requirements are not looked up among downloaded wheels"
        refusal = Refusal("not-found-by-name", what, call.step.line)
    wheels = _wheels(asked, scene)
    if refusal is None:
        refusal = unsettled(asked, scene, wheels)
    command = _command(asked, scene)
    carried = carried_text(asked, [item for item in asked.args if item.name not in INSTALL_ONLY])
    edits = (_offline_edit(asked, wheels),)
    if refusal is not None or command is None or carried is None:
        return refusal or Refusal("odd-words", "the words of the command cannot be told apart safely", call.step.line)
    split = _from_wheels(" ".join([command, "--wheel-dir", wheels, *carried]), edits, wheels)
    return split._replace(hybrid=_hybrid(asked, command, wheels))


def _hybrid(asked: Asked, command: str, wheels: str) -> Hybrid | None:
    """The same wheels, with pip's cache in a mount: what it holds is not downloaded again, and the wheels are whole.

    ``--cache-dir`` puts the cache on whatever PIP_NO_CACHE_DIR says (measured, pip 23.2 and 26.3).
    """
    ours = {"--no-cache-dir", "--cache-dir"}
    carried = carried_text(asked, [item for item in asked.args if item.name not in INSTALL_ONLY | ours])
    before = any(item.at[0] < asked.first and item.name in ours for item in asked.args)
    if carried is None or before or not runs_as_root(asked.call) or asked.has("--isolated"):
        return None
    return Hybrid(CACHE, " ".join([command, "--cache-dir", CACHE, "--wheel-dir", wheels, *carried]))


def _from_wheels(download: str, edits: tuple[Edit, ...], wheels: str) -> Split:
    kept = f"the wheels stay in the image, in a layer of their own under {wheels}"
    return Split(download, edits, writes=(wheels,), handover=(Handover(wheels),), kept=kept)


def _obstacles(asked: Asked, found: Requirements) -> Iterator[Refusal]:
    """Why requirements cannot be downloaded by one command and installed by another."""
    line = asked.call.step.line
    if found.remote:
        yield Refusal("remote-requirements", f"{found.remote} names a URL, which the install would read as well", line)
    for setting in ("--find-links", "--group", "--requirements-from-script", "pylock"):
        if setting in found.settings or asked.has(setting):
            where = found.settings.get(setting, f"line {line}")
            yield Refusal("other-sources", f"{where} has {setting}, with which a split was not tried", line)
    if found.variable:
        yield Refusal("variable-in-requirements", f"{found.variable} has a variable", line)
    for item in found.lines:
        if item.kind in {"vcs", "checkout"}:
            yield Refusal("vcs-requirement", f"{item.place} installs from version control, offline too", line)
        if item.kind == "archive":
            yield Refusal("local-archive", f"{item.place} installs the file {item.text}", line)
    if asked.has("--editable") or any(kind_of(text) in {"vcs", "archive"} for text in asked.specs):
        yield Refusal("vcs-requirement", f"line {line} names something that is no plain requirement", line)


def unsettled(asked: Asked, scene: Scene, wheels: str) -> Refusal | None:
    """Why nothing can be split here, whatever is installed."""
    call, line = asked.call, asked.call.step.line
    image = scene.step.stage.base_image
    if official_tag(image) is None or call.words[0].text.startswith("/usr/bin/"):
        what = f"{image} may hold some of the packages already, and a download of its own would fetch them again"
        return Refusal("unknown-base", what, line)
    for other in scene.before(call):
        earlier = ask(other)
        named = earlier.specs if earlier is not None and earlier.verb == "install" and not is_offline(earlier) else []
        strange = next((text for text in named if name_of(text) not in TOOLS), None)
        if other.program in OTHER_INSTALLERS and other.has("install", "sync", "add"):
            strange = f"packages with {other.program}"
        if strange is not None:
            what = f"line {other.step.line} installs {strange} first, which a download of its own may fetch again"
            return Refusal("installed-before", what, line)
    for name in UNTRIED:
        if call.value(name):
            return Refusal("untried-setting", f"{name} is set, with which a split was not tried", line)
    if call.cwd is not None and call.cwd != "/" and is_within(wheels, call.cwd):
        return Refusal("project-in-tmp", f"the project is in {call.cwd}, where the downloads would go", line)
    for mount in call.step.mounts:
        if is_within(wheels, mount.target) or is_within(mount.target, wheels):
            return Refusal("mounted-tmp", f"{mount.target} is a mount: the downloads would not stay in the layer", line)
    for item in asked.args:
        if item.name and item.at[0] > asked.first and item.name not in CARRIED | INSTALL_ONLY | {"--editable"}:
            return Refusal("untried-option", f"{item.name} was not tried with a download of its own", line)
    wrapper = call.command.words[: len(call.command.words) - len(call.words)]
    if any("=" in word.text or word.text == "env" for word in wrapper):
        return Refusal("wrapped", f"{wrapper[0].text} sets variables for the command", line)
    return None


def _wheels(asked: Asked, scene: Scene) -> str:
    """A directory for the wheels of this command alone."""
    earlier = scene.before(asked.call)
    text = "\n".join(" ".join(call.argv) for call in earlier)
    installs = [other for call in earlier if (other := ask(call)) is not None and other.verb == "install"]
    number = 1 + sum(bool(asked_files(other)) or "local" in map(kind_of, other.specs) for other in installs)
    names = (WHEELS if at == 1 else f"{WHEELS}-{at}" for at in range(number, number + len(earlier) + 2))
    return next(name for name in names if not re.search(rf"{name}(?![\w-])", text) and not scene.has(name))


def _command(asked: Asked, scene: Scene) -> str | None:
    """The command up to its verb, which becomes ``wheel``, with the variables set before it."""
    call = asked.call
    parts = [(f"{item.name}=", item.value) for item in call.command.assignments]
    parts += [("", word) for word in call.words[: asked.at]]
    texts = [(name, written(call, word)) for name, word in parts]
    tag = official_tag(scene.step.stage.base_image) or ""
    # A virtualenv of Python 3.11 or older may have a pip that builds old sdists only with the wheel package beside it.
    old = virtualenv_of(call, scene) and (python_version(tag) or (3, 0)) < (3, 12)
    words = [f"{name}{text}" for name, text in texts if text is not None]
    return " ".join([*words, "wheel", *(["--use-pep517"] if old else [])]) if len(words) == len(texts) else None


def _offline_edit(asked: Asked, wheels: str) -> Edit:
    return insert_after(asked.call.words[asked.at], f"--no-index --find-links {wheels}")


def build_obstacles(asked: Asked, project: Project, extras: tuple[str, ...]) -> Iterator[Refusal]:
    line = asked.call.step.line
    reasons = {
        "setup.py": "setup.py names its dependencies in Python: with [project] dependencies in pyproject.toml, or a "
        "requirements.txt installed first, they could be downloaded without the source",
        "setup.cfg": "setup.cfg names the dependencies: in pyproject.toml they could be downloaded without the source",
        "poetry": "the dependencies are in [tool.poetry], and pip cannot read these without the source",
        "dynamic": "pyproject.toml leaves the dependencies to the build backend (dynamic), which needs the source",
        "broken": "pyproject.toml is not valid TOML",
    }
    if project.source in reasons:
        yield Refusal(f"{project.source.replace('.', '-')}-dependencies", reasons[project.source], line)
    if asked.verb != "install" or asked.has("--no-deps", "--no-dependencies", "--no-build-isolation"):
        yield Refusal("partial-install", f"line {line} does not install the project with its dependencies", line)
    if asked.has("--only-deps", "--no-binary", "--require-hashes"):
        yield Refusal("untried-option", f"line {line} has options with which a split was not tried", line)
    if project.backend.partition(":")[0] not in BACKENDS or project.own_backend:
        yield Refusal("build-backend", f"what {project.backend} takes from the network is not known", line)
    if project.build_extra:
        yield Refusal("build-backend", f"{project.build_extra} adds to what the build takes from the network", line)
    for name in extras:
        if name not in project.extras or not re.fullmatch(r"[\w.-]+", name):
            yield Refusal("unknown-extra", f"pyproject.toml has no optional-dependencies called {name}", line)
    extra = [text for name in extras for text in project.extras.get(name, ())]
    for text in (*(project.dependencies or ()), *project.requires, *extra):
        if kind_of(text) != "named" or name_of(text) == name_of(project.name):
            yield Refusal(
                "odd-dependency", f"{text} in pyproject.toml is no plain requirement of another project", line
            )


def build_split(asked: Asked, scene: Scene, project: Project, path: str, extras: tuple[str, ...]) -> Split | None:
    """Fetch what pyproject.toml names, as it is read in the image: the dependencies, and what a build takes."""
    manifest = posixpath.normpath(posixpath.join(path, "pyproject.toml"))
    command = _command(asked, scene)
    carried = carried_text(asked, [item for item in asked.args if item.name in CARRIED])
    if command is None or carried is None or not re.fullmatch(r"[\w./-]+", manifest):
        return None
    wheels = _wheels(asked, scene)
    backend = project.backend.partition(":")[0]
    tools = BACKENDS[backend] if asked.has("--editable") else BACKENDS[backend] - {"editables~=0.3"}
    added = "".join(f", '{name}'" for name in sorted(tools))
    chosen = "".join(f", *p['project']['optional-dependencies']['{name}']" for name in extras)
    python = written(asked.call, asked.call.words[0]) if "python" in asked.call.program else "python"
    read_both = (
        f"import tomllib; p = tomllib.load(open('{manifest}', 'rb')); "
        f"print(*p.get('build-system', {{}}).get('requires', ['setuptools']){added}"
        rf", sep='\n', file=open('{wheels}-build.txt', 'w')); "
        rf"print(*p['project'].get('dependencies', []){chosen}, sep='\n', file=open('{wheels}-deps.txt', 'w'))"
    )
    fetch = " ".join([command, "--wheel-dir", wheels, *carried, "-r", wheels])
    download = f'{python} -c "{read_both}" && {fetch}-build.txt && {fetch}-deps.txt'
    return _from_wheels(download, (_offline_edit(asked, wheels),), wheels)
