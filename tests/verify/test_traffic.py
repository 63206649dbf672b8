"""Bytes that came in while a build ran, told from counters that the tests write."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from dockerlayer.verify import traffic
from dockerlayer.verify.traffic import Traffic

HEADER = "Iface Destination Gateway Flags RefCnt Use Metric Mask MTU Window IRTT\n"
DEFAULT = "{} 00000000 010011AC 0003 0 0 0 00000000 0 0 0\n"
LOCAL = "{} 000011AC 00000000 0001 0 0 0 0000FFFF 0 0 0\n"
ZERO = "0" * 32

Counter = Callable[[str, object], None]


@pytest.fixture
def counter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Counter:
    """``counter(interface, bytes)`` sets what an interface has received."""
    monkeypatch.setattr(traffic, "_NET", tmp_path)
    monkeypatch.setattr(traffic, "_ROUTES", tmp_path / "route")
    monkeypatch.setattr(traffic, "_ROUTES_V6", tmp_path / "ipv6_route")
    monkeypatch.setattr(traffic, "_EVERY", 0.001)

    def put(interface: str, count: object) -> None:
        directory = tmp_path / interface / "statistics"
        directory.mkdir(parents=True, exist_ok=True)
        (directory / "new").write_text(f"{count}\n")
        (directory / "new").rename(directory / "rx_bytes")

    return put


def routes(tmp_path: Path, text: str, v6: str = "") -> None:
    (tmp_path / "route").write_bytes(os.fsencode(HEADER + text))
    (tmp_path / "ipv6_route").write_text(v6)


def test_only_default_routes_count(tmp_path: Path, counter: Counter) -> None:
    last = f"{ZERO} 00 {ZERO} 00 {ZERO} 00000400 1 0 00000003"
    routes(
        tmp_path,
        DEFAULT.format("eth0") + LOCAL.format("eth0") + LOCAL.format("docker0") + DEFAULT.format("gone0"),
        f"{last} wg0\n{last} lo\n{ZERO} 40 {ZERO} 00 {ZERO} 00000400 1 0 00000003 veth1\n",
    )
    names = ("eth0", "docker0", "wg0", "lo", "veth1")
    for name in names:
        counter(name, 1000)
    with Traffic() as measured:
        for at, name in enumerate(names):
            counter(name, 1000 + 10**at)
    assert measured.total() == 1 + 100


@pytest.mark.parametrize("text", ["", "eth0\n", "\n", "eth0 00000000\n"])
def test_no_default_route(tmp_path: Path, counter: Counter, text: str) -> None:
    routes(tmp_path, text, text)
    counter("eth0", 1)
    with Traffic() as measured:
        pass
    assert measured.total() is None
    assert measured.between(0, time.time()) is None


def test_interface_name_of_odd_bytes(tmp_path: Path, counter: Counter) -> None:
    routes(tmp_path, DEFAULT.format("\udcff"))
    counter("\udcff", 5)
    with Traffic() as measured:
        counter("\udcff", 7)
    assert measured.total() == 2


def test_no_such_files(counter: Counter) -> None:
    with Traffic() as measured:
        pass
    assert measured.total() is None


def test_not_wanted(tmp_path: Path, counter: Counter) -> None:
    routes(tmp_path, DEFAULT.format("eth0"))
    counter("eth0", 1)
    with Traffic(wanted=False) as measured:
        pass
    assert measured.total() is None


@pytest.mark.parametrize("last", ["", "much", 3])
def test_counters_that_break_off(tmp_path: Path, counter: Counter, last: object) -> None:
    routes(tmp_path, DEFAULT.format("eth0"))
    counter("eth0", 7)
    with Traffic() as measured:
        counter("eth0", last)
    assert measured.total() in (None, 0)


def test_shares(tmp_path: Path, counter: Counter) -> None:
    routes(tmp_path, DEFAULT.format("eth0"))
    counter("eth0", 0)
    with Traffic() as measured:
        started = time.time()
        time.sleep(0.02)
        counter("eth0", 500)
        time.sleep(0.02)
        middle = time.time()
        time.sleep(0.02)
        counter("eth0", 700)
        time.sleep(0.02)
    ended = time.time()
    assert measured.total() == 700
    assert (measured.between(started, middle), measured.between(middle, ended)) == (500, 200)


@pytest.mark.parametrize(
    ("started", "completed", "received"),
    [
        (10.0, 20.0, 100),
        (10.0, 10.0, 0),
        (12.0, 12.0, 100),
        (15.0, 20.0, 100),
        (20.0, 25.0, 900),
        (0.0, 10.0, 0),
        (0.0, 5.0, 0),
        (0.0, 99.0, 1000),
        (30.0, 99.0, 0),
        (50.0, 99.0, 0),
        (25.0, 15.0, 0),
        (None, 20.0, None),
        (10.0, None, None),
    ],
)
def test_boundaries(started: float | None, completed: float | None, received: int | None) -> None:
    measured = Traffic(wanted=False)
    measured._times = [10.0, 20.0, 30.0]
    measured._totals = [5, 105, 1005]
    assert measured.between(started, completed) == received
