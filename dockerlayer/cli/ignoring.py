"""``check --add-ignore``: comments that leave alone what is found today."""

from __future__ import annotations

import re
from typing import NamedTuple

from dockerlayer.checks.rules import SYNTAX
from dockerlayer.checks.suppressions import NAMES
from dockerlayer.engine import Report
from dockerlayer.errors import InputError, UsageError
from dockerlayer.findings import apply
from dockerlayer.rewrite.comments import suppressing
from dockerlayer.syntax.parser import parse


class Annotated(NamedTuple):
    """A text with the comments that were written into it, and the number of findings that they leave alone."""

    data: bytes
    number: int


def one_line(reason: str) -> str:
    """The reason as it is written; raises UsageError for one that would not stay in its comment."""
    text = reason.strip()
    if re.search(r"[\x00-\x08\x0a-\x1f\x7f\x85\u2028\u2029]", text):
        raise UsageError("--add-ignore: the reason must be one line of text")
    if len(text) > 1000:
        raise UsageError("--add-ignore: the reason is longer than 1000 characters")
    return text


def annotated(report: Report, reason: str) -> Annotated:
    """The text of a report with comments for its findings, but for those that no comment can leave alone.

    These are ``invalid-dockerfile`` and what is wrong with comments. Raises InputError where BuildKit would read the
    result differently.
    """
    dockerfile = report.dockerfile
    wanted = [item for item in report.findings if item.rule != SYNTAX and item.rule not in NAMES]
    wanted = [item for item in wanted if any(one.start <= item.start < one.end for one in dockerfile.instructions)]
    data = apply(dockerfile.data, suppressing(dockerfile, wanted, reason or None))
    if parse(data).meaning != dockerfile.meaning:
        raise InputError("the comments would change how the file is read, so none was written; please report")
    return Annotated(data, len(wanted))
