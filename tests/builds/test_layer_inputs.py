"""What the model predicts to be cached after one change, against BuildKit's own answer, for every step.

A case is a folder below layers/: a Dockerfile, files that are laid over the shared context, and case.toml with the
changes of its own and the differences that are known. Every case also gets the changes that any Dockerfile can take.
A prediction may only err on one side: a step said to be cached never runs. Where one that is said to run is cached all
the same, the case names it, with a reason from ``WHY``.
"""

from __future__ import annotations

import os
import shutil
import tarfile
import tomllib
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from engine import BUILD_NETWORK, engine_or_skip

from dockerlayer.model.context import Context
from dockerlayer.model.keys import Key, cache_keys, cached, label_of, layers_of, needed
from dockerlayer.model.layers import Analysis
from dockerlayer.model.stages import Stage
from dockerlayer.syntax.parser import parse
from dockerlayer.syntax.tree import Instruction
from dockerlayer.verify.builder import Request
from dockerlayer.verify.buildx import Buildx

FOLDERS = sorted(path.parent for path in (Path(__file__).parent / "layers").glob("*/Dockerfile"))
CONTEXT = Path(__file__).parent / "layers" / "context"

WHY = {
    "made": "BuildKit compares what another stage made; the model cannot know what a RUN writes, and takes all that "
    "the stage depends on for it",
    "shell": "the shell of the base image is not known, so the shell form is never taken for an exec form",
    "words": "where quotes, escapes or nested variables are substituted, the model takes the text and all values",
    "name": "two names of one image are not known to be one image",
    "directory": "a directory's mode is part of the key, but is not sent again from a folder that was sent before",
    "link": "--link makes another layer where the engine can merge layers; elsewhere it is a plain COPY",
    "cache": "some versions leave the name of a cache mount out of the key, others do not",
    "secret": "some versions compare the whole image below a RUN with a secret by content, others do not",
}
DEPENDS_ON_THE_BUILDER = {"directory", "link", "cache", "secret"}


class Change(NamedTuple):
    """One change of a workspace: to its files, and to the build arguments."""

    name: str
    edit: Callable[[Path], None] = lambda root: None
    args: dict[str, str] = {}  # noqa: RUF012


class Row(NamedTuple):
    """One step after one change."""

    change: str
    step: str
    predicted: bool
    actual: bool


