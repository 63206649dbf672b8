"""The harness for plugin authors: cases as folders, and the laws that every rewrite has to keep.

A case is a folder with a Dockerfile and the build context that belongs to it. ``run_case`` says what is found and what
becomes of the file, ``CaseResult.snapshots`` gives it as the files that the case's ``expected`` folder must hold. A
case whose name starts with ``noop`` must stay as it is, without a finding.

The laws do not ask the rewriter's own guard: what they compare is read from the two texts anew.
"""

from __future__ import annotations

import re
import shutil
import tempfile
import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

from dockerlayer.api import Applicability, Context, Ecosystem, Finding
from dockerlayer.engine import PASSES, Options, Outcome, context_for, default_rules, examine, repair
from dockerlayer.model.files import placement_of
from dockerlayer.model.stages import Stage, State, build_of
from dockerlayer.rewrite.by_hand import by_hand
from dockerlayer.syntax.parser import parse
from dockerlayer.syntax.tree import Dockerfile, Instruction, Trivia
from dockerlayer.syntax.validate import whole_file_problem

SETTINGS = "case.toml"
EXPECTED = "expected"
NOTHING_FOUND = "nothing found\n"

_ONE_COUNTS = ("cmd", "entrypoint", "healthcheck", "stopsignal", "maintainer")
_ALL_COUNT = ("arg", "env", "label", "expose", "volume", "onbuild", "user", "workdir", "shell")


@dataclass(slots=True, frozen=True)
class Case:
    """A folder with a Dockerfile and a context.

    Its ``case.toml``, if there is one, may set ``dockerfile`` (relative to the folder), ``context`` (relative to the
    directory of the Dockerfile) and ``rules`` (names of rules that run beside the default ones).
    """

    folder: Path
    dockerfile: str = "Dockerfile"
    context: str = "."
    rules: frozenset[str] = frozenset()

    @classmethod
    def read(cls, folder: Path) -> Case:
        """The case in a folder; raises ValueError for a setting that does not exist."""
        settings = folder / SETTINGS
        values = tomllib.loads(settings.read_text("utf-8")) if settings.is_file() else {}
        unknown = values.keys() - {"dockerfile", "context", "rules"}
        if unknown:
            raise ValueError(f"{settings}: no such setting: {', '.join(sorted(unknown))}")
        rules = frozenset(values.get("rules", ()))
        return cls(folder, values.get("dockerfile", "Dockerfile"), values.get("context", "."), rules)

    @property
    def is_noop(self) -> bool:
        """Whether the case says by its name that there is nothing to find."""
        return self.folder.name.startswith("noop")

    def options(self, ecosystems: Sequence[Ecosystem], pattern: str = "split", *, unsafe: bool = False) -> Options:
        """The options that the case is run with."""
        return Options(default_rules(ecosystems) | self.rules, pattern, unsafe)

    @contextmanager
    def opened(self) -> Iterator[tuple[bytes, Context]]:
        """The Dockerfile's bytes and its context, which does not hold what belongs to the test alone."""
        with tempfile.TemporaryDirectory() as place:
            root = Path(place) / self.folder.name
            leave_out = shutil.ignore_patterns(EXPECTED, SETTINGS, "__pycache__")
            shutil.copytree(self.folder, root, symlinks=True, ignore=leave_out)
            path = root / self.dockerfile
            yield path.read_bytes(), context_for(path, (path.parent / self.context).resolve())


@dataclass(slots=True, frozen=True)
class CaseResult:
    """What is found in a case and what the file becomes: by safe fixes, by unsafe ones too, and by moving alone."""

    findings: tuple[Finding, ...]
    report: str
    original: bytes
    fixed: bytes
    unsafe: bytes
    narrow: bytes

    @property
    def is_silent(self) -> bool:
        """Whether nothing is found and nothing changes."""
        return not self.findings and {self.original} == {self.fixed, self.unsafe, self.narrow}

    def snapshots(self) -> dict[str, bytes]:
        """The files of the ``expected`` folder, by name; a rewritten file only where it differs."""
        found = {"findings.txt": self.report.encode("utf-8", "surrogateescape")}
        if self.fixed != self.original:
            found["fixed.Dockerfile"] = self.fixed
        if self.unsafe != self.fixed:
            found["unsafe.Dockerfile"] = self.unsafe
        if self.narrow != self.fixed:
            found["narrow.Dockerfile"] = self.narrow
        return found


