"""Workers against latency → what is shown in the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Group
from rich.table import Table
from rich.text import Text

from capacity_planner import units
from capacity_planner.surfaces.cli._draw import bar, curve_bar
from capacity_planner.surfaces.cli._words import money, percent, span

if TYPE_CHECKING:
    from rich.console import RenderableType

    from capacity_planner.surfaces.cli._staffing import Row, Staffing

_NUMBERS_WIDTH, _LEAST_BAR, _LONGEST_BAR = 34, 6, 48
_BEYOND = 3


def staff_view(found: Staffing, columns: int) -> Group:
    """Headline, table and curve."""
    parts: list[RenderableType] = [_headline(found), Text(), _table(found)]
    width = (columns - _NUMBERS_WIDTH) // 2
    if width >= _LEAST_BAR:
        parts += [Text(), _curve(found, min(width, _LONGEST_BAR))]
    assumed = next((row for row in found.table if row.workers == found.answer), found.table[-1]).state.assumptions
    if assumed:
        parts += [Text(), Text("Assumed", "bold"), *(Text(f"• {line}") for line in assumed)]
    return Group(*parts)


def headline(found: Staffing) -> str:
    """The answer in one line."""
    if found.least_p95 is not None:
        least, target = span(found.least_p95), span(found.target)
        return f"No number of workers keeps p95 within {target}: the least achievable p95 is {least}"
    if found.answer is None:
        return "Workers against latency (give --p95 for the fewest that keep it)"
    keep = "worker keeps" if found.answer == 1 else "workers keep"
    return f"{found.answer} {keep} p95 within {span(found.target)}"


def _headline(found: Staffing) -> Text:
    return Text(headline(found), "bold yellow" if found.least_p95 is not None else "bold green")


def _table(found: Staffing) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    names = ("workers", "utilisation", "P(wait)", "mean wait", "p95 response", "cost")
    for name in names if not found.target else (*names, "keeps it"):
        table.add_column(name, justify="right", no_wrap=True)
    for row in found.table:
        table.add_row(*_cells(row, marked=bool(found.target)), style="bold" if row.workers == found.answer else "")
    return table


def _cells(row: Row, *, marked: bool) -> list[str]:
    state = row.state
    cells = [
        str(row.workers),
        percent(state.utilization) if state.utilization < units.UNBOUNDED.total_seconds() else "∞",
        percent(state.probability_of_wait),
        span(state.wait_time),
        span(state.p95_response_time),
        f"{money(row.cost_per_hour)}/h",
    ]
    return [*cells, "yes" if row.meets_target else "no"] if marked else cells


def _curve(found: Staffing, width: int) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0), header_style="dim")
    table.add_column("workers", justify="right", no_wrap=True)
    table.add_column("p95", justify="right", no_wrap=True)
    table.add_column("p95 response" + (" (┊ target)" if found.target else ""), min_width=width, no_wrap=True)
    table.add_column("$/h", justify="right", no_wrap=True)
    table.add_column("cost", min_width=width, no_wrap=True)
    target = found.target.total_seconds()
    latest = _scale(found)
    dearest = max((row.cost_per_hour for row in found.curve), default=0.0)
    for row in found.curve:
        table.add_row(
            str(row.workers),
            span(row.state.p95_response_time),
            curve_bar(row.state.p95_response_time.total_seconds(), target, latest, width),
            f"{row.cost_per_hour:,.2f}",
            bar([(row.cost_per_hour, "▒", "")], dearest, width),
        )
    return table


def _scale(found: Staffing) -> float:
    """What fills a bar: the longest p95, but not so long that the others vanish."""
    values = [row.state.p95_response_time.total_seconds() for row in found.curve]
    limit = _BEYOND * max(found.target.total_seconds(), min(values))
    return min(max(values), limit)
