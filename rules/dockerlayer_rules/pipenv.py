"""Pipenv: an install needs Pipfile and Pipfile.lock, and goes above the source as it is.

It is never split: Pipfile.lock pins by hash, and a wheel that was built from a source archive has another one.
``pipenv sync`` and ``--ignore-pipfile`` read the lockfile alone; ``pipenv install`` locks anew when the lockfile does
not belong to the Pipfile, which ``--deploy`` makes an error (2023.12.1 and 2026.10.3).
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
    name="pipenv",
    title="Pipenv (Python)",
    docs="https://pipenv.pypa.io/en/latest/commands.html",
    registry=Registry("PyPI", "Fastly (donated bandwidth)", donated=True),
    programs=r"pipenv|python\d?|python\d\.\d+",
    read=deferred("dockerlayer_rules._read_pipenv", "read"),
    use=deferred("dockerlayer_rules._use_pytools", "use_pipenv"),
    cache_names=r"(?:^|[/_.-])cache\b.*[/_.-]pipenv(?:/|$)|pipenv[/_.-]?cache",
    practice=Practice("none", "none", "no"),
    effect=deferred("dockerlayer_rules._read_pipenv", "effect"),
    home_files=(".config/pip", ".pip", ".netrc", ".gitconfig"),
    other_caches=(r"^/tmp/?$",),
    patterns=("narrow",),
    examples=(
        Example(
            "source-before-download",
            """
            FROM python:3.13
            WORKDIR /app
            COPY . .
            RUN pipenv install --system --deploy
            """,
            """
            FROM python:3.13
            WORKDIR /app
            COPY Pipfile Pipfile.lock ./
            RUN pipenv install --system --deploy
            COPY . .
            """,
        ),
        Example(
            "missing-lockfile",
            """
            FROM python:3.13
            WORKDIR /app
            COPY Pipfile ./
            RUN pipenv install --system
            """,
            """
            FROM python:3.13
            WORKDIR /app
            COPY Pipfile Pipfile.lock ./
            RUN pipenv install --system --deploy
            """,
        ),
    ),
)
