"""What the way out costs: /dev/null, a pipe that somebody reads, and the sockets of Airbyte's speed mode.

The rows come from a server that hands out recorded answers, so that the server is not what limits a run.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cases
from cases import Case
from measure import BenchError, Run, run, summary
from recording import record
from report import say
from tools import HERE, Workshop

#: Files of the table that is read over sockets; one query each.
_FILES = 8
_ENCODING = "json+lz4"


@contextmanager
def replaying(workshop: Workshop, case: Case) -> Iterator[int]:
    """The port of a server that hands out the recorded rows of a case."""
    directories = {protocol: workshop.cache / "recorded" / f"{case.key}-{protocol}" for protocol in ("direct", "lz4")}
    record(workshop.url, case.sql(), None, directories["direct"])
    record(workshop.url, case.sql(), _ENCODING, directories["lz4"])
    table = f'"{case.catalog}"."{case.schema}"."{case.table}"'
    command = [sys.executable, HERE / "replay.py", workshop.port, table, directories["direct"], directories["lz4"]]
    server = subprocess.Popen(list(map(str, command)), stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout
        yield int(server.stdout.readline())
    finally:
        server.terminate()
        server.wait()


def replay(workshop: Workshop, case: Case, runs: int) -> dict[str, Any]:
    """The same rows into /dev/null and into a pipe, direct and spooled, beside the raw download and prusto."""
    with replaying(workshop, case) as port:
        tools = {
            "raw download, direct": (workshop.raw("direct", port).command(case), False),
            "**source-trino**, direct, into `/dev/null`": (workshop.connector("direct", port).command(case), False),
            "**source-trino**, direct, into a pipe": (workshop.connector("direct", port).command(case), True),
            "prusto, rows counted": (workshop.prusto(port).command(case), False),
            "raw download, spooled": (workshop.raw(_ENCODING, port).command(case), False),
            "**source-trino**, spooled, into `/dev/null`": (workshop.connector("spooled", port).command(case), False),
        }
        measured: dict[str, list[Run]] = {title: [] for title in tools}
        for turn in range(runs + 1):
            for title, (command, piped) in tools.items():
                prints = title.startswith("prusto")
                done = run(command, [], rows=case.rows, prints_rows=prints, reader=["cat"] if piped else None)
                say(f"  {turn or 'warm'}: {title:45} {done.wall:6.2f} s {done.cpu:6.2f} s CPU {done.peak_mb:5.0f} MB")
                if turn:
                    measured[title].append(done)
    return {"title": case.title, "rows": case.rows, "tools": {name: summary(these) for name, these in measured.items()}}


class _Sliced:
    """An Iceberg table of several files with the rows of lineitem, there within a `with`."""

    def __init__(self, workshop: Workshop, trino: Any, source: Case) -> None:
        self._trino, self._source = trino, source
        self.name = f"iceberg.{cases.SCHEMA}.lineitem"
        self.case = Case("sockets", source.title, "iceberg", cases.SCHEMA, "lineitem", source.rows, source.few)
        self._workshop = workshop

    def __enter__(self) -> _Sliced:
        self.__exit__()
        source = f"{self._source.catalog}.{self._source.schema}.{self._source.table}"
        self._trino.rows(f"CREATE SCHEMA iceberg.{cases.SCHEMA}")
        self._trino.rows(f"CREATE TABLE {self.name} AS SELECT * FROM {source} WHERE false")
        for part in range(_FILES):
            self._trino.rows(f"INSERT INTO {self.name} SELECT * FROM {source} WHERE orderkey % {_FILES} = {part}")
        return self

    def __exit__(self, *_: Any) -> None:
        if {"Schema": cases.SCHEMA} in self._trino.rows("SHOW SCHEMAS FROM iceberg"):
            self._trino.rows(f"DROP SCHEMA iceberg.{cases.SCHEMA} CASCADE")


def sockets(workshop: Workshop, trino: Any, source: Case, runs: int) -> dict[str, Any]:
    """The rows of a table in slices: a raw download, over stdout, and over 1, 2 and 4 sockets in both
    formats."""
    results = []
    with _Sliced(workshop, trino, source) as table, tempfile.TemporaryDirectory() as directory:
        raw = [run(workshop.raw("direct").command(table.case), workshop.server_pids) for _ in range(runs + 1)][1:]
        results.append({"format": "raw download", "sockets": 0, "bytes": None, **summary(raw)})
        slices = {"slice_rows": max(source.rows // _FILES, 1)}
        for form, count in (("stdout", 4), *((form, n) for form in ("JSONL", "PROTOBUF") for n in (1, 2, 4))):
            config = cases.configuration(
                workshop.cache, workshop.port, table.case, "direct", **slices, concurrency=count
            )
            command = workshop.read(config, table.case)
            runs_of_form = [_one(workshop, command, form, count, Path(directory)) for _ in range(runs + 1)][1:]
            done = summary([one for one, _ in runs_of_form])
            say(f"  {form} {count}: {done['wall']:.2f} s, {done['cpu']:.2f} s CPU")
            results.append({"format": form, "sockets": count, "bytes": runs_of_form[0][1], **done})
    return {"rows": source.rows, "ways": results}


def _one(workshop: Workshop, command: list[str], form: str, count: int, directory: Path) -> tuple[Run, int]:
    if form == "stdout":
        output = directory / "stdout"
        done = run(command, workshop.server_pids, reader=["sh", "-c", f"wc -c > {output}"])
        return done, int(output.read_text())
    paths = [str(directory / f"{form}-{number}.sock") for number in range(count)]
    drain = subprocess.Popen([sys.executable, str(HERE / "drain_sockets.py"), *paths], stdout=subprocess.PIPE, text=True)
    environment = {
        "DATA_CHANNEL_MEDIUM": "SOCKET", "DATA_CHANNEL_FORMAT": form, "DATA_CHANNEL_SOCKET_PATHS": ",".join(paths),
    }  # fmt: skip
    try:
        done = run(command, workshop.server_pids, environment=environment)
        printed, _ = drain.communicate(timeout=30)
    finally:
        drain.kill()
        drain.wait()
    if not printed.strip().isdigit():
        raise BenchError(f"the destination of {form} over {count} sockets counted nothing")
    return done, int(printed)
