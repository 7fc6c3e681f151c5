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
            yield _at_least("rows per CPU second, direct, against prusto's decode loop", 5, factor)
        if "failed" not in tools["python-source"]:
            factor = ours["rows_per_cpu_s"] / tools["python-source"]["rows_per_cpu_s"]
            yield _at_least("rows per CPU second, direct, against the Python CDK source", 40, factor)
        yield _at_most("wall, direct, against the raw download", 1.1, ours["wall"] / tools["raw-direct"]["wall"])
        ratio = spooled["wall"] / tools["raw-json+lz4"]["wall"]
        yield _at_most("wall, spooled, against downloading the same segments", 1.1, ratio)
        if "failed" not in tools["python-client-json+lz4"]:
            factor = spooled["rows_per_s"] / tools["python-client-json+lz4"]["rows_per_s"]
            yield _at_least("rows per second, spooled, against a Python client that parses", 3, factor)
    if delay := results.get("delay"):
        tools = delay["result"]["tools"]
        ratio = tools["source-trino-direct"]["wall"] / tools["raw-direct"]["wall"]
        yield _at_most(f"wall with {delay['result']['milliseconds']} ms of delay, against the raw download", 1.2, ratio)
    if memory := results.get("memory"):
        for protocol, limit in (("direct", 64), ("spooled", 160)):
            peaks = [run["peak_mb"] for run in memory["result"]["runs"] if run["protocol"] == protocol]
            said = " and ".join(f"{peak:.0f}" for peak in peaks) + " MB"
            what = f"peak memory, {protocol}, small and big table alike"
            yield what, f"≤ {limit} MB", said, _verdict(max(peaks) <= limit, max(peaks) / limit - 1)
    if startup := results.get("startup"):
        took, size = startup["result"]["first_byte_ms"], startup["result"]["binary_mb"]
        yield "`spec`, time to the first byte", "≤ 20 ms", f"{took:.1f} ms", _verdict(took <= 20, took / 20 - 1)
        yield "binary, stripped", "≤ 15 MB", f"{size:.1f} MB", _verdict(size <= 15, size / 15 - 1)


def _at_most(what: str, limit: float, ratio: float) -> Row:
    return what, f"≤ {limit:.2f} ×", f"{ratio:.2f} ×", _verdict(ratio <= limit, ratio / limit - 1)


def _at_least(what: str, limit: float, factor: float) -> Row:
    return what, f"≥ {limit} ×", f"{factor:.1f} ×", _verdict(factor >= limit, 1 - factor / limit)


def _verdict(reached: bool, missing: float) -> str:
    return "reached" if reached else f"**missed by {missing:.0%}**"
