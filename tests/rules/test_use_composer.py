"""Composer: what each command does with what is kept, where that is, and which words keep it offline."""

from __future__ import annotations

from pathlib import Path

import pytest
from use_case import UseCase, flow

from dockerlayer_rules.composer import ecosystem

IMAGE = "composer:2"


@pytest.mark.parametrize(
    ("command", "expected", "leaves"),
    [
        ("composer install", "fills+takes", ("/src/vendor",)),
        ("composer install --download-only", "fills", ()),
        ("COMPOSER_DISABLE_NETWORK=1 composer install", "takes", ("/src/vendor",)),
        ("composer dump-autoload", None, ()),
        ("composer install --dry-run", None, ()),
        ("composer global require a/b", "fills+takes", ()),
    ],
)
def test_flow(tmp_path: Path, command: str, expected: str | None, leaves: tuple[str, ...]) -> None:
    use = UseCase(tmp_path, ecosystem, IMAGE).use(command)
    assert flow(use) == expected
    assert (use.leaves if use is not None else ()) == leaves


@pytest.mark.parametrize(
    ("image", "above", "command", "expected"),
    [
        ("composer:2", "", "composer install", ("/tmp/cache",)),
        ("php:8.4-cli", "", "composer install", ()),
        ("php:8.4-cli", "ENV COMPOSER_HOME=/c", "composer install", ("/c/cache",)),
        ("php:8.4-cli", "ENV COMPOSER_CACHE_DIR=/cc", "composer install", ("/cc",)),
        ("php:8.4-cli", "ENV COMPOSER_CACHE_DIR=/dev/null", "composer install", ()),
    ],
)
def test_stores(tmp_path: Path, image: str, above: str, command: str, expected: tuple[str, ...]) -> None:
    use = UseCase(tmp_path, ecosystem, image).use(command, above)
    assert use is not None
    assert use.stores == expected


@pytest.mark.parametrize(
    ("command", "offline", "without"),
    [
        ("COMPOSER_DISABLE_NETWORK=1 composer install", "COMPOSER_DISABLE_NETWORK=1", "composer install"),
        ("COMPOSER_DISABLE_NETWORK=0 composer install", "", "COMPOSER_DISABLE_NETWORK=0 composer install"),
    ],
)
def test_online(tmp_path: Path, command: str, offline: str, without: str) -> None:
    assert UseCase(tmp_path, ecosystem, IMAGE).online(command) == (offline, without)


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("composer install", ""),
        ("composer install --no-cache", "defeated"),
        ("composer install && composer clear-cache", "defeated"),
        ("composer update", "unpinned"),
        ("composer update a/b", ""),
    ],
)
def test_words(tmp_path: Path, command: str, expected: str) -> None:
    use = UseCase(tmp_path, ecosystem, IMAGE).use(command)
    assert use is not None
    told = ("nominal", "defeated", "unpinned", "redundant")
    assert " ".join(name for name in told if getattr(use, name) is not None) == expected
