"""What `read` makes of catalogs and states as they come, and how streams begin, end and fail."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from live_support.connector import Connector, Result
from live_support.messages import configured, handwritten
from live_support.oracle import Trino, quoted

Config = Callable[..., dict[str, Any]]
NewSchema = Callable[[str, str], str]

SAMPLE = json.loads((Path(__file__).parents[2] / "sample_files" / "configured_catalog.json").read_text())
COMPLETE = ["STARTED", "RUNNING", "COMPLETE"]
REGIONS = {"AFRICA", "AMERICA", "ASIA", "EUROPE", "MIDDLE EAST"}


def region(**changes: Any) -> dict[str, Any]:
    """A configured catalog with the names of tpch's regions."""
    return configured([handwritten("region", "tiny", ["name"]) | changes])


# Catalogs


@pytest.fixture(scope="module")
def sample(connector: Connector, config: Config) -> Result:
    """The catalog of `sample_files`, read."""
    result = connector.read(config("tpch", "tiny"), SAMPLE)
    assert result.exit_code == 0, result.explain()
    return result


@pytest.mark.parametrize(
    ("stream", "rows", "columns"),
    [("customer", 1500, {"custkey", "name", "address", "acctbal"}), ("nation", 25, {"nationkey", "name"})],
)
def test_only_selected_columns_are_read(sample: Result, stream: str, rows: int, columns: set[str]) -> None:
    assert [set(row) for row in sample.data(stream)] == [columns] * rows


def test_records_carry_namespace_and_time(sample: Result) -> None:
    now = time.time() * 1000
    [namespaces] = {record["namespace"] for record in sample.records("nation")}
    assert namespaces == "tiny"
    assert all(now - 600_000 < record["emitted_at"] <= now for record in sample.records("nation"))


@pytest.mark.parametrize(
    "entry",
    [
        pytest.param({"stream": {"name": "region", "namespace": "tiny"}}, id="no schema"),
        pytest.param({"stream": {"name": "region", "namespace": "tiny", "json_schema": {}}}, id="empty schema"),
        pytest.param({"stream": {"name": "region", "namespace": "tiny", "json_schema": {"properties": {}}}},
                     id="no properties"),
    ],
)  # fmt: skip
def test_a_stream_without_properties_is_read_with_all_columns(
    connector: Connector, config: Config, entry: dict[str, Any]
) -> None:
    result = connector.read(config("tpch", "tiny"), {"streams": [entry | {"sync_mode": "full_refresh"}]})
    assert [set(row) for row in result.data("region")] == [{"regionkey", "name", "comment"}] * 5, result.explain()


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(
            {"destination_sync_mode": "append_dedup", "primary_key": [["name"]]}, id="another destination mode"
        ),
        pytest.param({"destination_sync_mode": "of_a_newer_version"}, id="unknown destination mode"),
        pytest.param({"cursor_field": [], "primary_key": []}, id="empty cursor and key"),
        pytest.param({"cursor_field": None, "primary_key": None}, id="null cursor and key"),
        pytest.param(
            {"generation_id": 3, "minimum_generation_id": 3, "sync_id": 9, "include_files": False}, id="of the platform"
        ),
    ],
)
def test_what_the_platform_adds_to_a_configured_stream_is_no_error(
    connector: Connector, config: Config, change: dict[str, Any]
) -> None:
    catalog = region()
    catalog["streams"][0] |= change
    result = connector.read(config("tpch", "tiny"), catalog)
    assert {row["name"] for row in result.data("region")} == REGIONS, result.explain()


@pytest.mark.parametrize("namespace", ["absent", "null"])
def test_without_a_namespace_the_configured_schema_is_read(
    connector: Connector, config: Config, namespace: str
) -> None:
    stream = handwritten("region", None, ["name"]) | ({"namespace": None} if namespace == "null" else {})
    result = connector.read(config("tpch", "tiny"), configured([stream]))
    assert {row["name"] for row in result.data("region")} == REGIONS, result.explain()


def test_without_a_namespace_no_message_has_one(connector: Connector, config: Config) -> None:
    result = connector.read(config("tpch", "tiny"), configured([handwritten("region", None, ["name"])]))
    descriptors = [
        *result.records("region"),
        *(state["stream"]["stream_descriptor"] for state in result.states),
        *(status["stream_descriptor"] for status in result.traces("stream_status")),
    ]
    assert [each for each in descriptors if each.get("namespace") is not None] == []


