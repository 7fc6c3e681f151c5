"""MariaDB: its types and literals are its own."""

from catalogs_support.cases import Catalog, Column, Cursor, Names
from catalogs_support.stores import MariaDb
from live_support.type_cases import (
    ANY, BINARY, BOOLEAN, DATE, INTEGER, NUMBER, STRING, TIME, TIMESTAMP,
)  # fmt: skip

TYPES = (
    Column("flag", "tinyint(1)", "1", INTEGER, "1"),
    Column("tiny", "tinyint", "-128", INTEGER, "-128"),
    Column("tiny_unsigned", "tinyint unsigned", "255", INTEGER, "255"),
    Column("small", "smallint", "-32768", INTEGER, "-32768"),
    Column("small_unsigned", "smallint unsigned", "65535", INTEGER, "65535"),
    Column("middle", "mediumint", "-8388608", INTEGER, "-8388608"),
    Column("int", "int", "-2147483648", INTEGER, "-2147483648"),
    Column("int_unsigned", "int unsigned", "4294967295", INTEGER, "4294967295"),
    Column("big", "bigint", "-9223372036854775808", INTEGER, "-9223372036854775808"),
    Column("big_unsigned", "bigint unsigned", "18446744073709551615", INTEGER, "18446744073709551615"),
    Column("single", "float", "3.5", NUMBER, "3.5"),
    Column("twice", "double", "1e100", NUMBER, "1.0E100"),
    Column("exact", "decimal(38, 10)", "1234567890123456789012345678.1", NUMBER,
           "1234567890123456789012345678.1000000000"),
    Column("text", "varchar(100)", "'Žemaitė \"東京\" 😀'", STRING, r'"Žemaitė \"東京\" 😀"'),
    Column("padded", "char(5)", "'ab'", STRING, '"ab   "'),
    Column("long_text", "longtext", "repeat('é', 3)", STRING, '"ééé"'),
    Column("latin", "varchar(10) character set latin1", "'é'", STRING, '"é"'),
    Column("choice", "enum('a','B''c')", "'B''c'", STRING, '"B\'c"'),
    Column("several", "set('a','b')", "'a,b'", STRING, '"a,b"'),
    Column("bytes", "varbinary(10)", "x'00FF10'", BINARY, '"AP8Q"'),
    Column("long_bytes", "longblob", "x'00FF10'", BINARY, '"AP8Q"'),
    Column("day", "date", "'9999-12-31'", DATE, '"9999-12-31"'),
    Column("clock", "time(6)", "'23:59:59.123456'", TIME, '"23:59:59.123456"'),
    Column("local", "datetime(6)", "'2020-11-01 01:30:00.123456'", TIMESTAMP, '"2020-11-01T01:30:00.123456"'),
    Column("local_seconds", "datetime", "'2020-11-01 01:30:00'", TIMESTAMP, '"2020-11-01T01:30:00"'),
    Column("instant", "timestamp(6) null", "'2020-11-01 01:30:00.123456'", TIMESTAMP,
           '"2020-11-01T01:30:00.123456"'),
    Column("year", "year", "2024", DATE, '"2024-01-01"'),
    Column("doc", "json", """'{"b": [1, null], "a": "x"}'""", STRING, r'"{\"b\": [1, null], \"a\": \"x\"}"'),
    Column("made", "bigint as (id * 2) virtual", "DEFAULT", INTEGER, "2"),
)  # fmt: skip

_COUNTS = ("-5", "0", "7", "100")
CURSORS = {
    "tinyint": Cursor("tinyint", ("-128", "0", "126", "127")),
    "smallint unsigned": Cursor("smallint unsigned", ("0", "1", "65534", "65535")),
    "mediumint": Cursor("mediumint", _COUNTS),
    "int": Cursor("int", ("-2147483648", "-1", "0", "2147483647")),
    "int unsigned": Cursor("int unsigned", ("0", "1", "4294967294", "4294967295")),
    "bigint": Cursor("bigint", ("-9223372036854775808", "0", "9007199254740993", "9223372036854775807")),
    "bigint unsigned": Cursor("bigint unsigned", ("0", "1", "18446744073709551614", "18446744073709551615")),
    "float": Cursor("float", ("-3.5", "0.1", "0.3", "16777216")),
    "double": Cursor("double", ("-1.5e300", "5e-324", "0.1", "1.5e300")),
    "decimal(30,10)": Cursor("decimal(30,10)", ("-1.0000000001", "0.1", "9007199254740993.1", "9999999999999999999.5")),
    "varchar": Cursor("varchar(100)", ("'A'", "'a\"%_'", "'a''b'", "'é😀'")),
    "varchar of a binary collation": Cursor("varchar(100) collate utf8mb4_bin", ("'A'", "'a'", "'b'", "'é'")),
    # Not as the collation has it: that one takes `a` and `A` for the same.
    "varchar whose case does not count": Cursor("varchar(100)", ("'B'", "'a'", "'b'", "'c'")),
    "char": Cursor("char(3)", ("'a'", "'b'", "'ba'", "'zzz'")),
    "text": Cursor("text", ("'a'", "'b'", "'ba'", "'zzz'")),
    "enum": Cursor("enum('d','c','b','a')", ("'a'", "'b'", "'c'", "'d'")),
    "date": Cursor("date", ("'1000-01-01'", "'1969-12-31'", "'2024-02-29'", "'9999-12-31'")),
    "time": Cursor("time", ("'00:00:00'", "'00:00:01'", "'12:00:00'", "'23:59:59'")),
    "time(6)": Cursor("time(6)", ("'00:00:00.000001'", "'00:00:00.000002'", "'12:00:00'", "'23:59:59.999999'")),
    "datetime": Cursor("datetime", ("'1969-12-31 23:59:59'", "'2024-01-01 00:00:00'", "'2024-01-01 00:00:01'", "'9999-12-31 23:59:59'")),
    "datetime(6)": Cursor("datetime(6)", ("'1969-12-31 23:59:59.999999'", "'2024-01-01 00:00:00.000001'",
                                          "'2024-01-01 00:00:00.000002'", "'9999-12-31 23:59:59.999999'")),
    "timestamp": Cursor("timestamp null", ("'1970-01-01 00:00:01'", "'2024-01-01 00:00:00'", "'2024-10-27 00:30:00'", "'2024-10-27 01:30:00'")),
    "timestamp(6)": Cursor("timestamp(6) null", ("'1970-01-01 00:00:01.000001'", "'2024-01-01 00:00:00.000001'",
                                                 "'2024-01-01 00:00:00.000002'", "'2024-10-27 01:30:00'")),
    "year": Cursor("year", ("1901", "2000", "2024", "2155")),
}  # fmt: skip

NAMES = Names(
    ('double"quote', "single'quote", "dot.ted", "two words", "ąžuolas", "東京", "select", "100%", "under_score",
     "semi;colon", "com,ma", "--comment", "1starts", "@at", "dollar$x", "back`tick"),
    ('double"quote', "single'quote", "dot.ted", "two words", "UPPER", "ąžuolas", "東京", "select", "100%",
     "under_score", "semi;colon", "com,ma", "--comment", "1starts", "@at", "dollar$x", "back`tick", "{x}", "*", "?"),
)  # fmt: skip

CATALOGS = (
    Catalog("mariadb", MariaDb, "bigint", TYPES, CURSORS, NAMES, ("cursor",), text_type="varchar(300)"),
)  # fmt: skip
