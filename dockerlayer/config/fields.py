"""The keys of a configuration file: this one table is what checks a file, and what the JSON schema is made from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from dockerlayer.config.kinds import Either, Flag, Kind, Known, ListOf, OneOf, TableOf, Text, Wrong
from dockerlayer.errors import meant
from dockerlayer.findings import Severity
from dockerlayer.model.builders import PROFILES


class Field(NamedTuple):
    """A key: what may stand there, what holds without it (None: it depends), and what it is for."""

    key: str
    kind: Kind
    default: Any
    description: str


_LISTED = "`dockerlayer rules` lists them"
_RULE = OneOf("a rule", lambda known: known.rules, listed=_LISTED)
_RULES = ListOf("a list of rules", _RULE)
_RULES_OR_ALL = ListOf("a list of rules", OneOf("a rule", lambda known: known.rules, ("all",), _LISTED))
_SEVERITY = OneOf("a severity", lambda known: [item.value for item in Severity])
_THRESHOLD = OneOf("a severity", lambda known: [*(item.value for item in Severity), "never"])
_PATTERN = OneOf("a pattern", lambda known: known.patterns)
_ECOSYSTEM = OneOf(
    "an ecosystem", lambda known: known.ecosystems, ("default",), "`dockerlayer ecosystems --format json` names them"
)
_BUILDER = OneOf("a builder", lambda known: PROFILES)
_GLOB = Text("a glob of Dockerfiles")
_DIRECTORY = Text("a directory")

FIELDS = (
    Field("extend", Text("a path"), None, "Another configuration file, whose values hold where this one says nothing."),
    Field("select", _RULES_OR_ALL, None, 'Run exactly these rules; "all" stands for every one.'),
    Field("extend-select", _RULES_OR_ALL, [], "Run these rules as well."),
    Field("ignore", _RULES, [], "Leave these rules out."),
    Field("severity", TableOf("a table of rules", _RULE, _SEVERITY), {}, "How bad the findings of a rule are."),
    Field(
        "pattern",
        Either(_PATTERN, TableOf("a table of ecosystems", _ECOSYSTEM, _PATTERN)),
        "split",
        "Which fix is preferred, for every ecosystem or for each.",
    ),
    Field("builder", _BUILDER, None, "The builder that a fix must be good for, where it is not to be inferred."),
    Field(
        "context",
        Either(_DIRECTORY, TableOf("a table of globs", _GLOB, _DIRECTORY)),
        None,
        "The build context of every Dockerfile, or of those that a glob fits; the first glob that fits counts.",
    ),
    Field("exclude", ListOf("a list of globs", _GLOB), [], "Dockerfiles and directories that are not looked at."),
    Field("force-exclude", Flag(), False, "Leave out what exclude names even when the command line names it."),
    Field("fail-on", _THRESHOLD, "info", "The least severity that makes a run fail."),
    Field("unsafe-fixes", Flag(), False, "Make fixes that rest on an assumption as well."),
    Field("baseline", Text("a path"), None, "A file of findings that are known and not told again."),
)
"""In the order in which they are shown."""


def wrongs_of(table: Mapping[str, Any], known: Known) -> Iterator[Wrong]:
    """What is wrong with the values of a file."""
    fields = {field.key: field for field in FIELDS}
    for key, value in table.items():
        if key in fields:
            for wrong in fields[key].kind.wrongs(value, (key,), known):
                yield _misplaced(wrong) if wrong.place[1:] and wrong.place[-1] in fields else wrong
        else:
            yield Wrong((key,), f"unknown key {key[:60]!r}; {meant(key.replace('_', '-'), list(fields))}")


def _misplaced(wrong: Wrong) -> Wrong:
    """TOML takes what stands below the head of a table for a part of the table."""
    table, key = wrong.place[0], wrong.place[-1]
    return Wrong(wrong.place, f"{key!r} stands in the table of {table!r}; it belongs above the head of that")


def schema_of(known: Known) -> dict[str, Any]:
    """The JSON schema of a ``dockerlayer.toml``, which accepts what ``wrongs_of`` finds nothing wrong with."""
    properties = {}
    for field in FIELDS:
        properties[field.key] = {"description": field.description, **field.kind.schema(known)}
        if field.default is not None:
            properties[field.key]["default"] = field.default
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "dockerlayer",
        "description": "The configuration of dockerlayer: dockerlayer.toml, .dockerlayer.toml.",
        "type": "object",
        "properties": properties,
        "additionalProperties": False,
    }
