"""The parts of the benchmark that run the connector against Trino. Each gives what goes into the results."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from dataclasses import asdict
from typing import Any

import cases
from cases import Case, tpch
from fleet import Fleet, kind_of
from measure import BenchError, run, summary
from report import say
from tools import HERE, RECORD, Tool, Workshop

#: Two runs that differ by less than this show a warm server.
_WARM = 0.15
_WARM_UPS = 4


def comparison(workshop: Workshop, case: Case, tools: list[Tool], runs: int) -> dict[str, Any]:
    """Runs all tools in turn, again and again, after one run of each whose output is checked."""
    _warm_up(workshop, case, tools[0])
    results: dict[str, Any] = {}
    failed: dict[str, str] = {}
    checked: dict[str, Any] = {}
    measured: dict[str, list[Any]] = {tool.key: [] for tool in tools}
    for turn in range(runs + 1):
        for tool in tools:
            if tool.key in failed:
                continue
            try:
                done = workshop.run(tool, case, check=turn == 0)
            except BenchError as error:
                # What another program cannot do is a result; what the connector cannot do is not.
                if tool.key.startswith("source-trino"):
                    raise
                failed[tool.key] = str(error)
                say(f"  {tool.key}: {str(error)[:300]}")
                continue
            say(f"  {turn or 'check'}: {tool.key:24} {done.wall:7.2f} s {done.cpu:7.2f} s CPU {done.peak_mb:6.0f} MB")
            if turn:
                measured[tool.key].append(done)
            else:
                checked[tool.key] = asdict(done)
    for tool in tools:
        said = {"title": tool.title, "protocol": tool.protocol}
        if tool.key in failed:
            results[tool.key] = {**said, "failed": failed[tool.key]}
        else:
            results[tool.key] = {**said, **summary(measured[tool.key]), "checked": checked[tool.key]}
    return {"title": case.title, "rows": case.rows, "tools": results}


def _warm_up(workshop: Workshop, case: Case, tool: Tool) -> None:
    last = None
    for _ in range(_WARM_UPS):
        took = workshop.run(tool, case).wall
        say(f"  warm-up: {tool.key} {took:.2f} s")
        if last and abs(took - last) <= _WARM * last:
            return
        last = took


def newest(case: Case, runs: int) -> dict[str, Any]:
    """Spooling into a directory of the newest Trino: without a store in between that takes CPU time of its own.

    The server stays up, as the others do: somebody else may have begun to use it.
    """
    Fleet(kind_of("newest")).up()
    workshop = Workshop("newest")
    tools = [
        workshop.raw("direct"), workshop.connector("direct"), workshop.raw("json+lz4"),
        workshop.connector("spooled"), workshop.python_client("json+lz4"),
    ]  # fmt: skip
    return {"trino": workshop.kind.version, **comparison(workshop, case, tools, runs)}


def delay(workshop: Workshop, case: Case, milliseconds: int, runs: int) -> dict[str, Any]:
    """Every request to Trino waits; the raw download and the connector, direct."""
    command = [sys.executable, str(HERE / "delay_proxy.py"), str(workshop.port), str(milliseconds)]
    proxy = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert proxy.stdout
        port = int(proxy.stdout.readline())
        tools = [workshop.raw("direct", port), workshop.connector("direct", port)]
        return {"milliseconds": milliseconds, **comparison(workshop, case, tools, runs)}
    finally:
        proxy.terminate()
        proxy.wait()


def memory(workshop: Workshop, small: Case, big: Case, seconds: float) -> dict[str, Any]:
    """Peak memory with a bound on time, of a table and of one ten times as big."""
    results = []
    for case in (small, big):
        for protocol in ("direct", "spooled"):
            command = workshop.connector(protocol).command(case)
            done = run(command, workshop.server_pids, count=RECORD, bound=seconds)
            say(f"  {case.title} {protocol}: {done.rows:,} rows, {done.peak_mb:.1f} MB")
            results.append({"title": case.title, "all_rows": case.rows, "protocol": protocol, **asdict(done)})
    return {"seconds": seconds, "runs": results}


def growth(workshop: Workshop, quick: bool, runs: int) -> dict[str, Any]:
    """How time grows with rows, columns, streams and `concurrency`; direct, to /dev/null."""
    big = ("tiny", 60_175) if quick else ("sf1", 6_001_215)
    names = (
        "orderkey", "partkey", "suppkey", "linenumber", "quantity", "extendedprice", "discount", "tax",
        "returnflag", "linestatus", "shipdate", "commitdate", "receiptdate", "shipinstruct", "shipmode", "comment",
    )  # fmt: skip
    rows = [tpch("region", "tiny", 5), tpch("orders", "tiny", 15_000), tpch("lineitem", "tiny", 60_175)]
    if not quick:
        rows += [tpch("orders", "sf1", 1_500_000), tpch("lineitem", "sf1", 6_001_215)]
    columns = [tpch("lineitem", *big, *names[:count]) for count in (1, 4, 8, 16)]
    results: dict[str, Any] = {"rows": [], "columns": [], "streams": [], "concurrency": []}
    direct = workshop.connector("direct")
    for kind, these in (("rows", rows), ("columns", columns)):
        for case in these:
            done = summary([workshop.run(direct, case) for _ in range(runs)])
            say(f"  {kind}: {case.title} {done['wall']:.2f} s")
            results[kind].append({"title": case.title, "rows": case.rows, "columns": len(case.columns), **done})
    tables = ("customer", "nation", "orders", "part", "partsupp", "region", "supplier", "lineitem")
    for count in (1, 2, 4, 8):
        done = _streams(workshop, tpch(tables[0], "tiny", 0), tables[1:count], 4, runs)
        results["streams"].append({"streams": count, **done})
    of_size = tpch("orders", "tiny" if quick else "sf1", 0)
    for concurrency in (1, 2, 4):
        done = _streams(workshop, of_size, ("partsupp", "part", "customer"), concurrency, runs)
        results["concurrency"].append({"concurrency": concurrency, **done})
    return results


def _streams(workshop: Workshop, case: Case, others: tuple[str, ...], concurrency: int, runs: int) -> dict[str, Any]:
    config = cases.configuration(workshop.cache, workshop.port, case, "direct", concurrency=concurrency)
    command = workshop.read(config, case, *others)
    counted = run(command, workshop.server_pids, count=RECORD).rows
    done = summary([run(command, workshop.server_pids, rows=counted) for _ in range(runs)])
    say(f"  {len(others) + 1} streams, concurrency {concurrency}: {counted:,} rows, {done['wall']:.2f} s")
    return done


def start_up(workshop: Workshop, times: int = 50) -> dict[str, Any]:
    """`spec`: time to the first byte of output, time to the end, and the size of the program."""
    first, whole, nothing = [], [], []
    for _ in range(times):
        started = time.monotonic()
        child = subprocess.Popen([workshop.binary, "spec"], stdout=subprocess.PIPE)
        assert child.stdout
        child.stdout.read(1)
        first.append(time.monotonic() - started)
        child.communicate()
        whole.append(time.monotonic() - started)
        started = time.monotonic()
        subprocess.run(["true"], check=True)
        nothing.append(time.monotonic() - started)
    return {
        "times": times,
        "first_byte_ms": 1000 * statistics.median(first),
        "end_ms": 1000 * statistics.median(whole),
        "true_ms": 1000 * statistics.median(nothing),
        "binary_mb": workshop.binary.stat().st_size / 1e6,
    }
