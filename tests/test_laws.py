"""The laws of dockerlayer.testing over every fixture, and over the whole corpus if DOCKERLAYER_CORPUS names its folder.

Files of the corpus come without a context; one is made up for each, from what the file copies.
"""

import os
import random
import re
import tarfile
import tempfile
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from dockerlayer.api import Context, Ecosystem
from dockerlayer.checks.rules import rule_names
from dockerlayer.checks.suppressions import NAMES
from dockerlayer.cli.ignoring import annotated
from dockerlayer.engine import Options, Outcome, default_rules, examine, repair
from dockerlayer.model.suppressions import suppressions_of
from dockerlayer.rewrite.plan import PATTERNS
from dockerlayer.syntax.parser import parse
from dockerlayer.testing import (
    EXPECTED,
    Case,
    assert_converging,
    assert_guarded,
    assert_idempotent,
    assert_lossless,
    cases,
)

FIXTURES = Path(__file__).parents[1] / "fixtures"
CASES = [case for case in cases(FIXTURES) if case.folder.relative_to(FIXTURES).parts[0] not in {"syntax", "plugins"}]
SYNTAX = sorted((FIXTURES / "syntax").glob("*.Dockerfile"))
MODES = [(pattern, unsafe) for pattern in PATTERNS for unsafe in (False, True)]
NOT_OF_THE_PROJECT = {"Dockerfile", ".dockerignore", EXPECTED}


def own_rules(ecosystems: tuple[Ecosystem, ...]) -> set[str]:
    return {rule.name for ecosystem in ecosystems for rule in ecosystem.rules}


def later_of(title: str) -> set[str]:
    """The variables that a fix moves down, as its title has them."""
    return set(title.removeprefix("move ").removesuffix(" below the download").split(", "))


def hold(data: bytes, context: Context, ecosystems: tuple[Ecosystem, ...], options: Options) -> Outcome:
    outcome = repair(data, context, ecosystems, options)
    if outcome.data != data or outcome.ignore:
        assert_lossless(outcome.data)
        # A rule of a plugin's own may exchange words; most shared rules only add some.
        own = any(made.finding.rule in own_rules(ecosystems) for made in outcome.made)
        own |= any(made.fix.pattern in {"online", "words"} for made in outcome.made)
        moved = any(made.fix.pattern == "mount" for made in outcome.made)
        mended = any(made.fix.pattern == "manifests" for made in outcome.made)
        assert_guarded(
            data,
            outcome.data,
            context,
            keeps_words=not own,
            keeps_list=not mended,
            keeps_mounts=not moved,
            ignore=outcome.ignore,
            later=frozenset().union(*(later_of(made.fix.title) for made in outcome.made if made.fix.pattern == "sink")),
        )
        assert_idempotent(outcome, context, ecosystems, options)
    assert_converging(outcome, options)
    return outcome


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.folder.relative_to(FIXTURES).as_posix())
def test_cases(case: Case, ecosystems: tuple[Ecosystem, ...]) -> None:
    with case.opened() as (data, context):
        assert_lossless(data)
        for pattern, unsafe in MODES:
            hold(data, context, ecosystems, case.options(ecosystems, pattern, unsafe=unsafe))


MARKED = frozenset({"run", "copy", "from"})


def marked(data: bytes, *, apart: bool) -> bytes:
    """The text with a comment for dockerlayer and one for hadolint on each RUN, COPY and FROM, one like no other.

    The rule is one that is not run, so that none of them is called unused.
    """
    newline = b"\r\n" if b"\r\n" in data else b"\n"
    gap = newline if apart else b""
    parts, at = [], 0
    for number, instruction in enumerate(parse(data).instructions):
        if instruction.name in MARKED:
            ours = b"# dockerlayer: ignore[network-in-install] number %d" % number + newline
            parts += [data[at : instruction.start], ours, gap, b"# hadolint ignore=DL%d" % (3000 + number), newline]
            at = instruction.start
    return b"".join([*parts, data[at:]])


