"""What SQL in Trino says of the values of a table, as JSON that can be compared with records."""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation
from typing import Any

from live_support.messages import Number, parse_exactly
from live_support.oracle import Trino, quoted

_NESTED = ("array(", "map(", "row(")


def values(
    sql: Trino, table: tuple[str, str, str], wanted: set[str], session: dict[str, str], shown: dict[str, str]
) -> dict[str, list[Any]]:
    """Wanted column → its values in the order of `id`, as JSON; `shown` has expressions for columns that need one."""
    catalog, schema, name = table
    columns = sql(
        f"SELECT column_name, data_type FROM {quoted(catalog)}.information_schema.columns "
        f"WHERE table_schema = '{schema}' AND table_name = '{name}'",
        session=session,
    )
    types = {str(column): str(type_) for column, type_ in columns if column in wanted}
    expressions = [_as_json(quoted(column), type_, shown.get(column)) for column, type_ in types.items()]
    rows = sql(f"SELECT {', '.join(expressions)} FROM {quoted(*table)} ORDER BY {quoted('id')}", session=session)
    listed = zip(*rows, strict=True)
    return {
        column: [None if value is None else parse_exactly(value) for value in column_values]
        for column, column_values in zip(types, listed, strict=True)
    }


def _as_json(column: str, type_: str, shown: str | None) -> str:
    """SQL for the JSON text of a value, null if that is null."""
    if shown:
        return shown.format(column)
    if type_ == "json":
        return f"json_format({column})"
    if type_.startswith(_NESTED):
        return f"json_format(CAST({column} AS json))"
    if type_ == "varbinary":
        return f"json_format(CAST(to_base64({column}) AS json))"
    if re.match(r"tinyint|smallint|integer|bigint|decimal|boolean", type_):
        return f"CAST({column} AS varchar)"
    if type_ in ("real", "double"):
        return f"IF(is_finite({column}), CAST({column} AS varchar))"
    return f"json_format(CAST(CAST({column} AS varchar) AS json))"


def same(record: Any, told: Any) -> bool:
    """Whether a record's value is the one that SQL tells; both as `parse_exactly` gives them.

    A time is written with a `T`, one with a zone in UTC with a `Z`, and numbers may have another form.
    """
    if isinstance(record, dict) and isinstance(told, dict):
        return record.keys() == told.keys() and all(same(record[name], told[name]) for name in record)
    if isinstance(record, list) and isinstance(told, list):
        return len(record) == len(told) and all(map(same, record, told))
    if isinstance(record, Number) and isinstance(told, Number):
        return Decimal(record.text) == Decimal(told.text)
    if isinstance(record, Number) and isinstance(told, str):
        try:
            return Decimal(record.text) == Decimal(told)
        except InvalidOperation:
            return False
    if isinstance(record, str) and isinstance(told, str):
        return record == told or _time(record) == _time(told)
    return record == told


def _time(text: str) -> str:
    found = re.fullmatch(r"(\d{4,}-\d\d-\d\d)[T ]([\d:.]+)(?: UTC|Z)?", text)
    return f"{found[1]} {found[2]}" if found else text
