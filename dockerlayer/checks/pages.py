"""The page of a rule: its docstring, with the examples and documents of each ecosystem that has it."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable, Iterator
from textwrap import indent
from typing import NamedTuple

from dockerlayer.api import Ecosystem, Example

REFERENCES = "References"
_HEADING = re.compile(rf"^(?:(Why|Fix safety|{REFERENCES}):|(Bad|Good)(?: \((.+)\))?::$)[ \n]*", re.MULTILINE)
_REFERENCE = re.compile(r"- (?P<title>.+?): (?P<url>https://[^\s()<>\\]+)")


class Section(NamedTuple):
    """One part of a page: its heading (the first is What), whose example it is, and its text without indentation."""

    heading: str
    title: str
    text: str


class Reference(NamedTuple):
    """A document that holds a fact of the page. ``url`` is empty where the line of the page has none."""

    title: str
    url: str


def page_of(check: Callable[..., object], rule: str, ecosystems: Iterable[Ecosystem]) -> str:
    """The text of a rule's page. ``ecosystems`` are those whose examples it shows, where they have one."""
    page = inspect.cleandoc(check.__doc__ or "").replace("``", "`")
    examples = [(item, example) for item in ecosystems for example in item.examples if example.rule == rule]
    if not examples:
        return page
    head, safety, tail = page.partition("Fix safety:")
    head += "".join(_shown(ecosystem, example) for ecosystem, example in examples)
    if f"\n{REFERENCES}:\n" not in tail:
        tail += f"\n\n{REFERENCES}:"
    documents = dict.fromkeys(f"\n- {ecosystem.title}: {ecosystem.docs}" for ecosystem, _ in examples)
    return head + safety + tail + "".join(documents)


def _shown(ecosystem: Ecosystem, example: Example) -> str:
    bad, good = (indent(inspect.cleandoc(text), "    ") for text in (example.bad, example.good))
    title = ecosystem.title
    beside = f"{title}, with {example.ignored} in .dockerignore" if example.ignored else title
    return f"Bad ({title})::\n\n{bad}\n\nGood ({beside})::\n\n{good}\n\n"


def sections(page: str) -> Iterator[Section]:
    """The parts of a page in order."""
    heading, title, start = "What", "", 0
    for found in _HEADING.finditer(page):
        yield Section(heading, title, inspect.cleandoc(page[start : found.start()]))
        heading, title, start = found[1] or found[2], found[3] or "", found.end()
        if found[2]:  # the indentation of the first line of an example belongs to the text
            start = page.rfind("\n", 0, start) + 1
    yield Section(heading, title, inspect.cleandoc(page[start:]))


def references(text: str) -> list[Reference]:
    """What a section of references names, one a line."""
    found = []
    for line in filter(None, map(str.strip, text.splitlines())):
        match = _REFERENCE.fullmatch(line)
        found.append(Reference(match["title"], match["url"]) if match else Reference(line.removeprefix("- "), ""))
    return found


def referred(page: str) -> list[Reference]:
    """The references of a page that have an address."""
    found = [item for part in sections(page) if part.heading == REFERENCES for item in references(part.text)]
    return [item for item in found if item.url]
