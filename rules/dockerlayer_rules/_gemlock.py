"""What Gemfile.lock pins: gems, git repositories, local gems, platforms (bundler.io/man/gemfile.5, lockfile parser)."""

from __future__ import annotations

import re
from typing import NamedTuple

_SECTION = re.compile(r"[A-Z][A-Z ]+\Z")
_SPEC = re.compile(r" {4}([^\s(]+)(?: \(([^)]*)\))?\Z")


class Locked(NamedTuple):
    """``paths`` are the directories of local gems, relative to the lockfile; ``git`` the number of repositories."""

    gems: frozenset[str]
    git: int
    paths: tuple[str, ...]
    platforms: tuple[str, ...]
    dependencies: frozenset[str]
    ruby: bool

    def suits(self, image: str) -> bool:
        """Whether the platforms hold one that a Linux image takes without writing the lockfile anew."""
        alpine = "alpine" in image
        return not self.platforms or any(
            platform in {"ruby", "java"}
            or ("linux" in platform and not platform.endswith("-gnu" if alpine else "-musl"))
            for platform in self.platforms
        )


def read_lock(data: bytes) -> Locked | None:
    """The content of a lockfile; None for one that Bundler could not have written."""
    gems: set[str] = set()
    paths: list[str] = []
    platforms: list[str] = []
    dependencies: set[str] = set()
    git = 0
    ruby = False
    section = ""
    for line in data.decode("utf-8", "replace").splitlines():
        if line.startswith(("<<<<<<<", "=======", ">>>>>>>")):
            return None
        if line and not line.startswith(" "):
            if not _SECTION.match(line):
                return None
            section = line
            git += line == "GIT"
            ruby |= line == "RUBY VERSION"
        elif section == "PATH" and line.startswith("  remote: "):
            paths.append(line.removeprefix("  remote: ").strip())
        elif section == "GEM" and (spec := _SPEC.match(line)):
            gems.add(spec[1])
        elif section == "PLATFORMS" and line.strip():
            platforms.append(line.strip())
        elif section == "DEPENDENCIES" and line.strip():
            dependencies.add(re.split(r"[\s(!]", line.strip())[0])
    if not section:
        return None
    return Locked(frozenset(gems), git, tuple(paths), tuple(platforms), frozenset(dependencies), ruby)
