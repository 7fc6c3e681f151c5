"""One number for the content of a column or a table, made the same way by SQL and from records.

A value's hash is the first eight bytes of the MD5 of its text, as a signed number; the fingerprint is the exact sum of
the hashes. So it depends on every value and on how often it occurs, and not on the order of the rows.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

#: What stands for null, and between the values of a row. Neither occurs in the data.
_NULL = "<null>"
_BETWEEN = "|"

#: Fraction digits that a double of tpch has: it is a price, a quantity or a rate.
_DIGITS = Decimal("0.01")


class Columns:
    """The columns of a table, by name, with their Trino types."""

    def __init__(self, types: Mapping[str, str]) -> None:
        self._types = types

    def sql(self, table: str) -> str:
        """A query for the row count, the fingerprint of each column, and that of whole rows."""
        texts = [_sql_text(name, kind) for name, kind in self._types.items()]
        whole = f" || '{_BETWEEN}' || ".join(texts)
        sums = ", ".join(_sql_sum(text) for text in [*texts, whole])
        return f"SELECT CAST(count(*) AS varchar), {sums} FROM {table}"

    def of(self, rows: Iterable[Mapping[str, Any]]) -> list[str]:
        """The same of the records' data."""
        count = 0
        sums = [0] * (len(self._types) + 1)
        for row in rows:
            count += 1
            texts = [_text(row[name], kind) for name, kind in self._types.items()]
            for index, text in enumerate([*texts, _BETWEEN.join(texts)]):
                sums[index] += _hash(text)
        return [str(number) for number in [count, *sums]]

    @property
    def labels(self) -> list[str]:
        """What each value stands for."""
        return ["count", *self._types, "whole rows"]


def _sql_text(name: str, kind: str) -> str:
    as_type = "CAST({} AS decimal(38, 2))" if kind == "double" else "{}"
    return f"COALESCE(CAST({as_type.format(name)} AS varchar), '{_NULL}')"


def _sql_sum(text: str) -> str:
    number = f"from_big_endian_64(substr(md5(to_utf8({text})), 1, 8))"
    return f"CAST(COALESCE(sum(CAST({number} AS decimal(38, 0))), 0) AS varchar)"


def _text(value: Any, kind: str) -> str:
    if value is None:
        return _NULL
    if kind == "double":
        rounded = Decimal(value).quantize(_DIGITS)
        assert rounded == value, f"{value} has more digits than the table"
        return str(rounded)
    return str(value)


def _hash(text: str) -> int:
    return int.from_bytes(hashlib.md5(text.encode(), usedforsecurity=False).digest()[:8], "big", signed=True)
