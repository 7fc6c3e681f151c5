"""Draws docs/performance-growth.svg: how the time of a read grows with the rows of its table.

Both scales are logarithmic, so that a time that is proportional to the rows is a straight line. Plain SVG, as in plot.py.
"""

from __future__ import annotations

import math
from typing import Any

from plot import FAINT, OURS, TEXT, text

_WIDTH, _HEIGHT = 640, 360
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 48, 62, 48


def draw(runs: list[dict[str, Any]], origin: str) -> str:
    """The picture of reads with `rows`, `wall` and `cpu` seconds; `origin` says when and where they were measured."""
    rows = _decades([run["rows"] for run in runs])
    seconds = _decades([run[kind] for run in runs for kind in ("wall", "cpu")])
    shapes = [
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="#ffffff"/>',
        text(16, 26, "How the time of a read grows with its rows", size=17, weight="bold"),
        text(16, 46, origin, size=11, fill=FAINT),
    ]
    for power in range(rows[0], rows[1] + 1):
        x = _x(10**power, rows)
        shapes.append(_line(x, _TOP, x, _HEIGHT - _BOTTOM))
        shapes.append(text(x, _HEIGHT - _BOTTOM + 18, f"{10**power:,}", size=11, anchor="middle", fill=FAINT))
    for power in range(seconds[0], seconds[1] + 1):
        y = _y(10**power, seconds)
        shapes.append(_line(_LEFT, y, _WIDTH - _RIGHT, y))
        shapes.append(text(_LEFT - 8, y + 4, f"{10.0**power:g} s", size=11, anchor="end", fill=FAINT))
    shapes.append(text(_WIDTH - _RIGHT, _HEIGHT - 10, "rows", size=11, anchor="end"))
    # The names stand at the middle point, outside of the two lines.
    for kind, name, colour, anchor, right, down in (
        ("wall", "wall", OURS, "end", -8, -8),
        ("cpu", "CPU of the client", TEXT, "start", 10, 14),
    ):
        points = [(_x(run["rows"], rows), _y(run[kind], seconds)) for run in runs]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        shapes.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        shapes += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="{colour}"/>' for x, y in points]
        x, y = points[len(points) // 2]
        shapes.append(text(x + right, y + down, name, size=12, anchor=anchor, weight="bold", fill=colour))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" width="{_WIDTH}" height="{_HEIGHT}" '
        'font-family="system-ui, -apple-system, Segoe UI, Helvetica, Arial, sans-serif" role="img" '
        'aria-label="Seconds of a read by the rows of its table, both on logarithmic scales">\n'
        + "\n".join(shapes)
        + "\n</svg>\n"
    )


def _decades(values: list[float]) -> tuple[int, int]:
    """The powers of ten around the values."""
    return math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))


def _x(value: float, decades: tuple[int, int]) -> float:
    share = (math.log10(value) - decades[0]) / (decades[1] - decades[0])
    return _LEFT + share * (_WIDTH - _LEFT - _RIGHT)


def _y(value: float, decades: tuple[int, int]) -> float:
    share = (math.log10(value) - decades[0]) / (decades[1] - decades[0])
    return _HEIGHT - _BOTTOM - share * (_HEIGHT - _BOTTOM - _TOP)


def _line(x1: float, y1: float, x2: float, y2: float) -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="#e3e7eb"/>'
