"""How programs find a host by its name: each way that a cluster may ask for, with glibc and with musl side by side."""

from __future__ import annotations

import contextlib
import json
import socket
import struct
import subprocess
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

#: Addresses of name servers; the second one hears and never answers.
ADDRESS, SILENT = "127.0.5.4", "127.0.5.5"
A, CNAME, AAAA = 1, 5, 28
NXDOMAIN, SERVFAIL, NODATA, NOTHING = 3, 2, 0, -1
#: Ends a program that has not found out by then.
PATIENCE = 60
#: Lays the two files over the root file system, and runs a program in it.
ENTER = """for file in hosts resolv.conf; do mount --bind "$2/$file" "$1/etc/$file"; done
mount -t proc proc "$1/proc"; root=$1; shift 2; exec chroot "$root" "$@"
"""
#: Only the one in the middle accepts connections.
MANY = [f"127.0.1.{number}" if number != 30 else "127.0.0.1" for number in range(60)]
LONG = " ".join(f"a-search-domain-of-some-length-{number}.test" for number in range(7))


@dataclass
class Case:
    """What is asked for, and how the system is set up."""

    purpose: str
    host: str
    hosts: str = "127.0.0.1 localhost\n"
    settings: str = f"nameserver {ADDRESS}\n"
    #: What the server says, by name and kind: addresses, or a code. It denies all other names.
    zone: dict[tuple[str, int], list[str] | int] = field(default_factory=dict)


def search(domains: str, dots: int = 5) -> str:
    """A pod's resolv.conf."""
    return f"nameserver {ADDRESS}\nsearch {domains}\noptions ndots:{dots}\n"


def known(name: str, *addresses: str) -> dict[tuple[str, int], list[str] | int]:
    """A name with addresses of version 4 only."""
    return {(name, A): list(addresses or ["127.0.0.1"]), (name, AAAA): NODATA}


CASES = (
    Case("a name of the hosts file", "trino-in-hosts", hosts="127.0.0.1 localhost trino-in-hosts\n"),
    Case("`localhost`, with an empty hosts file", "localhost", hosts=""),
    Case("an address of version 6 first in the hosts file", "trino", hosts="100::1 trino\n127.0.0.1 trino\n"),
    Case("a name that only DNS knows", "trino.test", zone=known("trino.test")),
    Case("a name that nobody knows", "nowhere.test"),
    Case("`search`, the second domain", "trino", settings=search("a.test b.test"), zone=known("trino.b.test")),
    Case("`ndots:5`, a whole name", "trino.test", settings=search("a.test b.test"), zone=known("trino.test")),
    Case(
        "`search`, the first domain has the name without an address",
        "trino",
        settings=search("a.test b.test"),
        zone={("trino.a.test", A): NODATA, ("trino.a.test", AAAA): NODATA} | known("trino.b.test"),
    ),
    Case(
        "`search`, the first domain's server fails",
        "trino",
        settings=search("a.test b.test"),
        zone={("trino.a.test", A): SERVFAIL, ("trino.a.test", AAAA): SERVFAIL} | known("trino.b.test"),
    ),
    Case(
        "`search` of more than 256 characters, the last domain",
        "trino",
        settings=search(LONG),
        zone=known(f"trino.{LONG.split()[-1]}"),
    ),
    Case("60 addresses, cut off over UDP, whole over TCP", "trino.test", zone=known("trino.test", *MANY)),
    Case("a CNAME", "trino.test", zone={("trino.test", CNAME): ["real.test"]} | known("real.test")),
    Case(
        "an address of version 6 that leads nowhere, and one of version 4",
        "trino.test",
        zone={("trino.test", A): ["127.0.0.1"], ("trino.test", AAAA): ["100::1"]},
    ),
    Case(
        "a server that denies a name when asked for version 6",
        "trino.test",
        zone={("trino.test", A): ["127.0.0.1"], ("trino.test", AAAA): NXDOMAIN},
    ),
    Case(
        "a server that is silent when asked for version 6",
        "trino.test",
        zone={("trino.test", A): ["127.0.0.1"], ("trino.test", AAAA): NOTHING},
    ),
    Case(
        "two servers, the first one is silent",
        "trino.test",
        settings=f"nameserver {SILENT}\nnameserver {ADDRESS}\n",
        zone=known("trino.test"),
    ),
    Case("a server that fails", "trino.test", zone={("trino.test", A): SERVFAIL, ("trino.test", AAAA): SERVFAIL}),
    Case("a server that is silent", "trino.test", settings=f"nameserver {SILENT}\n"),
)


