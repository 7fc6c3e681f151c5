"""Draws docs/performance.svg: bars of rows per second and rows per CPU second, a band for each case.

Plain SVG without a library. Each panel has its own linear scale, from zero; every bar has its number.
"""

from __future__ import annotations

from typing import Any
from xml.sax.saxutils import escape

_WIDTH, _LABELS, _PANEL, _GAP = 980, 232, 270, 84
_BAR, _STEP, _HEAD, _TOP = 14, 19, 34, 76
OURS, _FLOOR, _OTHER, TEXT, FAINT = "#0f766e", "#c7cdd4", "#7c8794", "#1f2933", "#66717d"


def draw(parts: dict[str, dict[str, Any]]) -> str:
    """The whole picture, from the parts in which tools were compared."""
    shapes: list[str] = []
    y = _TOP
    for stored in parts.values():
        shapes += _band(stored["result"], y)
        y += _HEAD + _STEP * len(_shown(stored["result"])) + 14
    newest = max(parts.values(), key=lambda stored: stored["date"])
    origin = (
        f"{newest['date'][:10]} · Trino {newest['trino']} and all clients on the same {newest['processors']} processors"
        f" ({newest['processor']}) · medians · longer is better"
    )
    left, right = _LABELS, _LABELS + _PANEL + _GAP
    head = [
        f'<rect width="{_WIDTH}" height="{y + 6}" fill="#ffffff"/>',
        text(16, 26, "Reading from Trino: source-trino and others", size=17, weight="bold"),
        text(16, 46, origin, size=11, fill=FAINT),
        text(left, 70, "rows per second", size=12, weight="bold"),
        text(right, 70, "rows per CPU second of the client", size=12, weight="bold"),
    ]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {y + 6}" width="{_WIDTH}" height="{y + 6}" '
        'font-family="system-ui, -apple-system, Segoe UI, Helvetica, Arial, sans-serif" role="img" '
        f'aria-label="Rows per second and rows per CPU second of several clients of Trino">\n'
        + "\n".join(head + shapes)
        + "\n</svg>\n"
    )


def _shown(result: dict[str, Any]) -> list[dict[str, Any]]:
    return [tool for tool in result["tools"].values() if "failed" not in tool]


def _band(result: dict[str, Any], top: int) -> list[str]:
    tools = _shown(result)
    title = f"{result['title']}, {result['rows']:,} rows"
    shapes = [
        f'<line x1="16" y1="{top + 4}" x2="{_WIDTH - 16}" y2="{top + 4}" stroke="#e3e7eb"/>',
        text(16, top + 23, title, size=12, weight="bold"),
    ]
    # The raw download does no work on rows: its CPU time says nothing beside the others'.
    panels = (("rows_per_s", _LABELS, tools), ("rows_per_cpu_s", _LABELS + _PANEL + _GAP, tools))
    for metric, left, shown in panels:
        values = [tool[metric] for tool in shown if metric == "rows_per_s" or not _is_floor(tool)]
        for at, tool in enumerate(shown):
            y = top + _HEAD + _STEP * at
            if metric == "rows_per_s":
                shapes.append(text(_LABELS - 8, y + 11, _name(tool), size=11, anchor="end", weight=_weight(tool)))
            elif _is_floor(tool):
                shapes.append(text(left + 4, y + 11, "no work on rows", size=10, fill=FAINT))
                continue
            width = max(1.0, _PANEL * tool[metric] / max(values))
            shapes.append(f'<rect x="{left}" y="{y}" width="{width:.1f}" height="{_BAR}" fill="{_colour(tool)}"/>')
            shapes.append(text(left + width + 5, y + 11, _short(tool[metric]), size=11, weight=_weight(tool)))
    return shapes


def _name(tool: dict[str, Any]) -> str:
    return f"{tool['title'].replace('*', '').replace('`', '')} · {tool['protocol']}"


def _is_floor(tool: dict[str, Any]) -> bool:
    return tool["title"].startswith("raw")


def _is_ours(tool: dict[str, Any]) -> bool:
    return "source-trino" in tool["title"]


def _colour(tool: dict[str, Any]) -> str:
    return OURS if _is_ours(tool) else _FLOOR if _is_floor(tool) else _OTHER


def _weight(tool: dict[str, Any]) -> str:
    return "bold" if _is_ours(tool) else "normal"


def _short(number: float) -> str:
    for unit, size in (("M", 1e6), ("k", 1e3)):
        if number >= size:
            return f"{number / size:.3g} {unit}"
    return f"{number:.3g}"


def text(
    x: float, y: float, text: str, *, size: int, anchor: str = "start", weight: str = "normal", fill: str = TEXT
) -> str:
    """A text whose foot is at `x` and `y`."""
    place = f'x="{x:.1f}" y="{y}" font-size="{size}" text-anchor="{anchor}" font-weight="{weight}" fill="{fill}"'
    return f"<text {place}>{escape(text)}</text>"
