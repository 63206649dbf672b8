"""pip: an install from requirement files needs these files and nothing else; ``pip install .`` needs the source.

A download of its own is ``pip wheel``, not ``pip download``, which leaves out what sdists need to be built
(pypa/pip#7863). It is offered on the official python images only: ``pip wheel`` fetches again what an image holds.
"""

from __future__ import annotations

from collections.abc import Iterator

from dockerlayer.api import (
    Call,
    Ecosystem,
    Example,
    Finding,
    Practice,
    Registry,
    Rule,
    Scene,
    Severity,
    deferred,
)


def check_download(call: Call, scene: Scene) -> Iterator[Finding]:
    """``pip download`` fetches less than an install needs.

    Why: it leaves out what source distributions need to be built (pypa/pip#7863). An install without the network then
    fails on the first of them, and one with the network downloads again in the layer that was meant to do without.

    Bad::

        FROM python:3.12
        WORKDIR /app
        COPY requirements.txt ./
        RUN pip download -d /wheels -r requirements.txt
        RUN pip install --no-index --find-links /wheels -r requirements.txt

    Good::

        FROM python:3.12
        WORKDIR /app
        COPY requirements.txt ./
        RUN pip wheel --wheel-dir /wheels -r requirements.txt
        RUN pip install --no-index --find-links /wheels -r requirements.txt

    Fix safety: unsafe. The directory then holds wheels that fit this image, and no source distributions.

    References:
    - pypa/pip#7863: https://github.com/pypa/pip/issues/7863
    """
    from dockerlayer_rules._read_pip import incomplete_download

    yield from incomplete_download(call, scene)


ecosystem = Ecosystem(
    name="pip",
    title="pip (Python)",
    docs="https://pip.pypa.io/en/stable/cli/pip_wheel/",
    registry=Registry("PyPI", "Fastly (donated bandwidth)", donated=True),
    programs=r"pip|pip\d(?:\.\d+)?|python|python\d(?:\.\d+)?|pypy3?|pypy3\.\d+|virtualenv",
    read=deferred("dockerlayer_rules._read_pip", "read"),
    use=deferred("dockerlayer_rules._use_pip", "use"),
    cache_names=r"(?:^|[/_.-])(?:cache|caches)\b.*[/_.-]pip3?(?:[/_.-]|$)|(?:^|[/_.-])pip3?[/_.-]?(?:cache|http)",
    practice=Practice("`pip wheel`", "`pip install --no-index --find-links`", "rarely"),
    effect=deferred("dockerlayer_rules._read_pip", "effect"),
    home_files=(".config/pip", ".pip", ".netrc", ".gitconfig"),
    other_caches=(r"^/tmp/?$",),
    rules=(Rule("pip-download-incomplete", Severity.WARNING, check_download, fixable=True),),
    patterns=("split", "narrow", "stage", "hybrid"),
    examples=(
        Example(
            "offline-fed-by-cache-mount",
            """
            FROM python:3.12
            WORKDIR /app
            COPY requirements.txt .
            RUN --mount=type=cache,target=/wheels pip wheel --wheel-dir /wheels -r requirements.txt
            COPY . .
            RUN --mount=type=cache,target=/wheels pip install --no-index --find-links /wheels -r requirements.txt
            """,
            """
            FROM python:3.12
            WORKDIR /app
            COPY requirements.txt .
            RUN pip wheel --wheel-dir /tmp/wheels -r requirements.txt
            COPY . .
            RUN pip install --no-index --find-links /tmp/wheels -r requirements.txt
            """,
        ),
        Example(
            "useless-cache-mount",
            """
            FROM python:3.12
            WORKDIR /app
            COPY requirements.txt .
            RUN --mount=type=cache,target=/root/.cache/pip pip install --no-cache-dir -r requirements.txt
            COPY . .
            """,
            """
            FROM python:3.12
            WORKDIR /app
            COPY requirements.txt .
            RUN --mount=type=cache,target=/root/.cache/pip pip install -r requirements.txt
            COPY . .
            """,
        ),
        Example(
            "combined-download-install",
            """
            FROM python:3.12
            WORKDIR /app
            COPY requirements.txt ./
            RUN pip install -r requirements.txt
            COPY . .
            """,
            """
            FROM python:3.12
            WORKDIR /app
            COPY requirements.txt ./
            RUN pip wheel --wheel-dir /tmp/wheels -r requirements.txt
            RUN pip install --no-index --find-links /tmp/wheels -r requirements.txt
            COPY . .
            """,
        ),
        Example(
            "source-before-download",
            """
            FROM python:3.12
            WORKDIR /app
            COPY . .
            RUN pip install -r requirements.txt
            """,
            """
            FROM python:3.12
            WORKDIR /app
            COPY requirements.txt ./
            RUN pip install -r requirements.txt
            COPY . .
            """,
        ),
        Example(
            "offline-in-name-only",
            """
            FROM python:3.12
            WORKDIR /app
            COPY requirements.txt .
            RUN pip wheel --wheel-dir /tmp/wheels -r requirements.txt
            COPY . .
            RUN pip install --find-links /tmp/wheels -r requirements.txt
            """,
            """
            FROM python:3.12
            WORKDIR /app
            COPY requirements.txt .
            RUN pip wheel --wheel-dir /tmp/wheels -r requirements.txt
            COPY . .
            RUN pip install --no-index --find-links /tmp/wheels -r requirements.txt
            """,
        ),
        Example(
            "network-in-install",
            """
            FROM python:3.12
            WORKDIR /app
            COPY requirements.txt .
            RUN pip wheel --wheel-dir /tmp/wheels -r requirements.txt
            RUN pip install --no-index --find-links /tmp/wheels -r requirements.txt
            COPY . .
            """,
            """
            FROM python:3.12
            WORKDIR /app
            COPY requirements.txt .
            RUN pip wheel --wheel-dir /tmp/wheels -r requirements.txt
            RUN --network=none pip install --no-index --find-links /tmp/wheels -r requirements.txt
            COPY . .
            """,
        ),
        Example(
            "mount-shadows-layer",
            """
            FROM python:3.12
            WORKDIR /app
            COPY requirements.txt .
            RUN --mount=type=cache,target=/tmp/wheels pip wheel --wheel-dir /tmp/wheels -r requirements.txt
            COPY . .
            RUN pip install --no-index --find-links /tmp/wheels -r requirements.txt
            """,
            """
            FROM python:3.12
            WORKDIR /app
            COPY requirements.txt .
            RUN pip wheel --wheel-dir /tmp/wheels -r requirements.txt
            COPY . .
            RUN pip install --no-index --find-links /tmp/wheels -r requirements.txt
            """,
        ),
    ),
)
