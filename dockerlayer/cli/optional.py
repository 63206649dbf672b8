"""An option that takes a value only behind a ``=``, as ruff's ``--add-noqa`` does."""

from __future__ import annotations

from typing import Any

from typer.core import TyperCommand

ADD_IGNORE = "--add-ignore"


class OptionalReason(TyperCommand):
    """A command whose ``--add-ignore`` may stand alone: the word behind it is a path, not its value."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Give the bare option an empty value; what stands behind ``--`` is no option."""
        end = args.index("--") if "--" in args else len(args)
        words = [f"{ADD_IGNORE}=" if word == ADD_IGNORE else word for word in args[:end]]
        return super().parse_args(ctx, [*words, *args[end:]])
