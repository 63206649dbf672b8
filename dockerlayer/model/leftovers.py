"""Commands that take away what others left: they only make an image smaller in the layer that the others wrote."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from dockerlayer.model.calls import Call
from dockerlayer.model.effects import path_of
from dockerlayer.model.paths import is_within

# `TOOL cache clean`, `cache purge`, `cache rm`, `clear-cache`, `clean -modcache`, `locals all --clear`.
_CACHE = re.compile(r"cache|\blocals\b", re.IGNORECASE)
_EMPTY = re.compile(r"\b(?:clean|clear|purge|prune|rm|remove|delete)", re.IGNORECASE)
_PRUNED = {"-delete", "-exec", "-execdir"}


def empties_cache(call: Call) -> bool:
    """Whether a command has a tool empty the cache of its own."""
    words = " ".join(word for word in call.arguments if "/" not in word)
    return bool(_CACHE.search(words) and _EMPTY.search(words))


def removed(call: Call) -> Sequence[str | None]:
    """The image paths that a command removes, None for one that is not known."""
    if call.program in {"rm", "rmdir", "unlink"}:
        return [path_of(call, word) for word in call.arguments if not word.startswith("-")]
    if call.program == "find" and not _PRUNED.isdisjoint(call.arguments):
        places: list[str] = []
        for word in call.arguments:
            if word.startswith(("-", "(", "!", "\\")):
                break
            places.append(word)
        return [path_of(call, word) for word in places or ["."]]
    return []


def names(calls: Iterable[Call], path: str) -> bool:
    """Whether one of the commands names a path, or something below it."""
    mentioned = (path_of(call, word) for call in calls for word in call.arguments if "/" in word)
    return any(place is not None and is_within(place, path) for place in mentioned)
