"""The Docker engine that the real builds run on, or the reason why there is none."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from functools import cache
from typing import NoReturn

BUILD_NETWORK = os.environ.get("DOCKERLAYER_BUILD_NETWORK") or None
"""What builds and containers must ask for (`host` where the engine has no bridge); None for the default network."""

REQUIRED = os.environ.get("DOCKERLAYER_BUILDS") == "required"

RAWJSON_SINCE = (0, 13)


def docker(
    *args: str, timeout: float = 120, check: bool = False, stdin: str | bytes | None = None
) -> subprocess.CompletedProcess[str]:
    """Run the docker program; its output is text whatever bytes it holds."""
    given = stdin.encode() if isinstance(stdin, str) else stdin
    done = subprocess.run(["docker", *args], input=given, capture_output=True, timeout=timeout, check=False)
    out, err = (stream.decode(errors="replace") for stream in (done.stdout, done.stderr))
    if check and done.returncode:
        raise RuntimeError(f"docker {' '.join(args)} ended with {done.returncode}\n{out}{err}")
    return subprocess.CompletedProcess(done.args, done.returncode, out, err)


def network() -> list[str]:
    """The option that `docker run` and `docker buildx build` need on this engine."""
    return [f"--network={BUILD_NETWORK}"] if BUILD_NETWORK else []


@cache
def why_not() -> str | None:
    """Why no build can run here; None when one can."""
    if shutil.which("docker") is None:
        return "there is no docker program"
    where = os.environ.get("DOCKER_HOST", "the default socket")
    try:
        # The client alone exits with 0 here: only a server version proves an engine.
        if not docker("info", "--format", "{{.ServerVersion}}", timeout=20).stdout.strip():
            return f"no engine answers at {where}"
        buildx = docker("buildx", "version", timeout=20)
    except subprocess.TimeoutExpired:
        return f"the engine at {where} does not answer in time"
    found = re.search(r"\bv?(\d+)\.(\d+)\.\d+", buildx.stdout)
    if buildx.returncode or found is None:
        return "docker has no buildx"
    if (int(found[1]), int(found[2])) < RAWJSON_SINCE:
        return f"buildx {found[0]} is older than {'.'.join(map(str, RAWJSON_SINCE))}, the first with --progress=rawjson"
    return None


def unavailable(reason: str) -> NoReturn:
    """Skip the test, or fail it where builds are required."""
    import pytest  # `bases` runs as a program where there is no pytest

    if REQUIRED:
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


def engine_or_skip() -> None:
    """Skip the test when no engine answers, or fail it where builds are required."""
    if reason := why_not():
        unavailable(reason)
