"""Asking git: which commit a revision stands for, and how it is told when there is none."""

from __future__ import annotations

from pathlib import Path

import pytest
from repositories import git

from dockerlayer.errors import InputError
from dockerlayer.git import FILE, Commit, merge_base, work_tree


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """main with two commits, topic with another one on the first, and lonely without one in common."""
    root = tmp_path_factory.mktemp("repository")
    git(root, "init", "-q")
    for name in ("one", "two", "three"):
        if name == "three":
            git(root, "switch", "-q", "-c", "topic", "HEAD~")
        (root / name).write_text(name)
        git(root, "add", "-A")
        git(root, "commit", "-q", "-m", name)
    git(root, "tag", "-a", "-m", "x", "v1", "main")
    git(root, "update-ref", "refs/remotes/origin/elsewhere", "HEAD")
    git(root, "update-ref", "refs/heads/lonely", git(root, "commit-tree", "HEAD^{tree}", "-m", "x").strip())
    git(root, "update-ref", "refs/heads/-q", "HEAD")
    return root


@pytest.mark.parametrize("revision", ["main", "v1", "HEAD~", "HEAD^1", ":/one", "main~1", "refs/heads/main", "@~"])
def test_the_commit_in_common(repository: Path, revision: str) -> None:
    assert merge_base(str(repository), revision) == git(repository, "rev-parse", "main~").strip()


@pytest.mark.parametrize(
    ("revision", "message"),
    [
        ("nowhere", "there is no revision 'nowhere' in "),
        ("--output=owned", "there is no revision '--output=owned'"),
        ("-q", "there is no revision '-q'"),
        ("", "; is a variable empty that CI sets for pull or merge requests alone?"),
        ("origin/", "there is no revision 'origin/' in "),
        ("origin/", "; is a variable empty"),
        ("a\0b", "there is no revision 'a\\x00b'"),
        ("\udcff", "there is no revision"),
        ("^HEAD", "there is no revision '^HEAD'"),
        ("HEAD:one", "there is no revision"),
        ("HEAD\n", "there is no revision"),
        ("main..HEAD", "; name one revision"),
        ("main...", "; name one revision"),
        ("elsewhere", "; did you mean origin/elsewhere?"),
        ("lonely", "lonely and HEAD have no commit in common"),
    ],
)
def test_a_revision_that_cannot_be_used(repository: Path, revision: str, message: str) -> None:
    with pytest.raises(InputError) as caught:
        merge_base(str(repository), revision)
    assert message in str(caught.value)
    assert not (repository / "owned").exists()


def test_a_shallow_clone(repository: Path, tmp_path: Path) -> None:
    git(tmp_path, "clone", "-q", "--depth=1", f"file://{repository}", "shallow")
    shallow = str(tmp_path / "shallow")
    assert merge_base(shallow, "HEAD")
    for revision in ("HEAD~", "main"):
        with pytest.raises(InputError, match=r"shallow; fetch the whole history, in CI with `fetch-depth: 0`"):
            merge_base(shallow, revision)


@pytest.mark.parametrize("kind", ["sha1", "sha256"])
def test_a_repository_without_a_commit(tmp_path: Path, kind: str) -> None:
    git(tmp_path, "init", "-q", f"--object-format={kind}")
    with pytest.raises(InputError, match="there is no revision"):
        merge_base(str(tmp_path), "main")
    (tmp_path / "one").write_text("one")
    git(tmp_path, "add", "-A")
    files = Commit(str(tmp_path), merge_base(str(tmp_path), "HEAD"))
    found = files.find("one"), files.problem
    files.close()
    assert found == (None, "")


def test_a_branch_that_is_damaged_is_not_taken_for_a_new_one(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    git(tmp_path, "commit", "-q", "--allow-empty", "-m", "x")
    (tmp_path / ".git" / "refs" / "heads" / "main").write_text(f"{'1' * 40}\n")
    with pytest.raises(InputError, match="there is no revision 'HEAD'"):
        merge_base(str(tmp_path), "HEAD")


def test_the_work_tree(repository: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(repository)
    assert work_tree(str(tmp_path / "link")) == str(repository.resolve())
    git(repository, "worktree", "add", "-q", "--detach", tmp_path / "tree")
    assert work_tree(str(tmp_path / "tree")) == str((tmp_path / "tree").resolve())
    with pytest.raises(InputError, match="must be run in a work tree"):
        work_tree(str(repository / ".git"))
    with pytest.raises(InputError, match="no such directory"):
        work_tree(str(tmp_path / "none"))


def test_the_files_of_a_commit(repository: Path) -> None:
    files = Commit(str(repository), git(repository, "rev-parse", "main").strip())
    try:
        one = files.find("one")
        assert one is not None
        assert one.kind == FILE
        assert files.content(one, 3) == b"one"
        with pytest.raises(OSError, match="larger than 2 bytes"):
            files.content(one, 2)
        assert files.content(one, 3) == b"one", "the answer that was not wanted is out of the way"
        assert [files.find(path) for path in ("three", "one/x", "One")] == [None, None, None]
        assert not files.problem
    finally:
        files.close()


def test_what_a_partial_clone_lacks_is_not_fetched(repository: Path, tmp_path: Path) -> None:
    git(repository, "config", "uploadpack.allowFilter", "true")
    git(tmp_path, "clone", "-q", "--no-checkout", "--filter=blob:none", f"file://{repository}", "partial")
    files = Commit(str(tmp_path / "partial"), git(repository, "rev-parse", "main").strip())
    try:
        one = files.find("one")
        assert one is not None
        with pytest.raises(OSError, match="cannot be read"):
            files.content(one, 3)
        assert "is it a partial clone?" in files.problem
    finally:
        files.close()


def test_a_repository_with_longer_numbers(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q", "--object-format=sha256")
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "one").write_text("one")
    git(tmp_path, "add", "-A")
    git(tmp_path, "commit", "-q", "-m", "one")
    files = Commit(str(tmp_path), merge_base(str(tmp_path), "HEAD"))
    try:
        one = files.find("deep/one")
        assert one is not None
        assert files.content(one, 3) == b"one"
    finally:
        files.close()
