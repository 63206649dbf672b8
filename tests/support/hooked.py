"""The real git and pre-commit, and a repository that they work in."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import yaml

ROOT = Path(__file__).parents[2]


class Hooks(NamedTuple):
    """Where the hooks are to be had, and the environment that git and pre-commit run in."""

    repo: Path
    rev: str
    environment: dict[str, str]


def run(words: Sequence[str | Path], cwd: Path, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """A command with both its outputs as one text."""
    return subprocess.run(
        words,
        cwd=cwd,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
        check=False,
    )


class Project:
    """A git repository whose commits the hooks look at."""

    def __init__(self, root: Path, hooks: Hooks) -> None:
        """``git`` and ``pre_commit`` run in ``root``; where it is no directory yet, a repository is made there."""
        self.root = root
        self.hooks = hooks
        if not root.is_dir():
            root.mkdir()
            self.git("init")

    def git(self, *words: str, code: int = 0) -> str:
        """What git says; it must end with this code."""
        done = run(["git", *words], self.root, self.hooks.environment)
        assert done.returncode == code, done.stdout
        return done.stdout

    def pre_commit(self, *words: str) -> subprocess.CompletedProcess[str]:
        """What came of pre-commit."""
        return run([sys.executable, "-m", "pre_commit", *words], self.root, self.hooks.environment)

    def write(self, name: str, text: str) -> Path:
        """A file of the work tree, not added yet."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def use(self, *ids: str) -> None:
        """Choose hooks; without ``git add`` pre-commit would refuse to run."""
        self.configure({"repos": [{"repo": "", "rev": "", "hooks": [{"id": name} for name in ids]}]})

    def configure(self, config: dict[str, list[dict[str, object]]]) -> None:
        """Write a configuration, with the hooks of this checkout in place of those that it names."""
        for repo in config["repos"]:
            repo.update(repo=str(self.hooks.repo), rev=self.hooks.rev)
        self.write(".pre-commit-config.yaml", yaml.safe_dump(config))
        self.git("add", ".pre-commit-config.yaml")


def files_of_the_project() -> list[str]:
    """What a checkout consists of; without git, all that is there but what tools leave behind."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    if (ROOT / ".git").exists():
        done = subprocess.run(
            ["git", "-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            check=True,
        )
        listed = os.fsdecode(done.stdout).split("\0")
    else:
        listed = [
            os.path.relpath(os.path.join(place, name), ROOT)
            for top in ("dockerlayer", "rules", ".pre-commit-hooks.yaml", "pyproject.toml", "README.md", "LICENSE")
            for place, _, names in ([(ROOT, [], [top])] if (ROOT / top).is_file() else os.walk(ROOT / top))
            for name in names
            if not name.endswith(".pyc")
        ]
    # A fixture is a project of its own, whose ignore files would keep parts of it out of the copy.
    return [name for name in listed if name and not name.startswith(("fixtures/", "tests/", "docs/"))]
