"""``--diff-base``: what a change introduced, whatever part of the project it changed."""

from __future__ import annotations

import os
import shlex
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from repositories import git

Runner = Callable[..., subprocess.CompletedProcess[bytes]]
BAD = b"FROM busybox\nWORKDIR /app\nCOPY . .\nRUN fakepm install\n"
GOOD = b"FROM busybox\nWORKDIR /app\nCOPY fake.json ./\nRUN fakepm install\nCOPY . .\n"
NODE = b"FROM node:22\nWORKDIR /app\nCOPY package.json package-lock.json ./\nRUN npm ci\nCOPY . .\n"
LOCK = """{"lockfileVersion": 3, "packages": {"": {"dependencies": {"a": "1.0.0"}},
 "node_modules/a": {"version": "1.0.0", "integrity": "sha512-aaaa"}}}"""


def commit(directory: Path) -> str:
    git(directory, "add", "-A")
    git(directory, "commit", "-q", "-m", "change", "--allow-empty")
    return git(directory, "rev-parse", "HEAD").strip()


@pytest.fixture
def repository(project: Path) -> Path:
    """The project with its bad Dockerfile, committed on main."""
    git(project, "init", "-q")
    commit(project)
    return project


@pytest.fixture
def node(tmp_path: Path) -> Path:
    """A project of which nothing is found, committed on main."""
    root = tmp_path / "node"
    root.mkdir()
    (root / "Dockerfile").write_bytes(NODE)
    (root / ".dockerignore").write_bytes(b"node_modules\n")
    (root / ".gitignore").write_bytes(b"node_modules\n")
    (root / "package.json").write_text('{"dependencies": {"a": "1.0.0"}}')
    (root / "package-lock.json").write_text(LOCK)
    git(root, "init", "-q")
    commit(root)
    return root


def told(done: subprocess.CompletedProcess[bytes]) -> list[str]:
    """Place and rule of what is reported; nothing but that may be wrong."""
    assert done.returncode in {0, 1}, done.stderr
    assert b"error" not in done.stderr
    lines = [line.split(": ") for line in done.stdout.decode().splitlines() if not line.startswith(" ")]
    found = [f"{line[0]} {line[1]}" for line in lines if len(line) > 2]
    assert bool(found) == (done.returncode == 1)
    return found


def test_what_was_there_before_is_left_out(inside: Runner, repository: Path) -> None:
    assert told(inside("check", cwd=repository)) == ["Dockerfile:4:5 source-before-download"]
    done = inside("check", "--diff-base", "HEAD", cwd=repository)
    assert told(done) == []
    assert done.stdout == b"Nothing new: 1 file checked; 1 known problem left out.\n"
    # A text that moves, in a stage that has another number, with another version of a tool.
    (repository / "Dockerfile").write_bytes(b"FROM scratch AS other\n\n# moved\n" + BAD)
    assert told(inside("check", "--diff-base", "HEAD", cwd=repository)) == []
    (repository / "Dockerfile").write_bytes(BAD.replace(b"install", b"install && fakepm install more"))
    (repository / "Other.Dockerfile").write_bytes(BAD)
    assert told(inside("check", "--diff-base", "HEAD", cwd=repository)) == [
        "Dockerfile:4:5 source-before-download",  # one of the calls that it is about is new
        "Other.Dockerfile:4:5 source-before-download",
    ]


def test_what_came_in_since_the_common_commit_is_told(inside: Runner, repository: Path) -> None:
    (repository / "Dockerfile").write_bytes(GOOD)
    commit(repository)
    git(repository, "switch", "-q", "-c", "topic", "HEAD~")
    (repository / "main.py").write_text("print(1)")
    commit(repository)
    # main has fixed it meanwhile, which the branch has nothing to do with.
    assert told(inside("check", "--diff-base", "main", cwd=repository)) == []
    (repository / "Dockerfile").write_bytes(BAD + b"RUN fakepm install more\n")
    commit(repository)
    assert told(inside("check", "--diff-base", "main", cwd=repository)) == ["Dockerfile:5:5 source-before-download"]
    assert told(inside("check", "--diff-base", "HEAD", cwd=repository)) == []


def test_a_line_that_did_not_change_has_a_finding_by_what_is_around_it(inside: Runner, node: Path) -> None:
    check = ["check", "--diff-base", "HEAD"]
    assert told(inside(*check, cwd=node)) == []
    (node / ".dockerignore").write_bytes(b"")
    assert told(inside(*check, cwd=node)) == ["Dockerfile:5:1 context-overwrites-install"]
    (node / ".dockerignore").write_bytes(b"node_modules\npackage-lock.json\n")
    assert "Dockerfile:4:5 ignored-lockfile" in told(inside(*check, cwd=node))
    git(node, "checkout", "-q", ".")
    (node / "package-lock.json").unlink()
    assert any("missing-lockfile" in line or "lockfile" in line for line in told(inside(*check, cwd=node)))
    commit(node)
    assert told(inside(*check, cwd=node)) == []
    assert told(inside("check", "--diff-base", "HEAD~", cwd=node)) != []


