"""Commands and segments out of the syntax tree of a shell script."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from dockerlayer.syntax.shell_parts import Assignment, Command, Redirect, Segment, nested_word, script_text
from dockerlayer.syntax.shell_source import UnknownScriptError, negation, syntax_error, trees
from dockerlayer.syntax.shell_words import Text

if TYPE_CHECKING:
    from tree_sitter import Node

MAX_DEPTH = 120
MAX_NESTED = 4

_NONE: frozenset[str] = frozenset()
_OPS = frozenset({";", "&", "\n", ";;", ";&", ";;&"})
_COMPOUND = {
    "if_statement": "if",
    "for_statement": "loop",
    "c_style_for_statement": "loop",
    "while_statement": "loop",
    "case_statement": "case",
    "function_definition": "function",
    "subshell": "subshell",
    "compound_statement": "group",
}
_CONTAINERS = frozenset({"do_group", "elif_clause", "else_clause", "case_item"})
_REDIRECTS = frozenset({"file_redirect", "herestring_redirect", "heredoc_redirect"})
_EXPRESSIONS = frozenset(
    {"unary_expression", "binary_expression", "parenthesized_expression", "ternary_expression", "postfix_expression"}
)
_SIMPLE = frozenset({"command", "declaration_command", "unset_command", "test_command", "variable_assignments"})
_STATEMENTS = frozenset({*_SIMPLE, *_COMPOUND, "variable_assignment", "list", "pipeline", "negated_command"})
_REDIRECT = re.compile(rb"(\d*|\{\w+\})(<<<|<<-?|<>|<&-?|<|&>>|&>|>>|>&-?|>\||>)")
_HAS_SUBSTITUTION = re.compile(rb"[$<>]\(|`").search
_CHAINS = frozenset({"list", "pipeline", "redirected_statement"})
_PIPES = frozenset({"|", "|&"})
_RESERVED = frozenset({b"{", b"}", b"then", b"do", b"done", b"fi", b"esac", b"else", b"elif", b"in"})


def read(
    text: Text, source: bytes | None = None, level: int = 0, depth: int = 0
) -> tuple[list[Command], list[Segment]]:
    """Commands and segments of a script, with offsets of the file; raises ``UnknownScriptError``.

    ``source`` is what to parse where that must differ from the text, byte for byte of the same length. ``level`` counts
    the scripts this one is an argument in, ``depth`` the compound commands around it.
    """
    problem = None
    for root, blanked in trees(text.data if source is None else source):
        if isinstance(root, UnknownScriptError):
            problem = problem or root
            continue
        reader = _Reader(text, level, depth)
        try:
            reader.top(root)
        except UnknownScriptError as error:
            problem = problem or error
            continue
        if blanked:
            _merge_segments(reader)
        return reader.commands, reader.segments
    raise problem or UnknownScriptError("no script")


class _Reader:
    """Walks one tree; ``commands`` and ``segments`` are the result."""

    __slots__ = ("commands", "data", "depth", "level", "segment", "segments", "text")

    def __init__(self, text: Text, level: int, depth: int) -> None:
        self.text = text
        self.data = text.data
        self.level = level
        self.commands: list[Command] = []
        self.segments: list[Segment] = []
        self.segment = 0
        self.depth = depth

    def top(self, root: Node) -> None:
        """Read a whole script, its segments too."""
        statement: Node | None = None
        line_end_after = 0
        for child in root.children:
            kind = child.type
            if kind == "comment":
                line_end_after = child.end_byte
            elif kind in _OPS:
                if statement is not None:
                    self._top_statement(statement, kind, child.start_byte, child.end_byte)
                statement = None
            else:
                if statement is not None:
                    end = statement.end_byte
                    found = self.data.find(b"\n", max(end, line_end_after), child.start_byte)
                    # The line end that closes a here-document belongs to the statement.
                    place = (found, found + 1) if found >= 0 else (end, end)
                    self._top_statement(statement, "\n", *place)
                statement = child
        if statement is not None:
            self._top_statement(statement, "", statement.end_byte, statement.end_byte)

    def _top_statement(self, node: Node, op: str, op_start: int, op_end: int) -> None:
        chain = _chain(node, ())
        guards = _BACKGROUND if op == "&" else _NONE
        starts = [0]
        if op != "&" and not any(part.op == "||" for part in chain):
            starts += [index for index, part in enumerate(chain) if part.op == "&&"]
        for index, start in enumerate(starts):
            following = starts[index + 1] if index + 1 < len(starts) else None
            parts = chain[start:following]
            self._parts(parts, guards)
            last = parts[-1]
            end = max(last.node.end_byte, last.redirects[-1].end_byte if last.redirects else 0)
            if following is None:
                self._end_segment(parts[0].node.start_byte, end, op, op_start, op_end)
            else:
                self._end_segment(parts[0].node.start_byte, end, "&&", *chain[following].op_place)
                guards = _AND

    def _end_segment(self, start: int, end: int, op: str, op_start: int, op_end: int) -> None:
        if (bang := negation(self.data, start)) >= 0:
            start = bang
        place = self.text.span(start, end)
        op_place = self.text.span(op_start, op_end) if op else (place[1], place[1])
        self.segments.append(Segment(*place, op, *op_place))
        self.segment += 1

    def _statement(self, node: Node, guards: frozenset[str], redirects: Sequence[Node]) -> None:
        """Read one statement; ``redirects`` stand behind it in the tree and belong to its last simple command."""
        kind = node.type
        if kind == "command":
            self._command(node, node.children, guards, redirects)
            return
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise UnknownScriptError("script nested too deep")
        if kind in _CHAINS:
            self._parts(_chain(node, redirects), guards)
        elif kind in _COMPOUND:
            self._compound(node, guards | {_COMPOUND[kind]}, redirects)
        elif kind == "negated_command":
            self._statement(node.children[-1], guards | _NOT, redirects)
        elif kind == "variable_assignment":
            self._command(node, [node], guards, redirects)
        elif kind == "test_command":
            self._command(node, list(_leaves(node)), guards, redirects)
        elif kind == "declaration_command":
            self._command(node, node.children, guards, redirects, declares=True)
        elif kind in _SIMPLE:
            self._command(node, node.children, guards, redirects)
        else:
            raise syntax_error(node)
        self.depth -= 1

    def _parts(self, parts: Sequence[_Part], guards: frozenset[str]) -> None:
        negated = False
        for index, part in enumerate(parts):
            piped = part.op in _PIPES
            if not piped:
                negated = part.node.type == "negated_command"
            if index and part.op in _CHAINED:
                guards |= _CHAINED[part.op]
            own = guards
            if piped or (index + 1 < len(parts) and parts[index + 1].op in _PIPES):
                own |= _NOT | _PIPE if negated else _PIPE
            if part.node.type == "redirected_statement":
                self._command(part.node, part.node.children, own, part.redirects)
            else:
                self._statement(part.node, own, part.redirects)

    def _compound(self, node: Node, guards: frozenset[str], redirects: Sequence[Node]) -> None:
        children = node.children
        if negation(self.data, node.start_byte) >= 0:
            guards |= _NOT
        if children and children[0].type == "((":
            self._substitutions(node, guards)
        else:
            redirects = [*self._block(children, guards), *redirects]
        if redirects:
            self._command(node, (), guards, redirects)

    def _block(self, children: Sequence[Node], guards: frozenset[str]) -> list[Node]:
        """Read the statements among the children of a compound command; returns its redirects."""
        redirects: list[Node] = []
        for index, child in enumerate(children):
            kind = child.type
            if kind in _STATEMENTS or kind == "redirected_statement":
                behind = index + 1 < len(children) and children[index + 1].type == "&"
                self._statement(child, guards | _BACKGROUND if behind else guards, ())
            elif kind in _CONTAINERS:
                redirects += self._block(child.children, guards)
            elif kind in _REDIRECTS:
                redirects.append(child)
            elif child.is_named:
                self._substitutions(child, guards)
        return redirects

    def _command(
        self,
        node: Node,
        children: Sequence[Node],
        guards: frozenset[str],
        behind: Sequence[Node],
        declares: bool = False,
    ) -> None:
        spans: list[tuple[int, int]] = []
        assignments: list[Assignment] = []
        redirects: list[Redirect] = []
        later: list[tuple[Node, frozenset[str]]] = []
        end = 0
        for child in children:
            kind = child.type
            start, stop = child.start_byte, child.end_byte
            if kind in _REDIRECTS:
                end = max(end, self._redirect(child, redirects, spans, later))
                continue
            if kind == "variable_assignment" and not declares:
                assignments.append(self._assignment(child))
            elif kind in _STATEMENTS and not declares:
                raise syntax_error(child)
            elif kind == "comment":
                continue
            elif spans and spans[-1][1] == start:
                spans[-1] = (spans[-1][0], stop)
            else:
                spans.append((start, stop))
            end = max(end, stop)
        for child in behind:
            end = max(end, self._redirect(child, redirects, spans, later))
        text = self.text
        start = node.start_byte
        if spans and self.data[spans[0][0] : spans[0][1]] in _RESERVED:
            raise syntax_error(node)
        words = tuple([text.word(first, last) for first, last in spans])
        if later and any("pipe" in extra for _, extra in later):
            guards |= _PIPE
        place = text.span(start, max(end, node.end_byte) if not children else end)
        command = Command(words, tuple(assignments), tuple(redirects), *place, guards, self.segment)
        self.commands.append(command)
        if words and self.level < MAX_NESTED:
            index = nested_word(words)
            inner = None if index is None else script_text(text, *spans[index])
            if inner is not None:
                self.commands += inside(command, inner, self.level, self.depth)
        for child in (*children, *behind) if behind else children:
            self._substitutions(child, guards)
        for child, extra in later:
            self._statement(child, guards | extra, ())

    def _assignment(self, node: Node) -> Assignment:
        children = node.children
        if len(children) == 1:
            raise syntax_error(node)
        value = self.text.word(children[1].end_byte, node.end_byte)
        if children[1].type == "+=" or children[-1].type == "array":
            value = replace(value, literal=False)
        name = self.data[node.start_byte : children[0].end_byte]
        return Assignment(name.decode("utf-8", "surrogateescape"), value)

    def _redirect(
        self,
        node: Node,
        redirects: list[Redirect],
        spans: list[tuple[int, int]],
        later: list[tuple[Node, frozenset[str]]],
    ) -> int:
        """Add a redirect, the words of the command and the statements the tree keeps inside it; returns its end."""
        match = _REDIRECT.match(self.data, node.start_byte)
        if match is None:
            raise syntax_error(node)
        place = len(redirects)
        found: list[tuple[int, int]] = []
        guard = _NONE
        end = match.end()
        for child in node.children:
            kind = child.type
            start, stop = child.start_byte, child.end_byte
            if kind in ("heredoc_body", "heredoc_end", "comment") or start < match.end():
                continue
            if kind in _CHAINED:
                guard |= _CHAINED[kind]
            elif kind == "pipeline":
                later += [(part, _PIPE) for part in child.children if part.is_named]
            elif kind in _REDIRECTS:
                end = max(end, self._redirect(child, redirects, spans, later))
            elif kind in _STATEMENTS or kind == "redirected_statement":
                later.append((child, guard))
            else:
                end = max(end, stop)
                if found and found[-1][1] == start:
                    found[-1] = (found[-1][0], stop)
                else:
                    found.append((start, stop))
        target = self.text.word(*found[0]) if found else None
        redirects.insert(place, Redirect(match[2].decode(), match[1].decode(), target))
        spans += found[1:]
        return end

    def _substitutions(self, node: Node, guards: frozenset[str]) -> None:
        """Read the commands inside the expansions of a word, of a redirect or of an expression."""
        if not _HAS_SUBSTITUTION(self.data, node.start_byte, node.end_byte):
            return
        stack = [node]
        while stack:
            node = stack.pop()
            kind = node.type
            if kind in ("command_substitution", "process_substitution"):
                self.depth += 1
                if self.depth > MAX_DEPTH:
                    raise UnknownScriptError("script nested too deep")
                inner = guards | _SUBSTITUTION
                redirects = self._block(node.children, inner)
                if redirects:
                    self._command(node, (), inner, redirects)
                self.depth -= 1
            elif kind not in _STATEMENTS or kind == "variable_assignment":
                stack.extend(reversed(node.children))


_AND = frozenset({"and"})
_OR = frozenset({"or"})
_NOT = frozenset({"not"})
_PIPE = frozenset({"pipe"})
_BACKGROUND = frozenset({"background"})
_SUBSTITUTION = frozenset({"substitution"})
_CHAINED = {"&&": _AND, "||": _OR}


def _merge_segments(reader: _Reader) -> None:
    # Which of the segments a here-document's body belongs to is not known, so none of them can be moved.
    first, last = reader.segments[0], reader.segments[-1]
    reader.segments = [Segment(first.start, last.end, last.op, last.op_start, last.op_end)]
    reader.commands = [replace(command, segment=0) for command in reader.commands]


def inside(command: Command, script: Text, level: int, depth: int) -> list[Command]:
    """The commands of a script that is an argument of ``command``; none if it cannot be read."""
    try:
        commands, _ = read(script, None, level + 1, depth + 1)
    except UnknownScriptError:
        return []
    guards = command.guards | {"nested"}
    return [replace(item, guards=item.guards | guards, segment=command.segment) for item in commands]


class _Part(NamedTuple):
    """A part of a chain such as ``a && b | c > f`` with the operator in front of it."""

    op: str
    op_place: tuple[int, int]
    node: Node
    redirects: Sequence[Node]


def _chain(node: Node, redirects: Sequence[Node]) -> list[_Part]:
    """The parts of a chain in order; ``redirects`` belong to the last one.

    The grammar nests pipelines and lists wrongly around redirects, only their order is right, but nothing else is
    needed: without brackets ``|`` always binds closer than ``&&`` and ``||``.
    """
    chain: list[_Part] = []
    stack = [_Part("", (0, 0), node, redirects)]
    while stack:
        part = stack.pop()
        node = part.node
        kind = node.type
        if kind == "redirected_statement" and (body := node.child_by_field_name("body")) is not None:
            own = [child for child in node.children if child.type in _REDIRECTS]
            stack.append(part._replace(node=body, redirects=[*own, *part.redirects]))
        elif kind in ("list", "pipeline"):
            first = len(stack)
            op, place = part.op, part.op_place
            for child in node.children:
                if child.type in _PIPES or child.type in _CHAINED:
                    op, place = child.type, (child.start_byte, child.end_byte)
                elif child.type != "comment":
                    stack.append(_Part(op, place, child, ()))
            stack[-1] = stack[-1]._replace(redirects=part.redirects)
            stack[first:] = reversed(stack[first:])
        else:
            chain.append(part)
    return chain


def _leaves(node: Node) -> Iterator[Node]:
    """The words of a test command, brackets included."""
    stack = list(reversed(node.children))
    while stack:
        node = stack.pop()
        if node.type in _EXPRESSIONS:
            stack.extend(reversed(node.children))
        else:
            yield node
