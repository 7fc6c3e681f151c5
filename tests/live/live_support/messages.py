"""JSON with exact numbers, and configured catalogs."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any


@dataclass(frozen=True)
class Number:
    """A JSON number by its very text, so that `1.10` is not `1.1` and `-0.0` is not `0.0`."""

    text: str


def parse(text: str | bytes) -> Any:
    """JSON whose fractions are decimals: nothing goes through a float."""
    return json.loads(text, parse_float=Decimal, parse_constant=_refuse)


def parse_exactly(text: str | bytes) -> Any:
    """JSON whose numbers are their texts."""
    return json.loads(text, parse_float=Number, parse_int=Number, parse_constant=_refuse)


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is not JSON")


def configured(streams: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """The configured catalog that a platform makes of discovered streams."""
    return {
        "streams": [
            {"stream": stream, "sync_mode": "full_refresh", "destination_sync_mode": "overwrite"} for stream in streams
        ]
    }


def handwritten(name: str, namespace: str | None, columns: Iterable[str]) -> dict[str, Any]:
    """A stream as a person writes it: some columns, types without "null", an empty `$schema`."""
    stream = {
        "name": name,
        "json_schema": {
            "$schema": "",
            "type": "object",
            "properties": {column: {"type": "string"} for column in columns},
        },
        "supported_sync_modes": ["full_refresh"],
    }
    return stream if namespace is None else stream | {"namespace": namespace}
