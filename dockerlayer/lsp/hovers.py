"""What the editor shows where the pointer rests: the finding there, and what the layer depends on."""

from __future__ import annotations

from collections.abc import Iterator

from lsprotocol.types import Hover, MarkupContent, MarkupKind, Position

from dockerlayer.findings import Applicability, Finding
from dockerlayer.lsp.diagnostics import refused
from dockerlayer.lsp.examined import Examined
from dockerlayer.lsp.markdown import code, fenced, prose
from dockerlayer.report.text import count
from dockerlayer.report.visible import decodable
from dockerlayer.report.why import why_text
from dockerlayer.rewrite.by_hand import by_hand
from dockerlayer.why import Download, Why, instruction_on, why


def hover(examined: Examined, position: Position, *, markdown: bool = True) -> Hover | None:
    """The answer for a position; None where no instruction stands and nothing was found."""
    offset = examined.text.offset(position)
    instruction = instruction_on(examined.report.dockerfile, examined.line_of(offset))
    findings = [item for item in examined.findings if item.start <= offset <= item.end]
    answer = None
    if instruction is not None and examined.buildable:
        answer = why(examined.survey, examined.document.path, examined.line_of(offset))
    if answer is None and not findings:
        return None
    if markdown:
        blocks = ["\n\n".join(_finding(examined, item)) for item in findings]
        if answer is not None:
            blocks.append("\n".join(_why(answer)))
        kind, value = MarkupKind.Markdown, "\n\n---\n\n".join(blocks)
    else:
        texts = [f"{item.rule}: {item.message}\n" for item in findings]
        kind, value = MarkupKind.PlainText, "\n".join([*texts, why_text(answer) if answer is not None else ""])
    span = None
    if instruction is not None:
        end = examined.report.dockerfile.line_end(max(instruction.start, instruction.end - 1))
        span = examined.text.range(instruction.start, end)
    return Hover(MarkupContent(kind, decodable(value)), span)


def _finding(examined: Examined, finding: Finding) -> Iterator[str]:
    yield f"**{finding.severity.value}** {code(finding.rule)}: {prose(finding.message)}"
    rule = examined.rules.get(finding.rule)
    if rule is not None and rule.summary:
        yield prose(rule.summary)
    fix = finding.fix
    if fix is None:
        for refusal in finding.refusals:
            yield f"*No fix:* {prose(refused(examined, finding, refusal))}"
    elif fix.applicability is Applicability.SAFE:
        yield f"*Fix (safe):* {prose(fix.title)}"
    elif fix.applicability is Applicability.UNSAFE:
        yield f"*Fix (unsafe):* {prose(fix.title)}; assumes: {prose('; '.join(fix.assumptions))}"
    else:
        because = f"; not made by itself, because {prose('; '.join(fix.assumptions))}" if fix.assumptions else ""
        yield f"*Fix by hand:* {prose(fix.title)}{because}"
        lines = by_hand(examined.text.data, fix)
        if lines:
            yield fenced(lines, "diff")
    for note in fix.notes if fix is not None else ():
        yield f"*Note:* {prose(note)}"
    if finding.help:
        yield f"*Note:* {prose(finding.help)}"


def _why(answer: Why) -> Iterator[str]:
    yield code(answer.instruction)
    yield ""
    yield f"Stage: {prose(answer.stage) or 'none, this stands above the first FROM'}"
    if answer.inputs:
        yield ""
        yield "The layer is built again when one of these changes:"
        yield ""
    for item in answer.inputs:
        yield f"- line {item.line}, {item.kind} {code(item.what)}: {prose(item.why)}"
    for download in answer.downloads:
        yield ""
        yield from _download(download)


def _download(download: Download) -> Iterator[str]:
    yield f"{code(download.command)} downloads {prose(download.cost)}, in {code(download.directory)} ({download.kind})"
    yield ""
    if download.kept:
        yield "- a cache mount keeps what is downloaded between builds"
    yield f"- needs {', '.join(map(code, download.needs)) or 'no file of the build context'}"
    for item in download.needless:
        names = ", ".join(map(code, item.examples)) + (", ..." if item.number > len(item.examples) else "")
        yield f"- does not need {count(item.number, 'file')} of line {item.line}, {code(item.text)}: {names}"
