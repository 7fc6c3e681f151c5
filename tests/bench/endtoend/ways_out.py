"""What the way out costs: /dev/null, a pipe that somebody reads, and the sockets of Airbyte's speed mode.

The rows come from a server that hands out recorded answers, so that the server is not what limits a run.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
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


def _recorded(workshop: Workshop, case: Case, kind: str) -> Path:
    return workshop.cache / "recorded" / f"{case.schema}-{case.key}-{kind}"


@contextmanager
def replaying(workshop: Workshop, case: Case) -> Iterator[int]:
    """The port of a server that hands out the recorded rows of a case."""
    catalog = json.loads(Path(workshop.connector("direct").command(case)[-1]).read_text())
    columns = sorted(catalog["streams"][0]["stream"]["json_schema"]["properties"])
    in_order = replace(case, columns=tuple(columns))
    recordings = {"direct": (case, None), "lz4": (case, _ENCODING), "sorted": (in_order, None)}
    for kind, (of_kind, encoding) in recordings.items():
        record(workshop.url, of_kind.sql(), encoding, _recorded(workshop, case, kind))
    directories = [_recorded(workshop, case, kind) for kind in recordings]
    table = f'"{case.catalog}"."{case.schema}"."{case.table}"'
    command = [sys.executable, HERE / "replay.py", workshop.port, table, *directories]
    server = subprocess.Popen(list(map(str, command)), stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout
        yield int(server.stdout.readline())
    finally:
        server.terminate()
        server.wait()


def replay(workshop: Workshop, case: Case, runs: int) -> dict[str, Any]:
    """The same rows into /dev/null, a pipe and a socket, direct, and spooled, beside the raw download and prusto."""
    ours = "**source-trino**"
    with replaying(workshop, case) as port, tempfile.TemporaryDirectory() as directory:
        direct, spooled = workshop.connector("direct", port), workshop.connector("spooled", port)
        tools = {
            "raw download, direct": (workshop.raw("direct", port), ""),
            f"{ours}, direct, into `/dev/null`": (direct, ""),
            f"{ours}, direct, into a pipe": (direct, "pipe"),
            f"{ours}, direct, JSONL over 1 socket": (direct, "JSONL"),
            f"{ours}, direct, PROTOBUF over 1 socket": (direct, "PROTOBUF"),
            "prusto, rows counted": (workshop.prusto(port), ""),
            "raw download, spooled": (workshop.raw(_ENCODING, port), ""),
            f"{ours}, spooled, into `/dev/null`": (spooled, ""),
        }
        measured: dict[str, list[Run]] = {title: [] for title in tools}
        for turn in range(runs + 1):
            for title, (tool, way) in tools.items():
                command = tool.command(case)
                if way in ("JSONL", "PROTOBUF"):
                    done, _ = _over_sockets(command, [], way, 1, Path(directory), case.rows)
                else:
                    reader = ["cat"] if way == "pipe" else None
                    done = run(command, [], rows=case.rows, prints_rows=tool.key == "prusto", reader=reader)
                say(f"  {turn or 'warm'}: {title:45} {done.wall:6.2f} s {done.cpu:6.2f} s CPU {done.peak_mb:5.0f} MB")
                if turn:
                    measured[title].append(done)
        pages = sum(page.stat().st_size for page in _recorded(workshop, case, "sorted").glob("page-*"))
    return {
        "title": case.title, "rows": case.rows, "page_bytes": pages,
        "tools": {name: summary(these) for name, these in measured.items()},
    }  # fmt: skip


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
    return _over_sockets(command, workshop.server_pids, form, count, directory)


def _over_sockets(
    command: list[str], servers: list[int], form: str, count: int, directory: Path, rows: int = 0
) -> tuple[Run, int]:
    """A read to a destination that only counts bytes, and how many it has counted."""
    paths = [str(directory / f"{form}-{number}.sock") for number in range(count)]
    drain = subprocess.Popen([sys.executable, str(HERE / "drain_sockets.py"), *paths], stdout=subprocess.PIPE, text=True)
    environment = {
        "DATA_CHANNEL_MEDIUM": "SOCKET", "DATA_CHANNEL_FORMAT": form, "DATA_CHANNEL_SOCKET_PATHS": ",".join(paths),
    }  # fmt: skip
    try:
        done = run(command, servers, rows=rows, environment=environment)
        printed, _ = drain.communicate(timeout=30)
    finally:
        drain.kill()
        drain.wait()
    if not printed.strip().isdigit():
        raise BenchError(f"the destination of {form} over {count} sockets counted nothing")
    return done, int(printed)
