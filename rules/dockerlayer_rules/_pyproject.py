"""pyproject.toml, setup.cfg and setup.py: what a project says it depends on. Nothing of the project is ever run."""

from __future__ import annotations

import codecs
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from dockerlayer.api import (
    Scene,
    join,
)

if TYPE_CHECKING:
    import libcst  # imported where it is used: it costs more start-up time than all the rest together

_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32-le"), (codecs.BOM_UTF32_BE, "utf-32-be"), (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"),
)  # fmt: skip


def decode(data: bytes) -> str:
    """The text of a file: by its byte order mark, else UTF-8, and never an error."""
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return data[len(mark) :].decode(encoding, "replace")
    return data.decode("utf-8", "replace")


@dataclass(slots=True, frozen=True)
class Project:
    """What a project's own metadata says. ``dependencies`` is None when only running code would tell.

    ``source`` says what holds them: project, setup.py, setup.cfg, poetry or dynamic. ``table`` is pyproject.toml.
    """

    manifest: str
    source: str
    dependencies: tuple[str, ...] | None
    extras: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    requires: tuple[str, ...] = ()
    backend: str = ""
    name: str = ""
    table: Mapping[str, object] = field(default_factory=dict)
    setup: str = ""

    @property
    def own_backend(self) -> bool:
        """Whether the build backend is part of the project."""
        return bool(_table(self.table, "build-system").get("backend-path"))

    @property
    def build_extra(self) -> str:
        """What lets the build backend ask for more than build-system.requires, or nothing."""
        tool = _table(self.table, "tool")
        hatch = _table(_table(tool, "hatch"), "build")
        pdm = _table(_table(tool, "pdm"), "build")
        if self.backend.startswith("setuptools") and "setup_requires" in self.setup:
            return "setup_requires"
        if self.backend.startswith("hatchling") and _asks_for_more(hatch):
            return "[tool.hatch.build]"
        if self.backend.startswith("pdm") and pdm.keys() & {"run-setuptools", "editable-backend"}:
            return "[tool.pdm.build]"
        if self.backend.startswith("poetry") and "build" in _table(tool, "poetry"):
            return "[tool.poetry.build]"
        return ""


def _asks_for_more(table: Mapping[str, object]) -> bool:
    """Whether a table of hatchling's has a build hook, or names dependencies, at any depth."""
    pending: list[Mapping[str, object]] = [table]
    while pending:
        current = pending.pop()
        if current.keys() & {"dependencies", "require-runtime-dependencies", "require-runtime-features"}:
            return True
        if _table(current, "hooks").keys() - {"vcs", "version"}:
            return True
        pending.extend(value for value in current.values() if isinstance(value, dict))
    return False


def read_project(scene: Scene, directory: str) -> Project | None:
    """The project in an image directory, from the files of the context behind it; None when there is none."""
    texts = {name: scene.read(join(directory, name)) for name in ("pyproject.toml", "setup.cfg", "setup.py")}
    data = texts["pyproject.toml"]
    table: Mapping[str, object] = {}
    if data is not None:
        parsed = parse_toml(data)
        if parsed is None:
            return Project("pyproject.toml", "broken", None)
        table = parsed
        project = _table(table, "project")
        if project:
            setup = decode((texts["setup.py"] or b"") + (texts["setup.cfg"] or b""))
            return _standard(project, table, setup)
        poetry = _table(_table(table, "tool"), "poetry")
        if poetry:
            names = tuple(name for name in _table(poetry, "dependencies") if name != "python")
            return Project("pyproject.toml", "poetry", names, table=table)
    if texts["setup.cfg"] is not None and (listed := _setup_cfg(decode(texts["setup.cfg"]))) is not None:
        return Project("setup.cfg", "setup.cfg", listed, table=table)
    if texts["setup.py"] is not None:
        return Project("setup.py", "setup.py", install_requires(texts["setup.py"]), table=table)
    if data is not None and (table or texts["setup.cfg"] is not None):
        return Project("pyproject.toml", "dynamic", None, table=table)
    return None


