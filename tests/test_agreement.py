"""One Dockerfile that several builds take from different contexts."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from dockerlayer.agreement import View, examine_all, repair_all
from dockerlayer.api import Ecosystem
from dockerlayer.engine import Options, default_rules, repair
from dockerlayer.findings import Applicability, Finding
from dockerlayer.model.context import Context

PIP = b"FROM python:3.13-slim\nWORKDIR /app\nCOPY . .\nRUN pip install --no-cache-dir -r requirements.txt\n"
NPM = b"FROM node:22\nWORKDIR /app\nCOPY package.json package-lock.json ./\nRUN npm ci\nCOPY . .\n"
PLAIN = {"requirements.txt": "idna==3.10\n", "main.py": ""}


def views(root: Path, *trees: Mapping[str, str]) -> list[View]:
    """A context for each tree; all are built by the Dockerfile of the first."""
    found = []
    for number, files in enumerate(trees):
        directory = root / str(number)
        for name, text in files.items():
            path = directory / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        context = Context.open(directory, root / "0" / "Dockerfile")
        found.append(View(context, f"compose.yaml:{number} service s{number} builds it from {number}"))
    return found


def only(data: bytes, seen: list[View], ecosystems: tuple[Ecosystem, ...], rule: str) -> Finding:
    report = examine_all(data, seen, ecosystems, Options(default_rules(ecosystems)))
    (finding,) = [item for item in report.findings if item.rule == rule]
    return finding


def test_same_fix_is_made_once(tmp_path: Path, ecosystems: tuple[Ecosystem, ...]) -> None:
    seen = views(tmp_path, PLAIN, {**PLAIN, "other.py": ""})
    assert only(PIP, seen, ecosystems, "source-before-download").fix is not None
    options = Options(default_rules(ecosystems))
    outcome = repair_all(PIP, seen, ecosystems, options)
    assert outcome.data == repair(PIP, seen[0].context, ecosystems, options).data != PIP
    assert not outcome.report.findings


@pytest.mark.parametrize(
    ("other", "cause"),
    [
        ({"requirements.txt": "idna==3.10\n"}, "where this is not found"),
        ({"requirements.txt": "-e ./lib\n", "lib/setup.py": "", "main.py": ""}, "where "),
        (
            {"requirements.txt": "-r more.txt\n", "more.txt": "idna==3.10\n", "main.py": ""},
            "where the fix is another one",
        ),
    ],
)
def test_fix_of_one_context_alone_is_refused(
    tmp_path: Path, ecosystems: tuple[Ecosystem, ...], other: Mapping[str, str], cause: str
) -> None:
    seen = views(tmp_path, PLAIN, other)
    finding = only(PIP, seen, ecosystems, "source-before-download")
    (refusal,) = finding.refusals
    assert finding.fix is None
    assert refusal.code == "other-context"
    assert refusal.message.startswith("compose.yaml:1 service s1 builds it from 1, ")
    assert cause in refusal.message
    assert repair_all(PIP, seen, ecosystems, Options(default_rules(ecosystems), unsafe=True)).data == PIP


def test_finding_of_one_context_names_it(tmp_path: Path, ecosystems: tuple[Ecosystem, ...]) -> None:
    finding = only(PIP, views(tmp_path, {"requirements.txt": ""}, PLAIN), ecosystems, "source-before-download")
    assert "so it is where compose.yaml:1 service s1 builds it from 1, and not in every build" in finding.help


def test_line_for_an_ignore_file_holds_for_one_ignore_file_only(
    tmp_path: Path, ecosystems: tuple[Ecosystem, ...]
) -> None:
    files = {
        "package.json": "{}",
        "package-lock.json": '{"lockfileVersion": 3, "packages": {}}',
        "node_modules/x/index.js": "",
        "main.js": "",
    }
    seen = views(tmp_path, files, files)
    finding = only(NPM, seen, ecosystems, "context-overwrites-install")
    assert [refusal.code for refusal in finding.refusals] == ["other-context"]
    assert "where the ignore file is another one" in finding.refusals[0].message
    (tmp_path / "0" / "Dockerfile.dockerignore").write_text("*.md\n")
    finding = only(NPM, views(tmp_path, files, files), ecosystems, "context-overwrites-install")
    assert finding.fix is not None
    assert finding.fix.ignore == ("node_modules",)


def test_named_context_in_the_place_of_a_stage(tmp_path: Path, ecosystems: tuple[Ecosystem, ...]) -> None:
    data = PIP.replace(b"slim", b"slim AS Base")
    (view,) = views(tmp_path, PLAIN)
    refused = only(data, [view._replace(names=frozenset({"base"}))], ecosystems, "source-before-download")
    assert [refusal.code for refusal in refused.refusals] == ["named-context"]
    kept = only(data, [view._replace(names=frozenset({"other"}))], ecosystems, "source-before-download")
    assert kept.fix is not None
    assert kept.fix.applicability is Applicability.SAFE
