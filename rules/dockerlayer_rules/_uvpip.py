"""``uv pip install`` and ``uv pip sync``: requirement files move up as they are, a project's dependencies come first.

``uv pip`` reads requirement files as pip does, but neither PIP_* variables nor pip.conf. ``-r pyproject.toml`` needs
that file alone, unless the build backend decides on the dependencies.
"""

from __future__ import annotations

import posixpath
import re
from dataclasses import replace

from dockerlayer.api import (
    NOT_IN_CONTEXT,
    Fetch,
    Lock,
    Refusal,
    Scene,
    Split,
    join,
    path_of,
)
from dockerlayer_rules._pipcall import is_built
from dockerlayer_rules._pyproject import Project, parse_toml, read_project
from dockerlayer_rules._requirements import Requirements, is_pinned, kind_of, layout, read_requirements
from dockerlayer_rules._uvcall import Asked, ask, own_places, own_words, unknown_word
from dockerlayer_rules._uvproject import MANIFEST, has_build_system, is_dynamic, settings_of

FILES = ("--requirements", "--constraints", "--build-constraints", "--overrides", "--excludes")
FILE_VARIABLES = ("UV_CONSTRAINT", "UV_BUILD_CONSTRAINT", "UV_OVERRIDE", "UV_EXCLUDE")
_UNKNOWN = r"[$`*?]|\{.*,.*\}"
# Options of an install of the project that its dependencies are installed with as well.
CARRIED = frozenset(
    """--constraints --build-constraints --overrides --extra --all-extras --system --break-system-packages
    --no-break-system-packages --target --prefix --no-build --no-binary --only-binary --python-version --strict
    --index --default-index --index-url --extra-index-url --index-strategy --keyring-provider --upgrade --resolution
    --prerelease --no-sources --link-mode --compile-bytecode --no-build-isolation --no-cache --cache-dir --python
    --managed-python --no-python-downloads --quiet --verbose --no-progress --color --system-certs --native-tls
    --allow-insecure-host --config-setting --group --require-hashes --exclude-newer --torch-backend""".split()
)


def read_pip(asked: Asked, scene: Scene) -> Fetch | None:
    """What an install takes from the registry."""
    call, line = asked.call, asked.call.step.line
    if asked.verb not in {"pip install", "pip sync"} or asked.is_offline or asked.has("--no-index", "--check"):
        return None
    operands = asked.operands
    files = [(path, name != "--requirements") for name in FILES for path in asked.values(name)]
    if asked.verb == "pip sync":
        files, operands = [*((path, False) for path in operands), *files], []
    files += [(path, True) for name in FILE_VARIABLES for path in (call.value(name) or "").split()]
    word = unknown_word(asked)
    if word is not None:
        return _refused(asked, "unknown-words", f"{word} on line {line} is not known before the build")
    local = [text for text in asked.values("--editable") if kind_of(text) != "vcs"]
    local += [text for text in operands if kind_of(text) == "local" and not is_built(text)]
    named = any(not constraint for _, constraint in files) or asked.has("--group")
    if len(local) == 1 and not named and len(operands) + len(asked.values("--editable")) == 1:
        return _project(asked, scene, local[0])
    if local:
        what = f"line {line} installs {local[0]} together with others: give the others a command of their own"
        return _refused(asked, "local-path", what)
    if not named and not operands and not asked.has("--editable"):
        return None
    if not named and operands and all(is_built(text) or kind_of(text) == "archive" for text in operands):
        return None
    if not named and not files and not _settings(scene, asked.directory or "/"):
        return Fetch(call, "tool", call.cwd or "/", writes=_writes(asked, scene), count=len(operands) or None)
    return _files(asked, scene, files, operands)


def _refused(asked: Asked, code: str, message: str, directory: str | None = None) -> Fetch:
    refusal = Refusal(code, message, asked.call.step.line)
    return Fetch(asked.call, "install", directory or asked.directory or "/", blocked=refusal)


