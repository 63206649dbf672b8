"""The baseline: findings that a project has today and that are left out of its reports from then on.

::

    {
      "version": 1,
      "findings": [
        {"path": "api/Dockerfile", "rule": "source-before-download", "subject": "tool:tool install", "count": 1}
      ]
    }

``path`` is relative to the directory of the baseline file, with slashes. ``subject`` is one of ``findings.identities``,
with ``*`` for each number: neither lines, messages nor versions count, so that an entry holds while the text around it
moves and tools are updated. One entry stands on one line, sorted, and nothing changes from run to run, so that git can
merge two of them.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from dockerlayer.checks.rules import SYNTAX
from dockerlayer.errors import InputError
from dockerlayer.findings import Finding, identities
from dockerlayer.source import read_file

VERSION = 1

Known = Counter[tuple[str, str]]
"""How often each rule and identity is known in one file."""

_KEYS = ("path", "rule", "subject", "count")
_CONFLICT = re.compile(r"^(?:<{7}|={7}|>{7}|\|{7})(?:\s|$)", re.MULTILINE)
_NUMBER = re.compile(r"\d+(?:\.\d+)*")
_SPACE = frozenset(" \t\r\n")


class Baseline(NamedTuple):
    """A baseline file: its path, and what it lists for each file, by the name that ``entry_path`` gives."""

    file: str
    known: Mapping[str, Known]

    def of(self, path: str) -> Known:
        """What is known of the file at ``path``."""
        return self.known.get(entry_path(self.file, path), Known())


class Split(NamedTuple):
    """Findings that are not known, and what is known and surely not there any more."""

    new: tuple[Finding, ...]
    gone: Known


def known_of(findings: Iterable[Finding]) -> Known:
    """What these findings of one file are about; a tool that is asked for in another version is the same."""
    return Known((item.rule, _NUMBER.sub("*", name)) for item in findings for name in identities(item))


def listable(finding: Finding) -> bool:
    """Whether a baseline may list a finding: of a file that BuildKit refuses nothing else can be told."""
    return finding.rule != SYNTAX


def split(findings: Sequence[Finding], known: Known) -> Split:
    """Take what is known from the findings of one file.

    A finding about several calls is known when all of them are. Each known call counts once: of two equal findings
    that are listed once, the second is new.
    """
    left = Known(known)
    new: list[Finding] = []
    for item in findings:
        needed = known_of([item])
        if needed <= left:
            left -= needed
        else:
            new.append(item)
    hidden = any(item.rule == SYNTAX for item in findings)
    return Split(tuple(new), Known() if hidden else left - known_of(new))


def entry_path(baseline: str, path: str) -> str:
    """The name of the file at ``path`` in a baseline: relative to its directory, with slashes."""
    return os.path.relpath(_real(path), os.path.dirname(_real(baseline))).replace(os.sep, "/")


def _real(path: str) -> str:
    """The path without links to directories; a file that is a link is itself, not what it leads to."""
    directory, name = os.path.split(os.path.abspath(path))
    return os.path.join(os.path.realpath(directory), name)


def baseline_text(known: Mapping[str, Known]) -> str:
    """The whole baseline file."""
    entries = sorted(
        (path, rule, subject, count) for path, found in known.items() for (rule, subject), count in found.items()
    )
    lines = ",\n".join(f"    {json.dumps(dict(zip(_KEYS, entry, strict=True)))}" for entry in entries)
    listed = f"[\n{lines}\n  ]" if lines else "[]"
    return f'{{\n  "version": {VERSION},\n  "findings": {listed}\n}}\n'


def read_baseline(path: str) -> Baseline:
    """The baseline in a file; raises InputError with file, line and cause for anything that is not exactly that."""
    try:
        data = read_file(path)
    except InputError as error:
        if isinstance(error.__cause__, FileNotFoundError):
            hint = f"`dockerlayer check --write-baseline {path}` writes one"
            raise InputError(f"{path}: no such baseline; {hint}") from error
        raise InputError(f"{path}: the baseline cannot be read: {error}") from error
    return Baseline(path, _parsed(path, data))


def _parsed(path: str, data: bytes) -> Mapping[str, Known]:
    try:
        content = data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise InputError(f"{path}:{line}: not UTF-8") from error
    conflict = _CONFLICT.search(content)
    if conflict is not None:
        raise _wrong(path, content, conflict.start(), "a merge conflict is left here")
    try:
        document = json.loads(content, object_pairs_hook=_object)
    except json.JSONDecodeError as error:
        raise _wrong(path, content, error.pos, f"not JSON: {error.msg[:1].lower()}{error.msg[1:]}") from error
    except (RecursionError, ValueError) as error:
        raise InputError(f"{path}:1: {error if isinstance(error, ValueError) else 'nested too deeply'}") from error
    return _checked(path, content, document)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object; a key that is there twice is kept apart, so that it counts as unknown."""
    found: dict[str, Any] = {}
    for key, value in pairs:
        found[f"{key} (again)" if key in found else key] = value
    return found


