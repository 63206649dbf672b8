"""Each base image answers its version, and its package manager reaches its registry from inside a build."""

import re

import pytest
from bases import NAMES, base_or_skip
from engine import docker, network

ANSWERS = {
    "debian:trixie-slim": ("cat /etc/debian_version", r"13\."),
    "buildpack-deps:trixie": ("gcc -dumpversion && make -v && git --version", r"14\s+GNU Make 4\.\d"),
    "python:3.13-slim": (
        "python -V && pip -V && which python",
        r"Python 3\.13\.\d+\npip 2\d.*\n/usr/local/bin/python\n",
    ),
    "python:3.13": (
        "python -V && pip -V && cc --version",
        r"Python 3\.13\.\d+\npip .* from /usr/local/lib/python3\.13/",
    ),
    "node:22-slim": ("node -v && id -u node && npm -v", r"v22\.\d+\.\d+\n1000\n1\d\."),
    "node:22": ("node -v && npm -v && yarn -v && python3 -V", r"v22\.\d+\.\d+\n1\d\..*\n1\.22\.\d+\nPython 3"),
    "oven/bun:1": ("bun --version && id -u bun", r"1\.4\.\d+\n1000\n"),
    "oven/bun:1.4.5": ("bun --version && bunx --version", r"1\.4\.5\n1\.4\.5\n"),
    "golang:1.26": ("go version && go env GOPATH GOTOOLCHAIN GOROOT", r"go1\.26\S* .*\n/go\nlocal\n/usr/local/go\n"),
    "rust:1.85": (
        "cargo -V && rustc -V && echo $CARGO_HOME",
        r"cargo 1\.85\.\d.*\nrustc 1\.85\.\d.*\n/usr/local/cargo\n",
    ),
    "ruby:3.3-slim": (
        "ruby -v && bundle -v && echo $GEM_HOME",
        r"ruby 3\.3\.\d.*\nBundler version 2\..*\n/usr/local/bundle\n",
    ),
    "ruby:3.3": ("ruby -v && bundle -v && cc --version", r"ruby 3\.3\.\d.*\nBundler version 2\."),
    "php:8.4-cli": ("php -v && php -m", r"PHP 8\.4\.\d[\s\S]*\bcurl\n[\s\S]*\bmbstring\n"),
    "composer:2": ("composer -V", r"Composer version 2\.\d"),
    "elixir:1.18": ("elixir -v && mix -v", r"Elixir 1\.18\.\d"),
    "maven:3.9-eclipse-temurin-21": ("mvn -v && java -version 2>&1", r'Apache Maven 3\.9\.\d[\s\S]*version "21\.'),
}

# The last line of each is what only a reachable registry lets through.
DOWNLOADS = {
    "debian:trixie-slim": "RUN apt-get update && apt-get install -y --no-install-recommends tree",
    "python:3.13-slim": "RUN pip download --no-cache-dir six==1.17.0",
    # No wheels: this compiles.
    "python:3.13": "RUN pip install --no-cache-dir --no-binary :all: markupsafe==3.0.2",
    "node:22-slim": "USER node\nRUN npm view is-number@7.0.0 version",
    # With a binding.gyp, npm compiles: against Node's headers.
    "node:22": r"""
WORKDIR /app
RUN printf '{"name":"a","version":"1.0.0","dependencies":{"is-number":"7.0.0"}}' >package.json \
    && printf '{"targets":[{"target_name":"a","sources":["a.c"]}]}' >binding.gyp \
    && printf '#include <node_api.h>\nNAPI_MODULE_INIT() { return exports; }\n' >a.c
RUN npm install && node -e 'require("./build/Release/a.node"); require("is-number")'""",
    "golang:1.26": r"""
WORKDIR /app
RUN printf 'package main\nimport "C"\nfunc main() {}\n' >main.go
RUN go mod init a && go mod download rsc.io/quote@v1.5.2 && CGO_ENABLED=1 go build""",
    "rust:1.85": "WORKDIR /a\nRUN cargo init && cargo add itoa@1.0.14 && cargo fetch && cargo build --offline",
    "maven:3.9-eclipse-temurin-21": "RUN mvn -B org.apache.maven.plugins:maven-help-plugin:3.5.1:help",
}

# Debian's Composer is several files; the usual way to it is to copy one.
COMPOSER = r"""FROM php:8.4-cli
COPY --from=composer:2 /usr/bin/composer /usr/bin/composer
WORKDIR /app
RUN mkdir lib && printf '{"name":"x/y","version":"1.0.0"}' >lib/composer.json && printf '%s' \
    '{"require":{"x/y":"*"},"repositories":[{"type":"path","url":"lib"},{"packagist.org":false}]}' >composer.json
RUN composer install && composer validate --no-check-publish && php -r 'require "vendor/autoload.php";'
"""


def build(dockerfile: str) -> None:
    done = docker(
        "buildx", "build", *network(), "--no-cache", "--progress=plain", "--output=type=cacheonly", "-",
        stdin=dockerfile, timeout=600,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def test_each_base_is_asked() -> None:
    assert set(ANSWERS) == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_version(name: str) -> None:
    base_or_skip(name)
    command, expected = ANSWERS[name]
    done = docker("run", "--rm", "--network=none", "--entrypoint=sh", name, "-c", command)
    assert done.returncode == 0, done.stderr
    assert re.search(expected, done.stdout), done.stdout


@pytest.mark.parametrize("name", DOWNLOADS)
def test_downloads_in_a_build(name: str) -> None:
    base_or_skip(name)
    build(f"FROM {name}\n{DOWNLOADS[name]}\n")


def test_composer_is_one_file() -> None:
    base_or_skip("php:8.4-cli", "composer:2")
    build(COMPOSER)
