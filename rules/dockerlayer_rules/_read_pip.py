"""How the calls of pip (Python) are read."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from dockerlayer.api import (
    SYSTEM_WRITES,
    Applicability,
    Call,
    Edit,
    Effect,
    Fetch,
    Finding,
    Fix,
    Lock,
    Refusal,
    Scene,
    Severity,
    Split,
    Word,
    is_within,
    join,
    path_of,
)
from dockerlayer_rules._pipcall import (
    Asked,
    ask,
    asked_files,
    is_built,
    is_offline,
    module_of,
    official_tag,
    python_version,
    sets_paths,
    virtualenv_of,
    written,
)
from dockerlayer_rules._pipsplit import CARRIED, WHEELS, build_obstacles, build_split, split_install, unsettled
from dockerlayer_rules._pyproject import read_project
from dockerlayer_rules._requirements import Requirements, is_pinned, kind_of, layout, read_requirements

VERBS = frozenset({"install", "wheel", "download"})
QUIET_VERBS = frozenset("list freeze check show help debug inspect index hash search completion cache config".split())
_UNKNOWN = re.compile(r"[$`*?]|\{.*,.*\}")
_VERSIONED = re.compile(r"[A-Za-z0-9][\w.-]*(?:\[[^\]]*\])?\s*(?:[=<>~!]=|[<>])")

SETTINGS = ("/root/.pip", "/root/.netrc")


def read(call: Call, scene: Scene) -> Fetch | None:
    """What a pip command takes from PyPI, given what stands in the image when it runs."""
    fetch = _read(call, scene)
    if fetch is None or fetch.blocked is not None:
        return fetch
    configured = next((other for other in scene.before(call) if sets_paths(other)), None)
    if configured is not None:
        what = f"line {configured.step.line} writes pip settings that name files or are for one command only"
        return replace(fetch, blocked=Refusal("pip-settings", what, call.step.line))
    if call.cwd in {None, call.step.state.workdir}:
        return fetch
    here = call.cwd or "/"
    if scene.has(here) and not any(is_within(join(fetch.directory, need), here) for need in fetch.needs):
        what = f"line {call.step.line} changes to {here}, which is not there before the source is copied"
        return replace(fetch, blocked=Refusal("directory-from-source", what, call.step.line))
    return fetch


def _read(call: Call, scene: Scene) -> Fetch | None:
    asked = ask(call)
    if asked is None or asked.verb not in VERBS or is_offline(asked) or asked.has("--help", "--dry-run"):
        return None
    unknown = next((text for text in asked.specs if _is_unknown(text)), None)
    if unknown is not None:
        what = f"{unknown} on line {call.step.line} is not known before the build, so neither is what it needs"
        return _refused(asked, "unknown-words", what)
    local = [text for text in asked.values("--editable") if kind_of(text) != "vcs"]
    local += [text for text in asked.specs if kind_of(text) == "local" and not is_built(text)]
    files = asked_files(asked)
    if not (files or local or asked.has("--editable", "--group") or asked.specs):
        return None
    if len(local) == 1 and not files and not asked.specs[1:] and not (asked.specs and asked.has("--editable")):
        return _build(asked, scene, local[0])
    if local:
        what = f"line {call.step.line} installs {local[0]} together with others: give the others a command of their own"
        return _refused(asked, "local-path", what)
    return _install(asked, scene, files)


def _is_unknown(text: str) -> bool:
    return (
        bool(_UNKNOWN.search(text))
        and kind_of(text) not in {"url", "vcs"}
        and not (_VERSIONED.match(text) or is_built(text))
    )


def _refused(asked: Asked, code: str, message: str, directory: str | None = None) -> Fetch:
    refusal = Refusal(code, message, asked.call.step.line)
    return Fetch(asked.call, "install", directory or asked.call.cwd or "/", blocked=refusal)


def _install(asked: Asked, scene: Scene, files: Sequence[tuple[str, bool]]) -> Fetch | None:
    call, cwd = asked.call, asked.call.cwd
    if not files and asked.specs and all(kind_of(text) == "archive" or is_built(text) for text in asked.specs):
        known_here = any(cwd and scene.has(join(cwd, text)) for text in asked.specs)
        if not known_here or asked.has("--no-deps"):
            return None
    listed: list[tuple[str, bool]] = []
    remote = False
    for path, constraint in files:
        image = None if _UNKNOWN.search(path) else path_of(call, path)
        if re.match(r"https?:", path):
            remote = True
        elif image is None:
            return _refused(asked, "unknown-file", f"where {path} on line {call.step.line} is cannot be told")
        else:
            listed.append((image, constraint))
    found = read_requirements(scene, cwd, listed, call.value)
    if "--no-index" in found.settings:
        return None
    if remote:
        found.remote = f"line {call.step.line}"
    for text in asked.specs:
        image = path_of(call, re.sub(r"\[[^\]]*\]\Z", "", text)) if kind_of(text) == "archive" else None
        if image is not None and (origin := scene.origin(image)) is not None:
            found.files[image] = origin
    extra = [*asked.values("--find-links"), call.value("PIP_FIND_LINKS") or ""]
    for image in filter(None, (path_of(call, path) for path in extra if path and ":" not in path)):
        if (origin := scene.origin(image)) is not None:
            found.files[image] = origin
    for option in ("--group", "--requirements-from-script"):
        if asked.has(option):
            found.settings[option] = f"line {call.step.line}"
    return _from_files(asked, scene, found, bool(listed) or remote)


def _from_files(asked: Asked, scene: Scene, found: Requirements, any_file: bool) -> Fetch | None:
    call = asked.call
    kind = "download" if asked.verb != "install" else "install" if any_file or found.files else "tool"
    writes = _writes(asked, scene, any(line.kind == "checkout" for line in found.wanted))
    fetch = Fetch(call, kind, call.cwd or "/", writes=writes, count=len(asked.specs), reads=SETTINGS)
    if kind == "tool":
        return fetch
    lock = _lock(asked, scene, found)
    if found.missing:
        image, place = found.missing[0]
        name = scene.would_be(image) or image.removeprefix("<base>/")
        why = "is too large, or cannot be read" if scene.has(image) else "is not in the build context"
        what = f"{name} {why}" + (f" (named in {place})" if place else "")
        return replace(fetch, count=None, lock=lock, blocked=Refusal("not-in-context", what, call.step.line))
    count = len(found.wanted) + len(asked.specs)
    whole = not found.remote and not found.settings.keys() & {"--group", "--requirements-from-script"}
    if whole and not count and not asked.has("--editable"):
        return None
    fetch = replace(fetch, count=count if whole else None, lock=lock if whole else None)
    shown = {
        image: origin
        for image, origin in found.files.items()
        if not any(mount.origin(image) == origin for mount in scene.mounted)
    }
    if shown:
        place_ = layout(shown, call.cwd)
        if place_ is None:
            what = f"{', '.join(found.files.values())} lie apart differently in the image and in the build context"
            return replace(fetch, blocked=Refusal("scattered-files", what, call.step.line))
        fetch = replace(fetch, directory=place_[0], origin=place_[1], needs=place_[2])
    local = next((line for line in found.lines if line.kind == "local"), None)
    if local is not None:
        what = f"{local.place} installs {local.text}, which needs the source: name it in a RUN below the COPY instead"
        return replace(fetch, blocked=Refusal("local-path", what, call.step.line))
    if asked.verb != "install":
        return fetch
    split = split_install(asked, scene, found)
    return replace(fetch, split=split) if isinstance(split, Split) else replace(fetch, no_split=split)


def _lock(asked: Asked, scene: Scene, found: Requirements) -> Lock | None:
    hidden = [path for image, _ in found.missing if (path := scene.would_be(image)) and scene.context.hidden(path)]
    if hidden:
        advice = f"add !{hidden[0]} to the ignore file"
        return Lock(posixpath.dirname(hidden[0]) or "the project", posixpath.basename(hidden[0]), "hidden", advice)
    wanted = [line.file for line in found.wanted]
    if found.missing or not wanted:
        return None
    pinned = any(line.pinned for line in found.lines) or any(is_pinned(text, kind_of(text)) for text in asked.specs)
    pinned = pinned or any(line.constraint for line in found.lines)
    advice = "pip-compile (pip-tools) or uv pip compile write the versions that pip would choose today into a file"
    return Lock(wanted[0], "pinned version (==) and no constraints file", "ok" if pinned else "missing", advice)


def _writes(asked: Asked, scene: Scene, checkout: bool) -> tuple[str, ...]:
    """Image paths that a command fills, beside those of the system; ``/`` for one that cannot be told."""
    call = asked.call
    found: list[str] = []
    given = asked.values("--target", "--prefix", "--root", "--dest", "--download", "--wheel-dir")
    given += [value for name in ("PIP_TARGET", "PIP_PREFIX", "PIP_ROOT") if (value := call.value(name))]
    if asked.verb in {"wheel", "download"} and not given:
        given = ["."]
    found.extend(path_of(call, path) or "/" for path in given)
    venv = virtualenv_of(call, scene)
    found.extend([venv] if venv else [])
    user = (call.user or "root").partition(":")[0]
    if user not in {"root", "0"} or asked.has("--user"):
        home = "/root" if user in {"root", "0"} else "/" if user.isdigit() else f"/home/{user}"
        found.append(join(call.value("HOME") or home, ".local"))
    if checkout or "vcs" in map(kind_of, asked.values("--editable")):
        found.extend(path_of(call, path) or "/" for path in asked.values("--src") or [join(venv or ".", "src")])
    return tuple(dict.fromkeys(found))


def _build(asked: Asked, scene: Scene, text: str) -> Fetch | None:
    """``pip install .``: only the source can be built, but what it depends on can be downloaded without it."""
    call, line = asked.call, asked.call.step.line
    match = re.fullmatch(r"(?:file:(?://)?)?(.*?)(?:\[([^\[\]]*)\])?", text, re.DOTALL)
    path, named = (match[1], match[2] or "") if match else (text, "")
    image = path_of(call, path)
    if image is None or _UNKNOWN.search(path):
        return _refused(asked, "unknown-directory", f"where {text} on line {line} is cannot be told")
    project = read_project(scene, image)
    origin = scene.project(image, project.manifest) if project is not None else None
    if project is None or origin is None:
        what = f"no COPY brings a pyproject.toml or setup.py of the build context to {image}"
        return _refused(asked, "not-in-context", what, image)
    extras = tuple(name.strip() for name in named.split(",") if name.strip())
    listed = project.dependencies
    if listed is not None:
        listed += tuple(item for name in extras for item in project.extras.get(name, ()))
    if asked.has("--no-deps", "--no-dependencies"):
        if asked.has("--no-build-isolation"):
            return None
        listed = project.requires
    count = None if listed is None else len(listed)
    writes = _writes(asked, scene, False)
    fetch = Fetch(call, "build", image, origin, (project.manifest,), writes, count, reads=SETTINGS)
    refusal = next(build_obstacles(asked, project, extras), None) or unsettled(asked, scene, WHEELS)
    tag = official_tag(scene.step.stage.base_image) or ""
    if refusal is None and (python_version(tag) or (0, 0)) < (3, 11):
        refusal = Refusal("old-python", "reading pyproject.toml in the image takes Python 3.11 (tomllib)", line)
    split = build_split(asked, scene, project, path, extras) if refusal is None else None
    if split is None and refusal is None:
        refusal = Refusal("odd-words", "the words of the command cannot be told apart safely", line)
    return replace(fetch, split=split, no_split=refusal)


def effect(call: Call, scene: Scene) -> Effect | None:
    """What the commands of Python that fetch nothing read and write."""
    for redirect in call.command.redirects:
        if redirect.op not in {">&", "<&"} and (
            redirect.target is None or not redirect.target.text.startswith("/dev/")
        ):
            return None
    module, at = module_of(call)
    if module == "pip":
        return _pip_effect(call, scene)
    words = [word.text for word in call.words[at:]]
    if module in {"venv", "virtualenv"}:
        words = [text for text, before in zip(words, ["", *words], strict=False) if before not in {"-p", "--prompt"}]
        paths = [path_of(call, text) or "/" for text in words if not text.startswith("-")]
        return Effect(SYSTEM_WRITES, tuple(paths))
    if module == "ensurepip":
        return Effect(SYSTEM_WRITES, SYSTEM_WRITES)
    return Effect(SYSTEM_WRITES) if call.arguments in {("--version",), ("-V",), ("-VV",)} else None


def _pip_effect(call: Call, scene: Scene) -> Effect | None:
    asked = ask(call)
    if asked is None:
        return Effect(SYSTEM_WRITES) if set(call.arguments) & {"--version", "-V", "--help", "-h"} else None
    writes = (*SYSTEM_WRITES, *_writes(asked, scene, False))
    if asked.verb in QUIET_VERBS:
        return Effect(SYSTEM_WRITES, writes if asked.verb in {"cache", "config"} else ())
    if asked.verb == "uninstall":
        return Effect(SYSTEM_WRITES, writes) if not asked_files(asked) else None
    if asked.verb != "install" or any(kind_of(text) == "local" and not is_built(text) for text in asked.specs):
        return None
    paths = [*(path for path, _ in asked_files(asked)), *asked.values("--find-links")]
    paths += [text for text in asked.specs if kind_of(text) != "named"]
    images = [path_of(call, path) for path in paths]
    requirements = [image for (path, _), image in zip(asked_files(asked), images, strict=False) if image]
    found = read_requirements(scene, call.cwd, [(image, False) for image in requirements], call.value)
    if asked.has("--editable") or None in images or any(line.kind == "local" for line in found.lines):
        return None
    return Effect((*SYSTEM_WRITES, *found.files, *(image for image in images if image)), writes)


def incomplete_download(call: Call, scene: Scene) -> Iterator[Finding]:
    """The finding of pip-download-incomplete for one call."""
    asked = ask(call)
    if asked is None or asked.verb != "download" or is_offline(asked) or ":all:" in asked.values("--only-binary"):
        return
    verb = call.words[asked.at]
    yield Finding(
        rule="pip-download-incomplete",
        severity=Severity.WARNING,
        message="pip download leaves out what source distributions need to be built (pypa/pip#7863)",
        start=call.start,
        end=call.end,
        subject=f"{call.step.stage.index}:pip:{' '.join(call.argv)}",
        help="pip wheel builds them at once: an install from its directory needs nothing else",
        fix=_as_wheel(asked, verb),
        ecosystem="pip",
    )


def _as_wheel(asked: Asked, verb: Word) -> Fix | None:
    """``pip wheel`` in place of ``pip download``, where every option has the same meaning there."""
    edits = [Edit(verb.start, verb.end, b"wheel")]
    for item in asked.args:
        word = asked.words[item.at[0]]
        if item.name in {"--dest", "--download"}:
            name = re.match(r"--\w+|-d", written(asked.call, word) or "")
            if name is None or not item.own:
                return None
            edits.append(Edit(word.start, word.start + len(name[0]), b"-w" if name[0] == "-d" else b"--wheel-dir"))
        elif item.name == "--no-binary" or item.name not in CARRIED | {""}:
            return None
    if written(asked.call, verb) != "download":
        return None
    assumption = "nothing else reads source distributions from the directory"
    return Fix("build wheels with pip wheel", tuple(edits), Applicability.UNSAFE, "rename", (assumption,))
