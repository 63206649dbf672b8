"""A context with a repository in it: git takes no such directory as part of a fixture, so it is made here."""

from pathlib import Path

import pytest

from dockerlayer.api import Ecosystem
from dockerlayer.checks import gitdir
from dockerlayer.engine import Options, Outcome, context_for, repair

RULES = frozenset({gitdir.NAME})
COPYING = b"FROM debian:trixie-slim\nWORKDIR /src\nCOPY . .\nRUN make\n"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "HEAD").write_text("ref: refs/heads/main\n")
    (tmp_path / "main.c").write_text("int main(void) { return 0; }\n")
    return tmp_path


def run(project: Path, data: bytes, ecosystems: tuple[Ecosystem, ...], *, unsafe: bool = False) -> Outcome:
    path = project / "Dockerfile"
    path.write_bytes(data)
    return repair(data, context_for(path, project), ecosystems, Options(RULES, unsafe=unsafe))


def test_found_and_kept_out(project: Path, ecosystems: tuple[Ecosystem, ...]) -> None:
    assert [(item.rule, item.start) for item in run(project, COPYING, ecosystems).report.findings] == [
        (gitdir.NAME, COPYING.index(b"COPY"))
    ]
    fixed = run(project, COPYING, ecosystems, unsafe=True)
    assert (fixed.data, fixed.ignore, fixed.report.findings) == (COPYING, (".git",), ())


@pytest.mark.parametrize(
    "data",
    [
        b"FROM debian:trixie-slim\nRUN make --version\nCOPY . /src\n",
        b"FROM debian:trixie-slim\nCOPY . /src\nRUN cd /src && git describe > version && make\n",
        b"FROM debian:trixie-slim\nCOPY main.c /src/\nRUN make -C /src\n",
        b"FROM debian:trixie-slim\nCOPY --from=alpine . /src\nRUN make -C /src\n",
    ],
)
def test_silent(project: Path, data: bytes, ecosystems: tuple[Ecosystem, ...]) -> None:
    assert run(project, data, ecosystems).report.findings == ()


def test_silent_where_it_is_ignored(project: Path, ecosystems: tuple[Ecosystem, ...]) -> None:
    (project / ".dockerignore").write_text(".git\n")
    assert run(project, COPYING, ecosystems).report.findings == ()


def test_silent_in_a_submodule(project: Path, ecosystems: tuple[Ecosystem, ...]) -> None:
    (project / ".git" / "HEAD").unlink()
    (project / ".git").rmdir()
    (project / ".git").write_text("gitdir: ../.git/modules/project\n")
    assert run(project, COPYING, ecosystems).report.findings == ()
