"""Where the reports for CI systems say that a file is: from the root of the repository, with forward slashes."""

from __future__ import annotations

import os
from hashlib import sha256
from typing import NamedTuple

from dockerlayer.findings import Finding, identities
from dockerlayer.report.record import FileRecord
from dockerlayer.report.visible import decodable


class Root(NamedTuple):
    """``directory`` is where paths start that are not absolute, ``top`` the root of the repository it belongs to.

    Both are absolute; without them a path stays as it was given.
    """

    directory: str = ""
    top: str = ""

    def path(self, path: str) -> str:
        """The path from ``top``; of a file outside the absolute path."""
        if self.top:
            whole = os.path.normpath(os.path.join(self.directory, path))
            for one, top in ((whole, self.top), (os.path.realpath(whole), os.path.realpath(self.top))):
                inside = os.path.relpath(one, top)
                if inside != os.pardir and not inside.startswith(os.pardir + os.sep):
                    return inside.replace(os.sep, "/")
            return whole.replace(os.sep, "/")
        return os.path.normpath(path).replace(os.sep, "/")


def root_of(directory: str) -> Root:
    """The root for a run in ``directory``: the nearest directory at or above it that holds ``.git``, else itself."""
    at = directory
    while not os.path.lexists(os.path.join(at, ".git")):
        parent = os.path.dirname(at)
        if parent == at:
            return Root(directory, directory)
        at = parent
    return Root(directory, at)


def uri(path: str) -> str:
    """A path as a URI reference (RFC 3986), undecodable bytes and all; ``file:`` for an absolute one."""
    from urllib.parse import quote

    escaped = quote(os.fsencode(path), safe="/")
    return f"file://{escaped if escaped.startswith('/') else '/' + escaped}" if os.path.isabs(path) else escaped


def fingerprints(record: FileRecord, path: str) -> list[str]:
    """One for each finding of a file: the same as long as rule, file and subject are, wherever the text moves to."""
    seen: dict[tuple[str, ...], int] = {}
    found = []
    for finding in record.report.findings:
        key = finding.rule, *identities(finding)
        seen[key] = number = seen.get(key, 0) + 1
        text = "\0".join((path, *key, str(number)))
        found.append(sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32])
    return found


def told(finding: Finding) -> str:
    """The message of a finding with what helps, for a format that has one text and no place for more."""
    fix = finding.fix
    parts = [finding.message]
    if fix is not None:
        word = "not made by itself, because" if fix.applicability == "manual" else "assumes:"
        assumed = f" ({word} {'; '.join(fix.assumptions)})" if fix.assumptions else ""
        parts.append(f"{WAYS[fix.applicability]}: {fix.title}{assumed}")
    else:
        parts += [f"No fix: {refusal.message}" for refusal in finding.refusals]
    if finding.help:
        parts.append(finding.help)
    return decodable("\n".join(parts))


WAYS = {"safe": "Fix (safe, `dockerlayer fix`)", "unsafe": "Fix (`dockerlayer fix --unsafe`)", "manual": "Fix by hand"}
"""What is said of a fix by its applicability."""
