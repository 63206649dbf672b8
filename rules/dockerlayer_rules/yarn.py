"""Yarn Classic (1.x): ``yarn install --frozen-lockfile --ignore-scripts`` from all manifests, then again ``--offline``.

Classic has no command that only downloads, but its cache is in the layer, and an install from it needs no network. What
is missing is silent: without package.json, or without the manifest of a workspace, it installs less and exits 0.
"""

from __future__ import annotations

from dockerlayer.api import Ecosystem, Example, Practice, Registry, deferred

PROGRAMS = r"yarn|yarnpkg|corepack"

_NAIVE = """
            FROM node:22
            WORKDIR /app
            COPY {}
            RUN yarn install{}
            """
_WITH_LOCK = _NAIVE.format("package.json yarn.lock ./", " --frozen-lockfile")

ecosystem = Ecosystem(
    name="yarn",
    title="Yarn Classic",
    docs="https://classic.yarnpkg.com/en/docs/cli/install",
    registry=Registry("npm", "GitHub (Microsoft)", donated=False),
    programs=PROGRAMS,
    read=deferred("dockerlayer_rules._read_yarn", "read"),
    practice=Practice(
        "`yarn install --frozen-lockfile --ignore-scripts`", "`yarn install --frozen-lockfile --offline --force`", "no"
    ),
    effect=deferred("dockerlayer_rules._read_yarn", "effect"),
    use=deferred("dockerlayer_rules._use_yarn", "use"),
    cache_names=r"/\.?yarn(?:[-_]cache|/cache|/v6)?/?$",
    # As root the cache is in /usr/local/share/.cache/yarn: what is mounted over root's own is never looked at.
    other_caches=(
        r"^/root/\.cache/yarn",
        r"^/root/\.yarn(?:/|$)",
        r"/\.cache/(?!yarn)[^/]",
        r"/\.npm(?:/|$)",
        r"/node_modules/\.",
        r"/\.next(?:/|$)",
        r"/\.turbo(?:/|$)",
    ),
    home_files=(".npmrc", ".yarnrc", ".netrc", ".gitconfig"),
    patterns=("split", "narrow"),
    examples=(
        Example(
            "source-before-download",
            """
            FROM node:22
            WORKDIR /app
            COPY . .
            RUN yarn install --frozen-lockfile
            """,
            """
            FROM node:22
            WORKDIR /app
            COPY package.json yarn.lock ./
            RUN yarn install --frozen-lockfile
            COPY . .
            """,
        ),
        Example("missing-lockfile", _NAIVE.format("package.json ./", ""), _WITH_LOCK),
        Example("ignored-lockfile", _NAIVE.format("package.json ./", ""), _WITH_LOCK),
        Example(
            "useless-cache-mount",
            """
            FROM node:22
            WORKDIR /app
            COPY package.json yarn.lock ./
            RUN --mount=type=cache,target=/home/node/.cache/yarn yarn install --frozen-lockfile
            COPY . .
            """,
            """
            FROM node:22
            WORKDIR /app
            COPY package.json yarn.lock ./
            RUN --mount=type=cache,target=/usr/local/share/.cache/yarn yarn install --frozen-lockfile
            COPY . .
            """,
        ),
        Example(
            "unpinned-download",
            """
            FROM node:22
            WORKDIR /app
            COPY package.json yarn.lock ./
            RUN yarn install
            COPY . .
            """,
            """
            FROM node:22
            WORKDIR /app
            COPY package.json yarn.lock ./
            RUN yarn install --frozen-lockfile
            COPY . .
            """,
        ),
    ),
)
