"""The connector of MySQL, on the same MariaDB. It takes all fractions of seconds of that server for none."""

from catalogs_support.cases import Catalog
from catalogs_support.stores import MariaDb

from . import mariadb

_OTHERWISE = {"clock", "local", "instant", "doc", "flag", "year"}
_CURSORS = ("int", "bigint", "bigint unsigned", "double", "decimal(30,10)", "varchar", "date", "datetime", "timestamp")

CATALOGS = (
    Catalog(
        "mysql",
        MariaDb,
        "bigint",
        tuple(column for column in mariadb.TYPES if column.name not in _OTHERWISE),
        {name: mariadb.CURSORS[name] for name in _CURSORS},
        mariadb.NAMES,
        ("cursor",),
        text_type="varchar(300)",
    ),
)
