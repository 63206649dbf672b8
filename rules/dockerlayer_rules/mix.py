"""Mix: ``mix deps.get`` from mix.exs and mix.lock alone; everything that compiles runs without a network.

In an umbrella the manifests of all the applications are needed. Without them Mix downloads nothing and exits 0.
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
    name="mix",
    title="Mix",
    docs="https://hexdocs.pm/mix/Mix.Tasks.Deps.Get.html",
    registry=Registry("Hex", "Six Colors AB and the sponsors of the Erlang Ecosystem Foundation", donated=True),
    programs=r"mix",
    read=deferred("dockerlayer_rules._read_mix", "read"),
    practice=Practice("`mix deps.get`", "`mix compile`, which never downloads", "yes, canonical"),
    effect=deferred("dockerlayer_rules._read_mix", "effect"),
    use=deferred("dockerlayer_rules._use_mix", "use"),
    cache_names=r"(?:^|/)\.hex(?:/|\Z)",
    other_caches=(r"/\.npm(?:/|\Z)", r"yarn"),
    home_files=(".hex/hex.config", ".netrc", ".gitconfig"),
    patterns=("split", "narrow"),
    examples=(
        Example(
            "source-before-download",
            """
            FROM elixir:1.18
            WORKDIR /app
            COPY . .
            RUN mix deps.get
            RUN mix compile
            """,
            """
            FROM elixir:1.18
            WORKDIR /app
            COPY mix.exs mix.lock ./
            RUN mix deps.get
            COPY . .
            RUN mix compile
            """,
        ),
        Example(
            "missing-lockfile",
            """
            FROM elixir:1.18
            WORKDIR /app
            COPY mix.exs ./
            RUN mix deps.get
            """,
            """
            FROM elixir:1.18
            WORKDIR /app
            COPY mix.exs mix.lock ./
            RUN mix deps.get
            """,
        ),
    ),
)
