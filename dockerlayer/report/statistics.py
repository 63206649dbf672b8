"""The counts of a run in place of its findings: rule by rule, and what is downloaded again."""

from __future__ import annotations

from collections.abc import Sequence

from dockerlayer.report.formats import Run
from dockerlayer.report.json import part as part
from dockerlayer.report.record import Tally
from dockerlayer.report.text import closing
from dockerlayer.report.totals import files_of, totals_of
from dockerlayer.report.visible import shown

STREAMS = False


def whole(parts: Sequence[str], errors: Sequence[tuple[str, str]], tally: Tally, run: Run) -> str:
    """A table of rules, one of downloads, and the line that closes the text report; of a clean run only that."""
    totals = totals_of(files_of(parts))
    rules = [("FINDINGS", "SAFE", "UNSAFE", "SEVERITY", "RULE")]
    rules += [(str(rule.findings), str(rule.safe), str(rule.unsafe), rule.severity, rule.rule) for rule in totals.rules]
    downloads = [("FINDINGS", "REGISTRY", "DOWNLOADED AGAIN")]
    downloads += [(str(total.findings), total.registry, total.words) for total in totals.downloads]
    tables = [_table(rows, numbers, run) for rows, numbers in ((rules, 3), (downloads, 1)) if len(rows) > 1]
    return "\n".join((*tables, closing(tally, run)))


def _table(rows: Sequence[Sequence[str]], numbers: int, run: Run) -> str:
    cells = [[shown(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = [
        "  ".join(
            cell.rjust(width) if place < numbers else cell.ljust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in cells
    ]
    return "\n".join((run.paint("note", lines[0]), *lines[1:])) + "\n"
