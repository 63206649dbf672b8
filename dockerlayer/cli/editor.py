"""The language server with the settings of the command line."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import TypeVar

from dockerlayer.cli.choices import Pattern, Profile
from dockerlayer.cli.request import Request, Settler
from dockerlayer.cli.terminal import is_terminal, say
from dockerlayer.errors import UsageError, meant
from dockerlayer.registry import installed

Choice = TypeVar("Choice", bound=StrEnum)


def serve(request: Request) -> int:
    """Serve the editor at the other end of standard input and output; raises UsageError without the extra."""
    try:
        from dockerlayer.lsp.desk import Setting, Settle
        from dockerlayer.lsp.server import Server
    except ImportError as error:
        if (error.name or "").partition(".")[0] not in {"pygls", "lsprotocol", "cattrs", "attrs"}:
            raise
        raise UsageError("the language server needs more packages: pip install 'dockerlayer[lsp]'") from error
    ecosystems, broken = installed()
    Settler(request, ecosystems)

    def begin(options: Mapping[str, object]) -> Settle:
        settler = Settler(with_options(request, options), ecosystems)

        def settle(path: str | None) -> Setting:
            settings = settler.settings(path)
            excluded = path is not None and settler.excludes(path, Path(path).anchor)
            return Setting(settings.options, settings.context, settings.baseline, excluded)

        return settle

    if is_terminal(sys.stdin):
        say("An editor starts this and talks to it over standard input; Ctrl-C ends it.")
    # pygls reads in a thread, which Python would wait for after its own KeyboardInterrupt.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    source = os.fdopen(os.dup(sys.stdin.fileno()), "rb")
    sink = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    # Whatever a plugin prints must not get between the messages.
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    return Server(begin, ecosystems, broken).run(source, sink)


def with_options(request: Request, options: Mapping[str, object]) -> Request:
    """The request with the editor's options over it; raises UsageError for those that there are not."""
    known = ("select", "ignore", "pattern", "profile", "context")
    for name in options:
        if name not in known:
            raise UsageError(f"there is no initialization option {name!r}; {meant(name, known)}")
    select, ignore = _names(options, "select"), _names(options, "ignore")
    pattern, profile = _choice(options, "pattern", Pattern), _choice(options, "profile", Profile)
    context = options.get("context")
    if context is not None and not isinstance(context, str):
        raise UsageError("the initialization option 'context' is no text")
    return request._replace(
        select=request.select if select is None else select,
        ignore=request.ignore if ignore is None else ignore,
        pattern=pattern or request.pattern,
        profile=profile or request.profile,
        context=context or request.context,
    )


def _names(options: Mapping[str, object], name: str) -> list[str] | None:
    value = options.get(name)
    if value is None:
        return None
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise UsageError(f"the initialization option {name!r} is no list of rules")
    return value or None


def _choice(options: Mapping[str, object], name: str, kind: type[Choice]) -> Choice | None:
    value = options.get(name)
    if value is None:
        return None
    try:
        return kind(str(value))
    except ValueError:
        listed = ", ".join(kind)
        raise UsageError(f"the initialization option {name!r} is one of {listed}, not {value!r}") from None
