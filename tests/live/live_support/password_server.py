"""An SSH server that takes a password: asyncssh, in a thread. sshd would need an account of the system's."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import asyncssh

USER = "tunnel-user"
PASSWORD = "tunnel-secret-1"


class _Server(asyncssh.SSHServer):
    def password_auth_supported(self) -> bool:
        return True

    def validate_password(self, username: str, password: str) -> bool:
        return (username, password) == (USER, PASSWORD)

    def connection_requested(self, dest_host: str, dest_port: int, orig_host: str, orig_port: int) -> bool:
        return True


@contextmanager
def password_server() -> Iterator[int]:
    """Runs it; yields its port."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    async def listen() -> asyncssh.SSHAcceptor:
        key = asyncssh.generate_private_key("ecdsa-sha2-nistp256")
        return await asyncssh.listen("127.0.0.1", 0, server_factory=_Server, server_host_keys=[key])

    listener = asyncio.run_coroutine_threadsafe(listen(), loop).result(20)
    try:
        yield int(listener.get_port())
    finally:
        loop.call_soon_threadsafe(listener.close)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
