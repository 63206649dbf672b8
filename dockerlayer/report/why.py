"""What a layer depends on and why, for people and for programs."""

from __future__ import annotations

from collections.abc import Iterator

from dockerlayer.report.text import count
from dockerlayer.report.visible import Paint, decodable, plain, shown, shown_path
from dockerlayer.why import Download, Why

_LONGEST = 160


def why_text(why: Why, paint: Paint = plain) -> str:
    """The answer in lines for a terminal."""
    return "".join(f"{line}\n" for line in _lines(why, paint))


def why_json(why: Why) -> str:
    """The answer as one JSON object with the fields of ``Why`` behind version and tool."""
    import json

    from dockerlayer.report.json import header

    inputs = [{"kind": item.kind, "what": item.what, "line": item.line, "why": item.why} for item in why.inputs]
    downloads = [
        {**item._asdict(), "needless": [needless._asdict() for needless in item.needless]} for item in why.downloads
    ]
    answer = {**header(), **why._asdict(), "inputs": inputs, "downloads": downloads}
    return json.dumps(_clean(answer)) + "\n"


def _clean(value: object) -> object:
    if isinstance(value, str):
        return decodable(value)
    if isinstance(value, dict):
        return {key: _clean(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return list(map(_clean, value))
    return value


def _lines(why: Why, paint: Paint) -> Iterator[str]:
    place = paint("path", f"{shown_path(why.path)}:{why.line}")
    if not why.instruction:
        yield f"{place}: no instruction stands on this line"
        if why.stage:
            yield f"stage: {shown(why.stage)}"
        return
    yield f"{place}: {_short(why.instruction)}"
    yield f"stage: {shown(why.stage) or 'none, this stands above the first FROM'}"
    if why.inputs:
        yield ""
        yield "The layer is built again when one of these changes:"
    margin = max((len(str(item.line)) for item in why.inputs), default=0)
    kinds = max((len(item.kind) for item in why.inputs), default=0)
    for item in why.inputs:
        number = paint("gutter", str(item.line).rjust(margin))
        yield f"  line {number}  {item.kind.ljust(kinds)}  {_short(item.what)} - {shown(item.why)}"
    for download in why.downloads:
        yield ""
        yield from _download(download, paint)


def _download(download: Download, paint: Paint) -> Iterator[str]:
    yield f"line {download.line}: {_short(download.command)}"
    yield f"  downloads {shown(download.cost)}, in {shown(download.directory)} ({download.kind})"
    if download.kept:
        yield "  a cache mount keeps what is downloaded between builds"
    yield f"  {paint('note', 'needs')}: {_short(', '.join(download.needs)) or 'no file of the build context'}"
    for item in download.needless:
        names = ", ".join(item.examples) + (", ..." if item.number > len(item.examples) else "")
        files = count(item.number, "file")
        yield f"  {paint('note', 'does not need')}: {files} of line {item.line}, {_short(item.text)}: {_short(names)}"


def _short(text: str) -> str:
    text = shown(text)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."
