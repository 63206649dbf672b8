"""Command lines of pip: their words as pip reads them, as the shell knows them, and as they are written."""

from __future__ import annotations

import posixpath
import re
import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from dockerlayer.api import (
    Call,
    Scene,
    Word,
    join,
    path_of,
)

SHORT = {
    "r": "--requirement", "c": "--constraint", "e": "--editable", "i": "--index-url", "f": "--find-links",
    "t": "--target", "d": "--dest", "w": "--wheel-dir", "b": "--build", "C": "--config-settings", "U": "--upgrade",
    "I": "--ignore-installed", "q": "--quiet", "v": "--verbose", "h": "--help", "V": "--version",
}  # fmt: skip
VALUED = frozenset(
    """--requirement --constraint --build-constraint --requirements-from-script --editable --index-url --pypi-url
    --extra-index-url --find-links --target --dest --download --wheel-dir --build --config-settings --platform
    --python-version --implementation --abi --root --prefix --src --upgrade-strategy --progress-bar
    --root-user-action --report --group --all-releases --only-final --no-binary --only-binary --refresh-package
    --uploaded-prior-to --python --log --keyring-provider --proxy --retries --timeout --default-timeout
    --exists-action --trusted-host --cert --client-cert --cache-dir --use-feature --use-deprecated
    --resume-retries --install-option --global-option --build-option --hash""".split()
)
FLAGS = frozenset(
    """--no-deps --no-dependencies --only-deps --dry-run --user --upgrade --force-reinstall --ignore-installed
    --ignore-requires-python --no-build-isolation --check-build-dependencies --break-system-packages --compile
    --no-compile --no-warn-script-location --no-warn-conflicts --require-hashes --no-require-hashes --no-clean --pre
    --prefer-binary --no-index --help --debug --isolated --require-virtualenv --verbose --quiet --no-input
    --no-proxy-env --no-cache-dir --disable-pip-version-check --no-color --no-verify --use-pep517
    --no-use-pep517 --no-python-version-warning --version""".split()
)
_SHELL_VARIABLE = re.compile(r"\$(?:(\w+)|\{(\w+)(?::?-([^{}$]*))?\})")
_PYTHON_IMAGE = re.compile(
    r"(?:(?:(?:index\.)?docker\.io|mirror\.gcr\.io|public\.ecr\.aws/docker)/)?(?:library/)?python(?::([^@/]*))?(?:@.*)?\Z"
)
SYSTEM_BIN = frozenset({"/bin", "/usr/bin", "/usr/local/bin"})
TRUE = frozenset({"1", "true", "t", "yes", "y", "on"})


@dataclass(slots=True, frozen=True)
class Argument:
    """An option with its long name, or an operand (no name). ``at`` says which words it is made of.

    ``own`` is false when it shares a word with other options, as ``-r`` does in ``-qr``.
    """

    name: str
    value: str
    at: tuple[int, ...]
    own: bool = True


def arguments(words: Sequence[str]) -> list[Argument]:
    """The words behind a verb of pip (or the options on a line of a requirements file), read as pip reads them."""
    found: list[Argument] = []
    at = 0
    while at < len(words):
        word = words[at]
        if word == "--":
            found += [Argument("", text, (place,)) for place, text in enumerate(words[at + 1 :], at + 1)]
            break
        if word.startswith("--"):
            name, equals, value = word.partition("=")
            name = _full_name(name)
            if name in VALUED and not equals and at + 1 < len(words):
                found.append(Argument(name, words[at + 1], (at, at + 1)))
                at += 1
            else:
                found.append(Argument(name, value, (at,)))
        elif word.startswith("-") and len(word) > 1:
            at += _cluster(words, at, found)
        else:
            found.append(Argument("", word, (at,)))
        at += 1
    return found


def _full_name(name: str) -> str:
    if name in VALUED or name in FLAGS:
        return name
    longer = [known for known in (*VALUED, *FLAGS) if known.startswith(name)]
    return longer[0] if len(longer) == 1 else name


