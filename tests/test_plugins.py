"""What every plugin promises: its data is whole, its rules have pages, and the examples on the pages are true."""

import re
from pathlib import Path

import pytest

from dockerlayer import registry
from dockerlayer.api import Ecosystem
from dockerlayer.checks.rules import RuleInfo, rules_of
from dockerlayer.engine import Options, context_for, default_rules, examine

FIXTURES = Path(__file__).parents[1] / "fixtures"
HEADINGS = ("\n\nWhy:", "\nBad", "\nGood", "\n\nFix safety:")
EXAMPLE = re.compile(r"^(Bad|Good)(?: \((.+)\))?::\n\n((?:(?:    .*)?\n)+)", re.MULTILINE)
LOCK_RULES = {"missing-lockfile"}


def every_ecosystem(shipped: tuple[Ecosystem, ...]) -> list[Ecosystem]:
    """The shipped plugins and whatever else is installed beside them."""
    others = {ecosystem.name: ecosystem for ecosystem in registry.installed()[0]}
    return list({**others, **{ecosystem.name: ecosystem for ecosystem in shipped}}.values())


@pytest.fixture(scope="module")
def rules(ecosystems: tuple[Ecosystem, ...]) -> dict[str, RuleInfo]:
    return rules_of(every_ecosystem(ecosystems))


def test_every_plugin_loads() -> None:
    assert not registry.installed()[1]


def test_data_is_whole(ecosystems: tuple[Ecosystem, ...]) -> None:
    for ecosystem in every_ecosystem(ecosystems):
        assert re.fullmatch(r"[a-z][a-z0-9-]*", ecosystem.name)
        assert ecosystem.title
        assert ecosystem.docs.startswith("https://")
        assert ecosystem.registry.name
        assert ecosystem.registry.payer
        assert ecosystem.answers_to.match(ecosystem.name.split("-")[0])
        for target in ecosystem.other_caches:
            re.compile(target)


def test_programs_belong_to_one_plugin(ecosystems: tuple[Ecosystem, ...]) -> None:
    known = every_ecosystem(ecosystems)
    for ecosystem in known:
        answering = [other.name for other in known if other.answers_to.match(ecosystem.name)]
        assert answering == [ecosystem.name]


def test_rule_names(ecosystems: tuple[Ecosystem, ...], rules: dict[str, RuleInfo]) -> None:
    own = [rule.name for ecosystem in every_ecosystem(ecosystems) for rule in ecosystem.rules]
    assert len(own) == len(set(own)) == sum(bool(rule.ecosystem) for rule in rules.values())
    for name in rules:
        assert re.fullmatch(r"[a-z]+(?:-[a-z]+)+", name)
        assert not name.lower().startswith("dl"), "hadolint's codes start with DL"


def test_pages_have_every_heading(rules: dict[str, RuleInfo]) -> None:
    for rule in rules.values():
        assert re.fullmatch(r"[A-Z`].*\.", rule.summary), rule.name
        places = [rule.page.find(heading) for heading in HEADINGS]
        assert -1 not in places, f"{rule.name} has no {HEADINGS[places.index(-1)].strip()}"
        assert places == sorted(places), f"{rule.name}: the headings are out of order"


def test_examples_name_a_rule(ecosystems: tuple[Ecosystem, ...], rules: dict[str, RuleInfo]) -> None:
    for ecosystem in every_ecosystem(ecosystems):
        assert {example.rule for example in ecosystem.examples} <= rules.keys()
        assert "source-before-download" in {example.rule for example in ecosystem.examples}


def test_examples_are_true(ecosystems: tuple[Ecosystem, ...], rules: dict[str, RuleInfo], tmp_path: Path) -> None:
    for rule in rules.values():
        found = EXAMPLE.findall(f"{rule.page}\n")
        assert len(found) % 2 == 0, rule.name
        for (bad, title, before), (good, other, after) in zip(found[::2], found[1::2], strict=True):
            assert (bad, good, title) == ("Bad", "Good", other), rule.name
            names = findings(before, hidden_from(rule, before, after), ecosystems, rule, tmp_path)
            assert rule.name in names, f"{rule.name}: the bad example {title} is not found"
            names = findings(after, (), ecosystems, rule, tmp_path)
            assert not names, f"{rule.name}: {', '.join(names)} in the good example {title}"


def hidden_from(rule: RuleInfo, bad: str, good: str) -> tuple[str, ...]:
    """The files that a project without a lockfile has not: those that the good example adds."""
    if rule.name not in LOCK_RULES:
        return ()
    return tuple(word for word in good.split() if "." in word and word not in bad.split())


def findings(
    text: str, hidden: tuple[str, ...], ecosystems: tuple[Ecosystem, ...], rule: RuleInfo, place: Path
) -> list[str]:
    """The names of the rules that find something in an example, in the context of a small project."""
    body = re.sub(r"^    ", "", text, flags=re.MULTILINE)
    if not body.startswith("FROM"):
        body = f"FROM python:3.12\nWORKDIR /app\nCOPY requirements.txt ./\n{body}"
    root = place / f"{rule.name}-{len(list(place.iterdir()))}"
    root.mkdir()
    for ecosystem in ecosystems:
        for path in (FIXTURES / ecosystem.name / "naive").iterdir():
            if path.is_file() and path.name not in hidden:
                (root / path.name).write_bytes(path.read_bytes())
    dockerfile = root / "Dockerfile"
    dockerfile.write_text(body)
    options = Options(default_rules(ecosystems) | {rule.name})
    return [item.rule for item in examine(body.encode(), context_for(dockerfile, None), ecosystems, options).findings]
