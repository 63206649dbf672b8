"""The builds of Bake files, HCL and JSON.

From the Bake file reference (docker/buildx, docs/bake-reference.md) and its source (bake/bake.go): what several files
say of a target is merged; ``inherits`` lays the later over the earlier and the target itself over all; ``matrix`` makes
a target of each combination; a relative ``context`` starts at the directory that bake runs in, and ``dockerfile`` at
the context. That directory is not written anywhere: it is the one of the file, as bake looks for files in its own, or,
where what the file names is not there, the root of the repository, since ``-f`` was used.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence
from itertools import product
from typing import Any, NamedTuple

from dockerlayer.builds import hcl, yamltree
from dockerlayer.builds.definition import (
    Build,
    Problem,
    Reader,
    Reading,
    Unusable,
    context_named,
    is_remote,
    placed,
    text_of,
)
from dockerlayer.builds.functions import as_text
from dockerlayer.builds.yamltree import Node, Table, Text

MATRIX_LIMIT = 200
_TEXTS = ("context", "dockerfile", "dockerfile-inline", "target")
_MAPS = ("args", "contexts")
Expression = Callable[[hcl.Scope], Any]


class Target(NamedTuple):
    """A target as one file has it, before anything is evaluated."""

    file: str
    line: int
    attributes: Mapping[str, Expression]


class Definition(NamedTuple):
    """What one or several files define."""

    targets: dict[str, list[Target]]
    variables: dict[str, Expression | None]
    functions: dict[str, Mapping[str, Expression]]
    wanted: set[str]
    work: hcl.Work


class Resolved(NamedTuple):
    """A target's values, each with what it inherits below; a value that cannot be told is its cause."""

    file: str
    line: int
    values: Mapping[str, Any]


def read_bake(
    paths: Sequence[str], read: Reader, root: str | None = None, services: Mapping[str, Build] = {}
) -> Reading:
    """The builds of Bake files that are used together.

    ``root`` is the root of the repository, from which bake may run too; ``services`` are the builds of a Compose file
    that bake reads with them, by name: a target of that name is laid over it.
    """
    definition = Definition({}, {}, {}, set(), hcl.Work())
    problems: list[Problem] = []
    for path in paths:
        try:
            _add(definition, path, read(path))
        except Unusable as error:
            problems.append(Problem(path, error.line, error.message, missing=error.missing))
    maker = _Maker(definition)
    builds: list[Build] = []
    for name, targets in definition.targets.items():
        try:
            for each, resolved in maker.expanded(name, targets):
                build = _build(each, resolved, root, services.get(each), maker)
                if build is not None:
                    builds.append(build)
        except Unusable as error:
            target = targets[-1]
            line = error.line or target.line
            problems.append(Problem(target.file, line, f"target {name} is left out: {error.message}", name))
    return Reading(tuple(builds), tuple(problems))


def _add(definition: Definition, path: str, data: bytes) -> None:
    found, loose = _json_blocks(data) if path.endswith(".json") else _hcl_blocks(data)
    definition.variables.update(loose)
    for kind, label, line, attributes in found:
        if kind == "target":
            definition.targets.setdefault(label, []).append(Target(path, line, attributes))
        elif kind == "variable":
            definition.variables[label] = attributes.get("default")
        elif kind == "function":
            definition.functions[label] = attributes
        elif kind == "group" and "targets" in attributes:
            try:
                definition.wanted.update(map(as_text, attributes["targets"](_scope(definition))))
            except (Unusable, TypeError):
                continue


_Blocks = tuple[list[tuple[str, str, int, Mapping[str, Expression]]], Mapping[str, Expression]]


def _hcl_blocks(data: bytes) -> _Blocks:
    found, loose = hcl.blocks(data)
    return (
        [(block.kind, block.label, block.line, _expressions(block.kind, block.attributes)) for block in found],
        _expressions("", loose),
    )


def _expressions(kind: str, attributes: Mapping[str, Any]) -> dict[str, Expression]:
    if kind == "function":
        # Names of parameters are bare words, which would be looked up.
        names = attributes.get("params")
        words = [child.text.decode() for child in _names_in(names)] if names is not None else []
        made: dict[str, Expression] = {"params": lambda scope: words}
        if "variadic_params" in attributes:
            made["variadic_params"] = lambda scope: ""
        if "result" in attributes:
            made["result"] = _expression(attributes["result"])
        return made
    return {name: _expression(node) for name, node in attributes.items()}


