"""Sums over all files of a report, taken from the parts of the JSON report."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from dockerlayer.findings import amount


class RuleTotal(NamedTuple):
    """How often a rule found something, and how many of those have a safe or an unsafe fix."""

    rule: str
    severity: str
    findings: int = 0
    safe: int = 0
    unsafe: int = 0


class DownloadTotal(NamedTuple):
    """What is downloaded again by ``findings`` findings: ``number`` of ``unit``, and of ``uncounted`` nobody knows."""

    registry: str
    payer: str
    unit: str
    number: int = 0
    findings: int = 0
    uncounted: int = 0

    @property
    def words(self) -> str:
        """In words: "412 packages, and an unknown number in 2 more"."""
        if not self.number:
            return f"{self.unit}, number unknown"
        counted = amount(self.number, self.unit)
        return f"{counted}, and an unknown number in {self.uncounted} more" if self.uncounted else counted


class Totals(NamedTuple):
    """Rules and downloads, what is most first."""

    rules: tuple[RuleTotal, ...]
    downloads: tuple[DownloadTotal, ...]


def files_of(parts: Sequence[str]) -> list[dict[str, Any]]:
    """The elements of ``files`` that the parts are."""
    return [json.loads(part) for part in parts]


def totals_of(files: Iterable[dict[str, Any]]) -> Totals:
    """The sums over the elements of ``files``."""
    rules: dict[str, RuleTotal] = {}
    downloads: dict[tuple[str, str, str], DownloadTotal] = {}
    for file in files:
        for finding in file["findings"]:
            name = finding["rule"]
            rule = rules.get(name) or RuleTotal(name, finding["severity"])
            kind = finding["fix"]["applicability"] if finding["fix"] is not None else ""
            rules[name] = rule._replace(
                findings=rule.findings + 1, safe=rule.safe + (kind == "safe"), unsafe=rule.unsafe + (kind == "unsafe")
            )
            for cost in finding["cost"]:
                key = cost["registry"], cost["payer"], cost["unit"]
                total = downloads.get(key) or DownloadTotal(*key)
                downloads[key] = total._replace(
                    number=total.number + (cost["count"] or 0),
                    findings=total.findings + 1,
                    uncounted=total.uncounted + (cost["count"] is None),
                )
    return Totals(
        tuple(sorted(rules.values(), key=lambda rule: (-rule.findings, rule.rule))),
        tuple(sorted(downloads.values(), key=lambda total: (-total.number, -total.findings, total[:3]))),
    )
