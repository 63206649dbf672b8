"""Requirement files, read as pip reads them, with all that they include. Whatever a file holds, nothing here raises."""

from __future__ import annotations

import posixpath
import re
import shlex
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from dockerlayer.api import (
    Scene,
    join,
    relative,
)
from dockerlayer_rules._pipcall import arguments
from dockerlayer_rules._pyproject import decode, parse_toml

_ARCHIVE = re.compile(r"\.(?:whl|zip|tgz|tbz|tar|tar\.(?:gz|bz2|xz|lzma))\Z")
_NAMED_URL = re.compile(r"[A-Za-z0-9][\w.-]* ?(?:\[[^\]]*\])? ?@ ?(\S.*)")
_EXACT = re.compile(r"===? ?[^\s,;*()]+ ?(?:[;)]|\Z)")
_REVISION = re.compile(r"@[0-9a-fA-F]{7,40}(?:[#;\s]|\Z)")
_VARIABLE = re.compile(r"\$\{([A-Z0-9_]+)\}")


@dataclass(slots=True, frozen=True)
class Line:
    """One requirement: ``kind`` is named, url, vcs, checkout (an editable vcs), archive or local (a directory)."""

    file: str
    number: int
    text: str
    kind: str
    pinned: bool = False
    hashed: bool = False
    constraint: bool = False

    @property
    def place(self) -> str:
        """Where it stands."""
        return f"{self.file} line {self.number}"


@dataclass(slots=True)
class Requirements:
    """Requirement files with all that they include. ``files`` maps image paths to context paths.

    ``missing`` are image paths that the context does not have, with the place that names them; ``settings`` the global
    options in the files, with their place; ``remote`` and ``variable`` the places of a URL to read or a ``${VAR}``.
    """

    files: dict[str, str] = field(default_factory=dict)
    lines: list[Line] = field(default_factory=list)
    missing: list[tuple[str, str]] = field(default_factory=list)
    settings: dict[str, str] = field(default_factory=dict)
    remote: str = ""
    variable: str = ""

    @property
    def wanted(self) -> list[Line]:
        """The requirements proper, without constraints."""
        return [line for line in self.lines if not line.constraint]


def kind_of(text: str) -> str:
    """What a requirement is, by its text: named, url, vcs, archive or local."""
    text = " ".join(text.split())
    named = _NAMED_URL.match(text)
    target = named[1] if named else text
    if re.match(r"(?:git|hg|svn|bzr)\+", target):
        return "vcs"
    if re.match(r"(?:https?|ftp)://", target):
        return "url"
    path = target.partition(";")[0].strip()
    path = re.sub(r"\[[^\[\]]*\]\Z", "", path)
    if _ARCHIVE.search(path) and not path.startswith("file:"):
        return "archive"
    if named or path.startswith((".", "file:")) or "/" in path or "\\" in path:
        return "local"
    return "named"


def name_of(text: str) -> str:
    """The normalised project name that a requirement begins with, or nothing."""
    match = re.match(r"\s*([A-Za-z0-9][\w.-]*)", text)
    return re.sub(r"[-_.]+", "-", match[1]).lower() if match else ""


def is_pinned(text: str, kind: str) -> bool:
    """Whether a requirement leaves no choice of versions."""
    if kind in {"vcs", "checkout"}:
        return _REVISION.search(text) is not None
    return kind in {"url", "archive"} or _EXACT.search(" ".join(text.split())) is not None


def logical_lines(text: str) -> Iterator[tuple[int, str]]:
    """The lines of a requirements file as pip sees them: continuations joined, comments and blank lines gone."""
    held: list[str] = []
    first = 0
    for number, line in enumerate(text.splitlines(), 1):
        first = first if held else number
        if line.endswith("\\") and not line.lstrip().startswith("#"):
            held.append(line[:-1])
            continue
        whole = _uncommented("".join([*held, f" {line}" if held and line.lstrip().startswith("#") else line]))
        held = []
        if whole:
            yield first, whole
    if held and (whole := _uncommented("".join(held))):
        yield first, whole


def _uncommented(line: str) -> str:
    comment = re.search(r"(?:^|\s)#", line)
    return line[: comment.start()].strip() if comment else line.strip()


def read_requirements(
    scene: Scene, cwd: str | None, asked: Iterable[tuple[str, bool]], value: Callable[[str], str | None]
) -> Requirements:
    """Read files (image path, whether it is a constraint file) and all they include; ``value`` knows variables."""
    return _Reader(scene, cwd, value).read(asked)


