"""podman and buildah: ``podman build`` and ``buildah build``, which are one builder with two command lines.

Measured with podman 4.3 and 5.4, buildah 1.28 and 1.39:

- A step's cache is found by its parent layer, and where several parents fit, the oldest is taken, whatever was built
  on it (github.com/containers/buildah, pull request 6171). So a build with ``--no-cache`` makes layers that the next
  one may not find, and an edit seems to touch off all that stands on them. Here a build from nothing is instead one
  whose stages begin with a LABEL that never was: no step sees it, it is left out of what is told of the image, and in
  the cache it sets this build and those that follow it apart from all earlier ones.
- With chroot isolation ``RUN --network=none`` is accepted, and has the network.
- SHELL, HEALTHCHECK and ONBUILD are lost without ``--format docker``.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from dockerlayer.model.context import Context
from dockerlayer.syntax.parser import parse
from dockerlayer.verify.buildah_progress import Steps, plans_of
from dockerlayer.verify.builder import (
    Builder,
    BuilderError,
    Built,
    Request,
    Watcher,
    ask,
    shares,
    streamed,
    watch_build,
)
from dockerlayer.verify.subject import subject_of
from dockerlayer.verify.traffic import Traffic

# github.com/containers/buildah, pull request 4566.
_CUTS_NETWORK_SINCE = (1, 30)
_LABEL = "dockerlayer.verify."
_ARCHIVE = """
import os, sys, tarfile
root = sys.argv[1] if len(sys.argv) > 1 else os.environ["ROOT"]
with tarfile.open(fileobj=sys.stdout.buffer, mode="w|") as archive:
    archive.add(root, ".")
