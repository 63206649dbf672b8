"""A context read from a commit is what a checkout of that commit would be, with what git ignores in it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from repositories import git

from dockerlayer.git import Commit
from dockerlayer.model.context import Context
from dockerlayer.model.revision import RevisionTree


def put(root: Path, **files: str) -> None:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A repository whose work tree has nothing in common with its commit."""
    sub = tmp_path / "sub"
    sub.mkdir()
    git(sub, "init", "-q")
    put(sub, **{"in-sub": "1"})
    git(sub, "add", "-A")
    git(sub, "commit", "-q", "-m", "x")
    root = tmp_path / "root"
    root.mkdir()
    git(root, "init", "-q")
    put(
        root,
        **{
            "app/Dockerfile": "FROM scratch\n",
            "app/.dockerignore": "*.md\n",
            "app/src/main.py": "1",
            "app/src/deep/er/x": "2",
            "app/notes.md": "3",
            "app/ä ö\n": "4",
            "app/-x": "5",
            "app/:(top)x": "6",
            "app/run": "7",
            ".gitignore": "node_modules\n*.log\n!keep.log\n/app/cache/*\n",
            "other/x": "8",
        },
    )
    (root / "app" / os.fsdecode(b"\xff")).write_text("9")
    (root / "app" / "run").chmod(0o755)
    for link, target in (("in", "src"), ("out", "../other"), ("gone", "nowhere"), ("loop", "loop"), ("abs", "/etc")):
        (root / "app" / link).symlink_to(target)
    git(root, "submodule", "--quiet", "add", sub, "app/sub")
    git(root, "add", "-A")
    git(root, "commit", "-q", "-m", "x")
    return root


def wipe(root: Path) -> None:
    for entry in root.iterdir():
        if entry.name != ".git":
            shutil.rmtree(entry) if entry.is_dir() and not entry.is_symlink() else entry.unlink()


@pytest.fixture
def files(root: Path) -> Iterator[Commit]:
    commit = Commit(str(root), git(root, "rev-parse", "HEAD").strip())
    yield commit
    assert not commit.problem
    commit.close()


def seen(context: Context) -> dict[str, object]:
    paths = [path for path, _ in context.entries()]
    tried = [*paths, "in/main.py", "in/deep/er", "out/x", "gone", "loop", "abs/passwd", "app", "none/x", "run/x"]
    return {
        "entries": list(context.entries()),
        "read": {path: context.read(path) for path in tried},
        "kinds": {path: (context.exists(path), context.is_dir(path), context.is_link(path)) for path in tried},
        "hidden": {path: context.hidden(path) for path in ("notes.md", "none.md")},
        "names": {path: context.names(path) for path in ("", "src", "in", "run", "none")},
        "glob": context.glob("s*/*.py"),
        "copied": list(context.copied("src")),
        "git": context.git_ignores("node_modules"),
    }


def test_a_commit_is_read_like_its_checkout(root: Path, files: Commit) -> None:
    real = seen(Context.open(root / "app", root / "app" / "Dockerfile"))
    tree = RevisionTree(root / "app", files)
    assert seen(Context(tree, root / "app" / "Dockerfile")) == real
    # Whatever the work tree has now, but what is in the submodule.
    for path in ("app/src", "app/in"):
        (root / path).rename(root / f"{path}.moved")
    (root / "app" / "src").symlink_to("/etc")
    put(root, **{"app/.dockerignore": "*\n", "app/run": "changed", "app/new/y": "1", "app/Dockerfile": ""})
    tree = RevisionTree(root / "app", files)
    assert seen(Context(tree, root / "app" / "Dockerfile")) == real
    wipe(root)
    bare = seen(Context(RevisionTree(root / "app", files), root / "app" / "Dockerfile"))
    assert isinstance(real["entries"], list)
    assert bare["entries"] == [entry for entry in real["entries"] if not entry[0].startswith("sub/")]


def test_what_git_ignores_is_taken_from_the_disk(root: Path, files: Commit) -> None:
    kept = {"node_modules/a/i.js", "src/node_modules/b", "x.log", "cache/one/two", "new/only/x.log", "sub/untracked"}
    not_kept = {
        "keep.log",
        "new.txt",
        "fresh/node_modules/c",
        "fresh/y",
        "notes.md/x.log",
        "nested/.git/HEAD",
        "nested/x",
    }
    (root / "app" / "notes.md").unlink()
    put(root, **{f"app/{path}": "1" for path in kept | not_kept})
    (root / "app" / "src" / "deep").rename(root / "app" / "deeper")
    (root / "app" / "src" / "deep").symlink_to("../../other")
    put(root, **{"other/x.log": "1"})
    context = Context(RevisionTree(root / "app", files))
    found = {path for path, _ in context.entries()}
    assert kept <= found
    assert not not_kept & found
    assert context.read("x.log") == b"1"
    assert "src/deep/x.log" not in found
    assert "src/deep/er/x" in found
    assert not context.exists("nested")
    assert context.is_dir("node_modules/a")


def test_directories_that_are_no_part_of_the_commit(root: Path, files: Commit, tmp_path: Path) -> None:
    put(root, **{"fresh/Dockerfile": "1"})
    for place in (root / "fresh", root / "none"):
        context = Context(RevisionTree(place, files))
        assert not context.is_dir("")
        assert list(context.entries()) == []
    # One that is around the repository has everything else from the disk.
    put(tmp_path, beside="1")
    put(root, **{"other/x": "changed", "other/new": "1"})
    context = Context(RevisionTree(tmp_path, files))
    assert context.read("beside") == b"1"
    assert context.read("root/other/x") == b"8"
    assert not context.exists("root/other/new")
    assert context.names("root/other") == ["x"]
    assert Context(RevisionTree(tmp_path / "sub", files)).read("in-sub") == b"1"
    # At the root of the work tree there is the repository itself.
    assert Context(RevisionTree(root, files)).is_dir(".git")