def _files(asked: Asked, scene: Scene, files: list[tuple[str, bool]], operands: list[str]) -> Fetch | None:
    call, line, cwd = asked.call, asked.call.step.line, asked.directory
    listed: list[tuple[str, bool]] = []
    projects: list[str] = []
    for path, constraint in files:
        image = None if re.search(_UNKNOWN, path) or path == "-" or cwd is None else join(cwd, path)
        if re.match(r"https?:", path):
            return _refused(asked, "remote-requirements", f"line {line} reads {path}, whose content is not known")
        if image is None or posixpath.basename(image) in {"setup.py", "setup.cfg"} or image.endswith(".py"):
            return _refused(asked, "unknown-file", f"what {path} on line {line} needs cannot be told")
        (projects if posixpath.basename(image) == MANIFEST else listed).extend(
            [image] if posixpath.basename(image) == MANIFEST else [(image, constraint)]  # type: ignore[list-item]
        )
    projects += [join(cwd or "/", path.rpartition(":")[0] or MANIFEST) for path in asked.values("--group")]
    found = read_requirements(scene, cwd, listed, call.value)
    count: int | None = len(found.wanted) + len(operands)
    for image in dict.fromkeys(projects):
        project = read_project(scene, posixpath.dirname(image))
        origin = scene.origin(image)
        if project is None or origin is None:
            found.missing.append((image, ""))
            continue
        found.files[image] = origin
        if is_dynamic(project):
            what = f"{origin} leaves the dependencies to the build backend, which needs the source"
            return _refused(asked, "dynamic-dependencies", what)
        count = None if count is None or asked.has("--group") else count + len(_listed(project, asked))
    fetch = Fetch(call, "install", cwd or "/", writes=_writes(asked, scene), lock=_lock(found, operands, scene))
    if found.missing:
        image, place = found.missing[0]
        what = f"{scene.would_be(image) or image} is not in the build context" + (
            f" (named in {place})" if place else ""
        )
        return replace(fetch, blocked=Refusal(NOT_IN_CONTEXT, what, line))
    if "--no-index" in found.settings or (count == 0 and not found.remote):
        return None
    own = [item for item in found.lines if item.kind == "local"]
    shown = {image: origin for image, origin in found.files.items() if not _is_mounted(scene, image, origin)}
    shown.update(_settings(scene, cwd or "/"))
    place_ = layout(shown, cwd) if shown else (cwd or "/", None, ())
    if place_ is None:
        what = f"{', '.join(found.files.values())} lie apart differently in the image and in the build context"
        return replace(fetch, blocked=Refusal("scattered-files", what, line))
    fetch = replace(fetch, count=count, directory=place_[0], origin=place_[1], needs=place_[2])
    if own:
        what = f"{own[0].place} installs {own[0].text}, which needs the source: name it in a RUN below the COPY instead"
        return replace(fetch, blocked=Refusal("local-path", what, line))
    if found.remote:
        what = f"{found.remote} reads a file by its URL, whose content is not known"
        return replace(fetch, blocked=Refusal("remote-requirements", what, line))
    return fetch


def _settings(scene: Scene, directory: str) -> dict[str, str]:
    """The files with settings that ``uv pip`` reads where it runs: image path to context path."""
    found = {}
    for name in ("uv.toml", MANIFEST):
        image = join(directory, name)
        origin = scene.origin(image)
        if origin is not None and (name != MANIFEST or settings_of(parse_toml(scene.read(image) or b"") or {})):
            found[image] = origin
    return found


def _is_mounted(scene: Scene, image: str, origin: str) -> bool:
    return any(mount.origin(image) == origin for mount in scene.mounted)


def _listed(project: Project, asked: Asked) -> tuple[str, ...]:
    extras = project.extras if asked.has("--all-extras") else asked.values("--extra")
    return (project.dependencies or ()) + tuple(text for name in extras for text in project.extras.get(name, ()))


def _lock(found: Requirements, operands: list[str], scene: Scene) -> Lock | None:
    hidden = [path for image, _ in found.missing if (path := scene.would_be(image)) and scene.context.hidden(path)]
    if hidden:
        directory, name = posixpath.split(hidden[0])
        return Lock(directory or "the project", name, "hidden", f"add !{hidden[0]} to the ignore file")
    wanted = [line.file for line in found.wanted]
    if found.missing or not wanted:
        return None
    pinned = any(line.pinned or line.constraint for line in found.lines)
    pinned = pinned or any(is_pinned(text, kind_of(text)) for text in operands)
    advice = "uv pip compile writes the versions that uv would choose today into a file"
    return Lock(wanted[0], "pinned version (==) and no constraints file", "ok" if pinned else "missing", advice)


def _writes(asked: Asked, scene: Scene) -> tuple[str, ...]:
    """Image paths that an install fills beside those of the system; ``/`` for one that cannot be told."""
    call = asked.call
    given = asked.values("--target", "--prefix")
    if not given and not asked.on("--system", "UV_SYSTEM_PYTHON"):
        given = [value for name in ("VIRTUAL_ENV", "CONDA_PREFIX") if (value := call.value(name))][:1]
        made = [venv_of(other) for other in map(ask, scene.before(call)) if other is not None and other.verb == "venv"]
        given = given or [path or "/" for path in made[-1:]]
    return tuple(dict.fromkeys([*(path_of(call, path) or "/" for path in given), *own_places(call)]))


