"""What Compose files say of builds."""

from __future__ import annotations

import os
from collections.abc import Mapping

import pytest

from dockerlayer.builds.compose import read_compose
from dockerlayer.builds.definition import Reading, Unusable
from dockerlayer.builds.interpolate import dotenv, interpolate

BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join([f'*{before}'] * 9)}]\n" for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)


def reading(files: Mapping[str, str | bytes], *paths: str, beside: tuple[str, ...] = ()) -> Reading:
    """What the files come to, of which nothing is on disk."""

    def read(path: str) -> bytes:
        found = files.get(path)
        if found is None:
            raise Unusable("No such file or directory", missing=True)
        return found.encode() if isinstance(found, str) else found

    return read_compose(paths or ("compose.yaml",), read, beside)


def one(text: str, **files: str) -> tuple[str, str, str]:
    found = reading({"compose.yaml": text, **{name.replace("_", "."): body for name, body in files.items()}})
    assert not found.problems, found.problems
    (build,) = found.builds
    return build.context, build.dockerfile, build.target


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("services: {a: {build: ./api}}", ("api", "api/Dockerfile", "")),
        ("services:\r\n  a:\r\n    build: .\r\n", (".", "Dockerfile", "")),
        ("services: {a: {build: {}}}", (".", "Dockerfile", "")),
        (
            "services: {a: {build: {context: api, dockerfile: ../docker/x.Dockerfile, target: t}}}",
            ("api", "docker/x.Dockerfile", "t"),
        ),
        ("services: {a: {build: {context: .., dockerfile: /d/Dockerfile}}}", ("..", "/d/Dockerfile", "")),
        ('{"services": {"a": {"build": {"context": "api"}}}}', ("api", "api/Dockerfile", "")),
        ("x-b: &b {context: api}\nservices: {a: {build: {<<: *b, target: t}}}", ("api", "api/Dockerfile", "t")),
        (
            "x-b: &b {context: api, target: t}\nx-c: &c {context: web}\nservices: {a: {build: {<<: [*c, *b]}}}",
            ("web", "web/Dockerfile", "t"),
        ),
        ("x: &x {build: api}\nservices: {a: {<<: *x, image: i}}", ("api", "api/Dockerfile", "")),
        ("a: &n one\nb: &n two\nservices: {a: {build: *n}}", ("two", "two/Dockerfile", "")),
        ("services: {a: {build: '${DIR:-api}'}}", ("api", "api/Dockerfile", "")),
        ("services: {a: {build: 'a$$b'}}", ("a$b", "a$b/Dockerfile", "")),
        ("services: {a: {build: {target: '${STAGE}'}}}", (".", "Dockerfile", "")),
        (
            "services: {a: {build: {context: api, target: t}, profiles: [no]}}\n---\nservices: {a: {build: web}}",
            ("web", "web/Dockerfile", "t"),
        ),
        ("services: {a: {build: !!python/name:os.system api}}", ("api", "api/Dockerfile", "")),
        (f"{BOMB}services: {{a: {{build: api}}}}", ("api", "api/Dockerfile", "")),
    ],
)
def test_build(text: str, expected: tuple[str, str, str]) -> None:
    assert one(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "# nothing\n",
        "services:\n",
        "services: {a: {image: x}, b: , c: {build: }}",
        "a: 1",
        "- build: .",
        "services: {a: {build: 'https://example.com/x.git#main'}}",
        "services: {a: {build: 'git@example.com:x.git'}}",
        "services: {a: {build: {context: 'github.com/x/y'}}}",
        "services: {a: {build: {context: 'docker-image://x'}}}",
        "services: {a: {build: {dockerfile_inline: 'FROM x'}}}",
    ],
)
def test_nothing_to_build_here(text: str) -> None:
    assert reading({"compose.yaml": text}) == Reading()


