"""Bundler: what each command does with what is kept, where that is, and which words keep it offline."""

from __future__ import annotations

from pathlib import Path

import pytest
from use_case import UseCase, flow

from dockerlayer_rules.bundler import ecosystem

IMAGE = "ruby:3.3"


@pytest.mark.parametrize(
    ("command", "expected", "leaves"),
    [
        ("bundle install", "fills+takes", ("/usr/local/bundle",)),
        ("bundle", "fills+takes", ("/usr/local/bundle",)),
        ("bundle install --local", "-", ("/usr/local/bundle",)),
        ("bundle install --path vendor", "fills+takes", ("/src/vendor",)),
        ("BUNDLE_DEPLOYMENT=1 bundle install", "fills+takes", ("/src/vendor/bundle",)),
        ("bundle exec rake", None, ()),
        ("bundle config set path x", None, ()),
        ("gem install rake", "fills+takes", ("/usr/local/bundle",)),
        ("gem --version", None, ()),
    ],
)
def test_flow(tmp_path: Path, command: str, expected: str | None, leaves: tuple[str, ...]) -> None:
    use = UseCase(tmp_path, ecosystem, IMAGE).use(command)
    assert flow(use) == expected
    assert (use.leaves if use is not None else ()) == leaves


@pytest.mark.parametrize(
    ("image", "above", "command", "expected"),
    [
        ("ruby:3.3", "", "bundle install", ("/usr/local/bundle/cache",)),
        ("ruby:3.3", "ENV BUNDLE_PATH=/gems", "bundle install", ()),
        ("ruby:3.3", "ENV GEM_HOME=/g", "bundle install", ("/g/cache",)),
        ("debian:13", "", "bundle install", ()),
    ],
)
def test_stores(tmp_path: Path, image: str, above: str, command: str, expected: tuple[str, ...]) -> None:
    use = UseCase(tmp_path, ecosystem, image).use(command, above)
    assert use is not None
    assert use.stores == expected


@pytest.mark.parametrize(
    ("command", "offline", "without"),
    [
        ("bundle install --local --jobs 4", "--local", "bundle install --jobs 4"),
        ("bundle install", "", "bundle install"),
    ],
)
def test_online(tmp_path: Path, command: str, offline: str, without: str) -> None:
    assert UseCase(tmp_path, ecosystem, IMAGE).online(command) == (offline, without)


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("bundle install", ""),
        ("bundle install --prefer-local", "nominal"),
        ("bundle update", "unpinned"),
        ("bundle install && rm -rf /usr/local/bundle/cache", "defeated"),
        ("bundle install && rm -rf /usr/local/bundle/cache/*.gem", ""),
    ],
)
def test_words(tmp_path: Path, command: str, expected: str) -> None:
    use = UseCase(tmp_path, ecosystem, IMAGE).use(command)
    assert use is not None
    told = ("nominal", "defeated", "unpinned", "redundant")
    assert " ".join(name for name in told if getattr(use, name) is not None) == expected
