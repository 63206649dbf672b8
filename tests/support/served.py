"""A registry on loopback: a folder that is served as it is, where the real registries are far away.

It is given to builds as their HTTP proxy. Whatever host a lockfile names, the answer comes from the folder, so that no
project has to know where the folder is served.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit


@dataclass(slots=True)
class Source:
    """A source that serves; ``asked`` are the paths that it was asked for so far, ``received`` the bytes given."""

    url: str
    asked: list[str] = field(default_factory=list)
    received: int = 0


@contextmanager
def served(folder: Path) -> Iterator[Source]:
    """Serve what is in a folder."""
    source = Source("")
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Handler, source, directory=str(folder))) as server:
        source.url = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True)
        thread.start()
        try:
            yield source
        finally:
            server.shutdown()
            thread.join()


class _Handler(SimpleHTTPRequestHandler):
    """Serves a folder, and writes down what it was asked for in place of logging it."""

    def __init__(self, source: Source, *args: Any, directory: str) -> None:
        self._source = source
        super().__init__(*args, directory=directory)

    def parse_request(self) -> bool:
        """A proxy is asked for whole addresses, of which the path is what counts."""
        known = super().parse_request()
        if known and self.path.startswith("http://"):
            self.path = urlsplit(self.path).path
        return known

    def copyfile(self, source: Any, outputfile: Any) -> None:
        """Called for each body that is sent."""
        self._source.received += source.seek(0, 2)
        source.seek(0)
        super().copyfile(source, outputfile)

    def log_message(self, form: str, *values: object) -> None:
        """Called once for each answer."""
        self._source.asked.append(self.path)