def _standard(project: Mapping[str, object], table: Mapping[str, object], setup: str) -> Project:
    build = _table(table, "build-system")
    listed = _strings(project.get("dependencies", []))
    dynamic = listed is None or "dependencies" in (_strings(project.get("dynamic")) or ())
    return Project(
        "pyproject.toml",
        "dynamic" if dynamic else "project",
        None if dynamic else listed,
        {name: _strings(value) or () for name, value in _table(project, "optional-dependencies").items()},
        _strings(build.get("requires")) or ("setuptools",),
        str(build.get("build-backend") or "setuptools.build_meta"),
        str(project.get("name") or ""),
        table,
        setup,
    )


def parse_toml(data: bytes) -> dict[str, object] | None:
    import tomllib

    try:
        return tomllib.loads(data.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        return None


def _table(table: Mapping[str, object], name: str) -> Mapping[str, object]:
    value = table.get(name)
    return value if isinstance(value, dict) else {}


def table_of(table: Mapping[str, object], *names: str) -> Mapping[str, object]:
    """The table that some keys lead to, one below the other; empty where there is none."""
    for name in names:
        table = _table(table, name)
    return table


def _strings(value: object) -> tuple[str, ...] | None:
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return tuple(value)
    return None


def _setup_cfg(text: str) -> tuple[str, ...] | None:
    import configparser

    parser = configparser.RawConfigParser(strict=False)
    try:
        parser.read_string(text)
        value = parser.get("options", "install_requires", fallback="")
    except (configparser.Error, ValueError):
        return None
    lines = tuple(line.strip() for line in value.splitlines() if line.strip() and not line.strip().startswith("#"))
    return lines if lines and not value.strip().startswith("file:") else None


def install_requires(data: bytes) -> tuple[str, ...] | None:
    """The ``install_requires`` of a setup.py where it is a plain list of strings, read without running the file."""
    import ast
    import warnings

    source = decode(data)
    if len(source) > 65536 or "install_requires" not in source:
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ast.parse(source)  # refuses the nesting on which libcst would overflow the native stack
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return None
    import libcst

    try:
        statements = list(_statements(libcst.parse_module(source).body))
    except (libcst.ParserSyntaxError, RecursionError):
        return None
    lists: dict[str, libcst.BaseExpression] = {}
    for statement in statements:
        if isinstance(statement, libcst.Assign) and isinstance(target := statement.targets[0].target, libcst.Name):
            lists[target.value] = statement.value
        elif isinstance(statement, libcst.Expr) and isinstance(statement.value, libcst.Call):
            function = statement.value.func
            name = function.attr if isinstance(function, libcst.Attribute) else function
            if not isinstance(name, libcst.Name) or name.value != "setup":
                continue
            for argument in statement.value.args:
                if argument.keyword is not None and argument.keyword.value == "install_requires":
                    value = argument.value
                    return _literals(lists.get(value.value, value) if isinstance(value, libcst.Name) else value)
    return None


def _statements(body: Iterable[libcst.CSTNode]) -> Iterator[libcst.CSTNode]:
    """The simple statements of a module that may run, those below ``if`` included, in order."""
    import libcst

    for node in body:
        if isinstance(node, libcst.SimpleStatementLine):
            yield from node.body
        elif isinstance(node, libcst.If) and isinstance(node.body, libcst.IndentedBlock):
            yield from _statements(node.body.body)


def _literals(node: libcst.BaseExpression) -> tuple[str, ...] | None:
    import libcst

    if not isinstance(node, (libcst.List, libcst.Tuple)):
        return None
    found = []
    for element in node.elements:
        if not isinstance(element.value, (libcst.SimpleString, libcst.ConcatenatedString)):
            return None
        value = element.value.evaluated_value
        if not isinstance(value, str):
            return None
        found.append(value)
    return tuple(found)
