"""The contract of every plugin, shipped or installed beside the shipped ones, and the pages of the shared rules."""

from pathlib import Path

import pytest

from dockerlayer import registry
from dockerlayer.api import Ecosystem, Severity
from dockerlayer.checks import gitdir
from dockerlayer.checks.rules import RuleInfo, rules_of
from dockerlayer.testing import check_plugin
from dockerlayer.testing.contract import check_page, check_page_examples

FIXTURES = Path(__file__).parents[1] / "fixtures"


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
    """Those that stand in the page of a shared rule itself; the plugins' own are part of their contract."""
    repository = tmp_path / "repository"
    for name in (".git/HEAD", "Makefile", "main.c"):
        (repository / name).parent.mkdir(parents=True, exist_ok=True)
        (repository / name).touch()
    shared = [rule for rule in rules.values() if not rule.ecosystem]
    for rule in shared:
        project = repository if rule.name == gitdir.NAME else FIXTURES / "pip" / "naive"
        check_page_examples(rule, project, ecosystems)


def _page(**changes: str) -> RuleInfo:
    parts = {
        "head": "Something is wrong.",
        "why": "Why: it is.",
        "bad": "Bad::\n\n    FROM scratch\n    RUNN x",
        "good": "Good::\n\n    FROM scratch",
        "safety": "Fix safety: manual.",
        "references": "References:\n- A page: https://example.com/page",
    }
    text = "\n\n".join(filter(None, {**parts, **changes}.values()))
    return RuleInfo("invalid-dockerfile", Severity.ERROR, text, "", True, False)


def test_page_that_is_whole() -> None:
    check_page(_page())
    check_page_examples(_page(), FIXTURES / "pip" / "naive", ())


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"bad": "", "good": ""}, "has no Bad"),
        ({"good": ""}, "has no Good"),
        ({"bad": "Good::\n\n    FROM a", "good": "Bad::\n\n    FROM b"}, "a Bad without a Good"),
        ({"why": ""}, "has no Why"),
        ({"safety": ""}, "has no Fix safety"),
        ({"safety": "Why: again."}, "has no Fix safety"),
        ({"references": ""}, "has no References"),
        ({"references": "References:"}, "nothing below it"),
        ({"references": "References:\n- A page: http://example.com"}, "no address"),
        ({"references": "References:\n- A page: https://example.com/a\n- Hearsay"}, "no address"),
        ({"head": "References:\n- A page: https://example.com/a", "references": "Why: late."}, "invalid-dockerfile"),
    ],
)
def test_page_with_a_hole_is_refused(changes: dict[str, str], message: str) -> None:
    with pytest.raises(AssertionError, match=message):
        check_page(_page(**changes))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"bad": "Bad::\n\n    FROM scratch"}, "not found in its bad example"),
        ({"good": "Good::\n\n    FROM scratch\n    RUNN x"}, "in the good example"),
        ({"bad": "Bad (elsewhere)::\n\n    FROM scratch"}, "nobody tries the example for elsewhere"),
    ],
)
def test_untrue_example_is_refused(changes: dict[str, str], message: str) -> None:
    with pytest.raises(AssertionError, match=message):
        check_page_examples(_page(**changes), FIXTURES / "pip" / "naive", ())
