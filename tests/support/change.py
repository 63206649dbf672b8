"""What two other linters may say of a rewritten Dockerfile that they did not say of the original, and why."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from itertools import pairwise
from typing import NamedTuple

from neighbours import UNREADABLE, Remark

from dockerlayer.syntax.parser import parse
from dockerlayer.syntax.tree import Instruction

COPIES = frozenset({"copy", "add"})


class Text:
    """A Dockerfile with what is said of it."""

    def __init__(self, data: bytes, remarks: Sequence[Remark]) -> None:
        self.data = data
        self.remarks = remarks
        self.instructions = list(parse(data).instructions)

    @cached_property
    def codes(self) -> Counter[str]:
        """How often each rule has something to say."""
        return Counter(remark.code for remark in self.remarks)

    @cached_property
    def logical(self) -> Counter[str]:
        """The instructions as they are read, whatever their lines."""
        return Counter(map(_logical, self.instructions))

    def told(self, code: str) -> list[Instruction]:
        """The instructions that a rule speaks of, once for each remark; remarks on the whole file have none."""
        lines = [remark.line for remark in self.remarks if remark.code == code]
        found = (next((it for it in self.instructions if it.start_line <= line <= it.end_line), None) for line in lines)
        return [item for item in found if item is not None]


def _logical(instruction: Instruction) -> str:
    return " ".join(instruction.logical.split())


class Change:
    """An original, and what became of it by ``pattern``."""

    def __init__(self, old: Text, new: Text, pattern: str) -> None:
        self.old, self.new, self.pattern = old, new, pattern

    def is_added(self, instruction: Instruction) -> bool:
        """Whether an instruction of the result is not one of the original as it stood there."""
        return _logical(instruction) not in self.old.logical

    def added(self, keyword: str) -> int:
        """How many instructions of a kind there are more than before."""
        return sum(it.name == keyword for it in self.new.instructions) - sum(
            it.name == keyword for it in self.old.instructions
        )

    def fresh(self, code: str) -> list[Instruction]:
        """The instructions that a rule speaks of, without those that it spoke of as they stood in the original."""
        before = Counter(map(_logical, self.old.told(code)))
        found = []
        for item in self.new.told(code):
            before[_logical(item)] -= 1
            if before[_logical(item)] < 0:
                found.append(item)
        return found

    def on_new_only(self, code: str) -> bool:
        """Whether a rule says more of nothing that stood in the original as it stands in the result."""
        return all(map(self.is_added, self.fresh(code)))


def _halves(change: Change, code: str) -> bool:
    """Each remark more is on an instruction that was written beside, or cut from, one that had it before."""
    more = change.new.codes[code] - change.old.codes[code]
    keywords = {item.name for item in change.old.told(code)}
    fresh = change.fresh(code)
    return (
        change.on_new_only(code)
        and {item.name for item in fresh} <= keywords
        and more <= sum(change.added(keyword) for keyword in keywords)
    )


def _download(change: Change, code: str) -> bool:
    return change.on_new_only(code) and {item.name for item in change.fresh(code)} <= {"run"}


def _long_download(change: Change, code: str) -> bool:
    """A RUN of three commands or more that is not one of the original's, or a half of one.

    Of RUNs in a row it speaks of the first, which may be the second of the row in the original; and there may be a row
    only now.
    """
    fresh = [it for it in change.fresh(code) if not _is_second(change.old, it) and not _is_above_run(change, it)]
    long = all(item.logical.count("&&") >= 2 and change.is_added(item) for item in fresh)
    return long or _halves(change, code)


def _is_second(text: Text, instruction: Instruction) -> bool:
    """Whether an instruction of the result stands below a RUN in the original."""
    return any(
        above.name == "run" and _logical(below) == _logical(instruction) for above, below in pairwise(text.instructions)
    )


def _is_above_run(change: Change, instruction: Instruction) -> bool:
    """Whether a RUN stands above another only now."""
    order = [*map(_logical, change.old.instructions)]
    at = change.new.instructions.index(instruction) + 1
    below = change.new.instructions[at] if at < len(change.new.instructions) else None
    if below is None or below.name != "run" or _logical(instruction) not in order:
        return False
    return order[order.index(_logical(instruction)) + 1 :][:1] != [_logical(below)]


def _style(change: Change, code: str) -> bool:
    """The original mostly lacks the empty lines."""
    pairs = [pair for pair in pairwise(change.old.instructions) if pair[0].name != pair[1].name]
    lacking = [1 for above, below in pairs if not re.search(rb"\n\s*\n", change.old.data[above.end - 1 : below.start])]
    return 2 * len(lacking) >= len(pairs)


def _keeps_owner(change: Change, code: str) -> bool:
    """The copies went below a USER that the original has below its own COPY, or stand beside one that is below it."""
    order = [item.name for item in change.old.instructions]
    plain = not any(flag.startswith("--chown") for item in change.fresh(code) for flag in item.flags)
    moved = any("user" in order[at:] for at, name in enumerate(order) if name in COPIES)
    return plain and (moved or _halves(change, code))


def _change_of_directory(change: Change, code: str) -> bool:
    """A half of what had it, or a ``cd`` to where no WORKDIR of the original leads."""
    places = {item.args[0].rstrip("/") for item in change.old.instructions if item.name == "workdir"}
    targets = [re.search(r"\bcd (\S+)", item.logical) for item in change.fresh(code)]
    strange = all(target is not None and target[1] not in places for target in targets)
    return _halves(change, code) or (_download(change, code) and strange)


def _neighbours_now(change: Change, code: str) -> bool:
    """Both RUNs are halves of one, or what stood between them in the original was copies alone."""
    runs = change.new.instructions
    for item in change.fresh(code):
        above = runs[runs.index(item) - 1]
        if change.is_added(item) or change.is_added(above):
            if change.added("run") < 1:
                return False
            continue
        order = [_logical(it) for it in change.old.instructions]
        first, last = order.index(_logical(above)), order.index(_logical(item))
        if not all(it.name in COPIES for it in change.old.instructions[first + 1 : last]):
            return False
    return True


def _not_shipped(change: Change, code: str) -> bool:
    """What is said is of a stage that ``--pattern stage`` has cut off, and not of the last."""
    last = max(item.start for item in change.new.instructions if item.name == "from")
    return change.pattern == "stage" and all(item.start < last for item in change.new.told(code))


def _cut_off(change: Change, code: str) -> bool:
    """The command is the author's own, and was in a longer RUN before."""
    commands = [_logical(item).partition(" ")[2] for item in change.fresh(code)]
    return all(any(command in text for text in change.old.logical) for command in commands)


