"""What BuildKit finds wrong with instructions that parse, after its `frontend/dockerfile/instructions`.

Messages are BuildKit's, without the "(did you mean X?)" it may add.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from dockerlayer.syntax.tree import Dockerfile, Instruction, Problem
from dockerlayer.syntax.words import fold, go_quote, go_text, stripped

_BOOL, _ONE, _MANY = "bool", "one", "many"
_FLAGS: dict[str, dict[str, str]] = {
    "add": {
        "chown": _ONE,
        "chmod": _ONE,
        "link": _BOOL,
        "keep-git-dir": _BOOL,
        "checksum": _ONE,
        "unpack": _BOOL,
        "exclude": _MANY,
    },
    "copy": {"chown": _ONE, "from": _ONE, "chmod": _ONE, "link": _BOOL, "exclude": _MANY, "parents": _BOOL},
    "from": {"platform": _ONE},
    "healthcheck": dict.fromkeys(("interval", "timeout", "start-period", "start-interval", "retries"), _ONE),
    "run": {"mount": _MANY, "network": _ONE, "security": _ONE, "device": _MANY},
}
_NO_FLAGS: dict[str, str] = {}
_STAGE_NAME = re.compile(r"[a-z][a-z0-9-_.]*")
_TRUE = frozenset(("1", "t", "T", "TRUE", "true", "True"))
_FALSE = frozenset(("0", "f", "F", "FALSE", "false", "False"))


class _InvalidError(ValueError):
    """Carries BuildKit's message to ``instruction_error``."""


def instruction_error(instruction: Instruction) -> str | None:
    """BuildKit's message about the instruction, or None when it takes it."""
    check = _CHECKS.get(instruction.name)
    if check is None:
        return f"unknown instruction: {instruction.keyword}"
    try:
        check(instruction)
    except _InvalidError as error:
        return str(error)
    return None


def whole_file_problem(dockerfile: Dockerfile) -> Problem | None:
    """The error that BuildKit would stop at, in the words and with the lines it tells; None when it takes the file."""
    if dockerfile.problems:
        return dockerfile.problems[0]
    staged = False
    for instruction in dockerfile.instructions:
        first, last, name = instruction.start_line, instruction.end_line, instruction.name
        if instruction.error is not None:
            return Problem(f"dockerfile parse error on line {first}: {instruction.error}", first, last)
        if name == "from":
            staged = True
        elif not staged and name != "arg":
            return Problem("no build stage in current context", first, last)
    return None


def _flag_values(instruction: Instruction) -> Mapping[str, list[str]]:
    """The values of each flag, every one checked against what the instruction knows."""
    if not instruction.flags:
        return {}
    known = _FLAGS.get(instruction.name, _NO_FLAGS)
    values: dict[str, list[str]] = {}
    for flag in instruction.flags:
        if not flag.startswith("--"):
            raise _InvalidError(f"arg should start with -- : {flag}")
        full, equals, value = flag.partition("=")
        kind = known.get(full[2:])
        if kind is None:
            raise _InvalidError(f"unknown flag: {full}")
        if full[2:] in values and kind != _MANY:
            raise _InvalidError(f"duplicate flag specified: {full}")
        if kind == _BOOL:
            if equals and not value:
                raise _InvalidError(f"missing a value on flag: {full}")
            if fold(value) not in ("", "true", "false"):
                raise _InvalidError(f"expecting boolean value for flag {full}, not: {value}")
        elif not equals:
            raise _InvalidError(f"missing a value on flag: {full}")
        values.setdefault(full[2:], []).append(value)
    return values


def _flags_only(instruction: Instruction) -> None:
    _flag_values(instruction)


def _exactly_one(instruction: Instruction) -> None:
    if len(instruction.args) != 1:
        raise _InvalidError(f"{instruction.name.upper()} requires exactly one argument")
    if instruction.name != "stopsignal":
        _flag_values(instruction)


def _at_least_one(instruction: Instruction) -> None:
    if not instruction.args:
        raise _InvalidError(f"{instruction.name.upper()} requires at least one argument")
    _flag_values(instruction)


def _pairs(instruction: Instruction) -> None:
    _flag_values(instruction)
    if not instruction.args:
        raise _InvalidError(f"{instruction.name.upper()} requires at least one argument")
    if "" in instruction.args[::3]:
        raise _InvalidError(f"{instruction.name.upper()} names can not be blank")


def _transfer(instruction: Instruction) -> None:
    name = instruction.name.upper()
    if len(instruction.args) < 2:
        raise _InvalidError(
            f"{name} requires at least two arguments, but only one was provided. Destination could not be determined"
        )
    _flag_values(instruction)
    target = instruction.args[-1]
    if "<<" in target:
        from dockerlayer.syntax.heredoc import looks_like_heredoc

        if looks_like_heredoc(target):
            raise _InvalidError(f"{name} cannot accept a heredoc as a destination")


