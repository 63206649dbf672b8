"""Yarn 2 and later: ``yarn install --immutable --mode=skip-build`` from all manifests, then again with the network off.

With ``--immutable`` whatever is missing stops the download, so no other package manager is as safe to split. Without
it, a missing manifest prunes the lockfile and exits 0: the download always has it.
"""

from __future__ import annotations

from dockerlayer.api import Call, Ecosystem, Effect, Example, Fetch, Practice, Registry, Scene
from dockerlayer_rules.yarn import PROGRAMS


def read(call: Call, scene: Scene) -> Fetch | None:
    """What a command of Yarn 2 or later takes from the registry, given what stands in the image when it runs."""
    from dockerlayer_rules import _yarnberry

    return _yarnberry.read(call, scene)


def effect(call: Call, scene: Scene) -> Effect | None:
    """What the commands of Yarn 2 and later that fetch nothing read and write."""
    from dockerlayer_rules import _yarnberry

    return _yarnberry.effect(call, scene)


ecosystem = Ecosystem(
    name="yarn-berry",
    title="Yarn Berry",
    docs="https://yarnpkg.com/cli/install",
    registry=Registry("npm", "GitHub (Microsoft)", donated=False),
    programs=PROGRAMS,
    read=read,
    practice=Practice(
        "`yarn install --immutable --mode=skip-build`", "`YARN_ENABLE_NETWORK=0 yarn install --immutable`", "no"
    ),
    effect=effect,
    other_caches=(
        r"^/usr/local/share/\.cache",
        r"/\.cache/(?!yarn)[^/]",
        r"/\.npm(?:/|$)",
        r"/node_modules/\.",
        r"/\.next(?:/|$)",
        r"/\.turbo(?:/|$)",
    ),
    home_files=(".yarnrc.yml", ".npmrc", ".netrc", ".gitconfig"),
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
