"""Scripts of RUN: commands, words and their exact places in the file."""

from __future__ import annotations

import pytest

from dockerlayer.syntax.parser import parse
from dockerlayer.syntax.shell import Command, Script, script_of
from dockerlayer.syntax.tree import Instruction


def run_of(data: bytes) -> Instruction:
    return next(item for item in parse(data).instructions if item.name == "run")


def script(text: str, shell: tuple[str, ...] | None = None, head: str = "FROM a\nRUN ") -> tuple[bytes, Script]:
    data = (head + text).encode()
    return data, script_of(data, run_of(data), shell)


def argv(text: str) -> list[list[str]]:
    return [[word.text for word in command.words] for command in script(text)[1].commands]


def only(text: str) -> Command:
    found = script(text)[1]
    assert found.known, found.reason
    assert len(found.commands) == 1
    return found.commands[0]


def guards(text: str) -> dict[str, set[str]]:
    found = script(text)[1]
    assert found.known, found.reason
    return {command.words[0].text: set(command.guards) for command in found.commands if command.words}


def segments(text: str) -> list[tuple[str, str, str]]:
    data, found = script(text)
    assert found.known, found.reason
    return [
        (data[item.start : item.end].decode(), item.op, data[item.op_start : item.op_end].decode())
        for item in found.segments
    ]


WORDS = [
    ("plain", "plain", True),
    ("'single $X * ~'", "single $X * ~", True),
    ('"double"', "double", True),
    ('"double $X"', "double $X", False),
    ('"a\\"b\\\\c\\d\\$"', 'a"b\\c\\d$', True),
    ("$'a\\n\\x41\\101\\''", "a\nAA'", True),
    ('$"text"', "text", True),
    ("a\\ b\\;", "a b;", True),
    ("a\"b\"'c'", "abc", True),
    ("a\"$b\"'c'", "a$bc", False),
    ("''", "", True),
    ("$X", "$X", False),
    ("${X:-\"a b\"}'c'", '${X:-"a b"}c', False),
    ("$((1 + 2))", "$((1 + 2))", False),
    ("$", "$", True),
    ('"$"', "$", True),
    ("a*", "a*", False),
    ("a\\*", "a*", True),
    ("a?", "a?", False),
    ("[ab]", "[ab]", False),
    ("~/x", "~/x", False),
    ("x~", "x~", True),
    ("'~'/x", "~/x", True),
    ("{a,b}", "{a,b}", False),
    ("x{1..3}", "x{1..3}", False),
    ("{}", "{}", True),
    ("a#b", "a#b", True),
    ("café", "café", True),
]


@pytest.mark.parametrize(("raw", "text", "literal"), WORDS)
def test_word_text_literal_and_span(raw: str, text: str, literal: bool) -> None:
    data, found = script(f"cmd {raw} end")
    assert found.known, found.reason
    word = found.commands[0].words[1]
    assert (word.text, word.literal) == (text, literal)
    assert data[word.start : word.end].decode() == raw
    assert [item.text for item in found.commands[0].words[2:]] == ["end"]


@pytest.mark.parametrize("raw", ['"$(cat "a b")"', '`cat "a b"`', '$(cat "a b")'])
def test_substitution_is_a_word_and_a_command(raw: str) -> None:
    data, found = script(f"cmd {raw} end")
    outer, inner = found.commands
    assert [data[word.start : word.end].decode() for word in outer.words] == ["cmd", raw, "end"]
    assert not outer.words[1].literal
    assert [word.text for word in inner.words] == ["cat", "a b"]
    assert inner.guards == {"substitution"}
    assert data[inner.start : inner.end] == b'cat "a b"'


def test_continuation_lines_are_joined_without_a_character() -> None:
    data, found = script('foo\\\nbar \\\n  # comment && x\n\n  "a\\\n b" $\\\nX &\\\n& next\n')
    first, second = found.commands
    assert [word.text for word in first.words] == ["foobar", "a b", "$X"]
    assert [data[word.start : word.end] for word in first.words] == [b"foo\\\nbar", b'"a\\\n b"', b"$\\\nX"]
    assert [word.text for word in second.words] == ["next"]
    assert [data[item.op_start : item.op_end] for item in found.segments] == [b"&\\\n&", b""]


def test_escaped_blank_begins_a_word() -> None:
    data, found = script("a && \\ b \\ c \\\n && d")
    assert [[word.text for word in item.words] for item in found.commands] == [["a"], [" b", " c"], ["d"]]
    assert [data[word.start : word.end] for word in found.commands[1].words] == [b"\\ b", b"\\ c"]


def test_crlf_and_backtick_escape() -> None:
    data, found = script("a \\\r\n  b && \\\r\n c\r\n")
    assert [[data[word.start : word.end] for word in item.words] for item in found.commands] == [[b"a", b"b"], [b"c"]]
    data, found = script("a `\n  b\\c\n", head="# escape=`\nFROM a\nRUN ")
    assert [data[word.start : word.end] for word in found.commands[0].words] == [b"a", b"b\\c"]


def test_shell_comment_swallows_the_lines_joined_to_it() -> None:
    assert argv("a; # b \\\n && c\n") == [["a"]]


def test_flags_are_not_part_of_the_script() -> None:
    data, found = script("--mount=type=cache,target=/x --network=none a b")
    assert data[found.start : found.end] == b"a b"
    assert [word.text for word in found.commands[0].words] == ["a", "b"]


