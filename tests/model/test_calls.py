"""Calls: every way a Dockerfile runs a program, with the directory and environment it runs in."""

from __future__ import annotations

import pytest

from dockerlayer.model.calls import Call, run_of
from dockerlayer.model.stages import build_of
from dockerlayer.syntax.parser import parse


def calls_of(text: str) -> list[Call]:
    dockerfile = parse(text.encode())
    steps = [step for step in build_of(dockerfile).steps() if step.name == "run"]
    return [call for step in steps for call in run_of(dockerfile.data, step).calls]


def call_of(run: str, program: str = "tool") -> Call:
    found = [call for call in calls_of(f"FROM x\nWORKDIR /app\n{run}\n") if call.program == program]
    assert len(found) == 1, found
    return found[0]


@pytest.mark.parametrize(
    "run",
    [
        "RUN tool get",
        "RUN a && tool get",
        "RUN a; tool get",
        "RUN a || tool get",
        "RUN a | tool get",
        "RUN (a; tool get)",
        "RUN { a; tool get; }",
        "RUN if a; then tool get; fi",
        "RUN for i in 1 2; do tool get; done",
        "RUN case $x in a) tool get;; esac",
        "RUN sh -c 'tool get'",
        'RUN bash -exc "a && tool get"',
        'RUN ["tool", "get"]',
        'RUN ["sh", "-c", "a && tool get"]',
        "RUN A=1 B=2 tool get",
        "RUN sudo -E -H -u user tool get",
        "RUN env -i A=1 tool get",
        "RUN time -p tool get",
        "RUN exec tool get",
        "RUN nice -n 10 nohup tool get",
        "RUN timeout 300 tool get",
        "RUN gosu user tool get",
        "RUN corepack tool get",
        "RUN /usr/local/bin/tool get",
        "RUN <<EOF\nset -e\ntool get\nEOF",
        "RUN <<-'EOF'\n\ttool get\nEOF",
        "RUN bash -e <<EOF\ntool get\nEOF",
        "RUN a && \\\n    # remark\n\n    tool \\\n      get",
        "RUN x=$(tool get)",
        "RUN --mount=type=cache,target=/x tool get",
    ],
)
def test_every_form_shows_the_call(run: str) -> None:
    call = call_of(run)
    assert call.arguments == ("get",)


@pytest.mark.parametrize(
    "run",
    [
        "RUN echo 'tool get'",
        "RUN echo tool get",
        "RUN # tool get\\\n  a",
        "RUN cat <<EOF > f\ntool get\nEOF",
        "RUN toolbox get",
        "RUN <<EOF python3\ntool get\nEOF",
        'RUN ["echo", "tool get"]',
    ],
)
def test_what_only_looks_like_a_call_is_none(run: str) -> None:
    assert not [call for call in calls_of(f"FROM x\n{run}\n") if call.program == "tool"]


@pytest.mark.parametrize(
    ("run", "directory"),
    [
        ("RUN tool", "/app"),
        ("RUN cd sub && tool", "/app/sub"),
        ("RUN cd /x; cd y && tool", "/x/y"),
        ("RUN cd .. && tool", "/"),
        ("RUN (cd sub && a) && tool", "/app"),
        ("RUN (cd sub && tool)", "/app/sub"),
        ("RUN cd - && tool", None),
        ("RUN cd $(mktemp -d) && tool", None),
        ("RUN if a; then cd sub; fi; tool", None),
        ("RUN a || cd sub; tool", None),
        ("RUN pushd sub && tool", "/app/sub"),
        ("RUN pushd sub && popd && tool", None),
        ("RUN env -C sub tool", "/app/sub"),
        ("RUN sudo --chdir=/srv tool", "/srv"),
        ("RUN sh -c 'cd sub && tool'", "/app/sub"),
    ],
)
def test_the_directory_is_followed_or_unknown(run: str, directory: str | None) -> None:
    assert call_of(run).cwd == directory


def test_environment_of_prefix_export_and_dockerfile() -> None:
    text = "FROM x\nARG V=1\nENV E=env A=env\nRUN export X=$E; A=prefix tool $V\n"
    call = next(call for call in calls_of(text) if call.program == "tool")
    assert [call.value(name) for name in ("E", "A", "X", "V", "NO")] == ["env", "prefix", "env", "1", None]


def test_another_user_is_seen() -> None:
    assert call_of("RUN sudo -u app tool").user == "app"
    assert call_of("RUN gosu app tool").user == "app"
    assert call_of("RUN tool").user is None


def test_conditions_are_guards() -> None:
    assert call_of("RUN a && tool").always
    assert call_of("RUN sh -c 'tool'").always
    for run in ("RUN a || tool", "RUN if a; then tool; fi", "RUN tool | cat", "RUN tool &", "RUN ! tool"):
        assert not call_of(run).always, run


@pytest.mark.parametrize("shell", ['["powershell", "-Command"]', '["cmd", "/S", "/C"]'])
def test_other_shells_are_not_read(shell: str) -> None:
    assert calls_of(f"FROM x\nSHELL {shell}\nRUN tool get\n") == []
