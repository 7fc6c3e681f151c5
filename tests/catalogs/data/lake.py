"""One metastore for three formats: what each catalog reads of its own."""

from catalogs_support.cases import Catalog, Cursor
from catalogs_support.stores import ByTrino, Delta
from live_support.environment import EVERY_CASE

from . import hive

#: Which of several formats a table has is found out in the same way for every type. The live tests have the cursors of
#: Iceberg and Delta Lake, and those of Hive are in hive.py.
_TYPES = ("bigint", "double", "date", "varchar", "decimal(20,3)") if EVERY_CASE else ("bigint", "date")
_TIMES = ("TIMESTAMP '2024-01-01 00:00:00.000001'", "TIMESTAMP '2024-01-01 00:00:00.000002'",
          "TIMESTAMP '2024-01-01 00:00:01.000000'", "TIMESTAMP '9999-12-31 23:59:59.999999'")  # fmt: skip
_CURSORS = {type_: Cursor(type_, hive.RISING[type_]) for type_ in _TYPES}

CATALOGS = (
    Catalog("lake_hive", ByTrino, "bigint", hive.TYPES, _CURSORS, None, ("cursor",), has_slices=False),
    Catalog(
        "lake_iceberg", ByTrino, "bigint", (), _CURSORS | {"timestamp(6)": Cursor("timestamp(6)", _TIMES)}, None,
        ("cursor", "full_refresh"),
    ),
    Catalog(
        "lake_iceberg_alone", ByTrino, "bigint", (), {"bigint": Cursor("bigint", hive.RISING["bigint"])}, None,
        ("cursor", "full_refresh"),
    ),
    Catalog("lake_delta", Delta, "bigint", (), _CURSORS | {"timestamp(6)": Cursor("timestamp(6)", _TIMES)}),
)  # fmt: skip
