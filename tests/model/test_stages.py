"""Stages: what is in force at every step."""

from __future__ import annotations

from dockerlayer.model.stages import Build, Step, build_of
from dockerlayer.model.variables import expand
from dockerlayer.syntax.parser import parse


def build(text: str) -> Build:
    return build_of(parse(text.encode()))


def last_run(text: str) -> Step:
    return [step for step in build(text).steps() if step.name == "run"][-1]


def test_state_is_followed() -> None:
    step = last_run(
        'FROM a\nWORKDIR /x\nWORKDIR y\nENV A=1 B="two words"\nENV A=2 C=$A\nUSER app\n'
        'SHELL ["/bin/bash", "-c"]\nRUN z\nUSER root\n'
    )
    assert step.state.workdir == "/x/y"
    assert step.state.env == {"A": "2", "B": "two words", "C": "1"}
    assert (step.state.user, step.state.shell) == ("app", ("/bin/bash", "-c"))


def test_a_global_arg_is_visible_in_from_and_only_after_it_is_declared_again() -> None:
    text = "ARG V=3\nFROM img:$V AS one\nRUN a\nARG V\nRUN b\n"
    stage = build(text).stages[0]
    assert stage.image == "img:3"
    assert [step.state.values for step in stage.steps if step.name == "run"] == [{}, {"V": "3"}]


def test_the_later_one_of_an_env_and_an_arg_counts() -> None:
    assert last_run("FROM a\nARG V=arg\nENV V=env\nRUN x\n").state.values == {"V": "env"}
    assert last_run("FROM a\nENV V=env\nARG V=arg\nRUN x\n").state.values == {"V": "arg"}
    assert last_run("FROM a\nENV V=env\nARG V\nRUN x\n").state.values == {"V": "env"}


def test_a_child_stage_sees_the_env_of_its_parent_before_the_args() -> None:
    state = last_run("FROM a AS base\nENV V=env\nARG V=arg\nARG N=1\nFROM base\nRUN x\n").state
    assert list(state.exported.items()) == [("N", "1"), ("V", "env")]


def test_variables_are_in_the_order_in_which_they_were_last_set() -> None:
    text = "FROM a\nENV A=1 B=2\nARG C=3\nENV A=4\nARG TARGETARCH\nARG none\nRUN x\n"
    assert list(last_run(text).state.exported.items()) == [("B", "2"), ("C", "3"), ("A", "4"), ("TARGETARCH", None)]


def test_build_arguments_count_where_they_are_declared() -> None:
    text = "ARG V=3\nFROM img:$V AS one\nRUN a\nARG V\nARG W=1\nENV E=$W\nRUN b\n"
    found = build_of(parse(text.encode()), {"V": "4", "W": "2", "X": "5"})
    assert found.stages[0].image == "img:4"
    assert [step.state.values for step in found.steps() if step.name == "run"] == [{}, {"V": "4", "W": "2", "E": "2"}]


def test_onbuild_triggers_run_in_the_child_stages() -> None:
    found = build("FROM a AS base\nONBUILD WORKDIR /w\nONBUILD RUN x\nRUN y\nFROM base\nRUN z\n")
    assert found.stages[0].triggers == []
    assert [(step.name, step.state.workdir) for step in found.stages[1].triggers] == [
        ("workdir", "<base>"),
        ("run", "/w"),
    ]
    assert found.stages[1].steps[0].state.workdir == "/w"


def test_a_child_stage_starts_with_the_state_of_its_parent() -> None:
    step = last_run("FROM a AS base\nWORKDIR /w\nENV K=v\nARG N=1\nUSER u\nFROM base\nRUN x\n")
    assert (step.state.workdir, step.state.user, step.state.values) == ("/w", "u", {"K": "v", "N": "1"})
    assert step.stage.base_image == "a"
    assert [stage.index for stage in step.stage.lineage()] == [1, 0]


def test_an_unknown_working_directory_can_still_be_compared() -> None:
    stage = build("FROM a\nCOPY . .\nRUN x\n").stages[0]
    copy, run = stage.steps
    assert copy.path(".") == run.state.workdir
    assert copy.path("sub") == f"{run.state.workdir}/sub"
    assert copy.path("/abs/../x") == "/x"


def test_mounts_and_flags() -> None:
    step = last_run(
        "FROM a\nWORKDIR /w\nRUN --network=none --mount=target=/src,rw --mount=type=cache,target=c,id=1 "
        "--mount=type=bind,from=b,src=/s,dst=/d x\n"
    )
    assert step.flag("network") == "none"
    assert [(item.kind, item.source, item.target, item.origin) for item in step.mounts] == [
        ("bind", "", "/src", ""),
        ("cache", "", "/w/c", ""),
        ("bind", "/s", "/d", "b"),
    ]


def test_stages_are_found_by_name_and_number() -> None:
    found = build("FROM a AS One\nFROM b\nFROM one\n")
    assert found.stage_named("ONE", 2) is found.stages[0]
    assert found.stage_named("1", 2) is found.stages[1]
    assert found.stage_named("2", 2) is None
    assert found.stages[2].parent is found.stages[0]


def test_expansion() -> None:
    values = {"A": "1", "E": ""}
    cases = {
        "$A/${A}": "1/1",
        "${B:-x}/${E:-y}/${E-z}": "x/y/",
        "${A:+set}${B:+set}": "set",
        "'$A'": "$A",
        '"$A b"': "1 b",
        r"\$A": "$A",
        "$B": "${B}",
    }
    assert {word: expand(word, values) for word in cases} == cases
