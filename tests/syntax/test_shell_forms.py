"""Forms of RUN: exec form, here-documents, scripts that are an argument, and SHELL."""

from __future__ import annotations

import pytest
from shell_case import check_spans

from dockerlayer.syntax.parser import parse
from dockerlayer.syntax.shell import Script, nested_scripts, script_of
from dockerlayer.syntax.tree import Instruction


def run_of(data: bytes) -> Instruction:
    return next(item for item in parse(data).instructions if item.name == "run")


def script(text: str, shell: tuple[str, ...] | None = None, head: str = "FROM a\nRUN ") -> tuple[bytes, Script]:
    data = (head + text).encode()
    return data, script_of(data, run_of(data), shell)


def test_nested_script() -> None:
    data, found = script("""sudo -u x bash -exc 'a "$b" && sh -c "c d"' && su u -c e""")
    assert [[word.text for word in item.words] for item in found.commands] == [
        ["sudo", "-u", "x", "bash", "-exc", 'a "$b" && sh -c "c d"'],
        ["a", "$b"],
        ["sh", "-c", "c d"],
        ["c", "d"],
        ["su", "u", "-c", "e"],
        ["e"],
    ]
    assert [data[item.start : item.end] for item in found.commands[1:4]] == [b'a "$b"', b'sh -c "c d"', b"c d"]
    assert [set(item.guards) for item in found.commands[1:]] == [
        {"nested"},
        {"nested", "and"},
        {"nested", "and"},
        {"and"},
        {"nested", "and"},
    ]
    assert [item.segment for item in found.commands] == [0, 0, 0, 0, 1, 1]
    inner = nested_scripts(data, found.commands[0])
    assert inner is not None
    assert (inner.kind, inner.runner, data[inner.start : inner.end]) == (
        "nested",
        ("sudo", "-u", "x", "bash", "-exc"),
        b'a "$b" && sh -c "c d"',
    )
    assert [item.op for item in inner.segments] == ["&&", ""]


@pytest.mark.parametrize(
    "text", ['sh -c "a $X"', 'sh -c "a \\"b\\""', "sh -c $X", "sh x.sh -c a", "echo sh", "bash", "busybox wget -c x"]
)
def test_no_nested_script(text: str) -> None:
    data, found = script(text)
    assert len(found.commands) == 1
    assert nested_scripts(data, found.commands[0]) is None


def test_nested_script_over_continuation_lines() -> None:
    data, found = script("sh -c 'a \\\n b'")
    assert [[word.text for word in item.words] for item in found.commands[1:]] == [["a", "b"]]
    assert nested_scripts(data, found.commands[0]) is None
    inner = nested_scripts(data, found.commands[0], run_of(data).pieces)
    assert inner is not None
    assert [word.text for word in inner.commands[0].words] == ["a", "b"]


def test_exec_form() -> None:
    data, found = script('["apt-get", \\\n "install", "a b", "c\\"d", ""]', shell=("powershell",))
    assert (found.kind, found.known, found.exact) == ("exec", True, False)
    words = found.commands[0].words
    assert [word.text for word in words] == ["apt-get", "install", "a b", 'c"d', ""]
    assert [data[word.start : word.end] for word in words] == [b"apt-get", b"install", b"a b", b'"c\\"d"', b""]
    check_spans(data, found)


@pytest.mark.parametrize("head", ['"sh", "-c"', '"/bin/bash", "-o", "pipefail", "-lc"', '"busybox", "ash", "-c"'])
def test_exec_form_of_a_shell(head: str) -> None:
    data, found = script(f'[{head}, "a b && c"]')
    assert (found.kind, found.exact) == ("exec", True)
    assert [data[item.start : item.end] for item in found.commands] == [b"a b", b"c"]
    assert [item.op for item in found.segments] == ["&&", ""]


def test_exec_form_of_a_shell_with_escapes() -> None:
    data, found = script('["sh", "-c", "a \\"b c\\""]')
    assert (found.known, found.exact) == (True, False)
    assert [word.text for word in found.commands[0].words] == ["a", "b c"]
    assert {data[word.start : word.end] for word in found.commands[0].words} == {b'"a \\"b c\\""'}


def test_heredoc_is_the_script() -> None:
    data, found = script("<<EOF\nset -e\na 'b' # c\nd &&\n  e\nEOF\n")
    assert (found.kind, found.known) == ("heredoc", True)
    assert data[found.start : found.end] == b"set -e\na 'b' # c\nd &&\n  e\n"
    assert [data[item.start : item.end] for item in found.commands] == [b"set -e", b"a 'b'", b"d", b"e"]
    assert [(item.op, data[item.op_start : item.op_end]) for item in found.segments] == [
        ("\n", b"\n"),
        ("\n", b"\n"),
        ("&&", b"&&"),
        ("", b""),
    ]
    check_spans(data, found)


