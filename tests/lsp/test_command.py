"""``dockerlayer lsp`` where it cannot start, and what an editor may say to it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from dockerlayer.cli.choices import Pattern, Profile
from dockerlayer.cli.editor import with_options
from dockerlayer.cli.request import Request
from dockerlayer.errors import UsageError

Cli = Callable[..., subprocess.CompletedProcess[bytes]]
REQUEST = Request("check", select=["all"], pattern=Pattern.STAGE)


@pytest.mark.parametrize("missing", ["pygls", "lsprotocol", "cattrs"])
def test_without_the_extra(environment: dict[str, str], missing: str) -> None:
    code = (
        f"import sys; sys.modules[{missing!r}] = None; sys.argv[1:] = ['lsp']; from dockerlayer.cli import main; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=environment["HOME"],
        env=environment,
        input=b"",
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, b"")
    assert done.stderr == b"error: the language server needs more packages: pip install 'dockerlayer[lsp]'\n"


def test_options_that_there_are_not(cli: Cli, tmp_path: Path) -> None:
    for arguments, said in (
        (("--select", "nosuch"), "there is no rule 'nosuch'"),
        (("--context", tmp_path / "gone"), "no such directory"),
        (("--pattern", "nosuch"), "nosuch"),
    ):
        done = cli("lsp", *arguments)
        assert (done.returncode, done.stdout) == (2, b"")
        assert said in done.stderr.decode()
        assert "Traceback" not in done.stderr.decode()


def test_editors_options_count_more() -> None:
    said = {"select": ["missing-lockfile"], "pattern": "narrow", "profile": "kaniko", "context": "x", "ignore": ["a"]}
    made = with_options(REQUEST, said)
    assert (made.select, made.ignore) == (["missing-lockfile"], ["a"])
    assert (made.pattern, made.profile, made.context) == (Pattern.NARROW, Profile.KANIKO, "x")
    assert with_options(REQUEST, {}) == REQUEST
    assert with_options(REQUEST, {"select": [], "pattern": None}) == REQUEST


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"patern": "narrow"}, "there is no initialization option 'patern'; did you mean 'pattern'?"),
        ({"zzz": 1}, "there is no initialization option 'zzz'; there are select,"),
        (
            {"pattern": "sideways"},
            "the initialization option 'pattern' is one of split, narrow, stage, hybrid, not 'sid",
        ),
        ({"profile": ["buildkit"]}, "the initialization option 'profile' is one of buildkit,"),
        ({"select": "all"}, "the initialization option 'select' is no list of rules"),
        ({"ignore": [1]}, "the initialization option 'ignore' is no list of rules"),
        ({"context": 5}, "the initialization option 'context' is no text"),
    ],
)
def test_options_of_no_use(options: dict[str, object], said: str) -> None:
    with pytest.raises(UsageError) as caught:
        with_options(REQUEST, options)
    assert str(caught.value).startswith(said)