def _cluster(words: Sequence[str], at: int, found: list[Argument]) -> int:
    """Read ``-qr file``, ``-rfile`` and the like; returns how many words beside its own it took."""
    letters = words[at][1:]
    for place, letter in enumerate(letters):
        name = SHORT.get(letter, f"-{letter}")
        if name not in VALUED:
            found.append(Argument(name, "", (at,), len(letters) == 1))
        elif place + 1 < len(letters):
            found.append(Argument(name, letters[place + 1 :].removeprefix("="), (at,), place == 0))
            return 0
        elif at + 1 < len(words):
            found.append(Argument(name, words[at + 1], (at, at + 1), place == 0))
            return 1
    return 0


@dataclass(slots=True, frozen=True)
class Asked:
    """A pip command: ``args`` are its options and operands, and their ``at`` are places in ``words``.

    A variable that holds several words has one place for each. ``at`` is the place of the verb in the words of the
    call, ``first`` in those.
    """

    call: Call
    verb: str
    at: int
    args: tuple[Argument, ...]
    words: tuple[Word, ...]
    first: int

    def values(self, *names: str) -> list[str]:
        """The values of some options."""
        return [item.value for item in self.args if item.name in names]

    def has(self, *names: str) -> bool:
        """Whether one of the options is given."""
        return any(item.name in names for item in self.args)

    @property
    def specs(self) -> list[str]:
        """The operands."""
        return self.values("")


def module_of(call: Call) -> tuple[str, int]:
    """The Python program that a call runs and where its arguments begin: ``python -m pip`` is pip. Else ``""``."""
    if not call.program.startswith(("python", "pypy")):
        return ("pip" if call.program.startswith("pip") else call.program), 1
    at = 1
    while at < len(call.words):
        text = call.words[at].text
        if match := re.fullmatch(r"-[A-Za-z]*m(.*)", text):
            name = match[1] or (call.words[at + 1].text if at + 1 < len(call.words) else "")
            return name, at + (1 if match[1] else 2)
        if not text.startswith("-") or text in {"-", "-c"}:
            break
        at += 2 if text in {"-W", "-X"} else 1
    return "", 0


def ask(call: Call) -> Asked | None:
    """The pip command that a call is, if it is one."""
    module, at = module_of(call)
    if module != "pip":
        return None
    texts: list[str] = []
    words: list[Word] = []
    for word in call.words[at:]:
        value = word.text if word.literal else known(call, word.text)
        parts = value.split() if value != word.text and '"' not in (written(call, word) or '"') else [value]
        texts.extend(parts)
        words.extend([word] * len(parts))
    found = arguments(texts)
    place = next((index for index, item in enumerate(found) if not item.name), None)
    if place is None:
        return None
    verb = found[place]
    at += next(index for index, word in enumerate(call.words[at:]) if word is words[verb.at[0]])
    return Asked(call, verb.value, at, (*found[:place], *found[place + 1 :]), tuple(words), verb.at[0])


def known(call: Call, text: str) -> str:
    """``text`` with the variables filled in whose value the file gives."""
    return _SHELL_VARIABLE.sub(lambda match: _value_of(call, match), text)


def _value_of(call: Call, match: re.Match[str]) -> str:
    value = call.value(match[1] or match[2])
    return value if value is not None else match[0] if match[3] is None else match[3]


def source(call: Call, start: int, end: int) -> str | None:
    """What stands in the file between two places of a command, continuations joined; None where it is no plain RUN."""
    instruction = call.step.instruction
    if instruction.json or instruction.heredocs or "nested" in call.guards:
        return None
    first = last = -1
    before = 0
    for left, right in instruction.pieces:
        first = before + start - left if left <= start < right else first
        last = before + end - left if left < end <= right else last
        before += right - left
    text = instruction.logical.encode("utf-8", "surrogateescape")[first:last]
    return text.decode("utf-8", "surrogateescape") if 0 <= first < last else None


