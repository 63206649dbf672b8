"""Command lines of uv: its verbs and options, where the project is, and how a command is written in the file."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from dockerlayer.api import Call, Scene, Step, Word, join, path_of
from dockerlayer_rules._pipcall import written

SHORT = {
    "i": "--index-url", "f": "--find-links", "U": "--upgrade", "P": "--upgrade-package", "C": "--config-setting",
    "n": "--no-cache", "p": "--python", "q": "--quiet", "v": "--verbose", "h": "--help", "w": "--with",
    "m": "--module", "s": "--script", "r": "--requirements", "e": "--editable", "c": "--constraints",
    "b": "--build-constraints", "t": "--target", "o": "--output-file", "V": "--version",
}  # fmt: skip
# Options with a value, as ``uv sync|run|pip install|pip sync|venv|export|tool --help`` list them (uv 0.13.9).
VALUED = frozenset(
    """--extra --output-format --no-extra --group --no-group --only-group --no-editable-package --no-install-package
    --package --script --python-platform --index --default-index --index-url --extra-index-url --find-links
    --index-strategy --keyring-provider --upgrade-package --upgrade-group --resolution --prerelease
    --prerelease-package --fork-strategy --exclude-newer --exclude-newer-package --no-sources-package
    --reinstall-package --link-mode --config-setting --config-settings-package --no-build-isolation-package
    --no-build-package --no-binary-package --cache-dir --refresh-package --python --color --allow-insecure-host
    --directory --project --config-file --env-file --with --with-editable --with-requirements --requirements
    --requirement --editable --constraints --constraint --overrides --override --excludes --build-constraints
    --build-constraint --cert --target --prefix --no-binary --only-binary --python-version --torch-backend --prompt
    --output-file --format --from --python-preference --python-fetch --allow-python-downloads --trusted-host
    --config-settings --emit-index-annotation --seed-package --install-dir --mirror --out-dir --no-emit-package
    --prune --bump""".split()
)
NESTED = frozenset({"pip", "tool", "python", "cache", "self", "auth", "workspace"})
_FALSE = frozenset({"", "0", "false", "f", "no", "n", "off"})
_SAME = {
    "--requirement": "--requirements", "--constraint": "--constraints", "--override": "--overrides",
    "--build-constraint": "--build-constraints", "--no-cache-dir": "--no-cache",
}  # fmt: skip


class Option(NamedTuple):
    """An option by its long name, or an operand (no name), with the words that it is made of."""

    name: str
    value: str
    words: tuple[Word, ...]


class Asked(NamedTuple):
    """A uv command. ``verb`` is ``sync``, ``pip install``, ...; ``last`` is the last word of the verb.

    ``options`` are all options and operands but the verb, ``directory`` the image directory that the project is
    looked for in. Behind the command that ``run`` names nothing is read.
    """

    call: Call
    verb: str
    last: Word
    options: tuple[Option, ...]
    directory: str | None

    def has(self, *names: str) -> bool:
        """Whether one of the options is given."""
        return any(option.name in names for option in self.options)

    def values(self, *names: str) -> list[str]:
        """The values of some options."""
        return [option.value for option in self.options if option.name in names]

    @property
    def operands(self) -> list[str]:
        """What is no option."""
        return self.values("")

    def on(self, option: str, variable: str = "") -> bool:
        """Whether a switch is given, or the variable of the same name (``UV_NO_DEV``) is set to something true."""
        name = variable or "UV_" + option.removeprefix("--").replace("-", "_").upper()
        return self.has(option) or self.set(name)

    def set(self, variable: str) -> bool:
        """Whether a variable is set to something true."""
        return (self.call.value(variable) or "").lower() not in _FALSE

    @property
    def is_offline(self) -> bool:
        """Whether the command cannot reach the network."""
        return self.on("--offline") or self.has("--help", "--dry-run") or self.call.step.flag("network") == "none"

    @property
    def keeps_cache(self) -> bool:
        """Whether the command leaves in the cache what it downloads."""
        return not self.on("--no-cache")


def ask(call: Call) -> Asked | None:
    """The uv command that a call is; None for uv without a verb, and for uvx, which is no command of uv's own."""
    if call.program != "uv":
        return None
    options: list[Option] = []
    verb: list[str] = []
    last = call.words[0]
    at = 1
    while at < len(call.words):
        word = call.words[at]
        text = word.text
        if text == "--" or (verb == ["run"] and any(not option.name for option in options)):
            break
        if text.startswith("-") and len(text) > 1:
            at += _option(call.words, at, options)
        elif not verb or (len(verb) == 1 and verb[0] in NESTED):
            verb.append(text)
            last = word
        else:
            options.append(Option("", text, (word,)))
        at += 1
    if not verb:
        return None
    directory = call.cwd
    moves = [option.value for option in options if option.name in {"--directory", "--project"}]
    moves += [value for name in ("UV_WORKING_DIR", "UV_PROJECT") if not moves and (value := call.value(name))]
    for move in moves:
        directory = join(directory, move) if directory is not None and "$" not in move else None
    return Asked(call, " ".join(verb), last, tuple(options), directory)


