"""What every test may ask for: the ecosystems that ship with dockerlayer, read as an installation would read them."""

import os
import tomllib
from pathlib import Path

import pytest

from dockerlayer import registry
from dockerlayer.api import Ecosystem

ROOT = Path(__file__).parents[1]

# Git sets these for a hook, and would then take the repositories that tests make for the one that the hook is of.
for _name in [name for name in os.environ if name.startswith("GIT_")]:
    del os.environ[_name]


@pytest.fixture(scope="session")
def ecosystems() -> tuple[Ecosystem, ...]:
    """The shipped ecosystems, whether or not the project is installed."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    points = project["entry-points"][registry.GROUP]
    found, broken = registry.load(registry.Plugin(name, value, "dockerlayer") for name, value in points.items())
    assert not broken, broken
    return found
