"""Hive: files of every format that Trino writes, and partitions by every type that may be one."""

from catalogs_support.cases import Catalog, Column, Cursor, Names
from catalogs_support.stores import ByTrino
from live_support.environment import EVERY_CASE
from live_support.type_cases import (
    BINARY, BOOLEAN, DATE, INTEGER, NUMBER, STRING, TIMESTAMP, array, mapping, row,
)  # fmt: skip

TYPES = (
    Column("flag", "boolean", "true", BOOLEAN, "true"),
    Column("tiny", "tinyint", "TINYINT '-128'", INTEGER, "-128"),
    Column("small", "smallint", "SMALLINT '-32768'", INTEGER, "-32768"),
    Column("int", "integer", "-2147483648", INTEGER, "-2147483648"),
    Column("big", "bigint", "9223372036854775807", INTEGER, "9223372036854775807"),
    Column("single", "real", "REAL '3.14'", NUMBER, "3.14"),
    Column("twice", "double", "1E100", NUMBER, "1.0E100"),
    Column("no_number", "double", "nan()", NUMBER, "null"),
    Column("exact", "decimal(38, 10)", "DECIMAL '1234567890123456789012345678.1000000000'", NUMBER,
           "1234567890123456789012345678.1000000000"),
    Column("text", "varchar", "'Žemaitė \"東京\"'", STRING, r'"Žemaitė \"東京\""'),
    Column("empty", "varchar", "''", STRING, '""'),
    Column("short", "varchar(5)", "'ab'", STRING, '"ab"'),
    Column("padded", "char(5)", "'ab'", STRING, '"ab   "'),
    Column("bytes", "varbinary", "X'00FF10'", BINARY, '"AP8Q"'),
    Column("day", "date", "DATE '9999-12-31'", DATE, '"9999-12-31"'),
    Column("local", "timestamp(3)", "TIMESTAMP '2020-11-01 01:30:00.123'", TIMESTAMP, '"2020-11-01T01:30:00.123"'),
    Column("list", "array(varchar)", "ARRAY['a', NULL]", array(STRING), '["a", null]'),
    Column("dict", "map(varchar, decimal(5, 2))", "MAP(ARRAY['k'], ARRAY[DECIMAL '1.50'])", mapping(NUMBER),
           '{"k": 1.50}'),
    Column("struct", "row(a bigint, b row(c varchar, d array(date)))",
           "CAST(ROW(1, ROW('x', ARRAY[DATE '2020-01-02'])) AS row(a bigint, b row(c varchar, d array(date))))",
           row(a=INTEGER, b=row(c=STRING, d=array(DATE))), '{"a": 1, "b": {"c": "x", "d": ["2020-01-02"]}}'),
)  # fmt: skip

#: Type → four rising values.
RISING = {
    "tinyint": ("TINYINT '-128'", "TINYINT '0'", "TINYINT '126'", "TINYINT '127'"),
    "smallint": ("SMALLINT '-32768'", "SMALLINT '0'", "SMALLINT '1'", "SMALLINT '32767'"),
    "integer": ("-2147483648", "-1", "0", "2147483647"),
    "bigint": ("-9223372036854775808", "0", "9007199254740993", "9223372036854775807"),
    "real": ("REAL '-3.4028235E38'", "REAL '0.1'", "REAL '0.3'", "REAL '16777217'"),
    "double": ("DOUBLE '-1.7976931348623157E308'", "DOUBLE '4.9E-324'", "DOUBLE '0.1'", "infinity()"),
    "decimal(20,3)": ("DECIMAL '-1.001'", "DECIMAL '0.1'", "DECIMAL '9007199254740.993'", "DECIMAL '99999999999999999.999'"),
    "varchar": ("'A'", "'a\"\\%_'", "'a''b'", "U&'\\00e9\\+01F600'"),
    "char(3)": ("'a'", "'b'", "'ba'", "'zzz'"),
    "date": ("DATE '1600-03-15'", "DATE '1969-12-31'", "DATE '2024-02-29'", "DATE '9999-12-31'"),
    "timestamp(3)": ("TIMESTAMP '1969-12-31 23:59:59.999'", "TIMESTAMP '2024-01-01 00:00:00.001'",
                     "TIMESTAMP '2024-01-01 00:00:00.002'", "TIMESTAMP '9999-12-31 23:59:59.999'"),
}  # fmt: skip

#: Every type is a cursor in one format, and in the others what they keep otherwise.
_FORMATS = {
    "ORC": tuple(RISING),
    "PARQUET": ("bigint", "decimal(20,3)", "varchar", "timestamp(3)"),
    "AVRO": ("varchar", "timestamp(3)"),
    "TEXTFILE": ("double", "date", "timestamp(3)"),
}

#: A partition has no fraction that is not exact, and its text is of printable ASCII.
_PARTITIONS = {type_: values for type_, values in RISING.items() if type_ not in ("real", "double")} | {
    "varchar": ("'A'", "'a%=/'", "'a''b'", "'b c'")
}

_CURSORS = {
    f"{type_} in {format_}": Cursor(type_, RISING[type_], f"WITH (format = '{format_}')")
    for format_, types in _FORMATS.items()
    for type_ in types
} | {
    f"{type_} as partition": Cursor(type_, values, "WITH (format = 'ORC', partitioned_by = ARRAY['c'])")
    for type_, values in _PARTITIONS.items()
}

#: Each of them is a table whose every insert is a file. In `make test` each type is a cursor once, and each format and the
#: partitions have those types that they keep otherwise.
_OFTEN = (
    *(f"{type_} in ORC" for type_ in RISING),
    *(f"timestamp(3) in {format_}" for format_ in _FORMATS),
    *(f"{type_} as partition" for type_ in ("decimal(20,3)", "varchar", "date", "timestamp(3)")),
)
CURSORS = {name: cursor for name, cursor in _CURSORS.items() if EVERY_CASE or name in _OFTEN}

NAMES = Names(
    ("two words", "UPPER and lower", "ąžuolas", "東京", "select", "under_score", "com,ma", "--comment", "1starts"),
    ("two words", "UPPER", "ąžuolas", "東京", "😀", "select", "under_score", "--x", "1starts", "@at", 'double"quote',
     "single'quote", "100%", "semi;x"),
)  # fmt: skip

CATALOGS = (
    Catalog("hive", ByTrino, "bigint", TYPES, CURSORS, NAMES, ("cursor",), has_slices=False),
)  # fmt: skip
