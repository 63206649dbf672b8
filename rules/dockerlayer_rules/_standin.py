"""Stand-in until the plugin's own use is there."""

from __future__ import annotations

import json

from dockerlayer.api import Call, Edit, Mend, Scene, Use


def npm(call: Call, scene: Scene) -> Use | None:
    verb = call.arguments[:1]
    if verb not in [("ci",), ("install",), ("i",)] or call.has("-g", "--global"):
        return None
    operands = [word for word in call.arguments[1:] if not word.startswith("-")]
    offline = "--offline" if "--offline" in call.arguments else ""
    nominal = unpinned = None
    fetch_before = any(
        other.program == "npm" and other.arguments[:2] == ("cache", "add") for other in scene.before(call)
    )
    near = next((word for word in call.words if word.text == "--prefer-offline"), None)
    if near is not None and fetch_before:
        nominal = Mend(
            "--prefer-offline asks the registry for whatever is not in the cache",
            "Install with --offline",
            (Edit(near.start, near.end, b"--offline"),),
            ("every package that is installed was downloaded by an earlier step",),
        )
    locked = scene.read(f"{call.cwd}/package-lock.json")
    if (
        verb != ("ci",)
        and not operands
        and not offline
        and locked
        and _apart(scene.read(f"{call.cwd}/package.json"), locked)
    ):
        word = call.words[1]
        unpinned = Mend(
            f"npm {word.text} writes package-lock.json anew where package.json does not agree with it",
            "Install with npm ci",
            (Edit(word.start, word.end, b"ci"),),
            ("package-lock.json agrees with package.json",),
        )
    return Use(
        ("/root/.npm",), fills=not offline, takes=bool(offline), offline=offline, nominal=nominal, unpinned=unpinned
    )


def _apart(manifest: bytes | None, locked: bytes) -> bool:
    try:
        root = json.loads(locked)["packages"][""]
        return bool(json.loads(manifest or b"{}").get("dependencies", {}) != root.get("dependencies", {}))
    except (ValueError, KeyError):
        return False
