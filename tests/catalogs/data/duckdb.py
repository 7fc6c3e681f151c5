"""DuckDB, inside Trino: the types that Trino shows of it."""

from catalogs_support.cases import Catalog, Column, Cursor, Names
from catalogs_support.stores import DuckDb
from live_support.type_cases import BOOLEAN, DATE, INTEGER, NUMBER, STRING

TYPES = (
    Column("flag", "boolean", "true", BOOLEAN, "true"),
    Column("tiny", "tinyint", "-128", INTEGER, "-128"),
    Column("small", "smallint", "-32768", INTEGER, "-32768"),
    Column("int", "integer", "-2147483648", INTEGER, "-2147483648"),
    Column("big", "bigint", "9223372036854775807", INTEGER, "9223372036854775807"),
    Column("single", "float", "3.5", NUMBER, "3.5"),
    Column("twice", "double", "1e100", NUMBER, "1.0E100"),
    Column("exact", "decimal(38, 10)", "1234567890123456789012345678.1", NUMBER,
           "1234567890123456789012345678.1000000000"),
    Column("text", "varchar", "'Žemaitė \"東京\" 😀'", STRING, r'"Žemaitė \"東京\" 😀"'),
    Column("day", "date", "'9999-12-31'", DATE, '"9999-12-31"'),
)  # fmt: skip

CURSORS = {
    "integer": Cursor("integer", ("-2147483648", "-1", "0", "2147483647")),
    "bigint": Cursor("bigint", ("-9223372036854775808", "0", "9007199254740993", "9223372036854775807")),
    "double": Cursor("double", ("-1.5e300", "0.1", "0.3", "1.5e300")),
    "decimal(30,10)": Cursor("decimal(30,10)", ("-1.0000000001", "0.1", "9007199254740993.1", "9999999999999999999.5")),
    "varchar": Cursor("varchar", ("'A'", "'a\"%_'", "'a''b'", "'é😀'")),
    "date": Cursor("date", ("'1600-03-15'", "'1969-12-31'", "'2024-02-29'", "'9999-12-31'")),
}  # fmt: skip

NAMES = Names(
    ("two words", "ąžuolas", "select", "under_score", "100%", "1starts", "com,ma"),
    ("two words", "ąžuolas", "select", "under_score", "100%", "1starts", "com,ma", "dot.ted"),
)

CATALOGS = (
    Catalog("duckdb", DuckDb, "bigint", TYPES, CURSORS, NAMES, ("cursor",)),
)  # fmt: skip
