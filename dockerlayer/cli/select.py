"""From the values of ``--select`` and ``--ignore`` to names of rules."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from dockerlayer.api import Ecosystem
from dockerlayer.checks.rules import SYNTAX, rule_names
from dockerlayer.engine import default_rules
from dockerlayer.errors import UsageError, meant


def selected_rules(
    ecosystems: Sequence[Ecosystem], select: Iterable[str] | None, ignore: Iterable[str] | None
) -> frozenset[str]:
    """The names of the rules to run.

    ``invalid-dockerfile`` stays with every selection: of a file that cannot be built, other rules say nothing.
    """
    known = rule_names(ecosystems)
    if select is None:
        chosen = default_rules(ecosystems)
    else:
        names = known_names("--select", select, known, ("all",))
        chosen = frozenset(known if "all" in names else (*names, SYNTAX))
    return chosen - frozenset(known_names("--ignore", ignore, known) if ignore is not None else ())


def known_names(option: str, values: Iterable[str], known: Collection[str], extra: tuple[str, ...] = ()) -> list[str]:
    """The names of rules in the values of an option; raises UsageError where there are none, or others."""
    names = sorted({name.strip() for value in values for name in value.split(",")} - {""})
    if not names:
        raise UsageError(f"{option} names no rule")
    for name in names:
        if name not in known and name not in extra:
            raise UsageError(unknown_rule(name, known))
    return names


def unknown_rule(name: str, known: Collection[str]) -> str:
    """The message for a rule that does not exist, with the one that was probably meant."""
    return f"there is no rule {name!r}; {meant(name, known, '`dockerlayer rules` lists them')}"
