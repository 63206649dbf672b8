"""Which version of Bun an image has, as far as the Dockerfile tells."""

from __future__ import annotations

import re
from typing import NamedTuple

from dockerlayer.api import Call, Scene

Version = tuple[int, ...]
FETCH = (1, 4, 4)
"""The first version with `bun pm fetch`; `bun install --offline` is there since 1.4.1 and was ignored before."""
OFFLINE = (1, 4, 1)

_IMAGE = re.compile(r"(?:(?:index\.)?docker\.io/)?oven/bun(?::v?([^@/$]*))?(?:@.*)?\Z")
_NAMED = re.compile(r"(?<![\w-])bun(?:@[\^~v=]*|-v)(\d+(?:\.\d+){0,2})?")


class Bun(NamedTuple):
    """The versions that the image may have: from ``least`` to ``most``."""

    least: Version
    most: Version

    @property
    def fetches(self) -> bool:
        """Whether it is sure to have ``bun pm fetch``."""
        return self.least >= FETCH


ANY = Bun((0,), (99,))


def bun_of(call: Call, scene: Scene) -> Bun:
    """The version that the last installation of Bun above a call names, or else the base image."""
    for other in reversed(scene.before(call)):
        text = " ".join(other.argv)
        if other.program == "bun" and other.arguments[:1] == ("upgrade",):
            return ANY
        found = _NAMED.search(text)
        if found is not None and other.program != "bun":
            return _between(found[1] or "")
        if "bun.sh/install" in text or "bun.com/install" in text:
            return ANY
    for stage in scene.step.stage.lineage():
        for step in reversed(stage.steps):
            source = step.flag("from") if step.name == "copy" else None
            if (
                source is not None
                and _IMAGE.match(source)
                and (stage is not scene.step.stage or step.index < scene.step.index)
            ):
                return _of_image(source)
    return _of_image(scene.step.stage.base_image)


def _of_image(image: str) -> Bun:
    match = _IMAGE.match(image)
    number = re.match(r"\d+(?:\.\d+){0,2}", match[1] or "") if match is not None else None
    return _between(number[0]) if number is not None else ANY


def _between(text: str) -> Bun:
    stated = tuple(map(int, text.split("."))) if text else ()
    missing = 3 - len(stated)
    return Bun(stated + missing * (0,), stated + missing * (99,)) if stated else ANY
