"""npm: ``npm ci`` from package.json, package-lock.json and .npmrc alone, where nothing in them reaches for the source.

npm has no command that only downloads. What makes the narrow install unsafe is silent: with workspace manifests or a
patches directory missing it installs less and exits 0, so each of these is looked for in the real context. Where the
install needs the source, what the lockfile lists is put into npm's cache first, and installed from there.
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
    name="npm",
    title="npm",
    docs="https://docs.npmjs.com/cli/commands/npm-ci",
    registry=Registry("npm", "GitHub (Microsoft)", donated=False),
    programs=r"npm",
    read=deferred("dockerlayer_rules._read_npm", "read"),
    practice=Practice("none; `npm cache add` of what the lockfile lists", "`npm ci --offline`", "no"),
    effect=deferred("dockerlayer_rules._read_npm", "effect"),
    use=deferred("dockerlayer_rules._use_npm", "use"),
    cache_names=r"/\.?npm(?:/_cacache)?/?$|/npm[-_]?cache/?$|/_cacache/?$",
    other_caches=(r"/\.cache(?:/|$)",),
    home_files=(".npmrc", ".netrc", ".gitconfig"),
    patterns=("split", "narrow", "stage"),
    examples=(
        Example(
            "useless-cache-mount",
            """
            FROM node:22
            WORKDIR /app
            COPY package.json package-lock.json ./
            RUN --mount=type=cache,target=/usr/src/app/.npm npm ci
            COPY . .
            """,
            """
            FROM node:22
            WORKDIR /app
            COPY package.json package-lock.json ./
            RUN --mount=type=cache,target=/root/.npm npm ci
            COPY . .
            """,
        ),
        Example(
            "source-before-download",
            """
            FROM node:22
            WORKDIR /app
            COPY . .
            RUN npm ci
            """,
            """
            FROM node:22
            WORKDIR /app
            COPY package.json package-lock.json ./
            RUN npm ci
            COPY . .
            """,
        ),
        Example(
            "context-overwrites-install",
            """
            FROM node:22
            WORKDIR /app
            COPY package.json package-lock.json ./
            RUN npm ci
            COPY . .
            """,
            """
            FROM node:22
            WORKDIR /app
            COPY package.json package-lock.json ./
            RUN npm ci
            COPY . .
            """,
            case="modules-ignored-by-git",
            ignored="node_modules",
        ),
        Example(
            "missing-lockfile",
            """
            FROM node:22
            WORKDIR /app
            COPY package.json ./
            RUN npm install
            """,
            """
            FROM node:22
            WORKDIR /app
            COPY package.json package-lock.json ./
            RUN npm ci
            """,
        ),
        Example(
            "ignored-lockfile",
            """
            FROM node:22
            WORKDIR /app
            COPY package.json ./
            RUN npm install
            """,
            """
            FROM node:22
            WORKDIR /app
            COPY package.json package-lock.json ./
            RUN npm ci
            """,
        ),
        Example(
            "redundant-download",
            """
            FROM node:22 AS build
            WORKDIR /app
            COPY package.json package-lock.json ./
            RUN npm ci
            COPY . .
            RUN npm run build

            FROM node:22
            WORKDIR /app
            RUN mkdir /data
            COPY package.json package-lock.json ./
            RUN npm ci
            COPY --from=build /app/dist ./dist
            """,
            """
            FROM node:22 AS packages
            WORKDIR /app
            COPY package.json package-lock.json ./
            RUN npm ci

            FROM packages AS build
            COPY . .
            RUN npm run build

            FROM packages
            RUN mkdir /data
            COPY --from=build /app/dist ./dist
            """,
        ),
        Example(
            "offline-in-name-only",
            """
            FROM node:22
            WORKDIR /app
            COPY package.json package-lock.json ./
            RUN npm ci --prefer-offline
            """,
            """
            FROM node:22
            WORKDIR /app
            COPY package.json package-lock.json ./
            RUN npm cache add ms@2.1.3
            RUN npm ci --offline
            """,
        ),
        Example(
            "unpinned-download",
            """
            FROM node:22
            WORKDIR /app
            COPY package.json package-lock.json ./
            RUN npm install
            """,
            """
            FROM node:22
            WORKDIR /app
            COPY package.json package-lock.json ./
            RUN npm ci
            """,
            case="split-install-drifted",
        ),
        Example(
            "network-in-install",
            """
            FROM node:22
            WORKDIR /app
            COPY package.json package-lock.json ./
            RUN npm cache add ms@2.1.3
            RUN npm ci --offline
            """,
            """
            FROM node:22
            WORKDIR /app
            COPY package.json package-lock.json ./
            RUN npm cache add ms@2.1.3
            RUN --network=none npm ci --offline
            """,
        ),
    ),
)
