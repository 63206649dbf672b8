"""What dockerlayer says: findings with a place, fixes with an applicability, refusals with a reason."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import NamedTuple


class Severity(StrEnum):
    """How bad a finding is. ``info`` findings are told on request only."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


class Applicability(StrEnum):
    """``safe``: every precondition was proven; ``unsafe``: one stated assumption; ``manual``: we explain, you edit."""

    SAFE = "safe"
    UNSAFE = "unsafe"
    MANUAL = "manual"


class Edit(NamedTuple):
    """Replace the bytes ``start:end`` of *this* text (half-open) by ``text``."""

    start: int
    end: int
    text: bytes


def apply(data: bytes, edits: Iterable[Edit], start: int = 0, end: int | None = None) -> bytes:
    """``data[start:end]`` with edits made, none of which overlap; those at one place in the order of their texts."""
    parts, at = [], start
    for edit in sorted(edits):
        parts += [data[at : edit.start], edit.text]
        at = edit.end
    return b"".join([*parts, data[at : len(data) if end is None else end]])


class Refusal(NamedTuple):
    """Why a rewrite is not offered: ``code`` is a kebab-case word for machines, ``message`` a sentence for people.

    ``pattern`` is the kind of rewrite that is refused, where there are several.
    """

    code: str
    message: str
    line: int | None = None
    pattern: str = ""


class Fix(NamedTuple):
    """A titled, atomic set of edits. ``assumptions`` say what was not proven; ``notes`` what the reader should know.

    ``ignore`` are lines for the end of the ignore file of the build context.
    """

    title: str
    edits: tuple[Edit, ...]
    applicability: Applicability
    pattern: str
    assumptions: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()


def amount(number: int, unit: str) -> str:
    """The number with its unit, which is given as a plural: "1 package", "2 packages"."""
    return f"{number} {unit if number != 1 else unit.removesuffix('s')}"


def listed(words: Sequence[str], at_most: int | None = None) -> str:
    """Words, at least one, in a sentence: "a, b and c", or "a, b and 4 more" where they are more than ``at_most``."""
    if at_most is not None and len(words) > at_most:
        words = (*words[:at_most], f"{len(words) - at_most} more")
    *most, last = words
    return f"{', '.join(most)} and {last}" if most else last


class Cost(NamedTuple):
    """What is downloaded again: ``number`` of ``unit`` from ``registry``, whose traffic ``payer`` pays for.

    ``number`` is None where nothing says how many; ``unit`` is a plural.
    """

    number: int | None
    unit: str
    registry: str
    payer: str

    @property
    def words(self) -> str:
        """In words: "412 packages from X", or "the packages from X" where nothing says how many."""
        what = f"the {self.unit}" if self.number is None else amount(self.number, self.unit)
        return f"{what} from {self.registry}"


class Finding(NamedTuple):
    """A rule broken at a place (byte offsets).

    ``subject`` names what it is about, a line for each call or path, and stays the same when text moves. ``refusals``
    say why there is no fix, or why the fix has not the pattern that was asked for. ``cost`` is what is downloaded
    without need because of it.
    """

    rule: str
    severity: Severity
    message: str
    start: int
    end: int
    subject: str
    help: str = ""
    fix: Fix | None = None
    refusals: tuple[Refusal, ...] = ()
    ecosystem: str = ""
    cost: tuple[Cost, ...] = ()


def identities(finding: Finding) -> tuple[str, ...]:
    """What a finding is about, call by call, by words that stay the same when stages are put in or taken out above."""
    return tuple(re.sub(r"^\d+:", "", line) for line in finding.subject.splitlines() or [""])
