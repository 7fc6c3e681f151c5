"""How a run ends that is not let finish: its reader goes away, or a signal comes. Nothing may go on behind it."""

from __future__ import annotations

import fcntl
import json
import os
import random
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from live_support.connector import Connector
from live_support.messages import configured, handwritten, parse
from live_support.oracle import Trino, quoted, unique

Config = Callable[..., dict[str, Any]]

#: A signal must end the process within a second; the rest is for a busy machine.
SIGNAL_SECONDS = 1.5
#: A reader that goes away is noticed at the next write.
PIPE_SECONDS = 3.0
#: How long Trino may take to show that a query was cancelled.
CANCEL_SECONDS = 5.0

LARGE = configured([handwritten("lineitem", "sf1", ["orderkey", "comment", "shipdate", "extendedprice"])])


class LongRead:
    """A read of millions of rows that has begun to write."""

    def __init__(self, process: subprocess.Popen[bytes], sql: Trino, source: str) -> None:
        self.process = process
        self._sql = sql
        self._source = source

    def read_records(self, count: int) -> None:
        """Reads lines until so many records have come."""
        assert self.process.stdout
        for line in self.process.stdout:
            count -= line.startswith(b'{"type":"RECORD"')
            if count == 0:
                return
        raise AssertionError("the read ended before its records")

    def ended_after(self, limit: float) -> float:
        """Seconds until the process ended."""
        started = time.monotonic()
        self.process.wait(limit + 10)
        return time.monotonic() - started

    def queries_going_on(self, seconds: float = CANCEL_SECONDS) -> list[Any]:
        """Its queries that Trino still works on, when it has had the time to end them."""
        limit = time.monotonic() + seconds
        while True:
            going_on = self._sql(
                f"SELECT query_id, state FROM system.runtime.queries WHERE source = '{self._source}' "
                "AND state NOT IN ('FINISHED', 'FAILED')"
            )
            if not going_on or time.monotonic() > limit:
                return going_on
            time.sleep(0.2)


@pytest.fixture(scope="module", autouse=True)
def hang_ups_are_heard() -> Iterator[None]:
    """What runs below nohup ignores SIGHUP, and so do these tests' children, whoever has started the tests."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


@pytest.fixture
def long_read(connector: Connector, config: Config, sql: Trino, protocol: str) -> Callable[[], Any]:
    """Starts a long read: `with long_read() as read: …`."""

    @contextmanager
    def start(shell: str = "", **options: Any) -> Iterator[LongRead]:
        source = unique("process")
        arguments = connector.read_arguments(config("tpch", "sf1", source=source, fetch_protocol=protocol), LARGE)
        with _started(connector, arguments, shell, options) as process:
            try:
                yield LongRead(process, sql, source)
            finally:
                process.kill()

    return start


def _started(
    connector: Connector, arguments: list[str | Path], shell: str, options: dict[str, Any]
) -> subprocess.Popen[bytes]:
    """The connector by itself, or below a shell that runs a script in which `"$@"` is the connector's command."""
    if not shell:
        return connector.start(*arguments, **options)
    pipes: dict[str, Any] = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen(["sh", "-c", shell, "sh", connector.binary, *arguments], **(pipes | options))


def test_a_reader_that_goes_away_ends_the_read_quietly_and_on_the_server_too(long_read: Callable[[], Any]) -> None:
    with long_read() as read:
        read.read_records(10)
        read.process.stdout.close()
        assert read.ended_after(PIPE_SECONDS) < PIPE_SECONDS
        assert (read.process.returncode, read.process.stderr.read()) == (-signal.SIGPIPE, b"")
        assert read.queries_going_on() == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
