from __future__ import annotations

import os
import socket
from itertools import islice
from pathlib import Path

import pytest

from dockerlayer.errors import InputError
from dockerlayer.model.context import Context


def tree(root: Path, *paths: str, ignore: str | None = None) -> Context:
    for path in paths:
        target = root / path
        if path.endswith("/"):
            target.mkdir(parents=True, exist_ok=True)
        else:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(path)
    if ignore is not None:
        (root / ".dockerignore").write_text(ignore)
    return Context.open(root)


def listings(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The directories listed from now on."""
    listed: list[str] = []
    scandir = os.scandir

    def record(path: str) -> object:
        listed.append(path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", record)
    return listed


def test_files_and_directories(tmp_path: Path) -> None:
    context = tree(tmp_path, "a.txt", "src/app/x.py", "empty/")
    assert (context.exists("a.txt"), context.is_file("a.txt"), context.is_dir("a.txt")) == (True, True, False)
    assert (context.exists("src"), context.is_file("src"), context.is_dir("src")) == (True, False, True)
    assert context.is_dir("")
    assert context.is_dir(".")
    assert context.is_dir("empty")
    assert context.is_dir("src/")
    assert context.exists("./src//app/../app/x.py")
    assert context.exists("/a.txt")
    assert not any(
        map(context.exists, ["b", "a.txt/x", "../" + tmp_path.name, "..", "A.txt", "a\0b", "\ud800", "x" * 5000])
    )
    assert context.read("src/app/x.py") == b"src/app/x.py"
    assert context.read("src") is None
    assert context.read("b") is None
    assert context.ignore_file is None
    assert context.ignore_problems == ()


def test_ignored_files_are_hidden(tmp_path: Path) -> None:
    context = tree(tmp_path, "a.log", "b.txt", "node_modules/x/y.js", "docs/a.log", ignore="*.log\nnode_modules\n")
    assert not context.exists("a.log")
    assert context.hidden("a.log")
    assert context.read("a.log") is None
    assert not context.exists("node_modules")
    assert context.hidden("node_modules/x")
    assert context.hidden("node_modules/x/y.js")
    assert not context.hidden("b.txt")
    assert not context.hidden("missing.log")
    assert not context.hidden("")
    assert list(context.walk()) == [".dockerignore", "b.txt", "docs/a.log"]
    assert context.ignore_file == tmp_path / ".dockerignore"


def test_allow_list_keeps_the_parents_of_what_is_included(tmp_path: Path) -> None:
    paths = ["package.json", "src/app/x.py", "src/app/y.py", "src/lib/z.py", "docs/a.md", "kept/"]
    context = tree(tmp_path, *paths, ignore="*\n!package.json\n!src/app/x.py\n!kept\n!docs/none\n")
    assert list(context.walk()) == ["package.json", "src/app/x.py"]
    assert context.is_dir("src")
    assert context.is_dir("src/app")
    assert context.is_dir("kept")
    assert not context.exists("src/lib")
    assert context.hidden("src/lib")
    assert not context.exists("docs")
    assert context.glob("*") == ["kept", "package.json", "src"]
    assert context.glob("src/*") == ["src/app"]
    assert context.names("") == ["kept", "package.json", "src"]
    assert context.names("src") == ["app"]
    assert context.names("docs") == context.names("package.json") == []
    assert [path for path in ("docs", "new", "src", "src/lib", "docs/none") if context.keeps_out(path)] == [
        "new",
        "src/lib",
    ]
    assert list(context.walk("src/lib")) == []


def test_a_pruned_directory_is_never_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    context = tree(tmp_path, "node_modules/x/y.js", "src/a.js", ignore="node_modules\n")
    listed = listings(monkeypatch)
    assert list(context.walk()) == [".dockerignore", "src/a.js"]
    assert context.glob("*/*.js") == ["src/a.js"]
    assert listed == [str(tmp_path) + "/", str(tmp_path / "src")]


def test_lookups_do_not_list_and_walk_is_lazy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    context = tree(tmp_path, *(f"d{number:03}/f" for number in range(50)))
    listed = listings(monkeypatch)
    assert context.exists("d001/f")
    assert context.is_dir("d002")
    assert context.read("d003/f") == b"d003/f"
    assert listed == []
    assert list(islice(context.walk(), 2)) == ["d000/f", "d001/f"]
    assert len(listed) == 3


def test_walk_is_sorted_within_a_directory(tmp_path: Path) -> None:
    context = tree(tmp_path, "b", "a/2", "a/1", "c/d/e", "B", "a.txt", "e/")
    assert list(context.walk()) == ["B", "a/1", "a/2", "a.txt", "b", "c/d/e"]
    assert list(context.walk("a")) == ["a/1", "a/2"]
    assert list(context.walk("missing")) == []
    assert list(context.walk("b")) == []


def test_links(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    root = tmp_path / "root"
    context = tree(root, "dir/file", "hidden/file", "secret.env", ignore="hidden\nsecret.env\nignored-link\n")
    links = {
        "to-file": "dir/file",
        "to-dir": "dir",
        "dir/up": "../dir/./file",
        "chain": "to-dir/up",
        "to-root": ".",
        "out": "../secret",
        "absolute": str(root / "dir/file"),
        "back-in": "../root/dir/file",
        "dangling": "nowhere",
        "loop": "loop",
        "loop-a": "loop-b",
        "loop-b": "loop-a",
        "to-hidden": "hidden/file",
        "to-env": "secret.env",
        "ignored-link": "dir",
    }
    for name, target in links.items():
        (root / name).symlink_to(target)
    there = ["to-file", "to-dir", "dir/up", "chain", "to-root"]
    assert [name for name in links if context.exists(name)] == there
    assert context.is_dir("to-dir")
    assert context.is_file("to-dir/file")
    assert context.is_file("to-root/to-root/chain")
    assert context.read("chain") == context.read("to-file") == b"dir/file"
    assert [context.read(name) for name in links if name not in there] == [None] * 10
    assert [name for name in links if context.hidden(name)] == ["to-hidden", "to-env", "ignored-link"]
    assert not context.exists("ignored-link/file")
    assert context.hidden("ignored-link/file")
    assert not context.hidden("out/x")
    assert set(context.walk()) == {".dockerignore", "dir/file", *links} - {"ignored-link"}
    assert list(context.walk("to-dir")) == ["to-dir/file", "to-dir/up"]
    assert list(context.walk("to-root/to-dir")) == ["to-root/to-dir/file", "to-root/to-dir/up"]
    assert "to-root/dir/up" in list(context.walk("to-root"))
    assert context.names("") == [".dockerignore", "chain", "dir", "to-dir", "to-file", "to-root"]
    assert context.names("to-dir") == ["file", "up"]
    assert context.glob("to-dir/f*") == ["to-dir/file"]
    assert context.glob("to-*") == ["to-dir", "to-file", "to-root"]
    assert context.glob("*/file") == ["dir/file"]


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        (".", [""]),
        ("", [""]),
        ("/", [""]),
        ("..", [""]),
        ("src", ["src"]),
        ("src/", ["src"]),
        ("/src/a.py", ["src/a.py"]),
        ("../../src/a.py", ["src/a.py"]),
        ("./src/../b.py", ["b.py"]),
        ("*.py", ["b.py"]),
        ("s*/*.py", ["src/a.py"]),
        ("*/*", ["src/a.py", "src/deep", "src/z.txt"]),
        ("**/*.py", ["src/a.py"]),
        ("src/deep/?.py", ["src/deep/c.py"]),
        ("src/*/c.py", ["src/deep/c.py"]),
        ("src/[a-y]*", ["src/a.py", "src/deep"]),
        ("src/[^a]*", ["src/deep", "src/z.txt"]),
        ("../*.py", ["b.py"]),
        ("b.py/*", []),
        ("missing", []),
        ("missing/*", []),
        ("[", []),
        ("[x-]*", []),
        ("odd\\name", ["odd\\name"]),
        ("odd\\\\n*", ["odd\\name"]),
    ],
)
def test_glob(tmp_path: Path, pattern: str, expected: list[str]) -> None:
    context = tree(tmp_path, "b.py", "src/a.py", "src/z.txt", "src/deep/c.py", "odd\\name")
    assert context.glob(pattern) == expected


def test_glob_leaves_out_what_is_ignored(tmp_path: Path) -> None:
    context = tree(tmp_path, "a.py", "b.py", "x/c.py", ignore="b.py\nx\n")
    assert context.glob("*.py") == ["a.py"]
    assert context.glob("b.py") == []
    assert context.glob("*/*.py") == []


def test_dockerfile_specific_ignore_file_wins(tmp_path: Path) -> None:
    tree(tmp_path, "a", "b", "ci/Dockerfile", ignore="a\n")
    (tmp_path / "ci/Dockerfile.dockerignore").write_text("b\n[\n")
    context = Context.open(tmp_path, tmp_path / "ci/Dockerfile")
    assert context.ignore_file == tmp_path / "ci/Dockerfile.dockerignore"
    assert context.exists("a")
    assert not context.exists("b")
    assert [line for line, _ in context.ignore_problems] == [2]
    assert Context.open(tmp_path, tmp_path / "ci/Other").ignore_file == tmp_path / ".dockerignore"
    (tmp_path / "ci/Dockerfile.dockerignore").write_text("")
    assert Context.open(tmp_path, tmp_path / "ci/Dockerfile").exists("b")


def test_ignore_file_is_read_when_needed(tmp_path: Path) -> None:
    context = Context.open(tmp_path)
    tree(tmp_path, "a", ignore="a\n")
    assert context.hidden("a")


def test_unusable_ignore_file_is_a_problem(tmp_path: Path) -> None:
    root = tmp_path / "root"
    tree(root, "a", "Dockerfile.dockerignore/")
    (tmp_path / "outside").write_text("a\n")
    (root / ".dockerignore").symlink_to("../outside")
    context = Context.open(root, root / "Dockerfile")
    assert context.ignore_file is None
    assert context.exists("a")
    assert [line for line, _ in context.ignore_problems] == [0, 0]
    assert str(root / "Dockerfile.dockerignore") in context.ignore_problems[0][1]


def test_pipes_and_sockets_are_never_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    context = tree(tmp_path, "file")
    os.mkfifo(tmp_path / "pipe")
    os.mkfifo(tmp_path / ".dockerignore")
    (tmp_path / "link").symlink_to("pipe")
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("socket")
        for name in ("pipe", "socket", "link"):
            assert not context.exists(name)
            assert context.read(name) is None
            assert not context.hidden(name)
        assert list(context.walk()) == ["file", "link"]
        assert context.glob("*") == ["file"]
        assert context.names("") == ["file"]
    assert [line for line, _ in context.ignore_problems] == [0]


def test_a_file_exchanged_for_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    context = tree(tmp_path, "file")
    assert context.is_file("file")
    (tmp_path / "file").unlink()
    os.mkfifo(tmp_path / "file")
    assert context.read("file") is None


def test_read_limit(tmp_path: Path) -> None:
    context = tree(tmp_path, "12345")
    assert context.read("12345", 5) == b"12345"
    assert context.read("12345", 4) is None


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_unreadable(tmp_path: Path) -> None:
    context = tree(tmp_path, "closed/file", "file", "z")
    (tmp_path / "closed").chmod(0)
    (tmp_path / "file").chmod(0)
    try:
        assert list(context.walk()) == ["file", "z"]
        assert context.is_file("file")
        assert context.read("file") is None
    finally:
        (tmp_path / "closed").chmod(0o700)


def test_listing_that_fails_is_skipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    context = tree(tmp_path, "closed/file", "z")
    scandir = os.scandir

    def refuse(path: str) -> object:
        if path.endswith("closed"):
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    assert list(context.walk()) == ["z"]


def test_names_that_are_not_utf8(tmp_path: Path) -> None:
    with open(os.path.join(os.fsencode(tmp_path), b"\xff.txt"), "wb") as file:
        file.write(b"odd")
    context = tree(tmp_path, "new\nline", "-rf", "sp ace")
    assert list(context.walk()) == ["-rf", "new\nline", "sp ace", "\udcff.txt"]
    assert context.glob("*.txt") == ["\udcff.txt"]
    assert context.read("\udcff.txt") == b"odd"


def test_deep_trees_do_not_recurse(tmp_path: Path) -> None:
    levels = ["/".join(["d"] * depth) for depth in range(1, 1501)]
    try:
        for level in levels:
            (tmp_path / level).mkdir()
        context = tree(tmp_path, f"{levels[-1]}/file", ignore="*\n!**/file\n")
        assert list(context.walk()) == [f"{levels[-1]}/file"]
        assert context.is_dir("d")
        assert context.exists(f"{levels[-1]}/file")
    finally:
        # pytest's own clean-up recurses.
        (tmp_path / levels[-1] / "file").unlink(missing_ok=True)
        for level in reversed(levels):
            (tmp_path / level).rmdir()


@pytest.mark.parametrize(("name", "cause"), [("missing", "No such file"), ("file", "Not a directory")])
def test_unusable_root(tmp_path: Path, name: str, cause: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match=cause) as caught:
        Context.open(tmp_path / name)
    assert str(tmp_path / name) in str(caught.value)


def test_nothing_exists_in_no_context() -> None:
    context = Context.nothing()
    assert not any(map(context.exists, ["", ".", "pyproject.toml", "dockerlayer"]))
    assert not context.is_dir("")
    assert not context.hidden("dockerlayer")
    assert context.read("pyproject.toml") is None
    assert list(context.walk()) == []
    assert context.glob(".") == []
    assert context.glob("*") == []
    assert context.ignore_file is None
    assert context.ignore_problems == ()
