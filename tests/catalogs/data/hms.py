"""Hive with a Thrift metastore: ACID tables."""

from catalogs_support.cases import Catalog, Cursor, Names
from catalogs_support.stores import ByTrino

from .hive import RISING, TYPES

_ACID = "WITH (format = 'ORC', transactional = true)"

#: The metastore keeps no column name with these, and no comma.
NAMES = Names(("under_score", "select", "1starts", "UPPER"), ("select", "under_score", "1starts", "UPPER"))

CATALOGS = (
    Catalog(
        "hms",
        ByTrino,
        "bigint",
        TYPES,
        {type_: Cursor(type_, RISING[type_], _ACID) for type_ in ("bigint", "varchar", "decimal(20,3)", "date", "timestamp(3)")},
        NAMES,
        ("cursor",),
        has_slices=False,
        options=_ACID,
    ),
)
