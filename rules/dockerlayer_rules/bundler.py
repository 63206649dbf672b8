"""Bundler: ``bundle install`` from Gemfile, Gemfile.lock and what they read, as Rails' own Dockerfile has it.

``bundle cache --no-install`` would only download, but it leaves every gem in the image twice; so the install itself
moves above the source. A Gemfile is Ruby: where its text does not show which files it reads, nothing is moved.
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
    name="bundler",
    title="Bundler",
    docs="https://bundler.io/man/bundle-install.1.html",
    registry=Registry("RubyGems", "Ruby Central, with bandwidth donated by Fastly", donated=True),
    programs=r"bundler?|gem",
    read=deferred("dockerlayer_rules._read_bundler", "read"),
    practice=Practice("`bundle cache --no-install`", "`bundle install --local`", "no; narrow `bundle install`"),
    effect=deferred("dockerlayer_rules._read_bundler", "effect"),
    use=deferred("dockerlayer_rules._use_bundler", "use"),
    cache_names=r"(?:^|/)\.?gems?/?\Z|(?:^|/)\.bundle(?:/|\Z)|\A/usr/local/bundle(?:/|\Z)|vendor/bundle/?\Z",
    other_caches=(r"/\.npm(?:/|$)", r"yarn", r"/tmp/cache/bootsnap"),
    home_files=(".bundle/config", ".gemrc", ".gem/credentials", ".netrc", ".gitconfig"),
    patterns=("narrow",),
    examples=(
        Example(
            "source-before-download",
            """
            FROM ruby:3.3
            WORKDIR /app
            COPY . .
            RUN bundle install
            """,
            """
            FROM ruby:3.3
            WORKDIR /app
            COPY Gemfile Gemfile.lock ./
            RUN bundle install
            COPY . .
            """,
        ),
        Example(
            "missing-lockfile",
            """
            FROM ruby:3.3
            WORKDIR /app
            COPY Gemfile ./
            RUN bundle install
            """,
            """
            FROM ruby:3.3
            WORKDIR /app
            COPY Gemfile Gemfile.lock ./
            RUN bundle install
            """,
        ),
    ),
)
