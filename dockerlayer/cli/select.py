"""From the values of ``--select`` and ``--ignore`` to names of rules."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from dockerlayer.api import Ecosystem
from dockerlayer.checks.rules import SYNTAX, rules_of
from dockerlayer.engine import default_rules
from dockerlayer.errors import UsageError


def selected_rules(
    ecosystems: Sequence[Ecosystem], select: Iterable[str] | None, ignore: Iterable[str] | None
) -> frozenset[str]:
    """The names of the rules to run.

    ``invalid-dockerfile`` stays with every selection: of a file that cannot be built, other rules say nothing.
    """
    known = rules_of(ecosystems)
    if select is None:
        chosen = default_rules(ecosystems)
    else:
        names = _names("--select", select)
        chosen = frozenset(known) if "all" in names else frozenset({SYNTAX})
        chosen |= {_known_rule(name, known) for name in names - {"all"}}
    left_out = _names("--ignore", ignore) if ignore is not None else set()
    return chosen - {_known_rule(name, known) for name in left_out}


def _names(option: str, values: Iterable[str]) -> set[str]:
    names = {name.strip() for value in values for name in value.split(",")} - {""}
    if not names:
        raise UsageError(f"{option} names no rule")
    return names


def _known_rule(name: str, known: Collection[str]) -> str:
    if name not in known:
        raise UsageError(unknown_rule(name, known))
    return name


def unknown_rule(name: str, known: Collection[str]) -> str:
    """The message for a rule that does not exist, with the one that was probably meant."""
    from difflib import get_close_matches

    near = get_close_matches(name.lower(), known, n=1, cutoff=0.4)
    meant = f"did you mean {near[0]}?" if near else "`dockerlayer rules` lists them"
    return f"there is no rule {name!r}; {meant}"
