"""Composer: ``composer install --download-only`` from composer.json and composer.lock, then an install without network.

The install itself rarely works from the two files alone: it makes the autoloader of the source's classes and runs the
project's scripts. ``COMPOSER_DISABLE_NETWORK=1`` is what makes it offline (it has no effect without PHP's curl).
"""

from __future__ import annotations

from dockerlayer.api import (
    Ecosystem,
    Example,
    Practice,
    Registry,
    deferred,
)

ecosystem = Ecosystem(
    name="composer",
    title="Composer",
    docs="https://getcomposer.org/doc/03-cli.md#install-i",
    registry=Registry("Packagist", "Private Packagist and Bunny.net, the archives by GitHub (Microsoft)", donated=True),
    programs=r"composer(?:\.phar)?|php\d*(?:\.\d+)?|docker-php-ext-(?:install|configure|enable)|pecl",
    read=deferred("dockerlayer_rules._read_composer", "read"),
    practice=Practice(
        "`composer install --download-only`",
        "`COMPOSER_DISABLE_NETWORK=1 composer install`",
        "no; `--no-scripts --no-autoloader`",
    ),
    effect=deferred("dockerlayer_rules._read_composer", "effect"),
    use=deferred("dockerlayer_rules._use_composer", "use"),
    cache_names=r"(?:^|/)\.?composer(?:/|\Z)|\A/tmp/cache/?\Z",
    other_caches=(r"/\.npm(?:/|\Z)", r"yarn"),
    home_files=(
        ".composer/auth.json",
        ".composer/config.json",
        ".config/composer/auth.json",
        ".config/composer/config.json",
        ".netrc",
        ".gitconfig",
    ),
    environment=r"COMPOSER.*|PHP.*|GIT_.*|SSH_.*|XDG_.*|HOME|PATH|.*(?:PROXY|proxy|TOKEN|AUTH|PASSWORD).*",
    patterns=("split", "narrow"),
    examples=(
        Example(
            "source-before-download",
            """
            FROM composer:2
            WORKDIR /app
            COPY . .
            RUN composer install --no-dev --optimize-autoloader
            """,
            """
            FROM composer:2
            WORKDIR /app
            COPY composer.json composer.lock ./
            RUN composer install --download-only --no-scripts --no-dev
            COPY . .
            RUN COMPOSER_DISABLE_NETWORK=1 composer install --no-dev --optimize-autoloader
            """,
        ),
        Example(
            "missing-lockfile",
            """
            FROM composer:2
            WORKDIR /app
            COPY composer.json ./
            RUN composer install --no-scripts --no-autoloader
            """,
            """
            FROM composer:2
            WORKDIR /app
            COPY composer.json composer.lock ./
            RUN composer install --no-scripts --no-autoloader
            """,
        ),
        Example(
            "context-overwrites-install",
            """
            FROM composer:2
            WORKDIR /app
            COPY composer.json composer.lock ./
            RUN composer install --no-dev --no-scripts --no-autoloader
            COPY . .
            RUN composer dump-autoload --optimize
            """,
            """
            FROM composer:2
            WORKDIR /app
            COPY composer.json composer.lock ./
            RUN composer install --no-dev --no-scripts --no-autoloader
            COPY . .
            RUN composer dump-autoload --optimize
            """,
            case="vendor-ignored-by-git",
            ignored="vendor",
        ),
    ),
)
