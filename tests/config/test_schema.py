"""The published JSON schema is that of the code, and agrees with it on what a configuration file may say."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft7Validator

from dockerlayer.api import Ecosystem
from dockerlayer.cli.configured import known_to
from dockerlayer.cli.settled import schema_text
from dockerlayer.config.fields import FIELDS, schema_of, wrongs_of
from dockerlayer.config.kinds import Known

ROOT = Path(__file__).parents[2]
PUBLISHED = ROOT / "schema" / "dockerlayer.schema.json"
KNOWN = Known(("wide-copy", "odd-mount"), ("fake", "other"), ("split", "narrow"))


def test_published_schema_is_that_of_the_code(ecosystems: tuple[Ecosystem, ...]) -> None:
    assert PUBLISHED.read_text("utf-8") == schema_text(ecosystems), (
        "dockerlayer config --schema > schema/dockerlayer.schema.json"
    )


def test_published_schema_is_one() -> None:
    schema = json.loads(PUBLISHED.read_text("utf-8"))
    Draft7Validator.check_schema(schema)
    assert list(schema["properties"]) == [field.key for field in FIELDS]
    assert all(item["description"] for item in schema["properties"].values())


@pytest.mark.parametrize(
    ("text", "good"),
    [
        ("", True),
        ("extend = '../base.toml'", True),
        ("select = ['all']\nextend-select = ['network-in-install']\nignore = ['missing-lockfile']", True),
        ("[severity]\nmissing-lockfile = 'error'", True),
        ("pattern = 'hybrid'", True),
        ("pattern = { default = 'stage', npm = 'narrow', yarn-berry = 'split' }", True),
        ("builder = 'kaniko'", True),
        ("context = '.'", True),
        ("[context]\n'services/*/Dockerfile' = '.'\n'**' = '..'", True),
        ("exclude = ['vendor', '*.dev']\nforce-exclude = true", True),
        ("fail-on = 'never'\nunsafe-fixes = true\nbaseline = 'b.json'", True),
        ("ignore = ['all']", False),
        ("select = 'all'", False),
        ("severity.missing-lockfile = 'off'", False),
        ("severity.all = 'error'", False),
        ("pattern.npmm = 'narrow'", False),
        ("context = 3", False),
        ("context.'' = '.'", False),
        ("force-exclude = 1", False),
        ("fail-on = 'style'", False),
        ("force_exclude = true", False),
        ("[tool.dockerlayer]\nselect = []", False),
    ],
)
def test_examples(ecosystems: tuple[Ecosystem, ...], text: str, good: bool) -> None:
    table = tomllib.loads(text)
    assert Draft7Validator(json.loads(PUBLISHED.read_text("utf-8"))).is_valid(table) is good
    assert (not list(wrongs_of(table, known_to(ecosystems)))) is good


_WORDS = st.sampled_from(
    [
        "all",
        "default",
        "never",
        "error",
        "info",
        "wide-copy",
        "odd-mount",
        "fake",
        "split",
        "narrow",
        "kaniko",
        "",
        "\0",
    ]
)
_SCALARS = _WORDS | st.booleans() | st.integers(-1, 1) | st.just(0.5)
_VALUES = _SCALARS | st.lists(_SCALARS, max_size=2) | st.dictionaries(_WORDS, _SCALARS, max_size=2)
_KEYS = st.sampled_from([*(field.key for field in FIELDS), "selct"])


@given(st.dictionaries(_KEYS, _VALUES, max_size=2))
@settings(max_examples=400, deadline=None)
def test_schema_and_reader_agree(table: dict[str, Any]) -> None:
    assert _VALIDATOR.is_valid(table) is (not list(wrongs_of(table, KNOWN)))


_VALIDATOR = Draft7Validator(schema_of(KNOWN))
