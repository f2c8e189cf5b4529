"""The picture of a backtest: what share in time each policy buys, one line for each knob."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from capacity_planner.domain.backtest import ORACLE, PLANNER
from capacity_planner.surfaces.cli._backtest_words import asked_of, context, mean_workers, title_of, verdict
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
    panels,
    shortened,
    write,
)

if TYPE_CHECKING:
    from pathlib import Path

    from capacity_planner.domain.attainment import Frontier
    from capacity_planner.domain.backtest import Backtest

_COLOURS = (ORANGE, GREEN, PURPLE, RED, BLACK, GREY)
_STYLES: tuple[Any, ...] = ("-", "--", "-.", ":")
_MARKERS = "sD^vP*X<>hp8"
_SHARES = (0.0, 0.5, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.998, 0.999, 0.9999)
_TOP, _ROOM, _BEST = 4e-4, 1.15, 4
_HEIGHT, _COLUMNS = 6.4, 2


def draw_backtest(path: Path, found: Backtest) -> None:
    """Write the picture to a file."""
    figure, (axes,) = panels(verdict(found), context(found), 1, _HEIGHT)
    asked = found.scenario.asked_share
    top = min(_TOP, (1.0 - asked) / 8.0)
    for index, name in enumerate(names_of(found)):
        _policy(axes, found, name, _look(name, index), top)
    bound = mean_workers(found, found.bound_worker_hours)
    axes.axvline(bound, color=GREY, linewidth=1.2, linestyle=":", label="clairvoyant bound")
    axes.axhline(1.0 - asked, color=RED, linewidth=1.2, linestyle="--", label=f"asked: {asked_of(found)}")
    axes.plot([], [], "o", color=GREY, markersize=6, label="as shipped")
    axes.set_xlabel("workers on average")
    axes.set_ylabel("jobs in time")
    axes.set_yscale("log")
    axes.set_ylim(lowest_share(found), top / 1.3)
    axes.set_yticks([1.0 - share for share in shown_shares(found, top)])
    axes.set_yticks([], minor=True)
    axes.yaxis.set_major_formatter(lambda late, _: f"{100.0 * (1.0 - late):.5g} %")
    axes.set_xlim(0.0, most_workers(found))
    common_legend(figure, _COLUMNS)
    write(figure, path)


def names_of(found: Backtest) -> list[str]:
    """The policies, those that know the future and this planner first."""
    first = [name for name in (PLANNER, ORACLE) if found.outcome(name)]
    order = [item.policy for item in (found.equal or found.outcomes)]
    return first + [name for name in order if name not in first]


def points_of(found: Backtest, name: str) -> list[tuple[float, float]]:
    """Workers on average and share in time of each value of a policy's knob, the cheapest first."""
    frontier: Frontier | None = next((item for item in found.frontiers if item.policy == name), None)
    points = frontier.points if frontier else ()
    return [(mean_workers(found, point.worker_hours), point.share_in_time) for point in points]


def until_all(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """The points up to the first at which all jobs are in time: more workers buy nothing beyond."""
    end = next((index for index, (_, share) in enumerate(points) if share >= 1.0), len(points))
    return points[: end + 1]


def most_workers(found: Backtest) -> float:
    """Where the picture ends: a little beyond what matters at the asked share."""
    tuned = [mean_workers(found, item.worker_hours) for item in found.equal if item.reached]
    best = [*(item.mean_workers for item in found.outcomes if item.policy in {PLANNER, ORACLE}), *sorted(tuned)[:_BEST]]
    return _ROOM * max([*best, float(found.static_workers), 1.0])


def lowest_share(found: Backtest) -> float:
    """The largest late share that is drawn: what is shipped is there, as far as it is of interest."""
    worst = max((1.0 - item.share_in_time for item in found.outcomes), default=1.0)
    return min(1.0, max(worst * 1.3, 20.0 * (1.0 - found.scenario.asked_share)))


def shown_shares(found: Backtest, top: float) -> list[float]:
    """Shares at which there is a line."""
    low = lowest_share(found)
    return [share for share in _SHARES if top / 1.3 <= 1.0 - share <= low]


def _policy(axes: Any, found: Backtest, name: str, look: dict[str, Any], top: float) -> None:
    points = points_of(found, name)
    style = {key: value for key, value in look.items() if key != "marker"}
    label: str | None = shortened(title_of(found, name))
    if len(points) > 1:
        drawn = until_all(points)
        lates = [max(1.0 - share, top) for _, share in drawn]
        axes.plot([workers for workers, _ in drawn], lates, label=label, **style)
        label = None
    shipped = found.outcome(name)
    if shipped is not None:
        late = max(1.0 - shipped.share_in_time, top)
        size = 9 if name == PLANNER else 6
        look = {**look, "linestyle": "", "markersize": size, "markeredgecolor": "white"}
        axes.plot([shipped.mean_workers], [late], label=label, **look)


def _look(name: str, index: int) -> dict[str, Any]:
    if name == PLANNER:
        return {"color": BLUE, "linewidth": 2.6, "marker": "o", "zorder": 5}
    if name == ORACLE:
        return {"color": SKY, "linewidth": 1.6, "linestyle": "--", "marker": "o", "zorder": 4}
    rounds, place = divmod(index, len(_COLOURS))
    style = _STYLES[(place + rounds) % len(_STYLES)]
    marker = _MARKERS[index % len(_MARKERS)]
    return {"color": _COLOURS[place], "linewidth": 1.3, "linestyle": style, "marker": marker}
