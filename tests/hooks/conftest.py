"""A project that uses the hooks of this checkout through the real pre-commit."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

import pytest
from hooked import ROOT, Hooks, Project, files_of_the_project

FIXTURES = ROOT / "fixtures"
_GIT_CONFIG = """
[user]
    name = A Developer
    email = developer@example.com
[init]
    defaultBranch = main
[commit]
    gpgsign = false
[safe]
    directory = *
[core]
    autocrlf = false
"""
# What pip says, beside that it found no version, when no index answers.
_NO_NETWORK = re.compile(r"connection broken by|Failed to establish a new connection|Could not resolve host", re.I)


@pytest.fixture(scope="session")
def hooks(tmp_path_factory: pytest.TempPathFactory) -> Hooks:
    """This checkout, as it is now, committed into a repository that pre-commit has installed the hooks from."""
    place = tmp_path_factory.mktemp("hooks")
    (place / "gitconfig").write_text(_GIT_CONFIG)
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("GIT_", "PRE_COMMIT", "PYTHON", "COV_")) and name not in {"SKIP", "VIRTUAL_ENV"}
    }
    environment = {
        **kept,
        "GIT_CONFIG_GLOBAL": str(place / "gitconfig"),
        "GIT_CONFIG_NOSYSTEM": "1",
        "PRE_COMMIT_HOME": str(place / "home"),
        "PRE_COMMIT_COLOR": "never",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "NO_COLOR": "1",
    }
    environment.pop("FORCE_COLOR", None)
    repo = place / "dockerlayer"
    source = Project(repo, Hooks(repo, "", environment))
    for name in files_of_the_project():
        if os.path.isfile(ROOT / name):
            (repo / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, repo / name)
    source.git("add", "--all")
    source.git("commit", "--quiet", "--message", "All of it")
    ready = Hooks(repo, source.git("rev-parse", "HEAD").strip(), environment)
    user = Project(place / "user", ready)
    user.use("dockerlayer", "dockerlayer-fix", "dockerlayer-context")
    done = user.pre_commit("install-hooks")
    if done.returncode and _NO_NETWORK.search(done.stdout):
        pytest.skip("pre-commit installs the hooks with pip, and no package index answers")
    assert done.returncode == 0, done.stdout
    return ready


@pytest.fixture
def project(tmp_path: Path, hooks: Hooks) -> Project:
    """An npm project without a Dockerfile and without a commit."""
    made = Project(tmp_path / "project", hooks)
    shutil.copytree(
        FIXTURES / "npm" / "naive",
        made.root,
        ignore=shutil.ignore_patterns("Dockerfile", "expected"),
        dirs_exist_ok=True,
    )
    return made