def test_tables_of_the_same_name_in_two_schemas_are_two_streams(connector: Connector, config: Config) -> None:
    streams = [handwritten("supplier", "tiny", ["suppkey"]), handwritten("supplier", "sf1", ["suppkey"])]
    result = connector.read(config("tpch", "tiny"), configured(streams))
    counts = {
        state["stream"]["stream_descriptor"]["namespace"]: state["sourceStats"]["recordCount"]
        for state in result.states
    }
    namespaces = [record["namespace"] for record in result.records("supplier")]
    assert counts == {name: namespaces.count(name) for name in ("tiny", "sf1")} == {"tiny": 100, "sf1": 10_000}


def test_a_catalog_without_streams_is_read(connector: Connector, config: Config) -> None:
    result = connector.read(config("tpch", "tiny"), {"streams": []})
    assert (result.exit_code, result.states, result.errors) == (0, [], [])


@pytest.mark.parametrize(
    "catalog",
    [
        pytest.param(configured([handwritten("region", "tiny", ["name"])] * 2), id="a stream twice"),
        pytest.param("{", id="no JSON"),
        pytest.param({"strums": []}, id="no catalog"),
    ],
)
def test_a_catalog_that_cannot_be_used_is_a_config_error(connector: Connector, config: Config, catalog: Any) -> None:
    result = connector.read(config("tpch", "tiny"), catalog)
    [error] = result.errors
    assert (result.exit_code, error["failure_type"]) == (1, "config_error")


@pytest.mark.parametrize("others", [[], ["other"]], ids=["alone", "with another stream"])
def test_the_columns_of_a_view_have_the_names_of_listings(
    connector: Connector, config: Config, sql: Trino, new_schema: NewSchema, others: list[str]
) -> None:
    schema = new_schema("memory", "capitals")
    view, other = quoted("memory", schema, "v"), quoted("memory", schema, "other")
    row = 'CAST(ROW(3) AS ROW("Field" integer))'
    sql(f'CREATE VIEW {view} AS SELECT 1 AS "MixedCase", 2 AS "ÄÖ And More", {row} AS "ROW"')
    sql(f"CREATE TABLE {other} AS SELECT 1 AS a")
    streams = connector.discover(config("memory", schema)).streams
    result = connector.read(config("memory", schema), configured([streams[name] for name in ["v", *others]]))
    assert result.exit_code == 0, result.explain()
    assert result.data("v") == [{"mixedcase": 1, "äö and more": 2, "row": {"Field": 3}}]


# How streams begin and end


@pytest.fixture(scope="module")
def mixed(connector: Connector, config: Config, sql: Trino, new_schema: NewSchema) -> Result:
    """Streams with no, one and many rows, read two at a time."""
    schema = new_schema("memory", "mixed")
    sql(f"CREATE TABLE {quoted('memory', schema, 'none')} (a bigint)")
    sql(f"CREATE TABLE {quoted('memory', schema, 'one')} AS SELECT 1 AS a")
    sql(f"CREATE VIEW {quoted('memory', schema, 'many')} AS SELECT * FROM tpch.tiny.orders")
    streams = connector.discover(config("memory", schema)).streams
    result = connector.read(config("memory", schema, concurrency=2), configured(streams.values()))
    assert result.exit_code == 0, result.explain()
    return result


ROWS = {"none": 0, "one": 1, "many": 15_000}


@pytest.mark.parametrize("stream", ROWS)
def test_a_stream_starts_runs_and_completes(mixed: Result, stream: str) -> None:
    assert mixed.statuses(stream) == COMPLETE


@pytest.mark.parametrize("stream", ROWS)
def test_a_stream_has_one_state_with_its_record_count(mixed: Result, stream: str) -> None:
    counts = [
        s["sourceStats"]["recordCount"] for s in mixed.states if s["stream"]["stream_descriptor"]["name"] == stream
    ]
    assert (counts, len(mixed.records(stream))) == ([ROWS[stream]], ROWS[stream])


