"""The pattern languages that decide what a build sees: ``.dockerignore`` files and wildcards in ``COPY`` sources.

Behaviour is BuildKit's: github.com/moby/patternmatcher (``ignorefile.ReadAll``, ``New``, ``compile`` and
``MatchesUsingParentResults``, which fsutil's filter walks a context with), Go's ``filepath.Match`` and Go's ``regexp``
syntax, into which ignore patterns are translated.  Paths are slash-separated and relative to the context; bytes that
are not UTF-8 are lone surrogates (``surrogateescape``).
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

_GO_SPACE = "\t\n\v\f\r \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(map(chr, range(0x2000, 0x200B)))
_LONGEST_LINE = 64 * 1024  # bufio.MaxScanTokenSize: a longer line makes Go's scanner, and so the build, fail
_REGEXP_TEXT = {"*": "[^/]*", "?": "[^/]", **{ch: "\\" + ch for ch in ".+()$"}}
_ALTERNATION_OR_REPEAT = re.compile(r"\||\{\d+(,\d*)?\}")
_CONTROL_ESCAPES = {"a": "\a", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
_ANY_NAME = "~"  # a name that only a pattern for all names is likely to match
_CACHED_PATHS = 20_000
_MOST_DOUBLE_STARS = 32  # ours, not Docker's: bounds the time a hostile pattern takes
_Node = tuple[str, str]  # "one" character, "many" or whole "dirs", with the Python regex it consumes


class MalformedPatternError(ValueError):
    """A pattern that Go's ``filepath.Match`` or ``regexp`` rejects."""


def copy_glob(pattern: str) -> re.Pattern[str]:
    """Compile a ``COPY`` source pattern with the meaning of Go's ``filepath.Match``; use ``.match(path)``.

    ``*`` and ``?`` stop at ``/``, ``[^...]`` negates, a backslash escapes.  Raises ``MalformedPatternError``.
    """
    chunks: list[tuple[bool, list[str]]] = [(False, [])]
    i = 0
    while i < len(pattern):
        ch = pattern[i]
        i += 1
        if ch == "*":
            if chunks[-1][1] or not chunks[-1][0]:
                chunks.append((True, []))
        elif ch == "?":
            chunks[-1][1].append("[^/]")
        elif ch == "[":
            piece, i = _match_class(pattern, i)
            chunks[-1][1].append(piece)
        elif ch == "\\":
            if i == len(pattern):
                raise MalformedPatternError("a backslash at the end escapes nothing")
            chunks[-1][1].append(re.escape(pattern[i]))
            i += 1
        else:
            chunks[-1][1].append(re.escape(ch))
    out = []
    for at, (star, pieces) in enumerate(chunks):
        text = "".join(pieces)
        if not star:
            out.append(text)
        elif at < len(chunks) - 1:
            # Go commits to the first place a chunk fits, which also keeps hostile patterns linear.
            out.append(f"(?>[^/]*?{text})")
        else:
            out.append(f"[^/]*{text}")
    return re.compile("".join(out) + r"\Z")


def _match_class(pattern: str, i: int) -> tuple[str, int]:
    negated = pattern.startswith("^", i)
    i += negated
    ranges: list[str] = []
    count = 0
    while not (count and pattern.startswith("]", i)):
        low, i = _match_class_char(pattern, i)
        high = low
        if pattern[i] == "-":
            high, i = _match_class_char(pattern, i + 1)
        count += 1
        if low <= high:
            ranges.append(_range(low, high))
    if not ranges:
        return (r"[\s\S]" if negated else "(?!)"), i + 1
    return f"[{'^' if negated else ''}{''.join(ranges)}]", i + 1


def _match_class_char(pattern: str, i: int) -> tuple[str, int]:
    if pattern[i : i + 1] in ("-", "]"):
        raise MalformedPatternError(f"'{pattern[i]}' in a [...] class must be escaped with a backslash")
    i += pattern.startswith("\\", i)
    if i + 1 >= len(pattern):
        raise MalformedPatternError("a [...] class is not closed")
    if "\udc80" <= pattern[i] <= "\udcff":
        raise MalformedPatternError("a [...] class holds a byte that is not UTF-8")
    return pattern[i], i + 1


