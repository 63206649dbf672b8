"""invalid-suppression and unused-suppression: comments of ours that do not do what they look like."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence

from dockerlayer.checks.survey import Candidate
from dockerlayer.errors import meant
from dockerlayer.findings import Applicability, Edit, Finding, Fix, Refusal, Severity, apply, listed
from dockerlayer.model.suppressions import Name, Suppression, is_suppressed
from dockerlayer.syntax.parser import parse
from dockerlayer.syntax.tree import Dockerfile, Trivia

INVALID = "invalid-suppression"
UNUSED = "unused-suppression"
NAMES = frozenset({INVALID, UNUSED})
PATTERN = "comment"
_MISTYPED = 100


def parted(
    found: Sequence[Candidate], comments: Sequence[Suppression]
) -> tuple[Sequence[Candidate], Sequence[Candidate]]:
    """What is told of what was found, and what a comment leaves alone."""
    if not comments:
        return found, ()
    told: list[Candidate] = []
    left: list[Candidate] = []
    for item in found:
        (left if is_suppressed(item.finding.rule, item.finding.start, comments) else told).append(item)
    return told, left


def check_invalid(
    dockerfile: Dockerfile, suppressions: Iterable[Suppression], known: Collection[str], always: str
) -> Iterator[tuple[Suppression, Finding]]:
    """A comment for dockerlayer leaves nothing alone, because of how or where it is written.

    Why: what should be left alone is reported all the same, or comes back under another name; and whoever reads the
    file takes for settled what is not. A rule that does not exist, brackets that are missing, `file-ignore` below
    the first instruction and `stage-ignore` above anything but a FROM have no effect. `invalid-dockerfile` can not be
    left alone: of a file that cannot be built nothing else is told.

    Bad::

        FROM debian:trixie
        COPY . /src
        # dockerlayer: ignore git-directory-copied
        RUN make -C /src

    Good::

        FROM debian:trixie
        # dockerlayer: ignore[git-directory-copied] the version is read from the last tag
        COPY . /src
        RUN make -C /src

    Fix safety: manual.

    References:
    - Dockerfile reference, comments and directives: https://docs.docker.com/reference/dockerfile/#format
    """
    told: dict[str, str] = {}
    for item in suppressions:
        if item.problem:
            yield item, _finding(INVALID, dockerfile, item, item.problem)
            continue
        for name in item.names:
            if name.text == always:
                message = f"{always} cannot be left alone: nothing else is told of a file that cannot be built"
                yield item, _finding(INVALID, dockerfile, item, message, name)
            elif name.text not in known:
                if name.text not in told:
                    # Looking for a name that is near takes milliseconds; a hundred of them are not mistyped.
                    told[name.text] = _unknown(name.text, known if len(told) < _MISTYPED else ())
                yield item, _finding(INVALID, dockerfile, item, told[name.text], name)


def check_unused(
    dockerfile: Dockerfile, suppressions: Iterable[Suppression], suppressed: Sequence[Finding], ran: Collection[str]
) -> Iterator[tuple[Suppression, Finding]]:
    """A comment for dockerlayer names a rule that finds nothing there.

    Why: a comment that outlives its reason hides the next finding of that rule, which nobody has looked at. It is
    reported for the rules that run; one that is told on request only is judged when it is selected. Where the build
    context is not known nothing is reported.

    Bad::

        FROM debian:trixie
        WORKDIR /src
        # dockerlayer: ignore[source-before-download] nothing is downloaded any more
        RUN make

    Good::

        FROM debian:trixie
        WORKDIR /src
        RUN make

    Fix safety: safe. The comment goes, or only the names that are not needed; the reason stays with the others. It
    is refused where the file would be read differently without the comment.

    References:
    - Ruff, the same for its own comments: https://docs.astral.sh/ruff/rules/unused-noqa/
    """
    first = _first_comment(dockerfile)
    for item in suppressions:
        idle = unused_names(item, suppressed, ran)
        if not idle:
            continue
        words = listed([name.text for name in idle])
        verb = "find" if len(idle) > 1 else "finds"
        message = f"{words} {verb} nothing that this comment leaves alone"
        title = "remove the comment" if len(idle) == len(item.names) else f"take {words} out of the comment"
        finding = _finding(UNUSED, dockerfile, item, message)
        edits = (removal(dockerfile, item, idle),)
        if item.start != first or reads_the_same(dockerfile, edits):
            yield item, finding._replace(fix=Fix(title, edits, Applicability.SAFE, PATTERN))
        else:
            what = "a line below would become a parser directive"
            yield (
                item,
                finding._replace(refusals=(Refusal("directive-below", what, dockerfile.position(item.start)[0]),)),
            )


def unused_names(item: Suppression, suppressed: Iterable[Finding], ran: Collection[str]) -> tuple[Name, ...]:
    """The names in a comment of rules that ran and found nothing that it covers, and those that stand there twice."""
    if item.problem:
        return ()
    used = {finding.rule for finding in suppressed if item.covers(finding.rule, finding.start)} | NAMES
    seen: set[str] = set()
    found = []
    for name in item.names:
        if name.text in ran and (name.text not in used or name.text in seen):
            found.append(name)
        seen.add(name.text)
    return tuple(found)


def removal(dockerfile: Dockerfile, item: Suppression, names: Sequence[Name]) -> Edit:
    """The edit that takes names out of a comment, or the whole line of it when none is left."""
    left = [name.text for name in item.names if name not in names]
    if left:
        return Edit(item.list_start, item.list_end, ", ".join(left).encode("utf-8", "surrogateescape"))
    data, end = dockerfile.data, item.line_end
    # Of two empty lines that would meet, one goes along.
    above = data[data.rfind(b"\n", 0, max(item.line_start - 1, 0)) + 1 : item.line_start].removeprefix(b"\xef\xbb\xbf")
    stop = data.find(b"\n", end) + 1 or len(data)
    if not above.strip() and end < stop and not data[end:stop].strip():
        end = stop
    return Edit(item.line_start, end, b"")


def _first_comment(dockerfile: Dockerfile) -> int:
    """The start of the comment that ends the parser directives, or -1: without it there may be more of them."""
    for item in dockerfile.items:
        if not isinstance(item, Trivia) or item.kind == "blank":
            return -1
        if item.kind == "comment" and not (item.line == 1 and dockerfile.data.startswith(b"#!", item.start)):
            return dockerfile.data.index(b"#", item.start)
    return -1


def reads_the_same(dockerfile: Dockerfile, edits: Iterable[Edit]) -> bool:
    """Whether BuildKit makes the same of the file with edits made, none of which overlap."""
    return parse(apply(dockerfile.data, edits)).meaning == dockerfile.meaning


def _finding(rule: str, dockerfile: Dockerfile, item: Suppression, message: str, name: Name | None = None) -> Finding:
    start, end = (name.start, name.end) if name is not None else (item.start, item.end)
    subject = dockerfile.data[item.start : min(item.end, item.start + 200)].decode("utf-8", "surrogateescape")
    return Finding(rule, Severity.WARNING, message, start, end, f"{subject}:{name.text if name is not None else ''}")


def _unknown(name: str, known: Collection[str]) -> str:
    if name.lower() in {"all", "*"}:
        return "each rule must be named: there is no name that stands for all of them"
    return f"there is no rule {name[:80]!r}; {meant(name, known, '`dockerlayer rules` lists them')}"
