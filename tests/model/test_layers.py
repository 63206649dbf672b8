"""Layer inputs: what a layer's cache key depends on."""

from __future__ import annotations

from pathlib import Path

from dockerlayer.model.context import Context
from dockerlayer.model.layers import Analysis, Input, inputs_of
from dockerlayer.syntax.parser import parse


def inputs(root: Path, text: str, line: int) -> list[Input]:
    for name in ("a.txt", "src/b.txt", "src/c.txt", "package.json"):
        path = root / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(name)
    analysis = Analysis(parse(text.encode()), Context.open(root))
    step = next(step for step in analysis.build.steps() if step.line == line)
    return list(inputs_of(analysis, step))


def kinds(found: list[Input]) -> list[tuple[str, int]]:
    return [(item.kind, item.line) for item in found]


def test_a_run_depends_on_everything_above_but_metadata(tmp_path: Path) -> None:
    text = "FROM img\nLABEL a=b\nARG N=1\nENV E=2\nCOPY src /src\nEXPOSE 80\nRUN make\n"
    found = inputs(tmp_path, text, 7)
    assert kinds(found) == [("image", 1), ("files", 5), ("argument", 7), ("variable", 7), ("text", 7)]
    assert found[1].what == "src: 2 files (src/b.txt, src/c.txt)"


def test_an_argument_declared_below_does_not_count(tmp_path: Path) -> None:
    assert kinds(inputs(tmp_path, "FROM img\nRUN make\nARG N=1\n", 2)) == [("image", 1), ("text", 2)]


def test_mounts_and_copies_from_stages_count_by_content(tmp_path: Path) -> None:
    text = "FROM a AS s\nRUN x\nFROM b\nCOPY --from=s /o /o\nRUN --mount=type=bind,source=a.txt,target=/a y\n"
    found = inputs(tmp_path, text, 5)
    assert kinds(found) == [("image", 3), ("stage", 4), ("text", 5), ("mount", 5)]


def test_a_child_stage_depends_on_what_its_parent_depends_on(tmp_path: Path) -> None:
    text = "FROM a AS base\nCOPY package.json /\nFROM base\nRUN x\n"
    assert kinds(inputs(tmp_path, text, 4)) == [("image", 1), ("stage", 3), ("files", 2), ("text", 4)]


def test_a_copy_that_matches_nothing_says_so(tmp_path: Path) -> None:
    found = inputs(tmp_path, "FROM a\nCOPY nothing* /\nRUN x\n", 3)
    assert found[1].what == "nothing* (nothing in the context matches)"


def test_of_two_sources_the_one_that_has_the_file_is_behind_it(tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "main.py").touch()
    (tmp_path / "lock.txt").touch()
    analysis = Analysis(parse(b"FROM img\nCOPY lock.txt src /app/\n"), Context.open(tmp_path))
    placement = analysis.placement(next(analysis.build.steps()))
    assert placement is not None
    assert [placement.origin(path) for path in ("/app/lock.txt", "/app/main.py", "/app/none")] == [
        "lock.txt",
        "src/main.py",
        "src/none",
    ]


def test_a_scene_knows_the_image_that_a_copy_comes_from(tmp_path: Path) -> None:
    text = "FROM tool:2 AS t\nFROM t AS u\nFROM b\nCOPY --from=u /bin/t /bin/\nCOPY --from=x:3 /y z\nRUN t\n"
    analysis = Analysis(parse(text.encode()), Context.open(tmp_path))
    step = next(step for step in analysis.build.steps() if step.line == 6)
    copies = analysis.scene(step).copies
    assert [(copy.image, copy.sources) for copy in copies] == [("tool:2", ("/bin/t",)), ("x:3", ("/y",))]
    assert copies[0].target == "/bin"
