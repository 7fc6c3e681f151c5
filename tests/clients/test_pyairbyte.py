"""PyAirbyte loads the connector's streams into DuckDB and into PostgreSQL: what arrives is what SQL says on Trino's side.

PyAirbyte holds numbers as DECIMAL(38, 9), and on their way they pass through a double, in PostgreSQL whole numbers of
columns with a null, too. That is PyAirbyte's; the values here stay within it, and the connector's own exactness is
tested without it.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Iterator
from datetime import date, datetime
from datetime import time as time_of_day
from decimal import Decimal
from pathlib import Path
from typing import Any

import airbyte
import pytest
from airbyte.caches import DuckDBCache
from airbyte.exceptions import AirbyteConnectorCheckFailedError, AirbyteConnectorFailedError
from sqlalchemy.exc import SQLAlchemyError

from clients_support import profile, pyairbyte, tables
from clients_support.environment import ROOT, Servers
from clients_support.pyairbyte import Destination, load
from clients_support.trino import Trino

TPCH = ("customer", "lineitem", "nation", "orders")

TYPES = f"{tables.SCHEMA}_types"

#: Columns with their value in SQL and what both databases hold of it. Each has a null in a second row.
VALUES: dict[str, tuple[str, Any]] = {
    "c_boolean": ("true", True),
    "c_tinyint": ("TINYINT '-128'", -128),
    "c_bigint": ("BIGINT '9007199254740991'", 9007199254740991),
    "c_real": ("REAL '3.25'", Decimal("3.25")),
    "c_double": ("DOUBLE '0.1'", Decimal("0.1")),
    "c_double_small": ("DOUBLE '1e-7'", Decimal("0.0000001")),
    "c_decimal": ("DECIMAL '12345.123456789'", Decimal("12345.123456789")),
    "c_decimal_whole": ("DECIMAL '-123456789012345'", -123456789012345),
    "c_nan": ("nan()", None),
    "c_infinity": ("-infinity()", None),
    "c_varchar": ("'é 日本 😀 \"q\" \\ ' || chr(10)", 'é 日本 😀 "q" \\ \n'),
    "c_char": ("CAST('ab' AS char(5))", "ab   "),
    "c_varbinary": ("X'00FF10'", "AP8Q"),
    "c_date_leap": ("DATE '2020-02-29'", date(2020, 2, 29)),
    "c_date_last": ("DATE '9999-12-31'", date(9999, 12, 31)),
    "c_time_of_day": ("TIME '12:34:56.123456'", time_of_day(12, 34, 56, 123456)),
    # PyAirbyte drops the offset of a time; the connector keeps it.
    "c_time_with_zone": ("TIME '03:04:05.123+05:30'", time_of_day(3, 4, 5, 123000)),
    "c_timestamp_local": ("TIMESTAMP '2020-01-02 03:04:05.123456'", datetime(2020, 1, 2, 3, 4, 5, 123456)),
    # PyAirbyte drops offsets; it is right only because the connector says everything in UTC.
    "c_timestamp_zone": ("TIMESTAMP '2020-07-02 03:04:05.123 Europe/Vilnius'", datetime(2020, 7, 2, 0, 4, 5, 123000)),
    "c_uuid": ("UUID '12151fd2-7586-11e9-8f9e-2a86e4085a59'", "12151fd2-7586-11e9-8f9e-2a86e4085a59"),
    "c_array": ("ARRAY[1, NULL, 3]", [1, None, 3]),
    "c_map": ("MAP(ARRAY['k', 'l'], ARRAY[DECIMAL '1.50', NULL])", {"k": 1.5, "l": None}),
    "c_row": ("CAST(ROW(1, ARRAY['x']) AS ROW(n bigint, \"Te xt\" array(varchar)))", {"n": 1, "Te xt": ["x"]}),
}


@pytest.fixture(scope="module", params=["DuckDB", "PostgreSQL"])
def destination(
    request: pytest.FixtureRequest, servers: Servers, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Destination]:
    """Each database in its turn."""
    with pyairbyte.destination(request.param, servers, tmp_path_factory.mktemp("destination")) as made:
        yield made


@pytest.fixture(scope="module")
def tpch(
    destination: Destination,
    binary: Path,
    servers: Servers,
    tmp_path_factory: pytest.TempPathFactory,
    figure: Callable[[str], None],
) -> Path:
    """Four tables of TPC-H, loaded twice into the same place; gives the program that kept the states."""
    program = pyairbyte.recorder(binary, tmp_path_factory.mktemp("recorder"))
    for attempt in ("first", "second"):
        started = time.monotonic()
        result = load(program, servers.config("tpch", "tiny"), destination, list(TPCH))
        took = time.monotonic() - started
        rate = result.processed_records / took
        figure(f"{attempt} load into {destination.name}: {result.processed_records} rows in {took:.1f} s, {rate:.0f}/s")
    return program


@pytest.fixture(scope="module")
def types(trino: Trino) -> Iterator[str]:
    """A schema with a table of all values and nulls, one of the largest numbers, one of json, one without rows."""
    values = ", ".join(f"{sql} AS {name}" for name, (sql, _) in VALUES.items())
    nulls = ", ".join("NULL" for _ in VALUES)
    try:
        trino.run(
            f"CREATE SCHEMA memory.{TYPES}",
            f"CREATE TABLE memory.{TYPES}.all_types AS SELECT 1 AS id, {values} UNION ALL SELECT 2, {nulls}",
            f"CREATE TABLE memory.{TYPES}.extremes AS SELECT * FROM (VALUES "
            "(BIGINT '-9223372036854775808', DECIMAL '-999999999999999999'), "
            "(BIGINT '9223372036854775807', DECIMAL '999999999999999999')) AS t (c_bigint, c_decimal_whole)",
            f"CREATE TABLE memory.{TYPES}.json_objects AS SELECT JSON '{{\"a\": [1, null, \"x\"]}}' AS c_json",
            f"CREATE TABLE memory.{TYPES}.empty (id bigint, name varchar)",
        )
        yield TYPES
    finally:
        tables.drop_in_memory(trino, TYPES)


class TestTpch:
    """Tables with many rows."""

    @pytest.mark.parametrize("table", TPCH)
    def test_sums_are_those_of_trino(self, table: str, tpch: Path, destination: Destination, trino: Trino) -> None:
        """Count, sums, smallest and largest values of all columns; loaded twice, and nothing is there twice."""
        columns = trino.columns(f"tpch.tiny.{table}")
        as_decimal = f"CAST({{}} AS {profile.NUMBER})"
        [expected] = trino.rows(f"SELECT {profile.select(columns, number=as_decimal)} FROM tpch.tiny.{table}")
        [found] = destination.rows(f"SELECT {profile.select(columns, collate=destination.collate)} FROM TARGET.{table}")
        assert profile.comparable(found) == profile.comparable(expected)

    def test_rows_are_those_of_trino(self, tpch: Path, destination: Destination, trino: Trino) -> None:
        """One by one, in a table that is small enough."""
        expected = trino.rows("SELECT * FROM tpch.tiny.nation ORDER BY nationkey")
        found = destination.rows("SELECT * FROM TARGET.nation ORDER BY nationkey")
        assert found == expected

    def test_the_second_load_was_given_the_states_of_the_first(self, tpch: Path) -> None:
        """And read all rows again: a full refresh is never "already done"."""
        first, second = pyairbyte.states(tpch)
        assert first == []
        assert {state["stream"]["stream_descriptor"]["name"] for state in second} == set(TPCH)
        assert all(state["stream"]["stream_state"] for state in second)


class TestTypes:
    """Tables of awkward values."""

    @pytest.fixture(autouse=True)
    def _loaded(self, destination: Destination, binary: Path, servers: Servers, types: str) -> None:
        """All tables but that of json."""
        if "all_types" not in {*self._tables(destination)}:
            load(binary, servers.config("memory", types), destination, ["all_types", "extremes", "empty"])

    @staticmethod
    def _tables(destination: Destination) -> list[str]:
        schema = f"SELECT table_name FROM information_schema.tables WHERE table_schema = '{pyairbyte.TARGET}'"
        return [row["table_name"] for row in destination.rows(schema)]

    def test_values_arrive(self, destination: Destination) -> None:
        """As each database holds them."""
        [row] = destination.rows("SELECT * FROM TARGET.all_types WHERE id = 1")
        assert row == {"id": 1, **{name: value for name, (_, value) in VALUES.items()}}

    def test_nulls_arrive(self, destination: Destination) -> None:
        """In every column."""
        [row] = destination.rows("SELECT * FROM TARGET.all_types WHERE id = 2")
        assert row == {"id": 2, **dict.fromkeys(VALUES)}

    def test_the_largest_whole_numbers_arrive(self, destination: Destination) -> None:
        """To the last digit."""
        rows = destination.rows("SELECT * FROM TARGET.extremes ORDER BY c_bigint")
        assert [tuple(sorted(row.items())) for row in rows] == [
            (("c_bigint", -(2**63)), ("c_decimal_whole", 1 - 10**18)),
            (("c_bigint", 2**63 - 1), ("c_decimal_whole", 10**18 - 1)),
        ]

    def test_a_table_without_rows_arrives(self, destination: Destination) -> None:
        """Empty, with its columns."""
        assert destination.count("empty") == 0
        columns = destination.rows(
            "SELECT column_name FROM information_schema.columns"
            f" WHERE table_schema = '{pyairbyte.TARGET}' AND table_name = 'empty'"
        )
        names = {row["column_name"] for row in columns}
        assert {name for name in names if not name.startswith("_airbyte")} == {"id", "name"}

    def test_json_arrives_as_text(
        self, destination: Destination, binary: Path, servers: Servers, types: str
    ) -> None:
        """PyAirbyte knows no type for any JSON; into a text column of PostgreSQL it cannot write an object at all."""
        if destination.name == "PostgreSQL":
            with pytest.raises(SQLAlchemyError, match="can't adapt type 'dict'"):
                load(binary, servers.config("memory", types), destination, ["json_objects"])
            return
        load(binary, servers.config("memory", types), destination, ["json_objects"])
        assert destination.rows("SELECT c_json FROM TARGET.json_objects") == [{"c_json": '{"a":[1,null,"x"]}'}]


@pytest.fixture
def installed(binary: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The program is in PATH under its name, as pip puts it there."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "source-trino").symlink_to(binary)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"), prepend=os.pathsep)


def test_the_lines_of_the_readme_load_a_table(
    installed: None, servers: Servers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Word for word, but for the port of the test server and the place of the database."""
    [lines] = re.findall(r"^```python\n(.*?)^```$", (ROOT / "README.md").read_text(), re.M | re.S)
    assert len(lines.splitlines()) <= 8
    assert (port := '"port": 8080') in lines
    lines = lines.replace(port, f'"port": {servers.config("tpch", "tiny")["port"]}')
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(airbyte, "new_local_cache", lambda: DuckDBCache(db_path=tmp_path / "file.duckdb"))
    exec(compile(lines, "README.md", "exec"), {})
    assert "[1500 rows x" in capsys.readouterr().out


