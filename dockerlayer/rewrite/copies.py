"""Writing the narrow COPY: the files that a download needs, to the places where it looks for them."""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Sequence

from dockerlayer.api import Fetch, Refusal
from dockerlayer.checks.survey import Sighting
from dockerlayer.model.files import Placement
from dockerlayer.model.paths import BASE, join, relative
from dockerlayer.model.stages import Step

KEPT_FLAGS = ("--chown=", "--chmod=", "--link")
_WILD = re.compile(r"[*?\[\\$]")


def narrow_copies(
    step: Step, sightings: Sequence[Sighting], broad: Sequence[Placement], kept: Sequence[Placement], workdir: str
) -> list[str] | Refusal:
    """COPY lines, written in ``workdir``, for what the fetches of ``step`` need and ``kept`` copies do not bring."""
    groups: dict[tuple[tuple[str, ...], str], list[str]] = {}
    for seen in sightings:
        for need in seen.fetch.needs:
            result = _source_of(seen.fetch, need, broad, kept)
            if isinstance(result, Refusal):
                return result
            if result is None:
                continue
            placement, source, is_dir = result
            image = join(seen.fetch.directory, need)
            target = target_of(image if is_dir else posixpath.dirname(image), workdir)
            if target is None:
                return Refusal("place-unknown", f"where {source} goes cannot be written relative to the directory")
            flags = tuple(flag for flag in placement.step.instruction.flags if flag.startswith(KEPT_FLAGS))
            sources = groups.setdefault((flags, target), [])
            if source not in sources and not (is_dir and sources):
                sources.append(source)
    keyword = "copy" if step.instruction.keyword.islower() else "COPY"
    return [copy_line(keyword, flags, sources, target) for (flags, target), sources in groups.items()]


def _source_of(
    fetch: Fetch, need: str, broad: Sequence[Placement], kept: Sequence[Placement]
) -> tuple[Placement, str, bool] | Refusal | None:
    image = join(fetch.directory, need)
    if fetch.origin is None:
        what = f"the directory of the context that {fetch.directory} of the image comes from is not known"
        return Refusal("not-in-context", what, fetch.call.step.line)
    source = posixpath.normpath(posixpath.join(fetch.origin, need))
    if any(placement.origin(image) == source for placement in kept):
        return None
    for placement in reversed(broad):
        if placement.origin(image) == source:
            if _WILD.search(source):
                return Refusal("odd-name", f"{source} has a character that COPY reads as a pattern")
            link = linked_directory(placement, source)
            if link is not None:
                what = f"{link} is a link in the context: no COPY could put it where a directory was made for {source}"
                return Refusal("linked-directory", what, placement.step.line)
            return placement, source, placement.context.is_dir(source)
    return Refusal("not-copied", f"no COPY brings {source} to {image}", fetch.call.step.line)


def linked_directory(placement: Placement, source: str) -> str | None:
    """A link to a directory, on the way to a source or that source, which a copy of what is above it brings as a link.

    The builder refuses to replace a directory by a link ("cannot copy to non-directory").
    """
    base = next((item.context for item in placement.placed if item.is_dir and _is_below(source, item.context)), None)
    here = source if placement.context.is_dir(source) else posixpath.dirname(source)
    while base is not None and here and _is_below(here, base):
        if placement.context.is_link(here):
            return here
        here = posixpath.dirname(here)
    return None


def _is_below(path: str, directory: str) -> bool:
    return path != directory and (not directory or path.startswith(f"{directory}/"))


def target_of(directory: str, workdir: str) -> str | None:
    """An image directory as the destination of a COPY, or None where it cannot be written."""
    inside = relative(directory, workdir)
    if inside is not None:
        return f"{inside}/" if inside else "./"
    if directory.startswith(BASE):
        return None
    return "/" if directory == "/" else f"{directory}/"


def copy_line(keyword: str, flags: Sequence[str], sources: Sequence[str], target: str) -> str:
    """A COPY instruction without line end; names with spaces take the JSON form."""
    words = [*sources, target]
    if any(re.search(r"[\s\"'\[\]]", word) for word in words):
        listed = json.dumps(words, ensure_ascii=False)
    else:
        listed = " ".join(words)
    return " ".join((keyword, *flags, listed))
