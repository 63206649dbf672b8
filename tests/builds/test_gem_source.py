"""Real Bundler against gems of our own: a download from the lockfile alone, and an install without a network."""

from __future__ import annotations

import uuid
from pathlib import Path

from bases import base_or_skip
from gems import gem_source
from project_build import Workbench, answer, download_of, start_anew, up_to
from sources import GEMS

from dockerlayer.verify.builder import Builder

RUBY = "ruby:3.3"
DOWNLOAD = "RUN bundle cache"
PROJECT = {
    "Dockerfile": f"""\
FROM {RUBY}
ARG GEMS
RUN bundle config set --global mirror.https://registry.example.com "$GEMS"
WORKDIR /app
COPY Gemfile Gemfile.lock ./
{DOWNLOAD} --no-install --cache-path /tmp/gems
COPY . .
RUN --network=none BUNDLE_CACHE_PATH=/tmp/gems bundle install --local
CMD ["bundle", "exec", "ruby", "app.rb"]
""",
    "Gemfile": 'source "https://registry.example.com"\n\ngem "doubler"\ngem "greeting"\n',
    "Gemfile.lock": """\
GEM
  remote: https://registry.example.com/
  specs:
    doubler (0.2.0)
      greeting (>= 1.0, < 2)
    greeting (1.0.0)

PLATFORMS
  ruby

DEPENDENCIES
  doubler
  greeting
""",
    "app.rb": 'require "doubler"\nrequire "greeting"\n\nputs Greeting.to("layer #{Doubler.twice(21)}")\n',
}


def test_bundler_downloads_once(tmp_path: Path, builder: Builder) -> None:
    """The download asks the source, an edit asks it nothing, another pinned version asks it again."""
    base_or_skip(RUBY)
    project = tmp_path / "project"
    project.mkdir()
    for name, text in PROJECT.items():
        (project / name).write_text(text, "utf-8")
    start_anew(project / "Dockerfile", uuid.uuid4().hex)
    with gem_source(tmp_path / "source", GEMS, RUBY) as source, Workbench(builder) as bench:
        arguments = [f"GEMS={source.url}"]
        first = bench.build(project, args=arguments)
        assert answer(first.tag) == "hello layer 42"
        assert {"/versions", "/gems/doubler-0.2.0.gem", "/gems/greeting-1.0.0.gem"} <= set(source.asked)

        source.asked.clear()
        _exchange(project / "app.rb", "layer", "image")
        edited = bench.build(project, args=arguments)
        assert answer(edited.tag) == "hello image 42"
        assert all(step.cached for step in up_to(edited.steps, download_of(edited.steps, DOWNLOAD)))
        assert not source.asked

        _exchange(project / "Gemfile.lock", "greeting (1.0.0)", "greeting (1.1.0)")
        assert answer(bench.build(project, args=arguments).tag) == "good day image 42"
        assert "/gems/greeting-1.1.0.gem" in source.asked


def _exchange(path: Path, old: str, new: str) -> None:
    path.write_text(path.read_text("utf-8").replace(old, new), "utf-8")
