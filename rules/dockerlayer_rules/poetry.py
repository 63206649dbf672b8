"""Poetry: ``poetry install --no-root`` needs pyproject.toml and poetry.lock (and poetry.toml, when there is one).

There is no command that only downloads. So the dependencies are installed without the project, and the command is
repeated below the source: it then finds them installed, and links the project itself. A project built by poetry-core
needs no network for that (Poetry 1.8.5, 2.2.1 and 2.5.1); a path dependency or another build backend does, which is
said in a note. Without a lockfile Poetry resolves anew and exits 0.
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
    name="poetry",
    title="Poetry (Python)",
    docs="https://python-poetry.org/docs/cli/#install",
    registry=Registry("PyPI", "Fastly (donated bandwidth)", donated=True),
    programs=r"poetry|python\d?|python\d\.\d+",
    read=deferred("dockerlayer_rules._read_poetry", "read"),
    use=deferred("dockerlayer_rules._use_pytools", "use_poetry"),
    cache_names=r"pypoetry|cache.*poetry|poetry.*cache",
    practice=Practice("`poetry install --no-root`", "`poetry install` once more, below the source", "yes"),
    effect=deferred("dockerlayer_rules._read_poetry", "effect"),
    home_files=(".config/pypoetry", ".netrc", ".gitconfig"),
    other_caches=(r"^/tmp/?$",),
    patterns=("split", "narrow"),
    examples=(
        Example(
            "source-before-download",
            """
            FROM python:3.13
            WORKDIR /app
            COPY . .
            RUN poetry install --only main
            """,
            """
            FROM python:3.13
            WORKDIR /app
            COPY pyproject.toml poetry.lock ./
            RUN poetry install --no-root --only main
            COPY . .
            RUN poetry install --only main
            """,
        ),
        Example(
            "missing-lockfile",
            """
            FROM python:3.13
            WORKDIR /app
            COPY pyproject.toml ./
            RUN poetry install --no-root
            """,
            """
            FROM python:3.13
            WORKDIR /app
            COPY pyproject.toml poetry.lock ./
            RUN poetry install --no-root
            """,
        ),
    ),
)
