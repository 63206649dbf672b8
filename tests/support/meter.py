"""How many bytes one build downloads: it is given a proxy that passes them on and counts them.

The counters of the machine's interfaces hold what everything else receives as well. What goes past the proxy it cannot
see: that there is no such thing is shown by building with the network cut off.
"""

from __future__ import annotations

import selectors
import socket
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

_CHUNK = 64 * 1024
_IDLE_SECONDS = 60


class Meter(socketserver.ThreadingTCPServer):
    """An HTTP proxy on loopback that knows CONNECT alone, which is all that TLS needs."""

    daemon_threads = True
    block_on_close = False

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Tunnel)
        self._received = 0
        self._lock = threading.Lock()

    @property
    def address(self) -> str:
        """What clients name in HTTPS_PROXY."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    @property
    def received(self) -> int:
        """Bytes that clients were given so far."""
        with self._lock:
            return self._received

    def count(self, size: int) -> None:
        """Add to what clients were given."""
        with self._lock:
            self._received += size


class _Tunnel(socketserver.StreamRequestHandler):
    """One connection of a client."""

    server: Meter
    rbufsize = 0

    def handle(self) -> None:
        """Connect to where the client wants, and pass bytes both ways until one side ends."""
        verb, _, rest = self.rfile.readline(_CHUNK).decode("latin-1").partition(" ")
        while self.rfile.readline(_CHUNK).strip():
            pass
        host, _, port = rest.partition(" ")[0].rpartition(":")
        if verb != "CONNECT" or not port.isdecimal():
            self.wfile.write(b"HTTP/1.1 501 Not Implemented\r\n\r\n")
            return
        try:
            upstream = socket.create_connection((host.strip("[]"), int(port)), timeout=_IDLE_SECONDS)
        except OSError:
            self.wfile.write(b"HTTP/1.1 502 Bad Gateway\r\n\r\n")
            return
        with upstream, suppress(OSError):
            self.wfile.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            self._pass_on(upstream)

    def _pass_on(self, upstream: socket.socket) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(self.connection, selectors.EVENT_READ, upstream)
            selector.register(upstream, selectors.EVENT_READ, self.connection)
            while ready := selector.select(_IDLE_SECONDS):
                for key, _ in ready:
                    source, target = key.fileobj, key.data
                    assert isinstance(source, socket.socket)
                    data = source.recv(_CHUNK)
                    if not data:
                        return
                    target.sendall(data)
                    if source is upstream:
                        self.server.count(len(data))


@contextmanager
def metered() -> Iterator[Meter]:
    """A meter that runs."""
    with Meter() as meter:
        thread = threading.Thread(target=meter.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True)
        thread.start()
        try:
            yield meter
        finally:
            meter.shutdown()
            thread.join()
