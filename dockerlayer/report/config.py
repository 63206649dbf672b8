"""What is in force for a Dockerfile and where each value came from, as TOML with comments and as JSON."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from dockerlayer.config.configuration import DEFAULT, Configuration, Value
from dockerlayer.report.record import BuiltFrom
from dockerlayer.report.visible import Paint, decodable, plain, shown

_OTHERWISE = {
    "builder": "inferred from the Dockerfile, or from the CI files near it",
    "context": "the directory of the Dockerfile",
    "baseline": "none",
}
"""What holds where a key has no value."""


class Setting(NamedTuple):
    """A key, or the key of a table in it, with the values that make it up; of most the last one counts.

    ``value`` is None where ``note`` says what holds instead. ``builds`` are the contexts of Compose and Bake files:
    where ``sources`` say nothing the value is theirs, else they are those that it is taken ``instead`` of.
    """

    key: tuple[str, ...]
    value: Any
    sources: tuple[Value, ...] = ()
    note: str = ""
    builds: tuple[BuiltFrom, ...] = ()

    @property
    def instead(self) -> str:
        """The contexts that the value is not."""
        return ", and ".join(place.title for place in self.builds) if self._is_said else ""

    @property
    def _is_said(self) -> bool:
        return any(item.document is not None for item in self.sources)

    @property
    def spots(self) -> list[str]:
        """Where it was said: ``file:line``, with the key where that is another one."""
        if self.builds and not self._is_said:
            return [place.said for place in self.builds]
        said = [(item.place, item.document.spot(item.place)) for item in self.sources if item.document is not None]
        own = [spot if place[:1] == self.key[:1] else f"{place[0]} in {spot}" for place, spot in said]
        return own if any(place[:1] == self.key[:1] for place, _ in said) else [DEFAULT, *own]


class InForce(NamedTuple):
    """The answer for the Dockerfile of a path; ``files`` were read, ``rules`` are run, ``excluded`` it may be."""

    path: str
    files: tuple[str, ...]
    settings: tuple[Setting, ...]
    rules: tuple[str, ...]
    excluded: bool


def in_force(
    path: str,
    place: str,
    configuration: Configuration,
    rules: frozenset[str],
    excluded: bool,
    builds: tuple[BuiltFrom, ...] = (),
) -> InForce:
    """The answer for a path as the user gave it and its absolute ``place``; raises ConfigError as a check would.

    ``builds`` are the contexts that Compose and Bake files give it.
    """
    files = tuple(item.name for item in reversed(configuration.documents) if item.path)
    settings = tuple(_settings(configuration, place, rules, builds))
    return InForce(path, files, settings, tuple(sorted(rules)), excluded)


def _settings(
    configuration: Configuration, place: str, rules: frozenset[str], builds: tuple[BuiltFrom, ...]
) -> Iterator[Setting]:
    yield Setting(("select",), sorted(rules), tuple(configuration.selections()))
    for rule, said in sorted(configuration.severities().items()):
        yield Setting(("severity", rule), said.value.value, (said,))
    for ecosystem, said in configuration.patterns().items():
        yield Setting(("pattern", ecosystem), said.value, (said,))
    yield _single("builder", configuration.found("builder"))
    yield _context(configuration.context(place), builds)
    for key in ("exclude", "force-exclude", "fail-on", "unsafe-fixes"):
        yield _single(key, configuration.found(key))
    yield _single("baseline", configuration.found("baseline")._replace(value=configuration.file("baseline")))


def _single(key: str, said: Value) -> Setting:
    return Setting((key,), said.value, (said,), _OTHERWISE.get(key, "") if said.value is None else "")


def _context(said: Value, builds: tuple[BuiltFrom, ...]) -> Setting:
    setting = _single("context", said)
    if said.value is not None:
        others = tuple(item for item in builds if os.path.realpath(item.context) != os.path.realpath(said.value))
        return setting._replace(builds=others)
    if len(builds) == 1:
        return setting._replace(value=os.path.abspath(builds[0].context), note="", builds=builds)
    if builds:
        several = ", and ".join(item.context for item in builds)
        return setting._replace(note=f"{several}; a fix must hold in each", builds=builds)
    return setting


def config_text(answer: InForce, paint: Paint = plain) -> str:
    """Lines of TOML that ask for the same, each with where it came from."""
    lines = [f"# {shown(answer.path)}{', which exclude leaves out' if answer.excluded else ''}"]
    lines.append(
        f"# {', which extends '.join(map(shown, answer.files))}" if answer.files else "# no configuration file"
    )
    for setting in answer.settings:
        instead = f", instead of {setting.instead}" if setting.instead else ""
        where = paint("note", f"# {shown(', '.join(setting.spots))}{shown(instead)}")
        key = ".".join(map(_key, setting.key))
        if setting.value is None:
            lines.append(f"{paint('note', f'# {key}: {shown(setting.note)}')}  {where}")
        elif isinstance(setting.value, list) and len(setting.value) > 2:
            lines += [f"{key} = [  {where}", *(f"  {_value(item)}," for item in setting.value), "]"]
        else:
            lines.append(f"{key} = {_value(setting.value)}  {where}")
    return "\n".join(lines) + "\n"


def _key(key: str) -> str:
    return key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else _value(key)


def _value(value: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(_value, value))}]"
    # The escapes of JSON are TOML's as well, but that TOML has no halves of surrogate pairs.
    return json.dumps(decodable(value) if isinstance(value, str) else value, ensure_ascii=False)


def config_json(answer: InForce) -> str:
    """``{"version", ..., "path", "excluded", "files": [...], "rules": [...], "settings": [...]}``.

    Each of ``settings`` is ``{"key": ["severity", "RULE"], "value", "said": [{"path", "line"}], "note"}``; ``said`` is
    empty for a default, ``path`` is null for the command line, and ``value`` null where ``note`` says what holds. The
    context has ``builds`` as well: those of Compose and Bake files that speak of another one, or where nothing is said.
    """
    from dockerlayer.report.json import context_json, header

    listed = [
        {
            "key": list(map(decodable, setting.key)),
            "value": _decodable(setting.value),
            "said": list(_places(setting.sources)),
            "note": setting.note,
            **({"builds": [context_json(place) for place in setting.builds]} if setting.builds else {}),
        }
        for setting in answer.settings
    ]
    head = {**header(), "path": decodable(answer.path), "excluded": answer.excluded}
    return json.dumps({**head, "files": list(map(decodable, answer.files)), "settings": listed}) + "\n"


def _places(sources: Sequence[Value]) -> Iterator[dict[str, Any]]:
    for said in sources:
        if said.document is not None:
            path = decodable(said.document.name) if said.document.path else None
            yield {"path": path, "line": said.document.line_of(said.place)}


def _decodable(value: Any) -> Any:
    if isinstance(value, list):
        return [_decodable(item) for item in value]
    return decodable(value) if isinstance(value, str) else value
