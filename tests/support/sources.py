"""The packages that real projects depend on where their registry is far away, made anew by the tools' own commands."""

from __future__ import annotations

import base64
import io
import json
import tarfile
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from engine import docker
from gems import Gem, gem_source
from served import Source, served

_DOUBLER = """\
#include <ruby.h>

static VALUE twice(VALUE self, VALUE number) { return INT2NUM(2 * NUM2INT(number)); }

void Init_doubler(void) { rb_define_module_function(rb_define_module("Doubler"), "twice", twice, 1); }
"""
GEMS = (
    Gem("greeting", "1.0.0", {"lib/greeting.rb": 'module Greeting\n  def self.to(name) = "hello #{name}"\nend\n'}),
    Gem("greeting", "1.1.0", {"lib/greeting.rb": 'module Greeting\n  def self.to(name) = "good day #{name}"\nend\n'}),
    Gem(
        "doubler",
        "0.2.0",
        {
            "ext/doubler/extconf.rb": 'require "mkmf"\ncreate_makefile("doubler")\n',
            "ext/doubler/doubler.c": _DOUBLER,
        },
        {"greeting": ">= 1.0, < 2"},
    ),
)
"""Two versions of one gem, and one that is compiled when it is installed."""


@dataclass(frozen=True, slots=True)
class Package:
    """A PHP package: one class, below a namespace of its own, and what it requires."""

    name: str
    version: str
    body: str
    requires: Mapping[str, str] = field(default_factory=dict)

    @property
    def title(self) -> str:
        """The name of its namespace and of its class."""
        return self.name.partition("/")[2].capitalize()

    def manifest(self) -> dict[str, object]:
        """Its composer.json."""
        autoload = {"psr-4": {f"Example\\{self.title}\\": "src/"}}
        return {"name": self.name, "license": "MIT", "require": dict(self.requires), "autoload": autoload}

    def archive(self) -> bytes:
        """Its files below one directory, as GitHub's archives have them."""
        source = f"<?php\n\nnamespace Example\\{self.title};\n\nfinal class {self.title}\n{{\n    {self.body}\n}}\n"
        files = {"composer.json": json.dumps(self.manifest()), f"src/{self.title}.php": source}
        sent = io.BytesIO()
        with zipfile.ZipFile(sent, "w") as packed:
            for path, text in files.items():
                packed.writestr(zipfile.ZipInfo(f"{self.title}/{path}"), text)
        return sent.getvalue()


_GREET = 'public static function to(string $name): string { return "{} $name"; }'
PACKAGES = (
    Package("example/greeting", "1.0.0", _GREET.replace("{}", "hello")),
    Package("example/greeting", "1.1.0", _GREET.replace("{}", "good day")),
    Package(
        "example/doubler",
        "0.2.0",
        "public static function twice(int $number): int { return 2 * $number; }",
        {"example/greeting": "^1.0"},
    ),
)
"""Two versions of one package, and one that requires it."""


@contextmanager
def _gems(folder: Path, image: str) -> Iterator[Source]:
    with gem_source(folder, GEMS, image) as source:
        yield source


@contextmanager
def _composer(folder: Path, image: str) -> Iterator[Source]:
    """A Composer repository is one file (getcomposer.org/doc/05-repositories.md#composer) and the archives it names."""
    (folder / "archives").mkdir(parents=True)
    listed: dict[str, dict[str, object]] = {}
    for package in PACKAGES:
        path = f"archives/{package.title.lower()}-{package.version}.zip"
        (folder / path).write_bytes(package.archive())
        dist = {"type": "zip", "url": f"http://registry.example.com/{path}", "reference": package.version}
        entry = {**package.manifest(), "version": package.version, "dist": dist}
        listed.setdefault(package.name, {})[package.version] = entry
    (folder / "packages.json").write_text(json.dumps({"packages": listed}), "utf-8")
    with served(folder) as source:
        yield source


_HEX = """
set -eu
cd "$(mktemp -d)"
mkdir -p public/tarballs
erl -noshell -eval '
    Key = public_key:generate_key({rsa, 2048, 65537}),
    Text = public_key:pem_encode([public_key:pem_entry_encode(list_to_atom("RSAPrivateKey"), Key)]),
    ok = file:write_file("key.pem", Text), halt().'
package() {
    mkdir -p "$1-$2/lib"
    cd "$1-$2"
    cat >mix.exs <<END
defmodule $3.MixProject do
  use Mix.Project

  def project do
    [app: :$1, version: "$2", description: "for a test", deps: [$5], package: [licenses: ["MIT"], links: %{}]]
  end
end
END
    printf 'defmodule %s do\\n  %s\\nend\\n' "$3" "$4" >"lib/$1.ex"
    mix hex.build --output "../public/tarballs/$1-$2.tar" >&2
    cd ..
}
package greeting 1.0.0 Greeting 'def to(name), do: "hello " <> name' ''
package greeting 1.1.0 Greeting 'def to(name), do: "good day " <> name' ''
package doubler 0.2.0 Doubler 'def twice(number), do: 2 * number' '{:greeting, "~> 1.0"}'
mix hex.registry build public --name=hexpm --private-key=key.pem >&2
tar -c -C public . | base64
"""


@contextmanager
def _hex(folder: Path, image: str) -> Iterator[Source]:
    """A registry as `mix hex.registry build` makes it."""
    done = docker("run", "--rm", "--network=none", image, "sh", "-c", _HEX, check=True)
    with tarfile.open(fileobj=io.BytesIO(base64.b64decode(done.stdout))) as archive:
        archive.extractall(folder, filter="data")
    with served(folder) as source:
        yield source


SOURCES: Mapping[str, Callable[[Path, str], AbstractContextManager[Source]]] = {
    "gems": _gems,
    "composer": _composer,
    "hex": _hex,
}
"""By the name that a project gives: serves the packages from an empty folder, with an image that has the tools."""
