"""Docker with buildx: ``docker buildx build`` (docs.docker.com/reference/cli/docker/buildx/build)."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import IO

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
from dockerlayer.verify.progress import Plain, RawJson
from dockerlayer.verify.traffic import Traffic

_RAWJSON_SINCE = (0, 13)
_LOCAL_DRIVERS = {"docker", "docker-container"}


class Buildx(Builder):
    """``docker buildx``; raises BuilderError when it lacks, or when no engine answers."""

    keys_are_buildkits = True

    def __init__(self, program: str) -> None:
        self.name = program
        try:
            version = ask(program, "buildx", "version")
        except BuilderError as error:
            raise BuilderError("the buildx plugin is missing (`docker buildx version` fails)") from error
        server = _read(ask(program, "version", "--format", "{{json .Server}}"))
        found = re.search(r"v?(\d+)\.(\d+)\S*", version)
        self.version = f"engine {server.get('Version', 'unknown')}, buildx {found[0] if found else 'unknown'}"
        self._rawjson = found is not None and (int(found[1]), int(found[2])) >= _RAWJSON_SINCE
        inspected = ask(program, "buildx", "inspect")
        driver = re.search(r"^Driver:\s*(\S+)", inspected, re.MULTILINE)
        self._driver = driver[1] if driver else "docker"
        self._local = self._driver in _LOCAL_DRIVERS and self._is_local(server)
        # The frontend in an engine before 23.0 does not know RUN --network without `# syntax=`.
        major = re.match(r"\d+", str(server.get("Version", "")))
        self.can_cut_network = self._driver != "docker" or (major is not None and int(major[0]) >= 23)

    def _is_local(self, server: Mapping[str, object]) -> bool:
        """Whether the engine's traffic passes this machine's interfaces: Docker Desktop has a machine of its own."""
        platform = server.get("Platform") or {}
        name = platform.get("Name", "") if isinstance(platform, Mapping) else ""
        endpoint = os.environ.get("DOCKER_HOST") or ask(
            self.name, "context", "inspect", "--format", "{{.Endpoints.docker.Host}}"
        )
        return sys.platform == "linux" and endpoint.startswith("unix://") and "Desktop" not in str(name)

    def build(self, request: Request, watch: Watcher | None = None) -> Built:
        """Build, and load the image into the engine under the request's tag."""
        progress = RawJson() if self._rawjson else Plain()
        command = [self.name, "buildx", "build", f"--progress={'rawjson' if self._rawjson else 'plain'}"]
        command += ["--provenance=false", "--file", str(request.dockerfile)]
        command += ["--load", "--tag", request.tag] if request.tag else ["--output", "type=cacheonly"]
        command += ["--no-cache"] if request.no_cache else []
        for option, value in (("target", request.target), ("platform", request.platform), ("network", request.network)):
            command += [f"--{option}={value}"] if value is not None else []
        for option, values in (
            ("build-arg", request.args),
            ("secret", request.secrets),
            ("ssh", request.ssh),
            ("build-context", request.contexts),
        ):
            command += [f"--{option}={value}" for value in values]
        traffic = Traffic(self._local)
        started = time.monotonic()
        code = watch_build([*command, "--", str(request.context)], progress, watch, traffic)
        seconds = time.monotonic() - started
        steps = shares(progress.steps(), traffic)
        return Built(code == 0, steps, seconds, traffic.total(), progress.log(), request.tag)

    def inspect(self, tag: str) -> Mapping[str, object]:
        """``docker image inspect``."""
        return _read(ask(self.name, "image", "inspect", "--format", "{{json .}}", tag))

    @contextmanager
    def export(self, tag: str) -> Iterator[IO[bytes]]:
        """``docker export`` of a container that is made for it, never started, and removed."""
        # An image without a command needs one to be named.
        container = ask(self.name, "create", "--network=none", tag, "/dockerlayer").strip()
        try:
            with streamed(self.name, "export", container) as archive:
                yield archive
        finally:
            subprocess.run([self.name, "rm", "--force", "--volumes", container], capture_output=True, check=False)

    def remove(self, tag: str) -> None:
        """``docker image rm``."""
        subprocess.run([self.name, "image", "rm", "--force", tag], capture_output=True, check=False)


def _read(answer: str) -> Mapping[str, object]:
    try:
        found = json.loads(answer)
    except ValueError as error:
        raise BuilderError(f"docker gave an answer that cannot be read: {answer[:200]}") from error
    return found if isinstance(found, dict) else {}
