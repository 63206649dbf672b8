"""Real projects: what their folders say, and their images as the engine builds and runs them."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple, Self

from engine import docker, network
from meter import metered
from served import Source

from dockerlayer.verify.builder import Builder, Built, Request
from dockerlayer.verify.progress import StepRun

EXPECTED = "expected.toml"
NO_NETWORK = "--network=none"
PLACEHOLDER = b"https://registry.example.com"
"""What stands for PyPI (/simple, /files) and npm (/npm) in manifests and lockfiles of tools that want them named."""
TOOLS = {
    "golang": ("go", "env", "GOVERSION"),
    "node": ("sh", "-c", "echo node $(node --version), npm $(npm --version)"),
    "oven/bun": ("sh", "-c", "echo Bun $(bun --version)"),
    "composer": ("sh", "-c", "echo PHP $(php -r 'echo PHP_VERSION;'), $(composer --version | cut -d ' ' -f 1-3)"),
    "elixir": ("sh", "-c", "mix --version | tail -n 1"),
    "ruby": ("sh", "-c", "echo Ruby $(ruby -e 'puts RUBY_VERSION'), $(bundle --version)"),
    "python": ("sh", "-c", "echo Python $(python -c 'import platform; print(platform.python_version())'), "
               "$(pip --version | cut -d ' ' -f 1-2)"),
    "rust": ("sh", "-c", "cargo --version | cut -d ' ' -f 1-2"),
}  # fmt: skip
# Java and Yarn 2 read no proxy from the environment: they are told of the meter in a file that they read first.
METERED = {
    "@yarnpkg/": "RUN echo 'httpsProxy: \"${HTTPS_PROXY:-}\"' >/root/.yarnrc.yml",
    "FROM maven:": "RUN echo 'MAVEN_OPTS=\"-Dhttps.proxyHost=127.0.0.1 -Dhttps.proxyPort=${HTTPS_PROXY##*:}"
             " -Daether.connector.http.useSystemProperties=true\"' >/etc/mavenrc",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Edit:
    """Texts to exchange in one file, each of which stands there once, and what the program answers then."""

    file: str
    changes: tuple[tuple[str, str], ...]
    answer: str

    @classmethod
    def read(cls, values: dict[str, Any]) -> Edit:
        """The edit that a table of ``expected.toml`` describes."""
        return cls(values["file"], tuple((old, new) for old, new in values["changes"]), values["answer"])

    def make(self, folder: Path) -> None:
        """Make the edit in a copy of the project."""
        path = folder / self.file
        text = path.read_text("utf-8")
        for old, new in self.changes:
            assert text.count(old) == 1, f"{self.file} holds {old!r} {text.count(old)} times"
            text = text.replace(old, new)
        path.write_text(text, "utf-8")


@dataclass(frozen=True, slots=True)
class Project:
    """A folder with a naive Dockerfile, a lockfile, source, and ``expected.toml``.

    ``download`` is how the step that downloads begins in the rewritten file; ``kept`` is the directory that the
    pattern announces to leave in the image. ``online`` is how many bytes a build may still receive where its download
    is known to leave something out: what is below it then needs the network. ``source`` names the packages that are
    served on loopback, if any are. ``asked`` is what ``--pattern`` is set to: the tables ``patterns.NAME`` of the file
    hold what is otherwise under another than the default.
    """

    folder: Path
    pattern: str
    download: str
    kept: str
    online: int
    answer: str
    edit: Edit
    lock: Edit
    source: str = ""
    asked: str = "split"

    @classmethod
    def read(cls, folder: Path) -> list[Project]:
        """The project in a folder, once for each pattern that it is built with."""
        values = tomllib.loads((folder / EXPECTED).read_text("utf-8"))
        patterns = values.pop("patterns", {})
        others = ({**values, "kept": "", **other, "pattern": name} for name, other in patterns.items())
        return [cls._of(folder, values, "split"), *(cls._of(folder, other, other["pattern"]) for other in others)]

    @classmethod
    def _of(cls, folder: Path, values: dict[str, Any], asked: str) -> Project:
        edits = Edit.read(values["edit"]), Edit.read(values["lock"])
        kept, online = values.get("kept", ""), values.get("online", 0)
        source = values.get("source", "")
        start = values["pattern"], values["download"], kept, online, values["answer"]
        return cls(folder, *start, *edits, source, asked)

    @property
    def name(self) -> str:
        """The name of the folder: the ecosystem, a hyphen, and what is special."""
        return self.folder.name

    @property
    def bases(self) -> tuple[str, ...]:
        """The images that the Dockerfile builds on."""
        return bases_of(self.folder)

    def copy(self, place: Path) -> Path:
        """The project as its developers have it, without what belongs to the test."""
        shutil.copytree(self.folder, place, ignore=shutil.ignore_patterns(EXPECTED))
        with_addresses(place)
        return place


def bases_of(folder: Path) -> tuple[str, ...]:
    """The images that the Dockerfile in a folder builds on."""
    lines = (folder / "Dockerfile").read_text("utf-8").splitlines()
    found = [line.split() for line in lines if line.startswith("FROM ")]
    own = {words[3] for words in found if len(words) > 3}
    return tuple(dict.fromkeys(words[1] for words in found if words[1] not in own | {"scratch"}))


def with_addresses(folder: Path) -> None:
    """Put the addresses of registries where manifests and lockfiles have placeholders."""
    for path in folder.rglob("*"):
        if path.is_file() and PLACEHOLDER in (data := path.read_bytes()):
            path.write_bytes(_with_addresses(data))


def _with_addresses(data: bytes) -> bytes:
    """A manifest or lockfile with the addresses of PyPI and npm, as pip and yarn know them."""
    if PLACEHOLDER + b"/npm" in data:
        data = data.replace(PLACEHOLDER + b"/npm", _node_registry())
    simple, files = _python_index()
    return data.replace(PLACEHOLDER + b"/simple", simple).replace(PLACEHOLDER + b"/files", files)


@cache
def _node_registry() -> bytes:
    """Where Yarn Classic asks for packages by default."""
    return answer("node:22-slim", "yarn", "config", "get", "registry").rstrip("/").encode()


@cache
def _python_index() -> tuple[bytes, bytes]:
    """Where pip asks for packages by default, and where their files are."""
    question = "from pip._internal.models.index import PyPI; print(PyPI.simple_url, PyPI.file_storage_domain)"
    asked = subprocess.run([sys.executable, "-c", question], capture_output=True, check=True)
    simple, files = asked.stdout.split()
    return simple.rstrip(b"/"), b"https://" + files


def start_anew(dockerfile: Path, name: str) -> None:
    """Let no step below a FROM be found in the cache that builds under other names have left."""
    text = dockerfile.read_text("utf-8")
    metered_by = next((line for mark, line in METERED.items() if mark in text), "")
    text = re.sub(r"^(FROM .*\n)", rf"\1ENV DOCKERLAYER_TEST={name}\n", text, flags=re.MULTILINE)
    if metered_by:
        first = f"ENV DOCKERLAYER_TEST={name}\n"
        text = text.replace(first, f"{first}{metered_by}\n", 1)
    dockerfile.write_text(text, "utf-8")


def projects(folder: Path) -> list[Project]:
    """All projects below a folder, each with every pattern that it is built with."""
    return [project for path in sorted(folder.glob(f"*/{EXPECTED}")) for project in Project.read(path.parent)]


def cut_after(text: str, download: str) -> str:
    """The Dockerfile with every RUN below the download cut off from the network."""
    lines = text.splitlines(keepends=True)
    at = [number for number, line in enumerate(lines) if line.startswith(download)]
    assert len(at) == 1, f"{download} stands {len(at)} times in\n{text}"
    first = at[0] + 1
    below = "".join(lines[first:])
    return "".join(lines[:first]) + re.sub(r"^RUN ", f"RUN {NO_NETWORK} ", below, flags=re.MULTILINE)


class Image(NamedTuple):
    """An image that was built; ``received`` counts the bytes that its steps downloaded."""

    tag: str
    steps: tuple[StepRun, ...]
    seconds: float
    received: int
    size: int


@dataclass(slots=True)
class Workbench:
    """Builds images under names of its own, and forgets them when it is left.

    Steps share the network of the machine, where they reach the meter on loopback, and ``source`` if there is one.
    """

    builder: Builder
    source: Source | None = None
    _tags: list[str] = field(default_factory=list)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        for tag in self._tags:
            self.builder.remove(tag)

    def build(self, context: Path, dockerfile: Path | None = None, args: Sequence[str] = ()) -> Image:
        """Build an image, which must succeed."""
        built, received = self.attempt(context, dockerfile, args)
        assert built.ok, f"{(dockerfile or context / 'Dockerfile').read_text('utf-8')}\n{built.log}"
        size = self.builder.inspect(built.tag)["Size"]
        assert isinstance(size, int)
        return Image(built.tag, built.steps, built.seconds, received, size)

    def attempt(self, context: Path, dockerfile: Path | None = None, args: Sequence[str] = ()) -> tuple[Built, int]:
        """Build an image, which may fail; what came of it, and how many bytes its steps received."""
        tag = f"dockerlayer-test:{uuid.uuid4().hex}"
        self._tags.append(tag)
        with metered() as meter:
            # Proxies are no part of a step's cache key.
            args = [*args, f"HTTPS_PROXY={meter.address}"]
            given = 0
            if self.source is not None:
                args = [*args, f"http_proxy={self.source.url}"]
                given = self.source.received
            request = Request(dockerfile or context / "Dockerfile", context, tag, args=args, network="host")
            built = self.builder.build(request)
            received = meter.received
            if self.source is not None:
                received += self.source.received - given
        return built, received


def tools_of(base: str) -> str:
    """The versions of the tools in a base image."""
    command = TOOLS.get(base.partition(":")[0])
    return answer(base, *command).replace("go1.", "Go 1.") if command else ""


def answer(tag: str, *command: str) -> str:
    """What a container of the image prints; with a command, what that prints in its place."""
    entry = [f"--entrypoint={command[0]}"] if command else []
    done = docker("run", "--rm", *network(), *entry, tag, *command[1:])
    assert done.returncode == 0, f"the container ended with {done.returncode}\n{done.stdout}{done.stderr}"
    return done.stdout.strip()


def size_of(tag: str, directory: str) -> int:
    """The bytes of the files below a directory of the image."""
    return int(answer(tag, "du", "--apparent-size", "--bytes", "--summarize", directory).split()[0])


def download_of(steps: Sequence[StepRun], download: str) -> StepRun:
    """The step that downloads."""
    found = [step for step in steps if step.text.startswith(download)]
    assert len(found) == 1, f"{download} is not one of\n" + "\n".join(step.text for step in steps)
    return found[0]


def up_to(steps: Sequence[StepRun], last: StepRun) -> list[StepRun]:
    """The steps of the stage that make layers, from its first to ``last``."""
    return [step for step in steps if step.stage == last.stage and not step.is_base and step.number <= last.number]
