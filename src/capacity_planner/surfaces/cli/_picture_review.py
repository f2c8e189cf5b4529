"""The picture of a review: what was kept against what was said, and what became of the plans over time."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from capacity_planner.surfaces.cli._picture import (
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    RED,
    common_legend,
    dates,
    panels,
    write,
)
from capacity_planner.surfaces.cli._review_words import context, headline

if TYPE_CHECKING:
    from pathlib import Path

    from capacity_planner.domain.review import PlanOutcome, PlanReview, ReliabilityBin

_HEIGHT, _COLUMNS, _ROOM = 8.0, 3, 0.03
_NORMAL = 1.959964
_SMALLEST, _SIZE = 30.0, 220.0


def draw_review(path: Path, found: PlanReview) -> None:
    """Write the picture to a file."""
    figure, (above, below) = panels(headline(found), context(found), 2, _HEIGHT, shared=False)
    _reliability(above, found)
    _outcomes(below, found)
    common_legend(figure, _COLUMNS)
    write(figure, path)


def likely(kept: float, plans: int) -> tuple[float, float]:
    """Wilson's interval, in which the true share of so many plans lies with a probability of 95 %.

    References:
        E. B. Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22, 1927.

    >>> [round(end, 3) for end in likely(1.0, 10)]
    [0.722, 1.0]
    """
    square = _NORMAL**2
    middle = (kept + square / (2.0 * plans)) / (1.0 + square / plans)
    half = _NORMAL * math.sqrt(kept * (1.0 - kept) / plans + square / (4.0 * plans**2)) / (1.0 + square / plans)
    return max(middle - half, 0.0), min(middle + half, 1.0)


def _reliability(axes: Any, found: PlanReview) -> None:
    axes.plot([0.0, 1.0], [0.0, 1.0], color=GREY, linewidth=1.2, linestyle="--", label="as often as said")
    bins = found.reliability
    for index, item in enumerate(bins):
        _bin(axes, item, max(other.plans for other in bins), labelled=index == 0)
    if bins and found.mean_confidence is not None:
        label = "all plans"
        axes.plot([found.mean_confidence], [found.kept_share], "D", color=ORANGE, markersize=7, label=label, zorder=4)
    lowest = min([item.low for item in bins] or [0.0])
    axes.set_xlim(max(lowest - _ROOM, -_ROOM), 1.0 + _ROOM)
    axes.set_ylim(-_ROOM, 1.0 + _ROOM)
    axes.set_xlabel("confidence that plans said")
    axes.set_ylabel("SLO kept")
    _in_percent(axes, across=True)


def _bin(axes: Any, item: ReliabilityBin, most: int, *, labelled: bool) -> None:
    """A point whose area grows with the plans, and where the true share lies."""
    low, high = likely(item.kept, item.plans)
    ends = [[max(item.kept - low, 0.0)], [max(high - item.kept, 0.0)]]
    axes.errorbar(
        [item.stated], [item.kept], yerr=ends, fmt="none", color=BLUE, label="95 % sure between" if labelled else None
    )
    size = max(_SIZE * item.plans / most, _SMALLEST)
    name = "plans by what they said" if labelled else None
    axes.scatter([item.stated], [item.kept], s=size, color=BLUE, label=name, zorder=3)
    axes.annotate(
        f"{item.plans:,}", (item.stated, item.kept), xytext=(9, -12), textcoords="offset points", color=GREY, fontsize=8
    )


def _outcomes(axes: Any, found: PlanReview) -> None:
    """Every plan by when it was made and what it said; its mark is what became of it."""
    looks: tuple[tuple[str, Any, dict[str, Any]], ...] = (
        ("kept its SLO", lambda item: item.kept is True, {"marker": "o", "color": GREEN}),
        ("broke its SLO", lambda item: item.kept is False, {"marker": "x", "color": RED, "markeredgewidth": 2.0}),
        ("not judged", lambda item: not item.judged, {"marker": "o", "color": GREY, "markerfacecolor": "none"}),
    )
    for label, chosen, look in looks:
        rows: list[PlanOutcome] = [item for item in found.outcomes if chosen(item)]
        if rows:
            made, said = [item.generated_at for item in rows], [item.confidence for item in rows]
            axes.plot(made, said, linestyle="", markersize=6, label=label, **look)
    axes.set_ylabel("confidence")
    axes.margins(y=0.1)
    axes.set_ylim(top=1.0 + _ROOM)
    _in_percent(axes, across=False)
    dates(axes)


def _in_percent(axes: Any, *, across: bool) -> None:
    for axis in (axes.yaxis, axes.xaxis) if across else (axes.yaxis,):
        axis.set_major_formatter(lambda value, _: f"{100.0 * value:.3g} %")
