"""States that went through a program whose numbers are doubles, as those of jq 1.6 and of JavaScript are."""

from __future__ import annotations

from decimal import Decimal
from typing import Any


def through_doubles(value: Any) -> Any:
    """What is left of a value: whole numbers keep 17 digits at the most."""
    if isinstance(value, dict):
        return {name: through_doubles(item) for name, item in value.items()}
    if isinstance(value, list):
        return [through_doubles(item) for item in value]
    if isinstance(value, int) and not isinstance(value, bool):
        return int(Decimal(repr(float(value))))
    return value
