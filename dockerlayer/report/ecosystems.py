"""The table of ecosystems: who pays for a download, and how it is separated from the install."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from dockerlayer.api import Ecosystem

_HEAD = ("ecosystem", "name", "registry", "funding", "download command", "offline install", "used in practice")


def ecosystems_text(ecosystems: Iterable[Ecosystem]) -> str:
    """A table for people that is Markdown as well, one row per ecosystem in the order given."""
    rows = [_HEAD, *(_row(ecosystem) for ecosystem in ecosystems)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEAD))]
    rule = tuple("-" * width for width in widths)
    return "".join(_line(row, widths) for row in (rows[0], rule, *rows[1:]))


def ecosystems_json(ecosystems: Iterable[Ecosystem]) -> str:
    """``{"version", ..., "ecosystems": [{"name", "title", "docs", "registry", "payer", "donated", "download", ...}]}``.

    ``download``, ``offline`` and ``used`` are Markdown, or null for a plugin that does not say.
    """
    import json

    from dockerlayer.report.json import header

    listed = [
        {
            "name": ecosystem.name,
            "title": ecosystem.title,
            "docs": ecosystem.docs,
            "registry": ecosystem.registry.name,
            "payer": ecosystem.registry.payer,
            "donated": ecosystem.registry.donated,
            **(
                ecosystem.practice._asdict()
                if ecosystem.practice is not None
                else dict.fromkeys(("download", "offline", "used"))
            ),
        }
        for ecosystem in ecosystems
    ]
    return json.dumps({**header(), "ecosystems": listed}) + "\n"


def _row(ecosystem: Ecosystem) -> tuple[str, ...]:
    practice = ecosystem.practice or ("-", "-", "-")
    return ecosystem.title, f"`{ecosystem.name}`", ecosystem.registry.name, ecosystem.registry.payer, *practice


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    cells = " | ".join(cell.replace("|", "\\|").ljust(width) for cell, width in zip(row, widths, strict=True))
    return f"| {cells} |\n"
