"""Two images compared."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import IO

import pytest

from dockerlayer.verify.builder import BuilderError
from dockerlayer.verify.images import Difference, Image, compare, content_of, image_of, topmost

TEXTS = (b"FROM a\n", b"FROM a\nRUN b\n")


def image(config: Mapping[str, object] | None = None, **files: str) -> Image:
    return Image(1, config or {}, {path.replace("__", "/"): what for path, what in files.items()})


class Store:
    """A builder that has one image."""

    name = version = "store"
    can_cut_network = True

    def __init__(self, archive: bytes, found: Mapping[str, object]) -> None:
        self.archive = archive
        self.found = found

    def inspect(self, tag: str) -> Mapping[str, object]:
        return self.found

    @contextmanager
    def export(self, tag: str) -> Iterator[IO[bytes]]:
        yield io.BytesIO(self.archive)


def packed(*members: tuple[str, bytes, str]) -> bytes:
    """An archive of (name, type, content or target)."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for name, kind, content in members:
            info = tarfile.TarInfo(name)
            info.type = kind
            if kind == tarfile.REGTYPE:
                info.size = len(content)
            else:
                info.linkname = content
            archive.addfile(info, io.BytesIO(content.encode()))
    return stream.getvalue()


def test_image_of() -> None:
    archive = packed(
        ("proc/", tarfile.DIRTYPE, ""),
        ("proc/1", tarfile.REGTYPE, ""),
        ("processes", tarfile.REGTYPE, "x"),
        ("etc/hosts", tarfile.REGTYPE, "x"),
        ("etc/hosts.d/", tarfile.DIRTYPE, ""),
        (".dockerenv", tarfile.REGTYPE, ""),
        ("./app/", tarfile.DIRTYPE, ""),
        ("app/a\udcff", tarfile.REGTYPE, "y" * 3_000_000),
        ("app/link", tarfile.SYMTYPE, "a"),
        ("dev/null", tarfile.CHRTYPE, ""),
        ("app/pipe", tarfile.FIFOTYPE, ""),
    )
    found = image_of(Store(archive, {"Size": 5, "Config": {"User": "x"}}), "tag")
    assert (found.size, found.config) == (5, {"User": "x"})
    assert sorted(found.files) == ["app", "app/a\udcff", "app/link", "app/pipe", "etc/hosts.d", "processes"]
    assert found.files["processes"].endswith(content_of(b"x"))
    assert found.files["app/link"].endswith(" a")


@pytest.mark.parametrize("found", [{}, {"Size": None, "Config": None}, {"Size": "5", "Config": []}])
def test_image_without_settings(found: Mapping[str, object]) -> None:
    assert image_of(Store(packed(), found), "tag") == Image(0, {}, {})


@pytest.mark.parametrize("archive", [b"", b"no archive" * 100, packed(("a", tarfile.REGTYPE, "x" * 5000))[:3000]])
def test_broken_archive(archive: bytes) -> None:
    with pytest.raises(BuilderError, match="the files of the image cannot be read"):
        image_of(Store(archive, {}), "tag")


def test_same() -> None:
    one = image({"Env": ["A=b"], "Cmd": None, "Image": "sha256:1"}, a="1")
    two = image({"Env": ["A=b"], "Entrypoint": [], "Image": "sha256:2"}, a="1")
    assert compare(one, None, two, TEXTS) == Difference((), (), (), ())


def test_different() -> None:
    one = image({"User": "a", "WorkingDir": "/"}, gone="1", kept="1", other="1", tmp__a="1", tmp__b="1")
    two = image({"User": "b", "Labels": {"x": "y"}}, kept="1", other="2", new="1", tmp__b="2", tmpx="1")
    assert compare(one, one, two, TEXTS) == Difference(
        ("User", "WorkingDir", "Labels"), ("gone",), ("new", "tmpx"), ("other",)
    )


def test_what_differs_by_itself_does_not_count() -> None:
    one = image(stamp="1", random1="1", gone="1")
    again = image(stamp="2", random2="1", gone="1")
    two = image(stamp="3", random3="1")
    assert compare(one, again, two, TEXTS) == Difference((), ("gone",), ("random3",), ())
    assert compare(one, None, two, TEXTS) == Difference((), ("gone", "random1"), ("random3",), ("stamp",))


def test_the_dockerfile_in_the_image_does_not_count() -> None:
    one, two = (f"b'0' 644 0:0 {content_of(text)}" for text in TEXTS)
    assert compare(image(a=one), image(a=one), image(a=two), TEXTS).changed == ()
    assert compare(image(a=two), image(a=two), image(a=one), TEXTS).changed == ("a",)


@pytest.mark.parametrize(
    ("paths", "top"),
    [
        ([], []),
        (["a", "a/b", "a/b/c", "ab"], ["a", "ab"]),
        (["a", "a-b", "a.b", "a/c"], ["a", "a-b", "a.b"]),
        (["a/b", "a/c"], ["a/b", "a/c"]),
        (["a", "a/b/c"], ["a"]),
    ],
)
def test_topmost(paths: list[str], top: list[str]) -> None:
    assert list(topmost(paths)) == top
