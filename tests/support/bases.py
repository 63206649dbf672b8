"""Base images under their official names: pulled where there is a registry, and stood in for by own ones where not.

`DOCKERLAYER_BASES=make python tests/support/bases.py [--replace] [NAME...]` makes them ahead of the tests.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tempfile
import time
from functools import cache
from pathlib import Path
from typing import NamedTuple

from engine import docker, engine_or_skip, network, unavailable, why_not

HERE = Path(__file__).parents[1] / "builds" / "bases"
BUNDLE = Path("/etc/ssl/certs/ca-certificates.crt")
LABEL = "dockerlayer.stand-in"
ROOT = "debian:trixie-slim"
MAY_MAKE = os.environ.get("DOCKERLAYER_BASES") == "make"

PULL_SECONDS = 300
MAKE_SECONDS = 1800

# Not every tool reads the certificates of the system by itself.
TRUST = ("CARGO_HTTP_CAINFO", "NODE_EXTRA_CA_CERTS", "PIP_CERT", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE")
PROXIES = ("http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")


class Missing(Exception):  # noqa: N818 - says what it is at the raise
    """A base image is not there, and why it could not be had."""


class Recipe(NamedTuple):
    """Where a stand-in is defined: `<file>.Dockerfile`, and the stage of it."""

    file: str
    stage: str = ""


RECIPES = {
    "buildpack-deps:trixie": Recipe("buildpack"),
    "python:3.13-slim": Recipe("python", "slim"),
    "python:3.13": Recipe("python", "full"),
    "node:22-slim": Recipe("node", "slim"),
    "node:22": Recipe("node", "full"),
    "oven/bun:1": Recipe("bun"),
    "oven/bun:1.4.5": Recipe("bun"),
    "golang:1.26": Recipe("golang"),
    "rust:1.85": Recipe("rust"),
    "ruby:3.3-slim": Recipe("ruby", "slim"),
    "ruby:3.3": Recipe("ruby", "full"),
    "php:8.4-cli": Recipe("php", "php"),
    "composer:2": Recipe("php", "composer"),
    "elixir:1.18": Recipe("elixir"),
    "maven:3.9-eclipse-temurin-21": Recipe("maven"),
}
NAMES = (ROOT, *RECIPES)


def ensure(name: str) -> None:
    """Have the image, by the first way that works: it is there, it can be pulled, or it may be made here.

    Raises:
        Missing: when none does.
    """
    if name not in _ensured:
        _ensure(name)
        _ensured.add(name)


_ensured: set[str] = set()


def base_or_skip(*names: str) -> None:
    """Skip the test where an image cannot be had, or fail it where builds are required."""
    engine_or_skip()
    try:
        for name in names:
            ensure(name)
    except Missing as error:
        unavailable(str(error))


def _ensure(name: str) -> None:
    known = name in NAMES
    found = _stamp_in_engine(name)
    if found is not None:
        if found and known and MAY_MAKE:
            make(name)
        return
    reason = _pull(name)
    if reason is None:
        return
    if not known:
        raise Missing(f"{name} is not there, cannot be pulled ({reason}), and has no stand-in")
    if not MAY_MAKE:
        raise Missing(
            f"{name} is not there and cannot be pulled ({reason}); DOCKERLAYER_BASES=make would make a stand-in"
        )
    make(name)


def make(name: str) -> None:
    """Make the stand-in and what it is made from, unless this very definition was made before.

    Raises:
        Missing: when that fails.
    """
    want = stamp(name)
    if _stamp_in_engine(name) == want:
        return
    for parent in _parents(name):
        make(parent)
    started = time.monotonic()
    try:
        _make(name, want)
    except Missing as error:
        # One lost connection among thousands of packages is no verdict on anything.
        print(f"{error}\nonce more", file=sys.stderr)
        _make(name, want)
    print(f"{name}: made in {time.monotonic() - started:.0f} s", file=sys.stderr)


def _make(name: str, want: str) -> None:
    try:
        if name == ROOT:
            _bootstrap(want)
        else:
            _build(name, want)
    except subprocess.TimeoutExpired:
        raise Missing(f"{name} was not made within {MAKE_SECONDS} seconds") from None


def stamp(name: str) -> str:
    """What a stand-in is made from, as a hash; it is a label of the image."""
    if name == ROOT:
        trusted = BUNDLE.read_bytes() if BUNDLE.exists() else b""
        parts = [(HERE / "debian.sh").read_bytes(), trusted, *map(str.encode, TRUST)]
    else:
        recipe = RECIPES[name]
        parts = [_dockerfile(name).read_bytes(), recipe.stage.encode(), *(stamp(p).encode() for p in _parents(name))]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()[:16]


def _dockerfile(name: str) -> Path:
    return HERE / f"{RECIPES[name].file}.Dockerfile"


def _parents(name: str) -> list[str]:
    if name == ROOT:
        return []
    lines = _dockerfile(name).read_text("utf-8").splitlines()
    named = [line.split()[1] for line in lines if line.startswith("FROM ")]
    return [base for base in dict.fromkeys(named) if base in NAMES]


def _stamp_in_engine(name: str) -> str | None:
    """The stamp of the image; empty for one that is no stand-in, None when there is no image."""
    done = docker("image", "inspect", name, "--format", f'{{{{index .Config.Labels "{LABEL}"}}}}')
    return None if done.returncode else done.stdout.strip()


def _pull(name: str) -> str | None:
    """Pull the image, or say why that failed."""
    if _unreachable:
        return _unreachable[0]
    try:
        done = docker("pull", "--quiet", name, timeout=PULL_SECONDS)
    except subprocess.TimeoutExpired:
        return f"not within {PULL_SECONDS} seconds"
    if done.returncode == 0:
        return None
    said = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
    if "manifest" not in said and "repository does not exist" not in said:
        _unreachable.append(said)
    return said


_unreachable: list[str] = []  # Each further try would cost as much time as the first.


def _bootstrap(stamped: str) -> None:
    mirror = _mirror()
    with tempfile.TemporaryDirectory(prefix="dockerlayer-base-") as folder:
        root = Path(folder, "root")
        try:
            done = subprocess.run(
                ["sh", HERE / "debian.sh", root, mirror],
                capture_output=True,
                text=True,
                timeout=MAKE_SECONDS,
                check=False,
            )
        except OSError as error:
            raise Missing(f"{ROOT} cannot be made: {error}") from None
        if done.returncode:
            raise Missing(f"{ROOT} cannot be made:\n{_tail(done.stdout + done.stderr)}")
        trust = [f"{name}={BUNDLE}" for name in TRUST] if BUNDLE.exists() else []
        changes = ['CMD ["bash"]', f"LABEL {LABEL}={stamped}", *(f"ENV {pair}" for pair in trust)]
        options = [word for change in changes for word in ("--change", change)]
        pack = ["tar", "-C", root, "--numeric-owner", "-c", "."]
        with subprocess.Popen(pack, stdout=subprocess.PIPE) as packing:
            imported = subprocess.run(
                ["docker", "import", *options, "-", ROOT],
                stdin=packing.stdout,
                capture_output=True,
                text=True,
                check=False,
            )
        if packing.returncode or imported.returncode:
            raise Missing(f"{ROOT} cannot be imported: {_tail(imported.stderr)}")


@cache
def _mirror() -> str:
    """The Debian mirror of this machine, whichever suite it is used for."""
    shown = "$(REPO_URI) $(COMPONENT) $(RELEASE)"
    done = subprocess.run(
        ["apt-get", "indextargets", "--format", shown, "Created-By: Packages"],
        capture_output=True,
        text=True,
        check=False,
    )
    rows = [line.split() for line in done.stdout.splitlines()]
    for uri, component, suite in rows:
        if component == "main" and suite in {"trixie", "bookworm", "stable"}:
            return uri
    raise Missing(f"{ROOT} cannot be made: this machine's package sources name no mirror of Debian")


def _build(name: str, stamped: str) -> None:
    proxies = [word for key in PROXIES if key in os.environ for word in ("--build-arg", key)]
    stage = RECIPES[name].stage
    done = docker(
        "buildx", "build", *network(), "--progress=plain", f"--label={LABEL}={stamped}", f"--tag={name}",
        *([f"--target={stage}"] if stage else []), *proxies, "-",
        timeout=MAKE_SECONDS, stdin=_dockerfile(name).read_bytes(),
    )  # fmt: skip
    if done.returncode:
        raise Missing(f"{name} cannot be made:\n{_tail(done.stderr)}")


def _tail(text: str, lines: int = 30) -> str:
    return "\n".join(text.strip().splitlines()[-lines:])


def main(arguments: list[str]) -> int:
    """Have the named images, or all of them; `--replace` makes even those whose names are taken."""
    if reason := why_not():
        print(reason, file=sys.stderr)
        return 1
    replace = "--replace" in arguments
    failed = 0
    for name in [word for word in arguments if word != "--replace"] or NAMES:
        try:
            if replace and MAY_MAKE and name in NAMES:
                make(name)
            else:
                ensure(name)
        except Missing as error:
            print(error, file=sys.stderr)
            failed = 1
        else:
            print(name)
    return failed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
