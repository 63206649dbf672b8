"""What the README shows of the program is what the program says."""

import re
from pathlib import Path

from dockerlayer.api import Ecosystem
from dockerlayer.checks.rules import rule_names, rules_of
from dockerlayer.engine import Options, examine
from dockerlayer.model.context import Context
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


def test_comments_that_leave_findings_alone(ecosystems: tuple[Ecosystem, ...], tmp_path: Path) -> None:
    (text,) = re.findall(r"<!-- suppressions -->\n```dockerfile\n(.*?)```\n", README.read_text("utf-8"), re.DOTALL)
    (tmp_path / "requirements.txt").write_text("flask\n")
    (tmp_path / ".git").mkdir()
    (tmp_path / "app.py").write_text("import flask\n")
    comment = re.compile(r"# dockerlayer:.*\n")
    assert len(comment.findall(text)) == 3
    options = Options(rule_names(ecosystems))
    bare = examine(comment.sub("", text).encode(), Context.open(tmp_path), ecosystems, options)
    assert len(bare.findings) == 3
    found = examine(text.encode(), Context.open(tmp_path), ecosystems, options)
    assert not found.findings
    assert [item.rule for item in found.suppressed] == [item.rule for item in bare.findings]
