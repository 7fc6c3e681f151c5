"""Hive with a Thrift metastore: ACID tables."""

from catalogs_support.cases import Catalog, Cursor, Names
from catalogs_support.stores import ByTrino
from live_support.environment import EVERY_CASE

from .hive import RISING, TYPES

_ACID = "WITH (format = 'ORC', transactional = true)"

#: Each of them is a table whose every insert is a file. hive.py has the other types.
_TYPES = ("bigint", "varchar", "decimal(20,3)", "date", "timestamp(3)") if EVERY_CASE else ("bigint", "timestamp(3)")

#: The metastore keeps no column name with these, and no comma.
NAMES = Names(("under_score", "select", "1starts", "UPPER"), ("select", "under_score", "1starts", "UPPER"))

CATALOGS = (
    Catalog(
        "hms",
        ByTrino,
        "bigint",
        TYPES,
        {type_: Cursor(type_, RISING[type_], _ACID) for type_ in _TYPES},
        NAMES,
        ("cursor",),
        has_slices=False,
        options=_ACID,
    ),
)
