"""XML manifests, read without what makes XML dangerous: no document type, no entities, no files of others."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

_DECLARATIONS = re.compile(rb"<!\s*(?:DOCTYPE|ENTITY)", re.IGNORECASE)


def parse_xml(data: bytes | None) -> Element | None:
    """The root element of a document; None where it is missing, malformed or declares a type or entities.

    A NUL stands in UTF-16 and UTF-32 alone, in which declarations would be overlooked.
    """
    if data is None or b"\0" in data or _DECLARATIONS.search(data):
        return None
    from xml.etree import ElementTree

    try:
        return ElementTree.fromstring(data)
    except (ElementTree.ParseError, ValueError, LookupError, RecursionError):
        return None


def name_of(element: Element) -> str:
    """An element's name without its namespace."""
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


def children(element: Element | None, *names: str) -> Iterator[Element]:
    """The children that have one of the names."""
    for child in element if element is not None else ():
        if name_of(child) in names:
            yield child


def child(element: Element | None, *path: str) -> Element | None:
    """The first element at a path of names, or None."""
    for name in path:
        element = next(children(element, name), None)
    return element


def text_at(element: Element | None, *path: str) -> str | None:
    """The text at a path of names, stripped; None where there is no such element."""
    found = child(element, *path)
    return None if found is None else (found.text or "").strip()
