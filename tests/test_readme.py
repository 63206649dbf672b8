"""What the README shows of the program is what the program says."""

import re
from pathlib import Path

import pytest

from dockerlayer.api import Ecosystem
from dockerlayer.checks.rules import rule_names, rules_of
from dockerlayer.cli.choices import FailOn
from dockerlayer.cli.configured import Configured
from dockerlayer.cli.request import Request
from dockerlayer.config.fields import FIELDS
from dockerlayer.config.find import Finder
from dockerlayer.engine import Options, default_rules, examine
from dockerlayer.findings import Severity
from dockerlayer.model.context import Context
from dockerlayer.report.ecosystems import ecosystems_text

README = Path(__file__).parents[1] / "README.md"


def _table(name: str) -> str:
    return _table_of(f"{name}-table")


def _table_of(name: str) -> str:
    (shown,) = re.findall(rf"<!-- {name} -->\n(.*)<!-- /{name} -->\n", README.read_text("utf-8"), re.DOTALL)
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


def test_keys_of_the_configuration() -> None:
    rows = [line.strip("|").split("|") for line in _table_of("configuration-keys").splitlines()[2:]]
    assert [key for row in rows for key in re.findall(r"`([\w-]+)`", row[0])] == [field.key for field in FIELDS]


def test_example_of_a_configuration(
    ecosystems: tuple[Ecosystem, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (text,) = re.findall(r"<!-- configuration -->\n```toml\n(.*?)```\n", README.read_text("utf-8"), re.DOTALL)
    (tmp_path / "dockerlayer.toml").write_text(text)
    (tmp_path / "app").mkdir()
    monkeypatch.chdir(tmp_path)
    configured = Configured(Request("check"), ecosystems, Finder())
    options, context, _, fail_on = configured.settings("docker/api.Dockerfile")
    assert options.rules == default_rules(ecosystems) - {"missing-lockfile"} | {"network-in-install"}
    assert options.severities == {"workspace-drift": Severity.ERROR}
    assert (options.pattern, options.patterns) == ("split", {"npm": "narrow"})
    assert (context, fail_on) == ("app", FailOn.WARNING)
    assert configured.settings("services/api/Dockerfile").context == "."
    assert configured.settings("other/Dockerfile").context is None
    assert configured.excludes("a/vendor/b/Dockerfile", ".")
    assert configured.excludes("Dockerfile.dev", ".")
