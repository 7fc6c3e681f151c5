"""The ways to a server that are not direct: an SSH tunnel, a forward proxy, a gateway with a path."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from .network import HOST, Bastion, nginx, tinyproxy

WAYS = ["tunnel", "proxy", "gateway"]


@contextmanager
def way(name: str, programs: dict[str, str], directory: Path, port: int) -> Iterator[dict[str, Any]]:
    """Opens a way to this machine's `port`; yields what it changes of the direct configuration.

    In the end it must have been used.
    """
    opened = {"tunnel": _tunnel, "proxy": _proxy, "gateway": _gateway}[name]
    with opened(programs, directory, port) as (changes, log, trace):
        yield changes
        assert trace in log.read_text(), f"the {name} was not used:\n{log.read_text()}"


#: What changes, the log of what is in between, and what is in it after a use.
Opened = Iterator[tuple[dict[str, Any], Path, str]]


@contextmanager
def _tunnel(programs: dict[str, str], directory: Path, port: int) -> Opened:
    bastion = Bastion(programs, directory)
    with bastion.up():
        yield {"tunnel_method": bastion.tunnel()}, directory / "log.txt", "Accepted publickey"


@contextmanager
def _proxy(programs: dict[str, str], directory: Path, port: int) -> Opened:
    with tinyproxy(programs["tinyproxy"], directory) as entrance:
        yield {"http_proxy": f"http://{HOST}:{entrance}"}, directory / "tinyproxy.log", f"{HOST}:{port}"


@contextmanager
def _gateway(programs: dict[str, str], directory: Path, port: int) -> Opened:
    """It does not pass on its own name and path, so that the server's answers lead past it."""
    location = f"location /data/trino/ {{ proxy_pass http://{HOST}:{port}/; }}"
    with nginx(programs["nginx"], directory, location) as entrance:
        changes = {"hostname": f"http://{HOST}:{entrance}/data/trino", "port": None}
        yield changes, directory / "access.log", "GET /data/trino/v1/statement/"
