"""A gem source on loopback with gems made for a test: real Bundler, where RubyGems is far away.

It serves what Bundler asks of one: the compact index (``/versions`` and ``/info/NAME``) and the gems themselves.
RubyGems leaves ``gem generate_index`` to a gem of its own since 3.6, and the compact index is a few lines of text.
"""

from __future__ import annotations

import base64
import hashlib
import io
import tarfile
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from engine import docker
from served import Source, served

_BUILD = """
set -eu
cd "$(mktemp -d)"
base64 -d | tar -x
for folder in */; do (cd "$folder" && gem build --quiet --output "../${folder%/}.gem" ./*.gemspec >&2); done
tar -c ./*.gem | base64
"""


@dataclass(frozen=True, slots=True)
class Gem:
    """A gem as its author has it: ``files`` by path, ``requires`` as requirements by name of the gem.

    It is compiled when it is installed if it has an ``ext/NAME/extconf.rb``.
    """

    name: str
    version: str
    files: Mapping[str, str]
    requires: Mapping[str, str] = field(default_factory=dict)

    @property
    def full_name(self) -> str:
        """The name of its archive, without the ending."""
        return f"{self.name}-{self.version}"

    def specification(self) -> str:
        """The gemspec."""
        extensions = [path for path in self.files if path.endswith("/extconf.rb")]
        settings = {
            "name": self.name,
            "version": self.version,
            "summary": f"{self.name} for a test",
            "authors": ["dockerlayer"],
            "files": list(self.files),
            "extensions": extensions,
        }
        # Plain text and lists of it are written alike in Python and Ruby.
        lines = [f"  s.{name} = {value!r}" for name, value in settings.items()]
        lines += [f"  s.add_dependency {name!r}, {wanted.split(', ')!r}" for name, wanted in self.requires.items()]
        return "\n".join(["Gem::Specification.new do |s|", *lines, "end", ""])


@contextmanager
def gem_source(folder: Path, gems: Sequence[Gem], image: str) -> Iterator[Source]:
    """Serve the gems from an empty folder; they are built in a container of the image, which has Ruby."""
    archives = _build(gems, image)
    (folder / "gems").mkdir(parents=True)
    for name, data in archives.items():
        (folder / "gems" / f"{name}.gem").write_bytes(data)
    for path, text in _index(gems, archives).items():
        (folder / path).parent.mkdir(exist_ok=True)
        (folder / path).write_text(text, "utf-8")
    with served(folder) as source:
        yield source


def _build(gems: Sequence[Gem], image: str) -> dict[str, bytes]:
    """What ``gem build`` makes of each, by full name."""
    sent = io.BytesIO()
    with tarfile.open(fileobj=sent, mode="w") as archive:
        for gem in gems:
            for path, text in {**gem.files, f"{gem.name}.gemspec": gem.specification()}.items():
                info = tarfile.TarInfo(f"{gem.full_name}/{path}")
                info.size = len(text.encode())
                archive.addfile(info, io.BytesIO(text.encode()))
    command = ("run", "--rm", "--interactive", "--network=none", image, "sh", "-c", _BUILD)
    done = docker(*command, check=True, stdin=base64.b64encode(sent.getvalue()))
    with tarfile.open(fileobj=io.BytesIO(base64.b64decode(done.stdout))) as archive:
        return {gem.full_name: _member(archive, f"./{gem.full_name}.gem") for gem in gems}


def _member(archive: tarfile.TarFile, name: str) -> bytes:
    member = archive.extractfile(name)
    assert member is not None
    return member.read()


def _index(gems: Sequence[Gem], archives: Mapping[str, bytes]) -> dict[str, str]:
    """The files of the compact index (guides.rubygems.org/rubygems-org-compact-index-api)."""
    lines: dict[str, list[str]] = defaultdict(lambda: ["---"])
    versions: dict[str, list[str]] = defaultdict(list)
    for gem in gems:
        needs = ",".join(f"{name}:{wanted.replace(', ', '&')}" for name, wanted in gem.requires.items())
        digest = hashlib.sha256(archives[gem.full_name]).hexdigest()
        lines[gem.name].append(f"{gem.version} {needs}|checksum:{digest}")
        versions[gem.name].append(gem.version)
    infos = {name: "\n".join([*entries, ""]) for name, entries in lines.items()}
    listed = [f"{name} {','.join(known)} {_md5(infos[name])}" for name, known in versions.items()]
    head = ["created_at: 2020-01-01T00:00:00Z", "---"]
    names = "\n".join(["---", *infos, ""])
    return {
        "versions": "\n".join([*head, *listed, ""]),
        "names": names,
        **{f"info/{name}": text for name, text in infos.items()},
    }


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
