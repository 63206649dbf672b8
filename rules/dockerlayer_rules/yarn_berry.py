"""Yarn 2 and later: ``yarn install --immutable --mode=skip-build`` from all manifests, then again with the network off.

With ``--immutable`` whatever is missing stops the download, so no other package manager is as safe to split. Without
it, a missing manifest prunes the lockfile and exits 0: the download always has it.
"""

from __future__ import annotations

from dockerlayer.api import Ecosystem, Example, Practice, Registry, deferred
from dockerlayer_rules.yarn import PROGRAMS

ecosystem = Ecosystem(
    name="yarn-berry",
    title="Yarn Berry",
    docs="https://yarnpkg.com/cli/install",
    registry=Registry("npm", "GitHub (Microsoft)", donated=False),
    programs=PROGRAMS,
    read=deferred("dockerlayer_rules._read_yarn_berry", "read"),
    practice=Practice(
        "`yarn install --immutable --mode=skip-build`", "`YARN_ENABLE_NETWORK=0 yarn install --immutable`", "no"
    ),
    effect=deferred("dockerlayer_rules._read_yarn_berry", "effect"),
    use=deferred("dockerlayer_rules._use_yarn_berry", "use"),
    cache_names=r"/\.?yarn(?:[-_]cache|/cache|/berry(?:/cache)?)?/?$",
    other_caches=(
        r"^/usr/local/share/\.cache",
        r"/\.cache/(?!yarn)[^/]",
        r"/\.npm(?:/|$)",
        r"/node_modules/\.",
        r"/\.next(?:/|$)",
        r"/\.turbo(?:/|$)",
    ),
    home_files=(".yarnrc.yml", ".npmrc", ".netrc", ".gitconfig"),
    patterns=("split", "narrow"),
    examples=(
        Example(
            "source-before-download",
            """
            FROM node:22
            RUN corepack enable
            WORKDIR /app
            COPY . .
            RUN yarn install --immutable
            """,
            """
            FROM node:22
            RUN corepack enable
            WORKDIR /app
            COPY package.json yarn.lock .yarnrc.yml ./
            RUN yarn install --immutable --mode=skip-build
            COPY . .
            RUN YARN_ENABLE_NETWORK=0 yarn install --immutable
            """,
        ),
    ),
)
