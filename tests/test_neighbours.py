"""hadolint and tally say nothing of what is written that they did not say before, and their pragmas keep working."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path

import pytest
from change import ALLOWED, Change, Text, allowed_table, worse
from neighbours import UNREADABLE, Remark, remarks

from dockerlayer.api import Ecosystem
from dockerlayer.engine import repair
from dockerlayer.syntax.parser import parse
from dockerlayer.testing import EXPECTED, Case, cases

ROOT = Path(__file__).parents[1]
FIXTURES = ROOT / "fixtures"
CASES = [case for case in cases(FIXTURES) if case.folder.relative_to(FIXTURES).parts[0] not in {"syntax", "plugins"}]
ORIGINAL = "original"
# About the last line of the file, whichever instruction that is.
AT_THE_END = "tally/eol-last"
HEADER = b"# check=skip=JSONArgsRecommended"


def texts_of(case: Case) -> dict[str, bytes]:
    """The Dockerfile of a case and what becomes of it, by pattern; nothing if it stays as it is."""
    rewritten = {path.stem: path.read_bytes() for path in sorted((case.folder / EXPECTED).glob("*.Dockerfile"))}
    return {ORIGINAL: (case.folder / case.dockerfile).read_bytes(), **rewritten} if rewritten else {}


@pytest.fixture(scope="module")
def texts() -> dict[str, dict[str, bytes]]:
    named = {case.folder.relative_to(FIXTURES).as_posix(): texts_of(case) for case in CASES}
    return {name: texts for name, texts in named.items() if texts}


@pytest.fixture(scope="module")
def said(texts: dict[str, dict[str, bytes]]) -> dict[tuple[str, str], list[Remark]]:
    return remarks({(name, pattern): data for name, found in texts.items() for pattern, data in found.items()})


def new_remarks(name: str, change: Change) -> list[str]:
    """The rules that say more than before and may not, each with the name of the text."""
    return [f"{name}: {code}" for code, allowed in worse(change) if not allowed]


def changes(texts: dict[str, dict[str, bytes]], said: dict[tuple[str, str], list[Remark]]) -> dict[str, Change]:
    """What became of each text, named by the case and the pattern."""
    return {
        f"{name} ({pattern})": Change(
            Text(found[ORIGINAL], said[name, ORIGINAL]), Text(data, said[name, pattern]), pattern
        )
        for name, found in texts.items()
        for pattern, data in found.items()
        if pattern != ORIGINAL
    }


def test_nothing_new(texts: dict[str, dict[str, bytes]], said: dict[tuple[str, str], list[Remark]]) -> None:
    # The tools ran and read what they were given.
    codes = Counter(remark.code for found in said.values() for remark in found)
    assert codes["DL3042"] > 50
    assert codes["tally/prefer-package-cache-mounts"] > 100
    found = changes(texts, said)
    new = [text for name, change in found.items() for text in new_remarks(name, change)]
    assert not new, "\n".join(new)
    used = {code.removeprefix("hadolint/") for change in found.values() for code, _ in worse(change)}
    assert used == ALLOWED.keys(), "an exception that nothing needs is taken out"


def test_readme() -> None:
    text = (ROOT / "README.md").read_text("utf-8")
    assert f"<!-- neighbours-table -->\n{allowed_table()}<!-- /neighbours-table -->\n" in text


def test_what_is_new_is_told() -> None:
    old = b"FROM python:3.12\nWORKDIR /app\nCOPY . .\nRUN pip install --no-cache-dir -r requirements.txt\n"
    new = old.replace(b" --no-cache-dir", b"").replace(b"COPY", b"RUN cd /app && apt-get install gcc\nCOPY")
    told = remarks({"old": old, "new": new})
    change = Change(Text(old, told["old"]), Text(new, told["new"]), "split")
    assert {text.split()[1] for text in new_remarks("case", change)} >= {"DL3042", "DL3003", "DL3008", "DL3015"}


def with_pragmas(data: bytes, said: Sequence[Remark]) -> bytes:
    """The text with a pragma above each instruction that a tool speaks of, and a header for BuildKit's own checks."""
    dockerfile = parse(data)
    found = Text(data, said)
    newline = b"\r\n" if b"\r\n" in data else b"\n"
    told: defaultdict[int, set[str]] = defaultdict(set)
    for code in found.codes:
        for instruction in found.told(code):
            told[instruction.start].add(code)
    for start, codes in sorted(told.items(), reverse=True):
        head, above = data[:start], b""
        own = re.search(rb"^[ \t]*# *hadolint ignore=([\w,]+)[^\n]*\n\Z", head, re.MULTILINE)
        if own is not None:
            head, codes = head[: own.start()], codes | set(own[1].decode().split(","))
        others = sorted(code for code in codes if "/" in code)
        hadolint = sorted(codes.difference(others))
        above += f"# tally ignore={','.join(others)}".encode() + newline if others else b""
        above += f"# hadolint ignore={','.join(hadolint)}".encode() + newline if hadolint else b""
        data = head + above + data[start:]
    names = {directive.name for directive in dockerfile.directives}
    return data if "check" in names or data.startswith(b"\xef") else HEADER + newline + data


def test_pragmas_keep_working(
    texts: dict[str, dict[str, bytes]],
    said: dict[tuple[str, str], list[Remark]],
    ecosystems: tuple[Ecosystem, ...],
) -> None:
    """What hadolint said of an original is silenced there, and stays silent when that text is fixed."""
    silenced = {
        name: with_pragmas(found[ORIGINAL], said[name, ORIGINAL])
        for name, found in texts.items()
        if any(is_hadolint(remark) for remark in said[name, ORIGINAL])
    }
    assert len(silenced) > 300
    before = remarks(silenced)
    loud = {name for name, found in before.items() if any(map(is_hadolint, found))}
    assert all(remark.code == UNREADABLE for name in loud for remark in before[name] if is_hadolint(remark))
    results = {name: fixed(name, silenced, texts, ecosystems) for name in silenced}
    after = remarks(results)
    new = []
    for name, data in results.items():
        assert data != silenced[name], f"{name} is no longer fixed"
        assert data.startswith(HEADER) == silenced[name].startswith(HEADER), name
        again = {remark.code for remark in said[name, ORIGINAL]} & {remark.code for remark in after[name]}
        new += [f"{name}: {code} again" for code in again if is_hadolint(Remark(code, 0, "")) and name not in loud]
        change = Change(Text(silenced[name], before[name]), Text(data, after[name]), "split")
        new += [text for text in new_remarks(name, change) if not text.endswith(AT_THE_END)]
    assert not new, "\n".join(new)


def is_hadolint(remark: Remark) -> bool:
    """Whether a remark is hadolint's own."""
    return "/" not in remark.code


def fixed(
    name: str,
    silenced: dict[str, bytes],
    texts: dict[str, dict[str, bytes]],
    ecosystems: tuple[Ecosystem, ...],
) -> bytes:
    """What becomes of the text with pragmas of a case."""
    case = Case.read(FIXTURES / name)
    with case.opened() as (_, context):
        options = case.options(ecosystems, unsafe="unsafe" in texts[name])
        return repair(silenced[name], context, ecosystems, options).data
