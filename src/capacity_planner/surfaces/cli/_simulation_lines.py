"""The intervals of a simulation, one line each, condensed where there are many."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from capacity_planner import units
from capacity_planner.pipeline.workload import slo_of
from capacity_planner.surfaces.cli._draw import BLOCKS, LETTERS, bar, curve_bar
from capacity_planner.surfaces.cli._words import clock, number, percent

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from capacity_planner.domain.simulation import Simulation, TimelinePoint

MOST_LINES = 24
_NUMBERS, _LEAST_BAR, _LONGEST_BAR = 50, 6, 48
_BEYOND, _MINUTE = 3.0, 60.0
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Line:
    """Neighbouring intervals, by the worst of them.

    Attributes:
        start: begin of the first.
        rate: highest arrival rate [jobs/s].
        workers: paid in the interval with the longest p95.
        busy: highest utilisation.
        waiting: most jobs that waited.
        p95: longest p95 response [s]; may be endless.
        broken: whether any broke the SLO.
    """

    start: datetime
    rate: float
    workers: int
    busy: float
    waiting: int
    p95: float
    broken: bool


def lines_of(timeline: Sequence[TimelinePoint], most: int) -> list[Line]:
    """At most that many lines."""
    size = max(-(-len(timeline) // most), 1)
    return [_line(timeline[at : at + size]) for at in range(0, len(timeline), size)]


def _line(group: Sequence[TimelinePoint]) -> Line:
    slowest = max(group, key=lambda item: (item.p95_latency, item.backlog))
    return Line(
        start=group[0].timestamp,
        rate=max(item.arrival_rate for item in group),
        workers=slowest.workers,
        busy=max(item.utilization for item in group),
        waiting=max(item.max_backlog for item in group),
        p95=units.seconds_of(slowest.p95_latency),
        broken=any(item.slo_violation for item in group),
    )


def lines_table(found: Simulation, columns: int, most: int, *, plain: bool, longest: float = 0.0) -> Table:
    """Rate, workers, utilisation, backlog and p95 over time.

    Args:
        found: the simulation.
        columns: of the terminal.
        most: lines.
        plain: whether letters stand for blocks.
        longest: what fills a bar of the last column; zero is the longest of these.
    """
    lines, blocks = lines_of(found.timeline, most), LETTERS if plain else BLOCKS
    width, rated = _widths(columns)
    dated = found.scenario.duration > _DAY
    target, name = _target(found)
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0), header_style="dim")
    table.add_column("UTC", no_wrap=True)
    table.add_column("jobs/s", justify="right", no_wrap=True)
    if rated:
        table.add_column("arrivals", min_width=width, no_wrap=True)
    for heading in ("workers", "busy", "waiting", "p95", ""):
        table.add_column(heading, justify="right", no_wrap=True)
    if width:
        table.add_column(name, min_width=width, no_wrap=True)
    highest, longest = max((line.rate for line in lines), default=0.0), longest or _scale(lines, target, name)
    for line in lines:
        cells = [clock(line.start, dated=dated), number(line.rate)]
        drawn = [bar([(line.rate, blocks[0], "cyan")], highest, width)] if rated else []
        judged = [curve_bar(_measure(line, name), target, longest, width, blocks)] if width else []
        table.add_row(*cells, *drawn, *_numbers(line), *judged)
    return table


def common_scale(found: Sequence[Simulation]) -> float:
    """What fills a bar of the last column such that simulations compare; zero where they are judged differently."""
    judged = [_target(item) for item in found]
    if len({name for _, name in judged}) > 1:
        return 0.0
    lines = [line for item in found for line in lines_of(item.timeline, MOST_LINES)]
    return _scale(lines, max(target for target, _ in judged), judged[0][1])


def time_words(seconds: float) -> str:
    """A response time in three digits; where too many jobs gave up there is none."""
    if seconds >= units.UNBOUNDED.total_seconds():
        return "never"
    rounded = float(f"{seconds:.3g}") if seconds < _MINUTE else seconds
    return units.words(units.from_seconds(rounded))


def legend(found: Simulation, most: int, *, plain: bool) -> Text:
    """What the lines mean."""
    target, _ = _target(found)
    count = -(-len(found.timeline) // most)
    several = f"Each line is the worst of {count} intervals. " if count > 1 else ""
    shown = f"{(LETTERS if plain else BLOCKS)[2]} target, " if target else ""
    return Text(f"{several}{shown}x the SLO was broken; waiting: most at one time", "dim")


def _numbers(line: Line) -> list[str | Text]:
    style = "bold red" if line.broken else ""
    return [
        f"{line.workers:,}",
        percent(line.busy),
        f"{line.waiting:,}",
        Text(time_words(line.p95), style),
        Text("x" if line.broken else " ", style),
    ]


def _widths(columns: int) -> tuple[int, bool]:
    """Cells of a bar, and whether the rate has one too."""
    free = columns - _NUMBERS
    if free // 2 >= _LEAST_BAR:
        return min(free // 2, _LONGEST_BAR), True
    return (free if free >= _LEAST_BAR else 0), False


def _target(found: Simulation) -> tuple[float, str]:
    """What the last bar is held against: the latency, or else the backlog."""
    slo = slo_of(found.scenario)
    if slo.p95_latency or not slo.max_backlog:
        return slo.p95_latency.total_seconds(), "p95"
    return float(slo.max_backlog), "waiting"


def _measure(line: Line, name: str) -> float:
    return line.p95 if name == "p95" else float(line.waiting)


def _scale(lines: Sequence[Line], target: float, name: str) -> float:
    """What fills a bar: the largest, but not so large that the target could not be seen."""
    values = [_measure(line, name) for line in lines]
    finite = [value for value in values if value < units.UNBOUNDED.total_seconds()]
    largest = max(finite, default=0.0)
    return min(max(largest, target), _BEYOND * target) if target else largest