@pytest.mark.parametrize("reader", ["reads on", "has stopped reading"])
def test_a_signal_ends_the_read_within_a_second_and_on_the_server_too(
    long_read: Callable[[], Any], number: signal.Signals, reader: str
) -> None:
    with long_read() as read:
        read.read_records(10)
        if reader == "has stopped reading":
            time.sleep(0.5)  # until the pipe is full and the connector waits to write
        read.process.send_signal(number)
        if reader == "reads on":
            started = time.monotonic()
            read.process.communicate(timeout=30)
            seconds = time.monotonic() - started
        else:
            seconds = read.ended_after(SIGNAL_SECONDS)
        # As Python says that a process died by a signal; PyAirbyte takes -15 for a read that it has stopped itself.
        assert read.process.returncode == -number
        assert seconds < SIGNAL_SECONDS
        assert read.queries_going_on() == []


@pytest.mark.parametrize(("number", "code"), [("TERM", 143), ("INT", 130), ("HUP", 129)])
def test_a_shell_shows_a_signal_as_it_does_for_every_program(
    long_read: Callable[..., Any], number: str, code: int
) -> None:
    # A shell lets what it starts in the background ignore SIGINT; it counts all the same when it is sent.
    with long_read(f'"$@" & pid=$!; sleep 2; kill -{number} $pid; wait $pid; echo "code $?" >&2') as read:
        _, errors = read.process.communicate(timeout=30)
        assert errors.decode().endswith(f"code {code}\n")
        assert read.queries_going_on() == []


def test_a_shell_shows_a_closed_pipe_as_it_does_for_every_program(long_read: Callable[..., Any]) -> None:
    with long_read('{ "$@"; echo "code $?" >&2; } | head -n 20') as read:
        output, errors = read.process.communicate(timeout=30)
        assert (len(output.splitlines()), errors) == (20, b"code 141\n")
        assert read.queries_going_on() == []


def test_the_first_process_of_a_container_ends_with_the_code_of_the_signal(long_read: Callable[..., Any]) -> None:
    """The kernel keeps such a process from dying by a signal that it sends to itself."""
    with long_read('unshare --map-root-user --pid --fork --kill-child "$@"') as read:
        read.read_records(10)
        [child] = children(read.process.pid)
        if b"unshare" in Path(f"/proc/{child}/cmdline").read_bytes():
            [child] = children(child)
        os.kill(child, signal.SIGTERM)
        read.process.communicate(timeout=30)
        assert read.process.returncode == 143
        assert read.queries_going_on() == []


def children(process: int) -> list[int]:
    """The processes that a process has started."""
    return [int(child) for child in Path(f"/proc/{process}/task/{process}/children").read_text().split()]


#: How the platform runs a read: below a subshell, whose number it keeps.
PLATFORM = '( eval \'"$@"\' ) & echo $! >&2; wait $!'


def test_below_the_platform_the_death_of_the_shell_ends_the_query_too(long_read: Callable[..., Any]) -> None:
    with long_read(PLATFORM, env=os.environ | {"WORKER_JOB_ID": "1"}) as read:
        read.read_records(10)
        os.kill(int(read.process.stderr.readline()), signal.SIGTERM)
        started = time.monotonic()
        rest = read.process.stdout.read()
        assert time.monotonic() - started < SIGNAL_SECONDS, "the connector has gone on"
        assert b'"COMPLETE"' not in rest
        assert read.queries_going_on() == []


#: Airbyte's own wrapper around a read (airbyte-workload-launcher, ContainerCommandFactory.kt). It looks
#: when it starts and ten seconds later: the test ends the sync between the two, as far from both as it can.
WRAPPER = """
(eval "$AIRBYTE_ENTRYPOINT read --config connectorConfig.json --catalog catalog.json" 2> stderr > stdout) &
CHILD_PID=$!
(while true; do if [ -f TERMINATED ]; then kill $CHILD_PID; exit 0; fi; sleep 10; done) &
wait $CHILD_PID
EXIT_CODE=$?
echo $EXIT_CODE > exitCode.txt
exit $EXIT_CODE
"""


