"""How one sync that also builds local packages becomes a download and itself, and when that needs no network."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from dockerlayer.api import Call, Edit, Fetch, Refusal, Scene, Split, insert_after, is_within, join
from dockerlayer_rules._pyproject import Project
from dockerlayer_rules._requirements import name_of
from dockerlayer_rules._uvcall import Asked, home_of, own_words, uv_version
from dockerlayer_rules._uvlock import Locked, Lockfile
from dockerlayer_rules._uvproject import (
    BACKENDS,
    MANIFEST,
    Root,
    built_in,
    has_build_system,
    narrow_inputs,
    project_at,
)

CHOOSING = frozenset(
    """--extra --all-extras --no-extra --group --no-group --only-group --all-groups --no-default-groups --no-dev
    --only-dev --dev --package --all-packages --no-install-package""".split()
)
PLAIN = CHOOSING | frozenset(
    """--frozen --locked --no-editable --no-install-project --no-install-workspace --no-install-local --quiet --verbose
    --no-progress --color --compile-bytecode --link-mode""".split()
)
CARRIED = PLAIN | frozenset(
    """--inexact --active --python --python-preference --managed-python --no-managed-python --no-python-downloads
    --python-platform --index --default-index --index-url --extra-index-url --index-strategy --keyring-provider
    --no-sources --no-build --no-build-package --no-binary --no-binary-package --no-build-isolation
    --no-build-isolation-package --config-setting --config-settings-package --no-cache --cache-dir --directory
    --project --config-file --no-config --native-tls --system-certs --allow-insecure-host --exact --prerelease
    --resolution --exclude-newer --preview --no-editable-package""".split()
)
ONLY_PROJECT, ONLY_WORKSPACE, ONLY_LOCAL = "--no-install-project", "--no-install-workspace", "--no-install-local"
_LEFT_OUT = frozenset({"--frozen", "--locked", ONLY_PROJECT, ONLY_WORKSPACE, ONLY_LOCAL})
_SINCE = {ONLY_PROJECT: (0, 4, 30), ONLY_WORKSPACE: (0, 4, 30), ONLY_LOCAL: (0, 8, 24)}
_SETTINGS = r"/etc/(?:xdg/)?uv\b|\.config\b|\buv\.toml\b"
BUILD_BACKEND = "/tmp/build-backend"
# Variables with which a build without the network was not tried, and the settings in [tool.uv] with which it was.
UNTRIED = """UV_PROJECT_ENVIRONMENT UV_NO_BUILD_ISOLATION UV_BUILD_CONSTRAINT UV_CONFIG_FILE UV_PYTHON UV_LOCKED
    UV_NO_BUILD UV_NO_BINARY UV_CACHE_DIR UV_EXCLUDE_NEWER UV_RESOLUTION UV_PRERELEASE UV_NO_SOURCES""".split()
TRIED_SETTINGS = frozenset(
    "package default-groups dev-dependencies index sources required-version environments".split()
)


def with_split(fetch: Fetch, asked: Asked, scene: Scene, root: Root, built: list[Locked], venv: str) -> Fetch:
    """A sync that also builds local packages: the same without them above the source, and itself below."""
    line = asked.call.step.line
    assert root.lock is not None
    if fetch.kind == "install":
        names = ", ".join(item.name for item in built[:3])
        fetch = replace(fetch, no_narrow=Refusal("installs-project", f"uv sync installs {names} from its source", line))
    odd = next((option.name for option in asked.options if option.name and option.name not in CARRIED), None)
    if odd is not None and asked.verb == "sync":
        what = f"{odd} was not tried with a download of its own"
        return replace(fetch, no_split=Refusal("untried-option", what, line))
    flag = _left_out(root.lock)
    version = uv_version(scene)
    if version and version < _SINCE[flag]:
        numbers = ".".join(map(str, version)), ".".join(map(str, _SINCE[flag]))
        what = f"uv {numbers[0]} has no {flag}: that takes {numbers[1]}"
        return replace(fetch, no_split=Refusal("old-uv", what, line))
    options = [option for option in asked.options if option.name in CARRIED - _LEFT_OUT]
    download = own_words(asked, options, "sync", "--frozen", flag)
    if download is None:
        what = "the words of the command cannot be told apart safely"
        return replace(fetch, no_split=Refusal("odd-words", what, line))
    if asked.set("UV_LOCKED"):
        download = f"env -u UV_LOCKED {download}"
    assumptions = tuple(_loose(scene, venv))
    if version is None and flag == ONLY_LOCAL:
        assumptions += ("uv in the image is 0.8.24 or newer, which knows --no-install-local",)
    more, edits, note = _offline(asked, scene, root, built, version)
    split = Split(download + more, edits, assumptions, (note,) if note else (), writes=(venv,), needs=fetch.needs)
    return replace(fetch, split=split)


def _left_out(lock: Lockfile) -> str:
    """The narrowest option that leaves out every local package."""
    local = [item for item in lock.local if item.kind != "virtual"]
    if any(item.name not in lock.members and item.place != "." for item in local):
        return ONLY_LOCAL
    return ONLY_WORKSPACE if len(lock.members) > 1 else ONLY_PROJECT


def _loose(scene: Scene, venv: str) -> Iterator[str]:
    path = scene.would_be(venv)
    if path is not None and not scene.context.keeps_out(path):
        yield (
            f"{path} is not in the ignore file: "
            "if it exists where the image is built, COPY puts it over what was installed"
        )


def _offline(
    asked: Asked, scene: Scene, root: Root, built: list[Locked], version: tuple[int, ...] | None
) -> tuple[str, tuple[Edit, ...], str]:
    """What to add to the download, and the edits, where the install is proven to do without the network; or a note."""
    offline = (insert_after(asked.last, "--offline"),)
    fixed = asked.verb == "sync" and (asked.on("--frozen") or asked.on("--locked"))
    projects = [project_at(scene, root, item.place) for item in built]
    foreign = [project for project in projects if project is None or not built_in(project, version)]
    if not foreign:
        online = "with --locked the install could run with --offline too" if asked.verb == "sync" else ""
        return "", offline if fixed else (), "" if fixed else online
    project = foreign[0]
    known = project is not None and has_build_system(project)
    requires = ", ".join(project.requires) if project is not None and known else "setuptools"
    note = f"the install still fetches what builds the project ({requires})"
    if any(item is not None and item.backend == "uv_build" for item in foreign):
        note += ", unless the uv in the image is of that version"
    if project is None or len(foreign) > 1 or not fixed or not known or built[0].place != "." or len(built) > 1:
        return "", (), note
    backend = project.backend.partition(":")[0]
    settled = backend in BACKENDS and not project.own_backend and not project.build_extra
    if not settled or not _has_tomllib(root) or not _is_plain(asked, scene, root, project):
        return "", (), note
    added = "".join(f", '{name}'" for name in BACKENDS[backend])
    reading = (
        f"import tomllib; p = tomllib.load(open('{MANIFEST}', 'rb')); "
        rf"print(*p['build-system']['requires']{added}, sep='\n', file=open('{BUILD_BACKEND}.txt', 'w'))"
    )
    uv = asked.call.words[0].text
    fetch = f"{uv} pip install --target {BUILD_BACKEND} -r {BUILD_BACKEND}.txt"
    more = f' && {uv} run --no-sync python -c "{reading}" && {fetch} && rm -r {BUILD_BACKEND} {BUILD_BACKEND}.txt'
    return more, offline, f"what builds the project ({requires}) stays in the image, in the cache of uv"


def _is_plain(asked: Asked, scene: Scene, root: Root, project: Project) -> bool:
    """Whether nothing but the usual options, variables and settings bears on how the project is built."""
    call = asked.call
    sources = root.settings.get("sources", {})
    own = {name_of(text) for text in project.requires}
    return (
        asked.keeps_cache
        and not any(call.value(name) for name in UNTRIED)
        and all(not option.name or option.name in PLAIN for option in asked.options)
        and root.settings.keys() <= TRIED_SETTINGS
        and isinstance(sources, dict)
        and not own & {name_of(str(name)) for name in sources}
        and "uv.toml" not in narrow_inputs(scene, root)
        and asked.directory == call.cwd == root.directory
        and not call.command.assignments
        and re.fullmatch(r"[\w./-]+", call.words[0].text) is not None
        and not any(is_within(BUILD_BACKEND, mount.target) for mount in call.step.mounts)
        and not any(_clears_cache(other) for other in scene.before(call))
        and not _is_configured(call, scene)
    )


def _is_configured(call: Call, scene: Scene) -> bool:
    """Whether the image has settings outside of the project, such as no-cache (docs: concepts/configuration-files)."""
    if any(call.value(name) for name in ("XDG_CONFIG_HOME", "XDG_CONFIG_DIRS")):
        return True
    places = (join(home_of(call), ".config/uv/uv.toml"), "/etc/uv/uv.toml", "/etc/xdg/uv/uv.toml")
    if any(scene.has(place) for place in places) or any("/uv" in path for path in scene.received):
        return True
    above = [step for stage in scene.step.stage.lineage() for step in stage.steps if step is not scene.step]
    texts = [step.instruction.logical + "".join(doc.content for doc in step.instruction.heredocs) for step in above]
    return any(re.search(_SETTINGS, text) for text in texts)


def _clears_cache(call: Call) -> bool:
    text = " ".join(call.arguments)
    return ".cache" in text if call.program in {"rm", "find"} else call.program == "uv" and text.startswith("cache ")


def _has_tomllib(root: Root) -> bool:
    match = re.match(r"\s*>=\s*3\.(\d+)", root.lock.requires_python) if root.lock is not None else None
    return match is not None and int(match[1]) >= 11
