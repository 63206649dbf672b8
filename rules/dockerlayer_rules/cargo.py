"""Cargo: ``cargo fetch --locked`` from the manifests of all packages and Cargo.lock, then the build with ``--frozen``.

Cargo loads no manifest whose targets are missing, so the download makes empty files where the source has them, and
takes them away in the same RUN: one that stayed would become a target of its own, one that was compiled would be taken
for up to date.
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
    name="cargo",
    title="Cargo",
    docs="https://doc.rust-lang.org/cargo/commands/cargo-fetch.html",
    registry=Registry("crates.io", "the Rust Foundation, with bandwidth donated by Fastly and AWS", donated=True),
    programs=r"cargo|xx-cargo|rustup|rustc",
    read=deferred("dockerlayer_rules._read_cargo", "read"),
    practice=Practice(
        "`cargo fetch --locked` beside empty targets", "`cargo build --frozen`", "rarely; cargo-chef instead"
    ),
    effect=deferred("dockerlayer_rules._read_cargo", "effect"),
    use=deferred("dockerlayer_rules._use_cargo", "use"),
    cache_names=r"(?:^|/)\.?cargo(?:/registry|/git|/?\Z)(?:/|\Z)?|cargo[-_](?:registry|git|home|cache)",
    other_caches=(r"(?:^|/)target(?:/|$)", r"sccache", r"\.rustup|/rustup"),
    home_files=(".cargo/config.toml", ".cargo/config", ".cargo/credentials.toml", ".gitconfig", ".netrc"),
    environment=r"CARGO_.*|RUST.*|GIT_.*|SSH_.*|SSL_.*|.*(?:PROXY|proxy|TOKEN|PASSWORD).*|HOME|PATH",
    patterns=("split", "narrow", "hybrid"),
    examples=(
        Example(
            "mount-shadows-layer",
            """
            FROM rust:1.85 AS build
            WORKDIR /src
            COPY . .
            RUN --mount=type=cache,target=/usr/local/cargo/registry \\
                --mount=type=cache,target=/src/target \\
                cargo build --release

            FROM debian:trixie-slim
            COPY --from=build /src/target/release/app /usr/local/bin/app
            """,
            """
            FROM rust:1.85 AS build
            WORKDIR /src
            COPY . .
            RUN --mount=type=cache,target=/usr/local/cargo/registry \\
                --mount=type=cache,target=/src/target \\
                cargo build --release && cp target/release/app /usr/local/bin/app

            FROM debian:trixie-slim
            COPY --from=build /usr/local/bin/app /usr/local/bin/app
            """,
        ),
        Example(
            "source-before-download",
            """
            FROM rust:1.85
            WORKDIR /src
            COPY . .
            RUN cargo build --release
            """,
            """
            FROM rust:1.85
            WORKDIR /src
            COPY Cargo.toml Cargo.lock ./
            RUN mkdir -p src && touch src/main.rs && cargo fetch --locked && rm src/main.rs
            COPY . .
            RUN cargo build --release --frozen
            """,
        ),
        Example(
            "missing-lockfile",
            """
            FROM rust:1.85
            WORKDIR /src
            COPY Cargo.toml ./
            COPY src ./src
            RUN cargo build --release
            """,
            """
            FROM rust:1.85
            WORKDIR /src
            COPY Cargo.toml Cargo.lock ./
            RUN mkdir -p src && touch src/main.rs && cargo fetch --locked && rm src/main.rs
            COPY src ./src
            RUN cargo build --release --frozen
            """,
        ),
        Example(
            "offline-fed-by-cache-mount",
            """
            FROM rust:1.85
            WORKDIR /src
            COPY Cargo.toml Cargo.lock ./
            RUN --mount=type=cache,target=/usr/local/cargo/registry \\
                mkdir src && touch src/main.rs && cargo fetch --locked && rm src/main.rs
            COPY . .
            RUN --mount=type=cache,target=/usr/local/cargo/registry cargo build --release --frozen
            """,
            """
            FROM rust:1.85
            WORKDIR /src
            COPY Cargo.toml Cargo.lock ./
            RUN mkdir src && touch src/main.rs && cargo fetch --locked && rm src/main.rs
            COPY . .
            RUN cargo build --release --frozen
            """,
        ),
        Example(
            "unpinned-download",
            """
            FROM rust:1.85
            WORKDIR /src
            COPY . .
            RUN --mount=type=cache,target=/usr/local/cargo/registry cargo install --path .
            """,
            """
            FROM rust:1.85
            WORKDIR /src
            COPY . .
            RUN --mount=type=cache,target=/usr/local/cargo/registry cargo install --path . --locked
            """,
        ),
    ),
)