def test_a_sync_that_the_platform_ends_leaves_no_query_behind(
    connector: Connector, config: Config, sql: Trino, tmp_path: Path
) -> None:
    """The wrapper is the first process of its container, which is gone as soon as its shell has had the signal."""
    source = unique("platform")
    (tmp_path / "connectorConfig.json").write_text(json.dumps(config("tpch", "sf1", source=source)))
    (tmp_path / "catalog.json").write_text(json.dumps(LARGE))
    os.mkfifo(tmp_path / "stdout")
    environment = {
        "PATH": os.environ["PATH"],
        "AIRBYTE_ENTRYPOINT": str(connector.binary),
        "WORKER_JOB_ID": "1",
    }
    container = ["unshare", "--map-root-user", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
    with subprocess.Popen([*container, "sh", "-c", WRAPPER], cwd=tmp_path, env=environment) as process:
        with (tmp_path / "stdout").open("rb") as output:
            read = LongRead(process, sql, source)
            for _ in zip(range(1000), output, strict=False):
                pass
            assert read.queries_going_on(0)
            (tmp_path / "TERMINATED").touch()
            output.read()
        assert process.wait(30) == 143
        assert read.queries_going_on() == []
    assert (tmp_path / "exitCode.txt").read_text() == "143\n"
    assert (tmp_path / "stderr").read_text() == ""


def test_a_thread_that_ends_is_no_death_of_the_parent(connector: Connector, config: Config) -> None:
    """Linux tells of both in the same way."""
    arguments = connector.read_arguments(config("tpch", "sf1"), LARGE)
    command = [str(argument) for argument in [connector.binary, *arguments]]
    script = (
        "import os, subprocess, sys, threading, time\n"
        "started = []\n"
        "run = lambda: started.append(subprocess.Popen(sys.argv[1:], stdout=subprocess.PIPE))\n"
        "thread = threading.Thread(target=run); thread.start(); thread.join(); time.sleep(1)\n"
        "lines = sum(1 for _ in zip(range(500_000), started[0].stdout))\n"
        "started[0].kill(); print(lines, flush=True); os._exit(0)\n"
    )
    environment = os.environ | {"WORKER_JOB_ID": "1"}
    done = subprocess.run(["python3", "-c", script, *command], env=environment, capture_output=True, check=True)
    assert done.stdout == b"500000\n"


def test_a_pipe_that_does_not_block_is_waited_for(connector: Connector, config: Config) -> None:
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 4096)
    arguments = connector.read_arguments(
        config("tpch", "tiny"), configured([handwritten("orders", "tiny", ["orderkey", "comment"])])
    )
    with connector.start(*arguments, stdout=writer) as process:
        os.close(writer)
        time.sleep(1)
        with open(reader, "rb") as output:
            lines = output.read().splitlines()
    assert process.returncode == 0
    assert [parse(line)["type"] for line in lines].count("RECORD") == 15_000


def test_an_interrupted_read_never_says_complete(long_read: Callable[[], Any]) -> None:
    with long_read() as read:
        read.read_records(10)
        read.process.send_signal(signal.SIGTERM)
        rest, _ = read.process.communicate(timeout=30)
        assert b'"COMPLETE"' not in rest
        assert b'"type":"STATE"' not in rest


def test_a_slow_reader_gets_all_rows(connector: Connector, config: Config) -> None:
    arguments = connector.read_arguments(
        config("tpch", "tiny"), configured([handwritten("orders", "tiny", ["orderkey"])])
    )
    records = 0
    with connector.start(*arguments) as process:
        assert process.stdout
        for line in process.stdout:
            records += line.startswith(b'{"type":"RECORD"')
            if records % 5000 == 0:
                time.sleep(0.3)
    assert (process.returncode, records) == (0, 15_000)


FILES, ROWS_OF_A_FILE = 8, 400


