"""Which file is edited between two builds, and how."""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from pathlib import Path

import pytest

from dockerlayer.api import Ecosystem
from dockerlayer.errors import UsageError
from dockerlayer.model.context import Context
from dockerlayer.verify.subject import subject_of
from dockerlayer.verify.touch import Edited, source_file

Ecosystems = Sequence[Ecosystem]

HEAD = "FROM python:3.12\nWORKDIR /app\n"
INSTALL = "RUN pip install -r requirements.txt\n"
GO_MOD = "module example.com/x\ngo 1.22\nrequire example.com/y v1.0.0\n"


def context_of(root: Path, *files: str, ignore: str | None = None) -> Context:
    for name in files:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"" if "empty" in name else b"\0" if "binary" in name else b"six==1.17.0\n")
    if ignore is not None:
        (root / ".dockerignore").write_text(ignore)
    return Context.open(root)


def chosen(ecosystems: Ecosystems, context: Context, text: str, wanted: str | None = None) -> str | None:
    return source_file(subject_of(text.encode(), context, ecosystems), context, wanted)


@pytest.mark.parametrize(
    ("files", "text", "file"),
    [
        (["requirements.txt", "README", "a/z.py"], "COPY . .\n" + INSTALL, "a/z.py"),
        (["requirements.txt", "README", "LICENSE"], "COPY . .\n" + INSTALL, "LICENSE"),
        (["requirements.txt", "Dockerfile", ".gitignore", ".dockerignore"], "COPY . .\n" + INSTALL, None),
        (["requirements.txt"], "COPY . .\n" + INSTALL, None),
        (["requirements.txt", "empty.py", "binary.py", "x.py"], "COPY . .\n" + INSTALL, "x.py"),
        (["requirements.txt", "empty.py", "binary.py", "notes"], "COPY . .\n" + INSTALL, "notes"),
        (["requirements.txt", "a/x.py", "b/x.py"], "COPY requirements.txt .\n" + INSTALL + "COPY b b\n", "b/x.py"),
        (["requirements.txt", "x.py"], "COPY requirements.txt .\n" + INSTALL, None),
        (["requirements.txt", "x.py"], "RUN --mount=type=bind,target=. " + INSTALL[4:], "x.py"),
        (["requirements.txt", "a.py", "z.py"], "COPY a.py .\nRUN x\nCOPY z.py requirements.txt ./\n" + INSTALL, "a.py"),
        (["a.py"], "RUN x\n", None),
        (["a.py"], "COPY a.py .\n", "a.py"),
    ],
)
def test_choice(ecosystems: Ecosystems, tmp_path: Path, files: list[str], text: str, file: str | None) -> None:
    assert chosen(ecosystems, context_of(tmp_path, *files), HEAD + text) == file


def test_what_the_download_stands_on_comes_first(ecosystems: Ecosystems, tmp_path: Path) -> None:
    context = context_of(tmp_path, "a/a.py", "requirements.txt", "z/z.py")
    text = f"{HEAD}FROM x AS x\nCOPY a a\nFROM python:3.12\nWORKDIR /app\nCOPY z z\nCOPY requirements.txt ./\n{INSTALL}"
    assert chosen(ecosystems, context, text) == "z/z.py"


def test_manifests_of_a_download_are_never_chosen(ecosystems: Ecosystems, tmp_path: Path) -> None:
    (tmp_path / "go.mod").write_text(GO_MOD)
    context = context_of(tmp_path, "go.sum")
    text = "FROM golang:1.22\nWORKDIR /src\nCOPY . .\nRUN go build .\n"
    assert chosen(ecosystems, context, text) is None
    (tmp_path / "main.go").write_text("package main\n")
    assert chosen(ecosystems, Context.open(tmp_path), text) == "main.go"


def test_ignored_files_are_never_chosen(ecosystems: Ecosystems, tmp_path: Path) -> None:
    context = context_of(tmp_path, "requirements.txt", "a.py", "b/b.py", "c.py", ignore="a.py\nb\n.dockerignore\n")
    assert chosen(ecosystems, context, f"{HEAD}COPY . .\n{INSTALL}") == "c.py"


@pytest.mark.parametrize(
    ("wanted", "path"),
    [
        ("a/b.py", "a/b.py"),
        ("./a//b.py", "a/b.py"),
        ("a/../a/b.py", "a/b.py"),
        ("/a/b.py", "a/b.py"),
        ("//a/b.py", "a/b.py"),
        ("link", "link"),
        ("binary", "binary"),
    ],
)
def test_wanted(ecosystems: Ecosystems, tmp_path: Path, wanted: str, path: str) -> None:
    context = context_of(tmp_path, "a/b.py", "binary")
    (tmp_path / "link").symlink_to("a/b.py")
    found = chosen(ecosystems, context, HEAD, wanted)
    assert found == path
    assert (tmp_path / "context" / found).is_relative_to(tmp_path / "context")


@pytest.mark.parametrize(
    ("wanted", "reason"),
    [
        ("c.py", "no file in the build context"),
        ("a", "no file in the build context"),
        ("", "no file in the build context"),
        (".", "no file in the build context"),
        ("../x/a/b.py", "no file in the build context"),
        ("/etc/passwd", "no file in the build context"),
        ("pipe", "no file in the build context"),
        ("outward", "no file in the build context"),
        ("a\0b", "no file in the build context"),
        ("x" * 5000, "no file in the build context"),
        ("hidden", "kept out by the ignore file"),
        ("to-hidden", "kept out by the ignore file"),
    ],
)
def test_wanted_in_vain(ecosystems: Ecosystems, tmp_path: Path, wanted: str, reason: str) -> None:
    context = context_of(tmp_path, "a/b.py", "hidden", ignore="hidden\n")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "outward").symlink_to("/etc/passwd")
    (tmp_path / "to-hidden").symlink_to("hidden")
    with pytest.raises(UsageError) as caught:
        chosen(ecosystems, context, HEAD, wanted)
    assert str(caught.value) == f"--touch {wanted}: {reason} {tmp_path}"


@pytest.mark.parametrize("data", [b"", b"x", b"x\r\n", b"\xff\0"])
def test_edited(tmp_path: Path, data: bytes) -> None:
    file = tmp_path / "file"
    file.write_bytes(data)
    file.chmod(0o444)
    seen = set()
    for _ in range(3):
        with Edited(file):
            text = file.read_bytes()
            assert text.startswith(data)
            assert len(text) > len(data)
            assert text.removeprefix(data).strip() == b""
            assert stat.S_IMODE(file.stat().st_mode) == 0o444
            seen.add(text)
        assert file.read_bytes() == data
        assert stat.S_IMODE(file.stat().st_mode) == 0o444
    assert len(seen) == 3


def test_edited_is_restored_after_an_interrupt(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"x")
    with pytest.raises(KeyboardInterrupt), Edited(file):
        raise KeyboardInterrupt
    assert file.read_bytes() == b"x"


def test_edited_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x")
    (tmp_path / "link").symlink_to("file")
    with Edited(tmp_path / "link"):
        assert (tmp_path / "file").read_bytes() != b"x"
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "file").read_bytes() == b"x"
