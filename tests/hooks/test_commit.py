"""Commits that the hooks let pass, and commits that they stop."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
import yaml
from hooked import ROOT, Project

BAD = "FROM node:22-slim\nWORKDIR /app\nCOPY . .\nRUN npm ci\n"
GOOD = "FROM node:22-slim\nWORKDIR /app\nCOPY package.json package-lock.json ./\nRUN npm ci\nCOPY . .\n"
FINDING = ":4:5: source-before-download: every source edit downloads 3 packages from npm again"


def commit(project: Project, *, code: int = 0) -> str:
    """Commit all there is, as a user would with the hooks installed."""
    project.git("add", "--all")
    return project.git("commit", "--message", "Change", code=code)


def test_commit_of_a_bad_dockerfile_is_stopped(project: Project) -> None:
    project.use("dockerlayer")
    assert project.pre_commit("install").returncode == 0
    project.write("Dockerfile", BAD)
    said = commit(project, code=1)
    assert "dockerlayer....." in said
    assert "Dockerfile" + FINDING in said
    assert "(safe, `dockerlayer fix`)" in said
    project.git("rev-parse", "--verify", "HEAD", code=128)

    project.write("Dockerfile", GOOD)
    assert "Passed" in commit(project)
    assert "Dockerfile" in project.git("ls-tree", "--name-only", "HEAD")


def test_what_the_readme_shows(project: Project) -> None:
    (shown,) = re.findall(
        r"<!-- commit-hooks -->\n```yaml\n(.*?)```", (ROOT / "README.md").read_text("utf-8"), re.DOTALL
    )
    config = yaml.safe_load(shown)
    assert [sorted(repo) for repo in config["repos"]] == [["hooks", "repo", "rev"]]
    project.configure(config)
    project.pre_commit("install")
    project.write("Dockerfile", GOOD)
    assert commit(project).count("Passed") == len(config["repos"][0]["hooks"]) == 2
    project.write("Dockerfile", BAD)
    assert "Dockerfile" + FINDING in commit(project, code=1)


def test_options_of_the_user(project: Project) -> None:
    hook: dict[str, object] = {"id": "dockerlayer", "args": ["--ignore", "source-before-download"]}
    project.configure({"repos": [{"hooks": [hook]}]})
    project.write("Dockerfile", BAD)
    project.git("add", "--all")
    done = project.pre_commit("run", "--all-files")
    assert (done.returncode, "Passed" in done.stdout) == (0, True), done.stdout


def test_only_what_is_staged_counts(project: Project) -> None:
    project.use("dockerlayer")
    project.pre_commit("install")
    project.write("Dockerfile", GOOD)
    project.git("add", "--all")
    project.write("Dockerfile", BAD)
    project.git("commit", "--message", "The good one")
    assert (project.root / "Dockerfile").read_text() == BAD
    said = project.git("commit", "--all", "--message", "The bad one", code=1)
    assert "Dockerfile" + FINDING in said


def test_names(project: Project) -> None:
    project.use("dockerlayer")
    passed = ["api.dockerfile", "Dockerfile-alpine", "a b/Dockerfile", "a b/my Containerfile.dockerfile", "dockerfile"]
    for name in [*passed, "node_modules/x/Dockerfile"]:
        project.write(name, BAD)
    for name in ("package.json", "package-lock.json"):
        project.write(f"a b/{name}", (project.root / name).read_text())
    project.write("Dockerfile.dockerignore", "node_modules\n")
    project.write("api.dockerfile.dockerignore", "node_modules\n")
    project.write("Dockerfile.md", "# Dockerfile\n")
    (project.root / "Dockerfile-bin").write_bytes(b"\x00\x01\x02\xff")
    (project.root / "Dockerfile.link").symlink_to("nowhere")
    project.git("add", "--all", "--force")
    done = project.pre_commit("run", "--all-files")
    assert done.returncode == 1
    assert {line.partition(":")[0] for line in done.stdout.splitlines() if FINDING in line} == set(passed)
    assert f"in {len(passed)} of {len(passed)} files" in done.stdout
    assert "error" not in done.stdout


def test_own_exclude_of_the_user_keeps_ours(project: Project) -> None:
    hook: dict[str, object] = {"id": "dockerlayer", "exclude": "^legacy/"}
    project.configure({"repos": [{"hooks": [hook]}]})
    project.write("legacy/Dockerfile", BAD)
    project.write("Dockerfile", GOOD)
    project.write("Dockerfile.dockerignore", "node_modules\n")
    project.git("add", "--all")
    done = project.pre_commit("run", "--all-files")
    assert (done.returncode, "Passed" in done.stdout) == (0, True), done.stdout


@pytest.mark.parametrize("hook", ["dockerlayer", "dockerlayer-fix"])
def test_what_the_configuration_excludes(project: Project, hook: str) -> None:
    project.use(hook, "dockerlayer-context")
    project.pre_commit("install")
    project.write("dockerlayer.toml", 'exclude = ["legacy"]\n')
    project.write("legacy/Dockerfile", BAD)
    for name in ("package.json", "package-lock.json", "server.js"):
        project.write(f"legacy/{name}", (project.root / name).read_text())
    project.write("Dockerfile", GOOD)
    assert commit(project).count("Passed") == 2
    project.write("dockerlayer.toml", "")
    project.write("legacy/Dockerfile", BAD + "CMD npm start\n")
    assert "source-before-download" in commit(project, code=1)


def test_fix(project: Project) -> None:
    project.use("dockerlayer-fix")
    project.pre_commit("install")
    path = project.write("Dockerfile", BAD)
    said = commit(project, code=1)
    assert "files were modified by this hook" in said
    assert "exit code" not in said
    assert "Dockerfile: fixed 1 problem" in said
    assert path.read_text() == GOOD
    assert "Passed" in commit(project)


def test_fix_tells_what_it_leaves(project: Project) -> None:
    project.use("dockerlayer-fix")
    path = project.write("Dockerfile", GOOD)
    (project.root / "package-lock.json").unlink()
    project.git("add", "--all")
    done = project.pre_commit("run", "--all-files")
    assert done.returncode == 1
    assert "exit code: 1" in done.stdout
    assert "missing-lockfile" in done.stdout
    assert path.read_text() == GOOD


def test_unusable_file_is_named(project: Project) -> None:
    project.use("dockerlayer")
    project.write("Dockerfile", "FROM scratch\nRUNN x\n")
    project.git("add", "--all")
    done = project.pre_commit("run", "--all-files")
    assert done.returncode == 1
    assert "Dockerfile:2:1: invalid-dockerfile" in done.stdout


def _ignores_the_lockfile(root: Path) -> None:
    with (root / ".dockerignore").open("a") as file:
        file.write("\npackage-lock.json\n")


def _removes_the_lockfile(root: Path) -> None:
    (root / "package-lock.json").unlink()


@pytest.mark.parametrize(
    ("change", "rule"),
    [(_ignores_the_lockfile, "ignored-lockfile"), (_removes_the_lockfile, "missing-lockfile")],
    ids=lambda value: getattr(value, "__name__", value).lstrip("_"),
)
def test_file_beside_the_dockerfile(project: Project, change: object, rule: str) -> None:
    assert callable(change)
    project.use("dockerlayer", "dockerlayer-context")
    project.pre_commit("install")
    project.write("a b/Dockerfile", "FROM scratch\n")
    project.write("Dockerfile", GOOD)
    commit(project)
    change(project.root)
    said = commit(project, code=1)
    assert "(no files to check)Skipped" in said
    assert f"Dockerfile:4:5: {rule}: " in said
    project.git("reset", "--quiet", "--hard")
    project.write("server.js", "// another\n")
    assert "Failed" not in commit(project)


def test_findings_of_before_stop_no_commit(project: Project) -> None:
    project.use("dockerlayer", "dockerlayer-context")
    project.write("Dockerfile", BAD)
    commit(project)
    project.pre_commit("install")
    project.write("server.js", "// another\n")
    assert "dockerlayer (lockfiles, ignore files)....................................Passed" in commit(project)
    _removes_the_lockfile(project.root)
    said = commit(project, code=1)
    assert "missing-lockfile" in said
    assert "source-before-download" not in said
    # What all files have is for the other hook.
    project.git("reset", "--quiet", "--hard")
    done = project.pre_commit("run", "--all-files")
    assert (done.returncode, done.stdout.count("source-before-download")) == (1, 1)


def test_first_commit(project: Project) -> None:
    project.use("dockerlayer-context")
    project.pre_commit("install")
    project.write("Dockerfile", BAD)
    assert "Dockerfile" + FINDING in commit(project, code=1)
    project.write("Dockerfile", GOOD)
    assert "Passed" in commit(project)


def test_project_without_a_dockerfile(project: Project) -> None:
    project.use("dockerlayer", "dockerlayer-context")
    project.pre_commit("install")
    assert "Failed" not in commit(project)
    project.write("Dockerfile", GOOD)
    commit(project)
    (project.root / "Dockerfile").unlink()
    assert "Failed" not in commit(project)


def test_environment_of_the_hook_names_another_repository(project: Project) -> None:
    """``git commit`` in a linked work tree sets GIT_DIR and GIT_INDEX_FILE, and git itself lists the files."""
    project.use("dockerlayer-context")
    project.pre_commit("install")
    project.write("Dockerfile", GOOD)
    commit(project)
    place = Path(os.path.realpath(project.root.parent)) / "linked"
    project.git("worktree", "add", "--quiet", str(place))
    linked = Project(place, project.hooks)
    linked.write("api/Dockerfile", BAD)
    for name in ("package.json", "package-lock.json", "server.js"):
        linked.write(f"api/{name}", (project.root / name).read_text())
    said = commit(linked, code=1)
    assert "api/Dockerfile" + FINDING in said
