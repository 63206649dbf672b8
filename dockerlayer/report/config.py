"""What is in force for a Dockerfile and where each value came from, as TOML with comments and as JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from dockerlayer.config.configuration import DEFAULT, Configuration, Value
from dockerlayer.report.visible import Paint, decodable, plain, shown

_OTHERWISE = {
    "builder": "inferred from the Dockerfile, or from the CI files near it",
    "context": "the directory of the Dockerfile",
    "baseline": "none",
}
"""What holds where a key has no value."""


class Setting(NamedTuple):
    """A key, or the key of a table in it, with the values that make it up; of most the last one counts.

    ``value`` is None where ``note`` says what holds instead.
    """

    key: tuple[str, ...]
    value: Any
    sources: tuple[Value, ...] = ()
    note: str = ""

    @property
    def spots(self) -> list[str]:
        """Where it was said: ``file:line``, with the key where that is another one."""
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


def in_force(path: str, place: str, configuration: Configuration, rules: frozenset[str], excluded: bool) -> InForce:
    """The answer for a path as the user gave it and its absolute ``place``; raises ConfigError as a check would."""
    files = tuple(item.name for item in reversed(configuration.documents) if item.path)
    settings = tuple(_settings(configuration, place, rules))
    return InForce(path, files, settings, tuple(sorted(rules)), excluded)


def _settings(configuration: Configuration, place: str, rules: frozenset[str]) -> Iterator[Setting]:
    yield Setting(("select",), sorted(rules), tuple(configuration.selections()))
    for rule, said in sorted(configuration.severities().items()):
        yield Setting(("severity", rule), said.value.value, (said,))
    for ecosystem, said in configuration.patterns().items():
        yield Setting(("pattern", ecosystem), said.value, (said,))
    yield _single("builder", configuration.found("builder"))
    yield _single("context", configuration.context(place))
    for key in ("exclude", "force-exclude", "fail-on", "unsafe-fixes"):
        yield _single(key, configuration.found(key))
    yield _single("baseline", configuration.found("baseline")._replace(value=configuration.file("baseline")))


def _single(key: str, said: Value) -> Setting:
    return Setting((key,), said.value, (said,), _OTHERWISE.get(key, "") if said.value is None else "")


def config_text(answer: InForce, paint: Paint = plain) -> str:
    """Lines of TOML that ask for the same, each with where it came from."""
    lines = [f"# {shown(answer.path)}{', which exclude leaves out' if answer.excluded else ''}"]
    lines.append(
        f"# {', which extends '.join(map(shown, answer.files))}" if answer.files else "# no configuration file"
    )
    for setting in answer.settings:
        where = paint("note", f"# {shown(', '.join(setting.spots))}")
        key = ".".join(map(_key, setting.key))
        if setting.value is None:
            lines.append(f"{paint('note', f'# {key}: {setting.note}')}  {where}")
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
    empty for a default, ``path`` is null for the command line, and ``value`` null where ``note`` says what holds.
    """
    from dockerlayer.report.json import header

    listed = [
        {
            "key": list(map(decodable, setting.key)),
            "value": _decodable(setting.value),
            "said": list(_places(setting.sources)),
            "note": setting.note,
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
