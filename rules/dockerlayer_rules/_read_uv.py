"""How the calls of uv (Python) are read."""

from __future__ import annotations

from dataclasses import replace

from dockerlayer.api import (
    SYSTEM_WRITES,
    Call,
    Effect,
    Fetch,
    Refusal,
    Scene,
    is_within,
    join,
    path_of,
)
from dockerlayer_rules._uvcall import Asked, ask, own_places
from dockerlayer_rules._uvpip import read_pip, venv_of
from dockerlayer_rules._uvproject import SETTINGS, find_root
from dockerlayer_rules._uvsync import environment_of, read_sync

QUIET = frozenset(
    """version help self cache tree generate-shell-completion auth pip-list pip-show pip-freeze pip-check pip-tree
    tool-list tool-dir tool-uninstall tool-update-shell python-list python-dir python-find cache-clean cache-prune
    cache-dir self-version self-update auth-login""".split()
)


def read(call: Call, scene: Scene) -> Fetch | None:
    """What a uv command takes from the registry, given what stands in the image when it runs."""
    if call.program == "uvx":
        return _runs_tool(call) if len(call.words) > 1 and not call.words[1].text.startswith("--") else None
    asked = ask(call)
    if asked is None:
        return None
    if asked.verb in {"sync", "run"}:
        fetch = read_sync(asked, scene)
    elif asked.verb in {"pip install", "pip sync"}:
        fetch = read_pip(asked, scene)
    elif asked.verb == "tool install":
        return _tool(asked) if asked.operands and not asked.is_offline else None
    elif asked.verb == "tool run":
        return _runs_tool(call) if asked.operands and not asked.is_offline else None
    elif asked.verb in {"add", "remove", "lock"}:
        fetch = _resolving(asked, scene)
    else:
        return None
    if fetch is None or fetch.blocked is not None or call.cwd in {None, call.step.state.workdir}:
        return fetch
    here = call.cwd or "/"
    if scene.has(here) and not any(is_within(join(fetch.directory, need), here) for need in fetch.needs):
        what = f"line {call.step.line} changes to {here}, which is not there before the source is copied"
        return replace(fetch, blocked=Refusal("directory-from-source", what, call.step.line))
    return fetch


def _tool(asked: Asked) -> Fetch:
    """``uv tool install``, which reads no settings of a project (docs: concepts/tools)."""
    call = asked.call
    fetch = Fetch(call, "tool", call.cwd or "/", writes=own_places(call), count=len(asked.operands))
    if any(
        value.startswith((".", "/", "$")) for value in (*asked.operands, *asked.values("--with", "--with-editable"))
    ):
        what = f"line {call.step.line} names a path or a variable, which may need the source"
        return replace(fetch, blocked=Refusal("local-path", what, call.step.line))
    return fetch


def _runs_tool(call: Call) -> Fetch:
    """``uvx``: what it runs may read the source, so it stays where it is."""
    what = "uvx downloads a tool and runs it at once: uv tool install above the COPY would keep it in a layer"
    return Fetch(call, "build", call.cwd or "/", count=None, no_split=Refusal("runs-tool", what, call.step.line))


def _resolving(asked: Asked, scene: Scene) -> Fetch | None:
    """A command that chooses versions and rewrites the lockfile."""
    call = asked.call
    if asked.is_offline or asked.has("--check", "--script", "--frozen") or asked.directory is None:
        return None
    root = find_root(scene, asked.directory)
    if root is None:
        return None
    what = f"uv {asked.verb} chooses versions and writes uv.lock in the image: commit the file that it writes"
    refusal = Refusal("resolves-anew", what, call.step.line)
    return Fetch(call, "install", root.directory, root.origin, blocked=refusal)


def effect(call: Call, scene: Scene) -> Effect | None:
    """What the uv commands that fetch nothing of a project read and write."""
    if call.program == "uvx":
        return None
    asked = ask(call)
    if asked is None:
        return Effect(SYSTEM_WRITES) if call.has("--version", "-V", "--help", "-h") else None
    places = (*SYSTEM_WRITES, *own_places(call))
    if asked.verb.replace(" ", "-") in QUIET:
        return Effect(SYSTEM_WRITES, places)
    if asked.directory is None or asked.has("--project", "--directory"):
        return None
    settings = tuple(join(asked.directory, name) for name in SETTINGS if scene.has(join(asked.directory, name)))
    if asked.verb in {"python install", "python pin"}:
        pinned = (join(asked.directory, ".python-version"),) if asked.verb == "python pin" else ()
        return Effect((*places, *settings), (*places, *pinned))
    if asked.verb == "venv":
        manifest = join(asked.directory, "pyproject.toml")
        reads = (*settings, manifest) if scene.has(manifest) and not asked.has("--python") else settings
        return Effect((*places, *reads), (*places, venv_of(asked) or "/"))
    if asked.verb == "sync":
        root = find_root(scene, asked.directory)
        if root is None:
            return None
        return Effect((*places, root.directory), (*places, environment_of(asked, root), root.directory))
    if asked.verb == "pip uninstall":
        return Effect(places, places)
    if asked.verb == "export" and asked.on("--frozen"):
        outputs = [path_of(call, path) or "/" for path in asked.values("--output-file")]
        return Effect(
            (*places, *(join(asked.directory, name) for name in ("pyproject.toml", "uv.lock"))), tuple(outputs)
        )
    return None