def _range(low: str, high: str) -> str:
    return f"\\U{ord(low):08x}-\\U{ord(high):08x}"


def _go_regexp(pattern: str) -> tuple[str, str]:
    """The kind of comparison patternmatcher chooses for a cleaned pattern, and the body of the Go regexp it builds.

    It does not know about classes, so ``*`` and ``?`` inside ``[...]`` are expanded too; the Go regexp is therefore
    built first and read as one afterwards.
    """
    kind, out, i = "exact", [], 0
    while i < len(pattern):
        leading, ch = i == 0, pattern[i]
        i += 1
        if ch == "*" and pattern.startswith("*", i):
            i += 1 + pattern.startswith("/", i + 1)
            at_end = i == len(pattern)
            out.append(".*" if at_end else "(.*/)?")
            kind = "suffix" if leading else "prefix" if at_end and kind == "exact" else "regexp"
        elif ch == "\\":
            out.append(pattern[i - 1 : i + 1])
            i += 1
            kind = "regexp"
        else:
            out.append(_REGEXP_TEXT.get(ch, ch))
            if ch in "*?[]":
                kind = "regexp"
    return kind, "".join(out)


def _regexp_nodes(regexp: str) -> list[_Node]:
    nodes: list[_Node] = []
    i = 0
    while i < len(regexp):
        piece = regexp[i : i + 2]
        if regexp.startswith("(.*/)?", i):
            if nodes[-1:] != [("dirs", ".*")]:
                nodes.append(("dirs", ".*"))
            i += 6
        elif _ALTERNATION_OR_REPEAT.match(regexp, i):
            # patternmatcher escapes only what is below "@" in ASCII, so Go reads these as operators.
            raise MalformedPatternError("beside a wildcard, '|' and '{2}' are regexp operators and must be escaped")
        elif piece == ".*":
            nodes.append(("many", ".*"))
            i += 2
        elif piece[0] == "^":
            nodes.append(("one", r"\A"))
            i += 1
        elif piece in (r"\A", r"\b", r"\B", r"\z") or _is_perl_class(piece):
            nodes.append(("one", r"\Z" if piece == r"\z" else piece))
            i += 2
        elif piece[0] == "[":
            piece, i = _regexp_class(regexp, i + 1)
            many = regexp.startswith("*", i)
            nodes.append(("many", piece + "*") if many else ("one", piece))
            i += many
        else:
            char, i = _regexp_char(regexp, i)
            nodes.append(("one", re.escape(char)))
    return nodes


def _is_perl_class(piece: str) -> bool:
    return len(piece) == 2 and piece[0] == "\\" and piece[1] in "dDsSwW"


def _regexp_class(regexp: str, i: int) -> tuple[str, int]:
    negated = regexp.startswith("^", i)
    i += negated
    parts: list[str] = []
    while not (parts and regexp.startswith("]", i)):
        if regexp.startswith("[:", i) and regexp.find(":]", i + 2) >= 0:
            raise MalformedPatternError("a named class such as [:alpha:] is not supported")
        if _is_perl_class(regexp[i : i + 2]):
            parts.append(regexp[i : i + 2])
            i += 2
            continue
        low, i = _regexp_char(regexp, i)
        high = low
        if regexp.startswith("-", i) and regexp[i + 1 : i + 2] not in ("", "]"):
            high, i = _regexp_char(regexp, i + 1)
        if high < low:
            raise MalformedPatternError(f"the range {low}-{high} in a [...] class runs backwards")
        parts.append(_range(low, high))
    return f"[{'^' if negated else ''}{''.join(parts)}]", i + 1


