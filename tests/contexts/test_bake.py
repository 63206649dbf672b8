"""What Bake files say of builds."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from dockerlayer.builds.bake import read_bake
from dockerlayer.builds.definition import Build, Reading

HCL = "docker-bake.hcl"


def reading(files: Mapping[str, str | bytes], root: str | None = None, **services: Build) -> Reading:
    """What the files come to, of which nothing is on disk."""

    def read(path: str) -> bytes:
        found = files[path]
        return found.encode() if isinstance(found, str) else found

    return read_bake(tuple(files), read, root, services)


def targets(text: str, **others: str) -> dict[str, tuple[str, str, str]]:
    found = reading({HCL: text, **others})
    assert not found.problems, found.problems
    return {build.name: (build.context, build.dockerfile, build.target) for build in found.builds}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('target "a" {}', {"a": (".", "Dockerfile", "")}),
        ('target "a" {\r\n  context = "api"\r\n}\r\n', {"a": ("api", "api/Dockerfile", "")}),
        (
            'target "a" {\n  context = "./api"\n  dockerfile = "../x/D"\n  target = "t"\n}',
            {"a": ("api", "x/D", "t")},
        ),
        ('target "a" { context = "cwd://api" }', {"a": ("api", "api/Dockerfile", "")}),
        ('target "a" { dockerfile = "cwd://D" }', {"a": (".", "D", "")}),
        (
            'variable "D" { default = "api" }\nbase = "${D}/x"\ntarget "a" { context = base }',
            {"a": ("api/x", "api/x/Dockerfile", "")},
        ),
        (
            'target "_c" { context = "api" }\ntarget "a" {\n  inherits = ["_c"]\n  target = "t"\n}',
            {"a": ("api", "api/Dockerfile", "t")},
        ),
        (
            'target "x" {\n context = "x"\n dockerfile = "X"\n}\ntarget "y" { context = "y" }\n'
            'target "a" { inherits = ["x", "y"] }',
            {"a": ("y", "y/X", "")},
        ),
        (
            'target "a" {\n  name = "a-${sanitize(v)}"\n  matrix = { v = ["1.0", "2"] }\n  dockerfile = "${v}.D"\n}',
            {"a-1_0": (".", "1.0.D", ""), "a-2": (".", "2.D", "")},
        ),
        (
            'target "a" {\n  name = item.tgt\n  matrix = {\n    item = [{ tgt = "x", dir = "d" }]\n  }\n'
            "  context = item.dir\n}",
            {"x": ("d", "d/Dockerfile", "")},
        ),
        (
            'function "f" {\n  params = [n, m]\n  result = upper("${n}${m}")\n}\ntarget "a" { context = f("a", 1) }',
            {"a": ("A1", "A1/Dockerfile", "")},
        ),
        (
            'x = ["b", "c"]\n'
            'target "a" { context = 1 + 1 == 2 && !(2 > 3) ? join("/", [for y in x : "${y}1" if y != "b"]) : 1 }',
            {"a": ("c1", "c1/Dockerfile", "")},
        ),
        ('target "a" { context = {for k, v in {x = "y"} : upper(k) => v}["X"] }', {"a": ("y", "y/Dockerfile", "")}),
        ('target "a" { context = "a\\"\\u0041$${x}" }', {"a": ('a"A${x}', 'a"A${x}/Dockerfile', "")}),
        ('target "a" { context = substr(md5("x"), 0, 4) }', {"a": ("9dd4", "9dd4/Dockerfile", "")}),
        ('target "a" { tags = [timestamp()] }', {"a": (".", "Dockerfile", "")}),
        ('target "a" { target = unknown() }', {"a": (".", "Dockerfile", "")}),
        ("# nothing\n", {}),
        ("", {}),
        ('group "default" { targets = ["x"] }', {}),
        ('target "a" { dockerfile-inline = "FROM x" }', {}),
        ('target "a" { context = "https://example.com/x.git" }', {}),
        ('target "a" { context = "target:b" }', {}),
    ],
)
def test_target(text: str, expected: Mapping[str, tuple[str, str, str]]) -> None:
    found = targets(text)
    assert {name: found[name] for name in expected} == expected
    assert set(found) - set(expected) <= {"x", "y"}


@pytest.mark.parametrize(
    ("text", "line", "cause"),
    [
        ('target "a" {', 1, "not HCL"),
        ('target "a" {}\n}\n', 2, "not HCL"),
        (b'target "\xff" {}', 1, "not UTF-8"),
        ('target "a" {\n  context = timestamp()\n}', 2, "the value of the function timestamp is not known here"),
        ('variable "X" {}\ntarget "a" {\n  context = "${X}/b"\n}', 3, "the variable X has no default"),
        ('target "a" { context = X }', 1, "the value of X is not known here"),
        ('target "a" { context = BAKE_CMD_CONTEXT }', 1, "the value of BAKE_CMD_CONTEXT is not known here"),
        ('variable "X" { default = X }\ntarget "a" { context = X }', 1, "the variable X is made of itself"),
        ('target "a" {\n  inherits = ["a"]\n}', 1, "target a inherits from itself"),
        ('target "a" {\n  inherits = ["b"]\n}', 1, "there is no target b to inherit from"),
        ('target "a" { matrix = 1 }', 1, "matrix is no mapping of lists"),
        (
            'target "a" { matrix = { ' + ", ".join(f"k{at} = [1, 2, 3]" for at in range(9)) + " } }",
            1,
            "matrix makes more than 200 targets",
        ),
        ('target "a" { context = ' + "(" * 200 + "1" + ")" * 200 + " }", 1, "an expression is nested too deep"),
        ('target "a" { context = upper(1) }', 1, "upper() does not take these values"),
        ('target "a" { context = "%{ if true }x%{ endif }" }', 1, "not understood"),
        ('target "a" { context = ["x"] }', 1, "a text is wanted"),
        ('target "a" { context = "~/x" }', 1, "~/x depends on who builds it"),
        (
            'function "f" {\n  params = [n]\n  result = f(n)\n}\ntarget "a" { context = f("x") }',
            3,
            "the function f is not understood",
        ),
    ],
)
def test_problem_has_a_place_and_a_cause(text: str | bytes, line: int, cause: str) -> None:
    found = reading({HCL: text})
    assert not found.builds
    assert [(problem.file, problem.line) for problem in found.problems] == [(HCL, line)]
    assert cause in found.problems[0].message


def test_values_do_not_grow_without_end() -> None:
    lines = ['v0 = "xxxxxxxxxx"', *(f'v{at} = "' + f"${{v{at - 1}}}" * 10 + '"' for at in range(1, 12))]
    found = reading({HCL: "\n".join([*lines, 'target "a" { context = v11 }'])})
    assert not found.builds
    assert "a value is too large" in found.problems[0].message


def test_args_and_contexts_are_merged() -> None:
    text = """
