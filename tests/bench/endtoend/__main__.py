"""End-to-end benchmark against the real servers: `make bench`, or `BENCH=quick make bench`.

Each part writes its results into the cache when it is done; docs/performance.md and docs/performance.svg are made
from the results of full runs. See --help for running only some parts.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.dont_write_bytecode = True
sys.path.append(str(Path(__file__).resolve().parents[2] / "servers"))

import cases  # noqa: E402
import changes  # noqa: E402
import loads  # noqa: E402
import machine  # noqa: E402
import render  # noqa: E402
import sections  # noqa: E402
import streams  # noqa: E402
import ways_out  # noqa: E402
from cases import tpch  # noqa: E402
from measure import BenchError  # noqa: E402
from report import ServerError, say  # noqa: E402
from tools import Workshop  # noqa: E402
from trino_client import QueryError, TrinoClient  # noqa: E402

PARTS = ("startup", "lineitem", "replay", "sockets", "newest", "delay", "memory", "narrow", "wide", "nested", "streams", "loads", "growth", "changes")


def main() -> int:
    """Runs the parts that were asked for, prints their tables, and renders the document."""
    arguments = _parser().parse_args()
    try:
        workshop = Workshop()
        quick = arguments.mode == "quick"
        results = workshop.cache / f"results-{arguments.mode}.json"
        if not arguments.render:
            _run(workshop, results, arguments, quick)
        if not quick:
            render.write(json.loads(results.read_text()))
        return 0
    except (BenchError, ServerError, QueryError) as error:
        say(f"error: {error}")
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python3 tests/bench/endtoend", description="End-to-end benchmark.")
    parser.add_argument("--mode", choices=("quick", "full"), default=os.environ.get("BENCH") or "full")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS), metavar="PART", help=", ".join(PARTS))
    parser.add_argument("--runs", type=int, help="runs of each tool (default: 3; quick: 1)")
    parser.add_argument("--render", action="store_true", help="only make the documents from the results there are")
    return parser


def _run(workshop: Workshop, path: Path, arguments: argparse.Namespace, quick: bool) -> None:
    runs = arguments.runs or (1 if quick else 3)
    compared = cases.comparisons(quick)
    sizes = (10_000,) if quick else (10_000, 100_000, 1_000_000)
    trino = TrinoClient(workshop.url, "bench", timeout=300)
    parts = _parts(workshop, trino, compared, sizes, runs, quick)
    wanted = [part for part in PARTS if part in arguments.only]
    with cases.Tables(
        trino, [case for case in compared if case.key in wanted], sizes if "loads" in wanted else ()
    ):
        for name in wanted:
            say(f"{name}:")
            quiet = machine.Quiet(workshop)
            result = {"result": parts[name](), **quiet.said(), **machine.facts(workshop)}
            results = json.loads(path.read_text()) if path.exists() else {}
            cases.write_json(path, {**results, name: result})
            print(render.part(name, result), flush=True)


def _parts(
    workshop: Workshop, trino: TrinoClient, compared: list[cases.Case], sizes: tuple[int, ...], runs: int, quick: bool
) -> dict[str, Callable[[], Any]]:
    raw, connector = workshop.raw, workshop.connector
    tools = [
        raw("direct"), connector("direct"), raw("json+lz4"), connector("spooled"),
        workshop.prusto(), workshop.trino_cli(), workshop.python_client("json+lz4"), workshop.python_source(),
    ]  # fmt: skip
    parts: dict[str, Callable[[], Any]] = {
        case.key: lambda case=case: sections.comparison(workshop, case, tools, runs) for case in compared
    }
    if quick:
        delayed, small, big = tpch("orders", "tiny", 15_000), tpch("lineitem", "tiny", 60_175), compared[0]
    else:
        delayed, small, big = tpch("orders", "sf1", 1_500_000), compared[0], tpch("lineitem", "sf10", 59_986_052)
    seconds, bound = (5, 60) if quick else (90, 150)
    return parts | {
        "newest": lambda: sections.newest(compared[0], runs),
        "startup": lambda: sections.start_up(workshop),
        "replay": lambda: ways_out.replay(workshop, compared[0], runs),
        "sockets": lambda: ways_out.sockets(workshop, trino, compared[0], runs),
        "streams": lambda: streams.streams(workshop, trino, 50 if quick else 1000, runs),
        "delay": lambda: sections.delay(workshop, delayed, 20, runs),
        "memory": lambda: sections.memory(workshop, small, big, seconds),
        "growth": lambda: sections.growth(workshop, quick, runs),
        "loads": lambda: loads.loads(workshop, sizes, bound),
        "changes": lambda: changes.changes(workshop, quick, runs),
    }


if __name__ == "__main__":
    sys.exit(main())
