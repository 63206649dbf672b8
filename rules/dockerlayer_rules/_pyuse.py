"""What the tools of Python have in common in how they use a cache, and the edits that take a word out of a command."""

from __future__ import annotations

import re
from collections.abc import Iterable

from dockerlayer.api import Call, Edit, Mend, Scene, Word, is_within, join, path_of
from dockerlayer_rules._home import home_of
from dockerlayer_rules._pipcall import official_tag, python_version, source, virtualenv_of


def cache_of(call: Call, scene: Scene, name: str, given: Iterable[str | None]) -> str | None:
    """The directory of a tool's cache: the first place ``given``, else ``name`` in the user's cache directory."""
    for value in given:
        if value:
            return None if re.search(r"[$`~]", value) else path_of(call, value)
    base = call.value("XDG_CACHE_HOME")
    if base:
        return None if re.search(r"[$`~]", base) else path_of(call, join(base, name))
    home = home_of(call, scene)
    return join(home, f".cache/{name}") if home is not None else None


def is_plain(call: Call) -> bool:
    """Whether a command runs in the environment of its RUN: ``sudo`` takes variables away."""
    return not any(word.text in {"sudo", "gosu", "su-exec"} for word in call.command.words[:1])


def without(call: Call, words: Iterable[Word]) -> tuple[Edit, ...]:
    """The edits that take some whole words out of a command; none where one is not written as itself."""
    edits = []
    for word in words:
        before = [other.end for other in call.command.words if other.end <= word.start]
        if not word.literal or not before or source(call, before[-1], word.end) is None:
            return ()
        edits.append(Edit(before[-1], word.end, b""))
    return tuple(edits)


def unset(call: Call, name: str, text: str) -> tuple[Edit, ...]:
    """The edit that gives a variable another value for one command; none where a wrapper is in between.

    A variable that the command itself begins with is exchanged, one from above is set anew before the program.
    """
    own = [item for item in call.command.assignments if item.name == name]
    if len(own) == 1 and own[0].value.literal and own[0].value.end > own[0].value.start:
        return (Edit(own[0].value.start, own[0].value.end, text.encode()),)
    if own or call.command.words[:1] != call.words[:1] or source(call, call.start, call.end) is None:
        return ()
    start = call.words[0].start
    return (Edit(start, start, f"{name}={text} ".encode()),)


def installed_to(call: Call, scene: Scene) -> tuple[str, ...]:
    """The directory that packages are installed into by default: the virtualenv, or that of an official image."""
    venv = virtualenv_of(call, scene)
    if venv is not None:
        return () if venv == "/" else (venv,)
    tag = official_tag(call.step.stage.base_image)
    version = python_version(tag) if tag is not None else None
    if version is None or version[1] == 99 or call.words[0].text.startswith("/usr/bin/"):
        return ()
    return (f"/usr/local/lib/python{version[0]}.{version[1]}/site-packages",)


def emptied(call: Call, scene: Scene, tool: str, pattern: str, store: str) -> Mend | None:
    """That the RUN throws the cache away at its end, by a command that ``pattern`` tells or by ``rm``.

    Measured: ``pip cache purge`` and ``rm -rf`` empty a cache mount for good, ``rm`` then fails on the mount itself.
    """
    for other in scene.siblings:
        if other.start < call.start:
            continue
        text = " ".join(other.argv)
        removed = [path_of(other, word) for word in other.arguments if not word.startswith("-")]
        rubs = other.program == "rm" and other.has("-rf", "-fr", "-r", "-R", "--recursive")
        if re.search(pattern, text) or (rubs and any(path and is_within(store, path) for path in removed)):
            return Mend(f"{text!r} empties what {tool} keeps, so the next build downloads everything again", by=other)
    return None
