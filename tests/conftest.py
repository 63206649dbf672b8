"""What every test may ask for: the ecosystems that ship with dockerlayer, read as an installation would read them."""

import os
import signal
import tomllib
from collections.abc import Iterator
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


@pytest.fixture(scope="session", autouse=True)
def interruptible() -> Iterator[None]:
    """A shell starts what it puts into the background with SIGINT ignored, and children inherit that."""
    old = signal.getsignal(signal.SIGINT)
    if old is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, old)
