"""Where Node's package managers keep what they download, for one call, and what takes it away again."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from dockerlayer.api import Call, Edit, Mend, Scene, insert_after, is_within, join
from dockerlayer_rules._home import BUN_IMAGE
from dockerlayer_rules._node import OFFICIAL
from dockerlayer_rules._npmcall import INSTALL, is_global, parse

# Images of Docker's own library run as root unless they say otherwise, and few do; `scratch` has no users at all.
_LIBRARY = re.compile(rf"{OFFICIAL}[a-z][\w.-]*(?:[:@].*)?\Z")


def path_in(call: Call, home: str | None, text: str, base: str | None = None) -> str | None:
    """The image path that a setting's value names, relative to ``base`` (default: where the call runs)."""
    value = text.strip().strip("\"'")
    if value == "~" or value.startswith("~/"):
        return join(home, value[2:]) if home is not None else None
    if not value or "$" in value or "`" in value:
        return None
    if value.startswith("/"):
        return join("/", value)
    base = call.cwd if base is None else base
    return join(base, value) if base is not None else None


def npmrc(scene: Scene, *files: str) -> dict[str, str]:
    """The settings of some .npmrc files of the image, as far as the context has them; the first one counts."""
    found: dict[str, str] = {}
    for file in files:
        for line in (scene.read(file) or b"")[: 256 * 1024].decode("utf-8", "replace").splitlines():
            name, equals, value = (part.strip() for part in line.partition("="))
            if equals and not name.startswith(("#", ";", "[")):
                found.setdefault(name, value)
    return found


def told_before(call: Call, scene: Scene, programs: frozenset[str], setting: str) -> str | None:
    """The value of a setting that an earlier ``config set`` has written; the latest counts."""
    found = None
    for other in scene.before(call):
        words = [word for word in other.arguments if not word.startswith("-")]
        if other.program not in programs or words[:1] not in (["config"], ["c"], ["set"]):
            continue
        rest = words[1:] if words[0] == "set" else words[2:] if words[1:2] == ["set"] else []
        for number, word in enumerate(rest):
            name, equals, value = word.partition("=")
            if name == setting:
                found = value if equals else rest[number + 1] if number + 1 < len(rest) else ""
    return found


def covering(call: Call, stores: tuple[str, ...]) -> str:
    """The target of the step's cache mount that the first of the stores lies in, or is filled through; "" for none."""
    for mount in call.step.mounts:
        if mount.kind == "cache" and stores:
            target = mount.target.rstrip("/") or "/"
            if is_within(stores[0], target) or is_within(target, stores[0]):
                return target
    return ""


def emptied(
    call: Call, scene: Scene, stores: tuple[str, ...], empties: Callable[[Call], bool], what: str
) -> Mend | None:
    """What is wrong where the RUN, which mounts a cache over the store, empties the store itself; with the way out."""
    mounted = covering(call, stores)
    if not mounted:
        return None
    for other in scene.siblings:
        if not other.always or not (empties(other) or _removes(other, mounted, stores)):
            continue
        text = " ".join(other.argv)
        edit = _without(other, scene)
        message = f"{text!r} empties {what} again, and with it the cache mount on {mounted}: the next build has nothing"
        return Mend(
            message,
            f"leave out {text!r}" if edit is not None else "",
            (edit,) if edit is not None else (),
            help="what is in a cache mount is not in the image, so there is nothing to clean",
            by=other,
        )
    return None


def _removes(call: Call, mounted: str, stores: tuple[str, ...]) -> bool:
    """Whether ``rm`` takes away all below the mount, or the store in it."""
    if call.program != "rm":
        return False
    for word in call.arguments:
        plain = word[:-2] if word.endswith("/*") else word
        path = path_in(call, None, plain) if not re.search(r"[*?\[]", plain) else None
        if path is not None and (path == mounted or (is_within(path, mounted) and path in stores)):
            return True
    return False


