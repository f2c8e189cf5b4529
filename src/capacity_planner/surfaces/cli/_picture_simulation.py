"""The picture of simulations: arrivals, workers, backlog, p95 and cost over time, one line for each scenario."""

from __future__ import annotations

import math
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
    common_legend,
    dates,
    panels,
    shortened,
    whole_numbers,
    write,
)
from capacity_planner.surfaces.cli._simulation_words import headline, promise, verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime, timedelta
    from pathlib import Path

    from capacity_planner.domain.simulation import Simulation, TimelinePoint

_COLOURS = (BLUE, ORANGE, GREEN, PURPLE, SKY, BLACK)
_STYLES: tuple[Any, ...] = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)), (0, (8, 3)))
_MOST, _LEGEND_COLUMNS, _HEIGHT = 12, 3, 10.0
_FAR, _BEYOND, _TOP, _ROW = 5.0, 1.25, 0.96, 0.05


def draw_simulations(path: Path, found: Sequence[Simulation]) -> None:
    """Write the picture to a file; of many scenarios the first ones, and it says so."""
    drawn = found[:_MOST]
    figure, axes = panels(_title(found), _subtitle(found), 5, _HEIGHT)
    rate, workers, backlog, p95, cost = axes
    moved = _moved(drawn)
    _rates(rate, drawn, moved)
    _overlaid(workers, drawn, moved, "workers paid", lambda item: item.workers)
    whole_numbers(workers.yaxis)
    _waiting(backlog, drawn, moved)
    _latency(p95, drawn, moved)
    _costs(cost, drawn, moved)
    for panel in axes:
        panel.margins(y=0.1)
        panel.set_ylim(bottom=0)
    _shade(p95, drawn)
    common_legend(figure, _LEGEND_COLUMNS)
    dates(cost)
    write(figure, path)


def _title(found: Sequence[Simulation]) -> str:
    if len(found) == 1:
        return f"{found[0].scenario.name}: {headline(found[0])}"
    return verdict(found)


def _subtitle(found: Sequence[Simulation]) -> str:
    """What had to hold, where it is the same for all, and what is not drawn."""
    promises = {promise(slo_of(item.scenario)) for item in found}
    many = f"the first {_MOST} of {len(found):,} scenarios are drawn" if len(found) > _MOST else ""
    return "; ".join(part for part in (promises.pop() if len(promises) == 1 else "", many) if part)


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
        axes.step(_edges(item, shift), values, where="post", label=shortened(item.scenario.name), **_look(index))


def _rates(axes: Any, found: Sequence[Simulation], moved: list[timedelta]) -> None:
    """What arrives, once for all that meet the same jobs, and what each could serve."""
    axes.set_ylabel("arrivals,\ncapacity\n[jobs/s]")
    drawn: dict[tuple[float, ...], str] = {}
    for index, (item, shift) in enumerate(zip(found, moved, strict=True)):
        rates, look = [point.arrival_rate for point in item.timeline], _look(index)
        edges = _edges(item, shift)
        if tuple(rates) not in drawn:
            name = "arrivals" if not drawn else f"arrivals, {shortened(item.scenario.name)}"
            colour = GREY if not drawn else look["color"]
            drawn[tuple(rates)] = name
            axes.fill_between(edges, _steps(rates), step="post", color=colour, alpha=0.3, linewidth=0, label=name)
        capacity = _steps([point.service_rate for point in item.timeline])
        axes.step(edges, capacity, where="post", label=shortened(item.scenario.name), **look)


def _waiting(axes: Any, found: Sequence[Simulation], moved: list[timedelta]) -> None:
    """The backlog against what it may be."""
    targets = {float(slo_of(item.scenario).max_backlog) for item in found}
    _overlaid(axes, found, moved, "most jobs waiting", lambda item: item.max_backlog)
    _limits(axes, targets, "jobs")
    _readable(axes, max(point.max_backlog for item in found for point in item.timeline), targets)


def _latency(axes: Any, found: Sequence[Simulation], moved: list[timedelta]) -> None:
    """The p95; a gap where there is none, and where it has no end arrows at the top too."""
    targets = {slo_of(item.scenario).p95_latency.total_seconds() for item in found}
    finite = [value for item in found for point in item.timeline if math.isfinite(value := _p95(point))]
    _overlaid(axes, found, moved, "p95 [s]", lambda point: _p95(point) if math.isfinite(_p95(point)) else math.nan)
    _limits(axes, targets, "s")
    _endless(axes, found, moved)
    largest = max([*finite, *targets])
    axes.set_ylim(top=_BEYOND * largest if largest else 1.0)
    _readable(axes, largest, targets)


def _p95(point: TimelinePoint) -> float:
    """Seconds, maybe without end; no number where no job arrived."""
    return units.seconds_of(point.p95_latency) if point.arrival_rate else math.nan


def _endless(axes: Any, found: Sequence[Simulation], moved: list[timedelta]) -> None:
    """Arrows at the top where the p95 has no end, one row for each scenario that has some."""
    across, rows = axes.get_xaxis_transform(), 0
    for index, (item, shift) in enumerate(zip(found, moved, strict=True)):
        middle = shift + item.scenario.granularity / 2
        times = [point.timestamp + middle for point in item.timeline if math.isinf(_p95(point))]
        if times:
            look = {"color": _look(index)["color"], "markersize": 5, "transform": across, "clip_on": False}
            axes.plot(times, [_TOP - _ROW * rows] * len(times), "^", **look)
            rows += 1
    if rows:
        axes.plot([], [], "^", color=BLACK, markersize=5, label="p95 never ends")


def _readable(axes: Any, largest: float, targets: set[float]) -> None:
    """Where values are far beyond the target, even steps up to the target and tenfold ones beyond."""
    target = max(targets)
    if target and largest > _FAR * target:
        axes.set_yscale("symlog", linthresh=target)
        axes.set_yticks([0.0, *(target * 10.0**power for power in range(math.ceil(math.log10(largest / target)) + 1))])
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:,g}")
        axes.set_ylabel(f"{axes.get_ylabel()}\n(log)")


def _limits(axes: Any, targets: set[float], unit: str) -> None:
    """A line at every target that is set."""
    for target in sorted(targets - {0.0}):
        axes.axhline(target, color=RED, linewidth=1, linestyle="-.", label=f"target {target:g} {unit}")


def _costs(axes: Any, found: Sequence[Simulation], moved: list[timedelta]) -> None:
    axes.set_ylabel("cost\nso far [$]")
    for index, (item, shift) in enumerate(zip(found, moved, strict=True)):
        total = [0.0, *accumulate(point.cost for point in item.timeline)]
        axes.plot(_edges(item, shift), total, label=shortened(item.scenario.name), **_look(index))


def _shade(axes: Any, found: Sequence[Simulation]) -> None:
    """Where a single scenario broke its SLO."""
    if len(found) > 1:
        return
    for index, period in enumerate(found[0].slo_analysis.violation_periods):
        label = "SLO broken" if index == 0 else None
        axes.axvspan(period.start, period.end, facecolor=RED, alpha=0.15, hatch="///", linewidth=0, label=label)
