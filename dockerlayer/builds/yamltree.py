"""YAML as nodes with lines, made from the parser's events: tags mean nothing here, and no object is ever constructed.

An alias is the node of its anchor and not a copy, so a document of nested aliases stays as small as its text.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from dockerlayer.builds.definition import Unusable, text_of

DEPTH_LIMIT = 64
ALIAS_LIMIT = 2000
MERGED_LIMIT = 1000
"""Keys that a mapping may take from others: so that many mappings which merge a large one stay small."""
_NULL = frozenset({"", "~", "null", "Null", "NULL"})


class Text:
    """A scalar; ``value`` is None for a null."""

    __slots__ = ("line", "tag", "value")

    def __init__(self, value: str | None, line: int, tag: str) -> None:
        self.value = value
        self.line = line
        self.tag = tag


class Sequence:
    """A list of nodes."""

    __slots__ = ("items", "line", "tag")

    def __init__(self, line: int, tag: str) -> None:
        self.items: list[Node] = []
        self.line = line
        self.tag = tag


class Table:
    """A mapping. Merge keys (yaml.org/type/merge.html) are followed when it is looked into."""

    __slots__ = ("_flat", "line", "lines", "merged", "own", "tag")

    def __init__(self, line: int, tag: str) -> None:
        self.own: dict[str, Node] = {}
        self.lines: dict[str, int] = {}
        self.merged: list[Node] = []
        self.line = line
        self.tag = tag
        self._flat: dict[str, Node] | None = None

    def items(self) -> dict[str, Node]:
        """Keys and values, those of merge keys among them; what is written in the mapping itself wins."""
        if self._flat is None:
            self._flat = self.own  # what is merged into itself adds nothing
            flat: dict[str, Node] = {}
            for node in self.merged:
                for source in node.items if isinstance(node, Sequence) else [node]:
                    if not isinstance(source, Table):
                        raise Unusable("a merge key takes a mapping, or a list of mappings", source.line)
                    flat = {**source.items(), **flat}
                    if len(flat) > MERGED_LIMIT:
                        raise Unusable(f"more than {MERGED_LIMIT} keys are merged into a mapping", self.line)
            self._flat = {**flat, **self.own}
        return self._flat

    def get(self, key: str) -> Node | None:
        """The value of a key, None if there is none or it is null."""
        found = self.items().get(key)
        return None if isinstance(found, Text) and found.value is None else found

    def line_of(self, key: str) -> int:
        """The line of a key of the mapping itself, else of the mapping."""
        return self.lines.get(key, self.line)


Node = Text | Sequence | Table


def documents(data: bytes) -> list[Node]:
    """The root node of every document; raises Unusable with the line of what is no YAML, or more than is read."""
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        return list(_built(yaml.parse(text_of(data), Loader=loader)))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise Unusable(f"not YAML: {error.problem or error.context}", mark.line + 1 if mark else 0) from error
    except yaml.YAMLError as error:
        raise Unusable(f"not YAML: {str(error).splitlines()[0]}") from error


def _built(events: Iterator[Any]) -> Iterator[Node]:
    import yaml

    anchors: dict[str, Node] = {}
    # The containers that are open, each with the key that waits for its value.
    opened: list[tuple[Sequence | Table, list[tuple[str, int]]]] = []
    aliases = 0
    for event in events:
        line = event.start_mark.line + 1
        if isinstance(event, yaml.DocumentStartEvent):
            anchors.clear()
            continue
        if isinstance(event, yaml.CollectionEndEvent):
            opened.pop()
            continue
        if isinstance(event, yaml.AliasEvent):
            aliases += 1
            if event.anchor not in anchors:
                raise Unusable(f"not YAML: there is no anchor {event.anchor!r} above", line)
            if aliases > ALIAS_LIMIT:
                raise Unusable(f"more than {ALIAS_LIMIT} aliases", line)
            node = anchors[event.anchor]
        elif isinstance(event, yaml.ScalarEvent):
            null = event.implicit[0] and event.value in _NULL
            node = Text(None if null else event.value, line, event.tag or "")
        elif isinstance(event, yaml.CollectionStartEvent):
            kind = Table if isinstance(event, yaml.MappingStartEvent) else Sequence
            node = kind(line, event.tag or "")
        else:
            continue
        if getattr(event, "anchor", None) and not isinstance(event, yaml.AliasEvent):
            anchors[event.anchor] = node
        if opened:
            _put(node, line, *opened[-1])
        else:
            yield node
        if isinstance(event, yaml.CollectionStartEvent) and not isinstance(node, Text):
            opened.append((node, []))
            if len(opened) > DEPTH_LIMIT:
                raise Unusable(f"nested more than {DEPTH_LIMIT} levels deep", line)


def _put(node: Node, line: int, parent: Sequence | Table, waiting: list[tuple[str, int]]) -> None:
    if isinstance(parent, Sequence):
        parent.items.append(node)
    elif waiting:
        key, at = waiting.pop()
        if key == "<<":
            parent.merged.append(node)
        elif key in parent.own:
            raise Unusable(f"the key {key!r} is there twice", at)
        else:
            parent.own[key] = node
            parent.lines[key] = at
    else:
        # A key that is no scalar is nothing that Compose knows: its value is kept under a name that nobody asks for.
        waiting.append((node.value or "" if isinstance(node, Text) else f"\0{line}", line))
