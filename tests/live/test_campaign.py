"""Tables that are written at random, and syncs that are killed, failed and overtaken at random.

After every sync that completes, what a destination has by its rules is what the table has: of CHANGES by key, of reads by
cursor appended, of full refreshes the rows of one version. States go through doubles half of the time.

`CAMPAIGN_SECONDS` (30) is how long it runs, `CAMPAIGN_SEED` what chance begins with (the day, unless it is set),
`CAMPAIGN_ROUND` the only round to run, as a failure names it.
"""

from __future__ import annotations

import datetime
import os
import random
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import count
from typing import Any

import psycopg
import pytest
from live_support.campaign import Appended, Keyed, Overwritten, Reader, Wrong, round_of
from live_support.connector import Connector
from live_support.environment import Environment
from live_support.oracle import Trino
from live_support.relay import relay
from live_support.tables import Table

Config = Callable[..., dict[str, Any]]

SECONDS = float(os.environ.get("CAMPAIGN_SECONDS", "30"))
SEED = os.environ.get("CAMPAIGN_SEED") or datetime.datetime.now(datetime.UTC).date().isoformat()
ROUND = os.environ.get("CAMPAIGN_ROUND")

ROWS = ["insert", "insert", "insert", "update", "update", "delete", "delete", "merge"]
ICEBERG = [*ROWS, "add_column", "drop_column", "rename_column", "widen_column", "optimize", "expire", "roll_back", "skew"]


@dataclass(frozen=True)
class Kind:
    """What is done to a table, and how it is read."""

    catalog: str
    destination: type[Keyed | Overwritten | Appended]
    writes: list[str]
    properties: str = ""


KINDS = {
    "changes iceberg": Kind("iceberg", Keyed, ICEBERG),
    # Trino neither drops nor renames columns of a table with a feed.
    "changes delta": Kind(
        "delta",
        Keyed,
        [*ROWS, "add_column", "optimize", "expire", "go_without_feed"],
        "WITH (change_data_feed_enabled = true)",
    ),
    "full refresh iceberg": Kind("iceberg", Overwritten, [*ICEBERG, "expire", "optimize"]),
    "full refresh delta": Kind(
        "delta",
        Overwritten,
        [*ROWS, "add_column", "drop_column", "rename_column", "optimize", "expire"],
        "WITH (column_mapping_mode = 'name')",
    ),
    # A read by cursor sees no deletions, and columns that change would make rows come again.
    "cursor iceberg": Kind("iceberg", Appended, ["insert", "insert", "update", "add_column", "optimize", "expire"]),
    "cursor delta": Kind("delta", Appended, ["insert", "insert", "update", "add_column", "optimize", "expire"]),
    "cursor postgresql": Kind("postgresql", Appended, ["insert", "insert", "update"]),
    "cursor memory": Kind("memory", Appended, ["insert"]),
}


@dataclass
class Campaign:
    """All that a round needs."""

    connector: Connector
    config: Config
    sql: Trino
    postgres: psycopg.Connection[Any]
    upstream: int
    deadline: float

    def run(self, name: str, schema: str) -> int:
        """Rounds until the time is over; returns the number of syncs."""
        syncs = 0
        for number in [int(ROUND)] if ROUND else count():
            if not ROUND and self._is_over():
                break
            syncs += self._round(name, schema, number)
        return syncs

    def _is_over(self) -> bool:
        return time.monotonic() > self.deadline

    def _round(self, name: str, schema: str, number: int) -> int:
        kind = KINDS[name]
        chance = random.Random(f"{SEED} {name} {number}")
        database = self.postgres if kind.catalog == "postgresql" else None
        table = Table(self.sql, kind.catalog, schema, chance, kind.writes, kind.properties, database=database)
        more = {"replication_method": {"method": "CHANGES"}} if kind.destination is Keyed else {}
        with relay(self.upstream) as between:
            config = self.config(kind.catalog, schema, **more)
            reader = Reader(self.connector, table, kind.destination(), between, config, chance)
            try:
                return round_of(reader, (lambda: False) if ROUND else self._is_over)
            except Exception as error:
                only = " and ".join(name.split())
                again = f"CAMPAIGN_SEED={SEED} CAMPAIGN_ROUND={number} pytest tests/live/test_campaign.py -k '{only}'"
                what = str(error) if isinstance(error, Wrong) else repr(error)
                wrong = f"{what}\nAgain: {again}\n{reader.story()}"
                # At once, since the other campaigns go on until the time is over.
                print(wrong, file=sys.__stderr__, flush=True)
                raise Wrong(wrong) from error


@pytest.fixture(scope="module")
def campaign(
    request: pytest.FixtureRequest,
    connector: Connector,
    config: Config,
    environment: Environment,
    sql: Trino,
    postgres: psycopg.Connection[Any],
    new_schema: Callable[[str, str], str],
) -> Iterator[dict[str, Future[int]]]:
    """The campaigns of the kinds that are asked for, which share the time."""
    specs = [getattr(item, "callspec", None) for item in request.session.items]
    names = [name for name in KINDS if any(spec and spec.params.get("kind") == name for spec in specs)]
    schemas = {name: new_schema(KINDS[name].catalog, "campaign") for name in names}
    deadline = time.monotonic() + SECONDS
    running = Campaign(connector, config, sql, postgres, environment.http_port, deadline)
    with ThreadPoolExecutor(len(names)) as pool:
        yield {name: pool.submit(running.run, name, schema) for name, schema in schemas.items()}


@pytest.mark.parametrize("kind", KINDS)
def test_the_destination_has_what_the_table_has(campaign: dict[str, Future[int]], kind: str) -> None:
    if wrong := campaign[kind].exception():
        pytest.fail(str(wrong) if isinstance(wrong, Wrong) else repr(wrong), pytrace=False)
    syncs = campaign[kind].result()
    print(f"{kind}: {syncs} syncs, seed {SEED}")
    assert syncs, "no sync was made"
