"""Rules of Airbyte's retired Connector Acceptance Tests that the standard suite does not carry over.

The platform still lives by most of them: it compares the counts of states, reports dropped records, and shows statuses.
"""

from __future__ import annotations

import base64
import json
from collections import Counter
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from clients_support.connector import Connector, Output, Stream, configured, stream_of
from clients_support.environment import Servers

#: The platform counts longer lines as too large, and destinations may choke on them.
LONGEST_LINE = 20_000_000


@pytest.fixture(scope="module")
def config(servers: Servers, memory_schema: str) -> dict[str, Any]:
    """A schema with tables of every type, odd names, a view, and a table without rows."""
    return servers.config("memory", memory_schema)


@pytest.fixture(scope="module")
def streams(connector: Connector, config: dict[str, Any]) -> list[dict[str, Any]]:
    """What is discovered there."""
    return connector.discover(config)


@pytest.fixture(scope="module")
def output(connector: Connector, config: dict[str, Any], streams: list[dict[str, Any]]) -> Output:
    """A full refresh of all of it."""
    return connector.read(config, configured(streams))


@pytest.fixture(scope="module")
def names(streams: list[dict[str, Any]]) -> set[Stream]:
    """The configured streams."""
    return {stream_of(stream) for stream in streams}


@pytest.fixture(scope="module")
def secure(servers: Servers) -> dict[str, Any]:
    """A configuration with a password and a certificate."""
    return servers.config_https("tpch", "tiny")


class TestStatuses:
    """What the platform shows of each stream."""

    def test_every_configured_stream_has_them_and_no_other(self, output: Output, names: set[Stream]) -> None:
        """The table without rows, too."""
        assert output.statuses.keys() == names

    def test_they_come_in_order(self, output: Output) -> None:
        """STARTED first, RUNNING at least once, COMPLETE last and once."""
        for stream, (first, *running, last) in output.statuses.items():
            assert (first, set(running), last) == ("STARTED", {"RUNNING"}, "COMPLETE"), stream

    def test_records_and_states_lie_between_them(self, output: Output, names: set[Stream]) -> None:
        """Records after RUNNING, the state after the records, COMPLETE after the state."""
        ranks = {"STARTED": 0, "RUNNING": 1, "RECORD": 2, "STATE": 3, "COMPLETE": 4}
        for stream in names:
            seen = [ranks[kind] for kind, of, _ in events(output) if of == stream]
            assert seen == sorted(seen), stream

    def test_a_stream_that_fails_is_incomplete_and_the_others_are_not(
        self, connector: Connector, config: dict[str, Any], streams: list[dict[str, Any]]
    ) -> None:
        """An ERROR trace names it, and the exit code is not 0."""
        gone = {**streams[0], "name": "gone"}
        output = connector.run("read", config=config, catalog=configured([gone, *streams]))
        assert output.code != 0
        assert output.statuses.pop(stream_of(gone))[-1] == "INCOMPLETE"
        others = {stream: statuses for stream, statuses in output.statuses.items() if stream != stream_of(gone)}
        assert {statuses[-1] for statuses in others.values()} == {"COMPLETE"}
        [error] = output.errors
        assert stream_of(error["stream_descriptor"]) == stream_of(gone)
        assert error["failure_type"] == "config_error"

    def test_a_read_that_cannot_start_says_why(self, connector: Connector, config: dict[str, Any]) -> None:
        """Without a TRACE the platform would show nothing but the exit code."""
        broken = connector.run("read", config="{", catalog=configured([]))
        lost = connector.run("read", config={**config, "hostname": "no-such-host.invalid"}, catalog=configured([]))
        for output in (broken, lost):
            assert output.code != 0
            [error] = output.errors
            assert error["failure_type"] == "config_error", error
            assert error["message"]


class TestStates:
    """Where a sync goes on, and how the platform counts."""

    def test_every_stream_has_one_at_least(self, output: Output, names: set[Stream]) -> None:
        """The table without rows, too."""
        assert {stream_of(state["stream"]["stream_descriptor"]) for state in output.states} == names

    def test_they_are_of_streams(self, output: Output) -> None:
        """None of the legacy form, none without content."""
        assert {state["type"] for state in output.states} == {"STREAM"}
        assert all(state["stream"]["stream_state"] for state in output.states)
        assert all("data" not in state for state in output.states)

    def test_they_count_the_records_since_the_last_one(self, output: Output) -> None:
        """Exactly: the platform reports dropped records otherwise."""
        counted: Counter[Stream] = Counter()
        for kind, stream, message in events(output):
            if kind == "RECORD":
                counted[stream] += 1
            elif kind == "STATE":
                assert message["sourceStats"]["recordCount"] == counted.pop(stream, 0), stream
        assert not counted, "records after the last state"

    def test_counts_are_written_with_a_point(self, output: Output) -> None:
        """The platform reads them as fractions."""
        assert all(isinstance(state["sourceStats"]["recordCount"], float) for state in output.states)

    def test_no_state_comes_twice_for_different_records(self, output: Output) -> None:
        """The platform gives up counting when it sees one again."""
        texts = [json.dumps(state["stream"], sort_keys=True) for state in output.states]
        assert len(texts) == len(set(texts))


