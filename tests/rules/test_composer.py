"""Composer: how its commands are spelled, which Composer an image has, and what its two files say."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from dockerlayer.api import Fetch, Refusal
from dockerlayer.checks.survey import Survey
from dockerlayer.engine import context_for
from dockerlayer.model.layers import Analysis
from dockerlayer.syntax.parser import parse
from dockerlayer_rules._composerlock import needs_source, packages_of, scripts_of
from dockerlayer_rules.composer import ecosystem

NAIVE = Path(__file__).parents[2] / "fixtures/composer/naive"


def fetch(command: str, folder: Path = NAIVE, head: str = "FROM composer:2\n") -> Fetch | None:
    """What a command fetches in the project of a folder."""
    text = f"{head}WORKDIR /app\nCOPY . .\nRUN {command}\n"
    survey = Survey(Analysis(parse(text.encode()), context_for(folder / "Dockerfile", folder)), [ecosystem])
    found = [seen.fetch for step in survey.steps() for seen in survey.sightings(step)]
    return found[0] if found else None


@pytest.mark.parametrize(
    ("command", "kind", "download"),
    [
        ("composer install", "install", "composer install --download-only --no-scripts"),
        ("composer i -n", "install", "composer install --download-only --no-scripts -n"),
        ("composer -q install -o", "install", "composer install --download-only --no-scripts -q"),
        ("composer.phar install", "install", "composer.phar install --download-only --no-scripts"),
        ("/usr/bin/composer install", "install", "/usr/bin/composer install --download-only --no-scripts"),
        (
            "php /usr/local/bin/composer install --ignore-platform-req=ext-gd --ignore-platform-req ext-zip",
            "install",
            "php /usr/local/bin/composer install --download-only --no-scripts --ignore-platform-req=ext-gd "
            "--ignore-platform-req=ext-zip",
        ),
        (
            "A='b c' composer install --no-dev -a",
            "install",
            "A='b c' composer install --download-only --no-scripts --no-dev",
        ),
        ("composer install -d . -v", "install", "composer install --download-only --no-scripts -v"),
        ("composer install --download-only", "download", None),
        ("composer global require phpunit/phpunit", "tool", None),
        ("composer create-project symfony/skeleton shop", "tool", None),
        ("composer install --dry-run", None, None),
        ("composer install --help", None, None),
        ("COMPOSER_DISABLE_NETWORK=1 composer install", None, None),
        ("composer dump-autoload", None, None),
        ("composer validate", None, None),
        ("composer --version", None, None),
        ("composer -d=/app install", None, None),
        ("php artisan migrate", None, None),
        ("php -r 'echo 1;'", None, None),
        ("docker-php-ext-install gd", None, None),
    ],
)
def test_spellings(command: str, kind: str | None, download: str | None) -> None:
    found = fetch(command)
    assert (found.kind if found is not None else None) == kind
    assert (found.split.download if found is not None and found.split is not None else None) == download


@pytest.mark.parametrize(
    ("command", "code"),
    [
        ("composer update", "resolves-anew"),
        ("composer upgrade --no-dev", "resolves-anew"),
        ("composer require a/b", "named-packages"),
        ("composer remove a/b", "named-packages"),
        ("composer install $FLAGS", "variable-options"),
        ("composer install -d other", "not-in-context"),
    ],
)
def test_refusals(command: str, code: str) -> None:
    found = fetch(command)
    assert found is not None
    assert found.blocked is not None
    assert found.blocked.code == code


INSTALLER = "RUN curl -sS https://getcomposer.org/installer | php -- --install-dir=/usr/local/bin"


@pytest.mark.parametrize(
    ("head", "known"),
    [
        ("FROM composer:2", True),
        ("FROM composer", True),
        ("FROM composer:latest", True),
        ("FROM docker.io/library/composer:2.10.2@sha256:00", True),
        ("FROM composer:2.5", True),
        ("FROM composer:2.2", False),
        ("FROM composer:1", False),
        ("FROM composer:lts", None),
        ("FROM php:8.3\nCOPY --from=composer:2 /usr/bin/composer /usr/bin/composer", True),
        ("FROM php:8.3\nCOPY --from=composer/composer:2-bin /composer /usr/bin/composer", True),
        ("FROM php:8.3\nCOPY --from=composer:1.10 /usr/bin/composer /usr/bin/composer", False),
        ("FROM composer:2.1 AS composer\nFROM php:8.3\nCOPY --from=composer /usr/bin/composer /usr/bin/", False),
        (f"FROM php:8.3\n{INSTALLER}", True),
        (f"FROM php:7.1\n{INSTALLER}", None),
        (f"FROM php:8.3\n{INSTALLER} --version=1.10.0", None),
        (f"FROM php:8.3\n{INSTALLER} --2.2", None),
        ("FROM php:8.3\nRUN install-php-extensions gd @composer", True),
        ("FROM composer:2\nRUN composer self-update 2.1.0", None),
        ("FROM composer:1\nRUN composer self-update", True),
        ("FROM debian:12\nRUN apt-get install -y composer", None),
    ],
)
def test_versions(head: str, known: bool | None) -> None:
    found = fetch("composer install -o", head=f"{head}\n")
    assert found is not None
    if known is None:
        assert found.unproven
    elif known:
        assert found.split is not None
        assert not found.unproven
    else:
        assert found.no_split is not None
        assert found.no_split.code == "old-composer"


def test_git_gives_the_version(tmp_path: Path) -> None:
    project = tmp_path / "project"
    shutil.copytree(NAIVE, project)
    (project / ".git").mkdir()
    (project / ".git/HEAD").write_text("ref: refs/heads/main\n")
    found = fetch("composer install --no-scripts --no-autoloader", project)
    assert found is not None
    assert found.no_narrow is not None
    assert found.no_narrow.code == "version-from-git"


def test_scripts_are_followed() -> None:
    scripts = {"post-install-cmd": ["@a", "@a"], "a": ["@b", "@a"], "b": {"cache:clear": "symfony-cmd"}, "test": "x"}
    assert list(scripts_of({"scripts": scripts})) == [("post-install-cmd", "cache:clear")]


@pytest.mark.parametrize(
    ("manifest", "options", "code"),
    [
        ({}, "", None),
        ({"autoload": {"psr-4": {"A\\": "src/"}}}, "", None),
        ({"autoload": {"psr-4": {"A\\": "src/"}}}, "-o", "autoloader-of-source"),
        ({"autoload": {"classmap": ["db"]}}, "", "autoloader-of-source"),
        ({"autoload-dev": {"files": ["f.php"]}}, "", "autoloader-of-source"),
        ({"autoload": {"classmap": ["db"]}}, "--no-autoloader", None),
        ({"config": {"optimize-autoloader": True}}, "", "autoloader-of-source"),
        ({"scripts": {"post-install-cmd": "x"}}, "", "scripts"),
        ({"scripts": {"post-install-cmd": "x"}}, "--no-scripts", None),
        ({"scripts": {"test": "x"}}, "", None),
    ],
)
def test_needs_source(manifest: dict[str, object], options: str, code: str | None) -> None:
    found = needs_source(manifest, packages_of({}, dev=True), frozenset(options.split()))
    assert (found.code if isinstance(found, Refusal) else None) == code


HOSTILE: list[bytes] = [
    b"",
    b"null",
    b"[]",
    b"\xff\xfe\x00",
    b"[" * 100_000,
    b'{"packages": {"a": 1}, "require": [1], "config": 3, "scripts": "x", "autoload": [[]]}',
    b'{"packages": [1, null, {}, {"name": 3, "dist": []}, {"dist": {"type": "path", "url": 7}}]}',
    b'{"packages": [{"name": "a/b", "dist": {"type": "path", "url": "/etc"}}]}',
    json.dumps({"require": {"a/b": "1"}, "scripts": {"post-install-cmd": [["@x"], {"a": {}}]}}).encode(),
    b'{"x": "' + b"x" * 5_000_000 + b'"}',
]


@pytest.mark.parametrize("data", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_manifests(data: bytes, tmp_path: Path) -> None:
    good = {name: (NAIVE / name).read_bytes() for name in ("composer.json", "composer.lock")}
    for name in good:
        for other, content in {**good, name: data}.items():
            (tmp_path / other).write_bytes(content)
        fetch("composer install", tmp_path)
