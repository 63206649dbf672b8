"""SARIF 2.1.0 (OASIS, errata 01), within what GitHub code scanning takes of it.

Sources: the OASIS specification, by section below; "SARIF support for code scanning" and "About code scanning limits on
SARIF results" of the GitHub documentation. GitHub takes 25,000 results a run and shows 5,000; a rule may have 20 tags.
"""

from __future__ import annotations

import json
import os
import re
from base64 import b64encode
from collections.abc import Sequence
from typing import Any

from dockerlayer import __version__
from dockerlayer.checks.rules import RuleInfo, rules_of
from dockerlayer.findings import Applicability, Edit, Finding, Fix
from dockerlayer.report.formats import Run
from dockerlayer.report.pages import page_markdown
from dockerlayer.report.place import fingerprints, told, uri
from dockerlayer.report.record import FileRecord, Tally
from dockerlayer.report.visible import decodable
from dockerlayer.syntax.tree import Dockerfile

STREAMS = False
_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_ROOT = "%SRCROOT%"
_LEVELS = {"error": "error", "warning": "warning", "info": "note"}
_PLACEHOLDER = re.compile(r"\{(\d+)\}")


def part(record: FileRecord, run: Run) -> str:
    """The results of one file, each with a comma in front."""
    if not record.report.findings:
        return ""
    rules = {name: number for number, name in enumerate(rules_of(run.ecosystems))}
    path = run.root.path(record.path)
    where = _artifact(path)
    marks = fingerprints(record, path)
    found = (
        _result(record, finding, where, rules, mark)
        for finding, mark in zip(record.report.findings, marks, strict=True)
    )
    return "".join(f",{json.dumps(result)}" for result in found)


def whole(parts: Sequence[str], errors: Sequence[tuple[str, str]], tally: Tally, run: Run) -> str:
    """The log: one run with all rules, the results, and a notification for each file that failed."""
    driver: dict[str, Any] = {"name": "dockerlayer", "semanticVersion": __version__, "version": __version__}
    home = _home()
    if home:
        driver["informationUri"] = home
    driver["rules"] = [_rule(rule) for rule in rules_of(run.ecosystems).values()]
    notifications = [_notification(run, path, message) for path, message in errors]
    head = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "originalUriBaseIds": {_ROOT: {"description": {"text": "The root of the repository."}}},
        "invocations": [{"executionSuccessful": not errors, "toolExecutionNotifications": notifications}],
    }
    results = "".join(parts)[1:]
    return (
        f'{{"$schema": "{_SCHEMA}", "version": "2.1.0", "runs": [{json.dumps(head)[:-1]}, "results": [{results}]}}]}}\n'
    )


def _home() -> str:
    """The home page that the installed distribution names, if it does."""
    from importlib.metadata import PackageNotFoundError, metadata

    try:
        urls = metadata("dockerlayer").get_all("Project-URL") or []
    except PackageNotFoundError:
        return ""
    return next((url for label, _, url in (entry.partition(", ") for entry in urls) if label == "Homepage"), "")


def _rule(rule: RuleInfo) -> dict[str, Any]:
    tags = ["docker", "cache", *([rule.ecosystem] if rule.ecosystem else [])]
    why = rule.page.partition("\n\n")[2].partition("\n\n")[0]
    recommended = "recommendation" if rule.severity == "info" else rule.severity.value
    return {
        "id": rule.name,
        "shortDescription": {"text": rule.summary},
        "fullDescription": {"text": f"{rule.summary}\n\n{why}" if why else rule.summary},
        "help": {"text": rule.page, "markdown": page_markdown(rule)},
        "defaultConfiguration": {"level": _LEVELS[rule.severity]},
        "properties": {"tags": tags, "problem.severity": recommended, "precision": "high"},
    }


def _result(
    record: FileRecord, finding: Finding, where: dict[str, Any], rules: dict[str, int], mark: str
) -> dict[str, Any]:
    dockerfile = record.report.dockerfile
    result = {
        "ruleId": finding.rule,
        **({"ruleIndex": rules[finding.rule]} if finding.rule in rules else {}),
        "level": _LEVELS[finding.severity],
        # Where there is little room GitHub shows the first sentence.
        "message": {"text": _text("\n".join(f"{line.removesuffix('.')}." for line in told(finding).split("\n")))},
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": where,
                    "region": _region(dockerfile, finding.start, finding.end),
                }
            }
        ],
        "partialFingerprints": {"dockerlayer/v1": mark},
    }
    # A fix by hand is told in the message; one that also adds to the ignore file cannot be told without that file.
    if finding.fix is not None and finding.fix.applicability is not Applicability.MANUAL and not finding.fix.ignore:
        result["fixes"] = [_fix(dockerfile, where, finding.fix)]
    return result


def _fix(dockerfile: Dockerfile, where: dict[str, Any], fix: Fix) -> dict[str, Any]:
    words = (
        f"{fix.title} ({fix.applicability.value}{'; assumes: ' if fix.assumptions else ''}{'; '.join(fix.assumptions)})"
    )
    replacements = [_replacement(dockerfile, edit) for edit in sorted(fix.edits)]
    change = {"artifactLocation": where, "replacements": replacements}
    return {"description": {"text": _text(decodable(words))}, "artifactChanges": [change]}


def _replacement(dockerfile: Dockerfile, edit: Edit) -> dict[str, Any]:
    try:
        content = {"text": edit.text.decode()}
    except UnicodeDecodeError:
        content = {"binary": b64encode(edit.text).decode()}
    return {"deletedRegion": _region(dockerfile, edit.start, edit.end), "insertedContent": content}


def _region(dockerfile: Dockerfile, start: int, end: int) -> dict[str, int]:
    """Lines, and columns in characters (3.30.5); the end is the first place behind the region, as in ours."""
    (line, column), (last, behind) = dockerfile.position(start), dockerfile.position(end)
    return {"startLine": line, "startColumn": column, "endLine": last, "endColumn": behind}


def _artifact(path: str) -> dict[str, Any]:
    return {"uri": uri(path)} if os.path.isabs(path) else {"uri": uri(path), "uriBaseId": _ROOT}


def _notification(run: Run, path: str, message: str) -> dict[str, Any]:
    return {
        "level": "error",
        "message": {"text": _text(decodable(f"{path}: {message}"))},
        "locations": [{"physicalLocation": {"artifactLocation": _artifact(run.root.path(path))}}],
    }


def _text(text: str) -> str:
    """The text without what a message would take for a placeholder (3.11.5) or a link (3.11.6)."""
    text = _PLACEHOLDER.sub(r"{{\1}}", text)
    return text.replace("[", "\\[").replace("]", "\\]") if "](" in text else text