def _regexp_char(regexp: str, i: int) -> tuple[str, int]:
    if i >= len(regexp):
        raise MalformedPatternError("a [...] class is not closed")
    if regexp[i] != "\\":
        return regexp[i], i + 1
    char = regexp[i + 1 : i + 2]
    if char in _CONTROL_ESCAPES:
        return _CONTROL_ESCAPES[char], i + 2
    if char.isascii() and char and not char.isalnum():
        return char, i + 2
    raise MalformedPatternError(f"the escape \\{char} is not valid; directories are separated by '/'")


def _matcher(pattern: str) -> Callable[[str], bool]:
    kind, regexp = _go_regexp(pattern)
    if kind == "exact":
        return lambda path: path == pattern
    if kind == "prefix":
        return lambda path: path.startswith(pattern[:-2])
    if kind == "suffix":
        suffix = pattern[2:]
        return lambda path: path.endswith(suffix) or (suffix[:1] == "/" and path == suffix[1:])
    nodes = _regexp_nodes(regexp)
    across = sum(piece == ".*" for _, piece in nodes)
    if across > _MOST_DOUBLE_STARS:
        raise MalformedPatternError(f"more than {_MOST_DOUBLE_STARS} '**'")
    # Go's regexp is linear, Python's backtracks: more wildcards than this could take minutes for one hostile name.
    if across > 2 or sum(node == "many" for node, _ in nodes) > 3:
        return _linear_matcher(nodes)
    compiled = re.compile("".join("(?:.*/)?" if node == "dirs" else piece for node, piece in nodes) + r"\Z", re.ASCII)
    return lambda path: compiled.match(path) is not None


def _linear_matcher(nodes: list[_Node]) -> Callable[[str], bool]:
    steps = [(node, re.compile(piece, re.ASCII)) for node, piece in nodes]

    def match(path: str) -> bool:
        ends = {0}
        for node, step in steps:
            reached = set(ends) if node == "dirs" else set()
            covered = -1
            for start in sorted(ends):
                if start <= covered or not (found := step.match(path, start)):
                    continue
                if node == "one":
                    reached.add(found.end())
                    continue
                covered = found.end()
                run = range(start, covered + 1)
                reached.update(run if node == "many" else (end for end in run[1:] if path[end - 1] == "/"))
            if not reached:
                return False
            ends = reached
        return len(path) in ends

    return match


def _clean(path: str) -> str:
    """Go's ``filepath.Clean``: POSIX ``normpath`` except that it keeps a leading ``//``."""
    cleaned = posixpath.normpath(path)
    return cleaned[1:] if cleaned.startswith("//") else cleaned


def read_patterns(data: bytes) -> tuple[list[tuple[int, str]], list[tuple[int, str]]]:
    """The patterns of an ignore file and what could not be read, each with its line number from 1."""
    patterns: list[tuple[int, str]] = []
    for number, line in enumerate(data.removeprefix(b"\xef\xbb\xbf").split(b"\n"), 1):
        if len(line) >= _LONGEST_LINE:
            return patterns, [(number, f"the line is longer than {_LONGEST_LINE} bytes")]
        text = line.decode("utf-8", "surrogateescape")
        pattern = text.strip(_GO_SPACE)
        if text.startswith("#") or not pattern:
            continue
        negation = "!" if pattern[0] == "!" else ""
        pattern = pattern.removeprefix("!").strip(_GO_SPACE)
        if pattern:
            pattern = _clean(pattern)
            pattern = pattern[1:] if pattern.startswith("/") and len(pattern) > 1 else pattern
        patterns.append((number, negation + pattern))
    return patterns, []


