"""The table of what real builds measured, and the file that it is kept in."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import NamedTuple

START, END = "<!-- builds-table -->", "<!-- /builds-table -->"
_BLOCK = re.compile(re.escape(START) + ".*?" + re.escape(END), re.DOTALL)
UNITS = {"kB": 1e3, "MB": 1e6, "GB": 1e9}
HEADINGS = ("ecosystem", "project", "pattern", "received after an edit", "seconds after an edit", "image", "offline")


@dataclass(frozen=True, slots=True)
class Row:
    """What was measured of one project; pairs are before and after the rewrite.

    ``received`` (bytes) and ``seconds`` are of a build after one edit of the source.
    """

    project: str
    pattern: str
    received: tuple[int, int]
    seconds: tuple[float, float]
    size: tuple[int, int]
    offline: str

    def cells(self) -> tuple[str, ...]:
        """The row as texts."""
        ecosystem, _, name = self.project.partition("-")
        received = " → ".join(map(amount, self.received))
        seconds = " → ".join(f"{value:.1f}" for value in self.seconds)
        before, after = self.size
        sign = "-" if after < before else "+"
        size = f"{amount(before)} → {amount(after)} ({sign}{amount(abs(after - before))})"
        return ecosystem, name, self.pattern, received, seconds, size, self.offline


@dataclass(slots=True)
class Measured:
    """What the tests of one run measured, of how many projects, and with what."""

    rows: list[Row] = field(default_factory=list)
    wanted: int = 0
    builder: str = ""
    tools: dict[str, str] = field(default_factory=dict)


class TrapRow(NamedTuple):
    """What was seen of one trap: how it bit, and what the fixed file did after the same change, both in words."""

    trap: str
    bite: str
    held: str


@dataclass(slots=True)
class Traps:
    """The traps of one run, and how many there are."""

    rows: list[TrapRow] = field(default_factory=list)
    wanted: int = 0


def amount(count: int) -> str:
    """A number of bytes for people, in powers of ten."""
    if count < 1000:
        return f"{count} B" if count else "0"
    unit, value = next((unit, count / power) for unit, power in UNITS.items() if count < 999.5 * power or unit == "GB")
    return f"{value:.1f} {unit}" if value < 99.95 else f"{value:.0f} {unit}"


def as_markdown(rows: Sequence[Row], versions: Sequence[str], day: date) -> str:
    """The table, with the day and the versions that it was measured with below."""
    lines = [HEADINGS, ("---",) * len(HEADINGS), *(row.cells() for row in rows)]
    table = "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
    return f"{table}\n\nMeasured on {day.day} {day:%B %Y} with {', '.join(versions)}."


def as_rows(rows: Sequence[Row], day: date) -> str:
    """The table as `dockerlayer explain patterns` reads it: cells between tabs, the day last."""
    return "".join("\t".join((*row.cells(), day.isoformat())) + "\n" for row in rows)


def keep(path: Path, text: str) -> None:
    """Put the table between its marks in a file, or make the file.

    Raises:
        ValueError: when the file is there and has no marks.
    """
    block = f"{START}\n{text}\n{END}"
    if not path.exists():
        path.write_text(f"{block}\n", "utf-8")
        return
    old = path.read_text("utf-8")
    if len(_BLOCK.findall(old)) != 1:
        raise ValueError(f"{path} has no one place for the table: {START} ... {END}")
    path.write_text(_BLOCK.sub(lambda _: block, old), "utf-8")