def _names_in(node: Any) -> list[Any]:
    if node.type == "variable_expr":
        return [node.named_children[0]]
    return [found for child in node.named_children for found in _names_in(child)]


def _expression(node: Any) -> Expression:
    return lambda scope: hcl.evaluate(node, scope)


def _json_blocks(data: bytes) -> _Blocks:
    """The blocks of a JSON file, which YAML's parser gives with lines."""
    import json

    try:
        json.loads(text_of(data))
    except ValueError as error:
        raise Unusable(f"not JSON: {error}", getattr(error, "lineno", 0)) from error
    except RecursionError as error:
        raise Unusable("not JSON: nested too deep") from error
    found: list[tuple[str, str, int, Mapping[str, Expression]]] = []
    for root in yamltree.documents(data.replace(b"\t", b" ")):
        for kind in ("variable", "function", "group", "target"):
            table = root.get(kind) if isinstance(root, Table) else None
            if not isinstance(table, Table):
                continue
            for label, block in table.items().items():
                if isinstance(block, Table):
                    attributes = {name: _json_expression(value) for name, value in block.items().items()}
                    found.append((kind, label, table.line_of(label), attributes))
    return found, {}


def _json_expression(node: Node) -> Expression:
    def value(scope: hcl.Scope) -> Any:
        return _json_value(node, scope)

    return value


def _json_value(node: Node, scope: hcl.Scope) -> Any:
    if isinstance(node, Table):
        return {name: _json_value(value, scope) for name, value in node.items().items()}
    if not isinstance(node, Text):
        return [_json_value(item, scope) for item in node.items]
    if node.value is None or not re.search(r"[$%]\{", node.value):
        return node.value
    return hcl.evaluate(hcl.template(node.value), scope)


def _scope(definition: Definition, above: tuple[str, ...] = ()) -> hcl.Scope:
    def variable(name: str) -> Any:
        if name not in definition.variables:
            raise Unusable(f"the value of {name} is not known here")
        default = definition.variables[name]
        if default is None:
            raise Unusable(f"the variable {name} has no default")
        if name in above or len(above) > hcl.DEPTH_LIMIT:
            raise Unusable(f"the variable {name} is made of itself")
        return default(_scope(definition, (*above, name)))

    def function(name: str) -> Callable[..., Any] | None:
        attributes = definition.functions.get(name)
        if attributes is None:
            return None
        if "result" not in attributes or "variadic_params" in attributes or name in above:
            raise Unusable(f"the function {name} is not understood")
        result, names = attributes["result"], attributes["params"](scope)

        def call(*values: Any) -> Any:
            if len(values) != len(names):
                raise Unusable(f"the function {name} takes {len(names)} values")
            return result(_scope(definition, (*above, name)).knowing(dict(zip(names, values, strict=True))))

        return call

    scope = hcl.Scope(variable, function, definition.work)
    return scope


class _Maker:
    """Makes targets of what is defined, and keeps what was made."""

    def __init__(self, definition: Definition) -> None:
        self.definition = definition
        self.inherited: set[str] = set()
        self._made: dict[str, dict[str, tuple[list[Target], hcl.Scope]]] = {}
        for name, targets in definition.targets.items():
            try:
                for each, scope in self._forked(targets, name).items():
                    self._made.setdefault(each, {})[name] = (targets, scope)
                    self.inherited.update(_inherits(targets, scope))
            except Unusable:
                continue

    def _forked(self, targets: Sequence[Target], name: str) -> dict[str, hcl.Scope]:
        """The names that a target comes to, each with what is known in it; raises Unusable."""
        scope = _scope(self.definition)
        attributes = _together(targets)
        if "matrix" not in attributes:
            return {name: scope}
        matrix = attributes["matrix"](scope)
        if not isinstance(matrix, dict) or not all(isinstance(values, list) for values in matrix.values()):
            raise Unusable("matrix is no mapping of lists")
        size = 1
        for values in matrix.values():
            size *= len(values)
        if size > MATRIX_LIMIT:
            raise Unusable(f"matrix makes more than {MATRIX_LIMIT} targets")
        found: dict[str, hcl.Scope] = {}
        for at, values in enumerate(product(*matrix.values())):
            known = scope.knowing(dict(zip(matrix, values, strict=True)))
            each = as_text(attributes["name"](known)) if "name" in attributes else f"{name}-{at}"
            found[each] = known
        return found

    def expanded(self, name: str, targets: Sequence[Target]) -> list[tuple[str, Resolved]]:
        """The targets that one definition comes to; raises Unusable."""
        return [(each, self._resolved(targets, scope, (each,))) for each, scope in self._forked(targets, name).items()]

    def _resolved(self, targets: Sequence[Target], scope: hcl.Scope, above: tuple[str, ...]) -> Resolved:
        self.definition.work.step()
        values: dict[str, Any] = {}
        for parent in _inherits(targets, scope):
            if parent in above or len(above) > hcl.DEPTH_LIMIT:
                raise Unusable(f"target {parent} inherits from itself")
            made = self._made.get(parent)
            if made is None:
                raise Unusable(f"there is no target {parent} to inherit from")
            for others, known in made.values():
                _lay(values, self._resolved(others, known, (*above, parent)).values)
        own: dict[str, Any] = {}
        for target in targets:
            _lay(
                own,
                {
                    name: _told(target.attributes[name], scope)
                    for name in (*_TEXTS, *_MAPS)
                    if name in target.attributes
                },
            )
        _lay(values, own)
        return Resolved(targets[-1].file, targets[-1].line, values)