target "base" {
  args = { A = "1", B = 2, N = null }
  contexts = { lib = "target:lib" }
}
target "a" {
  inherits = ["base"]
  args = { B = "3" }
  contexts = { "src" = "./src" }
}
"""
    builds = {build.name: build for build in reading({HCL: text}).builds}
    assert builds["a"].args == {"A": "1", "B": "3"}
    assert builds["a"].contexts == {"lib": "target:lib", "src": "src"}
    assert builds["a"].place == f"{HCL}:6"


def test_json() -> None:
    text = """{
\t"variable": {"D": {"default": "api"}},
\t"target": {
\t\t"a": {"context": "${D}/x", "target": "t", "args": {"A": "1"}},
\t\t"b": {"name": "b-${v}", "matrix": {"v": ["1"]}, "dockerfile": "D\\u0041 \\"${v}\\""}
\t}
}"""
    found = reading({"docker-bake.json": text})
    assert not found.problems
    assert [(build.name, build.context, build.dockerfile, build.line) for build in found.builds] == [
        ("a", "api/x", "api/x/Dockerfile", 4),
        ("b-1", ".", 'DA "1"', 5),
    ]


@pytest.mark.parametrize(
    ("text", "line", "cause"),
    [("{", 1, "not JSON"), ('{"a":\n}', 2, "not JSON"), ("[" * 100_000, 0, "not JSON"), (b"\xff", 1, "not UTF-8")],
)
def test_bad_json(text: str | bytes, line: int, cause: str) -> None:
    (problem,) = reading({"docker-bake.json": text}).problems
    assert problem.line == line
    assert cause in problem.message


def test_files_are_merged() -> None:
    found = targets(
        'target "a" {\n  context = "a"\n  target = "t"\n}',
        **{"docker-bake.override.hcl": 'target "a" { dockerfile = "D" }'},
    )
    assert found == {"a": ("a", "a/D", "t")}


def test_target_is_laid_over_the_service_of_its_name() -> None:
    service = Build("service", "a", "api", "api/D", "compose.yaml", 3)
    assert not reading({HCL: 'target "a" { tags = ["x"] }'}, a=service).builds
    (build,) = reading({HCL: 'target "a" { dockerfile = "E" }'}, a=service).builds
    assert (build.context, build.dockerfile) == ("api", "api/E")


def test_the_dockerfile_that_is_there_tells_where_bake_runs(tmp_path: Path) -> None:
    root, inner = tmp_path, tmp_path / "docker"
    (root / "docker").mkdir()
    (inner / "D").touch()
    files = {str(inner / HCL): 'target "a" { dockerfile = "docker/D" }'}
    (build,) = reading(files, str(root)).builds
    assert (build.context, build.dockerfile) == (str(root), str(inner / "D"))
    (inner / "docker").mkdir()
    (inner / "docker" / "D").touch()
    (build,) = reading(files, str(root)).builds
    assert (build.context, build.dockerfile) == (str(inner), str(inner / "docker" / "D"))
