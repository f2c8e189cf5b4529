"""What the replays come to: tables, and figures beside the bars that they are held against."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from _replays import KEDA, NOT_RIVALS, ORACLE, OURS, SHARES
from _tables import print_bar, print_table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from _replays import Row

_BEST = "best rival, picked per scenario"
_JOBS, _WINDOWS = "jobs", "windows"


def print_regret(rows: Sequence[Row]) -> None:
    """Cost at equal attainment: regret by policy and kind of scenario, the bars, and every scenario."""
    groups = {"all": list(rows)}
    for row in rows:
        for name in (row.case.regime, f"D {row.case.delay:g}", row.case.trace):
            groups.setdefault(name, []).append(row)
    names = sorted({name for row in rows for name in row.jobs})
    for title, kind in (("99 % of jobs in time", _JOBS), ("p95 in time in 99 % of five-minute windows", _WINDOWS)):
        print(f"\n### Cost regret at equal attainment: {title}")
        table = []
        for name in [*names, _BEST]:
            cells = [f"{_regret(held, name, kind):.2f}" for held in groups.values()]
            missed = sum(not _cost(row, name, kind)[1] for row in rows)
            table.append([name, *cells, str(missed)])
        print_table(["policy", *groups, "not reached"], sorted(table, key=lambda cells: float(cells[1])))
    _print_against(rows)
    _print_cases(rows)


def print_shipped(title: str, rows: Sequence[Row]) -> None:
    """What was delivered where the planner sets itself, against what was asked."""
    print(f"\n### {title}")
    table: list[list[str]] = []
    errors, costs = dict[float, float](), dict[float, float]()
    for share in SHARES:
        kept, paid, best, bound = (np.array([row.shipped[share][at] for row in rows]) for at in range(4))
        reached = np.isfinite(best)
        errors[share] = float(np.mean(np.abs(kept - share))) * 100.0
        costs[share] = _mean(paid[reached] / best[reached])
        delivered = " / ".join(f"{figure:.4f}" for figure in (kept.min(), float(np.median(kept)), kept.max()))
        cells = [f"{errors[share]:.2f}", f"{np.mean(kept >= share - 0.005):.0%}", f"{costs[share]:.3f}"]
        table.append([f"{share:.1%}", delivered, *cells, f"{bound.mean():.1%}"])
    head = ["asked", "delivered: least / median / most", "mean error, points", "at most .5 short", "cost / best fixed"]
    print_table([*head, "decisions limited"], table)
    kept = np.array([row.shipped[0.99][0] for row in rows])
    print_bar("mean error at 99 %, points", errors[0.99], 0.35)
    print_bar("not more than .5 points short of 99 %", float(np.mean(kept >= 0.985)), 0.95, at_least=True)
    print_bar("cost over the best fixed knob at 99 %", costs[0.99], 1.03)
    for row in sorted(rows, key=lambda row: row.shipped[0.99][0])[:5]:
        print(f"- least delivered at 99 %: {row.case.name}: {row.shipped[0.99][0]:.4f}")


def _cost(row: Row, name: str, kind: str) -> tuple[float, bool]:
    costs: dict[str, tuple[float, bool]] = getattr(row, kind)
    if name in costs:
        return costs[name]
    rivals = [cost for policy, cost in costs.items() if policy not in NOT_RIVALS]
    return min(rivals, key=lambda cost: (not cost[1], cost[0]))


def _regret(rows: Sequence[Row], name: str, kind: str) -> float:
    """Geometric mean of the cost over the bound, minus 1."""
    return _mean([max(_cost(row, name, kind)[0] / row.bound, 1e-9) for row in rows]) - 1.0


def _print_against(rows: Sequence[Row]) -> None:
    best = np.array([row.jobs[OURS][0] / _cost(row, _BEST, _JOBS)[0] for row in rows])
    keda = np.array([row.jobs[OURS][0] / row.jobs[KEDA][0] for row in rows])
    ours, oracle = _regret(rows, OURS, _JOBS), _regret(rows, ORACLE, _JOBS)
    print("\n### Against the bars, 99 % of jobs in time")
    print_bar("regret, jobs", ours, 0.45)
    print_bar("regret, windows", _regret(rows, OURS, _WINDOWS), 0.50)
    print_bar("cost over the best rival's, geometric mean", _mean(best), 0.90)
    print_bar("cost over tuned KEDA's, geometric mean", _mean(keda), 0.79)
    print_bar("scenarios cheaper than every tuned rival", float(np.mean(best < 1.0)), 0.90, at_least=True)
    print_bar("worst ratio to the best rival", float(best.max()), 1.12)
    print_bar("scenarios not reached", sum(not row.jobs[OURS][1] for row in rows), 0)
    low, high = np.quantile([_mean(draw) for draw in _draws(best)], [0.025, 0.975])
    print(f"- ratio to the best rival, 95 % over scenarios drawn anew: {low:.3f} to {high:.3f}")
    print(f"- split: bound to oracle {oracle:+.1%} (staffing), oracle to planner {(1 + ours) / (1 + oracle) - 1:+.1%}")
    for row, ratio in sorted(zip(rows, best.tolist(), strict=True), key=lambda pair: -pair[1])[:5]:
        print(f"- dearest against its best rival: {row.case.name}: {ratio:.2f}")


def _print_cases(rows: Sequence[Row]) -> None:
    print("\n### Every scenario, cost over mean load (jobs)")
    table = []
    for row in rows:
        cost, reached = _cost(row, _BEST, _JOBS)
        which = next(name for name, paid in row.jobs.items() if name not in NOT_RIVALS and paid[0] == cost)
        figures = (row.bound, row.jobs[ORACLE][0], row.jobs[OURS][0], cost)
        table.append([row.case.name, *(f"{figure:.2f}" for figure in figures), which if reached else "none"])
    print_table(["scenario", "bound", "oracle", "planner", "best rival", "which"], table)


def _mean(ratios: Any) -> float:
    return float(np.exp(np.mean(np.log(ratios))))


def _draws(values: Any, count: int = 1_000) -> Any:
    dice = np.random.default_rng(7)
    return values[dice.integers(0, len(values), (count, len(values)))]
