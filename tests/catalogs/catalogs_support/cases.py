"""What a file of data says of a catalog: its types, cursors and names, with values in the system's own words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from live_support.type_cases import Schema

from .stores import Store


@dataclass(frozen=True)
class Column:
    """A column with the value that is written, and what must be said of both."""

    name: str
    #: In the words of the system: SQL, or what its store takes.
    type: str
    written: Any
    schema: Schema
    #: JSON text.
    value: str
    #: What shows the value to Trino's SQL as JSON text, where a cast to JSON does not: `{}` is the column.
    sql: str | None = None


@dataclass(frozen=True)
class Cursor:
    """A column to sync by, with four rising values."""

    type: str
    values: tuple[Any, Any, Any, Any]
    #: What the table is made with.
    options: str = ""
    #: Its name, where that is not free.
    column: str = "c"
    nulls: bool = True


@dataclass(frozen=True)
class Names:
    """Odd names of tables and of columns, as they are written; Trino shows them in lower case."""

    tables: tuple[str, ...]
    columns: tuple[str, ...]


@dataclass(frozen=True)
class Catalog:
    """One catalog and what is tried on it."""

    name: str
    store: type[Store]
    #: The type of the number that every row has.
    id_type: str
    types: tuple[Column, ...] = ()
    cursors: Mapping[str, Cursor] = field(default_factory=dict)
    names: Names | None = None
    #: Modes in which reads are killed and go on: "cursor", "full_refresh".
    resumes: tuple[str, ...] = ()
    #: Whether such a read has slices (docs/catalogs.md). Without them it begins again.
    has_slices: bool = True
    #: Configured for all its streams.
    session_properties: tuple[str, ...] = ()
    #: What a table of numbers and texts is made of, for full refreshes and kills.
    text_type: str = "varchar"
    options: str = ""
