"""The packages that real projects depend on where their registry is far away, made anew by the tools' own commands."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from gems import Gem, gem_source
from served import Source

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


@contextmanager
def _gems(folder: Path, image: str) -> Iterator[Source]:
    with gem_source(folder, GEMS, image) as source:
        yield source


SOURCES: Mapping[str, Callable[[Path, str], AbstractContextManager[Source]]] = {"gems": _gems}
"""By the name that a project gives: serves the packages from an empty folder, with an image that has the tools."""
