"""The report for people: findings in the manner of rustc, and one line that sums up."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence

from dockerlayer.engine import Made
from dockerlayer.findings import Applicability, Finding, Fix, Refusal
from dockerlayer.report.excerpt import excerpt
from dockerlayer.report.formats import Run
from dockerlayer.report.record import FileRecord, Tally
from dockerlayer.report.visible import Paint, plain, shown, shown_path
from dockerlayer.rewrite.by_hand import by_hand
from dockerlayer.syntax.tree import Dockerfile

STREAMS = True


def part(record: FileRecord, run: Run) -> str:
    """What is told about one file."""
    if not run.fixing:
        return findings_text(record, run.paint)
    text = fixed_text(record, run.paint, written=run.command == "fix")
    return text if run.unsafe else text + hints_text(record)


def whole(parts: Sequence[str], errors: Sequence[tuple[str, str]], tally: Tally, run: Run) -> str:
    """The line that closes the report."""
    return closing(tally, run)


def closing(tally: Tally, run: Run) -> str:
    """The line that sums up what the command did."""
    return fix_summary_text(tally, written=run.command == "fix") if run.fixing else summary_text(tally)


def findings_text(record: FileRecord, paint: Paint = plain) -> str:
    """Every finding of a file with its excerpt, a blank line behind each; "" for a clean file."""
    return "".join(_finding(record, finding, paint) + "\n" for finding in record.report.findings)


def fixed_text(record: FileRecord, paint: Paint = plain, *, written: bool = True) -> str:
    """What was done to a file, then what is left in it; "" for a clean file. ``written`` is false for a mere diff."""
    return "".join(f"{line}\n" for line in _made(record, paint, written)) + findings_text(record, paint)


def _finding(record: FileRecord, finding: Finding, paint: Paint) -> str:
    dockerfile = record.report.dockerfile
    line, column = dockerfile.position(finding.start)
    place = paint("path", f"{shown_path(record.path)}:{line}:{column}")
    rule = paint(finding.severity.value, finding.rule)
    lines = [f"{place}: {rule}: {shown(finding.message)}"]
    lines += excerpt(dockerfile, finding.start, finding.end, finding.severity.value, paint)
    margin = " " * (len(str(line)) + 1)
    for label, text in (*_remarks(dockerfile, finding), *_contexts(record)):
        head = f"{paint('gutter', '=')} {paint('note', label)}:" if label else paint("gutter", "|")
        lines.append(f"{margin}{head} {shown(text)}")
    return "\n".join(lines) + "\n"


def _remarks(dockerfile: Dockerfile, finding: Finding) -> Iterator[tuple[str, str]]:
    fix = finding.fix
    line = dockerfile.position(finding.start)[0]
    if fix is None:
        for refusal in finding.refusals:
            yield "no fix", _refusal(refusal, line)
    else:
        yield _fix(fix)
        if fix.applicability is Applicability.MANUAL:
            for text in by_hand(dockerfile.data, fix):
                yield "", text
        for note in fix.notes:
            yield "note", note
        for refusal in finding.refusals:
            yield "note", _refused(refusal, line)
    if finding.help:
        yield "note", finding.help


def _contexts(record: FileRecord) -> Iterator[tuple[str, str]]:
    """Where the file is built from, if that is not its own directory alone."""
    if not record.built_from:
        return
    own = os.path.realpath(os.path.dirname(record.path))
    if any(os.path.realpath(place.context) != own for place in record.built_from):
        yield "context", ", and ".join(place.title for place in record.built_from)


def _fix(fix: Fix) -> tuple[str, str]:
    if fix.applicability is Applicability.SAFE:
        return "fix", f"{fix.title} (safe, `dockerlayer fix`)"
    if fix.applicability is Applicability.UNSAFE:
        return "fix (--unsafe)", f"{fix.title}; assumes: {'; '.join(fix.assumptions)}"
    because = f"; not made by itself, because {'; '.join(fix.assumptions)}" if fix.assumptions else ""
    return "fix by hand", fix.title + because


def _refused(refusal: Refusal, line: int) -> str:
    return f"{' '.join(filter(None, ('no', refusal.pattern, 'fix')))}: {_refusal(refusal, line)}"


def _refusal(refusal: Refusal, line: int) -> str:
    place = f" (line {refusal.line})" if refusal.line not in {None, line} else ""
    return f"{refusal.message}{place} [{refusal.code}]"


def _made(record: FileRecord, paint: Paint, written: bool) -> Iterator[str]:
    if not record.made:
        return
    did = "fixed" if written else "would fix"
    yield f"{paint('path', shown_path(record.path))}: {did} {count(len(record.made), 'problem')}"
    for made in record.made:
        yield f"  line {made.line}: {shown(made.fix.title)} ({_labels(made)})"
        for assumption in made.fix.assumptions:
            yield f"    assumed: {shown(assumption)}"
        for note in made.fix.notes:
            yield f"    note: {shown(note)}"
        for refusal in made.finding.refusals:
            yield f"    note: {shown(_refused(refusal, made.line))}"
    yield ""


def _labels(made: Made) -> str:
    return ", ".join(part for part in (made.finding.rule, made.fix.pattern, made.fix.applicability.value) if part)


def count(number: int, noun: str, plural: str = "") -> str:
    """The number with its noun: "1 file", "2 files"."""
    return f"{number} {noun}" if number == 1 else f"{number} {plural or noun + 's'}"


def summary_text(tally: Tally) -> str:
    """The line that closes the report of ``check``."""
    failed = f"; {count(tally.failed, 'file')} could not be checked" if tally.failed else ""
    failed = _known(tally) + failed
    if not tally.problems:
        if not tally.files:
            return f"Nothing checked{failed}.\n"
        return f"{'Nothing new' if tally.known else 'All clean'}: {count(tally.files, 'file')} checked{failed}.\n"
    return f"Found {_left(tally)}{_offers(tally)}{failed}.\n"


def fix_summary_text(tally: Tally, *, written: bool = True) -> str:
    """The line that closes the report of ``fix``; ``written`` is false for a mere diff."""
    if not tally.made:
        return summary_text(tally)
    failed = f"; {count(tally.failed, 'file')} could not be fixed" if tally.failed else ""
    failed = _known(tally) + failed
    did = "Fixed" if written else "Would fix"
    left = (
        f", {_left(tally)} left{_offers(tally)}" if tally.problems else f", nothing {'new ' if tally.known else ''}left"
    )
    return f"{did} {count(tally.made, 'problem')} in {count(tally.changed, 'file')}{left}{failed}.\n"


def _known(tally: Tally) -> str:
    return f"; {count(tally.known, 'known problem')} left out" if tally.known else ""


def _left(tally: Tally) -> str:
    return f"{count(tally.problems, 'problem')} in {tally.dirty} of {count(tally.files, 'file')}"


def _offers(tally: Tally) -> str:
    if tally.safe and tally.unsafe:
        return f" ({tally.safe} fixable with fix, {tally.unsafe} more with --unsafe)"
    if tally.safe:
        return f" ({tally.safe} fixable with fix)"
    return f" ({tally.unsafe} fixable with fix --unsafe)" if tally.unsafe else ""


def hints_text(record: FileRecord) -> str:
    """A line on the fixes of a file that wait for ``--unsafe``, with what they assume; "" when there is none."""
    waiting = [
        finding.fix
        for finding in record.report.findings
        if finding.fix is not None and finding.fix.applicability is Applicability.UNSAFE
    ]
    if not waiting:
        return ""
    assumptions = dict.fromkeys(assumption for fix in waiting for assumption in fix.assumptions)
    return f"{shown_path(record.path)}: {len(waiting)} more with --unsafe: {shown('; '.join(assumptions))}\n"
