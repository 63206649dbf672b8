"""What the README shows of the program is what the program says."""

import re
from pathlib import Path

from dockerlayer.api import Ecosystem
from dockerlayer.checks.rules import rules_of
from dockerlayer.report.ecosystems import ecosystems_text

README = Path(__file__).parents[1] / "README.md"


def _table(name: str) -> str:
    text = README.read_text("utf-8")
    (shown,) = re.findall(rf"<!-- {name}-table -->\n(.*)<!-- /{name}-table -->\n", text, re.DOTALL)
    return str(shown)


def test_table_of_ecosystems(ecosystems: tuple[Ecosystem, ...]) -> None:
    assert _table("ecosystems") == ecosystems_text(ecosystems), "dockerlayer ecosystems prints the table"


def test_table_of_rules(ecosystems: tuple[Ecosystem, ...]) -> None:
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in _table("rules").splitlines()[2:]]
    assert all(len(row) == 3 and row[2] for row in rows)
    shown = {name: severity for name, severity, _ in rows}
    assert len(shown) == len(rows)
    assert shown == {
        f"`{rule.name}`": rule.severity.value + ("" if rule.default else ", on request")
        for rule in rules_of(ecosystems).values()
    }, "the README lists what `dockerlayer rules` does"
