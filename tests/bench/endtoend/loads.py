"""From Trino into DuckDB and PostgreSQL through PyAirbyte, and the share of that time that the connector takes."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import cases
from cases import Case
from measure import BenchError
from report import say
from tools import HERE, Workshop

#: PyAirbyte asks nobody and tells nobody.
_ENVIRONMENT = {"AIRBYTE_OFFLINE_MODE": "1", "DO_NOT_TRACK": "1", "NO_UV": "1"}


def loads(workshop: Workshop, sizes: tuple[int, ...], bound: float) -> list[dict[str, Any]]:
    """One load each; a load that is not done after `bound` seconds is ended, and said to be so."""
    results = []
    for rows in sizes:
        case = Case(f"load-{rows}", f"{rows:,} rows", "memory", cases.SCHEMA, f"lineitem_{rows}", rows, rows)
        alone = workshop.run(workshop.connector("direct"), case).wall
        for name in ("DuckDB", "PostgreSQL"):
            took = _load(workshop, case, name, bound)
            result = {"rows": rows, "destination": name, "source_alone": alone, "bound": bound, "seconds": took}
            say(f"  {rows:,} rows into {name}: {'not done in time' if took is None else f'{took:.1f} s'}")
            results.append(result)
    return results


def _load(workshop: Workshop, case: Case, destination: str, bound: float) -> float | None:
    config = cases.configuration(workshop.cache, workshop.port, case, "direct")
    job: dict[str, Any] = {"binary": str(workshop.binary), "config": json.loads(config.read_text()), "stream": case.table}
    with tempfile.TemporaryDirectory() as directory:
        if destination == "DuckDB":
            job["duckdb"] = str(Path(directory) / "bench.duckdb")
        else:
            assert workshop.servers
            job["postgres"] = workshop.servers["postgres"]
        try:
            return _python(workshop, job, directory, bound)
        finally:
            if destination == "PostgreSQL":
                _python(workshop, {**job, "drop": True}, directory, 60)


def _python(workshop: Workshop, job: dict[str, Any], directory: str, bound: float) -> float | None:
    """Runs `load_once.py`; the seconds that the load took, None if it took too long or only dropped."""
    command = [str(workshop.python), str(HERE / "load_once.py"), json.dumps(job)]
    environment = {**os.environ, **_ENVIRONMENT}
    # Killed by its group: PyAirbyte's connector would go on otherwise.
    child = subprocess.Popen(
        command, cwd=directory, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        start_new_session=True,
    )
    try:
        output, _ = child.communicate(timeout=bound)
    except subprocess.TimeoutExpired:
        os.killpg(child.pid, 9)
        child.communicate()
        return None
    if child.returncode != 0:
        raise BenchError(f"PyAirbyte failed: {output[-2000:]}")
    if job.get("drop"):
        return None
    answer = json.loads(output.strip().splitlines()[-1])
    expected = int(job["stream"].rpartition("_")[2])
    if answer["rows"] != expected:
        raise BenchError(f"PyAirbyte loaded {answer['rows']} rows of {expected}")
    return answer["seconds"]
