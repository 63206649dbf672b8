"""Traps: small projects whose Dockerfile goes wrong as a rule says it does, built before and after the rule's fix.

A trap is a folder ``traps/<rule>-<ecosystem>`` (a hyphen and one more word where a rule has several for one ecosystem)
with a Dockerfile as users write it, the rest of its build context, and ``expected.toml``::

    rule = "mount-shadows-layer"
    answer = "hello"                 # what a container of the fixed image prints
    unsafe = true                    # only where the fix is an unsafe one
    source = "gems"                  # only where a registry is stood in for: a name of SOURCES in tests/support

    [bites]                          # how it goes wrong before the fix: one of fails, receives, answers
    fails = "not found"              # the build fails with this text in its log
    receives = 1000                  # the build receives at least so many bytes
    answers = "hallo"                # the build succeeds, and a container of the image prints this
    after = "edit"                   # in which build: "start" (the default), "edit" or "emptying"

    [edit]                           # what changes between the first build and the second
    file = "main.py"                 # with either changes (texts to exchange, each there once) or text (the whole file)
    changes = [["hello", "good day"]]
    args = ["REVISION=2"]            # build arguments of the second build alone
    answer = "good day"              # what the fixed image prints then; the same as before if it is left out

    [holds]
    received = 0                     # bytes that the second build of the fixed file may receive at the most
    fails = "out of sync"            # in its place: the second build of the fixed file must fail with this in its log

All cache mounts are empty at first. They are emptied before the second build as well, as pruning does, except where a
trap bites after an "edit" alone: there the mounts keep what the first build left. The fixed file goes through the same:
it builds, answers, and after the change it builds and answers again and has received no more than ``holds`` says.
Where a rule is about what goes wrong in silence, ``holds.fails`` says how the fixed file speaks up after the change.

The fixed file is the one that the rule's own fixes make, of which there must be one. Where a rule has none, the folder
holds what its page advises as ``fixed.Dockerfile`` (and ``fixed.dockerignore`` if need be), and the rule must be silent
on it.

A cache mount belongs to everyone on the machine by its id, which is its target if it has none. Each test gives the
mounts of the file ids of its own just before it builds, so that the file itself stays as users write it.
"""

from __future__ import annotations

import re
import shutil
import tomllib
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from bases import base_or_skip
from project_build import EXPECTED, Workbench, answer, bases_of, start_anew, with_addresses
from sources import SOURCES
from table import TrapRow, Traps, amount

from dockerlayer.api import Ecosystem
from dockerlayer.engine import Options, context_for, examine, repair
from dockerlayer.verify.builder import Builder

FIXED = "fixed."
WAYS = ("fails", "receives", "answers")
TIMES = ("start", "edit", "emptying")
CACHE_MOUNT = re.compile(r"--mount=(?=\S*\btype=cache\b)(\S+)")


class Bite(NamedTuple):
    """How a trap goes wrong: ``way`` is one of WAYS, ``what`` the text or number, ``after`` one of TIMES."""

    way: str
    what: str | int
    after: str


@dataclass(frozen=True, slots=True)
class Trap:
    """A folder as the module's page describes it."""

    folder: Path
    rule: str
    answer: str
    bite: Bite
    edit: dict[str, Any]
    received: int
    refuses: str = ""
    unsafe: bool = False
    source: str = ""

    @classmethod
    def read(cls, folder: Path) -> Trap:
        """The trap in a folder; raises ValueError for what the page does not describe."""
        values = tomllib.loads((folder / EXPECTED).read_text("utf-8"))
        bites, edit, holds = values["bites"], values["edit"], values.get("holds", {})
        _only(folder, values, "rule answer unsafe source bites edit holds")
        _only(folder, bites, "fails receives answers after")
        _only(folder, edit, "file changes text args answer")
        _only(folder, holds, "received fails")
        ways = [way for way in WAYS if way in bites]
        after = bites.get("after", "start")
        if len(holds) > 1:
            raise ValueError(f"{folder.name}: the fixed file either builds after the change or fails")
        if len(ways) != 1 or after not in TIMES:
            raise ValueError(f"{folder.name}: a trap bites in one of the ways {WAYS}, after one of {TIMES}")
        bite = Bite(ways[0], bites[ways[0]], after)
        more = {key: values[key] for key in ("unsafe", "source") if key in values}
        return cls(
            folder,
            values["rule"],
            values["answer"],
            bite,
            edit,
            holds.get("received", 0),
            holds.get("fails", ""),
            **more,
        )

    @property
    def name(self) -> str:
        """The name of the folder."""
        return self.folder.name

    def copy(self, place: Path, *, fixed: bool) -> Path:
        """The project as its developers have it, before the fix, or as the fix by hand leaves it if there is one."""
        shutil.copytree(self.folder, place, ignore=shutil.ignore_patterns(EXPECTED, f"{FIXED}*"))
        for path in self.folder.glob(f"{FIXED}*") if fixed else ():
            name = path.name.removeprefix(FIXED)
            shutil.copy(path, place / (f".{name}" if name == "dockerignore" else name))
        with_addresses(place)
        return place

    def change(self, folder: Path) -> None:
        """Make the edit in a copy of the project."""
        if "file" not in self.edit:
            return
        path = folder / self.edit["file"]
        text = self.edit.get("text") or path.read_text("utf-8")
        for old, new in self.edit.get("changes", ()):
            assert text.count(old) == 1, f"{path.name} holds {old!r} {text.count(old)} times"
            text = text.replace(old, new)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")