def written(call: Call, word: Word) -> str | None:
    """A word as it is written in the file, with its quotes."""
    return source(call, word.start, word.end) if word.end > word.start else ""


def virtualenv_of(call: Call, scene: Scene) -> str | None:
    """The virtualenv that a command installs into, as far as the file tells; ``/`` when its place cannot be told."""
    own = posixpath.dirname(known(call, call.words[0].text))
    tries = [own] if own else [join(call.value("VIRTUAL_ENV") or "/", "bin")]
    if not own:
        sourced = [other for other in scene.siblings if other.program in {".", "source"} and other.start < call.start]
        tries += [posixpath.dirname(other.words[1].text) for other in sourced if len(other.words) > 1]
        tries.append((call.value("PATH") or "").partition(":")[0])
    for directory in tries:
        if posixpath.basename(directory) == "bin" and directory not in SYSTEM_BIN:
            return path_of(call, posixpath.dirname(directory)) or "/"
    return None


def official_tag(image: str) -> str | None:
    """The tag of an official python image, which holds no packages beside pip's own; None for any other image."""
    match = _PYTHON_IMAGE.match(image)
    return (match[1] or "latest") if match and "windows" not in image else None


def python_version(tag: str) -> tuple[int, int] | None:
    """The version that a tag promises, where a missing number is the newest; None when that cannot be told."""
    if "$" in tag:
        return None
    match = re.match(r"(\d+)(?:\.(\d+))?", tag)
    return (int(match[1]), int(match[2] or 99)) if match else (3, 99)


def carried_text(asked: Asked, args: Iterable[Argument]) -> list[str] | None:
    """Options and operands behind the verb, as they are written; None where that cannot be told."""
    places = [(word.start, word.end) for word in asked.words]
    if len(set(places)) != len(places):
        return None
    found: list[str] = []
    for item in args:
        if item.at[0] < asked.first:
            continue
        texts = [written(asked.call, asked.words[at]) for at in item.at]
        if not item.own:
            joined = len(item.at) == 1 and item.value != ""
            if joined and not asked.words[item.at[0]].literal:
                return None
            texts = [item.name, *texts[1:], *([shlex.quote(item.value)] if joined else [])]
        for text in texts:
            if text is None:
                return None
            found.append(text)
    return found


def is_offline(asked: Asked) -> bool:
    return (
        asked.has("--no-index")
        or (asked.call.value("PIP_NO_INDEX") or "").lower() in TRUE
        or asked.call.step.flag("network") == "none"
    )


def asked_files(asked: Asked) -> list[tuple[str, bool]]:
    """The requirement and constraint files that a command names, or its environment does."""
    value = asked.call.value
    return [
        *((path, False) for path in asked.values("--requirement", "--requirements-from-script")),
        *((path, True) for path in asked.values("--constraint", "--build-constraint")),
        *((path, False) for path in (value("PIP_REQUIREMENT") or "").split()),
        *((path, True) for name in ("PIP_CONSTRAINT", "PIP_BUILD_CONSTRAINT") for path in (value(name) or "").split()),
        *((path.rpartition(":")[0] or "pyproject.toml", False) for path in asked.values("--group")),
    ]


def sets_paths(call: Call) -> bool:
    """Whether a ``pip config`` writes a setting that names files, or one that ``pip wheel`` would not read."""
    text = " ".join(call.arguments)
    return bool(re.search(r"\bconfig\b.*\b(?:set|edit)\b", text)) and bool(
        re.search(
            r"\bedit\b|(?:install|wheel|download)\.|constraint|requirement|find-links|no-index|target|prefix", text
        )
    )


def is_built(text: str) -> bool:
    """``/wheels/*``: what an earlier stage built."""
    return bool(re.fullmatch(r"/[^$`{}]*\*[^$`{}]*|[^$`{}]*/\*|[^$`{}]*\.whl", text))