@pytest.mark.parametrize("stream", ROWS)
def test_the_messages_of_a_stream_come_in_order(mixed: Result, stream: str) -> None:
    order: list[str] = []
    for message in mixed.messages:
        match message:
            case {"type": "RECORD", "record": {"stream": name}} if name == stream:
                kind = "RECORD"
            case {"type": "STATE", "state": {"stream": {"stream_descriptor": {"name": name}}}} if name == stream:
                kind = "STATE"
            case {
                "type": "TRACE",
                "trace": {"stream_status": {"stream_descriptor": {"name": name}, "status": kind}},
            } if name == stream:
                pass
            case _:
                continue
        if order[-1:] != [kind]:
            order.append(kind)
    records = ["RECORD"] if ROWS[stream] else []
    assert order == ["STARTED", "RUNNING", *records, "STATE", "COMPLETE"]


def test_states_of_different_streams_are_different(mixed: Result) -> None:
    assert all(state["type"] == "STREAM" and state["stream"]["stream_state"] for state in mixed.states)
    descriptors = [state["stream"]["stream_descriptor"]["name"] for state in mixed.states]
    assert sorted(descriptors) == sorted(ROWS)


def test_an_estimate_is_of_the_stream_and_right_for_tpch(connector: Connector, config: Config) -> None:
    # A read of less than a second asks for no statistics. This one has to wait, with more rows than fit into the pipe.
    catalog = configured([handwritten("part", "sf1", ["partkey", "comment"])])
    with connector.start(*connector.read_arguments(config("tpch", "sf1"), catalog)) as process:
        time.sleep(4)
        stdout, _ = process.communicate()
    result = Result(process.returncode, stdout, stderr="", seconds=0)
    [estimate] = result.traces("estimate")
    assert (estimate["type"], estimate["name"], estimate["namespace"]) == ("STREAM", "part", "sf1")
    assert estimate["row_estimate"] == len(result.records("part")) == 200_000


@pytest.mark.parametrize("concurrency", [1, 8])
def test_concurrency_changes_nothing_but_the_order(connector: Connector, config: Config, concurrency: int) -> None:
    rows = {"customer": 1500, "nation": 25, "part": 2000, "region": 5, "supplier": 100}
    catalog = configured([handwritten(table, "tiny", ["name"]) for table in rows])
    result = connector.read(config("tpch", "tiny", concurrency=concurrency), catalog)
    assert (result.exit_code, {table: len(result.records(table)) for table in rows}) == (0, rows)


# What has changed since discover


def test_a_dropped_column_costs_a_warning(
    connector: Connector, config: Config, sql: Trino, new_schema: NewSchema
) -> None:
    schema = new_schema("iceberg", "dropped")
    table = quoted("iceberg", schema, "t")
    sql(f"CREATE TABLE {table} AS SELECT 1 AS kept, 2 AS gone")
    catalog = configured(connector.discover(config("iceberg", schema)).streams.values())
    sql(f"ALTER TABLE {table} DROP COLUMN gone")
    result = connector.read(config("iceberg", schema), catalog)
    assert (result.exit_code, result.data("t"), result.statuses("t")) == (0, [{"kept": 1}], COMPLETE)
    assert [warning for warning in result.logs("WARN") if '"gone"' in warning and '"' + schema in warning]


def test_a_new_column_is_not_read(connector: Connector, config: Config, sql: Trino, new_schema: NewSchema) -> None:
    schema = new_schema("memory", "added")
    sql(f"CREATE TABLE {quoted('memory', schema, 't')} AS SELECT 1 AS old")
    catalog = configured(connector.discover(config("memory", schema)).streams.values())
    sql(f"DROP TABLE {quoted('memory', schema, 't')}")
    sql(f"CREATE TABLE {quoted('memory', schema, 't')} AS SELECT 2 AS new, 1 AS old")
    assert connector.read(config("memory", schema), catalog).data("t") == [{"old": 1}]


def test_meta_columns_of_the_platform_are_passed_over(connector: Connector, config: Config) -> None:
    stream = handwritten("region", "tiny", ["name", "_ab_cdc_lsn", "_ab_cdc_deleted_at"])
    result = connector.read(config("tpch", "tiny"), configured([stream]))
    assert ({row["name"] for row in result.data("region")}, result.logs("WARN")) == (REGIONS, [])