def _from(instruction: Instruction) -> None:
    args = instruction.args
    if len(args) == 3 and args[1].casefold() == "as":
        if not _STAGE_NAME.fullmatch(fold(args[2])):
            raise _InvalidError(
                f"invalid name for build stage: {go_quote(args[2])}, name can't start with a number or contain symbols"
            )
    elif len(args) != 1:
        raise _InvalidError("FROM requires either one or three arguments")
    _flag_values(instruction)


def _onbuild(instruction: Instruction) -> None:
    if instruction.child is None:
        raise _InvalidError("ONBUILD requires at least one argument")
    _flag_values(instruction)
    trigger = instruction.child.name.upper()
    if trigger == "ONBUILD":
        raise _InvalidError("Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed")
    if trigger in ("MAINTAINER", "FROM"):
        raise _InvalidError(f"{trigger} isn't allowed as an ONBUILD trigger")


def _volume(instruction: Instruction) -> None:
    _at_least_one(instruction)
    for path in instruction.args:
        raw = path.encode("utf-8", "surrogateescape")
        start, end = stripped(raw, 0, len(raw))
        if start == end:
            raise _InvalidError("VOLUME specified can not be an empty string")


def _arg(instruction: Instruction) -> None:
    if not instruction.args:
        raise _InvalidError("ARG requires at least one argument")
    if any(arg.startswith("=") for arg in instruction.args):
        raise _InvalidError("ARG names can not be blank")


def _shell(instruction: Instruction) -> None:
    _flag_values(instruction)
    if not instruction.args:
        raise _InvalidError("SHELL requires at least one argument")
    if not instruction.json:
        raise _InvalidError("SHELL requires the arguments to be in JSON form")


def _healthcheck(instruction: Instruction) -> None:
    args = instruction.args
    if not args:
        raise _InvalidError("HEALTHCHECK requires at least one argument")
    kind = args[0].upper()
    if kind == "NONE":
        if len(args) > 1:
            raise _InvalidError("HEALTHCHECK NONE takes no arguments")
        return
    values = _flag_values(instruction)
    if kind != "CMD":
        raise _InvalidError(f"Unknown type {go_quote(go_text(kind))} in HEALTHCHECK (try CMD)")
    if len(args) == 1:
        raise _InvalidError("Missing command after HEALTHCHECK CMD")
    if not values:
        return

    from dockerlayer.syntax.goparse import duration, int32

    try:
        for flag in ("interval", "timeout", "start-period", "start-interval"):
            if values.get(flag, [""])[0] and 0 != duration(values[flag][0]) < 10**6:
                raise _InvalidError(f'Interval "{flag}" cannot be less than 1ms')
        if values.get("retries", [""])[0] and (count := int32(values["retries"][0])) < 0:
            raise _InvalidError(f"--retries cannot be negative ({count})")
    except ValueError as error:
        raise _InvalidError(str(error)) from None


def _run(instruction: Instruction) -> None:
    if not instruction.flags:
        return
    values = _flag_values(instruction)
    for device in values.get("device", ()):
        _check_device(_fields(device, "devices"))
    for mount in values.get("mount", ()):
        for field in _fields(mount, "mounts"):
            key, _, value = field.partition("=")
            # A variable cannot name a stage; every other option BuildKit reads once variables are known.
            if fold(key) == "from" and 0 <= value.find("$") < len(value) - 1:
                raise _InvalidError("'from' doesn't support variable expansion, define alias stage instead")
    network = values.get("network", ["default"])[0]
    if network not in ("default", "none", "host"):
        raise _InvalidError(f"invalid network mode {go_quote(network)}")
    security = values.get("security", ["sandbox"])[0]
    if security not in ("insecure", "sandbox"):
        raise _InvalidError(f"security {go_quote(security)} is not valid")


def _fields(value: str, what: str) -> list[str]:
    if value and '"' not in value:
        return value.split(",")

    from dockerlayer.syntax.goparse import csv_fields

    try:
        return csv_fields(value)
    except ValueError as error:
        raise _InvalidError(f"failed to parse csv {what}: {error}") from None


def _check_device(fields: list[str]) -> None:
    name = ""
    for field in fields:
        key, equals, value = field.partition("=")
        key = fold(key)
        if key == "required" and (not equals or value in _TRUE or value in _FALSE):
            continue
        if key == "required":
            raise _InvalidError(f"invalid value for {key}: {value}")
        if equals and key == "name":
            if name:
                raise _InvalidError(f"device name already set to {name}")
            name = value
        elif not name:
            name = field
        elif equals:
            raise _InvalidError(f"unexpected key '{key}' in '{field}'")
        else:
            raise _InvalidError(f"invalid field '{field}' must be a key=value pair")


_CHECKS: dict[str, Callable[[Instruction], None]] = {
    "add": _transfer,
    "arg": _arg,
    "cmd": _flags_only,
    "copy": _transfer,
    "entrypoint": _flags_only,
    "env": _pairs,
    "expose": _at_least_one,
    "from": _from,
    "healthcheck": _healthcheck,
    "label": _pairs,
    "maintainer": _exactly_one,
    "onbuild": _onbuild,
    "run": _run,
    "shell": _shell,
    "stopsignal": _exactly_one,
    "user": _exactly_one,
    "volume": _volume,
    "workdir": _exactly_one,
}
