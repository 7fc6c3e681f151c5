"""ClickHouse. Without the first of the session properties its texts are bytes."""

from catalogs_support.cases import Catalog, Column, Cursor, Names
from catalogs_support.stores import ClickHouse
from live_support.type_cases import DATE, INTEGER, NUMBER, STRING, TIMESTAMP

TYPES = (
    Column("tiny", "Nullable(Int8)", "-128", INTEGER, "-128"),
    Column("small", "Nullable(Int16)", "-32768", INTEGER, "-32768"),
    Column("int", "Nullable(Int32)", "-2147483648", INTEGER, "-2147483648"),
    Column("big", "Nullable(Int64)", "9223372036854775807", INTEGER, "9223372036854775807"),
    Column("big_unsigned", "Nullable(UInt64)", "18446744073709551615", INTEGER, "18446744073709551615"),
    Column("single", "Nullable(Float32)", "3.5", NUMBER, "3.5"),
    Column("twice", "Nullable(Float64)", "0.1", NUMBER, "0.1"),
    Column("exact", "Nullable(Decimal(20, 3))", "1.500", NUMBER, "1.500"),
    Column("text", "Nullable(String)", "'Žemaitė \"東京\" 😀'", STRING, r'"Žemaitė \"東京\" 😀"'),
    Column("day", "Nullable(Date)", "'2024-02-29'", DATE, '"2024-02-29"'),
    Column("local", "Nullable(DateTime)", "'2020-11-01 01:30:00'", TIMESTAMP, '"2020-11-01T01:30:00"'),
    Column("key", "Nullable(UUID)", "'12151fd2-7586-11e9-8f9e-2a86e4085a59'", STRING,
           '"12151fd2-7586-11e9-8f9e-2a86e4085a59"'),
)  # fmt: skip

CURSORS = {
    "Int32": Cursor("Nullable(Int32)", ("-2147483648", "-1", "0", "2147483647")),
    "Int64": Cursor("Nullable(Int64)", ("-9223372036854775808", "0", "9007199254740993", "9223372036854775807")),
    "UInt64": Cursor("Nullable(UInt64)", ("0", "1", "18446744073709551614", "18446744073709551615")),
    "Float64": Cursor("Nullable(Float64)", ("-1.5e300", "0.1", "0.3", "1.5e300")),
    "Decimal": Cursor("Nullable(Decimal(20, 3))", ("-1.001", "0.1", "2", "90071992547409.93")),
    "String": Cursor("Nullable(String)", ("'A'", "'a\"%_'", "'a''b'", "'é😀'")),
    "Date": Cursor("Nullable(Date)", ("'1970-01-02'", "'2000-01-01'", "'2024-02-29'", "'2149-06-06'")),
    "DateTime": Cursor("Nullable(DateTime)", ("'1970-01-01 00:00:01'", "'2024-01-01 00:00:00'", "'2024-01-01 00:00:01'",
                                              "'2100-01-01 00:00:00'")),
}  # fmt: skip

CATALOGS = (
    Catalog("clickhouse", ClickHouse, "Int64", TYPES, CURSORS,
            Names(("two words", "ąžuolas", "select", "under_score"), ("two words", "ąžuolas", "select", "under_score")),
            ("cursor",), session_properties=("clickhouse.map_string_as_varchar=true",), text_type="String"),
)  # fmt: skip
