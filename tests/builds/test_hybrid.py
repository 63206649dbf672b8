"""Downloads that go through a cache mount into the layer: what they receive while the mount is full, and empty."""

from __future__ import annotations

import re
import uuid
from pathlib import Path

import pytest
from bases import base_or_skip
from project_build import Project, Workbench, answer, download_of, projects, start_anew

from dockerlayer.api import Ecosystem
from dockerlayer.engine import Options, context_for, default_rules, repair
from dockerlayer.verify.builder import Builder

PROJECTS = [
    project
    for project in projects(Path(__file__).parent / "projects")
    if project.name in {"go-plain", "cargo-plain", "pip-plain"}
]
INDEXES = 0.9
"""pip asks the index pages anew, which are most of what a small project receives; the archives it has."""
MOUNT = re.compile(r"--mount=type=cache,\S*target=(\S+) ")


@pytest.mark.parametrize("project", PROJECTS, ids=lambda project: project.name)
def test_hybrid(project: Project, tmp_path: Path, builder: Builder, ecosystems: tuple[Ecosystem, ...]) -> None:
    """A full mount saves the download, and an emptied one breaks no build of what is cached or of what is not."""
    base_or_skip(*project.bases)
    folder, name = project.copy(tmp_path / "project"), uuid.uuid4().hex
    path = folder / "Dockerfile"
    start_anew(path, name)
    options = Options(default_rules(ecosystems), "hybrid")
    outcome = repair(path.read_bytes(), context_for(path, folder), ecosystems, options)
    assert [made.fix.pattern for made in outcome.made] == ["hybrid"]
    text = outcome.data.decode().replace("--mount=type=cache,", f"--mount=type=cache,id=hybrid-{name},")
    mount = MOUNT.search(text)
    assert mount is not None
    path.write_text(text)
    with Workbench(builder, None) as bench:
        first = bench.build(folder)
        assert answer(first.tag) == project.answer
        assert first.received > 0

        path.write_text(text.replace(mount[0], f"{mount[0]}true full && "))
        full = bench.build(folder)
        assert not download_of(full.steps, "RUN --mount").cached
        assert answer(full.tag) == project.answer
        print(f"{project.name}: {first.received} bytes, with a full mount {full.received}")
        assert full.received < first.received * (INDEXES if project.name == "pip-plain" else 0.1)

        empty = f"{text.splitlines()[0]}\nRUN {mount[0]}"
        (tmp_path / "empty.Dockerfile").write_text(f"{empty}: {name}; find {mount[1]} -mindepth 1 -delete\nCMD true\n")
        bench.build(folder, tmp_path / "empty.Dockerfile")
        path.write_text(re.sub(r"(COPY \. \.\nRUN )", r"\1--network=none ", text))
        project.edit.make(folder)
        edited = bench.build(folder)
        assert download_of(edited.steps, "RUN --mount").cached
        assert answer(edited.tag) == project.edit.answer

        path.write_text(text.replace(mount[0], f"{mount[0]}true empty && "))
        again = bench.build(folder)
        assert again.received > 0
        assert answer(again.tag) == project.edit.answer