def compare(root: Path, programs: dict[str, str], config: dict) -> list[tuple[str, dict[str, tuple[str, float]]]]:
    """The status of `check` of each program in each case, with the seconds that it took."""
    with contextlib.closing(Server()) as server:
        rows = []
        for case in CASES:
            server.zone = case.zone
            rows.append((case.purpose, {name: _check(root, each, config, case) for name, each in programs.items()}))
        return rows


def _check(root: Path, program: str, config: dict, case: Case) -> tuple[str, float]:
    with tempfile.TemporaryDirectory(dir=root) as directory:
        place = Path(directory)
        (place / "hosts").write_text(case.hosts)
        (place / "resolv.conf").write_text(case.settings)
        (place / "config.json").write_text(json.dumps({**config, "hostname": case.host}))
        inside = "/" + str(place.relative_to(root))
        enter = ["unshare", "--mount", "sh", "-ec", ENTER, "enter", root, place]
        started = time.monotonic()
        command = [*enter, program, "check", "--config", f"{inside}/config.json"]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)
        except subprocess.TimeoutExpired:
            return "no answer", PATIENCE
        seconds = time.monotonic() - started
        messages = [json.loads(line) for line in done.stdout.splitlines()]
        statuses = [each["connectionStatus"] for each in messages if each["type"] == "CONNECTION_STATUS"]
        if not statuses:
            return f"exit code {done.returncode}", seconds
        return statuses[0].get("message") or statuses[0]["status"], seconds


class Server:
    """A name server over UDP and TCP that says what the zone has, and a silent one beside it."""

    def __init__(self) -> None:
        self.zone: dict[tuple[str, int], list[str] | int] = {}
        self.datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.datagrams.bind((ADDRESS, 53))
        self.connections = socket.create_server((ADDRESS, 53))
        self.silent = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.silent.bind((SILENT, 53))
        for serve in (self._serve_datagrams, self._serve_connections):
            threading.Thread(target=serve, daemon=True).start()

    def close(self) -> None:
        """Frees the addresses."""
        for each in (self.datagrams, self.connections, self.silent):
            each.close()

    def _serve_datagrams(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                query, client = self.datagrams.recvfrom(512)
                answer = self._answer(query)
                if len(answer) > 512:
                    answer = query[:2] + struct.pack("!HHHHH", 0x8780, 1, 0, 0, 0) + _question(query)[2]
                if answer:
                    self.datagrams.sendto(answer, client)

    def _serve_connections(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self.connections.accept()
                with connection, contextlib.suppress(OSError):
                    while length := connection.recv(2):
                        answer = self._answer(connection.recv(struct.unpack("!H", length)[0]))
                        connection.sendall(struct.pack("!H", len(answer)) + answer)

    def _answer(self, query: bytes) -> bytes:
        name, kind, question = _question(query)
        records, at = b"", name
        if aliases := self.zone.get((name, CNAME)):
            at = aliases[0]
            encoded = b"".join(bytes([len(label)]) + label.encode() for label in at.split(".")) + b"\0"
            records += struct.pack("!HHHIH", 0xC00C, CNAME, 1, 60, len(encoded)) + encoded
        found = self.zone.get((at, kind), NXDOMAIN)
        if found == NOTHING:
            return b""
        addresses = found if isinstance(found, list) else []
        family = socket.AF_INET if kind == A else socket.AF_INET6
        # Behind an alias the addresses are at the name that the first record ends with.
        owner = 0xC00C if at == name else 0xC000 | (12 + len(question) + 12)
        for address in addresses:
            packed = socket.inet_pton(family, address)
            records += struct.pack("!HHHIH", owner, kind, 1, 60, len(packed)) + packed
        code = 0 if isinstance(found, list) else found
        count = len(addresses) + bool(aliases)
        return query[:2] + struct.pack("!HHHHH", 0x8580 | code, 1, count, 0, 0) + question + records


def _question(query: bytes) -> tuple[str, int, bytes]:
    """Name and kind of what is asked for, and the bytes that ask for it."""
    labels, at = [], 12
    while query[at]:
        labels.append(query[at + 1 : at + 1 + query[at]].decode())
        at += 1 + query[at]
    return ".".join(labels).lower(), struct.unpack("!H", query[at + 1 : at + 3])[0], query[12 : at + 5]
