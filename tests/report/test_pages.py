"""Pages as Markdown: what a CommonMark parser makes of them, and the copies of them in docs."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token
from pytest_snapshot.plugin import Snapshot

from dockerlayer.api import Ecosystem, Severity
from dockerlayer.checks.pages import references, sections
from dockerlayer.checks.rules import RuleInfo, rules_of
from dockerlayer.report.pages import fenced, index_markdown, page_markdown, prose
from dockerlayer.report.patterns import BUILDS, REFILLS, patterns_markdown
from dockerlayer.rewrite.plan import PATTERNS

DOCS = Path(__file__).parents[2] / "docs" / "rules"
PARSER = MarkdownIt("commonmark")


def text_of(token: Token) -> str:
    """The text of an inline token as a reader sees it."""
    return "".join("\n" if child.type == "softbreak" else child.content for child in token.children or ())


@pytest.fixture(scope="module")
def rules(ecosystems: tuple[Ecosystem, ...]) -> dict[str, RuleInfo]:
    return rules_of(ecosystems)


def test_page_is_read_as_it_is_meant(rules: dict[str, RuleInfo]) -> None:
    for rule in rules.values():
        tokens = PARSER.parse(page_markdown(rule))
        heads = [text_of(after) for token, after in pairwise(tokens) if token.type == "heading_open"]
        parts = list(sections(rule.page))
        assert heads == [
            rule.name,
            *(f"{part.heading} ({part.title})" if part.title else part.heading for part in parts),
        ]
        blocks = [(token.info, token.content.rstrip("\n")) for token in tokens if token.type == "fence"]
        assert blocks == [("dockerfile", part.text) for part in parts if part.heading in {"Bad", "Good"}]
        links = [child for token in tokens for child in token.children or () if child.type == "link_open"]
        assert [link.attrs["href"] for link in links] == [found.url for found in references(parts[-1].text)]
        assert not [token for token in tokens if token.type in {"html_block", "code_block", "hr"}]


def test_sections_lose_nothing(rules: dict[str, RuleInfo]) -> None:
    for rule in rules.values():
        told = "".join(f"{part.heading}{part.title}{part.text}" for part in sections(rule.page))
        assert re.sub(r"\W", "", told) == "What" + re.sub(r"\W", "", rule.page)


@given(st.text("`*_<>[]()!#&;~|\\-+=.:/1a \n\t\x1b\u202e", max_size=40))
def test_nothing_in_prose_is_markup(text: str) -> None:
    tokens = PARSER.parse(prose(text))
    assert {token.type for token in tokens} <= {"paragraph_open", "inline", "paragraph_close"}
    for token in tokens:
        assert {child.type for child in token.children or ()} <= {"text", "text_special", "softbreak", "code_inline"}


@pytest.mark.parametrize(
    "text",
    """a * b _c_ <script> [l](u) &amp; node_modules || --flag
# head
- item
12) item
===
--- -
> quote
~~~
![x](y) \\ back\\ 5 < 6 > 4 & co.""".splitlines(),
)
def test_prose_says_what_it_said(text: str) -> None:
    (inline,) = [token for token in PARSER.parse(prose(f"a\n{text}\nb `code *x*` c")) if token.type == "inline"]
    assert text_of(inline) == f"a\n{text}\nb code *x* c"


@given(st.text("`~a \n-", max_size=30))
def test_nothing_ends_a_code_block(text: str) -> None:
    (token,) = PARSER.parse(fenced(text, "dockerfile"))
    assert token.type == "fence"
    assert token.content.splitlines() == text.splitlines()


def test_page_of_a_stranger() -> None:
    """A plugin may come without most of a page."""
    rule = RuleInfo("odd-rule", Severity.INFO, "", "odd", False, False)
    assert page_markdown(rule).startswith("# odd-rule\n\nInfo, off by default, `--select odd-rule`, no automatic fix, ")
    rule = rule._replace(page="Odd.\n\nReferences:\n- Hearsay <b>\n- A [page]: https://example.com/a_b\n")
    assert page_markdown(rule).endswith("\n- Hearsay \\<b>\n- [A \\[page\\]](https://example.com/a_b)\n")


def test_patterns(ecosystems: tuple[Ecosystem, ...]) -> None:
    text = patterns_markdown(ecosystems)
    tokens = MarkdownIt("commonmark").enable("table").parse(text)
    heads = [text_of(after) for token, after in pairwise(tokens) if token.type == "heading_open"]
    assert heads == ["Patterns", *(f"{name} (default)" if name == "split" else name for name in PATTERNS)]
    assert [token.type for token in tokens].count("table_open") == 2
    cells = [text_of(after) for token, after in pairwise(tokens) if token.type == "td_open"]
    rows = [line.split("\t") for line in (BUILDS.read_text("utf-8") + REFILLS.read_text("utf-8")).splitlines()]
    assert set(cells) <= {cell for row in rows for cell in (f"{row[0]}-{row[1]}", *row[2:])}


def test_index_leads_to_every_page(rules: dict[str, RuleInfo]) -> None:
    tokens = MarkdownIt("commonmark").enable("table").parse(index_markdown(rules.values()))
    links = [child.attrs["href"] for token in tokens for child in token.children or () if child.type == "link_open"]
    assert links == [f"{rule.name}.md" for rule in rules.values()]
    assert all((DOCS / str(link)).is_file() for link in links)
    assert "](docs/rules/README.md)" in (DOCS.parents[1] / "README.md").read_text("utf-8")


def test_copies_in_the_repository(rules: dict[str, RuleInfo], snapshot: Snapshot) -> None:
    """``pytest --snapshot-update`` writes them."""
    pages = {f"{rule.name}.md": page_markdown(rule) for rule in rules.values()}
    snapshot.snapshot_dir = DOCS.parent
    snapshot.assert_match_dir({**pages, "README.md": index_markdown(rules.values())}, DOCS)