def _only(folder: Path, table: dict[str, Any], known: str) -> None:
    if unknown := table.keys() - set(known.split()):
        raise ValueError(f"{folder.name}: no such setting: {', '.join(sorted(unknown))}")


TRAPS = [Trap.read(path.parent) for path in sorted((Path(__file__).parent / "traps").glob(f"*/{EXPECTED}"))]


@pytest.mark.parametrize("trap", TRAPS, ids=lambda trap: trap.name)
def test_trap(trap: Trap, tmp_path: Path, builder: Builder, sprung: Traps, ecosystems: tuple[Ecosystem, ...]) -> None:
    """The trap bites before the fix of its rule, and no longer after it."""
    sprung.wanted = len(TRAPS)
    base_or_skip(*bases_of(trap.folder))
    before, after = trap.copy(tmp_path / "before", fixed=False), trap.copy(tmp_path / "after", fixed=True)
    _fix(trap, before, after, ecosystems)
    with _workbench(trap, builder, tmp_path) as bench:
        with _mounts(bench, before) as mounts:
            shown = _bitten(trap, bench, before, mounts)
        with _mounts(bench, after) as mounts:
            assert _answered(bench, after) == trap.answer
            if trap.bite.after != "edit":
                mounts.empty()
            trap.change(after)
            held = _held(trap, bench, after)
    sprung.rows.append(TrapRow(trap.name, shown, held))


def _fix(trap: Trap, before: Path, after: Path, ecosystems: tuple[Ecosystem, ...]) -> None:
    """Have the rule find the trap, and fix it; files by hand that are there already must be clean."""
    options = Options(frozenset({trap.rule}), unsafe=trap.unsafe)
    path = before / "Dockerfile"
    found = examine(path.read_bytes(), context_for(path, before), ecosystems, options).findings
    assert [finding.rule for finding in found] == [trap.rule] * len(found) != []
    path = after / "Dockerfile"
    if any(trap.folder.glob(f"{FIXED}*")):
        assert not examine(path.read_bytes(), context_for(path, after), ecosystems, options).findings
        return
    outcome = repair(path.read_bytes(), context_for(path, after), ecosystems, options)
    assert outcome.made, [finding.refusals for finding in found]
    path.write_bytes(outcome.data)
    lines = [line for made in outcome.made for line in made.fix.ignore]
    if lines:
        with (after / ".dockerignore").open("a", encoding="utf-8") as ignored:
            ignored.write("".join(f"{line}\n" for line in lines))
    assert not examine(path.read_bytes(), context_for(path, after), ecosystems, options).findings


@contextmanager
def _workbench(trap: Trap, builder: Builder, folder: Path) -> Iterator[Workbench]:
    if not trap.source:
        with Workbench(builder) as bench:
            yield bench
        return
    with (
        SOURCES[trap.source](folder / "packages", bases_of(trap.folder)[0]) as source,
        Workbench(builder, source) as bench,
    ):
        yield bench


