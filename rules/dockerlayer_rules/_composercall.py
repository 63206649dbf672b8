"""How a Composer command is spelled, and which Composer an image has."""

from __future__ import annotations

import re
import shlex
from typing import NamedTuple

from dockerlayer.api import Call, Scene, Word, join

VALUE_OPTIONS = frozenset(
    """-d --working-dir --prefer-install --ignore-platform-req --apcu-autoloader-prefix --audit-format --format
    --repository --repository-url --stability -s""".split()
)
# What changes which archives an install takes, or how it asks for them.
_CARRIED = re.compile(
    r"--(?:no-)?dev|--prefer-(?:dist|source|install)|--ignore-platform-reqs?|--no-plugins|-n|--no-interaction|-q|--quiet"
    r"|-v+|--verbose|--no-progress|--(?:no-)?ansi|--profile"
)
_OLDEST = (2, 5)
_SCRIPT = re.compile(r"(?:.*/)?composer(?:\.phar)?\Z")
_IMAGE = re.compile(r"(?:^|/)composer(?::([\w.-]+))?(?:@.*)?\Z")
_INSTALLER = re.compile(
    r"getcomposer\.org/(?:installer|composer(?:-stable|-2)?\.phar|download/latest-(?:stable|2\.x)/)"
)
_PHP = re.compile(r"(?:^|/)php:(\d+)(?:\.(\d+))?")


class Spelling(NamedTuple):
    """``program`` are the words up to the verb's options, ``script`` the file of Composer if PHP is named to run it."""

    verb: str
    operands: tuple[str, ...]
    directory: str | None
    program: tuple[Word, ...]
    script: str
    options: tuple[str, ...]


def spelling(call: Call) -> Spelling | None:
    """A command of Composer taken apart; None for any other command of PHP."""
    words = list(call.words)
    program = [words.pop(0)]
    script = ""
    if call.program.startswith("php"):
        while words and words[0].text.startswith("-"):
            option = words.pop(0)
            program.append(option)
            if option.text in {"-d", "-c"} and words:
                program.append(words.pop(0))
        if not words or not _SCRIPT.match(words[0].text):
            return None
        script = words[0].text
        program.append(words.pop(0))
    elif "/" in call.words[0].text:
        script = call.words[0].text
    directory = call.cwd
    operands: list[str] = []
    options: list[str] = []
    while words:
        word = words.pop(0).text
        name, equals, value = word.partition("=")
        if word in VALUE_OPTIONS and words:
            value = words.pop(0).text
            word = f"{word}={value}" if word.startswith("--") else word
        if name in {"-d", "--working-dir"}:
            literal = value and not re.search(r"[$`~]", value) and not (name == "-d" and equals)
            directory = join(directory, value) if directory is not None and literal else None
        elif word.startswith("-") and len(word) > 1:
            options.append(word)
        else:
            operands.append(word)
    verb = operands[0] if operands else ""
    return Spelling(verb, tuple(operands[1:]), directory, tuple(program), script, tuple(options))


def download_of(call: Call, spelled: Spelling) -> str | None:
    """The command that only downloads what the install takes; None when its words are not literal.

    It runs no scripts: ``--download-only`` alone still runs pre-install-cmd (measured with 2.8.8).
    """
    own = [item.name for item in call.command.assignments]
    if call.words != call.command.words:
        own = list(dict.fromkeys([*own, *call.env]))
    carried = [option for option in spelled.options if _CARRIED.fullmatch(option.partition("=")[0])]
    texts = [word.text for word in spelled.program]
    if any(re.search(r"[$`*?]", text) for text in (*texts, *carried, *(call.env[name] for name in own))):
        return None
    variables = [f"{name}={shlex.quote(call.env[name])}" for name in own]
    words = [*map(shlex.quote, texts), "install", "--download-only", "--no-scripts", *map(shlex.quote, carried)]
    return " ".join([*variables, *words])


def is_known_new(call: Call, scene: Scene) -> bool | None:
    """Whether the image's Composer has ``--download-only``, which is there since 2.5; None when that is not known."""
    for other in reversed(scene.before(call)):
        text = " ".join(other.arguments)
        if "self-update" in other.arguments and other.program.startswith(("composer", "php")):
            return None if re.search(r"\d|--(?:rollback|snapshot|preview)", text) else True
    for copy in reversed(scene.copies):
        if any(re.search(r"(?:^|/)composer(?:\.phar)?\Z", source) for source in copy.sources):
            return _of_image(copy.image)
    known = _of_image(call.step.stage.base_image)
    if known is not None:
        return known
    calls = scene.before(call)
    if any("@composer" in other.arguments for other in calls if other.program == "install-php-extensions"):
        return True
    if not any(_INSTALLER.search(" ".join(other.arguments)) for other in calls):
        return None
    if any(
        re.search(r"--(?:version|1|2\.2)\b", " ".join(other.arguments)) for other in calls if other.program == "php"
    ):
        return None
    php = _PHP.search(call.step.stage.base_image)
    # The installer gives PHP below 7.2.5 an older Composer.
    return True if php is not None and (int(php[1]), int(php[2] or 99)) >= (7, 3) else None


def _of_image(image: str) -> bool | None:
    found = _IMAGE.search(image)
    if found is None:
        return None
    tag = found[1] or "latest"
    version = re.match(r"(\d+)(?:\.(\d+))?(?![\w])|(\d+)(?:\.(\d+))?", tag)
    if version is None:
        return True if tag in {"latest", "latest-bin"} else None
    major, minor = version[1] or version[3], version[2] or version[4]
    return (int(major), int(minor or 99)) >= _OLDEST