def test_one_more_of_a_list_is_new(inside: Runner, node: Path) -> None:
    (node / "package.json").write_text('{"workspaces": ["packages/*"], "dependencies": {"a": "1.0.0"}}')
    text = NODE.replace(b"./\n", b"./\nCOPY packages/x/package.json packages/x/\n", 1)
    (node / "Dockerfile").write_bytes(text)
    (node / ".dockerignore").write_bytes(b"**/node_modules\n")
    for name in ("x", "y"):
        (node / "packages" / name).mkdir(parents=True)
        (node / "packages" / name / "package.json").write_text(f'{{"name": "{name}"}}')
    commit(node)
    assert told(inside("check", cwd=node)) == ["Dockerfile:5:5 workspace-drift"]
    assert told(inside("check", "--diff-base", "HEAD", cwd=node)) == []
    (node / "packages" / "z").mkdir()
    (node / "packages" / "z" / "package.json").write_text('{"name": "z"}')
    assert told(inside("check", "--diff-base", "HEAD", cwd=node)) == ["Dockerfile:5:5 workspace-drift"]
    commit(node)
    (node / "Dockerfile").write_bytes(text.replace(b"packages/x", b"packages/z"))
    done = inside("check", "--diff-base", "HEAD", cwd=node)
    assert told(done) == ["Dockerfile:5:5 workspace-drift"], "x is missed now, z is not any more"


def test_the_dockerfile_s_own_ignore_file(inside: Runner, node: Path) -> None:
    (node / "Dockerfile.dockerignore").write_bytes(b"*.md\n")
    assert told(inside("check", "--diff-base", "HEAD", cwd=node)) == ["Dockerfile:5:1 context-overwrites-install"]
    commit(node)
    assert told(inside("check", "--diff-base", "HEAD", cwd=node)) == []


def test_what_git_ignores_is_no_change(inside: Runner, node: Path) -> None:
    (node / "app").mkdir()
    for name in ("Dockerfile", "package.json", "package-lock.json"):
        git(node, "mv", name, f"app/{name}")
    commit(node)
    assert told(inside("check", cwd=node)) == []
    # What a developer has installed makes a finding, but not one that the change has brought.
    (node / "app" / "node_modules" / "a").mkdir(parents=True)
    (node / "app" / "node_modules" / "a" / "index.js").write_text("1")
    assert told(inside("check", cwd=node)) == ["app/Dockerfile:5:1 context-overwrites-install"]
    assert told(inside("check", "--diff-base", "HEAD", cwd=node)) == []


def test_a_dockerfile_that_is_renamed(inside: Runner, repository: Path) -> None:
    (repository / "docker").mkdir()
    check = ["check", "--context", ".", "--diff-base", "HEAD"]
    (repository / "Dockerfile").rename(repository / "docker" / "api.Dockerfile")
    assert told(inside(*check, cwd=repository)) == [], "before git knows of it"
    git(repository, "add", "-A")
    assert told(inside(*check, cwd=repository)) == []
    with (repository / "docker" / "api.Dockerfile").open("ab") as file:
        file.write(b"CMD run\n")
    assert told(inside(*check, cwd=repository)) == []
    # A second one like it has no file that it comes from.
    (repository / "docker" / "web.Dockerfile").write_bytes(BAD)
    assert len(told(inside(*check, cwd=repository))) == 1
    commit(repository)
    (repository / "docker" / "copy.Dockerfile").write_bytes(BAD)
    assert told(inside(*check, cwd=repository)) == ["docker/copy.Dockerfile:4:5 source-before-download"]


def test_a_project_that_is_moved_takes_its_context_along(inside: Runner, node: Path) -> None:
    (node / "deploy").mkdir()
    (node / "Dockerfile").rename(node / "deploy" / "Dockerfile")
    commit(node)
    (node / "services").mkdir()
    git(node, "mv", "deploy", "services/deploy")
    for name in ("package.json", "package-lock.json", ".dockerignore", ".gitignore"):
        git(node, "mv", name, f"services/{name}")
    assert told(inside("check", "--context", "services", "--diff-base", "HEAD", cwd=node)) == []
    (node / "services" / ".dockerignore").write_bytes(b"")
    found = told(inside("check", "--context", "services", "--diff-base", "HEAD", cwd=node))
    assert found == ["services/deploy/Dockerfile:5:1 context-overwrites-install"]