class Mounts:
    """The cache mounts of one Dockerfile, by the ids that it was given."""

    def __init__(self, bench: Workbench, base: str, ids: Sequence[str], place: Path) -> None:
        self.bench = bench
        self.base = base
        self.ids = ids
        self.place = place

    def empty(self) -> None:
        """Take out all that is in them."""
        if not self.ids:
            return
        self.place.mkdir(exist_ok=True)
        mounts = [f"--mount=type=cache,id={name},target=/mounts/{at}" for at, name in enumerate(self.ids)]
        lines = f"FROM {self.base}", "USER 0", f"ENV DOCKERLAYER_TEST={uuid.uuid4().hex}"
        command = f"RUN {' '.join(mounts)} find /mounts/* -mindepth 1 -delete"
        (self.place / "Dockerfile").write_text("\n".join((*lines, command, "")), "utf-8")
        self.bench.build(self.place)


@contextmanager
def _mounts(bench: Workbench, folder: Path) -> Iterator[Mounts]:
    """Give the cache mounts of a Dockerfile ids of its own, and empty them in the end; nothing is cached for it."""
    name = uuid.uuid4().hex
    dockerfile = folder / "Dockerfile"
    start_anew(dockerfile, name)
    text, ids = with_own_ids(dockerfile.read_text("utf-8"), name)
    dockerfile.write_text(text, "utf-8")
    mounts = Mounts(bench, bases_of(folder)[0], ids, folder.with_name(f"{folder.name}-empty"))
    try:
        yield mounts
    finally:
        mounts.empty()


def with_own_ids(text: str, name: str) -> tuple[str, list[str]]:
    """A Dockerfile whose cache mounts begin their ids with ``name``, and the ids."""
    ids: dict[str, None] = {}

    def own(found: re.Match[str]) -> str:
        parts = [part for part in found[1].split(",") if part]
        fields = dict(part.partition("=")[::2] for part in parts)
        target = next(fields[key] for key in ("target", "dst", "destination") if key in fields)
        # BuildKit's default is the cleaned target (dispatchRunMounts); a final slash makes no other mount.
        identity = f"{name}-{fields.get('id', target.rstrip('/') or '/')}"
        ids[identity] = None
        rest = [part for part in parts if not part.startswith("id=")]
        return f"--mount={','.join((*rest, f'id={identity}'))}"

    return CACHE_MOUNT.sub(own, text), list(ids)


def _answered(bench: Workbench, folder: Path) -> str:
    return answer(bench.build(folder).tag)


def _held(trap: Trap, bench: Workbench, folder: Path) -> str:
    """Build the fixed file after the change, and assert that it does as ``holds`` says; what was seen, in words."""
    args = trap.edit.get("args", ())
    if trap.refuses:
        built, _ = bench.attempt(folder, args=args)
        assert not built.ok, "the build succeeds"
        assert trap.refuses in built.log, built.log
        return "stops the build instead"
    image = bench.build(folder, args=args)
    assert answer(image.tag) == trap.edit.get("answer", trap.answer)
    assert image.received <= trap.received
    return f"holds and receives {amount(image.received)}"


def _bitten(trap: Trap, bench: Workbench, folder: Path, mounts: Mounts) -> str:
    """Build as far as the trap needs to bite, and assert that it does; what was seen, in words."""
    args: Sequence[str] = ()
    if trap.bite.after != "start":
        bench.build(folder)
        if trap.bite.after == "emptying":
            mounts.empty()
        trap.change(folder)
        args = trap.edit.get("args", ())
    what = trap.bite.what
    when = {"start": "", "edit": " after an edit", "emptying": " once the mounts are empty"}[trap.bite.after]
    if trap.bite.way == "fails":
        built, _ = bench.attempt(folder, args=args)
        assert not built.ok, "the build succeeds"
        assert str(what) in built.log, built.log
        return f"the build fails{when}"
    image = bench.build(folder, args=args)
    if trap.bite.way == "receives":
        assert image.received >= int(what)
        return f"{image.received} bytes are received{when}"
    assert answer(image.tag) == what
    return f"the answer is wrong{when}"


@pytest.mark.parametrize(
    ("flag", "expected"),
    [
        ("--mount=type=cache,target=/m", "--mount=type=cache,target=/m,id=N-/m"),
        ("--mount=target=/m/,type=cache,sharing=locked", "--mount=target=/m/,type=cache,sharing=locked,id=N-/m"),
        ("--mount=type=cache,id=own,dst=m", "--mount=type=cache,dst=m,id=N-own"),
        ("--mount=type=bind,target=/m", "--mount=type=bind,target=/m"),
    ],
)
def test_mounts_get_own_ids(flag: str, expected: str) -> None:
    text, ids = with_own_ids(f"RUN {flag} true\n", "N")
    assert text == f"RUN {expected} true\n"
    assert all(expected.endswith(name) for name in ids)