@pytest.mark.parametrize(
    ("text", "line", "cause"),
    [
        ("a: [", 2, "not YAML"),
        ("services:\n\ta: 1", 2, "not YAML"),
        ("a: *b", 1, "there is no anchor 'b'"),
        ("a: 1\na: 2", 2, "the key 'a' is there twice"),
        ("services:\n  a: {build: .}\n  a: {build: x}", 3, "the key 'a' is there twice"),
        (b"a: \xff", 1, "not UTF-8"),
        ("a: b".encode("utf-16"), 1, "not UTF-8"),
        ("[" * 100_000, 1, "not"),
        ("a: " + "{a: " * 100, 1, "nested more than 64 levels deep"),
        ("a: &a x\nb: [" + "*a, " * 3000 + "]", 2, "more than 2000 aliases"),
        (
            "x: &x {" + ", ".join(f"k{at}: 1" for at in range(2000)) + "}\nservices:\n  a:\n    build: {<<: *x}",
            4,
            "more than 1000 keys are merged",
        ),
        ("services: [a]", 1, "services is no mapping"),
        ("services:\n  a:\n    build: [x]", 3, "build is neither a path nor a mapping"),
        ("services:\n  a:\n    build:\n      context: [x]", 4, "build.context is not a text"),
        ("services:\n  a:\n    build: $DIR/x", 3, "the variable DIR has no value here"),
        ("services:\n  a:\n    build: ${DIR:?no}", 3, "the variable DIR has no value here"),
        ("services:\n  a:\n    build: ${DIR", 3, "is not closed"),
        ("services:\n  a:\n    build: ~/x", 3, "~/x depends on who builds it"),
        ('services:\n  a:\n    build: "\\0"', 3, "a NUL byte"),
        ("services:\n  a:\n    extends: a", 2, "service a extends itself"),
        ("services:\n  a:\n    extends: {service: b, file: no.yaml}", 3, "no.yaml: No such file"),
        ("services:\n  a:\n    extends: b", 2, "there is no service b"),
        ("include:\n  - no.yaml", 2, "no.yaml: No such file"),
        ("include:\n  - compose.yaml", 2, "compose.yaml includes itself"),
    ],
)
def test_problem_has_a_place_and_a_cause(text: str | bytes, line: int, cause: str) -> None:
    found = reading({"compose.yaml": text})
    assert not found.builds
    assert [(problem.file, problem.line) for problem in found.problems] == [("compose.yaml", line)]
    assert cause in found.problems[0].message


def test_one_bad_service_leaves_the_others() -> None:
    found = reading({"compose.yaml": "services: {a: {build: $X}, b: {build: b}}"})
    assert [build.name for build in found.builds] == ["b"]
    assert [problem.name for problem in found.problems] == ["a"]


def test_place_is_where_the_build_stands() -> None:
    text = "services:\n  a:\n    image: x\n    build: a\n  b:\n    image: y\n    extends: a\n"
    found = reading({"compose.yaml": text})
    assert [(build.name, build.context, build.place) for build in found.builds] == [
        ("a", "a", "compose.yaml:4"),
        ("b", "a", "compose.yaml:5"),
    ]


def test_args_and_named_contexts_are_lists_or_mappings() -> None:
    text = """
services:
  a:
    build:
      args: [A=1, B, "C=$NO"]
      additional_contexts: ["lib=../lib", "base=service:b"]
  b:
    build:
      args: {A: 1, B: , C: "${X:-c}", D: "$NO"}
      additional_contexts: {lib: ../lib}
"""
    a, b = reading({"compose.yaml": text}).builds
    assert (a.args, a.contexts) == ({"A": "1"}, {"lib": "../lib", "base": "service:b"})
    assert (b.args, b.contexts) == ({"A": "1", "C": "c"}, {"lib": "../lib"})


def test_override_is_laid_over_key_by_key() -> None:
    files = {
        "compose.yaml": "services: {a: {build: {context: api, target: t, args: {A: 1, B: 2}}}, b: {build: b}}",
        "over.yaml": "services: {a: {build: {dockerfile: D, args: {B: 3}}}, b: {build: !reset null}}",
    }
    a, b = reading(files, "compose.yaml", "over.yaml").builds
    assert (a.context, a.dockerfile, a.target, a.args) == ("api", "api/D", "t", {"A": "1", "B": "3"})
    assert a.place == "over.yaml:1"
    assert b.context == "."


