"""Records made by hand, so that the reports are tested without the rules."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from dockerlayer.engine import Report
from dockerlayer.findings import Finding, Severity
from dockerlayer.report.record import FileRecord
from dockerlayer.syntax.parser import parse

HOSTILE = (
    "a b",
    "quo\"te's",
    "new\nline\r",
    "50%",
    "a:b,c",
    "]]>&lt;<!--",
    "\x00\x1b[31m\x85",
    "\udcff\ud800\uffff",
    "{0} [x](y)",
    "`|$*_",
)
"""Names and messages that break what is put together carelessly."""


@pytest.fixture
def record() -> Callable[..., FileRecord]:
    """``record(data, place, path=..., **fields)``: a file with one finding at the first occurrence of ``place``."""

    def make(data: bytes, place: bytes, path: str = "Dockerfile", **fields: Any) -> FileRecord:
        start = data.index(place)
        given: dict[str, Any] = {"severity": Severity.WARNING, "message": "it is so", **fields}
        finding = Finding("some-rule", start=start, end=start + len(place), subject="", **given)
        return FileRecord(path, Report(parse(data), (finding,)))

    return make


@pytest.fixture(params=HOSTILE, ids=ascii)
def hostile(request: pytest.FixtureRequest) -> str:
    """A text that breaks what is put together carelessly; may be a path but for its NUL."""
    return str(request.param)