@dataclass(frozen=True)
class _Rule:
    includes: bool
    pattern: str
    matches: Callable[[str], bool]

    @classmethod
    def compile(cls, pattern: str) -> _Rule:
        includes = pattern.startswith("!")
        pattern = pattern[1:] if includes else pattern
        if not pattern:
            raise MalformedPatternError("'!' without a pattern")
        copy_glob(pattern)
        return cls(includes, pattern, _matcher(pattern))

    def may_match_below(self, directory: str) -> bool:
        """False only if no path below ``directory`` can match."""
        prefix = directory + "/"
        literal = re.split(r"[*?\[\]\\^]", self.pattern, maxsplit=1)[0]
        if literal == self.pattern:
            return literal.startswith(prefix)
        if not (literal.startswith(prefix) or prefix.startswith(literal)):
            return False
        spans_levels = "**" in self.pattern or any(ch in self.pattern for ch in "[\\")
        return spans_levels or directory.count("/") < self.pattern.count("/")


class IgnoreRules:
    """A parsed ``.dockerignore``.

    ``problems`` holds ``(line, message)`` for each pattern that is malformed; Docker refuses the file for nearly all
    of them.  The other patterns still count.
    BuildKit reads the Dockerfile and the ignore file even if they are ignored, but ``COPY`` does not see them then.
    """

    def __init__(self, rules: tuple[_Rule, ...] = (), problems: tuple[tuple[int, str], ...] = ()) -> None:
        self._rules = rules
        self.problems = problems
        self._cache: dict[str, tuple[bool, int]] = {}

    @classmethod
    def parse(cls, data: bytes) -> IgnoreRules:
        """Read an ignore file; never raises."""
        rules: list[_Rule] = []
        patterns, problems = read_patterns(data)
        for line, pattern in patterns:
            try:
                rules.append(_Rule.compile(_clean(pattern.strip(_GO_SPACE))))
            except MalformedPatternError as problem:
                shown = pattern if len(pattern) <= 80 else pattern[:77] + "..."
                problems.append((line, f"malformed pattern {shown!r}: {problem}"))
        return cls(tuple(rules), tuple(sorted(problems)))

    def followed_by(self, lines: Sequence[str]) -> IgnoreRules:
        """These rules with more lines at the end, where the last one that matches decides."""
        if not lines:
            return self
        more = IgnoreRules.parse("\n".join(lines).encode("utf-8", "surrogateescape"))
        return IgnoreRules(self._rules + more._rules, self.problems + more.problems)

    def ignored(self, path: str) -> bool:
        """Whether a file or directory is kept out of the context; the root never is."""
        return path not in ("", ".") and self._state(path)[0]

    def may_prune(self, directory: str) -> bool:
        """Whether ``directory`` and everything that could be below it is ignored."""
        if directory in ("", "."):
            return False
        ignored, matched = self._state(directory)
        for at in reversed(range(len(self._rules))):
            rule = self._rules[at]
            if not ignored or (rule.includes and rule.may_match_below(directory)):
                return False
            if not rule.includes and matched >> at & 1:
                return True
        return False

    def empties(self, directory: str) -> bool:
        """Whether all that could be below ``directory`` is ignored, as by ``dir/*``, whatever becomes of itself."""
        if any(rule.includes and rule.may_match_below(directory) for rule in self._rules):
            return False
        return self.may_prune(posixpath.join(directory, _ANY_NAME))

    def _state(self, path: str) -> tuple[bool, int]:
        """Whether ``path`` is ignored, and a bit for each rule found to match it or, on the way down, a parent.

        A rule that could not change the outcome at a parent was not asked there, so ``**/*.log`` and then ``!keep``
        leave ``keep/x.log`` ignored: that is what BuildKit's walk does too.
        """
        if len(self._cache) > _CACHED_PATHS:
            self._cache.clear()
        pending: list[str] = []
        while path and path not in self._cache:
            pending.append(path)
            path = path.rpartition("/")[0]
        ignored, matched = self._cache.get(path, (False, 0))
        while pending:
            path = pending.pop()
            ignored = False
            for at, rule in enumerate(self._rules):
                if not matched >> at & 1:
                    if rule.includes != ignored or not rule.matches(path):
                        continue
                    matched |= 1 << at
                ignored = not rule.includes
            self._cache[path] = ignored, matched
        return ignored, matched
