"""Makes the tables of docs/performance.md from results, and has the plot drawn.

The document is written by hand but for what stands between `<!-- bench: NAME -->` and `<!-- /bench -->`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import plot
import plot_growth
from targets import targets

DOCS = Path(__file__).resolve().parents[3] / "docs"
COMPARED = ("lineitem", "narrow", "wide", "nested")


def write(results: dict[str, Any]) -> None:
    """Puts the tables into the document and draws the plot beside it."""
    document = DOCS / "performance.md"
    text = document.read_text()
    blocks = {name: part(name, result) for name, result in results.items()}
    # A cache that has only some parts leaves what the document has of the others.
    if "lineitem" in results:
        blocks["targets"] = _table(("target", "figure", "measured", ""), targets(results))
    for name, block in blocks.items():
        marked = re.compile(rf"(<!-- bench: {name} -->\n).*?(<!-- /bench -->)", re.DOTALL)
        text = marked.sub(lambda found, block=block: f"{found[1]}{block}\n{found[2]}", text)
    document.write_text(text)
    if compared := {name: results[name] for name in COMPARED if name in results}:
        (DOCS / "performance.svg").write_text(plot.draw(compared))
    if growth := results.get("growth"):
        origin = f"{growth['date'][:10]} · Trino {growth['trino']} and the client on the same {growth['processors']} processors"
        (DOCS / "performance-growth.svg").write_text(plot_growth.draw(growth["result"]["rows"], origin))


def part(name: str, stored: dict[str, Any]) -> str:
    """The tables of one part, with where they come from."""
    kind = name if name in _PARTS else "comparison"
    return f"{_PARTS[kind](stored['result'])}\n\n{_origin(stored)}"


def _origin(stored: dict[str, Any]) -> str:
    others, result = stored["others"], stored["result"]
    if "tools" in result:
        # Each run knows better than the whole part, which does much between runs.
        runs = [run for tool in result["tools"].values() for run in tool.get("runs", ())]
        others = sum(run["others"] for run in runs) / sum(run["wall"] for run in runs)
    trino = stored["trino"] if isinstance(result, list) else result.get("trino", stored["trino"])
    return (
        f"{stored['date'][:16].replace('T', ' ')} UTC, Trino {trino}, binary `{stored['binary']}` of "
        f"{stored['binary_built'][11:16]}, tree at {stored['commit']}; load average before: "
        f"{stored['load_before']:.1f}, other work kept {others:.2f} of {stored['processors']} processors busy."
    )


def _comparison(result: dict[str, Any]) -> str:
    tools = result["tools"]
    raw = {False: tools["raw-direct"], True: tools.get("raw-json+lz4")}
    head = (
        "tool", "protocol", "rows", "wall s", "time per row ÷ raw", "CPU s", "servers' CPU s", "peak MB",
        "rows/s", "rows per CPU s",
    )  # fmt: skip
    rows = []
    for tool in tools.values():
        if "failed" in tool:
            rows.append((tool["title"], tool["protocol"], _reason(tool["failed"]), *["–"] * 7))
            continue
        floor = raw[tool["protocol"] != "direct"]
        ratio = floor["rows_per_s"] / tool["rows_per_s"] if floor else None
        rows.append((
            tool["title"], tool["protocol"], f"{tool['rows']:,.0f}", f"{tool['wall']:.2f}",
            "–" if ratio is None else f"{ratio:.2f}", f"{tool['cpu']:.2f}", f"{tool['server_cpu']:.1f}",
            f"{tool['peak_mb']:.0f}", f"{_round(tool['rows_per_s']):,}", f"{_round(tool['rows_per_cpu_s']):,}",
        ))  # fmt: skip
    return _table(head, rows)


def _reason(failure: str) -> str:
    return "cannot write rows as JSON" if "ObjectCodec" in failure else "fails"


def _replay(result: dict[str, Any]) -> str:
    rows = [
        (
            title, f"{run['wall']:.2f}", f"{run['cpu']:.2f}", f"{run['peak_mb']:.0f}",
            f"{_round(result['rows'] / max(run['cpu'], 0.001)):,}",
        )
        for title, run in result["tools"].items()
    ]  # fmt: skip
    return _table(("tool", "wall s", "CPU s", "peak MB", "rows per CPU s"), rows)


def _streams(result: dict[str, Any]) -> str:
    rows = [
        (
            title, f"{run['wall']:.2f}", f"{1000 * run['wall'] / result['rows']:.1f}", f"{run['cpu']:.2f}",
            f"{run['server_cpu']:.1f}", f"{run['peak_mb']:.0f}",
        )
        for title, run in result["tools"].items()
    ]  # fmt: skip
    return _table(("tool", "wall s", "ms per stream", "CPU s", "servers' CPU s", "peak MB"), rows)


def _sockets(result: dict[str, Any]) -> str:
    rows = [
        (
            _way(way["format"], way["sockets"]), f"{way['wall']:.2f}", f"{way['cpu']:.2f}",
            "–" if way["bytes"] is None else f"{way['bytes'] / 1e6:,.0f}", f"{way['peak_mb']:.0f}",
        )
        for way in result["ways"]
    ]  # fmt: skip
    return _table(("way", "wall s", "CPU s", "MB written", "peak MB"), rows)


def _way(form: str, sockets: int) -> str:
    special = {"raw download": "raw download, one query", "stdout": "stdout, lines of JSON"}
    return special.get(form) or f"{form} over {sockets} socket{'s' if sockets > 1 else ''}"


def _startup(result: dict[str, Any]) -> str:
    return _table(
        ("`spec`, first byte", "`spec`, end of the process", "`true`, for comparison", "binary, stripped"),
        [(
            f"{result['first_byte_ms']:.1f} ms", f"{result['end_ms']:.1f} ms", f"{result['true_ms']:.1f} ms",
            f"{result['binary_mb']:.2f} MB",
        )],
    )  # fmt: skip


def _memory(result: dict[str, Any]) -> str:
    rows = [
        (
            run["title"], run["protocol"], f"{run['rows']:,} of {run['all_rows']:,}", f"{run['wall']:.0f}",
            f"{run['peak_mb']:.1f}", f"{_round(run['rows'] / run['wall']):,}",
        )
        for run in result["runs"]
    ]  # fmt: skip
    return _table(("table", "protocol", "rows", "s", "peak MB", "rows/s"), rows)


def _growth(result: dict[str, Any]) -> str:
    def tables() -> Iterable[str]:
        head = ("wall s", "CPU s", "peak MB", "µs per row")
        for key, columns, values in (
            ("rows", ("table", "rows"), lambda run: (run["title"], f"{run['rows']:,.0f}")),
            ("columns", ("table", "columns"), lambda run: (run["title"].partition(",")[0], run["columns"])),
            ("streams", ("streams", "rows"), lambda run: (run["streams"], f"{run['rows']:,.0f}")),
            ("concurrency", ("`concurrency`", "rows"), lambda run: (run["concurrency"], f"{run['rows']:,.0f}")),
        ):
            yield _table(
                (*columns, *head),
                [
                    (
                        *values(run), f"{run['wall']:.2f}", f"{run['cpu']:.2f}", f"{run['peak_mb']:.0f}",
                        f"{1e6 * run['wall'] / run['rows']:.2f}",
                    )
                    for run in result[key]
                ],
            )  # fmt: skip

    return "\n\n".join(tables())


def _changes(result: dict[str, Any]) -> str:
    rows = [
        (
            sync["title"], f"{sync['rows']:,.0f}", f"{sync['wall']:.2f}", f"{sync['cpu']:.2f}",
            f"{sync['server_cpu']:.1f}", f"{sync['peak_mb']:.0f}",
        )
        for sync in result["syncs"]
    ]  # fmt: skip
    return _table(("sync", "records", "wall s", "CPU s", "servers' CPU s", "peak MB"), rows)


def _loads(result: list[dict[str, Any]]) -> str:
    rows = []
    for run in result:
        took = run["seconds"]
        rows.append((
            f"{run['rows']:,}", run["destination"], f"more than {run['bound']}" if took is None else f"{took:.1f}",
            "–" if took is None else f"{_round(run['rows'] / took):,}", f"{run['source_alone']:.2f}",
            f"less than {run['source_alone'] / run['bound']:.1%}" if took is None else f"{run['source_alone'] / took:.0%}",
        ))  # fmt: skip
    return _table(("rows", "into", "s", "rows/s", "source alone, s", "its share"), rows)


def _round(number: float) -> int:
    """Three significant digits."""
    return int(float(f"{number:.3g}"))


def _table(head: tuple[str, ...], rows: Iterable[tuple[Any, ...]]) -> str:
    rows = [tuple(map(str, row)) for row in rows]
    number = re.compile(r"^[–\d.,%]+( \w+)?$")
    right = [all(number.match(row[at]) for row in rows) for at in range(len(head))]
    lines = [head, tuple("--:" if each else "---" for each in right), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


_PARTS: dict[str, Callable[[Any], str]] = {
    "comparison": _comparison,
    "delay": _comparison,
    "newest": _comparison,
    "startup": _startup,
    "replay": _replay,
    "sockets": _sockets,
    "streams": _streams,
    "memory": _memory,
    "growth": _growth,
    "loads": _loads,
    "changes": _changes,
}
