"""Tables that are written at random, and what SQL says of them after each write."""

from __future__ import annotations

import json
import os
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg

from .destinations import Row
from .oracle import Trino, quoted

#: Rows that a table has at the most, more or less.
MOST_ROWS = 60

#: How far the clock of a writer may be behind: Iceberg takes commits that are less than a minute older than the last.
SKEW_MS = 45_000

#: Types of columns, and the ones that they may become.
WIDER = {"integer": "bigint", "decimal(5,2)": "decimal(10,2)", "real": "double"}
TYPES = ["varchar", "integer", "decimal(5,2)", "real", "boolean", "date"]


@dataclass
class Content:
    """A version of a table, as SQL tells it."""

    columns: tuple[str, ...]
    rows: list[Row]

    def of(self, columns: Sequence[str]) -> Counter[Row]:
        """Only these columns."""
        places = [self.columns.index(column) for column in columns]
        return Counter(tuple(row[place] for place in places) for row in self.rows)


def _value_of(kind: str, value: Any) -> Any:
    """A value as records have it; Trino's client gives decimals as text."""
    return Decimal(value) if kind.startswith("decimal") and value is not None else value


@dataclass
class Table:
    """A table with the key `id`, the rising column `c` and others that come and go."""

    sql: Trino
    catalog: str
    schema: str
    chance: random.Random
    #: Kinds of writes, each as often as it stands there.
    writes: Sequence[str]
    #: Properties of the table.
    properties: str = ""
    name: str = "t"
    types: dict[str, str] = field(default_factory=dict)
    #: All statements, so that a failure can be told.
    history: list[str] = field(default_factory=list)
    #: What the table was after each write.
    contents: list[Content] = field(default_factory=list)
    #: Runs the statements instead of Trino.
    database: psycopg.Connection[Any] | None = None
    #: Versions, or the way between them, may be gone since somebody has set this to false.
    has_gap: bool = False
    #: Changes of columns until now.
    column_changes: int = 0
    _last_id: int = 0
    _last_c: int = 0
    _columns: int = 0
    _values: int = 0

    @property
    def full_name(self) -> str:
        """As the statements name it."""
        return quoted(self.schema, self.name) if self.database else quoted(self.catalog, self.schema, self.name)

    def make(self) -> None:
        """Makes the table and writes some rows."""
        self.types = {"id": "bigint", "c": "bigint", "v": "varchar"}
        columns = ", ".join(f"{name} {kind}" for name, kind in self.types.items())
        if self.database:
            columns += ", PRIMARY KEY (id)"
        self.run(f"CREATE TABLE {self.full_name} ({columns}) {self.properties}")
        for _ in range(self.chance.randint(1, 4)):
            self._insert()
        self.note()

    def drop(self) -> None:
        self.run(f"DROP TABLE {self.full_name}")

    def run(self, sql: str, session: dict[str, str] | None = None) -> None:
        self.history.append(sql)
        if self.database:
            self.database.execute(sql.encode())
        else:
            self.sql(sql, session=session)

    def write(self, only_rows: bool = False) -> None:
        """One write at random, or a look after the table; columns stay as they are, if `only_rows`."""
        kind = self.chance.choice([kind for kind in self.writes if not (only_rows and kind.endswith("_column"))])
        if len(self.content.rows) > MOST_ROWS and "delete" in self.writes:
            kind = "delete"
        self.column_changes += kind.endswith("_column")
        getattr(self, f"_{kind}")()
        self.note()

    def note(self) -> None:
        """Asks for the content."""
        names = tuple(self.types)
        columns = ", ".join(
            f"CAST({name} AS varchar)" if self.types[name] == "date" else name for name in names
        )
        table = quoted(self.catalog, self.schema, self.name)
        kinds = list(self.types.values())
        rows = [tuple(map(_value_of, kinds, row)) for row in self.sql(f"SELECT {columns} FROM {table}")]
        self.contents.append(Content(names, rows))

    @property
    def content(self) -> Content:
        return self.contents[-1]

    # Writes

    def _value(self, kind: str) -> str:
        chance = self.chance
        if kind != "varchar" and chance.random() < 0.15:
            return "NULL"
        # No text comes twice, so that each write of a row shows.
        self._values += 1
        return {
            "varchar": lambda: f"'{chance.choice(['x', 'é', '', 'long' * 9])}{self._values}'",
            "integer": lambda: str(chance.randint(-99, 99)),
            "bigint": lambda: str(chance.choice([chance.randint(-99, 99), 2**53 + 1, -(2**62)])),
            "decimal(5,2)": lambda: f"{chance.randint(-999, 999)}.{chance.randint(0, 99):02}",
            "decimal(10,2)": lambda: f"{chance.randint(-9999999, 9999999)}.{chance.randint(0, 99):02}",
            "real": lambda: f"{chance.randint(-40, 40) / 4}",
            "double": lambda: f"{chance.randint(-40, 40) / 4}",
            "boolean": lambda: chance.choice(["true", "false"]),
            "date": lambda: f"DATE '20{chance.randint(10, 29)}-0{chance.randint(1, 9)}-{chance.randint(10, 28)}'",
        }[kind]()

    def _new_c(self) -> int:
        """As high as the highest, or higher: what is lower a sync by cursor never sees."""
        self._last_c += self.chance.choice([0, 0, 1, 3])
        return self._last_c

    def _row(self) -> str:
        self._last_id += 1
        own = {"id": str(self._last_id), "c": str(self._new_c())}
        return f"({', '.join(own.get(name) or self._value(kind) for name, kind in self.types.items())})"

    def _insert(self) -> None:
        rows = ", ".join(self._row() for _ in range(self.chance.randint(1, 6)))
        self.run(f"INSERT INTO {self.full_name} ({', '.join(self.types)}) VALUES {rows}")

    def _some(self) -> str:
        """A condition that a part of the rows meets."""
        every = self.chance.choice([2, 3, 5, 7])
        return f"id % {every} = {self.chance.randrange(every)}"

    def _others(self) -> list[str]:
        return [name for name in self.types if name not in ("id", "c")]

    def _update(self) -> None:
        name = self.chance.choice(self._others())
        condition = self._some()
        if self.chance.random() < 0.7:
            condition += f" AND id > {self._last_id - self.chance.randint(1, 30)}"
        self.run(f"UPDATE {self.full_name} SET {name} = {self._value(self.types[name])}, c = {self._new_c()} WHERE {condition}")

    def _delete(self) -> None:
        condition = self._some()
        if self.chance.random() < 0.1:
            condition = "true"
        elif self.chance.random() < 0.5:
            condition += f" AND id > {self._last_id - self.chance.randint(1, 20)}"
        self.run(f"DELETE FROM {self.full_name} WHERE {condition}")

    def _merge(self) -> None:
        """Deletes some rows, updates others, and inserts one."""
        name = self.chance.choice(self._others())
        row = self._row()
        new = [f"s.{column}" for column in self.types]
        self.run(
            f"MERGE INTO {self.full_name} t USING (VALUES {row}) s({', '.join(self.types)}) "
            f"ON t.id = s.id OR t.{self._some()} "
            f"WHEN MATCHED AND t.id % 2 = 0 THEN DELETE "
            f"WHEN MATCHED THEN UPDATE SET {name} = {self._value(self.types[name])}, c = {self._new_c()} "
            f"WHEN NOT MATCHED THEN INSERT ({', '.join(self.types)}) VALUES ({', '.join(new)})"
        )

    # Columns

    def _add_column(self) -> None:
        if len(self.types) < 7:
            self._columns += 1
            name, kind = f"x{self._columns}", self.chance.choice(TYPES)
            self.run(f"ALTER TABLE {self.full_name} ADD COLUMN {name} {kind}")
            self.types[name] = kind

    def _drop_column(self) -> None:
        if len(self._others()) > 1:
            name = self.chance.choice(self._others())
            self.run(f"ALTER TABLE {self.full_name} DROP COLUMN {name}")
            del self.types[name]

    def _rename_column(self) -> None:
        self._columns += 1
        old, new = self.chance.choice(self._others()), f"y{self._columns}"
        self.run(f"ALTER TABLE {self.full_name} RENAME COLUMN {old} TO {new}")
        self.types = {new if name == old else name: kind for name, kind in self.types.items()}

    def _widen_column(self) -> None:
        if narrow := [name for name in self._others() if self.types[name] in WIDER]:
            name = self.chance.choice(narrow)
            self.types[name] = WIDER[self.types[name]]
            self.run(f"ALTER TABLE {self.full_name} ALTER COLUMN {name} SET DATA TYPE {self.types[name]}")
            # Until the next write 476 fails at any condition on that column.
            self._insert()

    # Versions

    def _optimize(self) -> None:
        self.run(f"ALTER TABLE {self.full_name} EXECUTE optimize")

    def _expire(self) -> None:
        """Makes the past unreadable."""
        self.has_gap = True
        if self.catalog == "iceberg":
            session = {"iceberg.expire_snapshots_min_retention": "0s"}
            self.run(f"ALTER TABLE {self.full_name} EXECUTE expire_snapshots(retention_threshold => '0s')", session)
        else:
            session = {"delta.vacuum_min_retention": "0s"}
            self.run(f"CALL delta.system.vacuum('{self.schema}', '{self.name}', '0s')", session)

    def _roll_back(self) -> None:
        """Makes an earlier version of the same columns the present one, and perhaps deletes other rows of its files."""
        snapshots = self.sql(
            f"SELECT snapshot_id FROM {quoted(self.catalog, self.schema, self.name + '$snapshots')} ORDER BY committed_at"
        )
        if len(snapshots) > 1 and not self.column_changes:
            [snapshot] = self.chance.choice(snapshots[:-1])
            self.run(f"ALTER TABLE {self.full_name} EXECUTE rollback_to_snapshot({snapshot})")
            if self.chance.random() < 0.5:
                self._delete()

    def _go_without_feed(self) -> None:
        """Writes that the change data feed does not tell."""
        for is_on in ("false", "true"):
            self.run(f"ALTER TABLE {self.full_name} SET PROPERTIES change_data_feed_enabled = {is_on}")
            if is_on == "false":
                self._update()
                self._delete()

    def _skew(self) -> None:
        """A commit by a writer whose clock is behind."""
        self._insert()
        tables = Path(os.environ["SOURCE_TRINO_SERVERS"]).parent / "data" / "iceberg" / self.schema
        newest = max(tables.glob(f"{self.name}-*/metadata/*.metadata.json"), key=lambda path: path.stat().st_mtime_ns)
        metadata: dict[str, Any] = json.loads(newest.read_text())
        metadata["last-updated-ms"] -= SKEW_MS
        metadata["snapshot-log"][-1]["timestamp-ms"] -= SKEW_MS
        for snapshot in metadata["snapshots"]:
            if snapshot["snapshot-id"] == metadata["current-snapshot-id"]:
                snapshot["timestamp-ms"] -= SKEW_MS
        newest.write_text(json.dumps(metadata))
        self.history.append(f"-- the clock of the last commit was {SKEW_MS} ms behind")
