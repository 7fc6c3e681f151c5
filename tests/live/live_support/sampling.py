"""Which cases of a test run, where there is no time for all of them."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

#: What a test says of itself to have only some of its cases run.
MARK = "sampled: only so many cases that each value of each parameter occurs; with EVERY_CASE=1 all of them"


def each_value_once(cases: Sequence[Mapping[str, Any]]) -> list[int]:
    """The places of so many cases that each value of each parameter is in one of them, in the order of the cases.

    Each step takes the case with the most values that were not seen yet; of those with as many, the one whose other
    values were taken least often, so that no value is with the same others every time.
    """
    values = [{(name, repr(value)) for name, value in case.items()} for case in cases]
    taken: set[int] = set()
    times = Counter[tuple[str, str]]()
    while missing := {value for each in values for value in each} - set(times):
        best = max(
            (place for place in range(len(values)) if place not in taken),
            key=lambda place: (len(values[place] & missing), -sum(times[value] for value in values[place]), -place),
        )
        taken.add(best)
        times.update(values[best])
    return sorted(taken)


def sampled(items: Sequence[pytest.Item]) -> tuple[list[pytest.Item], list[pytest.Item]]:
    """The items that run and those that do not: of the tests with the mark `sampled`, some cases do not."""
    tests: defaultdict[str, list[pytest.Item]] = defaultdict(list)
    for item in items:
        if item.get_closest_marker("sampled"):
            tests[item.nodeid.partition("[")[0]].append(item)
    left_out: set[pytest.Item] = set()
    for cases in tests.values():
        kept = each_value_once([getattr(case, "callspec").params for case in cases])  # noqa: B009
        left_out.update(case for place, case in enumerate(cases) if place not in kept)
    return [item for item in items if item not in left_out], [item for item in items if item in left_out]
