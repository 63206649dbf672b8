"""The temporary copy of the build context, and that nothing of the user's is touched."""

from __future__ import annotations

import hashlib
import os
import shutil
import socket
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from dockerlayer.errors import InputError
from dockerlayer.model.context import Context
from dockerlayer.verify import workspace
from dockerlayer.verify.workspace import Workspace


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where temporary directories are made; nothing may be left there, and its own mode must stay."""
    place = tmp_path / "temporary"
    place.mkdir(mode=0o777)
    place.chmod(0o777)
    monkeypatch.setattr(tempfile, "tempdir", str(place))
    yield place
    assert stat.S_IMODE(place.stat().st_mode) == 0o777
    assert os.listdir(place) == []


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """An empty project."""
    (tmp_path / "root").mkdir()
    return tmp_path / "root"


@pytest.fixture
def nobody(root: Path) -> Iterator[Path]:
    """A project of a user who may not read and write everything."""
    if os.geteuid():
        yield root
        return
    closed = [path for path in (root, *root.parents) if not path.stat().st_mode & 0o001]
    modes = [stat.S_IMODE(path.stat().st_mode) for path in closed]
    for path, mode in zip(closed, modes, strict=True):
        path.chmod(mode | 0o055)
    os.chown(root, 65534, 65534)
    os.seteuid(65534)
    try:
        yield root
    finally:
        os.seteuid(0)
        for path, mode in zip(closed, modes, strict=True):
            path.chmod(mode)


def put(root: Path, files: dict[str, str], ignore: str | None = None) -> None:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if name.endswith("/"):
            path.mkdir(exist_ok=True)
        else:
            path.write_text(text)
    if ignore is not None:
        (root / ".dockerignore").write_text(ignore)


def opened(root: Path, dockerfile: str = "Dockerfile") -> Workspace:
    path = root / dockerfile
    return Workspace(path, Context.open(root, path))


def below(root: Path) -> list[str]:
    return sorted(
        os.path.relpath(os.path.join(parent, name), root)
        for parent, directories, files in os.walk(root)
        for name in (*directories, *files)
    )


def prints(root: Path) -> dict[str, tuple[object, ...]]:
    """All that can be told of what is below a directory, but when it was last read."""
    found = {}
    for name in below(root):
        path = root / name
        info = path.lstat()
        data = hashlib.sha256(path.read_bytes()).hexdigest() if stat.S_ISREG(info.st_mode) else ""
        found[name] = (info.st_mode, info.st_uid, info.st_nlink, info.st_mtime_ns, info.st_ctime_ns, info.st_ino, data)
    return found


def test_copy(root: Path) -> None:
    put(root, {"Dockerfile": "FROM a", "src/deep/x.py": "x", "run.sh": "#!", "empty/": "", "locked/a": "a"})
    (root / "run.sh").chmod(0o4750)
    (root / "src").chmod(0o711)
    (root / "locked/a").chmod(0o400)
    (root / "locked").chmod(0o555)
    os.link(root / "run.sh", root / "hard")
    before = prints(root)
    with opened(root) as copied:
        assert copied.context.parent == copied.root
        assert copied.dockerfile == copied.context / "Dockerfile"
        assert below(copied.context) == below(root)
        for name in before:
            ours, theirs = (root / name).lstat(), (copied.context / name).lstat()
            assert (ours.st_mode, ours.st_mtime_ns) == (theirs.st_mode, theirs.st_mtime_ns)
            assert ours.st_ino != theirs.st_ino
        (copied.context / "run.sh").write_text("other")
        copied.write(b"FROM b\n")
        assert (copied.context / "hard").read_text() == "#!"
        assert copied.dockerfile.read_bytes() == b"FROM b\n"
    assert prints(root) == before
    assert not copied.root.exists()


def test_links(root: Path, tmp_path: Path) -> None:
    put(root, {"Dockerfile": "", "dir/file": ""})
    (tmp_path / "secret").write_text("secret")
    (tmp_path / "secret").chmod(0o604)
    links = {
        "dir/up": "../Dockerfile",
        "to-dir": "dir",
        "dangling": "nowhere",
        "loop": "loop",
        "out": "../secret",
        "absolute": str(tmp_path / "secret"),
        "directory": str(tmp_path),
        "locked/absolute": str(tmp_path / "secret"),
        "locked/directory": str(tmp_path),
    }
    (root / "locked").mkdir()
    for name, target in links.items():
        (root / name).symlink_to(target)
    (root / "locked").chmod(0o555)
    before = prints(tmp_path / "root") | {"secret": (os.stat(tmp_path / "secret").st_ctime_ns,)}
    with opened(root) as copied:
        assert {name: os.readlink(copied.context / name) for name in links} == links
    assert prints(tmp_path / "root") | {"secret": (os.stat(tmp_path / "secret").st_ctime_ns,)} == before


def test_read_only_directories_of_an_ordinary_user(nobody: Path) -> None:
    put(nobody, {"a/b/Dockerfile": "FROM a", "a/b/c/file": ""})
    outside = nobody / "outside"
    outside.write_text("")
    outside.chmod(0o640)
    (nobody / "a/b/link").symlink_to(outside)
    (nobody / "a/b/c/link").symlink_to(nobody)
    for name in ("a/b/c", "a/b", "a"):
        (nobody / name).chmod(0o555)
    before = prints(nobody)
    with opened(nobody, "a/b/Dockerfile") as copied:
        assert stat.S_IMODE((copied.context / "a/b").stat().st_mode) == 0o555
        copied.write(b"FROM b\n")
        copied.write(b"FROM c\n")
        assert copied.dockerfile.read_bytes() == b"FROM c\n"
        assert stat.S_IMODE((copied.context / "a/b").stat().st_mode) == 0o555
    assert prints(nobody) == before
    for name in ("a", "a/b", "a/b/c"):
        (nobody / name).chmod(0o755)


def test_directory_that_cannot_be_listed(nobody: Path) -> None:
    put(nobody, {"Dockerfile": "", "shut/file": ""})
    (nobody / "shut").chmod(0)
    with opened(nobody) as copied:
        assert below(copied.context) == ["Dockerfile", "shut"]
    (nobody / "shut").chmod(0o755)


def test_unreadable_file(nobody: Path) -> None:
    put(nobody, {"Dockerfile": "", "secret": ""})
    (nobody / "secret").chmod(0)
    with pytest.raises(InputError) as caught, opened(nobody):
        pass
    assert str(caught.value) == f"{nobody / 'secret'}: cannot be copied: Permission denied"


def test_ignored_files_are_left_out(root: Path) -> None:
    put(
        root,
        {"Dockerfile": "", "a.log": "", "modules/x/y.js": "", "docs/keep/me": "", "docs/keep/not": "", "docs/x": ""},
        "*.log\nmodules\ndocs\n!docs/keep/me\n",
    )
    (root / "docs").chmod(0o750)
    (root / "docs/keep").chmod(0o500)
    with opened(root) as copied:
        assert below(copied.context) == [".dockerignore", "Dockerfile", "docs", "docs/keep", "docs/keep/me"]
        modes = [stat.S_IMODE((copied.context / name).stat().st_mode) for name in ("docs", "docs/keep")]
        assert modes == [0o750, 0o500]


def test_ignore_file_that_ignores_itself_and_the_dockerfile(root: Path) -> None:
    put(root, {"Dockerfile": "FROM a", "a": ""}, "*ocker*\n")
    with opened(root) as copied:
        assert below(copied.context) == [".dockerignore", "a"]
        copied.write(b"FROM b")
        assert copied.dockerfile == copied.context / "Dockerfile"
        assert list(Context.open(copied.context, copied.dockerfile).walk()) == ["a"]


def test_ignore_file_that_is_a_link_to_an_ignored_file(root: Path) -> None:
    put(root, {"Dockerfile": "FROM a", "a": "", "config/ignore": "config\na\n"})
    (root / ".dockerignore").symlink_to("config/ignore")
    with opened(root) as copied:
        assert (copied.context / ".dockerignore").read_text() == "config\na\n"


def test_ignore_file_beside_the_dockerfile(root: Path) -> None:
    put(root, {"ci/Dockerfile": "", "ci/Dockerfile.dockerignore": "b\nci\n", "a": "", "b": ""}, "a\n")
    with opened(root, "ci/Dockerfile") as copied:
        assert below(copied.context) == [".dockerignore", "a", "ci", "ci/Dockerfile.dockerignore"]
        copied.write(b"")
        assert list(Context.open(copied.context, copied.dockerfile).walk()) == [".dockerignore", "a"]


def test_dockerfile_outside(root: Path, tmp_path: Path) -> None:
    put(tmp_path, {"ci/app.Dockerfile": "FROM a", "ci/app.Dockerfile.dockerignore": "b\n"})
    put(root, {"a": "", "b": "", "Dockerfile": "other"}, "a\n")
    with opened(root, "../ci/app.Dockerfile") as copied:
        copied.write(b"FROM b")
        assert copied.dockerfile.name == "app.Dockerfile"
        assert copied.context not in copied.dockerfile.parents
        assert below(copied.context) == [".dockerignore", "Dockerfile", "a"]
        assert list(Context.open(copied.context, copied.dockerfile).walk()) == [".dockerignore", "Dockerfile", "a"]


@pytest.mark.parametrize("target", ["ci/real", "../real"])
def test_dockerfile_that_is_a_link(root: Path, tmp_path: Path, target: str) -> None:
    put(root, {"ci/real": "FROM a", "ci/real.dockerignore": "a\n", "a": "", "b": ""}, "b\n")
    (tmp_path / "real").write_text("FROM a")
    (root / "Dockerfile").symlink_to(target)
    before = prints(tmp_path)
    with opened(root) as copied:
        copied.write(b"FROM b")
        copied.write(b"FROM c")
        assert copied.dockerfile.read_bytes() == b"FROM c"
        assert "a" in list(Context.open(copied.context, copied.dockerfile).walk())
        assert "b" not in below(copied.context)
    assert {name: print_ for name, print_ in prints(tmp_path).items() if name != "temporary"} == {
        name: print_ for name, print_ in before.items() if name != "temporary"
    }


def test_context_and_directory_that_are_links(root: Path, tmp_path: Path) -> None:
    put(root, {"ci/Dockerfile": "FROM a"})
    (tmp_path / "link").symlink_to("root")
    (root / "cd").symlink_to("ci")
    with opened(tmp_path / "link", "cd/Dockerfile") as copied:
        assert copied.dockerfile == copied.context / "ci/Dockerfile"


def test_mode_of_the_dockerfile(root: Path) -> None:
    put(root, {"Dockerfile": ""})
    (root / "Dockerfile").chmod(0o440)
    with opened(root) as copied:
        copied.write(b"a")
        copied.write(b"b")
        assert stat.S_IMODE(copied.dockerfile.stat().st_mode) == 0o440


def test_pipes_and_sockets_are_left_out(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(root, {"Dockerfile": ""})
    os.mkfifo(root / "pipe")
    monkeypatch.chdir(root)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("socket")
        with opened(root) as copied:
            assert below(copied.context) == ["Dockerfile"]


def test_names_that_are_not_utf8(root: Path) -> None:
    name = "\udcff\n\x1b[31m"
    put(root, {f"{name}/{name}": "x", f"{name}/Dockerfile{name}": ""})
    with opened(root, f"{name}/Dockerfile{name}") as copied:
        assert (copied.context / name / name).read_text() == "x"
        copied.write(b"y")
        assert copied.dockerfile.name == f"Dockerfile{name}"


@pytest.mark.parametrize(
    ("error", "raised"),
    [
        (OSError(28, "No space left on device"), InputError),
        (shutil.Error("odd"), InputError),
        (KeyboardInterrupt(), KeyboardInterrupt),
        (SystemExit(143), SystemExit),
    ],
)
@pytest.mark.parametrize("function", ["copy2", "copystat"])
def test_nothing_is_left_when_copying_ends_early(
    root: Path, monkeypatch: pytest.MonkeyPatch, function: str, error: BaseException, raised: type[BaseException]
) -> None:
    put(root, {"Dockerfile": "", "a/b": ""})

    def fail(*arguments: object, **options: object) -> None:
        raise error

    monkeypatch.setattr(shutil, function, fail)
    with pytest.raises(raised), opened(root):
        pass


def test_no_place_for_temporary_files(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(root, {"Dockerfile": ""})
    monkeypatch.setattr(tempfile, "tempdir", str(root / "none"))
    with pytest.raises(InputError, match="no place for temporary files: No such file"), opened(root):
        pass
    assert below(root) == ["Dockerfile"]


def test_someone_else_has_removed_it(root: Path) -> None:
    put(root, {"Dockerfile": ""})
    with opened(root) as copied:
        shutil.rmtree(copied.root)


def test_nowhere_is_not_removed(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(root)
    put(root, {"Dockerfile": ""})
    assert opened(root).root == workspace.NOWHERE
    assert below(root) == ["Dockerfile"]


@pytest.mark.parametrize("given", [None, ".dockerignore", "Dockerfile.dockerignore"])
def test_lines_of_the_ignore_file_are_there_for_one_text_only(tmp_path: Path, given: str | None) -> None:
    root = tmp_path / "project"
    root.mkdir()
    (root / "Dockerfile").write_text("FROM scratch\n")
    (root / "made").mkdir()
    (root / "made" / "file").touch()
    if given is not None:
        (root / given).write_text("*.md")
    path = root / "Dockerfile"
    with Workspace(path, Context.open(root, path)) as workspace:
        for lines in ((), ("made",), ()):
            workspace.write(b"FROM scratch\n", lines)
            context = Context.open(workspace.context, workspace.dockerfile)
            assert context.keeps_out("made") is bool(lines)
            assert context.keeps_out("x.md") is (given is not None)
            assert (context.ignore_file is not None) is (given is not None or bool(lines))