def test_heredoc_with_stripped_tabs() -> None:
    data, found = script("<<-EOF\n\ta 'b\n\t\tc'\n\tEOF\n")
    word = found.commands[0].words[1]
    assert (word.text, data[word.start : word.end]) == ("b\nc", b"'b\n\t\tc'")


@pytest.mark.parametrize(
    "line", ["#!/bin/sh -e", "#!/usr/bin/env bash", "#! /usr/bin/env -S bash -e", "#!/bin/busybox sh"]
)
def test_heredoc_with_a_shell_named_in_it(line: str) -> None:
    found = script(f"<<EOF\n{line}\na b\nEOF\n", shell=("powershell", "-command"))[1]
    assert found.known, found.reason
    assert [word.text for word in found.commands[0].words] == ["a", "b"]


@pytest.mark.parametrize(
    ("line", "name"), [("#!/usr/bin/env python3", "python3"), ("#!/bin/awk -f", "awk"), ("#!", "")]
)
def test_heredoc_for_another_interpreter(line: str, name: str) -> None:
    found = script(f"<<EOF\n{line}\nimport x\nEOF\n")[1]
    assert (found.known, found.reason) == (False, f"heredoc run by {name}")


@pytest.mark.parametrize(
    "head", ["bash <<EOF", "sh -ex <<'EOF'", "<<EOF bash -e", "/bin/bash -o pipefail -s <<EOF > log"]
)
def test_heredoc_read_by_a_shell(head: str) -> None:
    data, found = script(f"{head}\na b\nc\nEOF\n")
    assert (found.kind, found.known, found.exact) == ("heredoc", True, True)
    assert [data[item.start : item.end] for item in found.commands] == [b"a b", b"c"]


def test_heredoc_changed_by_the_outer_shell_is_not_exact() -> None:
    assert not script("bash <<EOF\na \\$b\nEOF\n")[1].exact
    assert script("bash <<'EOF'\na \\$b\nEOF\n")[1].exact


def test_heredoc_for_a_command() -> None:
    data, found = script("cat <<EOF > f && b 3<<-'X' 2>&1 | c\nthe 'text\nEOF\nmore (\nX\nRUN x\n")
    assert (found.kind, found.known) == ("shell", True)
    assert [[word.text for word in item.words] for item in found.commands] == [["cat"], ["b"], ["c"]]
    assert [[(r.op, r.fd, r.target and r.target.text) for r in item.redirects] for item in found.commands] == [
        [("<<", "", "EOF"), (">", "", "f")],
        [("<<-", "3", "X"), (">&", "2", "1")],
        [],
    ]
    check_spans(data, found)


def test_heredoc_inside_a_heredoc() -> None:
    data, found = script("<<EOF\ncat <<X > f && b\n$(c)\nX\nd\nEOF\n")
    assert [[word.text for word in item.words] for item in found.commands] == [["cat"], ["c"], ["b"], ["d"]]
    assert [data[item.start : item.end] for item in found.segments] == [b"cat <<X > f && b\n$(c)\nX", b"d"]


def test_heredocs_the_grammar_does_not_know_make_one_segment() -> None:
    found = script("<<EOF\ncat <<A <<-'B'; b\nx '\nA\n\ty\n\tB\nc\nEOF\n")[1]
    assert [[word.text for word in item.words] for item in found.commands] == [["cat"], ["b"], ["c"]]
    assert [item.op for item in found.commands[0].redirects] == ["<<", "<<-"]
    assert len(found.segments) == 1


@pytest.mark.parametrize(
    ("shell", "reason"),
    [
        (None, ""),
        (("/bin/bash", "-o", "pipefail", "-c"), ""),
        (("conda", "run", "-n", "x", "/bin/bash", "-c"), ""),
        (("C:\\x\\Bash.EXE", "-c"), ""),
        (("powershell", "-Command"), "SHELL is powershell"),
        (("C:\\Windows\\CMD.exe", "/S", "/C"), "SHELL is cmd"),
        (("python3", "-c"), "SHELL is python3"),
    ],
)
def test_shell_in_force(shell: tuple[str, ...] | None, reason: str) -> None:
    found = script("a b", shell)[1]
    assert (found.known, found.reason) == (not reason, reason)
    assert len(found.commands) == (0 if reason else 1)