def test_a_dockerfile_that_could_not_be_built(inside: Runner, repository: Path) -> None:
    (repository / "Dockerfile").write_bytes(b"FROM busybox\nRUNN x\n")
    check = ["check", "--diff-base", "HEAD"]
    assert told(inside(*check, cwd=repository)) == ["Dockerfile:2:1 invalid-dockerfile"]
    commit(repository)
    assert told(inside(*check, cwd=repository)) == [], "it was so before"
    (repository / "Dockerfile").write_bytes(BAD)
    assert told(inside(*check, cwd=repository)) == ["Dockerfile:4:5 source-before-download"]


def test_links_lead_where_they_led(inside: Runner, repository: Path) -> None:
    (repository / "real").mkdir()
    (repository / "Dockerfile").rename(repository / "real" / "Dockerfile")
    (repository / "real" / "fake.json").write_text("{}")
    (repository / "link").symlink_to("real")
    (repository / "Dockerfile").symlink_to("link/Dockerfile")
    commit(repository)
    paths = ("Dockerfile", "link/Dockerfile", "real/../Dockerfile")
    assert told(inside("check", "--diff-base", "HEAD", *paths, cwd=repository)) == []
    (repository / "Dockerfile").unlink()
    (repository / "Dockerfile").symlink_to("Dockerfile")
    done = inside("check", "Dockerfile", "--diff-base", "HEAD", cwd=repository)
    assert done.returncode == 2
    assert b"error: Dockerfile: Too many levels of symbolic links" in done.stderr


def test_submodules_and_work_trees(inside: Runner, repository: Path, node: Path, tmp_path: Path) -> None:
    git(repository, "submodule", "--quiet", "add", node, "sub")
    commit(repository)
    # A build of the submodule's source: what is in it is the same before and after.
    (repository / "Dockerfile").write_bytes(BAD.replace(b". .", b"sub/Dockerfile sub/package.json ./"))
    assert told(inside("check", "--diff-base", "HEAD", cwd=repository)) == []
    (repository / "sub" / ".dockerignore").write_bytes(b"")
    found = told(inside("check", "--diff-base", "HEAD", "sub", cwd=repository))
    assert found == ["sub/Dockerfile:5:1 context-overwrites-install"], "the submodule has commits of its own"
    git(repository, "worktree", "add", "-q", tmp_path / "tree")
    (tmp_path / "tree" / "Other.Dockerfile").write_bytes(BAD)
    found = told(inside("check", "--diff-base", "main", cwd=tmp_path / "tree"))
    assert found == ["Other.Dockerfile:4:5 source-before-download"]
    # One run over several repositories.
    found = told(inside("check", "--diff-base", "HEAD", "tree", "node", cwd=tmp_path))
    assert found == ["tree/Other.Dockerfile:4:5 source-before-download"]


def test_many_files(run: Runner, repository: Path) -> None:
    for number in range(40):
        (repository / f"Dockerfile.{number}").write_bytes(BAD)
    commit(repository)
    (repository / "Dockerfile.7").write_bytes(BAD + b"RUN fakepm install more\n")
    done = run("check", "--diff-base", "HEAD", cwd=repository)
    assert told(done) == ["Dockerfile.7:5:5 source-before-download"]
    assert b"; 41 known problems left out.\n" in done.stdout


def test_with_a_baseline(inside: Runner, repository: Path) -> None:
    (repository / "Other.Dockerfile").write_bytes(BAD)
    assert inside("check", "--write-baseline", "known.json", cwd=repository).returncode == 0
    assert told(inside("check", "--diff-base", "HEAD", "--baseline", "known.json", cwd=repository)) == []


def test_standard_input(inside: Runner, repository: Path) -> None:
    arguments = ["check", "--diff-base", "HEAD", "-"]
    done = inside(*arguments, "--stdin-filename", "Dockerfile", cwd=repository, stdin=b"# typed\n" + BAD)
    assert told(done) == []
    done = inside(*arguments, "--stdin-filename", "New.Dockerfile", cwd=repository, stdin=BAD)
    assert told(done) == ["New.Dockerfile:4:5 source-before-download"]
    done = inside(*arguments, cwd=repository, stdin=BAD)
    assert done.returncode == 2
    assert b"--stdin-filename says where it belongs" in done.stderr


def test_a_repository_that_cannot_be_used(inside: Runner, project: Path) -> None:
    done = inside("check", "--diff-base", "main", cwd=project)
    assert done.returncode == 2
    assert done.stderr.endswith(
        b"error: --diff-base main: not a git repository (or any of the parent directories): .git\n"
    )
    done = inside("check", "--diff-base", "main", cwd=project, env={"PATH": str(project)})
    assert done.returncode == 2
    assert b"error: --diff-base main: git is not installed, or not on the PATH\n" in done.stderr
    git(project, "init", "-q")
    done = inside("check", "--diff-base=--output=owned", cwd=project)
    assert done.returncode == 2
    assert b"error: --diff-base --output=owned: there is no revision '--output=owned' in " in done.stderr
    assert not (project / "owned").exists()


