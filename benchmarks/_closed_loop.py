"""The comparison of policies: every case by the backtester, then the tables."""

from __future__ import annotations

from dataclasses import dataclass
from multiprocessing import get_context
from typing import TYPE_CHECKING, Any

from _closed_loop_tables import print_regret, print_shipped
from _replays import ORACLE, OURS, SHARES, Case, Row, cases
from capacity_planner.domain.config import PlannerConfig
from capacity_planner.pipeline._backtest_frontier import cost_at
from capacity_planner.pipeline.backtest import Backtester

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_JUDGED = 0.99


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is to be replayed.

    Attributes:
        only: a part of the names of the scenarios.
        rivals: names of policies; none is all of them.
        processes: how many scenarios at once.
    """

    only: str
    rivals: tuple[str, ...]
    processes: int


def run(parts: Sequence[str], folder: Path | None, asked: Asked, plots: Path | None) -> None:
    """Replay all cases, and print the tables of the parts asked for."""
    wanted = [case for case in cases(folder) if asked.only in case.name]
    everybody = (*asked.rivals, OURS, ORACLE) if asked.rivals else ()
    print(f"\n{len(wanted)} scenarios.", flush=True)
    if {"regret", "shipped"} & set(parts):
        rows = _replayed(wanted, everybody if "regret" in parts else (OURS,), asked.processes, limited=False)
        if "regret" in parts:
            print_regret(rows)
        if "shipped" in parts:
            print_shipped("As shipped: the planner sets itself", rows)
        if plots is not None:
            from _closed_loop_plot import draw  # noqa: PLC0415 - matplotlib, where asked for

            draw(rows, plots)
    if "limits" in parts:
        limited = _replayed(wanted, (OURS,), asked.processes, limited=True)
        print_shipped("As shipped, with the default step size and cooldown", limited)


def _replayed(wanted: Sequence[Case], policies: tuple[str, ...], processes: int, *, limited: bool) -> list[Row]:
    with get_context("fork").Pool(processes) as pool:
        return list(pool.imap(_replay, [(case, policies, limited) for case in wanted]))


def _replay(task: tuple[Case, tuple[str, ...], bool]) -> Row:
    case, policies, limited = task
    limits: dict[str, Any] = {}
    if limited:
        config = PlannerConfig()
        limits = {"max_step_size": config.max_step_size, "cooldown_period": config.cooldown_period}
    backtester = Backtester()
    swept = backtester.run(case.scenario(_JUDGED, policies=policies, sweep=True, **limits))
    load = case.load * swept.scored.total_seconds() / 3_600.0
    frontier = next(item for item in swept.frontiers if item.policy == OURS)
    points = [(point.share_in_time, point.worker_hours) for point in frontier.points if point.knob is not None]
    shipped = {}
    for share in SHARES:
        alone = swept
        if share != _JUDGED:
            alone = backtester.run(case.scenario(share, policies=(OURS,), sweep=False, **limits))
        mine = next(item for item in alone.outcomes if item.policy == OURS)
        best = cost_at(points, share)
        shipped[share] = (mine.share_in_time, mine.worker_hours / load, best / load, mine.time_limited)
    print(f"  {case.name}: {swept.duration.total_seconds():.0f} s", flush=True)
    return Row(
        case=case,
        bound=swept.bound_worker_hours / load,
        jobs={item.policy: (item.worker_hours / load, item.reached) for item in swept.equal},
        windows={item.policy: (item.windows_worker_hours / load, item.windows_reached) for item in swept.equal},
        shipped=shipped,
    )
