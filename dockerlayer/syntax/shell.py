"""Shell scripts of RUN: which commands they run and where each word of them stands in the file."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from dockerlayer.syntax.shell_parts import (
    SHELLS,
    Assignment,
    Command,
    Redirect,
    Segment,
    nested_word,
    reads_stdin,
    script_argument,
    script_text,
)
from dockerlayer.syntax.shell_source import UnknownScriptError
from dockerlayer.syntax.shell_tree import inside, read
from dockerlayer.syntax.shell_words import Decoded, Text, Word
from dockerlayer.syntax.tree import Heredoc, Instruction

__all__ = ["Assignment", "Command", "Redirect", "Script", "Segment", "Word", "nested_scripts", "script_of"]

DEFAULT_SHELL = ("/bin/sh", "-c")


@dataclass(slots=True)
class Script:
    """What one RUN runs.

    ``commands`` are in order of appearance, those inside of subshells, loops, substitutions and ``sh -c`` arguments
    too; ``guards`` of a command say so. ``segments`` are the parts of the top level. ``known`` is false, with a
    ``reason``, when the script could not be read: there are no commands then. ``exact`` is false when the spans are
    those of the whole string a word comes from. ``runner`` is the argv in front of the script.
    """

    commands: tuple[Command, ...]
    segments: tuple[Segment, ...]
    known: bool
    reason: str
    start: int
    end: int
    kind: str
    exact: bool = True
    runner: tuple[str, ...] = DEFAULT_SHELL


_HEREDOC_WORD = re.compile(rb"(?<!\S)(\d*)(<<-?)([^\s<]+)")
_JSON_STRING = re.compile(rb'"((?:[^"\\]|\\.)*)"', re.S)
_SHEBANG = re.compile(rb"#![ \t]*([^\r\n]*)")
_CHANGED_BY_EXPANSION = re.compile(rb"\\[\\$`]").search
_CONTINUATION = re.compile(rb"[\\`][ \t]*\r?\n").search


def script_of(data: bytes, run: Instruction, shell: tuple[str, ...] | None = None) -> Script:
    """The script of the RUN instruction ``run`` of the file ``data``; never raises.

    ``shell`` is the argv of the SHELL instruction in force, if there is one.
    """
    start, end = run.args_start, max(run.args_start, run.args_end)
    text = Text.join(data, run.pieces, start, end)
    if run.json:
        return _exec_form(data, run, text)
    shell = shell or DEFAULT_SHELL
    source = None
    if run.heredocs:
        words = list(_HEREDOC_WORD.finditer(text.data))
        if len(words) == len(run.heredocs):
            source = _HEREDOC_WORD.sub(_as_plain_redirect, text.data)
        if len(run.heredocs) == 1 and len(words) == 1 and words[0][0] == text.data.strip():
            return _heredoc_script(data, run.heredocs[0], shell)
    program = _other_program(shell)
    if program:
        return Script((), (), False, f"SHELL is {program}", start, end, "shell", runner=shell)
    script = _script(data, text, start, end, "shell", shell, source)
    if len(run.heredocs) == 1 and len(script.commands) == 1:
        return _read_by_shell(data, run.heredocs[0], script.commands[0]) or script
    return script


def nested_scripts(data: bytes, command: Command, pieces: Sequence[tuple[int, int]] | None = None) -> Script | None:
    """The script a command such as ``sh -c '...'`` runs, if the shell passes it on as it is written, else nothing.

    ``pieces`` are those of the instruction; without them a script that goes over continuation lines is not read.
    """
    index = nested_word(command.words) if command.words else None
    if index is None:
        return None
    word = command.words[index]
    if pieces is None and _CONTINUATION(data, word.start, word.end):
        return None
    whole = Text.join(data, pieces or ((word.start, word.end),), word.start, word.end)
    text = script_text(whole, 0, len(whole.data))
    if text is None:
        return None
    runner = tuple(item.text for item in command.words[:index])
    return _script(data, text, *text.span(0, len(text.data)), "nested", runner, level=1)


def _script(
    data: bytes,
    text: Text,
    start: int,
    end: int,
    kind: str,
    runner: tuple[str, ...],
    source: bytes | None = None,
    level: int = 0,
) -> Script:
    try:
        commands, segments = read(text, source, level)
    except UnknownScriptError as error:
        reason = str(error)
        if error.offset is not None:
            line = data.count(b"\n", 0, text.at(max(0, min(error.offset, len(text.data) - 1)))) + 1
            reason += f" at line {line}"
        return Script((), (), False, reason, start, end, kind, runner=runner)
    except RecursionError:
        return Script((), (), False, "script nested too deep", start, end, kind, runner=runner)
    return Script(tuple(commands), tuple(segments), True, "", start, end, kind, runner=runner)


def _other_program(shell: Sequence[str]) -> str:
    """The program of SHELL if it is none that reads shell scripts, else nothing; launchers of a shell are fine."""
    names = [_basename(item) for item in shell]
    if names[0] in SHELLS or (names[0] not in _WINDOWS and not SHELLS.isdisjoint(names)):
        return ""
    return names[0]


_WINDOWS = frozenset({"cmd", "powershell", "pwsh"})


def _basename(program: str) -> str:
    return re.split(r"[/\\]", program)[-1].lower().removesuffix(".exe")


def _as_plain_redirect(match: re.Match[bytes]) -> bytes:
    # BuildKit has cut the bodies off; "<" reads as the same redirect for the grammar, wherever in the line it stands.
    return match[1] + b"<".ljust(len(match[2])) + match[3]


def _heredoc_text(data: bytes, heredoc: Heredoc) -> Text:
    pieces = []
    at = heredoc.start
    for line in data[heredoc.start : heredoc.end].split(b"\n") if heredoc.chomp else ():
        pieces.append((at + len(line) - len(line.lstrip(b"\t")), at + len(line) + 1))
        at += len(line) + 1
    return Text.join(data, pieces or ((heredoc.start, heredoc.end),), heredoc.start, heredoc.end)


def _heredoc_script(data: bytes, heredoc: Heredoc, shell: tuple[str, ...]) -> Script:
    """The script of ``RUN <<EOF``: run by the shell, or by the interpreter its first line names."""
    text = _heredoc_text(data, heredoc)
    runner, reason = shell, ""
    shebang = _SHEBANG.match(text.data)
    if shebang:
        runner = tuple(shebang[1].decode("utf-8", "surrogateescape").split())
        words = [word for word in runner if not word.startswith("-") and "=" not in word]
        names = [_basename(word) for word in words[:2]] or [""]
        name = names[1] if names[0] == "env" and len(names) > 1 else names[0]
        reason = "" if name in SHELLS else f"heredoc run by {name}"
    else:
        program = _other_program(shell)
        reason = f"SHELL is {program}" if program else ""
    if reason:
        return Script((), (), False, reason, heredoc.start, heredoc.end, "heredoc", runner=runner)
    return _script(data, text, heredoc.start, heredoc.end, "heredoc", runner)


def _read_by_shell(data: bytes, heredoc: Heredoc, command: Command) -> Script | None:
    """The script of ``RUN bash -ex <<EOF``, nothing if the command is not a shell that reads it."""
    argv = [word.text for word in command.words]
    reads = any(item.op in ("<<", "<<-") and item.fd in ("", "0") for item in command.redirects)
    if not argv or not reads or not all(word.literal for word in command.words) or command.guards:
        return None
    if _basename(argv[0]) not in SHELLS or not reads_stdin(argv):
        return None
    text = _heredoc_text(data, heredoc)
    script = _script(data, text, heredoc.start, heredoc.end, "heredoc", tuple(argv))
    return replace(script, exact=not (heredoc.expand and _CHANGED_BY_EXPANSION(text.data)))


def _exec_form(data: bytes, run: Instruction, text: Text) -> Script:
    """The script of the JSON form: its one command, or what the shell in it runs."""
    strings = list(_JSON_STRING.finditer(text.data))
    start, end = run.args_start, max(run.args_start, run.args_end)
    texts: list[Text] = []
    exact = len(strings) == len(run.args)
    for index, arg in enumerate(run.args):
        if exact and b"\\" not in strings[index][1]:
            texts.append(text.part(*strings[index].span(1)))
        else:
            place = strings[index].span() if exact else (0, len(text.data))
            data_of_arg = arg.encode("utf-8", "surrogatepass")
            texts.append(Decoded(data_of_arg, text.at(place[0]), text.until(place[1])))
    script_at = script_argument(run.args) if run.args and _basename(run.args[0]) in SHELLS else None
    if script_at is not None:
        inner = texts[script_at]
        script = _script(data, inner, *inner.span(0, len(inner.data)), "exec", run.args[:script_at])
        return replace(script, exact=not isinstance(inner, Decoded))
    words = tuple(Word(arg, True, *item.span(0, len(item.data))) for arg, item in zip(run.args, texts, strict=True))
    exact = not any(isinstance(item, Decoded) for item in texts)
    if not words:
        return Script((), (), True, "", start, end, "exec", exact, ())
    command = Command(words, (), (), start, end, frozenset(), 0)
    commands = [command]
    nested_at = nested_word(words)
    if nested_at is not None:
        commands += inside(command, texts[nested_at], 0, 0)
    return Script(tuple(commands), (Segment(start, end, "", end, end),), True, "", start, end, "exec", exact, ())
