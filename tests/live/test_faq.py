"""The script for cron and the commands around it in docs/faq.md do what the page says, copied from there."""

from __future__ import annotations

import fcntl
import json
import os
import re
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from live_support.connector import Connector
from live_support.oracle import Trino, quoted

PAGE = (Path(__file__).parents[2] / "docs" / "faq.md").read_text()
BLOCKS = re.findall(r"^```sh\n(.*?)^```$", PAGE, re.M | re.S)

#: What the page names and a test has elsewhere.
DIRECTORY, PROGRAMS = "/var/lib/trino-nightly", "/usr/local/bin"


def block(mark: str) -> str:
    """The only block of shell on the page that has this text."""
    [found] = [text for text in BLOCKS if mark in text]
    return found


class Nightly:
    """The script of the page in a directory of its own, run with no more environment than cron gives."""

    def __init__(self, directory: Path, binary: Path) -> None:
        self.directory = directory
        programs = directory / "bin"
        programs.mkdir()
        (programs / "source-trino").symlink_to(binary)
        self._environment = {"HOME": str(directory), "PATH": "/usr/bin:/bin"}
        self._script = programs / "trino-nightly"
        text = block("flock")
        for name, place in ((DIRECTORY, directory), (PROGRAMS, programs)):
            assert name in text
            text = text.replace(name, str(place))
        self._script.write_text(text)
        self._script.chmod(0o755)

    def run(self) -> subprocess.CompletedProcess[str]:
        # The files are named by the second.
        time.sleep(1)
        return subprocess.run([self._script], env=self._environment, capture_output=True, text=True, check=False)

    @property
    def files(self) -> list[Path]:
        """The files of all runs, oldest first."""
        return sorted(self.directory.glob("*.jsonl"))

    def rows(self) -> list[int]:
        """The numbers that the last run has written."""
        messages = [json.loads(line) for line in self.files[-1].read_text().splitlines()]
        return sorted(message["record"]["data"]["n"] for message in messages if message["type"] == "RECORD")


@pytest.fixture
def nightly(connector: Connector, tmp_path: Path) -> Nightly:
    return Nightly(tmp_path, connector.binary)


@pytest.fixture
def table(
    nightly: Nightly,
    connector: Connector,
    config: Callable[..., dict[str, Any]],
    sql: Trino,
    new_schema: Callable[[str, str], str],
) -> str:
    """A table of three rows, `d` longer than a double, and a configured catalog with the cursor `n`."""
    schema = new_schema("memory", "nightly")
    name = quoted("memory", schema, "orders")
    sql(f"DROP TABLE IF EXISTS {name}")
    sql(f"CREATE TABLE {name} AS SELECT n, DECIMAL '12345678901234567890.10' + n AS d FROM UNNEST(sequence(1, 3)) t(n)")
    settings = nightly.directory / "config.json"
    settings.write_text(json.dumps(config("memory", schema)))
    discovered = connector.run(
        "discover", "--config", settings, "--configured", "--streams", "orders", "--cursor", "n"
    )
    assert discovered.exit_code == 0, discovered.explain()
    (nightly.directory / "catalog.json").write_bytes(discovered.stdout)
    return name


def test_the_script_brings_what_is_new_night_by_night(nightly: Nightly, table: str, sql: Trino) -> None:
    for expected in ([1, 2, 3], [], [4]):
        done = nightly.run()
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
        assert nightly.rows() == expected
        if not expected:
            sql(f"INSERT INTO {table} VALUES (4, DECIMAL '0.10')")
    assert all(file.stat().st_mode & 0o077 == 0 for file in nightly.files), "others may read the rows"


def test_the_script_does_not_run_twice_at_once(nightly: Nightly, table: str) -> None:
    lock = os.open(nightly.directory / "lock", os.O_CREAT | os.O_WRONLY)
    fcntl.flock(lock, fcntl.LOCK_EX)
    done = nightly.run()
    assert done.returncode == 75
    assert "still at work" in done.stderr
    assert nightly.files == []
    os.close(lock)
    assert nightly.run().returncode == 0


def test_the_script_says_once_on_stderr_what_failed(nightly: Nightly, table: str) -> None:
    """cron sends it by mail."""
    catalog = nightly.directory / "catalog.json"
    catalog.write_text(catalog.read_text().replace('"orders"', '"ordres"'))
    done = nightly.run()
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.count("does not exist") == 1, done.stderr


def test_sed_takes_the_rows_with_every_digit(nightly: Nightly, table: str) -> None:
    assert nightly.run().returncode == 0
    schema = table.replace('"', "").split(".")[1]
    command = block("sed -n").replace('"namespace":"public"', f'"namespace":"{schema}"')
    command = re.sub(r"\S+\.jsonl", str(nightly.files[-1]), command)
    rows = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=True).stdout.splitlines()
    assert sorted(rows) == [f'{{"n":{n},"d":1234567890123456789{n}.10}}' for n in (1, 2, 3)]
