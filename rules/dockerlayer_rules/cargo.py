"""Cargo: ``cargo fetch --locked`` from the manifests of all packages and Cargo.lock, then the build with ``--frozen``.

Cargo loads no manifest whose targets are missing, so the download makes empty files where the source has them, and
takes them away in the same RUN: one that stayed would become a target of its own, one that was compiled would be taken
for up to date.
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


def check_compiled(call: Call, scene: Scene) -> Iterator[Finding]:
    """A dummy source was compiled, and Cargo takes it for the program.

    Why: COPY keeps the times of the files in the build context. Where a dummy was compiled above, the source that is
    copied over it is older than what was compiled, and Cargo, which compares times and not contents, has nothing to
    do: the image holds the dummy. It happens wherever the dummy is compiled after the source was written, as in CI; a
    file that was edited, or cloned, after the layer was built is newer and hides it. To remove the sources or the
    linked program, to touch Cargo.toml or to run ``cargo clean -p NAME`` without the ``--release`` of the build does
    not help (measured, cargo 1.85).

    Bad::

        FROM rust:1.85
        WORKDIR /src
        COPY Cargo.toml Cargo.lock ./
        RUN mkdir src && echo 'fn main() {}' > src/main.rs && cargo build --release
        COPY src src
        RUN cargo build --release

    Good::

        FROM rust:1.85
        WORKDIR /src
        COPY Cargo.toml Cargo.lock ./
        RUN mkdir src && echo 'fn main() {}' > src/main.rs && cargo build --release
        COPY src src
        RUN touch src/main.rs && cargo build --release

    Fix safety: safe where the build runs as root; unsafe for another user, who may not change the time of a file that
    root owns.

    References:
    - rust-lang/cargo#7181: https://github.com/rust-lang/cargo/issues/7181
    - rust-lang/cargo#9312: https://github.com/rust-lang/cargo/issues/9312
    """
    from dockerlayer_rules._cargodummy import compiled

    yield from compiled(call, scene)


def check_leftover(call: Call, scene: Scene) -> Iterator[Finding]:
    """A dummy source that nothing replaces becomes a program of the package.

    Why: COPY removes nothing. A dummy ``src/main.rs`` stays where the package is a library or has its programs in
    ``src/bin``, and Cargo finds it as it finds every program: an empty one breaks the build (E0601, no main function),
    another one is built, and installed, beside the others.

    Fix safety: safe where the build fails because of the dummy and runs as root, else unsafe: a later step may use the
    program.

    References:
    - Cargo, package layout: https://doc.rust-lang.org/cargo/guide/project-layout.html
    """
    from dockerlayer_rules._cargodummy import leftover

    yield from leftover(call, scene)


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
    rules=(
        Rule("compiled-dummy-source", Severity.ERROR, check_compiled, fixable=True),
        Rule("leftover-dummy-source", Severity.WARNING, check_leftover, fixable=True),
    ),
    examples=(
        Example(
            "leftover-dummy-source",
            """
            FROM rust:1.85
            WORKDIR /src
            COPY Cargo.toml Cargo.lock ./
            RUN mkdir src && touch src/main.rs && cargo fetch --locked
            COPY src src
            RUN cargo build --release
            """,
            """
            FROM rust:1.85
            WORKDIR /src
            COPY Cargo.toml Cargo.lock ./
            RUN mkdir src && touch src/main.rs && cargo fetch --locked && rm src/main.rs
            COPY src src
            RUN cargo build --release
            """,
            case="lib-only",
        ),
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
