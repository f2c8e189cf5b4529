"""The pictures of a backtest's page: the frontier, and the scored time."""

from __future__ import annotations

import math
from datetime import timedelta
from typing import TYPE_CHECKING

from capacity_planner import units
from capacity_planner.domain.backtest import ORACLE, PLANNER
from capacity_planner.surfaces.cli._backtest_svg import Panel, Point, escaped, round_ticks
from capacity_planner.surfaces.cli._backtest_words import (
    asked_of,
    attained,
    cheapest_kept,
    mean_workers,
    title_of,
)
from capacity_planner.surfaces.cli._picture_backtest import (
    lowest_share,
    most_workers,
    names_of,
    points_of,
    shown_shares,
    until_all,
)
from capacity_planner.surfaces.cli._words import number

if TYPE_CHECKING:
    from collections.abc import Sequence

    from capacity_planner.domain.backtest import Backtest, PolicyTrack

_WIDTH, _HEIGHT = 920.0, 400.0
_COLOURS = 6
_DAYS, _LAST = 9, 0.97


def style_of(name: str, index: int) -> str:
    """The style's class of a policy's line."""
    return {PLANNER: "planner", ORACLE: "oracle"}.get(name, f"c{index % _COLOURS} d{index // _COLOURS}")


def frontier_chart(found: Backtest) -> str:
    """Workers against jobs in time, each policy a line, and a dot as it is shipped."""
    asked = found.scenario.asked_share
    top = min(4e-4, (1.0 - asked) / 8.0)
    low, most = lowest_share(found), most_workers(found)

    def bend(share: float) -> float:
        return -math.log10(max(1.0 - share, top))

    ends = (-math.log10(low), -math.log10(top / 1.3))
    panel = Panel(width=_WIDTH, height=_HEIGHT, x=(0.0, most), y=ends, bend=bend, name="jobs in time")
    panel.ticks_up((share, f"{100.0 * share:.5g} %") for share in shown_shares(found, top))
    panel.ticks_across((value, f"{value:,.6g}") for value in round_ticks(most, 10))
    panel.upright(mean_workers(found, found.bound_worker_hours), "bound")
    panel.level(asked, "asked")
    for index, name in list(enumerate(names_of(found)))[::-1]:
        _policy(panel, found, name, style_of(name, index), most)
    keys = [(style_of(name, index), title_of(found, name)) for index, name in enumerate(names_of(found))]
    keys += [("bound", "clairvoyant bound"), ("asked", f"asked: {asked_of(found)}")]
    return panel.written("Workers on average against the share of jobs in time") + _caption(
        "workers on average; a dot is the policy as shipped", keys
    )


def timeline_chart(found: Backtest) -> str:
    """Arrivals, workers and waits over the scored time, one above the other."""
    line = found.timeline
    width = line.interval.total_seconds()
    end = found.scored.total_seconds()
    edges = [min(index * width, end) for index in range(len(line.arrival_rate) + 1)]
    days = _days(found)
    tracks = _shown(found)
    workers = [value for track, _ in tracks for value in track.workers]
    keys = [(style, f"{title_of(found, track.policy)}, as shipped") for track, style in tracks]
    keys += [("bound", "clairvoyant bound"), ("asked", "allowed wait")]
    arrivals = _panel("jobs/s", line.arrival_rate, end, days, 130.0)
    arrivals.steps(edges, line.arrival_rate, "arrivals", filled=True)
    crew = _panel("workers", [*workers, *line.bound_workers], end, days, 230.0)
    crew.steps(edges, line.bound_workers, "bound", filled=True)
    for track, style in tracks[::-1]:
        crew.steps(edges, track.workers, style)
    pictures = [
        arrivals.written("Arrivals over time"),
        crew.written("Workers over time"),
        _waits(found, tracks, edges, days),
    ]
    return "".join(pictures) + _caption("time, UTC", keys)


def _policy(panel: Panel, found: Backtest, name: str, style: str, most: float) -> None:
    points = until_all(points_of(found, name))
    if len(points) > 1:
        panel.line(_within(points, most), style)
    shipped = found.outcome(name)
    if shipped is not None and shipped.mean_workers <= most:
        share = attained(shipped.share_in_time, found.scenario.asked_share)
        said = f"{shipped.title}, as shipped: {number(shipped.mean_workers)} workers, {share} in time"
        panel.mark((shipped.mean_workers, shipped.share_in_time), style, said, 6.0 if name == PLANNER else 4.0)