def _option(words: tuple[Word, ...], at: int, found: list[Option]) -> int:
    """Read one word of options; returns how many words behind it belong to it."""
    word, text = words[at], words[at].text
    following = words[at + 1] if at + 1 < len(words) else None
    if text.startswith("--"):
        name, equals, value = text.partition("=")
        name = _SAME.get(name, name)
        if equals or name not in VALUED or following is None:
            found.append(Option(name, value, (word,)))
            return 0
        found.append(Option(name, following.text, (word, following)))
        return 1
    for place, letter in enumerate(text[1:], 2):
        name = SHORT.get(letter, f"-{letter}")
        if name not in VALUED:
            found.append(Option(name, "", (word,)))
        elif text[place:] or following is None:
            found.append(Option(name, text[place:].removeprefix("="), (word,)))
            return 0
        else:
            found.append(Option(name, following.text, (word, following)))
            return 1
    return 0


def unknown_word(asked: Asked) -> str | None:
    """A word that may hold any options or operands, since only a shell would know what it stands for."""
    for option in asked.options:
        if not option.name and not option.words[0].literal and option.value.startswith(("$", "`")):
            return option.value
    return None


def own_words(asked: Asked, options: Iterable[Option], verb: str, *added: str) -> str | None:
    """The command with another verb and other options, each as it is written in the file; None where that fails."""
    call = asked.call
    wrapper = call.command.words[: len(call.command.words) - len(call.words)]
    if any("=" in word.text or word.text == "env" for word in wrapper):
        return None
    texts = [_text(call, call.words[0]), verb, *added]
    seen: set[int] = set()
    for option in options:
        for word in option.words:
            if word.start not in seen:
                texts.append(_text(call, word))
            seen.add(word.start)
    assigned = [(item.name, _text(call, item.value)) for item in call.command.assignments]
    if any(text is None for text in (*texts, *(value for _, value in assigned))):
        return None
    return " ".join([*(f"{name}={value}" for name, value in assigned), *(text or "" for text in texts)])


def _text(call: Call, word: Word) -> str | None:
    plain = word.literal and re.fullmatch(_PLAIN, word.text)
    return word.text if plain else written(call, word)


_PLAIN = r"[\w./=:@+,-]+"
_VERSION = r"(?:astral-sh/uv:|astral\.sh/uv/|(?<![\w-])uv==)v?(\d+)\.(\d+)\.(\d+)(?![\w.]*\w)"
_NEWEST = (
    r"astral-sh/uv(?::latest)?(?=[\s@]|\Z)|astral\.sh/uv/install|pipx? install (?:[^&|;]* )?[\"']?uv[\"']?(?=[\s;&]|\Z)"
)


def uv_version(scene: Scene) -> tuple[int, ...] | None:
    """The one version of uv that the stage brings in; ``()`` for the newest one, None when it cannot be told."""
    found: set[tuple[int, ...]] = set()
    newest = False
    for stage in scene.step.stage.lineage():
        texts = [
            step.instruction.logical for step in stage.steps if stage is not scene.step.stage or _above(step, scene)
        ]
        for text in (stage.image, *texts):
            found |= {tuple(map(int, match.groups())) for match in re.finditer(_VERSION, text)}
            newest = newest or re.search(_NEWEST, text) is not None
    if len(found) == 1 and not newest:
        return found.pop()
    return () if newest and not found else None


def _above(step: Step, scene: Scene) -> bool:
    return step.index <= scene.step.index


def home_of(call: Call) -> str:
    """The home directory of who runs a command, as far as the file tells."""
    user = (call.user or "root").partition(":")[0]
    return call.value("HOME") or ("/root" if user in {"root", "0"} else "/" if user.isdigit() else f"/home/{user}")


def own_places(call: Call) -> tuple[str, ...]:
    """Where uv keeps its cache, its Pythons and its tools."""
    home = home_of(call)
    named = [value for name in ("UV_CACHE_DIR", "UV_PYTHON_INSTALL_DIR", "UV_TOOL_DIR") if (value := call.value(name))]
    places = [join(home, ".cache/uv"), join(home, ".local")]
    return tuple(dict.fromkeys([*places, *(path_of(call, path) or "/" for path in named)]))