class TestRecords:
    """What the destination gets."""

    def test_they_hold_the_declared_fields_and_no_others(self, output: Output, streams: list[dict[str, Any]]) -> None:
        """At the top, and wherever a row has declared fields; a null is said."""
        for stream in streams:
            for record in output.records.get(stream_of(stream), []):
                assert record.keys() == stream["json_schema"]["properties"].keys()
                assert undeclared(record, stream["json_schema"]) == []

    def test_they_keep_their_schema(self, output: Output, streams: list[dict[str, Any]]) -> None:
        """Nulls included, with whole numbers in the sense of destinations: 1.0 is none."""
        for stream in streams:
            validator = jsonschema.Draft7Validator(stream["json_schema"])
            for record in output.records.get(stream_of(stream), []):
                validator.validate(record)

    def test_they_carry_the_time_they_were_read(self, output: Output) -> None:
        """In whole milliseconds."""
        times = [record["emitted_at"] for record in output.of_type("RECORD")]
        assert all(isinstance(time, int) for time in times)
        assert min(times) > 1_700_000_000_000

    def test_lines_are_not_too_long(self, output: Output) -> None:
        """In characters."""
        assert max(map(len, output.stdout.splitlines())) < LONGEST_LINE

    def test_two_full_refreshes_are_equal(
        self, output: Output, connector: Connector, config: dict[str, Any], streams: list[dict[str, Any]]
    ) -> None:
        """The second with the state of the first, as a connection's second sync."""
        again = connector.read(config, configured(streams), state=output.states)
        assert sorted_rows(again) == sorted_rows(output)
        assert sum(len(rows) for rows in output.records.values()) > 0

    def test_only_selected_columns_are_in_them(
        self, connector: Connector, config: dict[str, Any], streams: list[dict[str, Any]]
    ) -> None:
        """The platform drops the rest, so to read it is wasted work."""
        [stream] = [stream for stream in streams if stream["name"] == "every_type"]
        selected = {"c_bigint", "c_row"}
        properties = {name: schema for name, schema in stream["json_schema"]["properties"].items() if name in selected}
        catalog = configured([{**stream, "json_schema": {"type": "object", "properties": properties}}])
        [rows] = connector.read(config, catalog).records.values()
        assert [row.keys() for row in rows] == [selected, selected]


class TestCatalog:
    """What is discovered."""

    def test_it_is_the_same_twice(
        self, connector: Connector, config: dict[str, Any], streams: list[dict[str, Any]]
    ) -> None:
        """In the same order: the platform shows people every difference."""
        assert json.dumps(connector.discover(config)) == json.dumps(streams)

    def test_streams_are_sorted(self, names: set[Stream], streams: list[dict[str, Any]]) -> None:
        """For people who look for one."""
        assert [stream_of(stream) for stream in streams] == sorted(names)

    def test_what_has_a_possible_cursor_can_be_read_incrementally(self, streams: list[dict[str, Any]]) -> None:
        """A person picks the cursor; nothing that is not pinned to a version promises to go on after a break."""
        for stream in streams:
            kinds = [schema["type"] for schema in stream["json_schema"]["properties"].values()]
            possible = any(kind in (["null", "number"], ["null", "string"]) for kind in kinds)
            modes = ["full_refresh", "incremental"] if possible else ["full_refresh"]
            assert stream["supported_sync_modes"] == modes, stream["name"]
            assert stream["source_defined_cursor"] is False
            assert not stream.get("is_resumable")

    def test_primary_keys_of_the_database_are_known(
        self, connector: Connector, servers: Servers, postgres_schema: str
    ) -> None:
        """In the key's own order."""
        streams = connector.discover(servers.config("postgresql", postgres_schema))
        keys = {stream["name"]: stream.get("source_defined_primary_key") for stream in streams}
        assert keys == {"accounts": [["id"]], "lines": [["account"], ["number"]]}

    def test_every_column_may_be_null(self, streams: list[dict[str, Any]]) -> None:
        """Trino does not say reliably which may not."""
        for stream in streams:
            for name, schema in stream["json_schema"]["properties"].items():
                assert "null" in schema["type"], (stream["name"], name)


