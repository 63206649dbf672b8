"""The scene of a RUN: what it can see of the build context, as its ecosystem plugin may look at it."""

from __future__ import annotations

import posixpath
from collections.abc import Callable
from typing import NamedTuple

from dockerlayer.model.calls import Call
from dockerlayer.model.context import Context
from dockerlayer.model.files import Placement
from dockerlayer.model.paths import join
from dockerlayer.model.stages import Step


class Received(NamedTuple):
    """One copy from elsewhere: the image that it comes from (the base of a stage), its sources, and where it goes."""

    image: str
    sources: tuple[str, ...]
    target: str


class Scene(NamedTuple):
    """``placements`` are the COPY and ADD steps whose files the step sees, in order; ``mounted`` its bind mounts.

    ``earlier`` gives the calls of the RUN steps above a step, oldest first; ``received`` are the image paths that
    copies from other stages and images filled, ``copies`` those copies themselves. ``handed`` are the calls of the
    stages that the step mounts something of, each with the image path of the mount.
    """

    step: Step
    context: Context
    placements: tuple[Placement, ...]
    mounted: tuple[Placement, ...]
    earlier: Callable[[Step], tuple[Call, ...]]
    siblings: tuple[Call, ...] = ()
    received: tuple[str, ...] = ()
    copies: tuple[Received, ...] = ()
    handed: tuple[tuple[str, Call], ...] = ()

    def before(self, call: Call) -> tuple[Call, ...]:
        """Every call that has run when ``call`` runs: of the steps above, and above it in the same RUN."""
        return self.earlier(self.step) + tuple(other for other in self.siblings if other.start < call.start)

    def origin(self, image: str) -> str | None:
        """The context path behind an image path, if the context has a file or directory there; latest COPY first."""
        for placement in (*reversed(self.mounted), *reversed(self.placements)):
            path = placement.origin(image)
            if path is not None and self.context.exists(path):
                return path
        return None

    def would_be(self, image: str) -> str | None:
        """The context path that a COPY maps to an image path, whether or not the context has it."""
        for placement in (*reversed(self.mounted), *reversed(self.placements)):
            path = placement.origin(image)
            if path is not None:
                return path
        return None

    def has(self, image: str) -> bool:
        """Whether a context file or directory stands at this image path."""
        return self.origin(image) is not None

    def read(self, image: str) -> bytes | None:
        """The content of the context file behind an image path, or None."""
        path = self.origin(image)
        return self.context.read(path) if path is not None else None

    def project(self, image_dir: str, *manifests: str) -> str | None:
        """The context directory of the project in ``image_dir``, found by the first manifest that reached it."""
        for manifest in manifests:
            path = self.origin(join(image_dir, manifest))
            if path is not None:
                directory = path
                for _ in manifest.split("/"):
                    directory = posixpath.dirname(directory)
                return directory
        return None
