"""Bytes that this machine receives, sampled while a build runs, so that each step's share can be told afterwards.

Linux counts them for each interface in ``/sys/class/net/<interface>/statistics/rx_bytes`` (kernel documentation,
ABI/testing/sysfs-class-net-statistics). Only the interfaces of default routes count: bridges and the ends of virtual
pairs see the same bytes again, loopback never left the machine.
"""

from __future__ import annotations

import os
import threading
import time
from bisect import bisect_left, bisect_right
from pathlib import Path

_NET = Path("/sys/class/net")
_ROUTES = Path("/proc/net/route")
_ROUTES_V6 = Path("/proc/net/ipv6_route")
_EVERY = 0.05


def _outward() -> tuple[Path, ...]:
    """The counters of the interfaces that lead out of this machine."""
    names: set[str] = set()
    try:
        routes = _ROUTES.read_text("utf-8", "surrogateescape").splitlines()[1:]
        names |= {fields[0] for fields in map(str.split, routes) if fields[1] == fields[7] == "00000000"}
    except (OSError, IndexError):
        pass
    try:
        routes = _ROUTES_V6.read_text("utf-8", "surrogateescape").splitlines()
        names |= {fields[9] for fields in map(str.split, routes) if fields[1] == "00" and fields[0] == "0" * 32}
    except (OSError, IndexError):
        pass
    counters = (_NET / name / "statistics" / "rx_bytes" for name in sorted(names - {"lo"}))
    return tuple(path for path in counters if path.exists())


class Traffic:
    """Use as a context manager around a build. Nothing can be told where there are no such counters."""

    def __init__(self, wanted: bool = True) -> None:
        self._counters = _outward() if wanted and os.name == "posix" else ()
        self._times: list[float] = []
        self._totals: list[int] = []
        self._done = threading.Event()
        self._sampler = threading.Thread(target=self._sample, daemon=True)

    def __enter__(self) -> Traffic:
        if self._counters:
            self._note()
            self._sampler.start()
        return self

    def __exit__(self, *error: object) -> None:
        if self._counters:
            self._done.set()
            self._sampler.join()
            self._note()

    def _sample(self) -> None:
        while not self._done.wait(_EVERY):
            self._note()

    def _note(self) -> None:
        total = 0
        for counter in self._counters:
            try:
                total += int(counter.read_bytes())
            except (OSError, ValueError):
                return
        self._times.append(time.time())
        self._totals.append(total)

    def total(self) -> int | None:
        """Bytes received from entering to leaving; None if that cannot be told."""
        return max(0, self._totals[-1] - self._totals[0]) if len(self._totals) > 1 else None

    def between(self, started: float | None, completed: float | None) -> int | None:
        """Bytes received between two times, as far as the samples tell them apart; None if that cannot be told."""
        if started is None or completed is None or len(self._totals) < 2:
            return None
        first = max(0, bisect_right(self._times, started) - 1)
        last = min(len(self._times) - 1, bisect_left(self._times, completed))
        return max(0, self._totals[last] - self._totals[first])
