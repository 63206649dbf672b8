"""Real projects with real dependencies, as a naive Dockerfile builds them and as the rewritten one does.

The checks read what BuildKit says of each step, and what a proxy counted that the steps download through: the counters
of the machine's interfaces also hold what others receive meanwhile.
"""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from bases import base_or_skip
from project_build import (
    NO_NETWORK,
    Image,
    Project,
    Workbench,
    answer,
    cut_after,
    download_of,
    projects,
    size_of,
    start_anew,
    tools_of,
    up_to,
)
from served import Source
from sources import SOURCES
from table import Measured, Row

from dockerlayer.api import Ecosystem
from dockerlayer.engine import Options, context_for, default_rules, repair
from dockerlayer.verify.builder import Builder

PROJECTS = projects(Path(__file__).parent / "projects")
SLACK = 128 * 1024
"""How much an image may grow beside what its pattern announces: caches and logs differ by a little from run to run."""


@pytest.mark.parametrize("project", PROJECTS, ids=lambda project: f"{project.name}-{project.asked}")
def test_rewrite(
    project: Project, tmp_path: Path, builder: Builder, measured: Measured, ecosystems: tuple[Ecosystem, ...]
) -> None:
    """The rewritten file builds the same program, and an edit of the source downloads nothing."""
    measured.wanted = len(PROJECTS)
    base_or_skip(*project.bases)
    naive, rewritten = project.copy(tmp_path / "naive"), project.copy(tmp_path / "rewritten")
    name = uuid.uuid4().hex
    for folder in (naive, rewritten):
        start_anew(folder / "Dockerfile", name)
    _rewrite(project, rewritten, ecosystems)
    with _source(project, tmp_path / "packages") as source, Workbench(builder, source) as bench:
        before, after = bench.build(naive), bench.build(rewritten)
        assert not download_of(after.steps, project.download).cached
        assert answer(before.tag) == answer(after.tag) == project.answer
        announced = size_of(after.tag, project.kept) if project.kept else 0
        assert after.size - before.size <= announced + SLACK

        edited = _edit(project, naive, bench), _edit(project, rewritten, bench)
        assert edited[0].received > 0
        download = download_of(edited[1].steps, project.download)
        assert [step.text for step in up_to(edited[1].steps, download) if not step.cached] == []
        assert edited[1].received <= project.online
        assert edited[1].received < edited[0].received / 2

        if not project.online:
            _build_offline(project, rewritten, bench)
        _change_lock(project, tmp_path, bench, rewritten / "Dockerfile")
    received, seconds = zip(*((image.received, image.seconds) for image in edited), strict=True)
    offline = "no" if project.online else "after the install" if project.pattern == "narrow" else "yes"
    sizes = before.size, after.size
    measured.rows.append(Row(project.name, project.pattern, received, seconds, sizes, offline))
    measured.builder = builder.version
    measured.tools.update({base: tools_of(base) for base in project.bases if base not in measured.tools})


@contextmanager
def _source(project: Project, folder: Path) -> Iterator[Source | None]:
    """The packages of a project whose registry is stood in for."""
    if not project.source:
        yield None
        return
    with SOURCES[project.source](folder, project.bases[0]) as source:
        yield source


def _rewrite(project: Project, folder: Path, ecosystems: tuple[Ecosystem, ...]) -> None:
    """Make the safe fixes."""
    path = folder / "Dockerfile"
    options = Options(default_rules(ecosystems), project.asked)
    outcome = repair(path.read_bytes(), context_for(path, folder), ecosystems, options)
    assert [made.fix.pattern for made in outcome.made] == [project.pattern]
    assert not outcome.report.findings
    path.write_bytes(outcome.data)


def _edit(project: Project, folder: Path, bench: Workbench) -> Image:
    """Edit the source, and build again."""
    project.edit.make(folder)
    image = bench.build(folder)
    assert answer(image.tag) == project.edit.answer
    return image


def _build_offline(project: Project, folder: Path, bench: Workbench) -> None:
    """Build anew, without a network, all that comes below the download."""
    dockerfile = folder.with_name("offline.Dockerfile")
    cut = cut_after((folder / "Dockerfile").read_text("utf-8"), project.download)
    assert NO_NETWORK in cut or project.pattern == "narrow"
    dockerfile.write_text(cut, "utf-8")
    (folder / "offline.txt").write_text("another edit\n", "utf-8")
    image = bench.build(folder, dockerfile)
    assert download_of(image.steps, project.download).cached
    assert answer(image.tag) == project.edit.answer


def _change_lock(project: Project, place: Path, bench: Workbench, dockerfile: Path) -> None:
    """Pin another version, as the only change since the first build."""
    folder = project.copy(place / "changed")
    shutil.copy(dockerfile, folder)
    project.lock.make(folder)
    image = bench.build(folder)
    assert not download_of(image.steps, project.download).cached
    assert image.received > 0
    assert answer(image.tag) == project.lock.answer
