"""pnpm: ``pnpm fetch`` downloads what pnpm-lock.yaml lists, and needs no package.json for it.

It fills node_modules/.pnpm as well and runs install scripts of dependencies, so it must see their patches and the
settings. Where fetch and install disagree, pnpm 9 asks whether to start anew, gets no answer and exits 0 with nothing
installed (pnpm/pnpm#6778); ``CI=true`` answers it.
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
    name="pnpm",
    title="pnpm",
    docs="https://pnpm.io/cli/fetch",
    registry=Registry("npm", "GitHub (Microsoft)", donated=False),
    programs=r"pnpm(?:@[\w.-]+)?|corepack",
    read=deferred("dockerlayer_rules._read_pnpm", "read"),
    practice=Practice("`pnpm fetch`", "`pnpm install --offline --frozen-lockfile`", "yes, made for Dockerfiles"),
    effect=deferred("dockerlayer_rules._read_pnpm", "effect"),
    use=deferred("dockerlayer_rules._use_pnpm", "use"),
    cache_names=r"/\.?pnpm(?:[-_]store)?(?:/store)?(?:/v\d+)?/?$",
    other_caches=(r"/\.(?:next|nuxt|vite|turbo|nx|svelte-kit|angular|parcel-cache|eslintcache)\b", r"/\.cache/node\b"),
    home_files=(".npmrc", ".config/pnpm", ".netrc", ".gitconfig"),
    patterns=("split", "narrow"),
    examples=(
        Example(
            "source-before-download",
            """
            FROM node:22
            RUN corepack enable && corepack prepare pnpm@10.34.9 --activate
            WORKDIR /app
            COPY . .
            RUN pnpm install --frozen-lockfile
            """,
            """
            FROM node:22
            RUN corepack enable && corepack prepare pnpm@10.34.9 --activate
            WORKDIR /app
            COPY pnpm-lock.yaml ./
            RUN pnpm fetch
            COPY . .
            RUN CI=true pnpm install --offline --frozen-lockfile
            """,
        ),
        Example(
            "missing-lockfile",
            """
            FROM node:22
            RUN corepack enable && corepack prepare pnpm@10.34.9 --activate
            WORKDIR /app
            COPY package.json ./
            RUN pnpm install
            """,
            """
            FROM node:22
            RUN corepack enable && corepack prepare pnpm@10.34.9 --activate
            WORKDIR /app
            COPY package.json pnpm-lock.yaml ./
            RUN pnpm install --frozen-lockfile
            """,
        ),
        Example(
            "offline-in-name-only",
            """
            FROM node:22
            RUN corepack enable && corepack prepare pnpm@10.34.9 --activate
            WORKDIR /app
            COPY pnpm-lock.yaml ./
            RUN pnpm fetch
            COPY . .
            RUN CI=true pnpm install --frozen-lockfile
            """,
            """
            FROM node:22
            RUN corepack enable && corepack prepare pnpm@10.34.9 --activate
            WORKDIR /app
            COPY pnpm-lock.yaml ./
            RUN pnpm fetch
            COPY . .
            RUN CI=true pnpm install --frozen-lockfile --offline
            """,
        ),
    ),
)