def cases(directory: Path) -> list[Case]:
    """Every case below a directory, sorted: the folders with a Dockerfile or with settings that name one."""
    found = {path.parent for name in ("Dockerfile", SETTINGS) for path in directory.rglob(name)}
    folders = [folder for folder in found if EXPECTED not in folder.parts and not found & set(folder.parents)]
    return [Case.read(folder) for folder in sorted(folders)]


def run_case(folder: Path, ecosystems: Sequence[Ecosystem]) -> CaseResult:
    """Run the case in a folder."""
    case = Case.read(folder)
    with case.opened() as (data, context):
        report = examine(data, context, ecosystems, case.options(ecosystems))
        return CaseResult(
            report.findings,
            _as_text(report.dockerfile, report.findings).replace(str(context.root), "CONTEXT"),
            data,
            repair(data, context, ecosystems, case.options(ecosystems)).data,
            repair(data, context, ecosystems, case.options(ecosystems, unsafe=True)).data,
            repair(data, context, ecosystems, case.options(ecosystems, "narrow")).data,
        )


def check_noop(dockerfile: str | bytes, files: Mapping[str, str | bytes], ecosystems: Sequence[Ecosystem]) -> None:
    """Assert that nothing is found in a Dockerfile whose context holds ``files``."""
    found = _run_text(dockerfile, files, ecosystems)
    assert found.is_silent, found.report


def check_fix(
    dockerfile: str | bytes, fixed: str | bytes, files: Mapping[str, str | bytes], ecosystems: Sequence[Ecosystem]
) -> None:
    """Assert that safe fixes turn a Dockerfile whose context holds ``files`` into ``fixed``."""
    found = _run_text(dockerfile, files, ecosystems)
    assert found.fixed == _bytes(fixed), f"{found.report}\n{found.fixed.decode('utf-8', 'replace')}"


def _run_text(dockerfile: str | bytes, files: Mapping[str, str | bytes], ecosystems: Sequence[Ecosystem]) -> CaseResult:
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        for name, content in {**files, "Dockerfile": dockerfile}.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(_bytes(content))
        return run_case(folder, ecosystems)


def _bytes(content: str | bytes) -> bytes:
    return content.encode() if isinstance(content, str) else content


def _as_text(dockerfile: Dockerfile, findings: Sequence[Finding]) -> str:
    lines = []
    for finding in findings:
        line, column = dockerfile.position(finding.start)
        lines.append(f"{line}:{column} {finding.rule}: {finding.message}")
        fix = finding.fix
        if fix is not None:
            lines.append(f"  fix: {fix.applicability} {fix.pattern}: {fix.title}")
            lines += [f"  assumes {text}" for text in fix.assumptions]
            lines += [f"  note {text}" for text in fix.notes]
            if fix.applicability is Applicability.MANUAL:
                lines += [f"  | {text}" for text in by_hand(dockerfile.data, fix)]
        label = "no fix" if fix is None else "not as asked"
        lines += [f"  {label}: [{refusal.code}] {refusal.message}" for refusal in finding.refusals]
    return "".join(f"{text}\n" for text in lines) or NOTHING_FOUND


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
    before: bytes, after: bytes, context: Context, *, keeps_words: bool = True, keeps_list: bool = True
) -> None:
    """A rewritten file is still the same build: configuration, files, commands, comments and the style of its lines.

    ``keeps_words`` is false where a rule exchanges words of a command on purpose, ``keeps_list`` where one mends the
    list of what is copied: files may then be added, and names that the context has not may go.
    """
    one, other = parse(before), parse(after)
    assert other.source == after
    assert bool(other.problems) <= bool(one.problems), other.problems
    assert whole_file_problem(other) is None or whole_file_problem(one) is not None, whole_file_problem(other)
    assert one.directives == other.directives
    assert _line_style(before) == _line_style(after)
    _assert_kept("comment", _comments(one), _comments(other))
    if keeps_words:
        _assert_kept("word of a RUN", _words(one), _words(other))
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


def _words(dockerfile: Dockerfile) -> Counter[str]:
    texts = [item.logical for item in dockerfile.instructions if item.name == "run"]
    texts += [doc.content for item in dockerfile.instructions for doc in item.heredocs]
    return Counter(word for text in texts for word in re.split(r"[\s;&]+", text) if word.lower() != "run")


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