@pytest.mark.parametrize("mode", ["full_refresh", "incremental"])
def test_reads_that_are_killed_go_on_from_their_state_file_without_loss(
    connector: Connector,
    config: Config,
    sql: Trino,
    new_schema: Callable[[str, str], str],
    tmp_path: Path,
    mode: str,
) -> None:
    """The file is written after the lines: whatever a killed read has not said yet, the next one says."""
    schema = new_schema("iceberg", f"state_file_{mode}")
    table = quoted("iceberg", schema, "t")
    rows = f"SELECT {{file}} * {ROWS_OF_A_FILE} + n AS n, rpad('', 200, 'x') AS x FROM UNNEST(sequence(1, {ROWS_OF_A_FILE})) t(n)"
    sql(f"CREATE TABLE {table} AS {rows.format(file=0)}")
    for file in range(1, FILES):
        sql(f"INSERT INTO {table} {rows.format(file=file)}")
    settings = config("iceberg", schema, slice_rows=ROWS_OF_A_FILE, concurrency=1, fetch_protocol="direct")
    stream = connector.discover(settings).streams["t"]
    entry = {"stream": stream, "sync_mode": mode, "destination_sync_mode": "append", "cursor_field": ["n"]}
    total = FILES * ROWS_OF_A_FILE
    chance = random.Random(mode)
    resumed = 0
    for attempt in range(6):
        file = tmp_path / f"{attempt}.json"
        other = {"stream_descriptor": {"name": "other"}, "stream_state": {"id": 7769510365661554395}}
        file.write_text(json.dumps([{"type": "STREAM", "stream": other}]))
        arguments = [*connector.read_arguments(settings, {"streams": [entry]}), "--state-file", file]
        covered, ended, kills = Counter[int](), False, 0
        while not ended:
            resumed += len(json.loads(file.read_text())) == 2
            ended, numbers = read_until(connector, arguments, chance.randrange(1, total * 480))
            covered.update(numbers)
            kills += not ended
            names = [state["stream"]["stream_descriptor"]["name"] for state in json.loads(file.read_text())]
            assert names in (["other"], ["other", "t"])
        assert "7769510365661554395" in file.read_text()
        missing = set(range(1, total + 1)) - set(covered)
        assert not missing, f"{len(missing)} rows never came, for example {sorted(missing)[:5]}"
        # A kill costs at most what was read since the state before; the file may be one state behind the lines.
        assert covered.total() - total <= kills * 3 * ROWS_OF_A_FILE, f"{kills} kills, {covered.total()} rows"
    assert resumed, "no read went on from its file"
    assert not list(tmp_path.glob(".*")), "files were left behind"


def read_until(connector: Connector, arguments: list[str | Path], size: int) -> tuple[bool, list[int]]:
    """Reads, and kills the connector when `size` bytes have come. Whether it had ended by then, and the rows."""
    process = connector.start(*arguments, stderr=None)
    assert process.stdout
    read = process.stdout.read(size)
    ended = len(read) < size
    if not ended:
        process.kill()
        # What was written before the kill is still in the pipe, and a destination would get it.
        read += process.stdout.read()
    process.stdout.close()
    assert process.wait(timeout=60) == (0 if ended else -signal.SIGKILL)
    messages = [parse(line) for line in read.split(b"\n")[:-1]]
    return ended, [message["record"]["data"]["n"] for message in messages if message["type"] == "RECORD"]


def test_a_state_file_makes_an_incremental_read_of_what_is_new(
    connector: Connector, config: Config, sql: Trino, new_schema: Callable[[str, str], str], tmp_path: Path
) -> None:
    """The recipe of the README, with a link in front of the file."""
    schema = new_schema("memory", "state_file")
    table = quoted("memory", schema, "t")
    sql(f"CREATE TABLE {table} AS SELECT n FROM UNNEST(sequence(1, 3)) t(n)")
    file, link = tmp_path / "state.json", tmp_path / "link.json"
    link.symlink_to(file)
    settings = connector.file(config("memory", schema))
    catalog = tmp_path / "catalog.json"
    discovered = connector.run("discover", "--config", settings, "--configured", "--streams", "t", "--cursor", "n")
    catalog.write_bytes(discovered.stdout)
    arguments = ["read", "--config", settings, "--catalog", catalog, "--state-file", link]
    for expected in ([1, 2, 3], [], [4]):
        result = connector.run(*arguments)
        assert result.exit_code == 0, result.explain()
        assert sorted(row["n"] for row in result.data("t")) == expected
        file.chmod(0o640)
        if not expected:
            sql(f"INSERT INTO {table} VALUES 4")
    assert link.is_symlink()
    assert file.stat().st_mode & 0o777 == 0o640