def _without(call: Call, scene: Scene) -> Edit | None:
    """The edit that takes a command out of its chain of ``&&``, or None where that would change what else runs."""
    siblings = scene.siblings
    at = next((number for number, other in enumerate(siblings) if other.start == call.start), None)
    if at is None or not {call.guards} <= {frozenset(), frozenset({"and"})} or call.step.instruction.json:
        return None
    before = siblings[at - 1] if at else None
    after = siblings[at + 1] if at + 1 < len(siblings) else None
    if after is not None and "or" in after.guards:
        return None
    plain = {frozenset(), frozenset({"and"})}
    if before is not None and before.guards in plain and _joined(call, before.end, call.start) in {"&&", ";"}:
        return Edit(before.end, call.end, b"")
    if before is None and after is not None and after.guards in plain:
        return Edit(call.start, after.start, b"") if _joined(call, call.end, after.start) in {"&&", ";"} else None
    return None


def _joined(call: Call, start: int, end: int) -> str:
    """What the shell reads between two offsets of the file; a comment counts as something."""
    instruction = call.step.instruction
    if any(start <= comment < end for comment, _ in instruction.inner_comments) or instruction.heredocs:
        return "#"
    text, at, found = instruction.logical.encode("utf-8", "surrogateescape"), 0, b""
    for first, last in instruction.pieces:
        low, high = max(first, start), min(last, end)
        if low < high:
            found += text[at + low - first : at + high - first]
        at += last - first
    return found.decode("utf-8", "replace").strip()


def instead(call: Call, option: str, text: str) -> tuple[Edit, ...]:
    """The edit that puts another word in the place of an option given without a value."""
    return tuple(Edit(word.start, word.end, text.encode()) for word in call.words[1:] if word.text == option)


def off_network(call: Call, option: str, variables: tuple[str, ...], gentle: str) -> tuple[str, tuple[Edit, ...]]:
    """The words that keep a call off the network, and the edits with which it asks where the cache has nothing."""
    if option in call.arguments:
        return option, instead(call, option, gentle)
    for name in variables:
        value = call.value(name)
        if (value or "").lower() not in {"true", "1"}:
            continue
        own = next((item for item in call.command.assignments if item.name == name), None)
        if own is not None:
            return f"{name}={value}", (Edit(own.value.start, own.value.end, b"false"),)
        plain = not call.step.instruction.json
        start = call.command.start
        return f"{name}={value}", (Edit(start, start, f"{name}=false ".encode()),) if plain else ()
    return "", ()


def cold(call: Call, scene: Scene, stores: tuple[str, ...], programs: frozenset[str]) -> Mend | None:
    """What is wrong with ``--prefer-offline`` where nothing can have filled the cache: no mount, no layer, no copy."""
    mounts = any(mount.kind in {"cache", "bind"} for mount in call.step.mounts)
    if "--prefer-offline" not in call.arguments or not stores or mounts:
        return None
    image = call.step.stage.base_image
    if not (_LIBRARY.match(image) or BUN_IMAGE.match(image)):
        return None
    if any(other.program in programs for other in _fetching(call, scene)):
        return None
    brought = any(is_within(stores[0], path) or is_within(path, stores[0]) for path in scene.received)
    copied = any(copy.opaque or copy.brings(stores[0]) for copy in scene.placements)
    if brought or copied:
        return None
    message = (
        f"{call.program} has nothing to prefer: no layer above and no cache mount fills {stores[0]}, "
        "so --prefer-offline downloads everything"
    )
    return Mend(message, help=f"a cache mount on {stores[0]} keeps what was downloaded for the next build")


def _fetching(call: Call, scene: Scene) -> Iterator[Call]:
    """Earlier calls that may have filled a cache; npm's own tools alone fill none of a project's packages."""
    for other in scene.before(call):
        verb, operands, _ = parse(other)
        if other.program == "npm" and is_global(other) and verb in INSTALL and operands:
            continue
        yield other


def behind(call: Call, verb: str, text: str) -> tuple[Edit, ...]:
    """The edit that puts an option behind the verb of a call."""
    word = next((word for word in call.words[1:] if word.text == verb), None)
    return (insert_after(word, text),) if word is not None else ()