def _checked(path: str, content: str, document: Any) -> Mapping[str, Known]:
    start = _skip(content, 0)
    if not isinstance(document, dict) or "version" not in document:
        raise _wrong(path, content, start, 'not a baseline: an object with "version" and "findings" is one')
    members = dict(_members(content, start))
    version = document["version"]
    if version != VERSION or isinstance(version, bool):
        unknown = f"version {json.dumps(version)} is not known; this dockerlayer reads version {VERSION}"
        raise _wrong(path, content, members["version"], unknown)
    for key in document.keys() - {"version", "findings"}:
        raise _wrong(path, content, members.get(key, start), f"unknown key {json.dumps(key)}")
    entries = document.get("findings")
    if not isinstance(entries, list):
        raise _wrong(path, content, members.get("findings", start), '"findings" must be a list')
    known: dict[str, Known] = {}
    for number, entry in enumerate(entries):
        cause = _problem(entry)
        found = Known() if cause else known.setdefault(entry["path"], Known())
        if cause is None and (entry["rule"], entry["subject"]) in found:
            cause = "path, rule and subject are those of an entry above"
        if cause is not None:
            raise _wrong(path, content, _elements(content, members["findings"])[number], cause)
        found[entry["rule"], entry["subject"]] = entry["count"]
    return known


def _problem(entry: Any) -> str | None:
    """What is wrong with an entry."""
    if not isinstance(entry, dict):
        return "an entry must be an object"
    for key in _KEYS:
        if key not in entry:
            return f'an entry without "{key}"'
    for key, value in entry.items():
        if key not in _KEYS:
            return f"unknown key {json.dumps(key)} in an entry"
        if key != "count" and not isinstance(value, str):
            return f'"{key}" must be a string'
    count, path = entry["count"], entry["path"]
    if type(count) is not int or not 0 < count <= sys.maxsize:
        return '"count" must be a whole number above 0'
    if entry["rule"] == SYNTAX:
        return f"{SYNTAX} cannot be left out, since it hides all else"
    if not path or path.startswith("/"):
        return '"path" must be relative to the directory of this file'
    return None


def _wrong(path: str, content: str, offset: int, cause: str) -> InputError:
    return InputError(f"{path}:{content.count(chr(10), 0, offset) + 1}: {cause}")


# The decoder of the standard library tells no places, and an entry that is wrong must be told by its line.
def _members(content: str, start: int) -> Iterator[tuple[str, int]]:
    """Key and place of the value of each member of the object at ``start``, in a text that is known to be JSON."""
    decoder = json.JSONDecoder()
    at = _skip(content, start + 1)
    while content[at] != "}":
        key, at = decoder.raw_decode(content, at)
        at = _skip(content, _skip(content, at) + 1)
        yield key, at
        at = _skip(content, decoder.raw_decode(content, at)[1])
        at = _skip(content, at + 1) if content[at] == "," else at


def _elements(content: str, start: int) -> list[int]:
    """The place of each element of the list at ``start``."""
    decoder = json.JSONDecoder()
    found = []
    at = _skip(content, start + 1)
    while content[at] != "]":
        found.append(at)
        at = _skip(content, decoder.raw_decode(content, at)[1])
        at = _skip(content, at + 1) if content[at] == "," else at
    return found


def _skip(content: str, at: int) -> int:
    while content[at : at + 1] in _SPACE:
        at += 1
    return at
