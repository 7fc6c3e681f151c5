"""Cassandra: its types and literals are its own."""

from catalogs_support.cases import Catalog, Column, Cursor, Names
from catalogs_support.stores import Cassandra
from live_support.type_cases import BINARY, BOOLEAN, DATE, INTEGER, NUMBER, STRING, TIME, TIMESTAMP_ZONED

TYPES = (
    Column("flag", "boolean", "true", BOOLEAN, "true"),
    Column("tiny", "tinyint", "-128", INTEGER, "-128"),
    Column("small", "smallint", "-32768", INTEGER, "-32768"),
    Column("int", "int", "-2147483648", INTEGER, "-2147483648"),
    Column("big", "bigint", "9223372036854775807", INTEGER, "9223372036854775807"),
    Column("single", "float", "3.14", NUMBER, "3.14"),
    Column("twice", "double", "1e100", NUMBER, "1.0E100"),
    Column("exact", "decimal", "1.25", NUMBER, "1.25"),
    Column("whole", "varint", "12345678901234567890", STRING, '"12345678901234567890"'),
    Column("text", "text", "'Žemaitė \"東京\" 😀'", STRING, r'"Žemaitė \"東京\" 😀"'),
    Column("simple", "ascii", "'abc'", STRING, '"abc"'),
    Column("bytes", "blob", "0x00FF10", BINARY, '"AP8Q"'),
    Column("day", "date", "'9999-12-31'", DATE, '"9999-12-31"'),
    Column("clock", "time", "'23:59:59.123456789'", TIME, '"23:59:59.123456789"'),
    Column("instant", "timestamp", "'2020-11-01 01:30:00.123+0000'", TIMESTAMP_ZONED, '"2020-11-01T01:30:00.123Z"'),
    Column("key", "uuid", "12151fd2-7586-11e9-8f9e-2a86e4085a59", STRING, '"12151fd2-7586-11e9-8f9e-2a86e4085a59"'),
    Column("time_key", "timeuuid", "12151fd2-7586-11e9-8f9e-2a86e4085a59", STRING,
           '"12151fd2-7586-11e9-8f9e-2a86e4085a59"'),
    Column("address", "inet", "'10.0.0.1'", STRING, '"10.0.0.1"'),
    Column("list", "list<text>", "['a', 'b']", STRING, r'"[\"a\",\"b\"]"'),
    Column("several", "set<int>", "{1, 2}", STRING, '"[1,2]"'),
    Column("dict", "map<text, int>", "{'k': 1}", STRING, r'"{\"k\":1}"'),
)  # fmt: skip

CURSORS = {
    "int": Cursor("int", ("-2147483648", "-1", "0", "2147483647")),
    "bigint": Cursor("bigint", ("-9223372036854775808", "0", "9007199254740993", "9223372036854775807")),
    "float": Cursor("float", ("-3.5", "0.1", "0.3", "16777216")),
    "double": Cursor("double", ("-1.5e300", "5e-324", "0.1", "1.5e300")),
    "text": Cursor("text", ("'A'", "'a\"%_'", "'a''b'", "'é😀'")),
    "date": Cursor("date", ("'1600-03-15'", "'1969-12-31'", "'2024-02-29'", "'9999-12-31'")),
    "time": Cursor("time", ("'00:00:00.000000001'", "'00:00:00.000000002'", "'12:00:00'", "'23:59:59.999999999'")),
    "timestamp": Cursor("timestamp", ("'1969-12-31 23:59:59.999+0000'", "'2024-01-01 00:00:00.001+0000'",
                                      "'2024-01-01 00:00:00.002+0000'", "'9999-12-31 23:59:59.999+0000'")),
    "uuid": Cursor("uuid", ("00000000-0000-0000-0000-000000000001", "12151fd2-7586-11e9-8f9e-2a86e4085a59",
                            "7fffffff-ffff-ffff-ffff-ffffffffffff", "80000000-0000-0000-0000-000000000000")),
    "inet": Cursor("inet", ("'10.0.0.1'", "'10.0.0.2'", "'10.0.1.0'", "'192.168.0.1'")),
}  # fmt: skip

#: Names of tables have letters, digits and `_`; those of columns are free.
NAMES = Names(
    ("under_score", "select", "t1", "UPPER"),
    ("two words", "UPPER", "select", "under_score", 'double"quote', "single'quote", "100%", "dot.ted", "--x", "1starts"),
)  # fmt: skip

CATALOGS = (
    Catalog("cassandra", Cassandra, "bigint", TYPES, CURSORS, NAMES, ("cursor",), has_slices=False, text_type="text"),
)  # fmt: skip
