"""OpenSearch: mappings and documents."""

from catalogs_support.cases import Catalog, Column, Cursor
from catalogs_support.stores import OpenSearch
from live_support.type_cases import BINARY, BOOLEAN, INTEGER, NUMBER, STRING, TIMESTAMP, row

TYPES = (
    Column("flag", "boolean", True, BOOLEAN, "true"),
    Column("tiny", "byte", -128, INTEGER, "-128"),
    Column("small", "short", -32768, INTEGER, "-32768"),
    Column("int", "integer", -2147483648, INTEGER, "-2147483648"),
    Column("big", "long", 9223372036854775807, INTEGER, "9223372036854775807"),
    Column("single", "float", 3.5, NUMBER, "3.5"),
    Column("twice", "double", 0.1, NUMBER, "0.1"),
    Column("word", "keyword", "ab", STRING, '"ab"'),
    Column("text", "text", 'Žemaitė "東京" 😀', STRING, r'"Žemaitė \"東京\" 😀"'),
    Column("bytes", "binary", "AP8Q", BINARY, '"AP8Q"'),
    Column("local", "date", "2020-11-01T01:30:00.123Z", TIMESTAMP, '"2020-11-01T01:30:00.123"'),
    Column("address", "ip", "10.0.0.1", STRING, '"10.0.0.1"'),
    Column("nested", '{"properties": {"a": {"type": "long"}, "b": {"type": "keyword"}}}', {"a": 1, "b": "x"},
           row(a=INTEGER, b=STRING), '{"a": 1, "b": "x"}'),
)  # fmt: skip

CURSORS = {
    "integer": Cursor("integer", (-(2**31), -1, 0, 2**31 - 1)),
    "long": Cursor("long", (-(2**63), 0, 9007199254740993, 2**63 - 1)),
    "double": Cursor("double", (-1.5e300, 0.1, 0.3, 1.5e300)),
    "keyword": Cursor("keyword", ("A", 'a"%_', "a'b", "é😀")),
    "text": Cursor("text", ("A", "a", "b", "c")),
    "date": Cursor("date", ("1970-01-01T00:00:00.001Z", "2024-01-01T00:00:00.001Z", "2024-01-01T00:00:00.002Z",
                            "2999-12-31T23:59:59.999Z")),
    "ip": Cursor("ip", ("10.0.0.1", "10.0.0.2", "10.0.1.0", "192.168.0.1")),
}  # fmt: skip

CATALOGS = (
    Catalog("opensearch", OpenSearch, "long", TYPES, CURSORS, None, ("cursor",), text_type="keyword"),
)  # fmt: skip