@pytest.mark.parametrize(
    "number", range(0, len(CASES), 2), ids=lambda n: CASES[n].folder.relative_to(FIXTURES).as_posix()
)
def test_comments_stay_on_their_instruction(number: int, ecosystems: tuple[Ecosystem, ...]) -> None:
    """Every other case, in one mode each: the next case gets the next mode."""
    case = CASES[number]
    pattern, unsafe = MODES[number // 2 % len(MODES)]
    options = case.options(ecosystems, pattern, unsafe=unsafe)
    options = options._replace(rules=options.rules - {"network-in-install"})
    with case.opened() as (data, context):
        plain = repair(data, context, ecosystems, options)
        if plain.data == data:
            return
        outcome = hold(marked(data, apart=number % 3 == 0), context, ecosystems, options)
        # An instruction that a fix would take away keeps its place, for the sake of its comments.
        if case.folder.name != "workspace-drift-gone-alone":
            assert [made.fix.title for made in outcome.made] == [made.fix.title for made in plain.made]


@pytest.mark.parametrize(
    "number", range(1, len(CASES), 3), ids=lambda n: CASES[n].folder.relative_to(FIXTURES).as_posix()
)
def test_everything_can_be_left_alone(number: int, ecosystems: tuple[Ecosystem, ...]) -> None:
    case = CASES[number]
    options = case.options(ecosystems)._replace(rules=rule_names(ecosystems))
    with case.opened() as (data, context):
        if suppressions_of(parse(data)):
            return  # a case about comments: with every rule run, some of them are not needed
        report = examine(data, context, ecosystems, options)
        assert not NAMES & {item.rule for item in report.findings}
        if not report.findings or report.findings[0].rule == "invalid-dockerfile":
            return
        text, count = annotated(report, "today")
        assert count == len(report.findings)
        assert parse(text).meaning == parse(data).meaning
        after = examine(text, context, ecosystems, options)
        assert not after.findings
        assert len(after.suppressed) == count
        assert annotated(after, "today") == (text, 0)


def manifests_for(data: bytes, ecosystems: tuple[Ecosystem, ...]) -> dict[str, bytes]:
    """The files of a small project of each ecosystem; of those that share a file name, one that the text names."""
    chosen = random.Random(len(data))
    named = [e for e in ecosystems if re.search(rf"(?<![\w.-])(?:{e.programs})(?![\w-])".encode(), data)]
    others = [ecosystem for ecosystem in ecosystems if ecosystem not in named]
    found: dict[str, bytes] = {}
    for ecosystem in (*others, *chosen.sample(named, len(named))):
        found |= project_of(ecosystem.name)
    return found


@cache
def project_of(name: str) -> dict[str, bytes]:
    folder = FIXTURES / name / "naive"
    files = [path for path in folder.rglob("*") if path.is_file()]
    inside = {path.relative_to(folder): path for path in files}
    return {
        path.as_posix(): full.read_bytes()
        for path, full in sorted(inside.items())
        if path.parts[0] not in NOT_OF_THE_PROJECT
    }


def make_context(data: bytes, root: Path, ecosystems: tuple[Ecosystem, ...]) -> Context:
    """A context that a file without one could have been written for: every source that it copies is there.

    What looks like a directory, and the context itself, holds a project of each ecosystem.
    """
    manifests = manifests_for(data, ecosystems)
    places = {"."}
    for instruction in parse(data).instructions:
        if instruction.name in {"copy", "add"} and not any(flag.startswith("--from") for flag in instruction.flags):
            places.update(word.lstrip("/") for word in instruction.args[:-1] if re.fullmatch(r"[\w./-]+", word))
    for place in sorted(places):
        target = Path(os.path.normpath(root / place))
        if not target.is_relative_to(root) or (target.exists() and target != root):
            continue
        name = target.name
        if target != root and ("." in name or name in {"Makefile", "Dockerfile", "LICENSE"}):
            write(target, manifests.get(name, b"text\n"))
            continue
        for manifest, content in manifests.items():
            write(target / manifest, content)
    write(root / ".dockerignore", b"**/node_modules\n")
    return Context.open(root)


def write(path: Path, content: bytes) -> None:
    if not any(parent.is_file() for parent in path.parents) and not path.is_dir():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def test_syntax_fixtures(ecosystems: tuple[Ecosystem, ...]) -> None:
    rewritten = hold_all(((path.name, path.read_bytes()) for path in SYNTAX), ecosystems)
    assert rewritten >= 1


@pytest.mark.skipif("DOCKERLAYER_CORPUS" not in os.environ, reason="DOCKERLAYER_CORPUS names no folder")
def test_corpus(ecosystems: tuple[Ecosystem, ...]) -> None:
    rewritten = hold_all(corpus(Path(os.environ["DOCKERLAYER_CORPUS"])), ecosystems)
    assert rewritten >= 100


def corpus(folder: Path) -> Iterator[tuple[str, bytes]]:
    with tarfile.open(folder / "dockerfiles.tar.gz") as archive:
        for member in archive:
            file = archive.extractfile(member)
            if file is not None:
                yield member.name, file.read()


def hold_all(files: Iterator[tuple[str, bytes]], ecosystems: tuple[Ecosystem, ...]) -> int:
    """How many files were rewritten in some mode; fails with the names of those that broke a law."""
    broken: Counter[str] = Counter()
    rewritten = 0
    for name, data in files:
        changed = False
        with tempfile.TemporaryDirectory() as place:
            context = make_context(data, Path(place), ecosystems)
            for pattern, unsafe in MODES:
                options = Options(default_rules(ecosystems), pattern, unsafe)
                try:
                    changed |= hold(data, context, ecosystems, options).data != data
                except AssertionError as error:
                    broken[f"{name} ({pattern}{', unsafe' if unsafe else ''}): {str(error)[:300]}"] += 1
        rewritten += changed
    assert not broken, "\n".join(broken)
    return rewritten
