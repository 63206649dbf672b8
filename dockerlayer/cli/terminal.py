"""Standard input, output and error: bytes in and out, colour only where it is wanted."""

from __future__ import annotations

import contextlib
import os
import sys
from typing import TextIO

from dockerlayer.errors import DockerlayerError, InputError
from dockerlayer.report.visible import decodable, shown

EXIT_CLOSED = 141


def read_input() -> bytes:
    """All of standard input."""
    if sys.stdin is None:
        raise InputError("standard input is closed")
    try:
        return sys.stdin.buffer.read()
    except OSError as error:
        raise InputError(f"standard input: {error.strerror or error}") from error


def put(data: str | bytes) -> None:
    """Write to standard output at once; when its reader is gone, exit without a word."""
    _write(sys.stdout, data)


def put_aside(data: str | bytes) -> None:
    """Write to standard error at once."""
    _write(sys.stderr, data)


def say(message: str, *, lines: bool = False) -> None:
    """One message on standard error, made harmless for a terminal; line ends are kept in what is made of ``lines``.

    A log of GitHub Actions takes a line that begins with ``::`` for a command, and names in messages are others'.
    """
    put_aside("\n".join(map(shown, message.split("\n") if lines else [message])) + "\n")


def say_error(error: DockerlayerError) -> None:
    """Say why the program ends."""
    say(f"error: {error}", lines=error.several_lines)


def _write(stream: TextIO | None, data: str | bytes) -> None:
    if stream is None or not data:
        return
    if isinstance(data, str):
        data = decodable(data).encode(stream.encoding or "utf-8", "backslashreplace")
    try:
        stream.flush()
        stream.buffer.write(data)
        stream.buffer.flush()
    except BrokenPipeError:
        _point_nowhere(stream)
        raise SystemExit(EXIT_CLOSED) from None
    except OSError as error:
        _point_nowhere(stream)
        raise InputError(f"cannot write the output: {error.strerror}") from error


def _point_nowhere(stream: TextIO) -> None:
    """What the stream still holds is written when the process ends, and must not fail again."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def is_terminal(stream: TextIO | None) -> bool:
    """Whether a person looks at the stream."""
    return stream is not None and not stream.closed and stream.isatty()


def wants_colour(choice: str, stream: TextIO | None) -> bool:
    """Whether to colour what goes to ``stream``; ``choice`` is auto, always or never."""
    if choice != "auto":
        return choice == "always"
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR", "0") not in {"", "0"}:
        return True
    return is_terminal(stream) and os.environ.get("TERM") != "dumb"
