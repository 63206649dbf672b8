"""What every plugin promises: its data is whole, its rules have pages, and the examples on the pages are true."""

import re
import shutil
from collections.abc import Sequence
from inspect import cleandoc
from pathlib import Path

import pytest

from dockerlayer import registry
from dockerlayer.api import Ecosystem
from dockerlayer.checks.rules import RuleInfo, rules_of
from dockerlayer.checks.survey import Survey
from dockerlayer.engine import Options, context_for, default_rules, examine
from dockerlayer.model.layers import Analysis
from dockerlayer.syntax.parser import parse
from dockerlayer.testing import EXPECTED

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


def test_a_call_is_read_by_one_plugin(ecosystems: tuple[Ecosystem, ...], tmp_path: Path) -> None:
    known = every_ecosystem(ecosystems)
    for ecosystem in known:
        for number, example in enumerate(ecosystem.examples):
            text = cleandoc(example.bad) + "\n"
            dockerfile = project(tmp_path / f"{ecosystem.name}-{number}", text, [ecosystem])
            survey = Survey(Analysis(parse(text.encode()), context_for(dockerfile, None)), known)
            readers = [seen.ecosystem.name for step in survey.steps() for seen in survey.sightings(step)]
            assert set(readers) <= {ecosystem.name}


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
            of_one = [ecosystem for ecosystem in ecosystems if title in {"", ecosystem.title}]
            names = findings(before, hidden_from(rule, before, after), of_one, rule, tmp_path)
            assert rule.name in names, f"{rule.name}: the bad example {title} is not found"
            names = findings(after, (), of_one, rule, tmp_path)
            assert not names, f"{rule.name}: {', '.join(names)} in the good example {title}"


def hidden_from(rule: RuleInfo, bad: str, good: str) -> tuple[str, ...]:
    """The files that a project without a lockfile has not: those that the good example adds."""
    if rule.name not in LOCK_RULES:
        return ()
    return tuple(word for word in good.split() if "." in word and word not in bad.split())


def findings(
    text: str, hidden: tuple[str, ...], ecosystems: Sequence[Ecosystem], rule: RuleInfo, place: Path
) -> list[str]:
    """The names of the rules that find something in an example, in the context of a small project."""
    body = re.sub(r"^    ", "", text, flags=re.MULTILINE)
    if not body.startswith("FROM"):
        body = f"FROM python:3.12\nWORKDIR /app\nCOPY requirements.txt ./\n{body}"
    dockerfile = project(place / f"{rule.name}-{len(list(place.iterdir()))}", body, ecosystems, hidden)
    options = Options(default_rules(ecosystems) | {rule.name})
    return [item.rule for item in examine(body.encode(), context_for(dockerfile, None), ecosystems, options).findings]


def project(root: Path, text: str, ecosystems: Sequence[Ecosystem], hidden: Sequence[str] = ()) -> Path:
    """A Dockerfile in the context of each ecosystem's small project, without the files of the hidden names."""
    for ecosystem in ecosystems:
        left_out = shutil.ignore_patterns("Dockerfile", EXPECTED, *hidden)
        shutil.copytree(FIXTURES / ecosystem.name / "naive", root, ignore=left_out, dirs_exist_ok=True)
    dockerfile = root / "Dockerfile"
    dockerfile.write_text(text)
    return dockerfile
