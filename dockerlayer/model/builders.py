"""Builder profiles: what the program that builds a Dockerfile understands, and which program that probably is.

``buildkit`` is docker build since 23.0 and docker buildx, ``buildah`` is podman build too, ``kaniko`` Google's and its
forks, ``legacy`` docker build without BuildKit. Where each fact comes from:

- buildkit: the release notes of the Dockerfile frontend (docs.docker.com/build/buildkit/dockerfile-release-notes) say
  since which version of ``# syntax=docker/dockerfile`` a flag is there; ``--parents`` since 1.20, and in the labs
  channel since 1.7-labs. Measured, Docker 26.1 without a syntax line: all but ``--parents`` and ``--exclude``, which
  stop the build ("unknown flag").
- buildah: ``RUN --network`` is of buildah's pull request 4566 (1.30; 1.28 says "RUN only supports the --mount flag",
  measured), here-documents of 5092 (1.35), ``COPY --parents`` of 6008, ``COPY --link`` of 6240.
- kaniko: here-documents are issue 1713, ``RUN --mount`` is 1568: read since 1.8.0, and then nothing is mounted;
  ``--link`` is 2193 (not even read), ``RUN --network`` 1712 (Dockerfile 1.3).
- legacy: measured, Docker 26.1 with DOCKER_BUILDKIT=0: ``--mount`` and ``--network`` stop the build ("requires
  BuildKit"), ``COPY --link`` is a plain COPY, and a RUN that is a here-document builds without an error (whether its
  lines are run was not looked at).
"""

from __future__ import annotations

import os
import re
import stat
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from dockerlayer.syntax.tree import Dockerfile

PROFILES = ("buildkit", "buildah", "kaniko", "legacy")

Support = str | None
"""None: not there. Else what must be true for it to be there; empty when nothing."""


class Profile(NamedTuple):
    """What a builder understands: ``mount`` is RUN --mount of every type, ``network`` is RUN --network=none."""

    name: str
    mount: Support = None
    network: Support = None
    heredoc: Support = None
    link: Support = None
    parents: Support = None


_VERSIONS = re.compile(r"(?:^|/)dockerfile(?:-upstream)?(?::(?P<tag>[\w.-]+))?(?:@\S+)?$")
_NUMBER = re.compile(r"(\d+)(?:\.(\d+))?(?:\.\d+)?(-labs)?$")
_NEWEST = (1, 99)
# Without a syntax line, the frontend is that of the engine: 1.4 at least since Docker 23.0.
_BUILT_IN = (1, 4)
_SINCE = {"mount": (1, 2), "network": (1, 3), "heredoc": (1, 4), "link": (1, 4), "parents": (1, 20)}


def profile_of(name: str, dockerfile: Dockerfile) -> Profile:
    """The profile of that name, for a file whose ``# syntax=`` line may ask for a frontend of its own."""
    if name == "buildah":
        recent = "podman or buildah is a release of 2023 or later (buildah 1.30, podman 4.5)"
        newer = "podman or buildah is a release of 2024 or later (buildah 1.35, podman 5.0)"
        return Profile(name, mount="", network=recent, heredoc=newer)
    if name != "buildkit":
        return Profile(name)
    version, labs = _frontend(dockerfile)
    have = {feature: "" if version >= since else None for feature, since in _SINCE.items()}
    if labs and version >= (1, 7):
        have["parents"] = ""
    return Profile(name, **have)


def _frontend(dockerfile: Dockerfile) -> tuple[tuple[int, int], bool]:
    """The version of the Dockerfile frontend, and whether it is of the labs channel."""
    asked = next((item.value.strip() for item in dockerfile.directives if item.name == "syntax"), "")
    found = _VERSIONS.search(asked.split(" ")[0])
    if found is None:
        return _BUILT_IN, False
    tag = found["tag"] or "latest"
    number = _NUMBER.match(tag)
    if number is None:
        return (_NEWEST, tag.startswith("labs")) if tag in {"latest", "master", "labs"} else (_BUILT_IN, False)
    minor = int(number[2]) if number[2] else _NEWEST[1]
    return (int(number[1]), minor), number[3] is not None


