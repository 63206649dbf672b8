"""Real builds need an engine; what they measured is shown, and kept by ``pytest tests/builds --builds-table FILE``."""

from __future__ import annotations

import datetime
from pathlib import Path

import pytest
from engine import engine_or_skip
from table import Measured, Traps, as_markdown, as_rows, keep

from dockerlayer.report.patterns import BUILDS
from dockerlayer.verify.builder import Builder, find_builder

MEASURED = pytest.StashKey[Measured]()
SPRUNG = pytest.StashKey[Traps]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option."""
    parser.addoption("--builds-table", type=Path, help="keep the table of measured builds in this file", metavar="FILE")


@pytest.fixture(scope="session")
def builder() -> Builder:
    """The builder that the product would choose."""
    engine_or_skip()
    return find_builder("docker")


@pytest.fixture(scope="session")
def measured(pytestconfig: pytest.Config) -> Measured:
    """Where tests leave what they measured."""
    return pytestconfig.stash.setdefault(MEASURED, Measured())


@pytest.fixture(scope="session")
def sprung(pytestconfig: pytest.Config) -> Traps:
    """Where tests leave which traps were sprung."""
    return pytestconfig.stash.setdefault(SPRUNG, Traps())


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Show what real builds showed."""
    _show_traps(terminalreporter, config)
    _show_table(terminalreporter, config)


def _show_traps(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    sprung = config.stash.get(SPRUNG, Traps())
    if not sprung.rows:
        return
    terminalreporter.section("traps")
    for row in sorted(sprung.rows):
        terminalreporter.write_line(f"{row.trap}: {row.bite}; fixed, it {row.held}")
    terminalreporter.write_line(f"{len(sprung.rows)} of {sprung.wanted} traps bite before their fix and not after it")


def _show_table(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Show the table, and keep it when every project was measured."""
    measured = config.stash.get(MEASURED, None)
    if measured is None or not measured.rows:
        return
    terminalreporter.section("real builds")
    rows = sorted(measured.rows, key=lambda row: row.project)
    versions = [measured.builder, *sorted(set(filter(None, measured.tools.values())))]
    table = as_markdown(rows, versions, datetime.date.today())
    terminalreporter.write_line(table)
    path = config.getoption("--builds-table", None)
    if path is None:
        return
    if len(rows) < measured.wanted:
        terminalreporter.write_line(f"{path} is left as it is: {len(rows)} of {measured.wanted} projects were measured")
        return
    keep(path, table)
    BUILDS.write_text(as_rows(rows, datetime.date.today()), "utf-8")
    terminalreporter.write_line(f"{path} and {BUILDS.name} have the table")
