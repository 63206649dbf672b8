"""Bundler: how its commands are spelled, and what its lockfile and the Ruby of its manifests say."""

from __future__ import annotations

from pathlib import Path

import pytest

from dockerlayer.api import Context, Fetch, Refusal
from dockerlayer.checks.survey import Survey
from dockerlayer.engine import context_for
from dockerlayer.model.layers import Analysis
from dockerlayer.syntax.parser import parse
from dockerlayer_rules._gemlock import read_lock
from dockerlayer_rules._ruby import LocalGem, reads_of
from dockerlayer_rules.bundler import ecosystem

NAIVE = Path(__file__).parents[2] / "fixtures/bundler/naive"


def fetch(command: str, folder: Path = NAIVE, image: str = "ruby:3.3") -> Fetch | None:
    """What a command fetches in the project of a folder."""
    text = f"FROM {image}\nWORKDIR /app\nCOPY . .\nRUN {command}\n"
    survey = Survey(Analysis(parse(text.encode()), context_for(folder / "Dockerfile", folder)), [ecosystem])
    found = [seen.fetch for step in survey.steps() for seen in survey.sightings(step)]
    return found[0] if found else None


def context(tmp_path: Path, files: dict[str, str | bytes]) -> Context:
    """A build context with these files."""
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode("utf-8", "surrogateescape"))
    return Context.open(tmp_path)


@pytest.mark.parametrize(
    ("command", "kind"),
    [
        ("bundle install", "install"),
        ("bundle", "install"),
        ("bundler install", "install"),
        ("bundle i", "install"),
        ("bundle --jobs 4", "install"),
        ("bundle install -j4 --retry 3", "install"),
        ("bundle install --without development test", "install"),
        ("bundle install --jobs $(nproc)", "install"),
        ("sudo -E bundle install", "install"),
        ("bundle cache", "install"),
        ("bundle package --all", "install"),
        ("bundle install --local", None),
        ("bundle --version", None),
        ("bundle -v", None),
        ("bundle exec rake", None),
        ("bundle check", None),
        ("bundle config set frozen true", None),
        ("bundle list", None),
        ("bundle install --help", None),
        ("gem install rake", "tool"),
        ("gem install bundler:2.6.2", "tool"),
        ("gem update --system 3.6.0", "tool"),
        ("gem list", None),
        ("gem build tool.gemspec", None),
        ("gem install --local tool", None),
    ],
)
def test_spellings(command: str, kind: str | None) -> None:
    found = fetch(command)
    assert (found.kind if found is not None else None) == kind
    assert found is None or found.blocked is None


@pytest.mark.parametrize(
    ("command", "code"),
    [
        ("bundle update", "resolves-anew"),
        ("bundle lock --update", "resolves-anew"),
        ("bundle add rack", "resolves-anew"),
        ("gem install ./tool.gem", "local-path"),
        ("gem install -g", "gem-options"),
        ("bundle install --gemfile=other/Gemfile", "not-in-context"),
        ("BUNDLE_LOCAL__RACK=/src/rack bundle install", "settings-made"),
    ],
)
def test_refusals(command: str, code: str) -> None:
    found = fetch(command)
    assert found is not None
    assert found.blocked is not None
    assert found.blocked.code == code


def test_lockfile() -> None:
    locked = read_lock((NAIVE / "Gemfile.lock").read_bytes())
    assert locked is not None
    assert locked.gems == {"doubler", "greeting"}
    assert locked.dependencies == {"doubler", "greeting"}
    assert locked.platforms == ("ruby", "x86_64-linux")


@pytest.mark.parametrize(
    ("platforms", "image", "suits"),
    [
        (("ruby",), "ruby:3.3", True),
        (("arm64-darwin-23",), "ruby:3.3", False),
        (("x86_64-linux-musl",), "ruby:3.3", False),
        (("x86_64-linux-musl",), "ruby:3.3-alpine", True),
        (("x86_64-linux-gnu",), "ruby:3.3-alpine", False),
        (("x86_64-linux",), "ruby:3.3-alpine", True),
    ],
)
def test_platforms(platforms: tuple[str, ...], image: str, suits: bool) -> None:
    text = "GEM\n  specs:\n\nPLATFORMS\n" + "".join(f"  {name}\n" for name in platforms)
    locked = read_lock(text.encode())
    assert locked is not None
    assert locked.suits(image) is suits


@pytest.mark.parametrize("data", [b"", b"\0\0", b"GEM", b"gem 'rack'", b"<<<<<<< HEAD\nGEM\n", b"\xff\xfe" * 99])
def test_odd_lockfiles(data: bytes) -> None:
    assert read_lock(data) is None or read_lock(data)


