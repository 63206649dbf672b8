"""Every case folder below fixtures/: what is found there and what the file becomes, and that noops stay silent."""

from collections import Counter
from pathlib import Path

import pytest
from pytest_snapshot.plugin import Snapshot

from dockerlayer.api import Ecosystem
from dockerlayer.testing import EXPECTED, cases, run_case

FIXTURES = Path(__file__).parents[1] / "fixtures"
FOLDERS = [
    case.folder for case in cases(FIXTURES) if case.folder.relative_to(FIXTURES).parts[0] not in {"syntax", "plugins"}
]
MOST_NOOPS = {"go": 20, "npm": 20, "pip": 20}
IDS = [folder.relative_to(FIXTURES).as_posix() for folder in FOLDERS]


@pytest.mark.parametrize("folder", FOLDERS, ids=IDS)
def test_case(folder: Path, ecosystems: tuple[Ecosystem, ...], snapshot: Snapshot) -> None:
    found = run_case(folder, ecosystems)
    snapshot.snapshot_dir = folder
    snapshot.assert_match_dir(found.snapshots(), EXPECTED)
    if folder.name.startswith("noop"):
        assert found.is_silent, found.report
    else:
        assert found.findings, "a case without a finding is a noop and must say so by its name"


def test_noops_are_many(ecosystems: tuple[Ecosystem, ...]) -> None:
    noops = Counter(folder.parent.name for folder in FOLDERS if folder.name.startswith("noop"))
    for ecosystem in ecosystems:
        assert noops[ecosystem.name] >= MOST_NOOPS.get(ecosystem.name, 10), (
            f"{ecosystem.name}: what must stay silent is as much of a rule as what is found"
        )