def test_the_program_is_found_by_its_name(installed: None, servers: Servers) -> None:
    """Without `local_executable`, where Airbyte's registry is not asked."""
    source = airbyte.get_source("source-trino", config=servers.config("tpch", "tiny"))
    assert {"customer", "nation"} <= {*source.get_available_streams()}


def test_odd_names_arrive(destination: Destination, binary: Path, servers: Servers, memory_schema: str) -> None:
    """As PyAirbyte normalises them; a view is a stream like any other."""
    load(binary, servers.config("memory", memory_schema), destination, ['od.d na"me é', "orders_by_status"])
    assert destination.count("od_d_na_me__") == 2
    assert destination.rows("SELECT sum(orders) AS n FROM TARGET.orders_by_status") == [{"n": 15000}]


def test_the_second_load_of_an_incremental_stream_brings_what_is_new(
    binary: Path, servers: Servers, trino: Trino, tmp_path: Path
) -> None:
    """With the cursor that a person sets and the state that PyAirbyte keeps."""
    schema = f"{tables.SCHEMA}_incremental"
    table = f"memory.{schema}.orders"
    trino.run(f"CREATE SCHEMA memory.{schema}", f"CREATE TABLE {table} AS SELECT * FROM tpch.tiny.orders WHERE orderdate < DATE '1998-01-01'")
    try:
        with pyairbyte.destination("DuckDB", servers, tmp_path) as duckdb:

            def load_once() -> tuple[int, int]:
                made = pyairbyte.source(binary, servers.config("memory", schema))
                made.set_cursor_key("orders", "orderdate")
                made.select_all_streams()
                read = made.read(cache=duckdb.cache, write_strategy="append")
                return read.processed_records, duckdb.count("orders")

            first, loaded = load_once()
            assert first == loaded > 0
            assert load_once() == (0, loaded)
            trino.run(f"INSERT INTO {table} SELECT * FROM tpch.tiny.orders WHERE orderdate >= DATE '1998-01-01'")
            second, loaded = load_once()
            assert (first + second, loaded) == (15000, 15000)
    finally:
        tables.drop_in_memory(trino, schema)