@pytest.fixture(scope="module")
def dropped_table(connector: Connector, config: Config) -> Result:
    """A read of three streams, one of whose tables is gone."""
    streams = [handwritten(name, "tiny", ["name"]) for name in ("nation", "gone", "region")]
    return connector.read(config("tpch", "tiny"), configured(streams))


class TestDroppedTable:
    """It alone is incomplete."""

    def test_the_exit_code_says_that_something_failed(self, dropped_table: Result) -> None:
        assert dropped_table.exit_code == 1

    def test_it_is_incomplete_and_the_others_complete(self, dropped_table: Result) -> None:
        assert {name: dropped_table.statuses(name) for name in ("nation", "gone", "region")} == {
            "nation": COMPLETE,
            "gone": ["STARTED", "INCOMPLETE"],
            "region": COMPLETE,
        }

    def test_it_has_an_error_of_its_own(self, dropped_table: Result) -> None:
        [error] = dropped_table.errors
        assert error["failure_type"] == "config_error"
        assert error["stream_descriptor"] == {"name": "gone", "namespace": "tiny"}
        assert "gone" in error["message"]

    def test_it_has_no_state(self, dropped_table: Result) -> None:
        assert sorted(state["stream"]["stream_descriptor"]["name"] for state in dropped_table.states) == [
            "nation",
            "region",
        ]


def test_a_stream_none_of_whose_columns_is_left_is_incomplete(connector: Connector, config: Config) -> None:
    result = connector.read(config("tpch", "tiny"), configured([handwritten("region", "tiny", ["gone"])]))
    assert (result.exit_code, result.statuses("region")) == (1, ["STARTED", "INCOMPLETE"])
    assert [error["failure_type"] for error in result.errors] == ["config_error"]


def test_a_schema_that_is_gone_fails_only_its_streams(connector: Connector, config: Config) -> None:
    streams = [handwritten("region", "no_such_schema", ["name"]), handwritten("nation", "tiny", ["name"])]
    result = connector.read(config("tpch", "tiny"), configured(streams))
    assert (result.exit_code, result.statuses("region"), result.statuses("nation")) == (
        1,
        ["STARTED", "INCOMPLETE"],
        COMPLETE,
    )


def test_a_table_that_may_not_be_read_is_a_config_error(
    connector: Connector, config_https: Config, private_schema: str
) -> None:
    catalog = configured([handwritten("secret", private_schema, ["a"])])
    result = connector.read(config_https("memory", private_schema, username="denied"), catalog)
    [error] = result.errors
    assert (result.exit_code, error["failure_type"], result.statuses("secret")[-1]) == (1, "config_error", "INCOMPLETE")
    assert "SELECT" in error["message"]


# Failures in the middle


@pytest.fixture(scope="module")
def late_failure(connector: Connector, config: Config, sql: Trino, new_schema: NewSchema, protocol: str) -> Result:
    """A read of a view whose rows are fine for a long time, and then one divides by zero.

    They are 120 MB, more than Trino holds back for a reader of direct results: it meets the bad row when most of the
    others are sent.
    """
    schema = new_schema("memory", "late")
    sql(
        f"CREATE VIEW {quoted('memory', schema, 'late')} AS SELECT n, 1 / (n - 59999) AS q, "
        "rpad(CAST(n AS varchar), 2000, 'x') AS p FROM TABLE(sequence(start => 1, stop => 60000)) t(n)"
    )
    catalog = configured([handwritten("late", schema, ["n", "q", "p"])])
    return connector.read(config("memory", schema, fetch_protocol=protocol), catalog)


class TestQueryThatFailsInTheMiddle:
    """It is never taken for a whole one."""

    def test_rows_came_before_the_failure(self, late_failure: Result, protocol: str) -> None:
        # The workers spool as fast as they can, so that the failure may come before the first segment.
        least = 1000 if protocol == "direct" else 0
        assert least <= len(late_failure.records("late")) < 60_000, late_failure.explain()

    def test_the_stream_is_incomplete(self, late_failure: Result) -> None:
        assert late_failure.statuses("late")[-1] == "INCOMPLETE"
        assert "COMPLETE" not in late_failure.statuses("late")

    def test_the_exit_code_is_1(self, late_failure: Result) -> None:
        assert late_failure.exit_code == 1

    def test_there_is_no_state(self, late_failure: Result) -> None:
        assert late_failure.states == []

    def test_the_error_says_why(self, late_failure: Result) -> None:
        [error] = late_failure.errors
        assert "Division by zero" in error["message"]
        assert error["stream_descriptor"]["name"] == "late"


