"""Another address of a server: a TCP forwarder, so that a certificate does not name the host that is spoken to."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

#: A loopback address that no certificate of the test server names.
ADDRESS = "127.0.0.2"


@contextmanager
def forward_to(port: int) -> Iterator[int]:
    """Forwards connections to `ADDRESS` to the same machine's `port`; yields the port to connect to."""
    with socket.create_server((ADDRESS, 0)) as listener:
        threading.Thread(target=_accept, args=(listener, port), daemon=True).start()
        yield listener.getsockname()[1]


def _accept(listener: socket.socket, port: int) -> None:
    with suppress(OSError):
        while True:
            near, _ = listener.accept()
            far = socket.create_connection(("127.0.0.1", port))
            for source, sink in ((near, far), (far, near)):
                threading.Thread(target=_copy, args=(source, sink), daemon=True).start()


def _copy(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
