"""The newest Trino: its spooling without a store, the types NUMBER and VARIANT, and tables of Iceberg version 3.

It is started here, and stopped in the end, unless `SOURCE_TRINO_NEWEST` names one that runs
(`live_support/servers.py`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from live_support import servers
from live_support.connector import Connector
from live_support.environment import Environment
from live_support.messages import configured, handwritten, parse_exactly
from live_support.oracle import Trino, quoted
from live_support.type_cases import ANY, INTEGER, NULLED, NUMBER, TIMESTAMP, TIMESTAMP_ZONED, Case, array, mapping, row
from live_support.verdicts import reads_regions, succeeds
from live_support.ways import WAYS, way

Config = Callable[..., dict[str, Any]]

@pytest.fixture(scope="module")
def newest(environment: Environment) -> Iterator[Environment]:
    """The newest server in place of the usual ones."""
    with servers.another("newest", environment) as newest:
        yield newest


@pytest.fixture(scope="module")
def config(newest: Environment) -> Config:
    """Configurations for the newest server."""

    def make(catalog: str, schema: str, **fields: Any) -> dict[str, Any]:
        smallest = {"hostname": "127.0.0.1", "port": newest.http_port, "username": "live-tests"}
        return smallest | {"catalog": catalog, "schema": schema} | fields

    return make


@pytest.fixture(scope="module")
def sql(newest: Environment) -> Trino:
    return Trino(newest)


def test_a_version_that_is_no_number_is_no_trouble(connector: Connector, config: Config, sql: Trino) -> None:
    assert sql.value("SELECT version()") == "testversion"
    succeeds(connector.check(config("tpch", "tiny")))


@pytest.mark.parametrize("name", WAYS)
def test_every_way_leads_to_it(
    connector: Connector, config: Config, newest: Environment, tmp_path: Path, name: str
) -> None:
    """Rows and segments; nothing comes inline."""
    spooled = {"fetch_protocol": "spooled", "session_properties": {"spooling_inlining_enabled": "false"}}
    with way(name, newest.programs, tmp_path, newest.http_port) as changes:
        for protocol in ({"fetch_protocol": "direct"}, spooled):
            made = config("tpch", "tiny") | protocol | changes
            succeeds(connector.check(made))
            reads_regions(connector, made)


def lines(connector: Connector, config: dict[str, Any]) -> Counter[bytes]:
    """The data of all records of lineitem, as they were written."""
    streams = connector.discover(config).streams
    result = connector.read(config, configured([streams["lineitem"]]))
    assert (result.exit_code, result.statuses("lineitem")[-1]) == (0, "COMPLETE"), result.explain()
    records = (line for line in result.lines if line.startswith(b'{"type":"RECORD"'))
    return Counter(line.partition(b'"emitted_at"')[0] for line in records)


@pytest.fixture(scope="module")
def direct(connector: Connector, config: Config) -> Counter[bytes]:
    return lines(connector, config("tpch", "tiny", fetch_protocol="direct"))


@pytest.mark.parametrize(
    ("protocol", "properties"),
    [
        ("auto", {}),
        ("spooled", {}),
        ("spooled", {"spooling_inlining_enabled": "false"}),
        ("spooled", {"spooling_initial_segment_size": "100kB", "spooling_max_segment_size": "200kB"}),
    ],
)
def test_spooled_rows_are_the_direct_ones(
    connector: Connector, config: Config, direct: Counter[bytes], protocol: str, properties: dict[str, str]
) -> None:
    assert direct.total() == 60_175
    settings = config("tpch", "tiny", fetch_protocol=protocol, session_properties=properties)
    assert lines(connector, settings) == direct


NUMBERS = [
    Case("number", "NUMBER '1.5'", NUMBER, "1.5"),
    Case("number that is short without a zero", "NUMBER '1.10'", NUMBER, "1.1"),
    Case("number with an exponent", "NUMBER '100'", NUMBER, "1E+2"),
    Case("number beyond a double", "NUMBER '1E+400'", NUMBER, "1E+400"),
    Case("number close to zero", "NUMBER '-1E-45'", NUMBER, "-1E-45"),
    Case("number of 44 digits", f"NUMBER '{'9' * 44}'", NUMBER, "9" * 44),
    Case("number NaN", "CAST(nan() AS number)", NUMBER, "null", NULLED),
    Case("number infinity", "CAST(infinity() AS number)", NUMBER, "null", NULLED),
    Case("number minus infinity", "CAST(-infinity() AS number)", NUMBER, "null", NULLED),
    Case("numbers in an array", "ARRAY[NUMBER '1.5', NULL, NUMBER '-2']", array(NUMBER), "[1.5, null, -2]"),
    Case("numbers in a map", "MAP(ARRAY[NUMBER '1.5'], ARRAY[NUMBER '2'])", mapping(NUMBER), '{"1.5": 2}'),
    Case("number in a row", "CAST(ROW(NUMBER '3.25') AS ROW(n number))", row(n=NUMBER), '{"n": 3.25}'),
    Case("NaN in an array", "ARRAY[CAST(nan() AS number)]", array(NUMBER), "[null]", NULLED),
]

VARIANTS = [
    Case("variant of an object", """CAST(JSON '{"a":[1,null,"x"]}' AS variant)""", ANY, '{"a":[1,null,"x"]}'),
    Case("variant of a text", "CAST('s' AS variant)", ANY, '"s"'),
    Case("variant of true", "CAST(true AS variant)", ANY, "true"),
    Case("variant of an integer", "CAST(BIGINT '9007199254740993' AS variant)", ANY, "9007199254740993"),
    Case("variant of a decimal", "CAST(DECIMAL '1.10' AS variant)", ANY, "1.10"),
    Case("variant of a date", "CAST(DATE '2020-01-02' AS variant)", ANY, '"2020-01-02"'),
    Case("variant of bytes", "CAST(X'00FF' AS variant)", ANY, '"AP8="'),
    Case("variant of JSON null", "CAST(JSON 'null' AS variant)", ANY, "null"),
    Case("variant of an array", "CAST(ARRAY[1, 2] AS variant)", ANY, "[1,2]"),
    Case("variant of a map", "CAST(MAP(ARRAY['k'], ARRAY[1]) AS variant)", ANY, '{"k":1}'),
    Case("variants in an array", """ARRAY[CAST(1 AS variant), CAST('x' AS variant)]""", array(ANY), '[1, "x"]'),
    Case("variant in a row", "CAST(ROW(CAST('x' AS variant)) AS ROW(v variant))", row(v=ANY), '{"v": "x"}'),
]

CASES = [pytest.param(index, case, id=case.name) for index, case in enumerate(NUMBERS + VARIANTS)]


@pytest.fixture(scope="module", params=["direct", "spooled"])
def typed(
    connector: Connector, config: Config, sql: Trino, request: pytest.FixtureRequest
) -> Iterator[tuple[dict[str, Any], list[dict[str, Any]]]]:
    """Streams and records of views with one case each: some casts change when they stand beside others."""
    with sql.schema("memory", "newest") as schema:
        sql.all([f"CREATE VIEW {quoted('memory', schema, f'v{index}')} AS SELECT {case.sql} AS x"
                 for index, case in enumerate(NUMBERS + VARIANTS)])  # fmt: skip
        settings = config("memory", schema, fetch_protocol=request.param)
        streams = connector.discover(settings).streams
        result = connector.read(settings, configured(streams.values()))
        assert result.exit_code == 0, result.explain()
        yield streams, result.exact_records


@pytest.mark.parametrize(("index", "case"), CASES)
def test_type(typed: tuple[dict[str, Any], list[dict[str, Any]]], index: int, case: Case) -> None:
    streams, records = typed
    assert streams[f"v{index}"]["json_schema"]["properties"]["x"] == case.schema
    [record] = [record for record in records if record["stream"] == f"v{index}"]
    assert record["data"]["x"] == parse_exactly(case.value)
    changes = [change["change"] for change in record.get("meta", {}).get("changes", [])]
    assert changes == ([case.change] if case.change else [])


@pytest.mark.parametrize("protocol", ["direct", "auto"])
def test_an_iceberg_table_of_version_3_is_read_as_it_is_now(
    connector: Connector, config: Config, sql: Trino, protocol: str
) -> None:
    with sql.schema("iceberg", "v3") as schema:
        table = quoted("iceberg", schema, "t")
        sql(f"CREATE TABLE {table} (id bigint, v variant, ts timestamp(9), tz timestamp(9) with time zone) "
            "WITH (format_version = 3)")  # fmt: skip
        for number in range(1, 6):
            sql(f"""INSERT INTO {table} VALUES ({number}, CAST(JSON '{{"n":{number}}}' AS variant),
                TIMESTAMP '2020-01-02 03:04:05.123456789', TIMESTAMP '2020-01-02 03:04:05.123456789 +02:00')""")
        sql(f"DELETE FROM {table} WHERE id = 2")
        sql(f"UPDATE {table} SET ts = NULL WHERE id = 3")
        # One row is one slice: five files, and what was deleted of them.
        settings = config("iceberg", schema, fetch_protocol=protocol, slice_rows=1)
        streams = connector.discover(settings).streams
        result = connector.read(settings, configured(streams.values()))
    assert result.exit_code == 0, result.explain()
    assert [line for line in result.logs("INFO") if " slices by files" in line], result.explain()
    assert streams["t"]["json_schema"]["properties"] == {
        "id": INTEGER, "v": ANY, "ts": TIMESTAMP, "tz": TIMESTAMP_ZONED
    }  # fmt: skip
    local, zoned = "2020-01-02T03:04:05.123456789", "2020-01-02T01:04:05.123456789Z"
    assert sorted(result.data("t"), key=lambda row: row["id"]) == [
        {"id": number, "v": {"n": number}, "ts": None if number == 3 else local, "tz": zoned}
        for number in (1, 3, 4, 5)
    ]


def test_a_stream_without_discover_has_its_types(connector: Connector, config: Config, sql: Trino) -> None:
    with sql.schema("memory", "bare") as schema:
        sql(f"CREATE VIEW {quoted('memory', schema, 't')} AS SELECT NUMBER '1.5' AS n, CAST(1 AS variant) AS v")
        result = connector.read(config("memory", schema), configured([handwritten("t", schema, ["n", "v"])]))
    assert result.exact_records[0]["data"] == parse_exactly('{"n": 1.5, "v": 1}')
