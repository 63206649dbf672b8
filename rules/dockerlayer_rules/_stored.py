"""Where a tool keeps its downloads for the user who runs it, and the edits that take words of a command back."""

from __future__ import annotations

import re

from dockerlayer.api import Call, Edit, Scene, is_within, join, path_of


def given(call: Call, name: str) -> str | None:
    """A variable as the command sees it: None when nothing sets it, empty when what it says is not literal."""
    value = call.value(name)
    if value is None:
        return None
    return "" if re.search(r"[$`~]", value) else value


def without(call: Call, *texts: str) -> tuple[Edit, ...]:
    """The edits that take words of a command away, with the space before each."""
    found = []
    for at, word in enumerate(call.words):
        if at and word.text in texts:
            found.append(Edit(call.words[at - 1].end, word.end, b""))
    return tuple(found)


def replaced(call: Call, old: str, new: str) -> tuple[Edit, ...]:
    """The edits that write another word for a word."""
    return tuple(Edit(word.start, word.end, new.encode()) for word in call.words[1:] if word.text == old)


def unset(call: Call, name: str) -> tuple[Edit, ...]:
    """The edit that takes a variable away which stands before the command; none where it is set elsewhere."""
    words, assignments = call.command.words, call.command.assignments
    for at, item in enumerate(assignments):
        if item.name == name:
            start = item.value.start - len(f"{name}=")
            if at + 1 < len(assignments):
                after = assignments[at + 1]
                return (Edit(start, after.value.start - len(f"{after.name}="), b""),)
            return (Edit(start, words[0].start, b""),)
    for at, word in enumerate(words[:-1]):
        if word.start >= call.words[0].start:
            break
        if word.text.startswith(f"{name}="):
            return (Edit(word.start, words[at + 1].start, b""),)
    return ()


def emptied(call: Call, scene: Scene, stores: tuple[str, ...]) -> Call | None:
    """The command behind it in the same RUN that removes the first of the stores with all that is in it."""
    for other in scene.siblings:
        if other.start <= call.start or other.program != "rm" or not other.always or not stores:
            continue
        for word in other.arguments:
            # `/cache/*.lock` leaves most of the content, `/cache/*` nothing.
            if re.search(r"[*?\[]", word.removesuffix("/*")):
                continue
            path = path_of(other, word) if not word.startswith("-") else None
            if path is not None and path != "/" and is_within(stores[0], path):
                return other
    return None


def below(call: Call, path: str) -> str | None:
    """A path of the command line as an image path, or None when it is not literal."""
    return None if call.cwd is None or re.search(r"[$`~*?\[]", path) else join(call.cwd, path)


def succeeded(other: Call, call: Call, scene: Scene) -> bool:
    """Whether an earlier command has run with success wherever ``call`` runs: no ``||`` lets its failure pass."""
    if not other.always:
        return False
    return not any(
        later.step is other.step and later.start > other.start and "or" in later.guards for later in scene.before(call)
    )
