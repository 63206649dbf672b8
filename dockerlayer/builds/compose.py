"""The builds of Compose files.

From the Compose specification (compose-spec/compose-spec): a relative ``context`` starts at the project directory and
``dockerfile`` at the context (build.md); what several files say of a service is merged key by key (13-merge.md); paths
of an included file start at its own project directory (14-include.md), and those of a service that is extended at the
directory of its file (05-services.md, "extends"); values are interpolated before they are merged (12-interpolation.md).
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from dockerlayer.builds import yamltree
from dockerlayer.builds.definition import Build, Problem, Reader, Reading, Unusable, context_named, is_remote, placed
from dockerlayer.builds.interpolate import dotenv, interpolate
from dockerlayer.builds.yamltree import Node, Table, Text

FILE_LIMIT = 64
DEPTH_LIMIT = 64
_FIELDS = ("context", "dockerfile", "dockerfile_inline", "target")
_WORDS = ("args", "additional_contexts")


class Said(NamedTuple):
    """A value with the directory that a path in it starts from; ``cause`` is why there is no ``text``."""

    text: str
    base: str
    cause: Unusable | None = None

    def told(self) -> str:
        """The text; raises Unusable."""
        if self.cause is not None:
            raise self.cause
        return self.text


class Draft(NamedTuple):
    """What one or several files say of a service's build, as far as it is read here.

    ``directory`` is the project directory, where the context is if nothing is said.
    """

    file: str
    line: int
    directory: str
    fields: Mapping[str, Said]
    words: Mapping[str, Mapping[str, Said]]
    unset: frozenset[str] = frozenset()
    alone: bool = False

    def over(self, other: Draft | None) -> Draft:
        """This laid over what an earlier file says of the same service."""
        if other is None or self.alone:
            return self
        fields = {name: said for name, said in other.fields.items() if name not in self.unset}
        words = {
            name: {**({} if name in self.unset else other.words.get(name, {})), **self.words.get(name, {})}
            for name in _WORDS
        }
        return self._replace(fields={**fields, **self.fields}, words=words)


def read_compose(paths: Sequence[str], read: Reader, beside: Sequence[str] = ()) -> Reading:
    """The builds of Compose files that are used together, the later over the earlier.

    ``beside`` are the files that these are probably laid over, as ``-f`` does: what a service does not say of its build
    is taken from there, and so is the rest where the file alone names a Dockerfile that is not there. Only the builds
    of ``paths`` are told. What keeps a file from being read is a problem, and the others are still read.
    """
    project = _Project(read)
    drafts = project.merged(paths)
    below = _Project(read).merged(beside) if beside else {}
    builds: list[Build] = []
    for name, draft in drafts.items():
        under = below.get(name)
        try:
            if under is not None and "context" not in draft.fields:
                draft = draft.over(under)
            build = _build(name, draft)
            if under is not None and build is not None and not os.path.isfile(build.dockerfile):
                build = _build(name, draft.over(under))
        except Unusable as error:
            project.problems.append(
                Problem(draft.file, draft.line, f"service {name} is left out: {error.message}", name)
            )
            continue
        if build is not None:
            builds.append(build)
    return Reading(tuple(builds), tuple(dict.fromkeys(project.problems)), frozenset(project.included))


def _build(name: str, draft: Draft) -> Build | None:
    """The build, None where it needs no Dockerfile or no directory of this machine."""
    if "dockerfile_inline" in draft.fields:
        return None
    said = draft.fields.get("context", Said(".", draft.directory))
    context = said.told() or "."
    if is_remote(context):
        return None
    directory = placed(context, said.base)
    dockerfile = draft.fields["dockerfile"].told() if "dockerfile" in draft.fields else ""
    target = draft.fields.get("target", Said("", ""))
    args, contexts = (
        {key: said for key, said in draft.words.get(kind, {}).items() if said.cause is None} for kind in _WORDS
    )
    return Build(
        "service",
        name,
        directory,
        placed(dockerfile or "Dockerfile", directory),
        draft.file,
        draft.line,
        "" if target.cause else target.text,
        {key: said.text for key, said in args.items()},
        {key: context_named(said.text, said.base) for key, said in contexts.items()},
    )


class _File(NamedTuple):
    """A file, the directory that its paths start from, and the values of its variables."""

    path: str
    directory: str
    values: Mapping[str, str]

    def said(self, node: Node | None) -> Said:
        text = node.value or "" if isinstance(node, Text) else ""
        try:
            return Said(interpolate(text, self.values), self.directory)
        except Unusable as error:
            return Said("", self.directory, error)


class _Project:
    """Reads files, those that they include and extend too, and keeps count of them."""

    def __init__(self, read: Reader) -> None:
        self.read = read
        self.problems: list[Problem] = []
        self.included: set[str] = set()
        self._parsed: dict[str, list[Node]] = {}
        self._including: list[str] = []
        self._inclusions = 0

    def merged(
        self, paths: Sequence[str], directory: str | None = None, outer: Mapping[str, str] | None = None
    ) -> dict[str, Draft]:
        """The drafts of files that are used together. ``outer`` are the values of an including project."""
        if directory is None:
            directory = os.path.dirname(paths[0])
        values = {**self._environment([os.path.join(directory, ".env")]), **(outer or {})}
        drafts: dict[str, Draft] = {}
        included: dict[str, Draft] = {}
        for path in paths:
            file = _File(path, directory, values)
            try:
                for root in self._roots(path):
                    self._services(file, root, drafts)
                    included |= self._included(file, root)
            except Unusable as error:
                self.problems.append(Problem(path, error.line, error.message, missing=error.missing))
        return {**included, **drafts}

    def _environment(self, paths: Sequence[str]) -> dict[str, str]:
        values: dict[str, str] = {}
        for path in paths:
            try:
                values |= dotenv(self.read(path))
            except Unusable:
                continue
        return values

    def _roots(self, path: str) -> list[Table]:
        """The documents of a file that are mappings; raises Unusable."""
        if path not in self._parsed:
            if len(self._parsed) >= FILE_LIMIT:
                raise Unusable(f"more than {FILE_LIMIT} files are included and extended")
            self._parsed[path] = yamltree.documents(self.read(path))
        return [root for root in self._parsed[path] if isinstance(root, Table)]

    def _services(self, file: _File, root: Table, drafts: dict[str, Draft]) -> None:
        services = root.get("services")
        if not isinstance(services, Table):
            if services is not None:
                raise Unusable("services is no mapping", services.line)
            return
        for name in services.items():
            try:
                draft = self._draft(file, root, name, ())
            except Unusable as error:
                line = error.line or services.line_of(name)
                message = f"service {name} is left out: {error.message}"
                self.problems.append(Problem(file.path, line, message, name))
                continue
            if draft is not None:
                drafts[name] = draft.over(drafts.get(name))

    def _draft(self, file: _File, root: Table, name: str, above: tuple[tuple[str, str], ...]) -> Draft | None:
        """What a file says of a service, with what it extends below; None if it is not built. Raises Unusable."""
        services = root.get("services")
        service = services.get(name) if isinstance(services, Table) else None
        if not isinstance(services, Table) or not isinstance(service, Table):
            if above:
                raise Unusable(f"there is no service {name} in {file.path}, which is extended")
            return None
        if (file.path, name) in above:
            raise Unusable(f"service {name} extends itself")
        if len(above) > DEPTH_LIMIT:
            raise Unusable(f"service {name} is extended over more than {DEPTH_LIMIT} steps")
        extended = self._extended(file, root, service, (*above, (file.path, name)))
        node = service.get("build")
        line = service.lines.get("build") or services.line_of(name)
        if node is None:
            return None if extended is None else extended._replace(file=file.path, line=line, directory=file.directory)
        draft = _draft_of(file, node, line)
        return draft.over(extended)

    def _extended(self, file: _File, root: Table, service: Table, above: tuple[tuple[str, str], ...]) -> Draft | None:
        node = service.get("extends")
        if isinstance(node, Text) and node.value:
            return self._draft(file, root, node.value, above)
        if not isinstance(node, Table):
            return None
        wanted = node.get("service")
        if not isinstance(wanted, Text) or not wanted.value:
            return None
        place = node.get("file")
        if place is None:
            return self._draft(file, root, wanted.value, above)
        path = placed(file.said(place).told(), file.directory)
        other = _File(path, os.path.dirname(path), file.values)
        for found in self._other_roots(path, place.line):
            return self._draft(other, found, wanted.value, above)
        return None

    def _other_roots(self, path: str, line: int) -> list[Table]:
        try:
            return self._roots(path)
        except Unusable as error:
            raise Unusable(f"{path}: {error.message}", line, missing=error.missing) from error

    def _included(self, file: _File, root: Table) -> dict[str, Draft]:
        """The services of the files that a document includes."""
        found: dict[str, Draft] = {}
        node = root.get("include")
        for item in node.items if isinstance(node, yamltree.Sequence) else ():
            table = item if isinstance(item, Table) else None
            try:
                names = [file.said(one).told() for one in _several(table.get("path") if table else item)]
                if not names or any(is_remote(name) or name.startswith("oci:") for name in names):
                    continue
                paths = [placed(name, file.directory) for name in names]
                own = table.get("project_directory") if table else None
                directory = placed(file.said(own).told(), file.directory) if own else os.path.dirname(paths[0])
                if paths[0] in self._including or len(self._including) > FILE_LIMIT:
                    raise Unusable(f"{paths[0]} includes itself")
                self._inclusions += 1
                if self._inclusions > FILE_LIMIT:
                    raise Unusable(f"files are included more than {FILE_LIMIT} times")
                files = (
                    [placed(file.said(one).told(), file.directory) for one in _several(table.get("env_file"))]
                    if table
                    else []
                )
                values = {**self._environment(files), **file.values}
                for path in paths:
                    self._other_roots(path, item.line)
            except Unusable as error:
                self.problems.append(Problem(file.path, item.line, error.message, missing=error.missing))
                continue
            self._including.append(paths[0])
            self.included.update(paths)
            try:
                found |= self.merged(paths, directory, values)
            finally:
                self._including.pop()
        return found


def _several(node: Node | None) -> list[Node]:
    if isinstance(node, yamltree.Sequence):
        return node.items
    return [] if node is None else [node]


def _draft_of(file: _File, node: Node, line: int) -> Draft:
    if isinstance(node, Text):
        if node.tag == "!reset":
            return Draft(file.path, line, file.directory, {}, {}, frozenset((*_FIELDS, *_WORDS)))
        return Draft(file.path, line, file.directory, {"context": file.said(node)}, {})
    if not isinstance(node, Table):
        raise Unusable("build is neither a path nor a mapping", node.line)
    items = node.items()
    unset = frozenset(name for name, value in items.items() if value.tag in {"!reset", "!override"})
    fields: dict[str, Said] = {}
    for name in _FIELDS:
        value = node.get(name)
        if value is not None and value.tag != "!reset":
            if not isinstance(value, Text):
                raise Unusable(f"build.{name} is not a text", value.line)
            fields[name] = file.said(value)
    words = {name: _words(file, node.get(name)) for name in _WORDS}
    return Draft(file.path, line, file.directory, fields, words, unset, alone=node.tag == "!override")


def _words(file: _File, node: Node | None) -> dict[str, Said]:
    """Names and values of a mapping, or of a list of ``NAME=VALUE``; names without a value are left out."""
    if node is None or node.tag == "!reset":
        return {}
    if isinstance(node, Table):
        return {name: file.said(value) for name, value in node.items().items() if node.get(name) is not None}
    found: dict[str, Said] = {}
    for item in _several(node):
        said = file.said(item)
        name, equals, value = said.text.partition("=")
        if equals:
            found[name] = said._replace(text=value)
    return found
