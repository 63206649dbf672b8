"""What a Gemfile or gemspec reads beside itself. Both are Ruby, which is never run here.

The forms in which they name a file literally are known; what is left must consist of words that read no file. Anything
else is refused with the word that it is about.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

from dockerlayer.api import Context, Refusal

_LIMIT = 128 * 1024
_DEPTH = 8
_NAMES = 20
_QUOTED = r"""(?:"([^"\\\#\n]*)"|'([^'\\\n]*)')"""
_TEXT = re.compile(r"\"(?:\\.|[^\"\\])*\"|'(?:\\.|[^'\\])*'", re.DOTALL)
_COMMENT = re.compile(
    rf"({_TEXT.pattern})|^=begin\b(?:[^\n]*\n){{1,2000}}?=end\b[^\n]*|(?:^|(?<=\s))\#(?!\{{)[^\n]*",
    re.MULTILINE | re.DOTALL,
)
_HEREDOC = re.compile(r"<<[~-]?(['\"]?)([A-Z_]+)\1([^\n]*)\n(?:[^\n]*\n){0,200}?[ \t]*\2\b")
_HERE = r"(?:__dir__|File\.dirname\(__FILE__\))"
_EXPANDED = re.compile(rf"File\.expand_path\(\s*{_QUOTED}\s*,\s*(?:{_HERE}|(__FILE__))\s*\)")
_JOINED = re.compile(rf"File\.join\(\s*{_HERE}\s*,\s*{_QUOTED}(?:\s*,\s*{_QUOTED})?\s*\)")
_INSIDE = re.compile(r"\"#\{__dir__\}/([^\"\\#\n]*)\"")
_NAMED = re.compile(rf"^[ \t]*([a-z_]\w*)[ \t]*=[ \t]*{_QUOTED}[ \t]*$", re.MULTILINE)
_READ = re.compile(rf"\b(?:File|IO)\.(?:read|binread|readlines)\b[ \t(]*{_QUOTED}\)?")
_EVALUATED = re.compile(rf"\b(?:instance_eval|eval)\b[ \t(]*File\.read\b[ \t(]*{_QUOTED}[ \t,)\w]*$", re.MULTILINE)
_TESTED = re.compile(rf"\bFile\.(?:exists?\?|file\?|readable\?)[ \t(]*{_QUOTED}\)?")
_REQUIRED = re.compile(rf"\b(require_relative|require)\b[ \t(]+{_QUOTED}\)?")
_GEMFILE = re.compile(rf"\beval_gemfile\b[ \t(]*{_QUOTED}\)?")
_RUBY_FILE = re.compile(rf"\bruby\b[ \t(]*(?:file:|:file\s*=>)\s*{_QUOTED}\)?")
_LOAD_PATH = re.compile(rf"(?:\$LOAD_PATH|\$:|\$\{{LOAD_PATH\}})\.(?:push|unshift|append|prepend)\b[ \t(]*{_QUOTED}\)?")
_PATH = re.compile(rf"(?:\bpath:|:path\s*=>|^[ \t]*path\b(?!:)[ \t(]*)[ \t]*{_QUOTED}", re.MULTILINE)
_GEMSPEC = re.compile(r"^[ \t]*gemspec\b([^\n]*)", re.MULTILINE)
_LISTING = re.compile(
    r"`git ls-files[^`]*`|IO\.popen\(%w\[git ls-files -z\][^)]*\)|\bDir(?:\.glob|\.chdir)?(?=[\[(\s])"
    rf"|{_HERE}|__FILE__|\bFile\.(?:basename|directory\?|file\?|join|expand_path|exist\?)"
)
_WORD_LIST = re.compile(r"%[wiqr]?(?:\[[^\]]*\]|\{[^}]*\}|\([^)]*\)|<[^>]*>)|(?<=[\s(,~])/(?:\\.|[^/\\\n])+/")
_CODE = re.compile(r"`[^`]*`|\$\w+|:[a-zA-Z_]\w*[?!]?|[a-zA-Z_]\w*[?!]?:(?!:)|\.?@{0,2}[A-Za-z_]\w*[?!]?")
_DEFINED = re.compile(
    r"\b([a-zA-Z_]\w*)\s*(?:\|\|)?=(?![=~>])|\bdef\s+(?:self\.)?([a-z_]\w*[?!]?)|\|([^|\n]*)\||\b(?:module|class)\s+([\w:]+)"
)
_WORDS = frozenset(
    """source gem group platforms platform ruby git_source git github gist bitbucket env install_if gemspec do end if
    unless else elsif case when then and or not nil true false ENV Gem Version Requirement Platform Specification RUBY
    RUBY_VERSION RUBY_ENGINE RUBY_PLATFORM RUBY_PATCHLEVEL Integer lambda proc puts warn raise abort return self
    defined? def module class begin rescue ensure in next break frozen path freeze""".split()
)
_ACTIVE = frozenset(
    """.read .binread .readlines .open .load .eval .instance_eval .class_eval .module_eval .send .public_send .__send__
    .exec .system .popen .spawn .children .entries .each_child .foreach .require .constantize .const_get .extensions
    .method .instance_exec""".split()
)


class LocalGem(NamedTuple):
    """A gem in a directory of the project, as a context path; ``named`` is its gemspec's name, or ""."""

    directory: str
    named: str = ""


def reads_of(context: Context, path: str, *, directory: str) -> Iterator[str | Refusal | LocalGem]:
    """What the file at a context path makes Ruby read, as context paths; a refusal where that is not known.

    ``directory`` is the context path of the directory that Ruby runs in.
    """
    yield from _Reader(context, directory).read(path, 0)


class _Reader:
    def __init__(self, context: Context, directory: str) -> None:
        self.context = context
        self.directory = directory
        self.seen: set[str] = set()

    def read(self, path: str, depth: int) -> Iterator[str | Refusal | LocalGem]:
        if path in self.seen:
            return
        self.seen.add(path)
        data = self.context.read(path, _LIMIT)
        if data is None or depth > _DEPTH or max(map(len, data.splitlines()), default=0) > 20_000:
            yield Refusal("manifest-not-read", f"{path} is not there, too large or too deep to be read")
            return
        here = posixpath.dirname(path)
        text = _without_comments(data.decode("utf-8", "replace"))
        text = _with_names(_HEREDOC.sub(r'""\3', text), here)
        is_gemspec = path.endswith(".gemspec")
        load_path = [self._path(_quoted(found), self.directory) for found in _LOAD_PATH.finditer(text)]
        text = _LOAD_PATH.sub("", text)
        for pattern, base, is_code in (
            (_EVALUATED, self.directory, True),
            (_READ, self.directory, False),
            (_GEMFILE, here, True),
            (_RUBY_FILE, here, False),
        ):
            for found in pattern.finditer(text):
                yield from self._file(_quoted(found), base, path, depth, is_code=is_code)
            text = pattern.sub('""', text)
        for found in _TESTED.finditer(text):
            tested = self._path(_quoted(found), self.directory)
            if tested is not None and self.context.is_file(tested):
                yield tested
        text = _TESTED.sub("true", text)
        for found in _REQUIRED.finditer(text):
            yield from self._required(found[1], _quoted(found, 2), here, load_path, depth)
        text = _REQUIRED.sub("", text)
        for found in _PATH.finditer(text):
            local = self._path(_quoted(found), here)
            if local is None:
                yield Refusal(
                    "local-gem-outside", f"{path} has a gem in {_quoted(found)}, outside of the build context"
                )
            else:
                yield LocalGem(local)
        for found in _GEMSPEC.finditer(text) if not is_gemspec else ():
            if re.search(r"(?:path:|:path|glob)", found[1]) and not _PATH.search(found[1]):
                yield Refusal("manifest-reads", f"{path} has a gemspec elsewhere: {found[0].strip()}")
            named = re.search(rf"name(?:\s*=>|:)\s*{_QUOTED}", found[1])
            if not _PATH.search(found[1]):
                yield LocalGem(here, _quoted(named) if named else "")
        computed = re.search(
            r"(?:\bpath:|:path\s*=>|^[ \t]*path\b(?!:)|\bfile:|\bglob:)", _PATH.sub("", text), re.MULTILINE
        )
        if computed is not None and not is_gemspec:
            yield Refusal(
                "manifest-reads", f"{path} names a file or directory that is not literal ({computed[0].strip()})"
            )
        yield from _unknown(path, text, allow_listing=is_gemspec)

    def _path(self, text: str, base: str) -> str | None:
        """A path as the file spells it, as a context path; None when it is not below the context."""
        if text.startswith("//"):  # made absolute by `_with_names`
            base, text = "", text.lstrip("/")
        if text.startswith(("/", "~")):
            return None
        path = posixpath.normpath(posixpath.join(base, text))
        return None if path.startswith("..") else "" if path == "." else path

    def _file(self, text: str, base: str, by: str, depth: int, *, is_code: bool) -> Iterator[str | Refusal | LocalGem]:
        path = self._path(text, base)
        if path is None or not self.context.is_file(path):
            yield Refusal("manifest-reads", f"{by} reads {text.lstrip('/')}, which the build context does not have")
            return
        yield path
        if is_code:
            yield from self.read(path, depth + 1)

    def _required(
        self, how: str, name: str, here: str, load_path: list[str | None], depth: int
    ) -> Iterator[str | Refusal | LocalGem]:
        places = [here] if how == "require_relative" else [place for place in load_path if place is not None]
        if name.startswith((".", "//")) and how == "require":
            places = [self.directory]
        for place in places:
            path = self._path(name if name.endswith(".rb") else f"{name}.rb", place)
            if path is not None and self.context.is_file(path):
                yield path
                yield from self.read(path, depth + 1)
                return
        if how == "require_relative" or name.startswith((".", "/")):
            yield Refusal("manifest-reads", f"a manifest requires {name.lstrip('/')}, which the build context has not")


def _quoted(found: re.Match[str], first: int = 1) -> str:
    return next((text for text in found.groups()[first - 1 :] if text is not None), "")


def _without_comments(text: str) -> str:
    """The text with comments taken out, but not what looks like one in a string."""
    return _COMMENT.sub(lambda found: found[1] or "", text)


def _with_names(text: str, here: str) -> str:
    """The text with the paths that it computes written out; ``//`` marks those that start at the context's root."""

    def absolute(rest: str) -> str:
        path = posixpath.normpath(posixpath.join(here, rest))
        return f'"//{path}"' if not path.startswith(("..", "/")) else '"/"'

    text = _EXPANDED.sub(lambda it: absolute(posixpath.join("x" if it[3] else "", it[1] or it[2] or ".")), text)
    text = _JOINED.sub(lambda it: absolute("/".join(part for part in it.groups() if part)), text)
    text = _INSIDE.sub(lambda it: absolute(it[1]), text)
    for found in islice(_NAMED.finditer(text), _NAMES):
        name = found[1]
        if len(re.findall(rf"\b{name}\s*(?:\|\||\+)?=(?!=)", text)) == 1:
            value = f'"{_quoted(found, 2)}"'
            used = re.compile(rf"(?<![\w.:@\"'/{{]){name}\b(?!\s*=|:)")
            text = used.sub(lambda _, value=value: value, text)  # type: ignore[misc]
    return text


def _unknown(path: str, text: str, *, allow_listing: bool) -> Iterator[Refusal]:
    """A refusal for the first word that may read something."""
    if allow_listing:
        text = _LISTING.sub(" ", text)
    text = _WORD_LIST.sub(" ", text)
    defined = {
        name
        for found in _DEFINED.finditer(text)
        for part in found.groups()
        if part
        for name in re.split(r"[^\w?!]+", part)
    }
    inner = " ".join(code for found in _TEXT.findall(text) for code in re.findall(r"(?<!\\)#\{([^}]*)\}", found))
    code = f"{_TEXT.sub(' ', text)} {_TEXT.sub(' ', inner)}"
    for word in _CODE.findall(code):
        if word.startswith("`"):
            unknown = True
        elif word.startswith((":", "@")) or word.endswith(":") or word in defined:
            unknown = False
        elif word.startswith("$"):
            unknown = True
        elif word.startswith("."):
            unknown = word in _ACTIVE or (word == ".files" and not allow_listing)
        else:
            unknown = (
                word not in _WORDS
                and not word.endswith("VERSION")
                and not (allow_listing and word[0].isupper() and f"{word}::" in code and word not in _FILES)
            )
        if unknown:
            yield Refusal("manifest-reads", f"{path} is Ruby that may read other files: {word.lstrip('.')}")
            return


_FILES = frozenset("File Dir IO Pathname Kernel YAML JSON FileUtils Open3 Process ObjectSpace".split())