@pytest.mark.parametrize(
    ("over", "expected"),
    [("{context: web}", ("web", "web/D")), ("!override {context: web}", ("web", "web/Dockerfile"))],
)
def test_override_tag_replaces(over: str, expected: tuple[str, str]) -> None:
    files = {
        "compose.yaml": "services: {a: {build: {context: api, dockerfile: D}}}",
        "over.yaml": f"services: {{a: {{build: {over}}}}}",
    }
    (build,) = reading(files, "compose.yaml", "over.yaml").builds
    assert (build.context, build.dockerfile) == expected


def test_file_beside_takes_what_it_leaves_out() -> None:
    files = {
        "compose.yaml": "services: {a: {build: {context: api, dockerfile: D}}, b: {build: b}}",
        "prod.yaml": "services: {a: {build: {target: prod}}, c: {build: c}}",
    }
    a, c = reading(files, "prod.yaml", beside=("compose.yaml",)).builds
    assert (a.context, a.dockerfile, a.target, a.file) == ("api", "api/D", "prod", "prod.yaml")
    assert c.context == "c"


def test_paths_of_what_is_extended_and_included_start_there() -> None:
    files = {
        "compose.yaml": """
include:
  - sub/x.yaml
  - {path: [sub/y.yaml, sub/z.yaml], project_directory: other}
  - https://example.com/compose.yaml
services:
  a: {extends: {file: common/c.yaml, service: base}, build: {target: t}}
""",
        "common/c.yaml": "services: {base: {extends: deep}, deep: {build: {context: .., dockerfile: D}}}",
        "sub/x.yaml": "services: {x: {build: $DIR}}",
        "sub/.env": "DIR=from-env",
        "sub/y.yaml": "services: {y: {build: y}}",
        "sub/z.yaml": "services: {y: {build: {target: z}}}",
    }
    found = reading(files)
    assert not found.problems
    assert {build.name: (build.context, build.dockerfile, build.target) for build in found.builds} == {
        "a": (".", "D", "t"),
        "x": ("sub/from-env", "sub/from-env/Dockerfile", ""),
        "y": ("other/y", "other/y/Dockerfile", "z"),
    }
    assert found.included == {"sub/x.yaml", "sub/y.yaml", "sub/z.yaml"}


def test_environment_of_the_process_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DIR", "wrong")
    monkeypatch.setitem(os.environ, "HOME", "/wrong")
    assert one("services: {a: {build: '${DIR:-api}'}}", _env="OTHER=x")[0] == "api"
    assert one("services: {a: {build: '${DIR:-api}'}}", _env="DIR=right")[0] == "right"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("$A", "a"),
        ("${A}b$A-", "aba-"),
        ("$$A $ 1$", "$A $ 1$"),
        ("${E:-d}${E-d}", "d"),
        ("${N:-d}${N-d}", "dd"),
        ("${N:-${N:-${A}}}x", "ax"),
        ("${A:+y}${E:+y}${E+z}${N+z}", "yz"),
        ("${A:?no}", "a"),
        ("${A:-${N}}", "a"),
        ("${N:-}", ""),
    ],
)
def test_interpolation(text: str, expected: str) -> None:
    assert interpolate(text, {"A": "a", "E": ""}) == expected


@pytest.mark.parametrize(
    "text", ["$N", "${N}", "${N:?no}", "${E:?no}", "${", "${A", "${A/b}", "${1}", "${A:-x", "${N:-" * 99]
)
def test_interpolation_without_a_value(text: str) -> None:
    with pytest.raises(Unusable):
        interpolate(text, {"A": "a", "E": ""})


def test_dotenv() -> None:
    text = b"""\xef\xbb\xbf# comment
A=1
export B = "two # words" # comment
C='$A'
D=${A}x # comment
E=
F=$NO
  G=g
nothing
H="open
\xff=1
A=2
"""
    assert dotenv(text) == {"A": "2", "B": "two # words", "C": "$A", "D": "1x", "E": "", "G": "g"}
