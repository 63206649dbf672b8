"""hadolint and tally say nothing of what is written that they did not say before, and their pragmas keep working."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from change import ALLOWED, Change, Text, worse
from neighbours import Remark, remarks

from dockerlayer.testing import EXPECTED, Case, cases

ROOT = Path(__file__).parents[1]
FIXTURES = ROOT / "fixtures"
CASES = [case for case in cases(FIXTURES) if case.folder.relative_to(FIXTURES).parts[0] not in {"syntax", "plugins"}]
ORIGINAL = "original"


def texts_of(case: Case) -> dict[str, bytes]:
    """The Dockerfile of a case and what becomes of it, by pattern; nothing if it stays as it is."""
    rewritten = {path.stem: path.read_bytes() for path in sorted((case.folder / EXPECTED).glob("*.Dockerfile"))}
    return {ORIGINAL: (case.folder / case.dockerfile).read_bytes(), **rewritten} if rewritten else {}


@pytest.fixture(scope="module")
def texts() -> dict[str, dict[str, bytes]]:
    named = {case.folder.relative_to(FIXTURES).as_posix(): texts_of(case) for case in CASES}
    return {name: texts for name, texts in named.items() if texts}


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


def test_nothing_new(texts: dict[str, dict[str, bytes]]) -> None:
    files = {(name, pattern): data for name, found in texts.items() for pattern, data in found.items()}
    said = remarks(files)
    # The tools ran and read what they were given.
    codes = Counter(remark.code for found in said.values() for remark in found)
    assert codes["DL3042"] > 50
    assert codes["tally/prefer-package-cache-mounts"] > 100
    judged = {name: list(worse(change)) for name, change in changes(texts, said).items()}
    new = [f"{name}: {code}" for name, found in judged.items() for code, allowed in found if not allowed]
    assert not new, "\n".join(new)
    used = {code.removeprefix("hadolint/") for found in judged.values() for code, _ in found}
    assert used == ALLOWED.keys(), "an exception that nothing needs is taken out"
