"""The figures that the connector has to reach, and what was measured."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

Row = tuple[str, str, str, str]


def targets(results: dict[str, Any]) -> Iterator[Row]:
    """A row for each target whose part was run: what, the figure, the measured one, and whether it is reached."""
    tools = results.get("lineitem", {}).get("result", {}).get("tools")
    if tools:
        ours, spooled = tools["source-trino-direct"], tools["source-trino-spooled"]
        if "failed" not in tools["prusto"]:
            factor = ours["rows_per_cpu_s"] / tools["prusto"]["rows_per_cpu_s"]
            yield _at_least("rows per CPU second, direct, against prusto's decode loop", 6, factor)
        if "failed" not in tools["python-source"]:
            factor = ours["rows_per_cpu_s"] / tools["python-source"]["rows_per_cpu_s"]
            yield _at_least("rows per CPU second, direct, against the Python CDK source", 40, factor)
        yield _at_most("wall, direct, against the raw download", 1.1, ours["wall"] / tools["raw-direct"]["wall"])
        ratio = spooled["wall"] / tools["raw-json+lz4"]["wall"]
        yield _at_most("wall, spooled, against downloading the same segments", 1.1, ratio)
        if "failed" not in tools["python-client-json+lz4"]:
            factor = spooled["rows_per_s"] / tools["python-client-json+lz4"]["rows_per_s"]
            yield _at_least("rows per second, spooled, against a Python client that parses", 3, factor)
    for part, limit in (("narrow", 1.1), ("wide", 1.1), ("nested", 1.15)):
        if tools := results.get(part, {}).get("result", {}).get("tools"):
            ratio = tools["source-trino-direct"]["wall"] / tools["raw-direct"]["wall"]
            yield _at_most(f"wall, direct, against the raw download, {part} table", limit, ratio)
    if tools := results.get("newest", {}).get("result", {}).get("tools"):
        ratio = tools["source-trino-spooled"]["wall"] / tools["raw-json+lz4"]["wall"]
        yield _at_most("wall, spooled, against downloading the same segments, newest Trino", 1.05, ratio)
    if replay := results.get("replay"):
        tools = {name.replace("*", "").replace("`", ""): one for name, one in replay["result"]["tools"].items()}
        into_null, into_pipe = tools["source-trino, direct, into /dev/null"], tools["source-trino, direct, into a pipe"]
        yield _at_most("CPU, into a pipe against /dev/null, answers replayed", 1.1, into_pipe["cpu"] / into_null["cpu"])
        spooled = tools["source-trino, spooled, into /dev/null"]
        yield _seconds("wall, spooled, segments replayed, two processors", 1.2, spooled["wall"])
        yield _seconds("CPU, spooled, segments replayed", 1.8, spooled["cpu"])
        lines, messages = (tools[f"source-trino, direct, {form} over 1 socket"] for form in ("JSONL", "PROTOBUF"))
        yield _at_most("CPU of Protobuf against that of JSON lines, 1 socket, replayed", 1, messages["cpu"] / lines["cpu"])
        speed = replay["result"]["page_bytes"] / 1e6 / messages["cpu"]
        what = "pages into Protobuf per core, with receiving and the socket, replayed"
        yield what, "≥ 700 MB/s", f"{speed:.0f} MB/s", _verdict(speed >= 700, 1 - speed / 700)
    if sockets := results.get("sockets"):
        ways = {(way["format"], way["sockets"]): way for way in sockets["result"]["ways"]}
        lines, messages, raw = ways["JSONL", 2], ways["PROTOBUF", 2], ways["raw download", 0]
        yield _at_most("bytes of Protobuf against those of JSON lines", 0.55, messages["bytes"] / lines["bytes"])
        yield _at_most("CPU of Protobuf against that of JSON lines, 2 sockets", 1, messages["cpu"] / lines["cpu"])
        yield _at_most("wall, Protobuf over 2 sockets, against the raw download", 1.1, messages["wall"] / raw["wall"])
    if delay := results.get("delay"):
        tools = delay["result"]["tools"]
        ratio = tools["source-trino-direct"]["wall"] / tools["raw-direct"]["wall"]
        yield _at_most(f"wall with {delay['result']['milliseconds']} ms of delay, against the raw download", 1.2, ratio)
    if streams := results.get("streams"):
        took = 1000 * streams["result"]["tools"]["**source-trino**"]["wall"] / streams["result"]["rows"]
        what = f"{streams['result']['rows']:,} streams of one row each, `concurrency` 8, each"
        yield what, "≤ 15 ms", f"{took:.1f} ms", _verdict(took <= 15, took / 15 - 1)
    if memory := results.get("memory"):
        for protocol, limit in (("direct", 32), ("spooled", 128)):
            peaks = [run["peak_mb"] for run in memory["result"]["runs"] if run["protocol"] == protocol]
            said = " and ".join(f"{peak:.0f}" for peak in peaks) + " MB"
            what = f"peak memory, {protocol}, small and big table alike"
            yield what, f"≤ {limit} MB", said, _verdict(max(peaks) <= limit, max(peaks) / limit - 1)
    if startup := results.get("startup"):
        took, size = startup["result"]["first_byte_ms"], startup["result"]["binary_mb"]
        yield "`spec`, time to the first byte", "≤ 20 ms", f"{took:.1f} ms", _verdict(took <= 20, took / 20 - 1)
        yield "binary, stripped", "≤ 15 MB", f"{size:.1f} MB", _verdict(size <= 15, size / 15 - 1)


def _seconds(what: str, limit: float, measured: float) -> Row:
    return what, f"≤ {limit} s", f"{measured:.2f} s", _verdict(measured <= limit, measured / limit - 1)


def _at_most(what: str, limit: float, ratio: float) -> Row:
    return what, f"≤ {limit:.2f} ×", f"{ratio:.2f} ×", _verdict(ratio <= limit, ratio / limit - 1)


def _at_least(what: str, limit: float, factor: float) -> Row:
    return what, f"≥ {limit} ×", f"{factor:.1f} ×", _verdict(factor >= limit, 1 - factor / limit)


def _verdict(reached: bool, missing: float) -> str:
    return "reached" if reached else f"**missed by {missing:.0%}**"