class TestSecrets:
    """No password, no certificate, in no line of any command, at the most talkative level."""

    TALKATIVE = {"LOG_LEVEL": "TRACE", "RUST_LOG": "trace"}

    @pytest.mark.parametrize("command", ["check", "discover", "read"])
    def test_a_good_configuration_is_kept(self, command: str, connector: Connector, secure: dict[str, Any]) -> None:
        """It is used, and never shown."""
        nation = {"stream": {"name": "nation", "namespace": "tiny"}, "sync_mode": "full_refresh"}
        files = {"catalog": {"streams": [nation]}} if command == "read" else {}
        output = connector.run(command, environment=self.TALKATIVE, config=secure, **files)
        assert output.code == 0
        assert leaked(output, secure) == []

    def test_a_refused_password_is_kept(self, connector: Connector, secure: dict[str, Any]) -> None:
        """The error says that it is wrong, not what it was; nor what Trino made of it."""
        wrong = {"method": "password", "password": 'wr"ong\\ sécret 1'}
        config = {**secure, "authentication": wrong}
        output = connector.run("check", environment=self.TALKATIVE, config=config)
        assert output.of_type("CONNECTION_STATUS")[0]["status"] == "FAILED"
        assert leaked(output, config) == []

    def test_a_password_at_the_wrong_place_is_kept(self, connector: Connector, secure: dict[str, Any]) -> None:
        """In a configuration that is refused for something else."""
        config = {**secure, "authentication": {"method": "pasword", "password": "misplaced-secret-1"}}
        for command in ("check", "discover"):
            output = connector.run(command, environment=self.TALKATIVE, config=config)
            assert leaked(output, config) == []

    def test_a_broken_file_is_not_shown(self, connector: Connector, tmp_path: Path) -> None:
        """The error names the place in the file, not what is there."""
        path = tmp_path / "config.json"
        path.write_text('{"authentication": {"method": "password", "password": "half-a-secret-1" oops}}')
        output = connector.run("check", environment=self.TALKATIVE, config=path)
        assert output.code != 0
        assert "half-a-secret-1" not in output.stdout + output.stderr


def events(output: Output) -> list[tuple[str, Stream, dict[str, Any]]]:
    """Records, states and statuses in their order, each as kind, stream and payload."""
    found = []
    for message in output.messages:
        if message["type"] == "RECORD":
            record = message["record"]
            found.append(("RECORD", (record.get("namespace"), record["stream"]), record))
        elif message["type"] == "STATE":
            state = message["state"]
            found.append(("STATE", stream_of(state["stream"]["stream_descriptor"]), state))
        elif message["type"] == "TRACE" and message["trace"]["type"] == "STREAM_STATUS":
            status = message["trace"]["stream_status"]
            found.append((status["status"], stream_of(status["stream_descriptor"]), status))
    return found


def undeclared(value: Any, schema: dict[str, Any], path: str = "") -> list[str]:
    """Fields of a value that its schema has no word for, at any depth."""
    if isinstance(value, dict) and "properties" in schema:
        extra = [f"{path}/{name}" for name in value.keys() - schema["properties"].keys()]
        inner = ((value[name], schema["properties"][name], f"{path}/{name}") for name in value if not extra)
        return extra + [field for part in inner for field in undeclared(*part)]
    if isinstance(value, list) and "items" in schema:
        return [field for element in value for field in undeclared(element, schema["items"], f"{path}/[]")]
    return []


def sorted_rows(output: Output) -> dict[Stream, list[str]]:
    """The rows of each stream as texts in an order of their own: Trino promises none."""
    return {stream: sorted(json.dumps(row) for row in rows) for stream, rows in output.records.items()}


def leaked(output: Output, config: dict[str, Any]) -> list[str]:
    """The secrets of a configuration that are in an output: the password in any spelling, each line of a certificate."""
    password = config["authentication"]["password"]
    user = config["username"]
    basic = base64.b64encode(f"{user}:{password}".encode()).decode()
    lines = [line for line in config["ssl_mode"].get("ca_certificate", "").splitlines() if not line.startswith("-----")]
    secrets = {password, json.dumps(password)[1:-1], json.dumps(password, ensure_ascii=False)[1:-1], basic, *lines}
    return [secret for secret in secrets if secret in output.stdout or secret in output.stderr]
