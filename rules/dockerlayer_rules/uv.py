"""uv: ``uv sync`` without the project needs pyproject.toml and uv.lock; the project itself needs its source.

``--frozen`` makes the narrow sync do without the manifests of workspace members; the sync below the source stays as it
was written, so that ``--locked`` still finds a stale lockfile. Only a sync that is proven to need nothing gets
``--offline``. What is said of uv was tried with uv 0.5.31, 0.8.24 and 0.13.9.
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
    name="uv",
    title="uv (Python)",
    docs="https://docs.astral.sh/uv/guides/integration/docker/",
    registry=Registry("PyPI", "Fastly (donated bandwidth)", donated=True),
    programs=r"uv|uvx",
    read=deferred("dockerlayer_rules._read_uv", "read"),
    use=deferred("dockerlayer_rules._use_uv", "use"),
    cache_names=r"(?:^|[/_.-])(?:cache|caches)\b.*[/_.-]uv(?:[/_.-]|$)|(?:^|[/_.-])uv[/_.-]?cache",
    practice=Practice("none; `uv sync --frozen --no-install-project`", "`uv sync --offline`", "often"),
    effect=deferred("dockerlayer_rules._read_uv", "effect"),
    home_files=(".config/uv", ".netrc", ".gitconfig"),
    other_caches=(r"^/tmp/?$", r"/\.cache/(?:pip|pypoetry|pdm|pre-commit)(?:/|$)", r"/\.npm(?:/|$)"),
    patterns=("split", "narrow"),
    examples=(
        Example(
            "source-before-download",
            """
            FROM python:3.13
            WORKDIR /app
            COPY --from=ghcr.io/astral-sh/uv:0.13.9 /uv /bin/
            COPY . .
            RUN uv sync --locked
            """,
            """
            FROM python:3.13
            WORKDIR /app
            COPY --from=ghcr.io/astral-sh/uv:0.13.9 /uv /bin/
            COPY pyproject.toml uv.lock ./
            RUN uv sync --locked
            COPY . .
            """,
        ),
        Example(
            "missing-lockfile",
            """
            FROM python:3.13
            WORKDIR /app
            COPY pyproject.toml ./
            RUN uv sync
            """,
            """
            FROM python:3.13
            WORKDIR /app
            COPY pyproject.toml uv.lock ./
            RUN uv sync --locked
            """,
        ),
        Example(
            "ignored-lockfile",
            """
            FROM python:3.13
            WORKDIR /app
            COPY pyproject.toml ./
            RUN uv sync
            """,
            """
            FROM python:3.13
            WORKDIR /app
            COPY pyproject.toml uv.lock ./
            RUN uv sync --locked
            """,
        ),
        Example(
            "unpinned-download",
            """
            FROM python:3.13
            WORKDIR /app
            COPY --from=ghcr.io/astral-sh/uv:0.13.9 /uv /bin/
            COPY pyproject.toml uv.lock ./
            RUN uv sync --upgrade
            COPY . .
            """,
            """
            FROM python:3.13
            WORKDIR /app
            COPY --from=ghcr.io/astral-sh/uv:0.13.9 /uv /bin/
            COPY pyproject.toml uv.lock ./
            RUN uv sync --locked
            COPY . .
            """,
        ),
        Example(
            "useless-cache-mount",
            """
            FROM python:3.13
            WORKDIR /app
            COPY --from=ghcr.io/astral-sh/uv:0.13.9 /uv /bin/
            COPY pyproject.toml uv.lock ./
            RUN --mount=type=cache,target=/root/.cache/uv uv sync --locked --no-cache
            COPY . .
            """,
            """
            FROM python:3.13
            WORKDIR /app
            COPY --from=ghcr.io/astral-sh/uv:0.13.9 /uv /bin/
            COPY pyproject.toml uv.lock ./
            RUN --mount=type=cache,target=/root/.cache/uv uv sync --locked
            COPY . .
            """,
        ),
    ),
)
