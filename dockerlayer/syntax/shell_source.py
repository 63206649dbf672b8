"""From the bytes of a shell script to its syntax tree, within limits."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tree_sitter import Node, Parser

# The grammar's error recovery takes time and memory that grow with the square of these; real scripts are far below.
MAX_BYTES = 40 * 1024
MAX_OPERATORS = 2_000
MAX_BRACKETS = 500


class UnknownScriptError(Exception):
    """The script cannot be read; ``offset`` is the place of a syntax error in the parsed text, if there is one."""

    def __init__(self, reason: str, offset: int | None = None) -> None:
        super().__init__(reason)
        self.offset = offset


def syntax_error(node: Node) -> UnknownScriptError:
    """The error for a tree that is not that of a shell script, at ``node``."""
    return UnknownScriptError("cannot parse the shell script", node.start_byte)


def trees(data: bytes) -> Iterator[tuple[Node | UnknownScriptError, bool]]:
    """The root of the script's tree, or why there is none; then, if it was no good, that of an equivalent script.

    The second one is byte for byte as long as the first, without what the grammar is known to get wrong. The flag says
    that bodies of here-documents are missing in the tree.
    """
    if len(data) > MAX_BYTES or (len(data) > MAX_OPERATORS and _too_many_operators(data)):
        yield UnknownScriptError("script too long"), False
    elif b"\0" in data:
        yield UnknownScriptError("NUL byte in the script"), False
    elif _too_many_brackets(data):
        yield UnknownScriptError("script nested too deep"), False
    else:
        # The grammar skips an escaped blank in front of a word, the shell takes it for the first character.
        data = _ESCAPED_BLANK.sub(rb"\\_", data)
        yield _tree(data), False
        again, blanked = _without_false_errors(data)
        if again != data:
            yield _tree(again), blanked


def negation(data: bytes, start: int) -> int:
    """Where the ``!`` in front of the compound command at ``start`` stands, -1 if there is none.

    The equivalent script has none, because the grammar takes ``! {`` for a command named ``{``.
    """
    while start > 0 and data[start - 1] in b" \t":
        start -= 1
    return start - 1 if data[start - 1 : start] == b"!" else -1


@cache
def _parser() -> Parser:
    import tree_sitter
    import tree_sitter_bash

    return tree_sitter.Parser(tree_sitter.Language(tree_sitter_bash.language()))


def _tree(data: bytes) -> Node | UnknownScriptError:
    root = _parser().parse(data).root_node
    return syntax_error(_first_error(root)) if root.has_error else root


def _first_error(root: Node) -> Node:
    node = root
    while not (node.is_error or node.is_missing):
        wrong = next((child for child in node.children if child.has_error or child.is_missing), None)
        if wrong is None:
            break
        node = wrong
    return node


def _too_many_operators(data: bytes) -> bool:
    return any(data.count(char) > MAX_OPERATORS for char in b"|&;<>()[]@")


def _too_many_brackets(data: bytes) -> bool:
    if data.count(b"(") + data.count(b"{") + data.count(b"[") <= MAX_BRACKETS:
        return False
    depth = 0
    for char in data:
        if char in b"({[":
            depth += 1
            if depth > MAX_BRACKETS:
                return True
        elif char in b")}]" and depth:
            depth -= 1
    return False


_ESCAPED_BLANK = re.compile(rb"(?<![^\s;&|(])\\[ \t]")
_COMMENT_SUBSTITUTION = re.compile(rb"(?<!\S)`[ \t]*#[^`\n]*`(?!\S)")
_NEGATED_COMPOUND = re.compile(rb"(?<![^\s;&|(])!(?=[ \t]+(?:\{|if|while|until|for|case)\s)")
_DOUBLE_BRACKETS = re.compile(rb"(?<!\$)\(\(|\)\)")
_HEREDOC = re.compile(rb"(?<!<)(<<-?)([ \t]*\\?(['\"]?)([A-Za-z_][\w.-]*)\3)")


def _without_false_errors(data: bytes) -> tuple[bytes, bool]:
    """The script without what the grammar gets wrong, and whether bodies of here-documents are blanked out in it."""
    data = _COMMENT_SUBSTITUTION.sub(lambda match: b" " * len(match[0]), data)
    data = _NEGATED_COMPOUND.sub(b" ", data)
    data = _DOUBLE_BRACKETS.sub(lambda match: b"( " if match[0] == b"((" else b" )", data)
    data = data.replace(b"<<<", b"<  ").replace(b"<>", b"< ")
    blanked = _without_heredocs(data) if b"<<" in data and b"\n" in data else data
    return blanked, blanked != data


def _without_heredocs(data: bytes) -> bytes:
    out: list[bytes] = []
    waiting: list[tuple[bytes, bool]] = []
    for line in data.splitlines(keepends=True):
        bare = line.rstrip(b"\r\n")
        if waiting:
            name, tabs = waiting[0]
            out.append(b" " * len(bare) + line[len(bare) :])
            if (bare.lstrip(b"\t") if tabs else bare) == name:
                waiting.pop(0)
            continue
        waiting = [(match[4], match[1] == b"<<-") for match in _HEREDOC.finditer(line)]
        out.append(_HEREDOC.sub(lambda match: b"<".ljust(len(match[1])) + match[2], line))
    return data if waiting else b"".join(out)
