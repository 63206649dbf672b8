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
    other_caches=(r"/\.cache(?:/|$)",),
    home_files=(".npmrc", ".netrc", ".gitconfig"),
    patterns=("split", "narrow", "stage"),
    examples=(
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
    ),
)
