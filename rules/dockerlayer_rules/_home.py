"""Whose home directory a command has, where that is proven: caches lie in it.

A builder takes HOME from ENV, else from /etc/passwd of the image (Dockerfile reference, "USER"; measured, BuildKit of
Docker 26.1.5). Of an image that is not known to run as root without a HOME of its own nothing is said. `node` of Node's
own images and `bun` of Bun's, both uid 1000, are in the images' /etc/passwd.
"""

from __future__ import annotations

import re

from dockerlayer.api import Call, Scene, join
from dockerlayer_rules._node import OFFICIAL, node_image
from dockerlayer_rules._pipcall import known

# Images that run as root (their Dockerfiles set no USER), with /root as their home.
_ROOT_IMAGES = re.compile(
    rf"{OFFICIAL}(?:python|pypy|debian|ubuntu|alpine|buildpack-deps|node|golang|rust|ruby|jruby|php|composer|elixir|erlang"
    r"|maven|gradle|fedora|rockylinux|almalinux|amazonlinux|amazoncorretto|eclipse-temurin|openjdk)(?:[:@].*)?\Z"
    r"|(?:(?:index\.)?docker\.io/)?oven/bun(?:[:@].*)?\Z"
    r"|(?:docker\.io/)?nvidia/cuda(?:[:@].*)?\Z"
    r"|mcr\.microsoft\.com/dotnet/sdk(?:[:@].*)?\Z"
    r"|ghcr\.io/astral-sh/uv:[\w.-]*(?:python|debian|alpine|bookworm|trixie)[\w.-]*(?:@.*)?\Z"
    r"|(?:docker\.io/)?astral/uv:[\w.-]*(?:python|debian|alpine|bookworm|trixie)[\w.-]*(?:@.*)?\Z"
)
BUN_IMAGE = re.compile(r"(?:(?:index\.)?docker\.io/)?oven/bun(?:[:@].*)?\Z")
_ROOT = frozenset({"root", "0"})
_HOMES = frozenset({"-d", "--home-dir", "--home", "-h"})
_NUMBERS = frozenset({"-u", "--uid"})
_VALUED = frozenset("-g --gid -s --shell -c --comment -G --groups -k --skel --gecos --ingroup -K --key -e -f".split())
_MADE_ELSEWHERE = frozenset({"-b", "--base-dir", "-D", "--defaults"})


def runs_as_root(call: Call) -> bool:
    """Whether a command is proven to run as root, whom a new cache mount belongs to."""
    state = call.step.state
    user = (state.user or "root").partition(":")[0]
    return call.user == state.user and user in _ROOT and bool(_ROOT_IMAGES.match(call.step.stage.base_image))


def home_of(call: Call, scene: Scene) -> str | None:
    """The home directory of who runs a command; None when the file does not tell."""
    state = call.step.state
    if (call.user or "root") != (state.user or "root"):
        return None  # sudo and its like: whether they set HOME is a setting of the image.
    home = call.value("HOME")
    if home is not None:
        return home if home.startswith("/") and not re.search(r"[$`]", home) else None
    image = call.step.stage.base_image
    user = (state.user or "root").partition(":")[0]
    if user in {"node", "1000"} and node_image(image) is not None:
        return "/home/node"
    if user in {"bun", "1000"} and BUN_IMAGE.match(image):
        return "/home/bun"
    if not _ROOT_IMAGES.match(image):
        return None
    if user in _ROOT:
        return "/root"
    return next(filter(None, (_made(other, user) for other in reversed(scene.before(call)))), None)


def _made(call: Call, user: str) -> str | None:
    """The home that ``useradd`` or ``adduser`` gives an account, wherever it is said."""
    if call.program not in {"useradd", "adduser"}:
        return None
    home = number = ""
    names: list[str] = []
    words = [word.text if word.literal else known(call, word.text) for word in call.words[1:]]
    at = 0
    while at < len(words):
        name, equals, value = words[at].partition("=")
        if not name.startswith("-"):
            names.append(words[at])
        elif name in _MADE_ELSEWHERE and call.program == "useradd":
            return None
        elif name in _HOMES | _NUMBERS | _VALUED and not equals:
            at += 1
            value = words[at] if at < len(words) else ""
        home = value if name in _HOMES else home
        number = value if name in _NUMBERS else number
        at += 1
    # Debian's `adduser --system` gives no home since Debian 12, and one before.
    if (
        not names
        or user not in {names[0], number}
        or (call.program == "adduser" and "--system" in words and not home)
        or any("$" in text for text in (names[0], home))
    ):
        return None
    return home or join("/home", names[0])
