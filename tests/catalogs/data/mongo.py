"""MongoDB: documents, from which Trino guesses the types; cursors have tables with types."""

from datetime import UTC, datetime

from bson import Decimal128
from bson.int64 import Int64
from catalogs_support.cases import Catalog, Column, Cursor, Names
from catalogs_support.stores import Mongo
from live_support.type_cases import BINARY, BOOLEAN, INTEGER, NUMBER, STRING, TIMESTAMP, TIMESTAMP_ZONED, array, row

_MOMENTS = (
    datetime(1969, 12, 31, 23, 59, 59, 999000, UTC), datetime(2024, 1, 1, 0, 0, 0, 1000, UTC),
    datetime(2024, 1, 1, 0, 0, 0, 2000, UTC), datetime(9999, 12, 31, 23, 59, 59, 999000, UTC),
)  # fmt: skip

TYPES = (
    Column("flag", "", True, BOOLEAN, "true"),
    Column("int", "", 7, INTEGER, "7"),
    Column("big", "", Int64(9223372036854775807), INTEGER, "9223372036854775807"),
    Column("twice", "", 0.1, NUMBER, "0.1"),
    Column("text", "", 'Žemaitė "東京" 😀', STRING, r'"Žemaitė \"東京\" 😀"'),
    Column("bytes", "", b"\x00\xff\x10", BINARY, '"AP8Q"'),
    Column("instant", "", _MOMENTS[1], TIMESTAMP, '"2024-01-01T00:00:00.001"'),
    Column("list", "", ["a", "b"], array(STRING), '["a", "b"]'),
    Column("nested", "", {"a": Int64(1), "b": {"c": "x", "d": [Int64(1), Int64(2)]}},
           row(a=INTEGER, b=row(c=STRING, d=array(INTEGER))), '{"a": 1, "b": {"c": "x", "d": [1, 2]}}'),
)  # fmt: skip

CURSORS = {
    "bigint": Cursor("bigint", (Int64(-(2**63)), Int64(0), Int64(9007199254740993), Int64(2**63 - 1))),
    "integer": Cursor("integer", (-(2**31), -1, 0, 2**31 - 1)),
    "double": Cursor("double", (-1.5e300, 0.1, 0.3, 1.5e300)),
    "varchar": Cursor("varchar", ("A", 'a"%_', "a'b", "é😀")),
    "timestamp(3)": Cursor("timestamp(3)", _MOMENTS),
    "timestamp(3) with time zone": Cursor("timestamp(3) with time zone", _MOMENTS),
    "decimal(20,3)": Cursor("decimal(20,3)", tuple(map(Decimal128, ("-1.001", "0.100", "2.000", "90071992547409.930")))),
}  # fmt: skip

NAMES = Names(
    ("two words", "UPPER", "ąžuolas", "東京", "select", "under_score", "com,ma", "--comment", "1starts", "dot.ted"),
    ("two words", "ąžuolas", "東京", "select", "under_score", "100%", "--x", "1starts", "single'quote", 'double"quote'),
)  # fmt: skip

CATALOGS = (
    Catalog("mongo", Mongo, "bigint", TYPES, CURSORS, NAMES, ("cursor",)),
)  # fmt: skip
