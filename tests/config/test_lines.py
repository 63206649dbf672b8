"""Every key and element of a TOML document has the line that it stands on."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dockerlayer.config.document import KeyPath
from dockerlayer.config.lines import places

ROOT = Path(__file__).parents[2]

SAMPLE = '''\
# = ] [ "
a = 1.5 # x = 2
"b c".d = """x = 1
\\"""" # closes behind a quote
'e' = \'\'\'
[no]
\'\'\'
[t] # [u]
x = [ 1,
  # , ]
  [2, 3], # ]
  {y = "]", z.w = 1},
]
when = 1979-05-27 07:32:00
  [t . "deep.er"]
k = -inf

[[list]]
k = 1
[[list]]
k = 2
[list.sub]
u = 3
[[list.inner]]
v = 4
'''


def test_lines_of_a_sample() -> None:
    found = places(SAMPLE)
    expected: dict[KeyPath, int] = {
        ("a",): 2,
        ("b c",): 3,
        ("b c", "d"): 3,
        ("e",): 5,
        ("t",): 8,
        ("t", "x"): 9,
        ("t", "x", 0): 9,
        ("t", "x", 1): 11,
        ("t", "x", 1, 1): 11,
        ("t", "x", 2, "z", "w"): 12,
        ("t", "when"): 14,
        ("t", "deep.er", "k"): 16,
        ("list", 0, "k"): 19,
        ("list", 1): 20,
        ("list", 1, "sub", "u"): 23,
        ("list", 1, "inner", 0, "v"): 25,
    }
    assert {place: found.get(place) for place in expected} == expected


def _all(value: Any, place: KeyPath = ()) -> Iterator[KeyPath]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield (*place, key)
        yield from _all(item, (*place, key))


@pytest.mark.parametrize(
    "text",
    [
        SAMPLE,
        SAMPLE.replace("\n", "\r\n"),
        (ROOT / "pyproject.toml").read_text("utf-8"),
        *(path.read_text("utf-8") for path in sorted((ROOT / "fixtures/cargo").rglob("naive/Cargo.*"))),
        "",
        "\n\n",
        "a = []",
        "a = {}\nb = ''\n[c]",
        'a."b".c = [ [ ], [ { } ] ]',
    ],
    ids=lambda text: f"{len(text)} characters",
)
def test_same_places_as_tomllib(text: str) -> None:
    assert set(places(text)) == set(_all(tomllib.loads(text)))


def test_lines_are_those_of_the_keys() -> None:
    text = "".join(f"key{number} = [\n  {number},\n]\n\n" for number in range(50))
    assert all(places(text)[(f"key{number}",)] == 4 * number + 1 for number in range(50))
    assert all(places(text)[(f"key{number}", 0)] == 4 * number + 2 for number in range(50))
