"""The picture of simulations: arrivals, workers, backlog, p95 and cost over time, one line for each scenario."""

from __future__ import annotations

from itertools import accumulate
from typing import TYPE_CHECKING, Any

from capacity_planner import units
from capacity_planner.pipeline.workload import slo_of, start_of
from capacity_planner.surfaces.cli._picture import (
    BLACK,
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    PURPLE,
    RED,
    SKY,
    dates,
    legend,
    panels,
    whole_numbers,
    write,
)
from capacity_planner.surfaces.cli._simulation_view import headline, promise
from capacity_planner.surfaces.cli._simulations_view import verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime, timedelta
    from pathlib import Path

    from capacity_planner.domain.simulation import Simulation, TimelinePoint

_COLOURS = (BLUE, ORANGE, GREEN, PURPLE, SKY, BLACK)
_STYLES: tuple[Any, ...] = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)), (0, (8, 3)))
_BEYOND = 1.25


def draw_simulations(path: Path, found: Sequence[Simulation]) -> None:
    """Write the picture to a file."""
    alone = found[0]
    title = f"{alone.scenario.name}: {headline(alone)}" if len(found) == 1 else verdict(found)
    promises = {promise(slo_of(item.scenario)) for item in found}
    figure, axes = panels(title, promises.pop() if len(promises) == 1 else "", 5)
    rate, workers, backlog, p95, cost = axes
    moved = _moved(found)
    _rates(rate, found, moved)
    _overlaid(workers, found, moved, "workers paid", lambda item: item.workers)
    whole_numbers(workers.yaxis)
    _overlaid(backlog, found, moved, "most jobs waiting", lambda item: item.max_backlog)
    _limits(backlog, {float(slo_of(item.scenario).max_backlog) for item in found}, "jobs")
    _latency(p95, found, moved)
    _costs(cost, found, moved)
    for panel in axes:
        panel.margins(y=0.1)
        panel.set_ylim(bottom=0)
    _shade(p95, found)
    told = (rate, p95) if len(found) == 1 else (rate, workers, p95)
    for panel in (*told, backlog) if any(slo_of(item.scenario).max_backlog for item in found) else told:
        legend(panel)
    dates(cost)
    write(figure, path)


def _moved(found: Sequence[Simulation]) -> list[timedelta]:
    """How far each scenario is moved in time, so that all begin with the first."""
    return [start_of(found[0].scenario) - start_of(item.scenario) for item in found]


def _look(index: int) -> dict[str, Any]:
    """A colour and a style of line, so that either is enough to tell scenarios apart."""
    rounds = index // len(_COLOURS)
    style = _STYLES[(index + rounds) % len(_STYLES)]
    return {"color": _COLOURS[index % len(_COLOURS)], "linestyle": style, "linewidth": 1.6}


def _edges(item: Simulation, moved: timedelta) -> list[datetime]:
    end = start_of(item.scenario) + item.scenario.duration
    return [point.timestamp + moved for point in item.timeline] + [end + moved]


def _steps(values: list[float]) -> list[float]:
    return [*values, values[-1]]


def _overlaid(
    axes: Any,
    found: Sequence[Simulation],
    moved: list[timedelta],
    name: str,
    value: Callable[[TimelinePoint], float],
) -> None:
    axes.set_ylabel(name.replace(" ", "\n", 1))
    for index, (item, shift) in enumerate(zip(found, moved, strict=True)):
        values = _steps([value(point) for point in item.timeline])
        axes.step(_edges(item, shift), values, where="post", label=item.scenario.name, **_look(index))


def _rates(axes: Any, found: Sequence[Simulation], moved: list[timedelta]) -> None:
    """What arrives, once for all that meet the same jobs, and what each could serve."""
    axes.set_ylabel("jobs/s")
    drawn: dict[tuple[float, ...], str] = {}
    for index, (item, shift) in enumerate(zip(found, moved, strict=True)):
        rates, look = [point.arrival_rate for point in item.timeline], _look(index)
        edges = _edges(item, shift)
        if tuple(rates) not in drawn:
            name = "arrivals" if not drawn else f"arrivals, {item.scenario.name}"
            colour = GREY if not drawn else look["color"]
            drawn[tuple(rates)] = name
            axes.fill_between(edges, _steps(rates), step="post", color=colour, alpha=0.3, linewidth=0, label=name)
        capacity = _steps([point.service_rate for point in item.timeline])
        name = "capacity" if len(found) == 1 else f"capacity, {item.scenario.name}"
        axes.step(edges, capacity, where="post", label=name, **look)


def _latency(axes: Any, found: Sequence[Simulation], moved: list[timedelta]) -> None:
    """The p95, as high as it is finite; where too many jobs give up it has no end and stands at the top."""
    values = [units.seconds_of(point.p95_latency) for item in found for point in item.timeline]
    targets = {slo_of(item.scenario).p95_latency.total_seconds() for item in found}
    top = _BEYOND * max([value for value in values if value != float("inf")] + [*targets, 1e-6])
    _overlaid(axes, found, moved, "p95 [s]", lambda item: min(units.seconds_of(item.p95_latency), top))
    _limits(axes, targets, "s")


def _limits(axes: Any, targets: set[float], unit: str) -> None:
    """A line at every target that is set."""
    for target in sorted(targets - {0.0}):
        axes.axhline(target, color=RED, linewidth=1, linestyle="-.", label=f"target {target:g} {unit}")


def _costs(axes: Any, found: Sequence[Simulation], moved: list[timedelta]) -> None:
    axes.set_ylabel("cost\nso far [$]")
    for index, (item, shift) in enumerate(zip(found, moved, strict=True)):
        total = [0.0, *accumulate(point.cost for point in item.timeline)]
        axes.plot(_edges(item, shift), total, label=item.scenario.name, **_look(index))


def _shade(axes: Any, found: Sequence[Simulation]) -> None:
    """Where a single scenario broke its SLO."""
    if len(found) > 1:
        return
    for index, period in enumerate(found[0].slo_analysis.violation_periods):
        label = "SLO broken" if index == 0 else None
        axes.axvspan(period.start, period.end, facecolor=RED, alpha=0.15, hatch="///", linewidth=0, label=label)