def _within(points: list[Point], most: float) -> list[Point]:
    """The points up to the edge of the picture, and where their line crosses it."""
    inside = [point for point in points if point[0] <= most]
    if not inside or len(inside) == len(points):
        return inside
    (left, low), (right, high) = inside[-1], points[len(inside)]
    return [*inside, (most, low + (high - low) * (most - left) / (right - left))]


def _shown(found: Backtest) -> list[tuple[PolicyTrack, str]]:
    """The planner, and the best of the others as shipped: the cheapest that keeps the share, or else the nearest."""
    others = [item for item in found.outcomes if item.policy not in {PLANNER, ORACLE}]
    rival = cheapest_kept(found) or max(others, key=lambda item: item.share_in_time, default=None)
    chosen = [PLANNER] + ([rival.policy] if rival else [])
    tracks = {track.policy: track for track in found.timeline.tracks}
    styles = {name: style_of(name, index) for index, name in enumerate(names_of(found))}
    return [(tracks[name], styles[name]) for name in chosen if name in tracks]


def _panel(name: str, values: Sequence[float], end: float, days: list[tuple[float, str]], height: float) -> Panel:
    top = max([*(value for value in values if math.isfinite(value)), 1e-9])
    panel = Panel(width=_WIDTH, height=height, x=(0.0, end), y=(0.0, 1.05 * top), name=name)
    panel.ticks_up((value, f"{value:,.6g}") for value in round_ticks(top, 4))
    panel.ticks_across(days)
    return panel


def _waits(
    found: Backtest, tracks: list[tuple[PolicyTrack, str]], edges: list[float], days: list[tuple[float, str]]
) -> str:
    """Waits on a scale that shows what is allowed and what is far beyond."""
    allowed = max(found.told_wait.total_seconds(), 1.0)
    waits = [value for track, _ in tracks for value in track.p95_wait if math.isfinite(value)]
    most = max([2.0 * allowed, *waits])

    def bend(wait: float) -> float:
        return math.log1p(min(wait, most) / allowed)

    panel = Panel(
        width=_WIDTH, height=170.0, x=(0.0, edges[-1]), y=(0.0, 1.03 * bend(most)), bend=bend, name="p95 wait"
    )
    values = [0.0, *(allowed * factor for factor in (1.0, 10.0, 100.0, 1_000.0) if allowed * factor <= most)]
    panel.ticks_up((value, units.words(units.from_seconds(value))) for value in values)
    panel.ticks_across(days)
    panel.level(found.told_wait.total_seconds(), "asked")
    for track, style in tracks[::-1]:
        panel.steps(edges, track.p95_wait, style)
    return panel.written("95th percentile of the wait over time")


def _days(found: Backtest) -> list[tuple[float, str]]:
    """Midnights of the scored time, few enough to be read; of a short time hours."""
    begin, length = found.scored_from, found.scored
    hours = [1, 2, 3, 6, 12, *(24 * days for days in (1, 2, 3, 7, 14, 28, 91))]
    step = next((hour for hour in hours if length / timedelta(hours=hour) <= _DAYS), hours[-1])
    midnight = begin.replace(hour=0, minute=0, second=0, microsecond=0)
    instants = [midnight + index * timedelta(hours=step) for index in range(_DAYS + 24 // min(step, 24) + 2)]
    shape = "%a %d %b" if step >= 24 else "%a %H:%M"  # noqa: PLR2004 - hours of a day
    inside = [instant for instant in instants if begin <= instant <= begin + _LAST * length]
    return [((instant - begin).total_seconds(), f"{instant:{shape}}") for instant in inside]


def _caption(text: str, keys: list[tuple[str, str]]) -> str:
    """What is drawn across, and what the lines are."""
    items = "".join(f'<li><i class="{style}"></i>{escaped(name)}</li>' for style, name in keys)
    return f'<p class="across">{escaped(text)}</p><ul class="key">{items}</ul>'