def test_a_failing_stream_fails_the_load(binary: Path, servers: Servers, trino: Trino, tmp_path: Path) -> None:
    """PyAirbyte looks at nothing but the exit code: with 0 it would keep a part of the rows and report success."""
    schema = f"{tables.SCHEMA}_failing"
    trino.run(
        f"CREATE SCHEMA memory.{schema}",
        f"CREATE TABLE memory.{schema}.good AS SELECT * FROM tpch.tiny.nation",
        f"CREATE VIEW memory.{schema}.bad AS SELECT orderkey, 1 / (orderkey - 60000) AS x FROM tpch.tiny.orders",
    )
    try:
        with (
            pyairbyte.destination("DuckDB", servers, tmp_path) as duckdb,
            pytest.raises(AirbyteConnectorFailedError) as failure,
        ):
            load(binary, servers.config("memory", schema), duckdb)
    finally:
        tables.drop_in_memory(trino, schema)
    assert failure.value.context == {"exit_code": 1}
    logs = [log.read_text() for log in Path(os.environ["AIRBYTE_LOGGING_ROOT"]).rglob("source-trino-log-*.log")]
    assert any(f"{schema}.bad" in log and "Division by zero" in log for log in logs)


@pytest.mark.parametrize(
    ("catalog", "schema", "reason"),
    [("tpcj", "tiny", 'The catalog "tpcj" does not exist'), ("tpch", "tinny", 'schema "tinny"')],
)
def test_a_failing_check_shows_our_reason(
    catalog: str, schema: str, reason: str, binary: Path, servers: Servers
) -> None:
    """Word for word, with what to change."""
    config = servers.config(catalog, schema)
    with pytest.raises(AirbyteConnectorCheckFailedError) as failure:
        pyairbyte.source(binary, config).check()
    assert reason in str(failure.value)
