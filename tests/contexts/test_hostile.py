"""Compose and Bake files that grow without end when they are evaluated: each is told about at once."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from dockerlayer.builds.bake import read_bake
from dockerlayer.builds.compose import read_compose
from dockerlayer.builds.definition import Unusable

_TWICE = range(1, 41)


def _reader(files: Mapping[str, str]):  # type: ignore[no-untyped-def]
    def read(path: str) -> bytes:
        if path not in files:
            raise Unusable("No such file or directory", missing=True)
        return files[path].encode()

    return read


BUILD = "services:\n  a:\n    build: "
INCLUDED = {f"b{n}.yaml": f"include: [b{n + 1}.yaml, ./b{n + 1}.yaml]\n" for n in range(40)}
COMPOSE = {
    "included-twice-each": (
        {"compose.yaml": f"include: [b0.yaml]\n{BUILD}.\n", **INCLUDED, "b40.yaml": f"{BUILD}.\n"},
        "files are included more than 64 times",
    ),
    "variables-twice-each": (
        {
            "compose.yaml": f"{BUILD}${{A40}}\n",
            ".env": "A0=aaaaaaaaaa\n" + "".join(f"A{n}=${{A{n - 1}}}${{A{n - 1}}}\n" for n in _TWICE),
        },
        "service a is left out: the variable A40 has no value here: neither a default nor a line in .env",
    ),
    "variable-many-times": (
        {"compose.yaml": f"{BUILD}{'$A' * 1000}\n", ".env": f"A={'a' * 4000}\n"},
        "service a is left out: its variables make more than 4096 characters of it",
    ),
    "extended-without-end": (
        {
            "compose.yaml": "services:\n"
            + "".join(f"  a{n}:\n    extends: a{n + 1}\n" for n in range(3000))
            + "  a3000:\n    build: .\n"
        },
        "service a0 is left out: service a65 is extended over more than 64 steps",
    ),
}


@pytest.mark.parametrize(("files", "message"), COMPOSE.values(), ids=COMPOSE.keys())
def test_compose(files: Mapping[str, str], message: str) -> None:
    reading = read_compose(["compose.yaml"], _reader(files))
    assert message in [problem.message for problem in reading.problems]


DEFAULT = 'target "default" {\n  context = %s\n}\n'
BAKE = {
    "functions": 'function "f0" { params=[x]\n result = x }\n'
    + "".join(f'function "f{n}" {{ params=[x]\n result = f{n - 1}(f{n - 1}(x)) }}\n' for n in _TWICE)
    + DEFAULT % 'f40(".")',
    "variables": 'variable "a0" { default="" }\n'
    + "".join(f'variable "a{n}" {{ default = "${{a{n - 1}}}${{a{n - 1}}}" }}\n' for n in _TWICE)
    + DEFAULT % "a40",
    "parents": "".join(f'target "t{n}" {{ inherits=["t{n + 1}","t{n + 1}"] }}\n' for n in range(40))
    + 'target "t40" { context="." }\n',
    "for": DEFAULT % ("".join(f"[for a{n} in {list(range(50))}: " for n in range(8)) + '"x"' + "]" * 8),
}


@pytest.mark.parametrize("text", BAKE.values(), ids=BAKE.keys())
def test_bake(text: str) -> None:
    reading = read_bake(["docker-bake.hcl"], _reader({"docker-bake.hcl": text}))
    assert any("it takes too long to evaluate" in problem.message for problem in reading.problems)


@pytest.mark.parametrize("path", ["\\ud800", "a\\u0000b"])
def test_what_no_path_can_hold(path: str) -> None:
    text = f'target "default" {{\n  dockerfile = "{path}"\n}}\n'
    reading = read_bake(["docker-bake.hcl"], _reader({"docker-bake.hcl": text}))
    assert [problem.line for problem in reading.problems] == [1]
    assert not reading.builds
