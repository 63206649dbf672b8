"""How an npm command is spelled: its verb, its operands, the directory that it works in, and what it leaves out."""

from __future__ import annotations

import re

from dockerlayer.api import Call, join

# npm's own aliases (its cmd-list); any unambiguous prefix works too, but nobody writes those in a Dockerfile.
INSTALL = frozenset("install i in ins inst insta instal isnt isnta isntal isntall add".split())
CI = frozenset(["ci", "clean-install", "ic", "install-clean", "isntall-clean"])
AND_TEST = frozenset("install-test it install-ci-test cit clean-install-test sit".split())
VALUE_OPTIONS = frozenset(
    """--prefix -C --cache --registry --loglevel --userconfig --globalconfig --omit --only --include -w
        --workspace --location --fetch-retries --fetch-timeout --fetch-retry-mintimeout
        --fetch-retry-maxtimeout --maxsockets --tag --target --arch --platform --network-timeout --jobs
        --python --before --install-strategy --cpu --os --libc""".split()
)


def parse(call: Call) -> tuple[str, list[str], str | None]:
    """Verb, operands and directory of an npm command; the directory is None when it is not known."""
    directory = call.cwd
    words: list[str] = []
    option = ""
    for word in call.arguments:
        if option:
            if option in {"--prefix", "-C"}:
                directory = join(directory, word) if directory is not None else None
            option = ""
        elif word.startswith("-") and word not in {"-v", "--version"}:
            name, equals, value = word.partition("=")
            if name in {"--prefix", "-C"} and equals:
                directory = join(directory, value) if directory is not None else None
            option = word if word in VALUE_OPTIONS else ""
        else:
            words.append(word)
    return (words[0] if words else ""), words[1:], directory


def is_global(call: Call) -> bool:
    """Whether the command is about the packages of the whole system."""
    return call.has("-g", "--global") or "--location=global" in call.arguments


def is_offline(call: Call) -> bool:
    """Whether the command is told to stay off the network, or to install nothing at all."""
    return call.has("--offline", "--dry-run", "--package-lock-only", "--help") or any(
        (call.value(name) or "").lower() == "true" for name in ("npm_config_offline", "NPM_CONFIG_OFFLINE")
    )


def omits_dev(call: Call) -> bool:
    """Whether the command leaves the development dependencies out."""
    text = " ".join(call.arguments)
    named = re.search(r"--omit[= ]dev\b|--production\b(?!=false)|--only[= ]prod", text)
    return bool(named) or call.value("NODE_ENV") == "production"


def omits_optional(call: Call) -> bool:
    """Whether the command leaves the optional dependencies out, which then need not be there to be had."""
    text = " ".join(call.arguments)
    return re.search(r"--omit[= ]optional\b|--no-optional\b", text) is not None