class Case:
    """A folder below layers/, and what came of its builds."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.settings: dict[str, Any] = tomllib.loads((folder / "case.toml").read_text("utf-8"))
        self.salt = f"s{uuid.uuid4().hex[:12]}"
        self.text = (folder / "Dockerfile").read_text("utf-8").replace("SALT", self.salt)

    def lay(self, root: Path, change: Change) -> None:
        """The workspace as it is after a change, every file written anew."""
        shutil.rmtree(root, ignore_errors=True)
        shutil.copytree(CONTEXT, root, symlinks=True)
        if (self.folder / "files").is_dir():
            shutil.copytree(self.folder / "files", root, symlinks=True, dirs_exist_ok=True)
        for path in _files(root):
            path.write_text(path.read_text("utf-8").replace("SALT", self.salt), "utf-8")
        text = self.text.replace("\n", "\r\n") if self.settings.get("crlf") else self.text
        (root / "Dockerfile").write_bytes(text.encode())
        change.edit(root)
        if "archive" in self.settings:
            _pack(root, self.settings["archive"])

    def changes(self) -> list[Change]:
        """Every change, those that any Dockerfile can take first."""
        skipped = self.settings.get("skip", {})
        found = [change for change in _common(self.text) if change.name not in skipped]
        return found + [self._own(table) for table in self.settings.get("change", ())]

    def _own(self, table: dict[str, Any]) -> Change:
        def edit(root: Path) -> None:
            for old, new in table.get("replace", ()):
                before = _text(root)
                after = before.replace(old.replace("SALT", self.salt), new.replace("SALT", self.salt))
                assert before != after, f"{self.folder.name}, {table['name']}: {old!r} is not in the Dockerfile"
                _write_text(root, after)
            for name in table.get("remove", ()):
                (root / name).unlink()
            for name, to in table.get("move", ()):
                (root / name).rename(root / to)
            for name in table.get("mkdir", ()):
                (root / name).mkdir()
            for name, content in table.get("write", {}).items():
                (root / name).parent.mkdir(parents=True, exist_ok=True)
                (root / name).write_text(content.replace("SALT", self.salt), "utf-8")
            for name, to in table.get("link", {}).items():
                (root / name).unlink(missing_ok=True)
                (root / name).symlink_to(to)
            for name, to in table.get("hard", {}).items():
                (root / name).hardlink_to(root / to)
            for name, mode in table.get("mode", {}).items():
                (root / name).chmod(mode)

        return Change(table["name"], edit, table.get("args", {}))

    def run(self, root: Path, builder: Buildx) -> list[Row]:
        """Build as it is, then after each change; compare every step."""
        seen: list[Key] = []
        rows: list[Row] = []
        for change in (Change("as it is"), *self.changes()):
            self.lay(root, change)
            rows += self._build(root, builder, change, seen)
        return rows

    def _build(self, root: Path, builder: Buildx, change: Change, seen: list[Key]) -> Iterator[Row]:
        args = {**self.settings.get("args", {}), **change.args}
        target = self.settings.get("target")
        dockerfile = root / "Dockerfile"
        analysis = Analysis(parse(dockerfile.read_bytes()), Context.open(root, dockerfile))
        keys = cache_keys(analysis, args, target)
        given = [f"{name}={value}" for name, value in args.items()]
        built = builder.build(Request(dockerfile, root, target=target, args=given, network=BUILD_NETWORK))
        assert built.ok, f"{self.folder.name}, {change.name}: {built.log}"
        # The FROM of an image is one vertex for all builds that run at a time, by the name it has in one of them.
        real = {(step.stage, step.number): step for step in built.steps if not step.is_base}
        predicted = cached(seen, keys)
        answers: dict[str, bool] = {}
        merged = []
        stages = needed(analysis.build, target)
        for stage in stages:
            label = label_of(stage, analysis.build)
            for index, layer in enumerate(layers_of(stage), 1):
                if isinstance(layer, Stage):
                    continue
                step = real.pop((label, index), None)
                if step is None:
                    merged.append((layer, label))
                    continue
                assert step.text.removeprefix("ONBUILD ").lower().startswith(layer.name), (step, layer.line)
                answers[keys[layer].digest] = step.cached
                yield Row(change.name, f"{label} {index} {layer.name}".strip(), layer in predicted, step.cached)
        # Equal steps of two stages are built once; a stage that is not needed is not built at all.
        where = f"{self.folder.name}, {change.name}"
        for layer, label in merged:
            assert keys[layer].digest in answers, f"{where}: {label} line {layer.line} is missing"
        assert not real, f"{where}: {[*real.values()]}"
        seen += keys.values()

    def known(self) -> dict[tuple[str, str], str]:
        """Why a step after a change is cached although it is said to run."""
        tables = self.settings.get("difference", ())
        return {
            (change, step): table["why"] for table in tables for change in table["changes"] for step in table["steps"]
        }

    def mistakes(self, rows: list[Row]) -> list[str]:
        """What the predictions got wrong, and the known differences that are none any more."""
        known = self.known()
        assert set(known.values()) <= WHY.keys()
        found = [f"said to be cached, and ran: {row}" for row in rows if row.predicted and not row.actual]
        different = {(row.change, row.step) for row in rows if row.actual and not row.predicted}
        found += [f"said to run, and cached: {row}" for row in sorted(different - known.keys())]
        gone = (row for row, why in known.items() if row not in different and why not in DEPENDS_ON_THE_BUILDER)
        return found + [f"no difference any more: {row}" for row in sorted(gone)]


def _files(root: Path) -> list[Path]:
    return [path for path in sorted(root.rglob("*")) if path.is_file() and not path.is_symlink()]


def _pack(root: Path, directory: str) -> None:
    def plain(info: tarfile.TarInfo) -> tarfile.TarInfo:
        info.mtime = info.uid = info.gid = 0
        info.uname = info.gname = ""
        return info

    with tarfile.open(root / f"{directory}.tar", "w") as archive:
        archive.add(root / directory, ".", filter=plain)


def _text(root: Path) -> str:
    return (root / "Dockerfile").read_bytes().decode()


def _write_text(root: Path, text: str) -> None:
    (root / "Dockerfile").write_bytes(text.encode())


def _insert(lines: dict[int, str]) -> Callable[[Path], None]:
    """Put a line before each of the numbered ones."""

    def edit(root: Path) -> None:
        text = _text(root)
        end = "\r\n" if "\r\n" in text else "\n"
        parts = text.splitlines(keepends=True)
        added = [f"{lines[number]}{end}{part}" if number in lines else part for number, part in enumerate(parts, 1)]
        _write_text(root, "".join(added))

    return edit


def _substitute(old: str, new: str) -> Callable[[Path], None]:
    return lambda root: _write_text(root, _text(root).replace(old, new, 1))


def _space(root: Path) -> None:
    text = (root / "Dockerfile").read_bytes()
    run = next(item for item in parse(text).instructions if item.name == "run" and not item.json and item.args)
    at = text.index(b" " if not run.heredocs else b"\n", run.args_start)
    (root / "Dockerfile").write_bytes(text[:at] + text[at : at + 1] + text[at:])


def _edit(name: str, change: Callable[[Path], object]) -> Callable[[Path], None]:
    def edit(root: Path) -> None:
        path = root / name
        if path.exists():
            change(path)

    return edit


def _append(path: Path) -> None:
    path.write_text(path.read_text("utf-8") + "changed\n", "utf-8")


def _age(root: Path) -> None:
    for path in _files(root):
        os.utime(path, (1e9, 1e9))


def _common(text: str) -> Iterator[Change]:
    instructions: tuple[Instruction, ...] = parse(text.encode()).instructions
    runs = [item for item in instructions if item.name == "run"]
    for name, path in (
        ("source", "src/main.txt"),
        ("another source", "src/util/helper.txt"),
        ("lockfile", "app.lock"),
        ("documentation", "docs/guide.txt"),
        ("ignored file", "result.out"),
        ("kept file of an ignored directory", "tmp/keep.txt"),
    ):
        yield Change(name, _edit(path, _append))
    yield Change("mode", _edit("src/main.txt", lambda path: path.chmod(0o755)))
    yield Change("times", _age)
    yield Change("new file", lambda root: (root / "src/new.txt").write_text("new"))
    yield Change("removed", lambda root: (root / "src/extra.txt").unlink())
    yield Change("renamed", lambda root: (root / "src/extra.txt").rename(root / "src/moved.txt"))
    yield Change("comments above", _insert({item.start_line: "# changed" for item in instructions}))
    if "# a comment inside" in text:
        yield Change("comment inside", _substitute("# a comment inside", "# another one"))
        yield Change("comment inside removed", _substitute("    # a comment inside\n", ""))
    yield Change("LABEL above each RUN", _insert({item.start_line: "LABEL changed=1" for item in runs}))
    yield Change("CMD below", lambda root: _write_text(root, _text(root) + 'CMD ["changed"]\n'))
    if runs:
        yield Change("ENV above the last RUN", _insert({runs[-1].start_line: "ENV CHANGED=1"}))
        yield Change("ARG above the last RUN", _insert({runs[-1].start_line: "ARG CHANGED=1"}))
        yield Change("ARG without a value", _insert({runs[0].start_line: "ARG CHANGED"}))
        yield Change("space in a RUN", _space)
    yield Change("undeclared argument", args={"NEVER_DECLARED": "1"})


def _judged(folder: Path, root: Path, builder: Buildx) -> list[Row]:
    """The rows of a case. What is wrong is looked at once more, for an engine may drop a layer to make room."""
    for _ in range(3):
        case = Case(folder)
        rows = case.run(root, builder)
        if not case.mistakes(rows):
            break
    return rows


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Future[list[Row]]]]:
    engine_or_skip()
    builder = Buildx("docker")
    with ThreadPoolExecutor(2) as pool:
        yield {
            folder.name: pool.submit(_judged, folder, tmp_path_factory.mktemp(folder.name) / "context", builder)
            for folder in FOLDERS
        }
        pool.shutdown(cancel_futures=True)


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_prediction_is_the_builders_answer(folder: Path, results: dict[str, Future[list[Row]]]) -> None:
    rows = results[folder.name].result()
    print(f"{len(rows)} steps compared, {sum(row.predicted != row.actual for row in rows)} different")
    assert Case(folder).mistakes(rows) == []


def test_enough_is_compared(
    results: dict[str, Future[list[Row]]], record_testsuite_property: Callable[[str, object], None]
) -> None:
    rows = [row for found in results.values() for row in found.result()]
    different = sum(row.predicted != row.actual for row in rows)
    builds = sum(len({row.change for row in found.result()}) for found in results.values())
    summary = (
        f"{len(results)} Dockerfiles, {builds} builds, {len(rows)} steps compared, {different} differ as explained"
    )
    print(summary)
    record_testsuite_property("layer inputs", summary)
    assert len(results) >= 15
    assert len({row.actual for row in rows}) == 2
