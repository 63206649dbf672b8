"""The laws that every rewrite has to keep.

They do not ask the rewriter's own guard: what they compare is read from the two texts anew.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from io import BytesIO
from typing import Any

from dockerlayer.api import Applicability, Context, Ecosystem
from dockerlayer.engine import PASSES, Options, Outcome, repair
from dockerlayer.model.files import placement_of
from dockerlayer.model.stages import Stage, State, build_of
from dockerlayer.syntax.parser import parse
from dockerlayer.syntax.tree import Dockerfile, Instruction, Trivia
from dockerlayer.syntax.validate import whole_file_problem

_ONE_COUNTS = ("cmd", "entrypoint", "healthcheck", "stopsignal", "maintainer")
_ALL_COUNT = ("arg", "env", "label", "expose", "volume", "onbuild", "user", "workdir", "shell")


def assert_lossless(data: bytes) -> None:
    """The tree holds every byte of the file."""
    assert parse(data).source == data


def assert_idempotent(outcome: Outcome, context: Context, ecosystems: Sequence[Ecosystem], options: Options) -> None:
    """Fixing what was fixed changes nothing."""
    again = repair(outcome.data, context, ecosystems, options)
    assert not again.made, [made.finding.message for made in again.made]
    assert again.data == outcome.data


def assert_converging(outcome: Outcome, options: Options) -> None:
    """Fixing came to an end by itself, and left nothing that it was allowed to fix."""
    assert len(outcome.made) < PASSES
    for finding in outcome.report.findings:
        fix = finding.fix
        left = {Applicability.MANUAL} if options.unsafe else {Applicability.MANUAL, Applicability.UNSAFE}
        assert fix is None or fix.applicability in left, finding.message


def assert_guarded(
    before: bytes,
    after: bytes,
    context: Context,
    *,
    keeps_words: bool = True,
    keeps_list: bool = True,
    keeps_mounts: bool = True,
) -> None:
    """A rewritten file is still the same build: configuration, files, commands, comments and the style of its lines.

    ``keeps_words`` is false where a rule exchanges words of a command on purpose, ``keeps_list`` where one mends the
    list of what is copied: files may then be added, and names that the context has not may go. ``keeps_mounts`` is
    false where one takes a cache mount away or moves it.
    """
    one, other = parse(before), parse(after)
    assert other.source == after
    assert bool(other.problems) <= bool(one.problems), other.problems
    assert whole_file_problem(other) is None or whole_file_problem(one) is not None, whole_file_problem(other)
    assert one.directives == other.directives
    assert _line_style(before) == _line_style(after)
    _assert_kept("comment", _comments(one), _comments(other))
    if keeps_words:
        _assert_kept("word of a RUN", _words(one, keeps_mounts), _words(other, keeps_mounts))
    old, new = build_of(one), build_of(other)
    assert len(old.stages) == len(new.stages)
    for stage, rewritten in zip(old.stages, new.stages, strict=True):
        assert _configuration(stage) == _configuration(rewritten)
        files, others = _image(stage, context), _image(rewritten, context)
        assert files == others if keeps_list else files.items() <= others.items()
        if keeps_list:
            _assert_kept("COPY", _copies(stage), _copies(rewritten))
        _assert_same_states(stage, rewritten)
    _assert_kept("pragma", _pragmas(one), _pragmas(other))
    first, second = _second_reader(before), _second_reader(after)
    assert first is None or second is None or first == second


def _assert_kept(what: str, old: Counter[Any], new: Counter[Any]) -> None:
    lost = old - new
    assert not lost, f"lost: {what} {next(iter(lost))}"


def _line_style(data: bytes) -> tuple[bool, bool, bool, bool]:
    return (
        data.startswith(b"\xef\xbb\xbf"),
        data.endswith(b"\n"),
        b"\r" in data,
        re.search(rb"(?<!\r)\n", data) is not None,
    )


def _comments(dockerfile: Dockerfile) -> Counter[bytes]:
    spans = [(item.start, item.end) for item in dockerfile.items if isinstance(item, Trivia) and item.kind == "comment"]
    spans += [span for instruction in dockerfile.instructions for span in instruction.inner_comments]
    return Counter(dockerfile.data[start:end].strip() for start, end in spans)


def _pragmas(dockerfile: Dockerfile) -> Counter[tuple[bytes, str]]:
    """Comments for hadolint with the keyword of the instruction that follows, which is what it binds them to."""
    found: Counter[tuple[bytes, str]] = Counter()
    above: list[bytes] = []
    for item in dockerfile.items:
        text = dockerfile.data[item.start : item.end].strip()
        if isinstance(item, Instruction):
            found.update((pragma, item.name) for pragma in above)
            above = []
        elif re.match(rb"#\s*hadolint\s+ignore=", text):
            above.append(text)
        elif text:
            above = []
    return found


def _words(dockerfile: Dockerfile, with_mounts: bool = True) -> Counter[str]:
    texts = [item.logical for item in dockerfile.instructions if item.name == "run"]
    texts += [doc.content for item in dockerfile.instructions for doc in item.heredocs]
    words = Counter(word for text in texts for word in re.split(r"[\s;&]+", text) if word.lower() != "run")
    if with_mounts:
        return words
    mount = re.compile(r"--mount=(?:\S*,)?type=cache(?:,|\Z)", re.IGNORECASE)
    return Counter({word: count for word, count in words.items() if not mount.match(word)})


def _configuration(stage: Stage) -> dict[str, Any]:
    found: dict[str, Any] = {"from": stage.instruction.logical, "state": _state_text(stage.final)}
    for step in stage.steps:
        if step.name in _ONE_COUNTS:
            found[step.name] = step.instruction.logical
        elif step.name == "workdir":
            found.setdefault(step.name, []).append(step.path(step.instruction.args[0]))
        elif step.name in _ALL_COUNT:
            found.setdefault(step.name, []).append(step.instruction.logical)
    return found


def _state_text(state: State) -> tuple[object, ...]:
    return state.workdir, state.user, state.shell, sorted(state.env.items()), sorted(map(str, state.args.items()))


def _assert_same_states(stage: Stage, rewritten: Stage) -> None:
    """A RUN that stands in both texts has the same directory, user, shell and variables in both."""
    old, new = _states(stage), _states(rewritten)
    for text in old.keys() & new.keys():
        assert old[text] == new[text], f"runs in another state: {text}"


def _states(stage: Stage) -> dict[str, list[tuple[object, ...]]]:
    found: dict[str, list[tuple[object, ...]]] = {}
    for step in stage.steps:
        if step.name == "run":
            state = step.state
            text = (state.workdir, state.user, state.shell, sorted(state.env.items()))
            found.setdefault(step.instruction.logical, []).append(text)
    return found


def _image(stage: Stage, context: Context) -> dict[str, str]:
    """The context file behind each path that the stage copies, after its last instruction."""
    found: dict[str, str] = {}
    for step in stage.steps:
        placement = placement_of(step, context)
        if placement is not None:
            found.update((item.image, item.context) for item in placement.files())
    return found


def _copies(stage: Stage) -> Counter[tuple[object, ...]]:
    """COPY and ADD with their flags, their sources and where they go, however that is written."""
    return Counter(
        (step.name, step.instruction.flags, step.instruction.args[:-1], step.path(step.instruction.args[-1]))
        for step in stage.steps
        if step.name in {"copy", "add"} and step.instruction.args
    )


def _second_reader(data: bytes) -> dict[str, list[str]] | None:
    """What the dockerfile-parse package reads of the last stage, or None where it is known to misread a file.

    It takes the body of a here-document for instructions, an empty line for the end of a continued instruction, and
    knows neither a BOM, nor another escape character, nor text that is not UTF-8.
    """
    from dockerfile_parse import DockerfileParser

    odd = re.search(rb"<<|\A\xef\xbb\xbf|(?i:#\s*escape)|\\[ \t]*\r?\n\s*\n|\r|\\[ \t]+\n", data)
    try:
        data.decode()
    except UnicodeDecodeError:
        return None
    if odd is not None:
        return None
    found: dict[str, list[str]] = {}
    for item in DockerfileParser(fileobj=BytesIO(data)).structure:
        keyword = item["instruction"].lower()
        if keyword == "from":
            found = {}
        if keyword in {"from", *_ONE_COUNTS, *_ALL_COUNT}:
            found.setdefault(keyword, []).append(item["value"])
    return found
