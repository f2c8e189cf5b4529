"""A forecast → what is shown in the terminal."""

from __future__ import annotations

import math
from datetime import timedelta
from typing import TYPE_CHECKING

from rich.console import Group
from rich.table import Table
from rich.text import Text

from capacity_planner import units
from capacity_planner.surfaces.cli._chart import ASCII, Fan, fan_chart, ink_for, legend
from capacity_planner.surfaces.cli._draw import listed
from capacity_planner.surfaces.cli._words import clock, number, percent

if TYPE_CHECKING:
    from rich.console import RenderableType

    from capacity_planner.pipeline.outlook import Outlook
    from capacity_planner.surfaces.cli._forecasting import Foreseen

SHOWN = (0.05, 0.25, 0.75, 0.9, 0.95, 0.99)
_BANDS = (0.05, 0.25, 0.5, 0.75, 0.95)
_MOST_ROWS, _EXPLAINED = 12, 3
_PAST, _LEAST_PAST = 2, 6
_WIDEST = 120
_YARDSTICK = "naive"
_DAY = timedelta(days=1)


def forecast_view(found: Foreseen, columns: int, encoding: str) -> Group:
    """Headline, chart, table, why these models, and what to know."""
    outlook, ink = found.outlook, ink_for(encoding)
    name = f"{found.subject.queue}: " if found.subject.queue else ""
    parts: list[RenderableType] = [Text(name + headline(found), "bold green"), Text(context(found), "dim"), Text()]
    if chart := fan_chart(_fan(outlook), min(columns, _WIDEST), ink):
        parts += [*chart, legend(ink), Text()]
    parts += [_table(outlook), *_why(outlook)]
    bullet = "-" if ink is ASCII else "•"
    parts += listed("The newest traffic is off", anomaly(outlook), "yellow", bullet)
    parts += listed("Warnings", [f"{item.code}: {item.message}" for item in outlook.warnings], "yellow", bullet)
    return Group(*parts)


def headline(found: Foreseen) -> str:
    """The forecast at the horizon in one line."""
    last = found.outlook.forecasts[-1]
    ahead = units.words(last.timestamp - found.outlook.series.end)
    band = f"{percent(last.confidence)} between {number(last.lower)} and {number(last.upper)}"
    return f"{number(last.arrival_rate)} jobs/s in {ahead}, {band}"


def context(found: Foreseen) -> str:
    """The model, its history, and the peak of what it expects."""
    series, outlook = found.outlook.series, found.outlook
    interval = timedelta(seconds=series.interval)
    gaps = sum(map(math.isnan, series.rates.tolist()))
    seasons = " and ".join(units.words(season) for season in found.seasons)
    parts = [
        found.subject.config.forecast_model,
        f"from {units.format_instant(series.end)}",
        f"{len(found.subject.samples):,} samples in {len(series.rates):,} intervals of {units.words(interval)}",
        f"{gaps:,} gaps" if gaps else "no gaps",
        f"seasons: {seasons}" if seasons else "no season found",
        f"bounds from {outlook.outcomes:,} past errors",
    ]
    peak = max(outlook.forecasts, key=lambda item: item.arrival_rate)
    if peak is not outlook.forecasts[-1]:
        at = clock(peak.timestamp, dated=_dated(outlook))
        parts.append(f"peak {number(peak.arrival_rate)} at {at}, 95 % below {number(peak.upper)}")
    return "; ".join(parts)


def anomaly(outlook: Outlook) -> list[str]:
    """How the newest rates are off, if they are."""
    found = outlook.anomaly
    if found is None:
        return []
    since = outlook.series.end - timedelta(seconds=found.started * outlook.series.interval)
    came = f"{number(found.came)} jobs/s came where {number(found.expected)} were expected"
    size = f"{abs(found.deviations):.1f} robust standard deviations {'more' if found.deviations > 0 else 'less'}"
    return [f"{came}, {size}; since {clock(since, dated=True)}. Fits of seasons and of ridge learn little from it."]


def recent(outlook: Outlook) -> list[float]:
    """The newest rates, about twice as long as the forecast."""
    count = max(_LEAST_PAST, math.ceil(_PAST * _span(outlook).total_seconds() / outlook.series.interval))
    rates: list[float] = outlook.series.rates[-count:].tolist()
    return rates


def _fan(outlook: Outlook) -> Fan:
    series, past = outlook.series, recent(outlook)
    start = series.end - timedelta(seconds=series.interval * len(past))
    bands = [[item.quantiles[level] for level in _BANDS] for item in outlook.forecasts]
    return Fan(start, series.end, outlook.forecasts[-1].timestamp, past, bands)


def _table(outlook: Outlook) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("UTC", no_wrap=True)
    for name in ("in", "median", *(percent(level) for level in SHOWN)):
        table.add_column(name, justify="right", no_wrap=True)
    for item in (outlook.forecasts[at] for at in _picked(len(outlook.forecasts), _MOST_ROWS)):
        table.add_row(
            clock(item.timestamp, dated=_dated(outlook)),
            units.words(item.timestamp - outlook.series.end),
            Text(number(item.arrival_rate), "bold"),
            *(number(item.quantiles[level]) for level in SHOWN),
        )
    return table


def _why(outlook: Outlook) -> list[RenderableType]:
    """What a mixture is made of at a few horizons, and how each model did lately."""
    if not outlook.shares:
        return []
    chosen = _picked(len(outlook.shares), _EXPLAINED)
    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0), header_style="dim")
    table.add_column("model", no_wrap=True)
    for at in chosen:
        ahead = outlook.forecasts[at].timestamp - outlook.series.end
        table.add_column(f"in {units.words(ahead)}", justify="right", no_wrap=True)
    rows = [{name: (share, error) for name, share, error in outlook.shares[at]} for at in chosen]
    for name in sorted(rows[-1], key=lambda name: -rows[-1][name][0]):
        table.add_row(name, *(_cell(row, name) for row in rows))
    title = "Why: share of each model (its recent mean error; naive = 1)"
    if any(_YARDSTICK not in row for row in rows):
        title = "Why: share of each model (its recent mean error [jobs/s])"
    return [Text(), Text(title, "bold"), table]


def _cell(row: dict[str, tuple[float, float]], name: str) -> str:
    share, error = row[name]
    usual = row.get(_YARDSTICK, (0.0, 1.0))[1]
    if not math.isfinite(error) or not usual > 0:
        return f"{share * 100:.0f} %    (-)"
    return f"{share * 100:.0f} % ({error / usual:.2f})"


def _picked(count: int, most: int) -> list[int]:
    """The first number below ``count``, the last, and some evenly between."""
    if count <= most:
        return list(range(count))
    return [round(at * (count - 1) / (most - 1)) for at in range(most)]


def _span(outlook: Outlook) -> timedelta:
    return outlook.forecasts[-1].timestamp - outlook.series.end


def _dated(outlook: Outlook) -> bool:
    return _span(outlook) >= _DAY