class _Reader:
    def __init__(self, scene: Scene, cwd: str | None, value: Callable[[str], str | None]) -> None:
        self.scene = scene
        self.cwd = cwd
        self.value = value
        self.found = Requirements()

    def read(self, asked: Iterable[tuple[str, bool]]) -> Requirements:
        found = self.found
        queue = deque((image, constraint, "") for image, constraint in asked)
        seen: set[tuple[str, bool]] = set()
        while queue:
            image, constraint, asker = queue.popleft()
            if (image, constraint) in seen:
                continue
            seen.add((image, constraint))
            origin = self.scene.origin(image)
            data = self.scene.context.read(origin) if origin is not None else None
            if origin is None or data is None:
                found.missing.append((image, asker))
                continue
            found.files[image] = origin
            if origin.endswith(".toml"):
                self._pylock(origin, data)
                continue
            for number, text in logical_lines(decode(data)):
                line = Line(origin, number, text, "", constraint=constraint)
                queue.extend((path, kind or constraint, line.place) for path, kind in self._line(image, line))
        return found

    def _line(self, image: str, line: Line) -> Iterator[tuple[str, bool]]:
        """Take in one line; yields the files that it includes."""
        text = line.text
        if _VARIABLE.search(text):
            self.found.variable = self.found.variable or line.place
            text = _VARIABLE.sub(lambda match: self.value(match[1]) or match[0], text)
        tokens = text.split(" ")
        cut = next((at for at, token in enumerate(tokens) if token.startswith("-")), len(tokens))
        head, rest = " ".join(tokens[:cut]).strip(), " ".join(tokens[cut:])
        if head:
            self._add(line, head, kind_of(head), hashed="--hash" in rest)
            return
        for option in arguments(_words(rest)):
            if option.name == "--editable":
                self._add(line, option.value, "checkout" if kind_of(option.value) == "vcs" else "local")
            elif option.name in {"--requirement", "--constraint"}:
                if re.match(r"(?:https?|file):", option.value):
                    self.found.remote = self.found.remote or line.place
                else:
                    yield join(posixpath.dirname(image), option.value), option.name == "--constraint"
            elif option.name:
                self.found.settings.setdefault(option.name, line.place)
                if option.name == "--find-links" and not self._path(posixpath.dirname(image), option.value):
                    self._path(self.cwd, option.value)

    def _add(self, line: Line, text: str, kind: str, *, hashed: bool = False) -> None:
        if kind == "archive":
            path = (text.partition("@")[2] or text).partition(";")[0].strip()
            kind = kind if self._path(self.cwd, re.sub(r"\[[^\[\]]*\]\Z", "", path)) else "local"
        pinned = hashed or is_pinned(text, kind)
        self.found.lines.append(Line(line.file, line.number, text, kind, pinned, hashed, line.constraint))

    def _path(self, directory: str | None, path: str) -> bool:
        image = join(directory, path) if directory is not None else path
        origin = self.scene.origin(image)
        if origin is not None:
            self.found.files[image] = origin
        return origin is not None

    def _pylock(self, origin: str, data: bytes) -> None:
        self.found.settings.setdefault("pylock", origin)
        packages = (parse_toml(data) or {}).get("packages")
        for package in packages if isinstance(packages, list) else []:
            if isinstance(package, dict):
                kind = "local" if "directory" in package else "named"
                self.found.lines.append(Line(origin, 1, str(package.get("name")), kind, pinned=True))


def _words(text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError:
        return text.split()


def layout(files: Mapping[str, str], cwd: str | None) -> tuple[str, str, tuple[str, ...]] | None:
    """An image directory and the context directory behind it that place every file, with the files relative to them."""
    first, origin = next(iter(files.items()))
    above = posixpath.dirname(first)
    tries = [cwd] if cwd is not None else []
    while above and above not in tries:
        tries.append(above)
        above = posixpath.dirname(above)
    for directory in tries:
        rest = relative(first, directory)
        if rest is None or not (f"/{origin}".endswith(f"/{rest}") or rest == ""):
            continue
        root = origin[: len(origin) - len(rest)].rstrip("/")
        needs = {image: relative(image, directory) for image in files}
        if all(need is not None and posixpath.join(root, need) == files[image] for image, need in needs.items()):
            return directory, root, tuple(need or "." for need in needs.values())
    return None
