"""Compares tables of different databases by what they add up to."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

#: PyAirbyte's columns for numbers: DECIMAL(38, 9), in every database.
NUMBER = "decimal(38, 9)"

_WHOLE = ("tinyint", "smallint", "integer", "bigint")


def select(columns: dict[str, str], *, collate: str = "", number: str = "{}") -> str:
    """The terms of a SELECT that sum a table up: a count, and per column a sum or a count, the smallest, the largest.

    `columns` are Trino's names and types; `number` is how a number becomes a decimal, `collate` how texts compare.
    """
    terms = ["count(*) AS total"]
    for name, kind in columns.items():
        if kind in _WHOLE:
            aggregates = {"sum": name, "min": name, "max": name}
        elif kind in ("double", "real") or kind.startswith("decimal"):
            value = number.format(name)
            aggregates = {"sum": value, "min": value, "max": value}
        elif kind.startswith("varchar"):
            aggregates = {"count": f"DISTINCT {name}", "min": name + collate, "max": name + collate}
            terms.append(f"sum(length({name})) AS {name}_length")
        else:
            aggregates = {"count": f"DISTINCT {name}", "min": name, "max": name}
        terms += [f"{function}({value}) AS {name}_{function}" for function, value in aggregates.items()]
    return ", ".join(terms)


def comparable(row: dict[str, Any]) -> dict[str, Any]:
    """A row whose numbers are decimals and whose other values are texts, whatever a client made of them."""
    return {name: _number(value) for name, value in row.items()}


def _number(value: Any) -> Decimal | str:
    text = str(value)
    try:
        return Decimal(text)
    except ArithmeticError:
        return text