"""


class Buildah(Builder):
    """``podman`` or ``buildah``; raises BuilderError when it cannot reach its storage."""

    keys_are_buildkits = False

    def __init__(self, program: str) -> None:
        self.name = program
        self._is_podman = program == "podman"
        self._local = sys.platform == "linux"
        if self._is_podman:
            info = _json(ask(program, "info", "--format", "json"))
            host = info.get("host") or {}
            library = str(host.get("buildahVersion", "unknown"))
            self.version = f"{(info.get('version') or {}).get('Version', 'unknown')}, buildah {library}"
            self._local = self._local and not host.get("serviceIsRemote")
        else:
            ask(program, "info")
            found = re.search(r"\d+\.\d+\S*", ask(program, "--version"))
            self.version = library = found[0] if found else "unknown"
        numbers = re.match(r"(\d+)\.(\d+)", library)
        known = (int(numbers[1]), int(numbers[2])) if numbers else (0, 0)
        self.can_cut_network = known >= _CUTS_NETWORK_SINCE and os.environ.get("BUILDAH_ISOLATION") != "chroot"
        self._mark = ""
        self._marks: list[str] = []
        self._made: list[str] = []
        self._kept: set[str] = set()

    def build(self, request: Request, watch: Watcher | None = None) -> Built:
        """Build; an image that is not to be kept has a name until the end of the build."""
        tag = request.tag or f"dockerlayer-verify:{secrets.token_hex(8)}"
        if request.no_cache:
            self._mark = f"{_LABEL}{secrets.token_hex(8)}"
            self._marks.append(self._mark)
        self._kept.add(tag)
        try:
            with tempfile.TemporaryDirectory(prefix="dockerlayer-verify-") as directory:
                return self._build(request, tag, Path(directory), watch)
        finally:
            if not request.tag:
                self.remove(tag)

    def _build(self, request: Request, tag: str, directory: Path, watch: Watcher | None) -> Built:
        text = request.dockerfile.read_bytes()
        dockerfile = request.dockerfile
        if self._mark:
            text = marked(text, self._mark)
            dockerfile = directory / dockerfile.name
            dockerfile.write_bytes(text)
        replaced = [value.partition("=")[0] for value in request.contexts]
        progress = Steps(plans_of(subject_of(text, Context.nothing(), (), replaced=replaced)))
        traffic = Traffic(self._local)
        started = time.monotonic()
        try:
            code = watch_build(self._command(request, tag, dockerfile), progress, watch, traffic)
        finally:
            self._made += progress.made()
        seconds = time.monotonic() - started
        progress.end(code == 0)
        steps = shares(progress.steps(), traffic)
        return Built(code == 0, steps, seconds, traffic.total(), progress.log(), request.tag)

    def _command(self, request: Request, tag: str, dockerfile: Path) -> list[str]:
        command = [self.name, "build", "--layers", "--force-rm", "--format=docker", "--file", str(dockerfile)]
        command += ["--tag", _local(tag)]
        beside = request.dockerfile.with_name(f"{request.dockerfile.name}.dockerignore")
        command += ["--ignorefile", str(beside)] if beside.exists() else []
        for option, value in (("target", request.target), ("platform", request.platform), ("network", request.network)):
            command += [f"--{option}={value}"] if value is not None else []
        for option, values in (
            ("build-arg", request.args),
            ("secret", request.secrets),
            ("ssh", request.ssh),
            ("build-context", request.contexts),
        ):
            command += [f"--{option}={value}" for value in values]
        return [*command, "--", str(request.context)]

    def inspect(self, tag: str) -> Mapping[str, object]:
        """``podman image inspect``, which does not tell SHELL and ONBUILD, or ``buildah inspect``."""
        if self._is_podman:
            found = _json(ask(self.name, "image", "inspect", _local(tag)))
            size, config = found.get("Size"), dict(found.get("Config") or {})
            config["Healthcheck"] = found.get("Healthcheck")
        else:
            found = _json(ask(self.name, "inspect", "--type", "image", _local(tag)))
            size = sum(layer.get("size", 0) for layer in _json(found.get("Manifest") or "{}").get("layers") or ())
            config = dict((found.get("Docker") or {}).get("config") or {})
        labels = config.get("Labels") or {}
        config["Labels"] = {name: value for name, value in labels.items() if not name.startswith(_LABEL)}
        return {"Size": size, "Config": config}

    @contextmanager
    def export(self, tag: str) -> Iterator[IO[bytes]]:
        """What a container that is made for it, never started, and removed has for its root."""
        if self._is_podman:
            # An image without a command needs one to be named.
            container = ask(self.name, "create", "--network=none", "--pull=never", _local(tag), "/dockerlayer").strip()
        else:
            container = ask(self.name, "from", "--pull=never", _local(tag)).strip()
        try:
            with streamed(*self._archiver(container)) as archive:
                yield archive
        finally:
            self._quietly("rm", container)

    def _archiver(self, container: str) -> list[str]:
        """The command that writes a container's files as an archive."""
        if self._is_podman:
            return [self.name, "export", container]
        python = [sys.executable, "-I", "-S", "-c", _ARCHIVE]
        if os.geteuid() == 0:
            return [*python, ask(self.name, "mount", container).strip()]
        return [self.name, "unshare", "--mount", f"ROOT={container}", "--", *python]

    def remove(self, tag: str) -> None:
        """Forget the image; with the last one, all layers that builds from nothing have made: no build can use them."""
        self._forget("--force", _local(tag))
        self._kept.discard(tag)
        if self._kept:
            return
        for image in reversed(self._made):
            try:
                told = ask(
                    self.name, *(("image", "inspect") if self._is_podman else ("inspect", "--type=image")), image
                )
            except BuilderError:
                continue
            if any(mark in told for mark in self._marks):
                self._forget(image)
        self._made.clear()

    def _forget(self, *image: str) -> None:
        """Remove an image. buildah takes along what only that was built on and has no name; podman need not."""
        if not (self._is_podman and self._quietly("rmi", "--no-prune", *image)):
            self._quietly("rmi", *image)

    def _quietly(self, *command: str) -> bool:
        return not subprocess.run([self.name, *command], capture_output=True, check=False).returncode


def marked(text: bytes, name: str) -> bytes:
    """The Dockerfile with a LABEL of this name as the first instruction of each stage."""
    for end in reversed([found.end for found in parse(text).instructions if found.name == "from"]):
        above = text[:end] if text[:end].endswith(b"\n") else text[:end] + b"\n"
        text = b"%bLABEL %b=1\n%b" % (above, name.encode(), text[end:])
    return text


def _local(tag: str) -> str:
    """The full name: a short one would be looked up in the registries."""
    return f"localhost/{tag}"


def _json(text: str) -> dict[str, Any]:
    """The JSON object, or the first of an array of them."""
    found: Any = json.loads(text)
    first: dict[str, Any] = found[0] if isinstance(found, list) else found
    return first
