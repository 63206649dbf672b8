"""Bun: ``bun pm fetch`` fills the cache from the root's package.json and bun.lock, and the install runs offline.

Since Bun 1.4.4. With an older one, or one whose version the image does not tell, the install itself moves above the
source where nothing in it reaches for the source: with a workspace's manifest missing Bun 1.4 installs less and exits
0, and a member's program is not linked while its file is missing (measured with 1.2.23, 1.3.14 and 1.4.5).
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
    name="bun",
    title="Bun",
    docs="https://bun.com/docs/pm/cli/install",
    registry=Registry("npm", "GitHub (Microsoft)", donated=False),
    programs=r"bunx?",
    read=deferred("dockerlayer_rules._read_bun", "read"),
    practice=Practice("`bun pm fetch` (1.4.4)", "`bun install --frozen-lockfile --offline`", "hardly: both are new"),
    effect=deferred("dockerlayer_rules._read_bun", "effect"),
    use=deferred("dockerlayer_rules._use_bun", "use"),
    cache_names=r"/\.?bun(?:[-_]cache|/install|/install/cache|/cache)?/?$",
    other_caches=(r"/\.(?:next|turbo)\b",),
    home_files=(".npmrc", ".bunfig.toml"),
    environment=r"(?i:(?:BUN|NPM|NODE|XDG)_.*|.*(?:PROXY|TOKEN|AUTH|PASSWORD|REGISTRY|SSL|CERT).*|HOME|PATH|CI)",
    patterns=("split", "narrow"),
    examples=(
        Example(
            "source-before-download",
            """
            FROM oven/bun:1.4.5
            WORKDIR /app
            COPY . .
            RUN bun install --frozen-lockfile
            """,
            """
            FROM oven/bun:1.4.5
            WORKDIR /app
            COPY package.json bun.lock ./
            RUN bun pm fetch
            COPY . .
            RUN bun install --offline --frozen-lockfile
            """,
        ),
        Example(
            "missing-lockfile",
            """
            FROM oven/bun:1
            WORKDIR /app
            COPY package.json ./
            RUN bun install
            """,
            """
            FROM oven/bun:1
            WORKDIR /app
            COPY package.json bun.lock ./
            RUN bun install --frozen-lockfile
            """,
        ),
    ),
)
