"""What every plugin promises: its data is whole, its rules have pages, and the examples on the pages are true."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Sequence
from inspect import cleandoc
from pathlib import Path

from dockerlayer.api import Ecosystem, Example
from dockerlayer.checks import order
from dockerlayer.checks.lockfile import MISSING
from dockerlayer.checks.pages import references, sections
from dockerlayer.checks.rules import RuleInfo, rules_of
from dockerlayer.checks.survey import Survey
from dockerlayer.engine import Options, context_for, default_rules, examine
from dockerlayer.model.layers import Analysis
from dockerlayer.syntax.parser import parse
from dockerlayer.testing.cases import EXPECTED

HEADINGS = ("What", "Why", "Bad", "Good", "Fix safety", "References")
"""What the page of every rule holds, in this order; there may be several pairs of Bad and Good."""


def check_plugin(ecosystem: Ecosystem, cases: Path, others: Sequence[Ecosystem] = ()) -> None:
    """Assert the whole contract of a plugin.

    ``cases`` is the folder of its cases, in whose contexts the examples are tried; ``others`` are plugins that are
    installed beside it.
    """
    check_data(ecosystem)
    check_pages(ecosystem, cases, others)
    check_examples(ecosystem, cases, others)


def check_data(ecosystem: Ecosystem) -> None:
    """Assert that nothing is missing of what users are shown."""
    assert re.fullmatch(r"[a-z][a-z0-9-]*", ecosystem.name), ecosystem.name
    assert ecosystem.title, "no title"
    assert ecosystem.docs.startswith("https://"), "no page of documentation"
    assert ecosystem.registry.name, "no registry"
    assert ecosystem.registry.payer, "nobody pays for the registry"
    assert ecosystem.practice is not None, "no row for the table of ecosystems"
    assert all(ecosystem.practice), "the row for the table of ecosystems has a hole"
    for pattern in (ecosystem.programs, ecosystem.environment, *ecosystem.other_caches):
        re.compile(pattern)


def check_pages(ecosystem: Ecosystem, cases: Path, others: Sequence[Ecosystem] = ()) -> None:
    """Assert that every rule of the plugin has a page with all its headings, in order, and true examples."""
    for rule in rules_of([ecosystem]).values():
        assert re.fullmatch(r"[a-z]+(?:-[a-z]+)+", rule.name), rule.name
        assert not rule.name.startswith("dl"), "hadolint's codes start with DL"
        if rule.ecosystem:
            check_page(rule)
            check_page_examples(rule, cases / "naive", [ecosystem, *others])


def check_page(rule: RuleInfo) -> None:
    """Assert that the page of a rule has all its headings, in order, and that its references can be followed."""
    assert re.fullmatch(r"[A-Z`].*\.", rule.summary), rule.name
    parts = list(sections(rule.page))
    headings = [part.heading for part in parts]
    assert all(part.text for part in parts), f"{rule.name}: a heading with nothing below it"
    for heading in HEADINGS:
        assert heading in headings, f"{rule.name} has no {heading}"
    pairs = headings[2:-2]
    assert pairs == ["Bad", "Good"] * (len(pairs) // 2), f"{rule.name}: a Bad without a Good"
    assert tuple(dict.fromkeys(headings)) == HEADINGS, f"{rule.name}: the headings are out of order"
    assert headings.count("Why") == headings.count("Fix safety") == headings.count("References") == 1, rule.name
    for reference in references(parts[-1].text):
        assert reference.url, f"{rule.name}: no address in the reference {reference.title!r}"


def check_page_examples(rule: RuleInfo, project: Path, ecosystems: Sequence[Ecosystem]) -> None:
    """Assert that the examples in the docstring of a rule are true for a project; the others are the plugins'."""
    theirs = {
        cleandoc(text) for item in ecosystems for example in item.examples for text in (example.bad, example.good)
    }
    for part in sections(rule.page):
        if part.heading not in {"Bad", "Good"}:
            continue
        if part.title:
            assert part.text in theirs, f"{rule.name}: nobody tries the example for {part.title}"
            continue
        names = found_in(part.text + "\n", project, ecosystems, rule.name)
        if part.heading == "Bad":
            assert rule.name in names, f"{rule.name} is not found in its bad example:\n{part.text}"
        else:
            assert not names, f"{', '.join(names)} in the good example of {rule.name}:\n{part.text}"


def check_examples(ecosystem: Ecosystem, cases: Path, others: Sequence[Ecosystem] = ()) -> None:
    """Assert that each Bad is found, by this plugin alone, and that each Good is clean for all of them."""
    rules = rules_of([ecosystem])
    assert order.NAME in {example.rule for example in ecosystem.examples}, f"no example of {order.NAME}"
    for example in ecosystem.examples:
        assert example.rule in rules, f"an example of {example.rule}, which is no rule"
        project = cases / example.case
        bad, good = (cleandoc(text) + "\n" for text in (example.bad, example.good))
        names = found_in(bad, project, [ecosystem], example.rule, _hidden(example))
        assert example.rule in names, f"{example.rule} is not found in its bad example:\n{bad}"
        names = found_in(good, project, [ecosystem, *others], example.rule, ignored=example.ignored)
        assert not names, f"{', '.join(names)} in the good example of {example.rule}:\n{good}"
        readers = _readers(bad, project, [ecosystem, *others])
        assert readers <= {ecosystem.name}, f"read by {', '.join(sorted(readers))}:\n{bad}"


def found_in(
    text: str,
    project: Path,
    ecosystems: Sequence[Ecosystem],
    rule: str,
    hidden: Sequence[str] = (),
    ignored: str = "",
) -> list[str]:
    """The names of the rules that find something in a Dockerfile, among the project's files but the hidden ones.

    ``ignored`` is a line that the ignore file has more than the project's own.
    """
    options = Options(default_rules(ecosystems) | {rule})
    with tempfile.TemporaryDirectory() as place:
        dockerfile = _settled(text, project, Path(place) / "project", hidden)
        if ignored:
            with (dockerfile.parent / ".dockerignore").open("a") as file:
                file.write(f"\n{ignored}\n")
        report = examine(text.encode(), context_for(dockerfile, None), ecosystems, options)
    return [item.rule for item in report.findings]


def _settled(text: str, project: Path, root: Path, hidden: Sequence[str]) -> Path:
    shutil.copytree(project, root, ignore=shutil.ignore_patterns("Dockerfile", EXPECTED, *hidden))
    dockerfile = root / "Dockerfile"
    dockerfile.write_text(text)
    return dockerfile


def _hidden(example: Example) -> tuple[str, ...]:
    """The files that a project without a lockfile has not: those that the good example adds."""
    if example.rule != MISSING:
        return ()
    return tuple(word for word in example.good.split() if "." in word and word not in example.bad.split())


def _readers(text: str, project: Path, ecosystems: Sequence[Ecosystem]) -> set[str]:
    with tempfile.TemporaryDirectory() as place:
        dockerfile = _settled(text, project, Path(place) / "project", ())
        survey = Survey(Analysis(parse(text.encode()), context_for(dockerfile, None)), ecosystems)
        return {seen.ecosystem.name for step in survey.steps() for seen in survey.sightings(step)}