def _together(targets: Sequence[Target]) -> dict[str, Expression]:
    return {name: value for target in targets for name, value in target.attributes.items()}


def _inherits(targets: Sequence[Target], scope: hcl.Scope) -> list[str]:
    attributes = _together(targets)
    if "inherits" not in attributes:
        return []
    names = attributes["inherits"](scope)
    if not isinstance(names, list):
        raise Unusable("inherits is no list")
    return [as_text(name) for name in names]


def _told(expression: Expression, scope: hcl.Scope) -> Any:
    try:
        return expression(scope)
    except Unusable as error:
        return error


def _lay(values: dict[str, Any], over: Mapping[str, Any]) -> None:
    """Put later values over earlier ones: maps key by key, and a null over nothing."""
    for name, value in over.items():
        if name in _MAPS and isinstance(value, dict):
            before = values.get(name)
            values[name] = {**(before if isinstance(before, dict) else {}), **value}
        elif value is not None:
            values[name] = value


def _build(name: str, resolved: Resolved, root: str | None, service: Build | None, maker: _Maker) -> Build | None:
    """The build, None where it needs no Dockerfile or no directory of this machine; raises Unusable."""
    values = dict(resolved.values)
    if "dockerfile-inline" in values:
        return None
    if not values.keys() & {"context", "dockerfile"} and service is not None:
        return None
    if not values.keys() & {"context", "dockerfile"} and (name.startswith("_") or name in maker.inherited):
        return None  # it is there for others to inherit from
    context, dockerfile = (_text(values.get(key)) for key in ("context", "dockerfile"))
    context = (context or ".").removeprefix("cwd://") or "."
    if is_remote(context) or is_remote(dockerfile.removeprefix("cwd://")):
        return None
    home = os.path.dirname(resolved.file)
    if service is not None and "context" not in values:
        bases = [service.context]
    else:
        bases = list(dict.fromkeys((home, root if root is not None else home)))
    found = [_at(name, resolved, values, base, context, dockerfile or "Dockerfile") for base in bases]
    there = [build for build in found if os.path.isfile(build.dockerfile)]
    if not there and (name.startswith("_") or name in maker.inherited):
        return None
    return (there or found)[0]


def _at(name: str, resolved: Resolved, values: Mapping[str, Any], base: str, context: str, dockerfile: str) -> Build:
    directory = placed(context, base)
    args, contexts = (
        {key: as_text(value) for key, value in _map(values.get(kind)).items() if isinstance(value, str | int | float)}
        for kind in _MAPS
    )
    target = values.get("target")
    return Build(
        "target",
        name,
        directory,
        placed(dockerfile.removeprefix("cwd://"), base if dockerfile.startswith("cwd://") else directory),
        resolved.file,
        resolved.line,
        target if isinstance(target, str) else "",
        args,
        {key: context_named(value.removeprefix("cwd://"), base) for key, value in contexts.items()},
    )


def _map(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: Any) -> str:
    if isinstance(value, Unusable):
        raise value
    return "" if value is None else as_text(value)
