"""PDM: ``pdm sync --no-self`` needs pyproject.toml and pdm.lock; the project itself is built from its source.

A project that is no distribution installs from these alone, and the whole command moves above the source. Any other is
built in an environment of its own, for which PDM downloads the build backend at each build (2.29, also with everything
else installed): the note says so.
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
    name="pdm",
    title="PDM (Python)",
    docs="https://pdm-project.org/en/latest/usage/dependency/",
    registry=Registry("PyPI", "Fastly (donated bandwidth)", donated=True),
    programs=r"pdm|python\d?|python\d\.\d+",
    read=deferred("dockerlayer_rules._read_pdm", "read"),
    use=deferred("dockerlayer_rules._use_pytools", "use_pdm"),
    cache_names=r"(?:^|[/_.-])cache\b.*[/_.-]pdm(?:/|$)|pdm[/_.-]?cache",
    practice=Practice("`pdm sync --no-self`", "none; `pdm sync` builds the project online", "yes"),
    effect=deferred("dockerlayer_rules._read_pdm", "effect"),
    home_files=(".config/pdm", ".netrc", ".gitconfig"),
    other_caches=(r"^/tmp/?$",),
    patterns=("split", "narrow"),
    examples=(
        Example(
            "source-before-download",
            """
            FROM python:3.13
            WORKDIR /app
            COPY . .
            RUN pdm sync --prod --no-self
            """,
            """
            FROM python:3.13
            WORKDIR /app
            COPY pyproject.toml pdm.lock ./
            RUN pdm sync --prod --no-self
            COPY . .
            """,
        ),
        Example(
            "missing-lockfile",
            """
            FROM python:3.13
            WORKDIR /app
            COPY pyproject.toml ./
            RUN pdm install --no-self
            """,
            """
            FROM python:3.13
            WORKDIR /app
            COPY pyproject.toml pdm.lock ./
            RUN pdm sync --no-self
            """,
        ),
    ),
)
