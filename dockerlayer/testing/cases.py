"""Cases as folders: a Dockerfile, the build context that belongs to it, and what is expected.

``run_case`` says what is found and what becomes of the file, ``CaseResult.snapshots`` gives it as the files that the
case's ``expected`` folder must hold. A case whose name starts with ``noop`` must stay as it is, without a finding.
"""

from __future__ import annotations

import shutil
import tempfile
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from dockerlayer.api import Applicability, Context, Ecosystem, Finding
from dockerlayer.engine import Options, context_for, default_rules, examine, repair
from dockerlayer.rewrite.by_hand import by_hand
from dockerlayer.syntax.tree import Dockerfile

SETTINGS = "case.toml"
EXPECTED = "expected"
NOTHING_FOUND = "nothing found\n"


@dataclass(slots=True, frozen=True)
class Case:
    """A folder with a Dockerfile and a context.

    Its ``case.toml``, if there is one, may set ``dockerfile`` (relative to the folder), ``context`` (relative to the
    directory of the Dockerfile), ``rules`` (names of rules that run beside the default ones) and ``patterns`` (what
    ``--pattern`` is set to beside ``split`` and ``narrow``).
    """

    folder: Path
    dockerfile: str = "Dockerfile"
    context: str = "."
    rules: frozenset[str] = frozenset()
    patterns: tuple[str, ...] = ()

    @classmethod
    def read(cls, folder: Path) -> Case:
        """The case in a folder; raises ValueError for a setting that does not exist."""
        settings = folder / SETTINGS
        values = tomllib.loads(settings.read_text("utf-8")) if settings.is_file() else {}
        unknown = values.keys() - {"dockerfile", "context", "rules", "patterns"}
        if unknown:
            raise ValueError(f"{settings}: no such setting: {', '.join(sorted(unknown))}")
        rules = frozenset(values.get("rules", ()))
        patterns = tuple(values.get("patterns", ()))
        return cls(folder, values.get("dockerfile", "Dockerfile"), values.get("context", "."), rules, patterns)

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
    """What is found in a case and what the file becomes: by safe fixes, by unsafe ones too, and by moving alone.

    ``asked`` is what it becomes by the other patterns that the case asks for.
    """

    findings: tuple[Finding, ...]
    report: str
    original: bytes
    fixed: bytes
    unsafe: bytes
    narrow: bytes
    asked: Mapping[str, bytes] = field(default_factory=dict)

    @property
    def is_silent(self) -> bool:
        """Whether nothing is found and nothing changes."""
        return not self.findings and {self.original} == {self.fixed, self.unsafe, self.narrow, *self.asked.values()}

    def snapshots(self) -> dict[str, bytes]:
        """The files of the ``expected`` folder, by name; a rewritten file only where it differs."""
        found = {"findings.txt": self.report.encode("utf-8", "surrogateescape")}
        if self.fixed != self.original:
            found["fixed.Dockerfile"] = self.fixed
        if self.unsafe != self.fixed:
            found["unsafe.Dockerfile"] = self.unsafe
        if self.narrow != self.fixed:
            found["narrow.Dockerfile"] = self.narrow
        found |= {f"{pattern}.Dockerfile": text for pattern, text in self.asked.items() if text != self.original}
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
            {name: repair(data, context, ecosystems, case.options(ecosystems, name)).data for name in case.patterns},
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