def test_assignments() -> None:
    command = only('A=1 B="x y" C= cmd D=2')
    assert [(item.name, item.value.text, item.value.literal) for item in command.assignments] == [
        ("A", "1", True),
        ("B", "x y", True),
        ("C", "", True),
    ]
    assert [word.text for word in command.words] == ["cmd", "D=2"]
    bare = only("X=$Y")
    assert (bare.words, bare.assignments[0].name, bare.assignments[0].value.literal) == ((), "X", False)
    both = only("X=1 Y+=2")
    assert [(item.name, item.value.literal) for item in both.assignments] == [("X", True), ("Y", False)]


@pytest.mark.parametrize("word", ["export", "local", "readonly", "declare"])
def test_declarations_are_commands(word: str) -> None:
    command = only(f'{word} X=1 Y="a b" Z')
    assert [item.text for item in command.words] == [word, "X=1", "Y=a b", "Z"]
    assert command.assignments == ()


def test_redirects() -> None:
    command = only("cmd a > /dev/null 2>&1 < in >> log 2>/dev/null &> all >| x 3<> y <<< 'here' b")
    assert [(item.op, item.fd, item.target.text if item.target else None) for item in command.redirects] == [
        (">", "", "/dev/null"),
        (">&", "2", "1"),
        ("<", "", "in"),
        (">>", "", "log"),
        (">", "2", "/dev/null"),
        ("&>", "", "all"),
        (">|", "", "x"),
        ("<>", "3", "y"),
        ("<<<", "", "here"),
    ]
    assert [word.text for word in command.words] == ["cmd", "a", "b"]


def test_redirect_belongs_to_the_command_in_front_of_it() -> None:
    found = script("a && b > x 2>&1 | c && d > y")[1]
    assert [(item.words[0].text, [r.op for r in item.redirects], item.segment) for item in found.commands] == [
        ("a", [], 0),
        ("b", [">", ">&"], 1),
        ("c", [], 1),
        ("d", [">"], 2),
    ]


def test_redirect_of_a_compound_command_is_a_command_without_words() -> None:
    data, found = script("{ a; b; } > f")
    assert [[word.text for word in item.words] for item in found.commands] == [["a"], ["b"], []]
    assert found.commands[2].redirects[0].op == ">"
    assert data[found.commands[2].start : found.commands[2].end] == b"{ a; b; } > f"


def test_guards() -> None:
    assert guards("a && b; c | d; ! e; (f); { g; }; i &") == {
        "a": set(),
        "b": {"and"},
        "c": {"pipe"},
        "d": {"pipe"},
        "e": {"not"},
        "f": {"subshell"},
        "g": {"group"},
        "i": {"background"},
    }
    assert guards("if a; then b; elif c; then d; else e; fi; for x in $(f); do g; done; while h; do i; done") == {
        **{name: {"if"} for name in "abcde"},
        "f": {"loop", "substitution"},
        **{name: {"loop"} for name in "ghi"},
    }
    assert guards("case $X in a|b) c ;; *) d;; esac; f() { e; }; x <(y)") == {
        "c": {"case"},
        "d": {"case"},
        "e": {"function", "group"},
        "x": set(),
        "y": {"substitution"},
    }
    assert guards("a || b && c") == {"a": set(), "b": {"or"}, "c": {"and", "or"}}
    assert guards("! a | b && c") == {"a": {"not", "pipe"}, "b": {"not", "pipe"}, "c": {"and"}}
    assert guards("! { a; } && b") == {"a": {"group", "not"}, "b": {"and"}}
    assert guards("for i in x; do a & done") == {"a": {"loop", "background"}}


def test_tests_are_commands() -> None:
    assert argv('[ -f x ] && [[ "$a" == b* && ! -d c ]] && test -n "$(d)"') == [
        ["[", "-f", "x", "]"],
        ["[[", "$a", "==", "b*", "&&", "!", "-d", "c", "]]"],
        ["test", "-n", "$(d)"],
        ["d"],
    ]


def test_time_and_comment_substitutions() -> None:
    assert argv("time cmd a && `# why` apt-get install `# this` b") == [
        ["time", "cmd", "a"],
        ["apt-get", "install", "b"],
    ]


def test_segments_of_a_chain() -> None:
    assert segments("set -ex; \\\n a && \\\n b > f | c && d; e;") == [
        ("set -ex", ";", ";"),
        ("a", "&&", "&&"),
        ("b > f | c", "&&", "&&"),
        ("d", ";", ";"),
        ("e", ";", ";"),
    ]


def test_segments_that_stay_whole() -> None:
    assert segments("a && b || c; if x; then y && z; fi; (d && e) && ! { f; }") == [
        ("a && b || c", ";", ";"),
        ("if x; then y && z; fi", ";", ";"),
        ("(d && e)", "&&", "&&"),
        ("! { f; }", "", ""),
    ]
    assert segments("a && b & c") == [("a && b", "&", "&"), ("c", "", "")]


def test_trailing_operator_is_unknown() -> None:
    found = script("a && \\\n b &&\n")[1]
    assert (found.known, found.reason, found.commands) == (False, "cannot parse the shell script at line 3", ())


@pytest.mark.parametrize("text", ["a | ", "if a; then b", "a )", "'a", "fi", "a && { b }", "f(x)"])
def test_broken_scripts_are_unknown(text: str) -> None:
    found = script(text)[1]
    assert not found.known
    assert found.reason.startswith("cannot parse the shell script at line 2")
