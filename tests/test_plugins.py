"""The contract of every plugin, shipped or installed beside the shipped ones, and the pages of the shared rules."""

import re
from pathlib import Path

import pytest

from dockerlayer import registry
from dockerlayer.api import Ecosystem
from dockerlayer.checks import gitdir
from dockerlayer.checks.rules import RuleInfo, rules_of
from dockerlayer.testing import check_plugin
from dockerlayer.testing.contract import check_page, found_in

FIXTURES = Path(__file__).parents[1] / "fixtures"
EXAMPLE = re.compile(r"^(Bad|Good)(?: \((.+)\))?::\n\n((?:(?:    .*)?\n)+)", re.MULTILINE)


@pytest.fixture(scope="module")
def rules(ecosystems: tuple[Ecosystem, ...]) -> dict[str, RuleInfo]:
    return rules_of(ecosystems)


def test_every_plugin_loads() -> None:
    assert not registry.installed()[1]


def test_contract(ecosystems: tuple[Ecosystem, ...], subtests: pytest.Subtests) -> None:
    for ecosystem in ecosystems:
        with subtests.test(ecosystem.name):
            check_plugin(ecosystem, FIXTURES / ecosystem.name, ecosystems)


def test_rule_names(ecosystems: tuple[Ecosystem, ...], rules: dict[str, RuleInfo]) -> None:
    own = [rule.name for ecosystem in ecosystems for rule in ecosystem.rules]
    assert len(own) == len(set(own)) == sum(bool(rule.ecosystem) for rule in rules.values())


def test_pages_have_every_heading(rules: dict[str, RuleInfo]) -> None:
    for rule in rules.values():
        check_page(rule)


def test_examples_on_pages_are_true(
    ecosystems: tuple[Ecosystem, ...], rules: dict[str, RuleInfo], tmp_path: Path
) -> None:
    """Those that stand in a page itself; the ecosystems' own are part of their contract."""
    projects = {ecosystem.name: FIXTURES / ecosystem.name / "naive" for ecosystem in ecosystems}
    repository = tmp_path / "repository"
    for name in (".git/HEAD", "Makefile", "main.c"):
        (repository / name).parent.mkdir(parents=True, exist_ok=True)
        (repository / name).touch()
    for rule in rules.values():
        examples = [(kind, text) for kind, title, text in EXAMPLE.findall(f"{rule.page}\n") if not title]
        assert [kind for kind, _ in examples] in ([], ["Bad", "Good"])
        for kind, text in examples:
            body = re.sub(r"^    ", "", text, flags=re.MULTILINE)
            if not body.startswith("FROM"):
                body = f"FROM python:3.12\nWORKDIR /app\nCOPY requirements.txt ./\n{body}"
            project = repository if rule.name == gitdir.NAME else projects[rule.ecosystem or "pip"]
            names = found_in(body, project, ecosystems, rule.name)
            assert (rule.name in names) if kind == "Bad" else not names, f"{rule.name}: {names} in the {kind} example"
