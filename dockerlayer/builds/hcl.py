"""HCL as Bake files use it: blocks with attributes, and the values of expressions.

Read with tree-sitter's grammar of HCL; what an expression does is from the HCL syntax specification
(hashicorp/hcl, hclsyntax/spec.md). What is not known here, a function or an operator, has no value.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from dockerlayer.builds.definition import Unusable, text_of
from dockerlayer.builds.functions import FUNCTIONS, as_text, operate

DEPTH_LIMIT = 64
STEP_LIMIT = 100_000
SIZE_LIMIT = 20_000
"""Elements of a list and characters of a text that an expression may make."""

Value = Any
"""A str, bool, int, float, None, list or dict."""


class Work:
    """Counts what is evaluated: variables, functions and targets that name others twice double it with each step."""

    def __init__(self) -> None:
        self._done = 0

    def step(self) -> None:
        """Raise Unusable when it has become too much."""
        self._done += 1
        if self._done > STEP_LIMIT:
            raise Unusable("it takes too long to evaluate")


class Scope(NamedTuple):
    """What names mean: ``variable`` gives the value of a name, ``function`` one that the file defines, or None."""

    variable: Callable[[str], Value]
    function: Callable[[str], Callable[..., Value] | None]
    work: Work
    depth: int = 0

    def knowing(self, names: Mapping[str, Value]) -> Scope:
        """The same with more names."""
        outer = self.variable
        return self._replace(variable=lambda name: names[name] if name in names else outer(name))


class Block(NamedTuple):
    """``kind "label" { ... }``: each attribute as its expression."""

    kind: str
    label: str
    line: int
    attributes: Mapping[str, Any]


@lru_cache(maxsize=1)
def _parser() -> Any:
    import tree_sitter_hcl
    from tree_sitter import Language, Parser

    return Parser(Language(tree_sitter_hcl.language()))


def blocks(data: bytes) -> tuple[list[Block], dict[str, Any]]:
    """The blocks of a file, and its attributes outside of them; raises Unusable with the line of a syntax error."""
    root = _parser().parse(text_of(data).encode()).root_node
    if root.has_error:
        raise Unusable("not HCL", _first_error(root))
    found: list[Block] = []
    loose: dict[str, Any] = {}
    for body in root.named_children:
        if body.type != "body":
            continue
        for node in body.named_children:
            if node.type == "attribute":
                loose[_text(node.named_children[0])] = node.named_children[1]
            elif node.type == "block":
                found.append(_block(node))
    return found, loose


def template(text: str) -> Any:
    """The expression of a text as it stands in JSON: a template in quotes; raises Unusable."""
    parts: list[str] = []
    depth = 0
    for part in re.split(r"(\$\$\{|\$\{|[{}])", text):
        if part == "${" or (part == "{" and depth):
            depth += 1
        elif part == "}" and depth:
            depth -= 1
        elif not depth:
            part = _QUOTED.sub(lambda match: _QUOTES[match[0]], part)
        parts.append(part)
    found, loose = blocks(b'x = "%s"\n' % "".join(parts).encode())
    if found or "x" not in loose:
        raise Unusable("a template that is not understood")
    return loose["x"]


def _first_error(root: Any) -> int:
    """The line of the first node that is wrong, found on the way down."""
    node = root
    while True:
        inside = next((child for child in node.children if child.has_error or child.is_missing), None)
        if inside is None or inside.type == "ERROR" or inside.is_missing:
            return int((inside or node).start_point[0]) + 1
        node = inside


def _block(node: Any) -> Block:
    names = [child for child in node.named_children if child.type in {"identifier", "string_lit"}]
    body = next((child for child in node.named_children if child.type == "body"), None)
    attributes = {
        _text(child.named_children[0]): child.named_children[1]
        for child in (body.named_children if body is not None else ())
        if child.type == "attribute"
    }
    label = _literal(names[1]) if len(names) > 1 and names[1].type == "string_lit" else ""
    return Block(_text(names[0]), label, node.start_point[0] + 1, attributes)


def _text(node: Any) -> str:
    return str(node.text.decode())


_QUOTED = re.compile(r'[\\"\n\r]')
_QUOTES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r"}
_ESCAPE = re.compile(r'\\(?:([nrt"\\])|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8}))|([$%])[$%](?=\{)')
_CONTROL = {"n": "\n", "r": "\r", "t": "\t"}


def _unescaped(text: str) -> str:
    def one(match: re.Match[str]) -> str:
        plain, short, long, sign = match.groups()
        if sign:
            return sign
        code = short or long
        if code:
            return chr(int(code, 16)) if int(code, 16) <= 0x10FFFF else "\ufffd"
        return _CONTROL.get(plain, plain)

    return _ESCAPE.sub(one, text)


def _literal(node: Any) -> str:
    return _unescaped("".join(_text(child) for child in node.named_children if child.type == "template_literal"))


def evaluate(node: Any, scope: Scope) -> Value:
    """The value of an expression; raises Unusable with the line of what has none."""
    if scope.depth > DEPTH_LIMIT:
        raise Unusable("an expression is nested too deep", node.start_point[0] + 1)
    inner = scope._replace(depth=scope.depth + 1)
    try:
        scope.work.step()
        value = _VALUES[node.type](node, inner)
    except KeyError as error:
        raise Unusable(f"{node.type.replace('_', ' ')} is not understood", node.start_point[0] + 1) from error
    except Unusable as error:
        raise Unusable(error.message, error.line or node.start_point[0] + 1) from error
    if isinstance(value, str | list | dict) and len(value) > SIZE_LIMIT:
        raise Unusable("a value is too large", node.start_point[0] + 1)
    return value


def _children(node: Any) -> list[Any]:
    return [child for child in node.named_children if child.type != "comment"]


def _expression(node: Any, scope: Scope) -> Value:
    """One child, or a value with accesses behind it: ``a.b["c"]``."""
    first, *rest = _children(node)
    value = evaluate(first, scope)
    for access in rest:
        if access.type == "get_attr":
            value = _member(value, _text(access.named_children[0]))
        elif access.type == "index":
            value = _member(value, evaluate(access.named_children[0].named_children[0], scope))
        else:
            raise Unusable(f"{access.type} is not understood")
    return value


def _member(value: Value, key: Value) -> Value:
    try:
        if isinstance(value, list):
            return value[int(key)]
        if isinstance(value, dict):
            return value[as_text(key)]
    except (KeyError, IndexError, ValueError, TypeError):
        pass
    raise Unusable(f"there is no {key} in it")


def _number(node: Any, scope: Scope) -> Value:
    text = _text(node)
    return float(text) if re.search(r"[.eE]", text) else int(text)


def _quoted(node: Any, scope: Scope) -> Value:
    parts: list[Value] = []
    for child in node.named_children:
        if child.type == "template_literal":
            parts.append(_unescaped(_text(child)))
        elif child.type == "template_interpolation":
            parts.append(evaluate(next(each for each in child.named_children if each.type == "expression"), scope))
        elif child.type == "template_directive":
            raise Unusable("a template directive is not understood")
    # A template of one interpolation alone is that value, whatever its type.
    return parts[0] if len(parts) == 1 else "".join(map(as_text, parts))


def _tuple(node: Any, scope: Scope) -> Value:
    return [evaluate(child, scope) for child in _children(node) if child.type == "expression"]


def _object(node: Any, scope: Scope) -> Value:
    found: dict[str, Value] = {}
    for element in node.named_children:
        if element.type == "object_elem":
            key, value = [child for child in _children(element) if child.type == "expression"]
            found[_key(key, scope)] = evaluate(value, scope)
    return found


def _key(node: Any, scope: Scope) -> str:
    """A bare name is a key of that name; in parentheses it is a variable."""
    inner = node.named_children[0] if len(node.children) == 1 else None
    if inner is not None and inner.type == "variable_expr":
        return _text(inner)
    return as_text(evaluate(node, scope))


def _variable(node: Any, scope: Scope) -> Value:
    return scope.variable(_text(node.named_children[0]))


def _call(node: Any, scope: Scope) -> Value:
    name = _text(node.named_children[0])
    function = scope.function(name) or FUNCTIONS.get(name)
    if function is None:
        raise Unusable(f"the value of the function {name} is not known here")
    given = next((child for child in node.named_children if child.type == "function_arguments"), None)
    if given is not None and any(child.type == "ellipsis" for child in given.children):
        raise Unusable("... is not understood")
    values = [evaluate(child, scope) for child in given.named_children if child.type == "expression"] if given else []
    try:
        return function(*values)
    except (TypeError, ValueError, AttributeError, KeyError, IndexError, OverflowError) as error:
        raise Unusable(f"{name}() does not take these values") from error


def _operation(node: Any, scope: Scope) -> Value:
    inner = node.named_children[0]
    operands = [child for child in inner.named_children if child.type != "comment"]
    operator = next(child.type for child in inner.children if not child.is_named and child.type not in {"(", ")"})
    return operate(operator, [evaluate(child, scope) for child in operands])


def _conditional(node: Any, scope: Scope) -> Value:
    condition, yes, no = [child for child in node.named_children if child.type == "expression"]
    value = evaluate(condition, scope)
    if not isinstance(value, bool):
        raise Unusable("a condition is neither true nor false")
    return evaluate(yes if value else no, scope)


def _for(node: Any, scope: Scope) -> Value:
    inner = node.named_children[0]
    intro = next(child for child in inner.named_children if child.type == "for_intro")
    condition = next((child for child in inner.named_children if child.type == "for_cond"), None)
    results = [child for child in inner.named_children if child.type == "expression"]
    names = [_text(child) for child in intro.named_children if child.type == "identifier"]
    source = evaluate(next(child for child in intro.named_children if child.type == "expression"), scope)
    listed: list[Value] = []
    found: dict[str, Value] = {}
    for key, value in _pairs(source):
        known = scope.knowing(dict(zip(names, (key, value) if len(names) == 2 else (value,), strict=False)))
        if condition is not None and evaluate(condition.named_children[-1], known) is not True:
            continue
        if inner.type == "for_object_expr":
            if any(child.type == "ellipsis" for child in inner.children):
                raise Unusable("... is not understood")
            found[as_text(evaluate(results[0], known))] = evaluate(results[1], known)
        else:
            listed.append(evaluate(results[0], known))
    return found if inner.type == "for_object_expr" else listed


def _pairs(source: Value) -> Iterator[tuple[Value, Value]]:
    if isinstance(source, list):
        yield from enumerate(source)
    elif isinstance(source, dict):
        yield from sorted(source.items())
    else:
        raise Unusable("for goes over a list or a mapping")


_VALUES: Mapping[str, Callable[[Any, Scope], Value]] = {
    "expression": _expression,
    "literal_value": _expression,
    "collection_value": _expression,
    "template_expr": _expression,
    "string_lit": lambda node, scope: _literal(node),
    "numeric_lit": _number,
    "bool_lit": lambda node, scope: _text(node) == "true",
    "null_lit": lambda node, scope: None,
    "quoted_template": _quoted,
    "tuple": _tuple,
    "object": _object,
    "variable_expr": _variable,
    "function_call": _call,
    "operation": _operation,
    "conditional": _conditional,
    "for_expr": _for,
}
