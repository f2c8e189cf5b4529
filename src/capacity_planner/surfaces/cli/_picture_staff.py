"""The picture of a staffing: p95 above, cost below, against the number of workers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from capacity_planner import units
from capacity_planner.surfaces.cli._picture import BLUE, GREEN, ORANGE, RED, legend, panels, whole_numbers, write
from capacity_planner.surfaces.cli._staff_view import headline
from capacity_planner.surfaces.cli._words import number, span

if TYPE_CHECKING:
    from pathlib import Path

    from capacity_planner.surfaces.cli._staffing import Row, Staffing


def draw_staffing(path: Path, found: Staffing, arrival_rate: float) -> None:
    """Write the picture of a staffing to a file."""
    model = found.curve[0].state.model
    figure, (top, bottom) = panels(
        headline(found), f"{number(arrival_rate)} jobs/s, steady; queueing model {model}", 2, 6.4
    )
    _latency(top, [row for row in found.curve if row.state.p95_response_time < units.UNBOUNDED], found)
    _cost(bottom, found)
    if found.answer is not None:
        for axes in (top, bottom):
            axes.axvline(found.answer, color=GREEN, linewidth=1.2, linestyle=":", label=f"{found.answer} workers")
    for axes in (top, bottom):
        legend(axes)
    write(figure, path)


def _latency(axes: Any, stable: list[Row], found: Staffing) -> None:
    axes.set_ylabel("p95 response [s]")
    seconds = [row.state.p95_response_time.total_seconds() for row in stable]
    axes.plot([row.workers for row in stable], seconds, "o-", color=BLUE, markersize=3.5, label="p95 response")
    if seconds and max(seconds) > 10 * min(seconds):
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
    else:
        axes.margins(y=0.1)
        axes.set_ylim(bottom=0)
    if found.target:
        target = found.target.total_seconds()
        axes.axhline(target, color=RED, linewidth=1.2, linestyle="--", label=f"target {span(found.target)}")


def _cost(axes: Any, found: Staffing) -> None:
    axes.set_ylabel("cost [$/h]")
    axes.set_xlabel("workers")
    axes.plot(
        [row.workers for row in found.curve],
        [row.cost_per_hour for row in found.curve],
        "o-",
        color=ORANGE,
        markersize=3.5,
        label="cost",
    )
    axes.margins(y=0.1)
    axes.set_ylim(bottom=0)
    whole_numbers(axes.xaxis)