def test_a_view_that_fails_at_once_is_incomplete(
    connector: Connector, config: Config, sql: Trino, new_schema: NewSchema
) -> None:
    schema = new_schema("memory", "soon")
    sql(
        f"CREATE VIEW {quoted('memory', schema, 'soon')} AS "
        "SELECT 1 / (regionkey - regionkey) AS a FROM tpch.tiny.region"
    )
    result = connector.read(config("memory", schema), configured([handwritten("soon", schema, ["a"])]))
    assert (result.exit_code, result.statuses("soon")[-1], result.states) == (1, "INCOMPLETE", [])


# States


PYAIRBYTE = (
    '[{"type":"STREAM","stream":{"stream_descriptor":{"name":"region","namespace":"tiny"},"stream_state":{"version":1}},'
    '"global_":null,"global_":null,"data":null,"destinationStats":null,"sourceStats":null}]'
)


@pytest.mark.parametrize(
    "state",
    [
        pytest.param("[]", id="empty list"),
        pytest.param("{}", id="empty object"),
        pytest.param("", id="empty file"),
        pytest.param("null", id="null"),
        pytest.param("[null, {}]", id="list of nothing"),
        pytest.param(PYAIRBYTE, id="nulls and a key twice"),
        pytest.param('[{"type":"LEGACY","data":{"a":1}},{"type":"GLOBAL","global":{}}]', id="legacy and global"),
        pytest.param(PYAIRBYTE.replace('"version":1', '"version":999'), id="unknown version"),
        pytest.param('[{"stream":{"stream_descriptor":{"name":"another"},"stream_state":{}}}]', id="of another stream"),
    ],
)
def test_a_state_of_any_form_is_accepted(connector: Connector, config: Config, state: str) -> None:
    # A person is told of a state that is of no use; the platform goes on.
    platform = {"WORKER_JOB_ID": "1"}
    result = connector.read(config("tpch", "tiny"), region(), state=state, environment=platform)
    assert (result.exit_code, {row["name"] for row in result.data("region")}) == (0, REGIONS), result.explain()


def test_the_state_of_a_finished_read_reads_all_again(connector: Connector, config: Config) -> None:
    first = connector.read(config("tpch", "tiny"), region())
    again = connector.read(config("tpch", "tiny"), region(), state=first.states)
    assert {row["name"] for row in again.data("region")} == REGIONS


def test_a_state_that_is_no_json_is_a_config_error(connector: Connector, config: Config) -> None:
    result = connector.read(config("tpch", "tiny"), region(), state="{")
    [error] = result.errors
    assert (result.exit_code, error["failure_type"]) == (1, "config_error")


# Arguments


@pytest.mark.parametrize("piped", ["config", "catalog", "state"])
@pytest.mark.parametrize("name", ["-", "/dev/stdin"])
def test_a_file_may_be_standard_input(connector: Connector, config: Config, piped: str, name: str) -> None:
    contents = {"config": json.dumps(config("tpch", "tiny")), "catalog": json.dumps(region()), "state": "[]"}
    arguments = [
        argument
        for key, content in contents.items()
        for argument in (f"--{key}", name if key == piped else connector.file(content))
    ]
    result = connector.run("read", *arguments, stdin=contents[piped])
    assert (result.exit_code, len(result.data("region"))) == (0, 5), result.explain()


@pytest.mark.parametrize("extra", [["--debug"], ["--of-a-newer-platform", "value"], ["--x=1"]], ids=" ".join)
def test_unknown_arguments_are_tolerated(connector: Connector, config: Config, extra: list[str]) -> None:
    result = connector.run(*connector.read_arguments(config("tpch", "tiny"), region()), *extra)
    assert (result.exit_code, len(result.data("region"))) == (0, 5), result.explain()


def test_nothing_is_written_to_stderr(connector: Connector, config: Config) -> None:
    assert connector.read(config("tpch", "tiny"), region()).stderr == ""