def venv_of(asked: Asked) -> str | None:
    """The directory that ``uv venv`` makes a virtual environment in."""
    named = asked.operands or [asked.call.value("UV_PROJECT_ENVIRONMENT") or ".venv"]
    return path_of(asked.call, named[0])


def _project(asked: Asked, scene: Scene, text: str) -> Fetch | None:
    """``uv pip install .``: the dependencies that pyproject.toml names come first, without the source."""
    call, line = asked.call, asked.call.step.line
    match = re.fullmatch(r"(?:file:(?://)?)?(.*?)(?:\[([^\[\]]*)\])?", text, re.DOTALL)
    path, named = (match[1], match[2] or "") if match else (text, "")
    image = None if asked.directory is None or re.search(_UNKNOWN, path) else join(asked.directory, path)
    if image is None:
        return _refused(asked, "unknown-directory", f"where {text} on line {line} is cannot be told")
    if asked.has("--no-deps") or _came_before(asked, scene, image):
        return None
    project = read_project(scene, image)
    origin = scene.project(image, project.manifest) if project is not None else None
    if project is None or origin is None:
        what = f"no COPY brings a pyproject.toml or setup.py of the build context to {image}"
        return _refused(asked, NOT_IN_CONTEXT, what, image)
    extras = [name.strip() for name in named.split(",") if name.strip()]
    listed = None if project.dependencies is None else list(project.dependencies)
    if listed is not None:
        listed += [item for name in extras for item in project.extras.get(name, ())]
    needs = (project.manifest, *_beside(scene, image, origin))
    fetch = Fetch(call, "build", image, origin, needs, _writes(asked, scene), None if listed is None else len(listed))
    if listed == []:
        return None
    refusal = _no_split(asked, project, extras, listed or [])
    manifest = posixpath.normpath(posixpath.join(path, MANIFEST))
    options = [item for item in asked.options if item.name in CARRIED]
    added = [f"--extra {name}" for name in extras]
    download = own_words(asked, options, "pip install", "-r", manifest, *added) if refusal is None else None
    if refusal is None and (download is None or not re.fullmatch(r"[\w./-]+", manifest)):
        refusal = Refusal("odd-words", "the words of the command cannot be told apart safely", line)
    if refusal is not None:
        return replace(fetch, no_split=refusal)
    requires = ", ".join(project.requires) if has_build_system(project) else "setuptools"
    note = f"the install still asks the index, and fetches what builds the project ({requires})"
    return replace(fetch, split=Split(download or "", (), (), (note,), needs=needs))


def _beside(scene: Scene, image: str, origin: str) -> tuple[str, ...]:
    path = posixpath.join(origin, "uv.toml")
    return ("uv.toml",) if scene.origin(join(image, "uv.toml")) == path else ()


def _no_split(asked: Asked, project: Project, extras: list[str], listed: list[str]) -> Refusal | None:
    line = asked.call.step.line
    if project.source == "broken":
        return Refusal("bad-manifest", "pyproject.toml is not valid TOML", line)
    if project.manifest != MANIFEST or is_dynamic(project):
        what = f"{project.manifest} leaves the dependencies to the build backend, which needs the source"
        return Refusal("dynamic-dependencies", what, line)
    odd = next((item.name for item in asked.options if item.name and item.name not in CARRIED | {"--editable"}), None)
    if odd is not None:
        return Refusal("untried-option", f"{odd} was not tried with a download of its own", line)
    for name in extras:
        if name not in project.extras or not re.fullmatch(r"[\w.-]+", name):
            return Refusal("unknown-extra", f"pyproject.toml has no optional-dependencies called {name}", line)
    local = next((text for text in listed if kind_of(text) == "local"), None)
    if local is not None or (settings_of(project.table).get("sources") and not asked.on("--no-sources")):
        what = "pyproject.toml takes dependencies from elsewhere ([tool.uv.sources]), maybe from the project itself"
        return Refusal("odd-dependency", what, line)
    return None


def _came_before(asked: Asked, scene: Scene, image: str) -> bool:
    """Whether the dependencies of a project were installed by themselves, from its manifest or a file of its own."""
    for other in map(ask, scene.before(asked.call)):
        if other is None or other.directory is None:
            continue
        if other.verb == "sync":
            return True
        files = other.values("--requirements") if other.verb == "pip install" else other.operands
        if other.verb in {"pip install", "pip sync"} and any(
            posixpath.basename(path) == MANIFEST and posixpath.dirname(join(other.directory, path)) == image
            for path in files
        ):
            return True
    return False
