"""One Dockerfile that several builds take from different contexts: what is found in any, and fixes that hold in all."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from dockerlayer.api import Ecosystem
from dockerlayer.builds.places import Place
from dockerlayer.checks.suppressions import UNUSED
from dockerlayer.engine import (
    Options,
    Outcome,
    Report,
    context_for,
    examine,
    examine_once,
    foretold,
    is_waiting,
    repair,
    repaired,
)
from dockerlayer.findings import Applicability, Finding, Fix, Refusal
from dockerlayer.model.context import Context
from dockerlayer.model.stages import build_of
from dockerlayer.syntax.tree import Dockerfile


class View(NamedTuple):
    """A context that a Dockerfile is built from.

    ``title`` says which build does that and from where; ``names`` are the named contexts that the build is given.
    """

    context: Context
    title: str = ""
    names: frozenset[str] = frozenset()


def title_of(place: Place) -> str:
    """Which build takes a Dockerfile from where: ``compose.yaml:12 service api builds it from ..``."""
    build = place.builds[0]
    return f"{build.place} {build.kind} {build.name} builds it from {place.context}"


def views_of(path: str, directory: str | None, places: Sequence[Place], near: Context | None = None) -> list[View]:
    """The contexts to judge a Dockerfile in: the directory that the user wants, else its places, else its own.

    Raises InputError for one that cannot be read.
    """
    file = Path(path)
    if directory is not None or not places:
        return [View(context_for(file, Path(directory) if directory is not None else None, near))]
    return [view_of(place, context_for(file, Path(place.context), near)) for place in places]


def view_of(place: Place, context: Context) -> View:
    """The view of a place, whose directory is read as ``context``."""
    return View(context, title_of(place), frozenset(name for build in place.builds for name in build.contexts))


def examine_all(data: bytes, views: Sequence[View], ecosystems: Sequence[Ecosystem], options: Options) -> Report:
    """The findings of a text in each context, once where they are the same; with the fixes that hold in all of them."""
    if _is_plain(views):
        return examine(data, views[0].context, ecosystems, options)
    report = _look(data, views, ecosystems, options)
    return foretold(report, repair_all(data, views, ecosystems, options).report) if is_waiting(report) else report


def repair_all(data: bytes, views: Sequence[View], ecosystems: Sequence[Ecosystem], options: Options) -> Outcome:
    """Make one fix after another, as `engine.repair` does, but only those that hold in every context."""
    if _is_plain(views):
        return repair(data, views[0].context, ecosystems, options)

    def look(text: bytes, contexts: Sequence[Context]) -> Report:
        seen = [view._replace(context=context) for view, context in zip(views, contexts, strict=True)]
        return _look(text, seen, ecosystems, options)

    return repaired(data, [view.context for view in views], options, look)


def _is_plain(views: Sequence[View]) -> bool:
    return len(views) == 1 and not views[0].names


def _look(data: bytes, views: Sequence[View], ecosystems: Sequence[Ecosystem], options: Options) -> Report:
    reports = [examine_once(data, view.context, ecosystems, options) for view in views]
    dockerfile = reports[0].dockerfile
    found: dict[tuple[int, str, str], list[Finding | None]] = {}
    for at, report in enumerate(reports):
        for item in report.findings:
            found.setdefault((item.start, item.rule, item.subject), [None] * len(views))[at] = item
    findings = [
        _agreed(dockerfile, each, views)
        for (_, rule, _), each in sorted(found.items())
        # A comment that has an effect in one context is not without effect.
        if rule != UNUSED or None not in each
    ]
    left = {(item.start, item.rule, item.subject): item for report in reports for item in report.suppressed}
    return Report(dockerfile, tuple(findings), tuple(left[key] for key in sorted(left)))


def _agreed(dockerfile: Dockerfile, found: Sequence[Finding | None], views: Sequence[View]) -> Finding:
    """One finding for those of each view, None where a view has none."""
    first = next(item for item in found if item is not None)
    notes = [first.help] if first.help else []
    if None in found:
        where = " and ".join(view.title for item, view in zip(found, views, strict=True) if item is not None)
        notes.append(f"so it is where {where}, and not in every build of this file")
    else:
        notes += [
            f"where {view.title}: {item.message}"
            for item, view in zip(found, views, strict=True)
            if item is not None and item.message != first.message
        ]
    told = first._replace(help="; ".join(notes))
    if all(item is None or item.fix is None for item in found):
        return told
    refusal = _refusal(dockerfile, found, views)
    if refusal is not None:
        return told._replace(fix=None, refusals=(refusal,))
    return told._replace(fix=_joined([item.fix for item in found if item is not None and item.fix is not None]))


def _refusal(dockerfile: Dockerfile, found: Sequence[Finding | None], views: Sequence[View]) -> Refusal | None:
    """Why the fixes of the views are not one that holds for all, or None."""
    fixes = [item.fix for item in found if item is not None and item.fix is not None]
    first = fixes[0]
    stages = {stage.name for stage in build_of(dockerfile).stages}
    for item, view in zip(found, views, strict=True):
        if item is None:
            return Refusal(
                "other-context", f"{view.title}, where this is not found, so that the fix cannot be checked there"
            )
        if item.fix is None:
            because = f": {item.refusals[0].message}" if item.refusals else ""
            return Refusal("other-context", f"{view.title}, where there is no fix{because}")
        if (item.fix.edits, item.fix.ignore) != (first.edits, first.ignore):
            return Refusal("other-context", f"{view.title}, where the fix is another one: {item.fix.title}")
        for name in sorted(view.names):
            if name.lower() in stages or _names_a_stage(item.fix, name):
                return Refusal("named-context", f"{view.title}, and puts a context in the place of the stage {name}")
    if first.ignore and len({view.context.ignore_target for view in views}) > 1:
        return Refusal("other-context", f"{views[-1].title}, where the ignore file is another one")
    return None


def _names_a_stage(fix: Fix, name: str) -> bool:
    pattern = rb"(?i)\bAS\s+" + re.escape(name.encode("utf-8", "surrogateescape")) + rb"\b"
    return any(re.search(pattern, edit.text) for edit in fix.edits)


_ORDER = (Applicability.SAFE, Applicability.UNSAFE, Applicability.MANUAL)


def _joined(fixes: Sequence[Fix]) -> Fix:
    """The fix with what any of the same fixes assumes and notes; it is no safer than each of them."""
    return fixes[0]._replace(
        applicability=max((fix.applicability for fix in fixes), key=_ORDER.index),
        assumptions=tuple(dict.fromkeys(text for fix in fixes for text in fix.assumptions)),
        notes=tuple(dict.fromkeys(text for fix in fixes for text in fix.notes)),
    )