def inferred(dockerfile: Dockerfile, context: Path | None, name: str = "Dockerfile") -> str:
    """Which builder a file is probably built with, from its own text, else the CI files around it, else its name.

    ``context`` is the directory of the build context, None where there is none; ``name`` is the file's own.
    """
    if any(item.name == "syntax" for item in dockerfile.directives):
        return "buildkit"
    possible = PROFILES[:2] if _asks_for_more(dockerfile) else PROFILES
    said = _said_by_ci(_repository(context)) if context is not None else frozenset()
    # Where several are called, what is written must be good for all of them.
    called = next((profile for profile in reversed(possible) if profile in said), None)
    return called or ("buildah" if name.lower().startswith("containerfile") else "buildkit")


_NOT_EVERYWHERE = ("--mount", "--network", "--parents", "--exclude")


def _asks_for_more(dockerfile: Dockerfile) -> bool:
    """Whether the file uses what neither kaniko nor the legacy builder has."""
    return any(
        item.heredocs or any(flag.startswith(_NOT_EVERYWHERE) for flag in item.flags)
        for item in dockerfile.instructions
    )


_CI_FILES = """.gitlab-ci.yml .travis.yml Jenkinsfile cloudbuild.yaml cloudbuild.yml Makefile Taskfile.yml""".split()
_CI_FOLDERS = (".github/workflows", ".circleci", ".tekton", ".woodpecker", ".gitlab/ci")
# A call of docker build says nothing: it is BuildKit unless the variable turns that off.
_CALLS = (
    ("buildkit", rb"\bbuildx[ \t]+(?:build|bake)\b|docker/(?:build-push|bake)-action@"),
    ("buildah", rb"\bbuildah[ \t]+(?:bud|build)\b|\bpodman[ \t]+build\b|redhat-actions/buildah-build@"),
    ("kaniko", rb"kaniko-project/executor|(?<![\w.-])/kaniko/executor\b"),
    ("legacy", rb"\bDOCKER_BUILDKIT[ \t]*[:=][ \t]*[\"']?0"),
)
_MOST_FILES = 40
_MOST_BYTES = 256 * 1024
_MOST_LEVELS = 6


@lru_cache(maxsize=8)
def _said_by_ci(root: Path) -> frozenset[str]:
    """The builders that CI files call, found by plain search; a line that is a comment does not count."""
    texts = [re.sub(rb"(?m)^[ \t]*#.*$", b"", _text_of(path)) for path in _ci_files(root)]
    return frozenset(name for name, pattern in _CALLS if any(re.search(pattern, text) for text in texts))


def _repository(context: Path) -> Path:
    """The root of the work tree that the context is in, or the context itself."""
    directory = Path(os.path.abspath(context))
    for root in (directory, *directory.parents[:_MOST_LEVELS]):
        if os.path.lexists(root / ".git"):
            return root
    return directory


def _ci_files(root: Path) -> list[Path]:
    found = [root / name for name in _CI_FILES]
    for folder in _CI_FOLDERS:
        try:
            with os.scandir(root / folder) as listing:
                names = sorted(entry.name for entry in listing if entry.name.endswith((".yml", ".yaml")))
        except OSError:
            continue
        found += [root / folder / name for name in names]
    return found[:_MOST_FILES]


def _text_of(path: Path) -> bytes:
    """The beginning of a regular file, b"" for anything else: a pipe would block, and a link may lead anywhere."""
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    try:
        with os.fdopen(os.open(path, flags), "rb") as file:
            return file.read(_MOST_BYTES) if stat.S_ISREG(os.fstat(file.fileno()).st_mode) else b""
    except (OSError, ValueError):
        return b""
