"""The laws that every rewrite has to keep.

They do not ask the rewriter's own guard: what they compare is read from the two texts anew.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from io import BytesIO
from typing import Any

from dockerlayer.api import Applicability, Context, Ecosystem
from dockerlayer.engine import PASSES, Options, Outcome, repair
from dockerlayer.model.files import placement_of
from dockerlayer.model.stages import Build, Stage, State, Step, build_of
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
    again = repair(outcome.data, context.ignoring(outcome.ignore), ecosystems, options)
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
    ignore: Sequence[str] = (),
    keeps_mounts: bool = True,
    later: frozenset[str] = frozenset(),
) -> None:
    """A rewritten file is still the same build: configuration, files, commands, comments and the style of its lines.

    ``keeps_words`` is false where a rule exchanges words of a command on purpose, ``keeps_list`` where one mends the
    list of what is copied: files may then be added, and names that the context has not may go. ``keeps_mounts`` is
    false where one takes a cache mount away or moves it. ``ignore`` are lines that the ignore file has got: what they
    name, and what is below, may be missing, and nothing else. ``later`` are variables that may come into force later
    than they did: the RUNs in between then lack them, and nothing else.
    """
    assert not any(re.search(r"[*?!#\[\\\s]", line) for line in ignore), ignore
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
    chains = _chains(old, new)
    for stage, rewritten in zip(map(_alone, old.stages), chains, strict=True):
        assert _configuration(stage, later) == _configuration(rewritten, later)
        assert _origins(stage, old, [(item,) for item in old.stages]) == _origins(rewritten, new, chains)
        files, others = _image(stage, context), _image(rewritten, context.ignoring(ignore))
        named = [path for path in files.values() if any(f"{path}/".startswith(f"{line}/") for line in ignore)]
        files = {image: path for image, path in files.items() if path not in named}
        assert files == others if keeps_list else files.items() <= others.items()
        if keeps_list:
            _assert_kept("COPY", _copies(stage), _copies(rewritten))
        _assert_same_states(stage, rewritten, later, exchanged=not keeps_words)
    _assert_kept("pragma", _pragmas(one), _pragmas(other))
    first, second = _second_reader(before), _second_reader(after)
    assert first is None or second is None or _sunk(first, later) == _sunk(second, later)


_Chain = tuple[Stage, ...]
"""A stage, behind those that it was cut from: together they are one stage of the old file."""


def _alone(stage: Stage) -> _Chain:
    return (stage,)


def _chains(old: Build, new: Build) -> list[_Chain]:
    """The new stages that hold what each old one held; one more may be built on them, for a single RUN."""
    found: list[_Chain] = []
    above: list[Stage] = []
    names = {stage.name for stage in old.stages}
    for stage in new.stages:
        added = len(new.stages) > len(old.stages) and bool(stage.name) and stage.name not in names
        if not added:
            line = [stage]
            while line[0].parent in above:
                line.insert(0, line[0].parent)
            found.append(tuple(line))
        else:
            above.append(stage)
    used = {stage.index for chain in found for stage in chain}
    for stage in above:
        if stage.index not in used:
            assert stage.parent is not None
            assert stage.parent.index in used, f"{stage.name} starts from elsewhere"
            assert [step.name for step in stage.steps] == ["run"], f"{stage.name} is more than a download"
    return found


def _steps(chain: _Chain) -> Iterator[Step]:
    for stage in chain:
        yield from stage.steps


def _origins(chain: _Chain, build: Build, chains: Sequence[_Chain]) -> Counter[object]:
    """The old stages and the images that a stage copies from, mounts and is built on; not a download on the side."""
    found: Counter[object] = Counter()
    place = {stage.index: number for number, stages in enumerate(chains) for stage in stages}
    for step in _steps(chain):
        names = [*step.flags.get("from", ())]
        names += [mount.origin for mount in step.mounts if mount.origin] if step.name == "run" else []
        for name in names:
            stage = build.stage_named(name, step.stage.index)
            if stage is None or stage.index in place:
                found[place[stage.index] if stage is not None else name] += 1
    parent = chain[0].parent
    found[("parent", place[parent.index] if parent is not None else chain[0].image)] += 1
    return found


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
    texts = (dockerfile.data[start:end].strip() for start, end in spans)
    # Of a comment of ours that stands on two instructions after a fix, each keeps the names that it needs.
    return Counter(text for text in texts if not _named(text))


def _pragmas(dockerfile: Dockerfile) -> Counter[tuple[bytes, str]]:
    """Comments for hadolint with the keyword of the instruction on the line below, to which it binds them.

    And those for dockerlayer, each name in the brackets by itself, with the instruction that follows, however far.
    """
    found: Counter[tuple[bytes, str]] = Counter()
    above: list[bytes] = []
    ours: list[bytes] = []
    for item in dockerfile.items:
        text = dockerfile.data[item.start : item.end].strip()
        if isinstance(item, Instruction):
            found.update((pragma, item.name) for pragma in above)
            inner = [dockerfile.data[start:end] for start, end in item.inner_comments]
            named = {name for pragma in [*ours, *inner] for name in _named(pragma)}
            found |= Counter(dict.fromkeys(((name, item.name) for name in named), 1))
            above, ours = [], []
        elif re.match(rb"#\s*hadolint\s+ignore=", text):
            above.append(text)
        else:
            above = []
            ours.append(text)
    return found


def _named(comment: bytes) -> list[bytes]:
    """What one of our comments names, each with the word before the bracket and the reason behind it."""
    match = re.match(rb"#\s*dockerlayer\s*:\s*((?:stage-|file-)?ignore)\s*\[([^]]*)\](.*)", comment)
    return [match[1] + b" " + name + match[3] for name in re.split(rb"[\s,]+", match[2])] if match else []


def _words(dockerfile: Dockerfile, with_mounts: bool = True) -> Counter[str]:
    texts = [item.logical for item in dockerfile.instructions if item.name == "run"]
    texts += [doc.content for item in dockerfile.instructions for doc in item.heredocs]
    words = Counter(word for text in texts for word in re.split(r"[\s;&]+", text) if word.lower() != "run")
    if with_mounts:
        return words
    mount = re.compile(r"--mount=(?:\S*,)?type=cache(?:,|\Z)", re.IGNORECASE)
    return Counter({word: count for word, count in words.items() if not mount.match(word)})


def _sunk(found: dict[str, list[str]], later: frozenset[str]) -> dict[str, list[str]]:
    """The same with the ARGs and ENVs of ``later`` behind the others, whose order counts."""

    def is_later(text: str) -> bool:
        return re.sub(r"(?i)^(?:arg|env)\s+", "", text).partition("=")[0].split()[0] in later

    both = {name: found[name] for name in ("arg", "env") if name in found and later}
    return found | {name: sorted(texts, key=is_later) for name, texts in both.items()}


def _configuration(chain: _Chain, later: frozenset[str] = frozenset()) -> dict[str, Any]:
    top, stage = chain[0], chain[-1]
    found: dict[str, Any] = {"from": (top.instruction.flags, top.instruction.args[0], stage.name)}
    found["state"] = _state_text(stage.final)
    for step in _steps(chain):
        if step.name in _ONE_COUNTS:
            found[step.name] = step.instruction.logical
        elif step.name == "workdir":
            found.setdefault(step.name, []).append(step.path(step.instruction.args[0]))
        elif step.name in _ALL_COUNT:
            found.setdefault(step.name, []).append(step.instruction.logical)
    return _sunk(found, later)


def _state_text(state: State) -> tuple[object, ...]:
    return state.workdir, state.user, state.shell, sorted(state.env.items()), sorted(map(str, state.args.items()))


def _assert_same_states(stage: _Chain, rewritten: _Chain, later: frozenset[str], *, exchanged: bool) -> None:
    """A RUN that stands in both texts has the same directory, user, shell and variables in both.

    One that names a variable of ``later`` must not lose it. Of several that read the same, some may read otherwise
    where words are ``exchanged``.
    """
    old, new = _states(stage, later), _states(rewritten, later)
    for text in old.keys() & new.keys():
        rest = [state for state in old[text] if state in new[text]] if exchanged else old[text]
        assert rest[: len(new[text])] == new[text], f"runs in another state: {text}"
        assert exchanged or len(rest) == len(new[text]), f"runs more or less often: {text}"


def _states(chain: _Chain, later: frozenset[str]) -> dict[str, list[tuple[object, ...]]]:
    found: dict[str, list[tuple[object, ...]]] = {}
    for step in _steps(chain):
        if step.name == "run":
            state = step.state
            logical = step.instruction.logical
            free = {name for name in later if not re.search(rf"(?<!\w){name}(?!\w)", logical)}
            env = sorted(item for item in state.env.items() if item[0] not in free)
            args = sorted(name for name in state.args if name in later - free)
            found.setdefault(logical, []).append((state.workdir, state.user, state.shell, env, args))
    return found


def _image(chain: _Chain, context: Context) -> dict[str, str]:
    """The context file behind each path that the stage copies, after its last instruction."""
    found: dict[str, str] = {}
    for step in _steps(chain):
        placement = placement_of(step, context)
        if placement is not None:
            found.update((item.image, item.context) for item in placement.files())
    return found


def _copies(chain: _Chain) -> Counter[tuple[object, ...]]:
    """COPY and ADD with their flags, their sources and where they go, however that is written."""
    return Counter(
        (step.name, step.instruction.flags, step.instruction.args[:-1], step.path(step.instruction.args[-1]))
        for step in _steps(chain)
        if step.name in {"copy", "add"} and step.instruction.args
    )


def _second_reader(data: bytes) -> dict[str, list[str]] | None:
    """What the dockerfile-parse package reads of the last stage, those that it is built on included.

    None where the package is known to misread a file.

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
    stages: dict[str, dict[str, list[str]]] = {}
    found: dict[str, list[str]] = {}
    for item in DockerfileParser(fileobj=BytesIO(data)).structure:
        keyword = item["instruction"].lower()
        if keyword == "from":
            *_, image = re.split(r"(?i)\s+as\s+\S+$", item["value"])[0].split() or [""]
            found = {name: [*values] for name, values in stages.get(image.lower(), {"from": [image]}).items()}
            name = re.search(r"(?i)\s+as\s+(\S+)$", item["value"])
            if name:
                stages[name[1].lower()] = found
        if keyword in {*_ONE_COUNTS, *_ALL_COUNT}:
            found.setdefault(keyword, []).append(item["value"])
    return found
