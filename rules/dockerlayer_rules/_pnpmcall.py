"""A pnpm command line taken apart, and which pnpm it is that runs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from dockerlayer.api import Call, Scene, Word, join

# pnpm's own names of its commands (pnpm help, pnpm.io/cli); it takes no abbreviations but these.
INSTALL = frozenset({"install", "i"})
CLEAN = frozenset({"ci", "clean-install", "ic", "install-clean"})
ADD = frozenset({"add"})
FETCH = frozenset({"fetch"})
TESTS = frozenset({"install-test", "it"})
ANEW = frozenset({"update", "up", "upgrade", "dedupe", "import"})
DEPLOY = frozenset({"deploy"})
TOOLS = frozenset({"self-update"})
HARMLESS = frozenset("config c get set root bin help setup list ls ll la why licenses --version -v".split())
_PREFIXES = frozenset({"recursive", "multi", "m"})
VALUE_OPTIONS = frozenset(
    """-C --dir --filter -F --filter-prod --store-dir --virtual-store-dir --modules-dir --lockfile-dir --reporter
    --loglevel --registry --network-concurrency --child-concurrency --workspace-concurrency --fetch-timeout
    --fetch-retries --fetch-retry-factor --fetch-retry-maxtimeout --fetch-retry-mintimeout --node-linker
    --public-hoist-pattern --hoist-pattern --package-import-method --cache-dir --state-dir --global-dir --cpu --os
    --libc --userconfig --test-pattern --changed-files-ignore-pattern --resume-from --prefix --trust-policy""".split()
)
# What an install may have and still follow a fetch: options that the fetch must have too, and others.
PRODUCTION = frozenset({"--prod", "-P", "--production"})
CARRIED = PRODUCTION | {"--dev", "-D", "--ignore-scripts", "--registry", "--store-dir", "--trust-lockfile"}
FILTERS = frozenset({"--filter", "-F", "--filter-prod"})
KEPT = FILTERS | frozenset(
    """--frozen-lockfile --prefer-offline --offline -r --recursive -w --workspace-root --reporter --loglevel --silent
    -s --no-optional --shamefully-hoist --color --no-color --stream --aggregate-output --use-stderr -C --dir
    --strict-peer-dependencies --no-strict-peer-dependencies --workspace-concurrency --child-concurrency
    --network-concurrency --fetch-timeout --fetch-retries --fetch-retry-factor --fetch-retry-maxtimeout
    --fetch-retry-mintimeout --ignore-workspace --prefer-frozen-lockfile --config.confirmModulesPurge
    --config.confirm-modules-purge""".split()
)
SETTINGS = ("/root/.npmrc", "/root/.config/pnpm", "/root/.local/share/pnpm", "/root/.cache/node/corepack", "/pnpm")
NAME = re.compile(r"pnpm(?:@\S+)?\Z")
_SPEC = re.compile(r"pnpm@(?:latest-)?([\^~v=]*)(\d{1,3})((?:\.\d+){0,2})")
_GLOBAL = frozenset({"-g", "--global", "--location=global", "global"})


class Asked(NamedTuple):
    """A pnpm command: its verb with the word it stands in, its operands, its options, and where it works."""

    call: Call
    verb: str
    word: Word
    operands: tuple[str, ...]
    options: tuple[tuple[str, str], ...]
    directory: str | None

    def has(self, *names: str) -> bool:
        """Whether one of the options is given."""
        return any(name in names for name, _ in self.options)

    def value(self, name: str) -> str | None:
        """The value of an option given as ``--name=value`` or ``--name value``."""
        return next((value for option, value in reversed(self.options) if option == name), None)

    @property
    def is_global(self) -> bool:
        """Whether the command works on the tools of the system, not on a project."""
        return bool(_GLOBAL & {option for option, _ in self.options})


def ask(call: Call) -> Asked | None:
    """A pnpm command taken apart; None for another program, and for pnpm alone."""
    if not NAME.match(call.program) or call.words[0].text.startswith("."):
        return None
    directory, option = call.cwd, ""
    words: list[Word] = []
    options: list[tuple[str, str]] = []
    for word in call.words[1:]:
        text = word.text
        if option:
            options.append((option, text))
            option = ""
        elif text.startswith("-") and len(text) > 1 and not (not words and text in {"-v", "--version"}):
            name, equals, value = text.partition("=")
            if not equals and name in VALUE_OPTIONS:
                option = name
            else:
                options.append((name, value))
        elif words or text not in _PREFIXES:
            words.append(word)
    for name, value in options:
        if name in {"-C", "--dir", "--prefix"}:
            directory = join(directory, value) if directory is not None and "$" not in value else None
    if not words:
        return None
    operands = tuple(word.text for word in words[1:])
    return Asked(call, words[0].text, words[0], operands, tuple(options), directory)


class Version(NamedTuple):
    """Which pnpm runs: its major version, if known, and its whole version where that is pinned outside the project.

    ``seen`` is whether the file itself installs it.
    """

    major: int | None
    exact: str
    seen: bool


def version_of(call: Call, scene: Scene, manifest: Mapping[str, object]) -> Version:
    """Which pnpm a call is, by what was installed before it and by package.json.

    Corepack obeys packageManager, and so does pnpm itself from version 10 on.
    """
    spec, corepack = call.program, call.words[0] is not call.command.words[0]
    seen = corepack
    for other in scene.before(call):
        if other.program not in {"npm", "pnpm", "yarn", "corepack"}:
            continue
        corepack = corepack or other.program == "corepack"
        words = [_known(word, call) for word in other.arguments]
        # Without --activate corepack keeps a version at hand, but does not use it where no package.json names it.
        activates = other.program == "corepack" and {"--activate", "-g", "--global"} & set(words)
        seen = seen or other.program == "corepack" or "pnpm" in words
        if activates or (other.program != "corepack" and (_GLOBAL & set(words) or words[:1] == ["self-update"])):
            found = next((text for text in words if text.startswith("pnpm@")), None)
            spec, seen = found or spec, seen or found is not None
    installed, pinned = _SPEC.match(spec), _SPEC.match(pinned_of(manifest))
    exact = ""
    if installed is not None and not installed[1] and installed[3].count(".") == 2:
        exact = spec.partition("+")[0]
    chosen = installed
    if pinned is not None and (installed is None or corepack or int(installed[2]) >= 10):
        chosen = pinned
    major = int(chosen[2]) if chosen is not None else None
    return Version(major, exact, seen)


def pinned_of(manifest: Mapping[str, object]) -> str:
    """What package.json's packageManager names."""
    return str(manifest.get("packageManager") or "")


def _known(word: str, call: Call) -> str:
    """A word with the variables replaced that are known where the call runs."""
    return re.sub(r"\$(?:\{(\w+)\}|(\w+))", lambda match: call.value(match[1] or match[2]) or match[0], word)
