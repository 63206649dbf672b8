"""Cache keys: which layers a change makes BuildKit build again. The builds themselves are compared in tests/builds."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from dockerlayer.model.context import Context
from dockerlayer.model.keys import Keys, cache_keys, cached, label_of, layers_of, needed
from dockerlayer.model.layers import Analysis
from dockerlayer.model.stages import Stage, build_of
from dockerlayer.syntax.parser import parse

FILES = {"a.txt": "a", "b.txt": "b", "lock": "lock", "src/main": "main", "src/sub/deep": "deep"}


def analysis(root: Path, text: str) -> Analysis:
    return Analysis(parse(text.encode()), Context.open(root))


def keys(root: Path, text: str, args: Mapping[str, str] = {}, target: str | None = None) -> Keys:
    return cache_keys(analysis(root, text), args, target)


def runs(before: Keys, after: Keys) -> list[int]:
    """The lines of what is said to run, FROM among them."""
    known = cached(before, after)
    return sorted(
        layer.instruction.start_line if isinstance(layer, Stage) else layer.line for layer in after.keys() - known
    )


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name, content in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content)
    return tmp_path


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("LABEL a=1\nRUN x", "LABEL a=2\nRUN x"),
        ("CMD a\nENTRYPOINT b\nRUN x", "EXPOSE 80\nVOLUME /v\nRUN x"),
        ("RUN x \\\n # one\n y", "RUN x \\\n # two\n y"),
        ("RUN x", "run x"),
        ("RUN x", "ARG X\nRUN x"),
        ("RUN x\nARG X=1", "RUN x\nARG X=2"),
        ("WORKDIR /w\nWORKDIR x\nRUN x", "WORKDIR /w\nWORKDIR /w/x\nRUN x"),
        ("ENV A=1\nENV B=2\nRUN x", "ENV A=1 B=2\nRUN x"),
        ("ARG A=1\nRUN x", "ENV A=1\nRUN x"),
        ("COPY ./a.txt /x", "COPY a.txt /x"),
        ("WORKDIR /w\nCOPY a.txt .", "WORKDIR /w\nCOPY a.txt /w/"),
        ("ENV A=1\nCOPY a.txt /x", "ENV A=2\nCOPY a.txt /x"),
        ("USER a\nCOPY a.txt /x", "USER b\nCOPY a.txt /x"),
        ("RUN x", "RUN --network=default x"),
        ("RUN --mount=target=/a,source=a.txt --mount=target=/b,source=lock x",
         "RUN --mount=source=lock,target=/b --mount=target=/a,source=a.txt x"),
        ("RUN <<A\nx\nA", "RUN <<B\nx\nB"),
        ("ENV A=1\nCOPY <<E /x\n$A\nE", "ENV A=1\nCOPY <<E /x\n1\nE"),
        ('SHELL ["/bin/sh", "-c"]\nRUN x', 'SHELL ["/bin/sh", "-c"]\nRUN ["/bin/sh", "-c", "x"]'),
    ],
)  # fmt: skip
def test_nothing_runs(root: Path, before: str, after: str) -> None:
    assert runs(keys(root, f"FROM i\n{before}\n"), keys(root, f"FROM i\n{after}\n")) == []


@pytest.mark.parametrize(
    ("before", "after", "lines"),
    [
        ("RUN x", "RUN  x  y", [2]),
        ("RUN a\nRUN b\nRUN c", "RUN a\nRUN d\nRUN c", [3, 4]),
        ("ARG X=1\nRUN x", "ARG X=2\nRUN x", [3]),
        ("ARG X\nRUN x", "ARG X=\nRUN x", [3]),
        ("ARG A=1\nARG B=1\nRUN x", "ARG B=1\nARG A=1\nRUN x", [4]),
        ("RUN x", "ARG TARGETARCH\nRUN x", [3]),
        ("RUN x", "WORKDIR /\nRUN x", [3]),
        ("WORKDIR /w\nCOPY a.txt .\nRUN x", "WORKDIR /w/\nCOPY a.txt .\nRUN x", [4]),
        ("ARG A=1\nRUN --mount=source=${A#0},target=/x x", "ARG A=2\nRUN --mount=source=${A#0},target=/x x", [3]),
        ("ENV A=1\nENV B=2\nRUN x", "ENV B=2\nENV A=1\nRUN x", [4]),
        ("ENV A=1\nENV B=2\nRUN x", "ENV A=1\nENV B=2\nENV A=1\nRUN x", [5]),
        ("ENV A=1\nRUN x", "ENV A=1\nARG A=2\nRUN x", [4]),
        ("USER root\nRUN x", "USER 0\nRUN x", [3]),
        ("WORKDIR /w\nRUN x", "USER u\nWORKDIR /w\nRUN x", [3, 4]),
        ('SHELL ["a"]\nRUN x', 'SHELL ["b"]\nRUN x', [3]),
        ("RUN x", 'RUN ["/bin/sh", "-c", "x"]', [2]),
        ("COPY a.txt /x", "ADD a.txt /x", [2]),
        ("COPY a.txt /x", "COPY b.txt /x", [2]),
        ("COPY a.txt /x", "COPY a.tx* /x", [2]),
        ("COPY a.txt lock /x/", "COPY lock a.txt /x/", [2]),
        ("COPY a.txt /x", "COPY --chown=1 a.txt /x", [2]),
        ("COPY src /x", "COPY src /x/", [2]),
        ("RUN x", "RUN --network=none x", [2]),
        ("RUN x", "RUN --mount=type=cache,target=/c x", [2]),
        ("RUN --mount=type=secret,id=a --mount=type=secret,id=b x",
         "RUN --mount=type=secret,id=b --mount=type=secret,id=a x", [2]),
        ("RUN <<A\nx\nA", "RUN <<A\n# why\nx\nA", [2]),
        ("RUN <<A\n#!/bin/sh\nA", "RUN <<B\n#!/bin/sh\nB", [2]),
        ("COPY <<A /x/\nx\nA", "COPY <<B /x/\nx\nB", [2]),
        ("ENV A=1\nCOPY <<E /x\n$A\nE", "ENV A=2\nCOPY <<E /x\n$A\nE", [3]),
        ("ARG A=1\nENV B=${X:-${A}}\nCOPY a.txt /$B", "ARG A=2\nENV B=${X:-${A}}\nCOPY a.txt /$B", [4]),
        ("ARG A=1\nCOPY a.txt /${A#0}", "ARG A=2\nCOPY a.txt /${A#0}", [3]),
    ],
)  # fmt: skip
def test_what_changed_and_what_stands_on_it_runs(root: Path, before: str, after: str, lines: list[int]) -> None:
    assert runs(keys(root, f"FROM i\n{before}\n"), keys(root, f"FROM i\n{after}\n")) == lines


def test_another_image_is_another_root(root: Path) -> None:
    assert runs(keys(root, "FROM i\nRUN x\n"), keys(root, "FROM j\nRUN x\n")) == [1, 2]
    one, other = analysis(root, "FROM i\nRUN x\n"), analysis(root, "FROM j\nRUN x\n")
    images = {"i": "sha256:1", "j": "sha256:1"}
    assert runs(cache_keys(one, images=images), cache_keys(other, images=images)) == []
    text = "# syntax=docker/dockerfile:1\nFROM i\nRUN x\n"
    assert runs(keys(root, "FROM i\nRUN x\n"), keys(root, text)) == [2, 3]


@pytest.mark.parametrize(
    ("name", "content", "lines"),
    [
        ("a.txt", "changed", [2, 3, 4, 5]),
        ("src/main", "changed", [3, 4, 5]),
        ("src/new", "new", [3, 4, 5]),
        ("lock", "changed", [5]),
        ("b.txt", "changed", []),
        ("a.txt", "a", []),
    ],
)
def test_files_count_by_content_where_they_are_copied(root: Path, name: str, content: str, lines: list[int]) -> None:
    text = "FROM i\nCOPY a.txt /x\nCOPY src /src\nRUN x\nCOPY lock* none* /y/\n"
    before = keys(root, text)
    (root / name).write_text(content)
    assert runs(before, keys(root, text)) == lines


def test_modes_names_and_links_count(root: Path) -> None:
    text = "FROM i\nCOPY . /x\n"
    before = keys(root, text)
    (root / "a.txt").chmod(0o755)
    assert runs(before, keys(root, text)) == [2]
    (root / "a.txt").chmod(0o644)
    assert runs(before, keys(root, text)) == []
    (root / "src").chmod(0o711)
    assert runs(before, keys(root, text)) == [2]
    (root / "src").chmod(0o755)
    root.chmod(0o711)
    assert runs(before, keys(root, text)) == []
    (root / "empty").mkdir()
    assert runs(before, keys(root, text)) == [2]
    (root / "empty").rmdir()
    (root / "b.txt").rename(root / "c.txt")
    assert runs(before, keys(root, text)) == [2]


def test_a_link_counts_by_its_target_where_it_is_named(root: Path) -> None:
    (root / "link").symlink_to("a.txt")
    text = "FROM i\nCOPY link /x\n"
    before = keys(root, text)
    (root / "link").unlink()
    (root / "link").write_text("a")
    assert runs(before, keys(root, text)) == []


def test_ignored_files_do_not_count(root: Path) -> None:
    (root / ".dockerignore").write_text(".dockerignore\n*\n!src/main\n")
    text = "FROM i\nCOPY . /x\n"
    before = keys(root, text)
    (root / "a.txt").write_text("changed")
    (root / "src/sub/deep").write_text("changed")
    (root / ".dockerignore").write_text(".dockerignore\n# a comment\n*\n!src/main\n")
    assert runs(before, keys(root, text)) == []
    (root / "src").chmod(0o700)
    assert runs(before, keys(root, text)) == [2]


def test_bind_mounts_count_by_content(root: Path) -> None:
    text = "FROM i\nRUN --mount=target=/s,source=src x\nRUN --mount=target=. y\n"
    before = keys(root, text)
    (root / "lock").write_text("changed")
    assert runs(before, keys(root, text)) == [3]
    (root / "src/main").write_text("changed")
    assert runs(before, keys(root, text)) == [2, 3]


def test_build_arguments_count_below_their_declaration(root: Path) -> None:
    text = "ARG G=1\nARG H=1\nFROM i\nRUN a\nARG G\nRUN b\nARG X=1\nRUN c\n"
    before = keys(root, text)
    assert runs(before, keys(root, text, {"H": "2", "NEVER": "1", "HTTP_PROXY": "p", "X": "1"})) == []
    assert runs(before, keys(root, text, {"G": "2"})) == [6, 8]
    assert runs(before, keys(root, text, {"X": "2"})) == [8]
    assert runs(before, keys(root, text, {"BUILDKIT_SANDBOX_HOSTNAME": "h"})) == [4, 6, 8]


def test_a_value_that_cannot_be_followed_counts_everywhere(root: Path) -> None:
    text = "ARG A=1\nARG G=${X:-${A}}\nFROM i\nARG G\nWORKDIR /w\nCOPY a.txt /$G\n"
    assert runs(keys(root, text), keys(root, text, {"A": "2"})) == [5, 6]


def test_what_another_stage_made_counts_as_its_key(root: Path) -> None:
    text = "FROM i AS s\nCOPY a.txt /\nRUN x\nFROM i\nRUN y\nCOPY --from=s /o /o\nRUN --mount=from=0,target=/m z\n"
    before = keys(root, text)
    (root / "a.txt").write_text("changed")
    assert runs(before, keys(root, text)) == [2, 3, 6, 7]


def test_a_child_stage_starts_from_its_parent(root: Path) -> None:
    text = "FROM i AS s\nARG X=1\nRUN x\nFROM s AS t\nRUN y\nFROM t\nRUN z\n"
    before = keys(root, text)
    assert runs(before, keys(root, text.replace("RUN x", "RUN w"))) == [3, 4, 5, 6, 7]
    assert runs(before, keys(root, text, {"X": "2"})) == [3, 4, 5, 6, 7]
    assert runs(before, keys(root, text.replace("AS s", "AS r").replace("FROM s", "FROM r"))) == []


def test_triggers_run_in_the_child(root: Path) -> None:
    text = "FROM i AS s\nONBUILD COPY a.txt /\nONBUILD ENV A=1\nRUN x\nFROM s\nRUN y\n"
    before = keys(root, text)
    assert runs(before, keys(root, text.replace("A=1", "A=2"))) == [6]
    (root / "a.txt").write_text("changed")
    assert runs(before, keys(root, text)) == [2, 6]


@pytest.mark.parametrize(
    "step",
    [
        "ADD https://host/file /x",
        "ADD git@host:project.git /x",
        "ADD me@host:project.git /x",
        "COPY --from=image:1 /x /x",
        "RUN --mount=from=image,target=/x x",
        "COPY missing.txt /x",
        "FROM j AS other\nADD https://host/file /x\nFROM i\nCOPY --from=other /x /x",
    ],
)
def test_what_cannot_be_known_is_never_said_to_be_cached(root: Path, step: str) -> None:
    text = f"FROM i\nRUN before\n{step}\nRUN after\n"
    found = keys(root, text)
    assert runs(found, found)[-2:] == [text.count("\n") - 1, text.count("\n")]
    assert all(found[layer].unknown for layer in list(found)[-2:])


def test_what_is_pinned_is_known(root: Path) -> None:
    text = (
        "FROM i\nCOPY --from=image@sha256:1 /x /x\nRUN --mount=from=known,target=/x x\n"
        "ADD --checksum=sha256:1 https://host/file /x\n"
    )
    found = cache_keys(analysis(root, text), images={"known": "sha256:2"})
    assert runs(found, found) == []


def test_a_variable_that_nothing_sets_may_name_the_whole_context(root: Path) -> None:
    text = "FROM i\nCOPY $UNKNOWN /x/\n"
    before = keys(root, text)
    assert runs(before, keys(root, text)) == []
    (root / "b.txt").write_text("changed")
    assert runs(before, keys(root, text)) == [2]


def test_only_what_the_target_needs_has_a_key(root: Path) -> None:
    text = (
        "FROM i AS a\nRUN a\nFROM i AS b\nRUN b\nFROM i AS c\nCOPY --from=a /x /x\n"
        "FROM i\nRUN --mount=from=1,target=/x d\n"
    )
    lines = {layer.line for layer in keys(root, text, target="C") if not isinstance(layer, Stage)}
    assert lines == {2, 6}
    assert [stage.index for stage in needed(analysis(root, text).build)] == [1, 3]
    assert [stage.index for stage in needed(analysis(root, text).build, "1")] == [1]
    assert keys(root, "") == {}


def test_the_keys_belong_to_the_steps_of_the_analysis_that_was_given(root: Path) -> None:
    found = analysis(root, "ARG I=i\nFROM $I\nARG X=1\nRUN x\n")
    assert list(cache_keys(found, {"I": "j", "X": "2"})) == [found.build.stages[0], found.build.stages[0].steps[1]]


def test_parts_say_what_went_in(root: Path) -> None:
    found = keys(root, "FROM i\nWORKDIR /w\nENV A=1\nCOPY a.txt .\nRUN x\n")
    *_, copy, run = found.values()
    assert [(part.kind, part.what) for part in copy.parts] == [("parent", ""), ("text", "copy"), ("files", "a.txt")]
    assert [(part.kind, part.what) for part in run.parts] == [
        ("parent", ""),
        ("text", "run"),
        ("variable", "A"),
        ("directory", ""),
        ("user", ""),
    ]


def test_layers_are_numbered_as_in_the_builders_progress() -> None:
    build = build_of(
        parse(b"FROM i AS s\nWORKDIR /\nWORKDIR /w\nENV A=1\nRUN x\nFROM s\nONBUILD RUN y\nRUN z\nFROM 1\n")
    )
    assert [layer.instruction.start_line for layer in layers_of(build.stages[0])] == [1, 3, 5]
    assert [layer.instruction.start_line for layer in layers_of(build.stages[1])] == [8]
    assert [label_of(stage, build) for stage in build.stages] == ["s", "stage-1", "stage-2"]


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("FROM i\nRUN x\n", ""),
        ("FROM i AS named\nRUN x\n", ""),
        ("FROM i\nRUN --mount=type=cache,target=/c x\n", "stage-0"),
        ("FROM i AS named\nCOPY --from=image /x /x\n", "named"),
    ],
)
def test_a_lone_stage_has_no_label(text: str, label: str) -> None:
    build = build_of(parse(text.encode()))
    assert label_of(build.stages[0], build) == label
