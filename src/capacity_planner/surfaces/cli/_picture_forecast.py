"""The picture of a forecast: what was measured, then the median and its bands."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from capacity_planner.surfaces.cli._forecast_view import context, headline, recent
from capacity_planner.surfaces.cli._picture import BLUE, GREY, RED, dates, legend, panels, write

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from capacity_planner.pipeline.outlook import Outlook
    from capacity_planner.surfaces.cli._forecasting import Foreseen

_BANDS = ((0.05, 0.95, 0.15, "90 %"), (0.1, 0.9, 0.2, "80 %"), (0.25, 0.75, 0.3, "50 %"))
_HIGHEST = 0.99
_LINE = 110


def draw_forecast(path: Path, found: Foreseen) -> None:
    """Write the picture to a file."""
    name = f"{found.subject.queue}: " if found.subject.queue else ""
    figure, (axes,) = panels(f"{name}{headline(found)}", _broken(context(found)), 1, 4.8)
    _past(axes, found.outlook)
    _fan(axes, found.outlook)
    axes.axvline(found.outlook.series.end, color=GREY, linewidth=1, linestyle=":")
    axes.set_ylabel("arrivals [jobs/s]")
    axes.margins(x=0.0, y=0.1)
    axes.set_ylim(bottom=0)
    legend(axes)
    dates(axes)
    write(figure, path)


def _past(axes: Any, outlook: Outlook) -> None:
    series, rates = outlook.series, recent(outlook)
    edges = [series.end - timedelta(seconds=series.interval * back) for back in range(len(rates), -1, -1)]
    axes.step(edges, [rates[0], *rates], where="pre", color=GREY, linewidth=1.2, label="measured")


def _fan(axes: Any, outlook: Outlook) -> None:
    edges = _edges(outlook)

    def of(level: float) -> list[float]:
        values = [item.quantiles[level] for item in outlook.forecasts]
        return [*values, values[-1]]

    for low, high, alpha, share in _BANDS:
        label = f"{share} of outcomes"
        axes.fill_between(edges, of(low), of(high), step="post", color=BLUE, alpha=alpha, linewidth=0, label=label)
    axes.step(edges, of(0.5), where="post", color=BLUE, linewidth=1.8, label="median")
    axes.step(edges, of(_HIGHEST), where="post", color=RED, linewidth=1, linestyle="--", label="99 % below")


def _edges(outlook: Outlook) -> list[datetime]:
    return [outlook.series.end, *(item.timestamp for item in outlook.forecasts)]


def _broken(text: str) -> str:
    """A subtitle in lines that fit."""
    lines = [""]
    for part in text.split("; "):
        if lines[-1] and len(lines[-1]) + len(part) > _LINE:
            lines.append("")
        lines[-1] += f"{part}; "
    return "\n".join(lines).rstrip("; ")
