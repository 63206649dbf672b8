"""The patterns that a rewrite may follow, side by side: what each does, where it is to be had, and what it costs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from textwrap import fill
from typing import NamedTuple

from dockerlayer.api import Ecosystem
from dockerlayer.report.pages import prose
from dockerlayer.report.visible import Paint, plain, shown
from dockerlayer.rewrite.plan import HYBRID, NARROW, SPLIT, STAGE
from dockerlayer.rewrite.stage import BUILDERS

BUILDS = Path(__file__).with_name("builds.tsv")
"""What the real builds of the tests measured; `pytest tests/builds --builds-table` writes it."""
REFILLS = Path(__file__).with_name("refills.tsv")
"""What a build receives with an empty and with a full cache mount; `pytest -s tests/builds/test_hybrid.py`."""
_WIDTH = 100
_INTRODUCTION = "What `--pattern` may be. What cannot be had for a finding is said there, and split or narrow is taken."


class _Page(NamedTuple):
    does: str
    builders: str
    costs: str


PAGES = {
    SPLIT: _Page(
        "The download gets a layer of its own above the source; the install stays below it and runs offline.",
        "all",
        "What was downloaded stays in the image, in that layer. The install runs again after each edit of the source.",
    ),
    NARROW: _Page(
        "The whole install moves above the source, with the files that it reads. "
        "Where another pattern cannot be had, this is what you get.",
        "all",
        "Nothing is left over, and an edit of the source repeats nothing. "
        "An install that fails downloads everything again, and it cannot run offline.",
    ),
    STAGE: _Page(
        "The download gets a stage of its own, and the install takes it by a bind mount: above the source where it "
        "needs none of it, so that an edit repeats nothing, else below. "
        "Only for a stage that the built image is made of; of others nothing is shipped anyway.",
        ", ".join(sorted(BUILDERS)),
        "Nothing that was downloaded is in the image. The file has two stages more, so that stages that are asked for "
        "by their number (--target 1) are others. Where the install writes to what it takes, BuildKit only.",
    ),
    HYBRID: _Page(
        "The download fills a cache mount, and the same RUN puts what it needs of it into a layer of its own; the "
        "install is as for split, and takes its packages from that layer, never from the mount. When the lockfile "
        "changes, only what the mount has not is downloaded; when the mount is pruned, all of it is, and no "
        "build breaks.",
        "buildah, buildkit",
        "What was downloaded stays in the image, as for split, and the builder keeps it a second time in the mount. "
        "Where the tool cannot tell them apart, packages of other projects in the mount get into the layer; the fix "
        "then says so.",
    ),
}


def patterns_text(ecosystems: Sequence[Ecosystem], paint: Paint = plain) -> str:
    """The page of `dockerlayer explain patterns`, for people."""
    parts = [f"{_INTRODUCTION}\n"]
    for name, page in PAGES.items():
        default = " (default)" if name == SPLIT else ""
        lines = [f"{paint('rule', name)}{default}", *map(_paragraph, _told(name, page, ecosystems))]
        parts.append("\n".join(lines) + "\n")
    for title, columns, rows in _tables(ecosystems):
        parts.append(f"{fill(title, _WIDTH)}\n\n{_table(columns, rows)}")
    return "\n".join(parts)


def patterns_markdown(ecosystems: Sequence[Ecosystem]) -> str:
    """The same page as Markdown."""
    parts = ["# Patterns", _INTRODUCTION]
    for name, page in PAGES.items():
        parts += [f"## {name}{' (default)' if name == SPLIT else ''}", *map(prose, _told(name, page, ecosystems))]
    for title, columns, rows in _tables(ecosystems):
        head, *body = (f"| {' | '.join(map(prose, row))} |" for row in (columns, *rows))
        parts += [prose(title), "\n".join((head, f"|{' --- |' * len(columns)}", *body))]
    return "\n\n".join(parts) + "\n"


def _told(name: str, page: _Page, ecosystems: Sequence[Ecosystem]) -> tuple[str, ...]:
    listed = ", ".join(offering(name, ecosystems)) or "none"
    return page.does, page.costs, f"Builders: {page.builders}.", f"Ecosystems: {listed}."


def _tables(ecosystems: Sequence[Ecosystem]) -> Iterator[tuple[str, Sequence[str], Sequence[Sequence[str]]]]:
    """What was measured: what a table shows, its head, and its rows."""
    names = {ecosystem.name.partition("-")[0] for ecosystem in ecosystems}
    for title, columns, rows in (
        (
            "Measured, before \u2192 after the rewrite, projects built with more than one pattern:",
            ("pattern", "received after an edit", "seconds after an edit", "image", "offline"),
            measured(names),
        ),
        (
            f"Measured, {HYBRID}, received by the first build, and by one that makes the layer anew from a full mount "
            "(all that is left is what some tools ask their index for again):",
            ("first build", "with a full mount"),
            [row for row in _rows(REFILLS) if row[0] in names],
        ),
    ):
        if rows:
            yield title, ("project", *columns, "day"), [(f"{row[0]}-{row[1]}", *row[2:]) for row in rows]


def offering(pattern: str, ecosystems: Iterable[Ecosystem]) -> list[str]:
    """The names of the ecosystems that a pattern is to be had for."""
    return [shown(ecosystem.name) for ecosystem in ecosystems if pattern in ecosystem.patterns]


def measured(names: Iterable[str]) -> list[tuple[str, ...]]:
    """The measured rows of the projects that were built with several patterns."""
    known = set(names)
    rows = _rows(BUILDS)
    times = Counter(row[:2] for row in rows)
    return [row for row in rows if times[row[:2]] > 1 and row[0] in known]


def _rows(path: Path) -> list[tuple[str, ...]]:
    return [tuple(line.split("\t")) for line in path.read_text("utf-8").splitlines()]


def _paragraph(text: str) -> str:
    return fill(text, _WIDTH, initial_indent="  ", subsequent_indent="  ", break_on_hyphens=False)


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [columns, *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(columns))]
    return "".join(
        "  " + "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() + "\n"
        for line in lines
    )
