"""Redis: values of JSON."""

from catalogs_support.cases import Catalog, Cursor
from catalogs_support.stores import Redis

from . import kafka

CURSORS: dict[str, Cursor] = {name: cursor for name, cursor in kafka.CURSORS.items() if cursor.column == "c"}

CATALOGS = (
    Catalog("redis", Redis, "BIGINT", kafka.TYPES, CURSORS, kafka.CATALOGS[0].names, ("cursor",), has_slices=False, text_type="VARCHAR"),
)  # fmt: skip
