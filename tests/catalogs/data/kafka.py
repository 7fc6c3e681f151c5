"""Kafka: messages of JSON, by the time of the message."""

from catalogs_support.cases import Catalog, Column, Cursor, Names
from catalogs_support.stores import Kafka
from live_support.type_cases import BOOLEAN, DATE, INTEGER, NUMBER, STRING, TIME, TIMESTAMP

TYPES = (
    Column("flag", "BOOLEAN", True, BOOLEAN, "true"),
    Column("tiny", "TINYINT", -128, INTEGER, "-128"),
    Column("int", "INTEGER", -2147483648, INTEGER, "-2147483648"),
    Column("big", "BIGINT", 9223372036854775807, INTEGER, "9223372036854775807"),
    Column("twice", "DOUBLE", 0.1, NUMBER, "0.1"),
    Column("text", "VARCHAR", 'Žemaitė "東京" 😀', STRING, r'"Žemaitė \"東京\" 😀"'),
    Column("day", "DATE iso8601", "2024-02-29", DATE, '"2024-02-29"'),
    Column("clock", "TIME(3) iso8601", "23:59:59.123", TIME, '"23:59:59.123"'),
    Column("local", "TIMESTAMP(3) iso8601", "2020-11-01T01:30:00.123", TIMESTAMP, '"2020-11-01T01:30:00.123"'),
)  # fmt: skip

CURSORS = {
    "the time of the message": Cursor(
        "", (1704067200001, 1704067200002, 1704067201000, 1800000000000), column="_timestamp", nulls=False
    ),
    "bigint": Cursor("BIGINT", (-(2**63), 0, 9007199254740993, 2**63 - 1)),
    "varchar": Cursor("VARCHAR", ("A", 'a"%_', "a'b", "é😀")),
    "timestamp(3)": Cursor(
        "TIMESTAMP(3) iso8601",
        ("1970-01-01T00:00:00.001", "2024-01-01T00:00:00.001", "2024-01-01T00:00:00.002", "2999-12-31T23:59:59.999"),
    ),
}

CATALOGS = (
    Catalog("kafka", Kafka, "BIGINT", TYPES, CURSORS, Names(("under_score", "select"), ("select", "under_score")),
            ("cursor",), has_slices=False, text_type="VARCHAR"),
)  # fmt: skip
