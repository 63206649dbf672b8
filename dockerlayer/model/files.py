"""Which context files reach which place in the image: COPY and ADD read against the real build context.

Rules of placement (Dockerfile reference, COPY): a directory's *contents* go below the destination; a file goes into
the destination when that ends with a slash, is a directory already or has several sources, else it becomes it.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from functools import cached_property
from typing import NamedTuple

from dockerlayer.model.context import Context
from dockerlayer.model.paths import is_within, join, overlap, relative
from dockerlayer.model.stages import Step
from dockerlayer.model.variables import expand

# Files that travel with every context and that no build step of the project reads as source.
_NOT_SOURCE = ("Dockerfile", "Containerfile", ".dockerignore", ".gitignore", ".gitattributes", ".gitkeep")
# Directories that every base image has.
_DIRECTORIES = frozenset(
    """/ /bin /etc /home /lib /media /mnt /opt /root /run /sbin /srv /tmp /usr /usr/bin /usr/lib /usr/local
    /usr/local/bin /usr/local/lib /usr/local/share /usr/sbin /usr/share /usr/src /var /var/lib /var/tmp""".split()
)
_ARCHIVES = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz", ".tar.zst")


class Placed(NamedTuple):
    """One context path and the image path it lands on; for a directory, its contents land below ``image``."""

    context: str
    image: str
    is_dir: bool


class Placement:
    """What one step takes from the build context. ``opaque`` says that the files cannot be told from the text."""

    def __init__(self, step: Step, context: Context, sources: tuple[str, ...], target: str, opaque: bool) -> None:
        self.step = step
        self.context = context
        self.sources = sources
        self.target = target
        self.opaque = opaque

    @cached_property
    def placed(self) -> tuple[Placed, ...]:
        """The context paths that the sources match, with their place in the image."""
        if self.opaque:
            return ()
        if "parents" in self.step.flags:
            return tuple(self._with_parents())
        found = [path for source in self.sources for path in self.context.glob(source)]
        into_directory = self._into_directory(len(found))
        placed = []
        for path in found:
            is_dir = self.context.is_dir(path)
            inside = into_directory and not is_dir
            image = join(self.target, posixpath.basename(path)) if inside else self.target.rstrip("/") or "/"
            placed.append(Placed(path, image, is_dir))
        return tuple(placed)

    def _with_parents(self) -> Iterator[Placed]:
        """Each match with its directories, from behind the last ``/./`` of the source on."""
        for source in self.sources:
            base = posixpath.normpath(source.rpartition("/./")[0].lstrip("/") or ".") if "/./" in source else "."
            for path in self.context.glob(source):
                kept = posixpath.relpath(path or ".", base)
                yield Placed(path, join(self.target, kept), self.context.is_dir(path))

    def _into_directory(self, count: int) -> bool:
        target = self.target.rstrip("/") or "/"
        return (
            target in _DIRECTORIES
            or self.target.endswith("/")
            or count > 1
            or len(self.sources) > 1
            or is_within(self.step.state.workdir, target)
        )

    @property
    def raw_sources(self) -> tuple[str, ...]:
        """The sources as written, variables and all."""
        return self.step.instruction.args[:-1]

    @property
    def whole(self) -> bool:
        """Whether the whole context is a source, by its name alone."""
        return any(posixpath.normpath(source.lstrip("/") or ".") in {".", "*"} for source in self.sources)

    @property
    def blind(self) -> bool:
        """Whether nothing in the context matches: then this is probably not the directory the image is built from."""
        return not self.placed

    def origin(self, image: str) -> str | None:
        """The context path that lands on an image path through this step, whether or not it exists there."""
        absent = None
        for item in reversed(self.placed):
            if item.is_dir:
                rest = relative(image, item.image)
                if rest is not None:
                    path = posixpath.join(item.context, rest).rstrip("/")
                    if self.context.exists(path):
                        return path
                    absent = path if absent is None else absent
            elif item.image == image:
                return item.context
        return absent

    def files(self) -> Iterator[Placed]:
        """Every single file, lazily."""
        for item in self.placed:
            if not item.is_dir:
                yield item
                continue
            for path in self.context.walk(item.context):
                rest = posixpath.relpath(path, item.context) if item.context else path
                yield Placed(path, join(item.image, rest), False)

    def roots(self) -> tuple[str, ...]:
        """Image paths that this step may write: one level below a directory's destination, or the files."""
        if self.opaque or self.blind:
            return (self.target.rstrip("/") or "/",)
        found: set[str] = set()
        for item in self.placed:
            if not item.is_dir:
                found.add(item.image)
                continue
            found.update(join(item.image, name) for name in self.context.names(item.context))
        return tuple(sorted(found))

    def brings(self, path: str) -> bool:
        """Whether this step may write at, above or below an image path."""
        target = self.target.rstrip("/") or "/"
        if self.opaque or self.blind:
            return overlap(target, path)
        for item in self.placed:
            rest = relative(path, item.image)
            if not item.is_dir or rest is None:
                if overlap(item.image, path):
                    return True
            elif not rest or self.context.exists(posixpath.join(item.context, rest)) or self._file_above(item, rest):
                return True
        return False

    def _file_above(self, item: Placed, rest: str) -> bool:
        """Whether the context has a file where ``rest`` would need a directory."""
        while "/" in rest:
            rest = posixpath.dirname(rest)
            if self.context.is_file(posixpath.join(item.context, rest)):
                return True
        return False

    def others(self, needed: frozenset[str]) -> Iterator[Placed]:
        """The files that are not needed: neither named by a context path in ``needed`` nor below one."""
        for item in self.files():
            name = posixpath.basename(item.context)
            if name.startswith(_NOT_SOURCE) or item.context in needed:
                continue
            if not any(is_within(item.context, directory) for directory in needed):
                yield item


def placement_of(step: Step, context: Context) -> Placement | None:
    """What a COPY or ADD takes from the context; None for every other step, ``--from``, URLs and here-documents."""
    if step.name not in {"copy", "add"} or step.flag("from") is not None or len(step.instruction.args) < 2:
        return None
    values = step.state.values
    words = [expand(word, values) for word in step.instruction.args]
    inline = {f"<<{doc.name}" for doc in step.instruction.heredocs}
    sources = tuple(
        word
        for raw, word in zip(step.instruction.args[:-1], words[:-1], strict=True)
        if not raw.startswith("<<") and word not in inline and not _is_remote(word)
    )
    if not sources:
        return None
    deep = "parents" in step.flags and any("**" in source for source in sources)
    opaque = deep or "exclude" in step.flags or any("$" in word for word in (*sources, words[-1]))
    if step.name == "add" and any(source.endswith(_ARCHIVES) for source in sources):
        opaque = True
    target = join(step.state.workdir, words[-1]) + ("/" if words[-1].endswith(("/", "/.")) or words[-1] == "." else "")
    return Placement(step, context, sources, target, opaque)


def _is_remote(word: str) -> bool:
    return word.startswith(("http://", "https://", "git@", "git://", "ssh://"))


def bind_placements(step: Step, context: Context) -> Iterator[Placement]:
    """What the bind mounts of a RUN show it of the context."""
    for mount in step.mounts:
        if mount.kind == "bind" and not mount.origin:
            source = mount.source or "."
            is_dir = context.is_dir(posixpath.normpath(source.lstrip("/") or "."))
            yield Placement(step, context, (source,), mount.target + ("/" if is_dir else ""), "$" in source)