def test_the_revision_counts_where_no_dockerfile_is_left(inside: Runner, repository: Path) -> None:
    (repository / "Dockerfile").unlink()
    (repository / "empty").mkdir()
    for paths in ((), (".",), ("empty",)):
        done = inside("check", "--diff-base", "HEAD", *paths, cwd=repository)
        assert (done.returncode, done.stdout, done.stderr) == (0, b"Nothing checked.\n", b"")
        done = inside("check", "--diff-base", "wrong", *paths, cwd=repository)
        assert (done.returncode, done.stdout) == (2, b"")
        assert done.stderr.startswith(b"error: --diff-base wrong: there is no revision 'wrong' in ")


def test_a_partial_clone_is_not_filled_up(inside: Runner, repository: Path, tmp_path: Path) -> None:
    git(repository, "config", "uploadpack.allowFilter", "true")
    (repository / "Dockerfile").write_bytes(BAD + b"CMD x\n")
    commit(repository)
    git(tmp_path, "clone", "-q", "--filter=blob:none", f"file://{repository}", "partial")
    done = inside("check", "--diff-base", "HEAD~", cwd=tmp_path / "partial")
    assert done.returncode == 2
    assert b"is it a partial clone?" in done.stderr
    assert b"Traceback" not in done.stderr


@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="only root can give a directory away")
def test_a_repository_of_somebody_else(inside: Runner, repository: Path) -> None:
    for path in (repository, *repository.rglob("*")):
        os.chown(path, 12345, 12345, follow_symlinks=False)
    done = inside("check", "--diff-base", "HEAD", "Dockerfile", cwd=repository)
    assert done.returncode == 2
    assert b"dubious ownership" in done.stderr
    assert b"safe.directory" in done.stderr
    allowed = {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "safe.directory", "GIT_CONFIG_VALUE_0": "*"}
    assert told(inside("check", "--diff-base", "HEAD", "Dockerfile", cwd=repository, env=allowed)) == []


def test_nothing_that_a_repository_names_is_run(inside: Runner, repository: Path, tmp_path: Path) -> None:
    trap = tmp_path / "trap"
    trap.write_text(f"#!/bin/sh\ntouch {tmp_path}/sprung\ncat\n")
    trap.chmod(0o755)
    (repository / ".gitattributes").write_text("* filter=x diff=x merge=x ident\n*.json export-subst\n")
    commit(repository)
    for key in ("filter.x.clean", "filter.x.smudge", "filter.x.process", "diff.external", "diff.x.textconv"):
        git(repository, "config", key, trap)
    for key in ("core.fsmonitor", "core.pager", "core.sshCommand", "core.editor", "diff.x.command"):
        git(repository, "config", key, trap)
    hooks = repository / ".git" / "hooks"
    for name in ("post-checkout", "post-index-change", "reference-transaction"):
        (hooks / name).symlink_to(trap)
    (repository / "Dockerfile").rename(repository / "Other.Dockerfile")
    assert told(inside("check", "--diff-base", "HEAD", cwd=repository)) == []
    assert not (tmp_path / "sprung").exists()


def test_a_hook_s_environment_points_elsewhere(inside: Runner, repository: Path, node: Path) -> None:
    env = {"GIT_DIR": str(node / ".git"), "GIT_INDEX_FILE": str(node / ".git" / "index"), "GIT_WORK_TREE": str(node)}
    assert told(inside("check", "--diff-base", "HEAD", cwd=repository, env=env)) == []


def test_what_the_readme_shows(inside: Runner, repository: Path) -> None:
    text = (Path(__file__).parents[2] / "README.md").read_text("utf-8")
    commands = text.partition("<!-- adoption -->\n```sh\n")[2].partition("```")[0].splitlines()
    git(repository, "update-ref", "refs/remotes/origin/main", "HEAD")
    for number, line in enumerate(commands):
        program, *arguments = shlex.split(line, comments=True)
        assert program == "dockerlayer"
        done = inside(*arguments, cwd=repository)
        assert done.returncode == 0, done.stderr
        assert b"1 known problem left out" in done.stdout
        (repository / "New.Dockerfile").write_bytes(BAD)
        if number:
            assert told(inside(*arguments, cwd=repository)) == ["New.Dockerfile:4:5 source-before-download"]
        (repository / "New.Dockerfile").unlink()
    assert len(commands) == 3