@pytest.mark.parametrize(
    ("text", "needs"),
    [
        ('gem "rack"', set()),
        ("# File.read('secret')\ngem 'rack' # Dir['*']", set()),
        ("=begin\nDir['*']\n=end\ngem 'rack'", set()),
        ('gem "rack", github: "rack/rack" unless ENV["PLAIN"]', set()),
        ('git_source(:github) { |repo| "https://example.com/#{repo}.git" }', set()),
        ("gem 'a', platforms: %i[mri windows]\ngem 'b', '>= 1', :require => false", set()),
        ('ruby file: ".ruby-version"', {".ruby-version"}),
        ('ruby File.read(".ruby-version").strip', {".ruby-version"}),
        ('ruby File.read(File.join(__dir__, ".ruby-version"))', {".ruby-version"}),
        ('ruby File.read("#{__dir__}/.ruby-version")', {".ruby-version"}),
        ('ruby File.read(File.expand_path("../.ruby-version", __FILE__))', {".ruby-version"}),
        ('file = ".ruby-version"\nruby File.read(file) if File.exist?(file)', {".ruby-version"}),
        ('gem "rack" if File.exist?("absent")', set()),
        ('eval_gemfile "more.rb"', {"more.rb", ".ruby-version"}),
        ('eval_gemfile File.expand_path("more.rb", __dir__)', {"more.rb", ".ruby-version"}),
        ('require_relative "lib/version"', {"lib/version.rb"}),
        ('require "json"', set()),
        ('if next?\n  gem "rack"\nend\ndef next?\n  ENV["NEXT"] == "1"\nend', set()),
    ],
)
def test_gemfile_reads(text: str, needs: set[str], tmp_path: Path) -> None:
    files = {".ruby-version": "3.3", "more.rb": "ruby file: '.ruby-version'", "lib/version.rb": "V = '1'"}
    found = set(reads_of(context(tmp_path, {**files, "Gemfile": text}), "Gemfile", directory=""))
    assert found == needs


@pytest.mark.parametrize(
    "text",
    [
        'Dir["*"].each { |name| gem name }',
        "gem `cat name`",
        'gem "#{File.read(name)}"',
        "ruby File.read(version)",
        'ruby File.read("absent")',
        "eval_gemfile ENV['OTHER']",
        "eval_gemfile 'absent.rb'",
        'gem "a", path: name',
        "path dir do\nend",
        "ruby file: name",
        "instance_eval(IO.read(name))",
        "plugin 'x'",
        "require_relative 'absent'",
        "send(:eval_gemfile, name)",
        "YAML.load_file('gems.yml').each { |it| gem it }",
        "gem 'a', Pathname('v').read",
        "load 'x.rb'",
        "gem 'a', path: '../outside'",
        "$stdin.each { |it| gem it }",
    ],
)
def test_gemfile_refused(text: str, tmp_path: Path) -> None:
    found = list(reads_of(context(tmp_path, {"Gemfile": text}), "Gemfile", directory=""))
    assert any(isinstance(item, Refusal) for item in found)


def test_local_gems(tmp_path: Path) -> None:
    text = 'gem "a", path: "gems/a"\npath "gems" do\n  gem "b"\nend\ngemspec\n'
    found = list(reads_of(context(tmp_path, {"Gemfile": text}), "Gemfile", directory=""))
    assert {item for item in found if isinstance(item, LocalGem)} == {
        LocalGem("gems/a"),
        LocalGem("gems"),
        LocalGem(""),
    }
    assert not [item for item in found if isinstance(item, Refusal)]


HOSTILE = [
    b"",
    b"\0" * 1000,
    b"\xff\xfe\xfd",
    b'"' * 50_000,
    b"<<A\n" * 20_000,
    b"=begin\n" * 20_000,
    b"eval_gemfile 'Gemfile'\n" * 2_000,
    b"gem 'a', path: '.'\n" * 2_000,
    b"(" * 100_000,
    b"#{" * 50_000,
    b"gem 'x'\n" * 1_000_000,
    b"x" * 5_000_000,
    b"a = 'a'\n" * 10_000,
]


@pytest.mark.parametrize("data", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_manifests(data: bytes, tmp_path: Path) -> None:
    lock = (NAIVE / "Gemfile.lock").read_bytes()
    context(tmp_path, {"Gemfile": data, "Gemfile.lock": lock, "a.gemspec": data})
    assert fetch("bundle install", tmp_path)
    context(tmp_path, {"Gemfile": b"gem 'a'\n", "Gemfile.lock": data})
    fetch("bundle install", tmp_path)


def test_looping_links(tmp_path: Path) -> None:
    (tmp_path / "Gemfile").symlink_to("Gemfile.lock")
    (tmp_path / "Gemfile.lock").symlink_to("Gemfile")
    found = fetch("bundle install", tmp_path)
    assert found is not None
    assert found.blocked is not None