def _together_now(change: Change, code: str) -> bool:
    """The RUN and what it changes are the author's own, and did not follow one another."""
    order = [*map(_logical, change.old.instructions)]
    for item in change.fresh(code):
        above = change.new.instructions[change.new.instructions.index(item) - 1]
        at = order.index(_logical(item)) if _logical(item) in order else 0
        if not at or order[at - 1] == _logical(above) or _logical(above) not in order:
            return False
    return True


class Allowed(NamedTuple):
    """A rule that may say more than before, on the condition that ``holds``; ``why`` is what the README says."""

    tool: str
    why: str
    holds: Callable[[Change, str], bool]


_TWICE = "where one instruction became two, each has what the one had"
ALLOWED: dict[str, Allowed] = {
    "tally/newline-between-instructions": Allowed(
        "tally", "a file that mostly has no empty lines between its instructions is kept as it is", _style
    ),
    "tally/prefer-package-cache-mounts": Allowed(
        "tally", "asks for what undoes a download: what is written below a cache mount is not in the layer", _download
    ),
    "tally/prefer-run-heredoc": Allowed(
        "tally",
        "wants a here-document for three commands, which older builders cannot read",
        _long_download,
    ),
    "DL3059": Allowed(
        "hadolint",
        "wants one RUN where two layers are the point, or where all that stood between was a COPY that goes below",
        _neighbours_now,
    ),
    "tally/copy-after-user-without-chown": Allowed(
        "tally", "what is copied belongs to the user that it belonged to, also below USER", _keeps_owner
    ),
    "DL3003": Allowed(
        "hadolint",
        f"{_TWICE}; a download in a place that no WORKDIR leads to has a `cd`, since a WORKDIR would stay in the image",
        _change_of_directory,
    ),
    "tally/prefer-copy-chmod": Allowed(
        "tally", "sees a COPY and its `RUN chmod` only where they stand together, as they now may", _together_now
    ),
    "DL3002": Allowed("hadolint", "with `--pattern stage` the stage that ends as root is not the image", _not_shipped),
    "tally/ruby/asset-precompile-without-dummy-key": Allowed(
        "tally", "is silent on a RUN that installs as well, and sees the command once it has a RUN of its own", _cut_off
    ),
    **dict.fromkeys(
        ("DL3042", "DL3045", "DL3060", "SC2086"),
        Allowed("hadolint", _TWICE, _halves),
    ),
    **dict.fromkeys(
        ("tally/newline-per-chained-call", "tally/php/composer-no-dev-in-production"), Allowed("tally", _TWICE, _halves)
    ),
}  # fmt: skip


def allowed_table() -> str:
    """The exceptions as the README has them, those with one reason in one row."""
    rows: dict[tuple[str, str], list[str]] = {}
    for code, item in ALLOWED.items():
        rows.setdefault((item.tool, item.why), []).append(f"`{code}`")
    lines = [f"| {tool} | {', '.join(codes)} | {why} |\n" for (tool, why), codes in rows.items()]
    return "".join(["| tool | rule | why it may say more |\n| --- | --- | --- |\n", *lines])


def worse(change: Change) -> Iterator[tuple[str, bool]]:
    """The rules that say more of the result than of the original, each with whether that is allowed."""
    for code, more in (change.new.codes - change.old.codes).items():
        # A file that hadolint could not read before has no remarks to compare with.
        if UNREADABLE in change.old.codes and re.match(r"DL|SC", code) and code != UNREADABLE:
            continue
        allowed = ALLOWED.get(code.removeprefix("hadolint/"))
        yield code, allowed is not None and more > 0 and allowed.holds(change, code)
