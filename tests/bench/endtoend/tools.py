"""The programs that are compared: where each comes from, and its command line for a case."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cases
import fetch
import java
import settings
from cases import Case
from fleet import Fleet, kind_of, only_one_at_a_time
from measure import BenchError, Run, run
from report import step

HERE = Path(__file__).parent
#: How a line of output that is a row begins, in the connector's output and in that of Python sources.
RECORD = '{"type":"RECORD"'


@dataclass(frozen=True)
class Tool:
    """A program. It says itself how many rows it has read, or its lines are counted while the server warms up."""

    key: str
    title: str
    protocol: str
    command: Callable[[Case], list[str]]
    #: What a line of its output that is a row begins with; None if it prints {"rows": N}.
    line: str | None = None
    #: Reads only the first `few` rows.
    slow: bool = False
    #: Gives no count of rows at all: it does not look at them.
    blind: bool = False


class Workshop:
    """All tools, and the servers they are run against."""

    def __init__(self, kind: str = "full") -> None:
        self.cache = settings.cache_directory() / "bench"
        self.kind = kind_of(kind)
        fleet = Fleet(self.kind)
        self.servers = fleet.describe()
        if self.servers is None:
            raise BenchError(f"the servers are down; start them with: python3 tests/servers up {kind}")
        running = fleet.processes.running()
        self.server_pids = [running[name] for name in ("trino", "s3") if name in running]
        self.url = self.servers["trino"]["url"]
        self.port = int(self.url.rpartition(":")[2])
        built = os.environ.get("CARGO_TARGET_DIR") or settings.cache_directory() / "target"
        binary = Path(os.environ.get("SOURCE_TRINO_BIN") or Path(built) / "release" / "source-trino")
        if not binary.exists():
            raise BenchError(f"there is no {binary}; build it with: make build")
        # A copy: a build in the middle of a run would mix the figures of two programs.
        self.cache.mkdir(parents=True, exist_ok=True)
        self.binary = Path(shutil.copy2(binary, self.cache / "source-trino"))

    @functools.cached_property
    def python(self) -> Path:
        """Python with airbyte-cdk, PyAirbyte and the trino package."""
        with only_one_at_a_time():
            return fetch.python_environment("bench", HERE / "requirements.txt")

    @functools.cached_property
    def readers(self) -> Path:
        """Directory of `raw-download` and `prusto-reader`, built if they are not up to date."""
        target = settings.cache_directory() / "target-bench"
        _must(
            "building the readers to compare with",
            ["cargo", "build", "--quiet", "--release", "--locked", "--manifest-path", HERE / "readers/Cargo.toml"],
            {"CARGO_TARGET_DIR": str(target)},
        )
        return target / "release"

    @functools.cached_property
    def cli(self) -> Path:
        """Trino's own command line client."""
        version = self.kind.version
        jar = self.cache / f"trino-cli-{version}-executable.jar"
        if not jar.exists():
            artifact = f"-Dartifact=io.trino:trino-cli:{version}:jar:executable"
            copy = ["mvn", "-q", "-B", "dependency:copy", artifact, f"-DoutputDirectory={self.cache}"]
            _must("fetching Trino's CLI with Maven", copy)
        return jar

    # --- tools -----------------------------------------------------------------------------------------

    def raw(self, protocol: str, port: int | None = None) -> Tool:
        """Download without a look at the rows. `protocol` is `direct` or the encoding of spooled segments."""
        url = f"http://127.0.0.1:{port or self.port}"
        more = [] if protocol == "direct" else [protocol]
        return Tool(
            f"raw-{protocol}", "raw download", protocol,
            lambda case: [str(self.readers / "raw-download"), url, case.sql(), *more], blind=True,
        )

    def connector(self, protocol: str, port: int | None = None) -> Tool:
        """source-trino itself; `spooled` takes the encoding that it likes best."""

        def command(case: Case) -> list[str]:
            config = cases.configuration(self.cache, port or self.port, case, protocol)
            return self.read(config, case)

        return Tool(f"source-trino-{protocol}", "**source-trino**", _named(protocol), command, RECORD)

    def read(self, config: Path, case: Case, *others: str) -> list[str]:
        """The connector's `read` of a case's table, and of `others` of its schema."""
        # The tpch catalog can be read at any scale, but lists only some.
        schema = "sf1" if case.schema == "sf10" else case.schema
        plain = cases.configuration(self.cache, self.port, case, "direct", schema=schema)
        catalog = cases.configured_catalog(self.cache, self.binary, plain, case, *others)
        return [str(self.binary), "read", "--config", str(config), "--catalog", str(catalog)]

    def prusto(self, port: int | None = None) -> Tool:
        """prusto's decode loop."""
        return Tool(
            "prusto", "prusto, rows counted", "direct",
            lambda case: [str(self.readers / "prusto-reader"), str(port or self.port), case.sql()],
        )

    def python_source(self) -> Tool:
        """The Python CDK source."""

        def command(case: Case) -> list[str]:
            config = {
                "host": "127.0.0.1", "port": self.port, "user": "bench", "catalog": case.catalog,
                "schema": case.schema, "table": case.table, "limit": case.few, "columns": list(case.columns),
            }
            path = cases.write_json(self.cache / f"python-{case.key}.json", config)
            catalog = cases.write_json(self.cache / f"python-{case.key}-catalog.json", _one_stream(case.table))
            source = str(HERE / "python_source.py")
            return [str(self.python), source, "read", "--config", str(path), "--catalog", str(catalog)]

        return Tool("python-source", "Python CDK source", "direct", command, RECORD, slow=True)

    def python_client(self, encoding: str) -> Tool:
        """Python's `trino` package alone, with spooled rows."""
        script = str(HERE / "python_client.py")
        return Tool(
            f"python-client-{encoding}", "Python `trino`, rows counted", encoding,
            lambda case: [str(self.python), script, str(self.port), case.sql(case.few), encoding], slow=True,
        )

    def trino_cli(self) -> Tool:
        """Trino's CLI as it comes, so with the spooled encoding of its choice."""

        def command(case: Case) -> list[str]:
            options = ["--server", self.url, "--user", "bench", "--output-format", "JSON", "--execute", case.sql()]
            return [str(java.find_java(self.kind)), "-jar", str(self.cli), *options]

        return Tool("trino-cli", "Trino CLI, JSON", "json+zstd", command, "{")

    # --- running ---------------------------------------------------------------------------------------

    def run(self, tool: Tool, case: Case, *, check: bool = False) -> Run:
        """Runs a tool once; with `check`, its output is counted on its way, and the number has to be right."""
        expected = case.few if tool.slow else case.rows
        counted = tool.line is not None and check
        says = tool.line is None and not tool.blind
        done = run(
            tool.command(case), self.server_pids,
            rows=expected, count=tool.line if counted else None, prints_rows=says,
        )
        if done.rows != expected:
            raise BenchError(f"{tool.key} read {done.rows:,} rows of {case.title} instead of {expected:,}")
        return done


def _named(protocol: str) -> str:
    return "json+lz4" if protocol == "spooled" else protocol


def _one_stream(table: str) -> dict[str, object]:
    stream = {"name": table, "json_schema": {}, "supported_sync_modes": ["full_refresh"]}
    entry = {"stream": stream, "sync_mode": "full_refresh", "destination_sync_mode": "overwrite"}
    return {"streams": [entry]}


def _must(purpose: str, command: list[str | Path], more: dict[str, str] | None = None) -> None:
    with step(purpose):
        done = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, **(more or {})})
    if done.returncode != 0:
        raise BenchError(f"{purpose} failed: {done.stdout[-1000:]}{done.stderr[-2000:]}")
